package tenancy

import (
	"context"
	"slices"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/shared/contract"
)

// Resource is what a permission is about.
type Resource string

// Action is what a permission allows.
type Action string

// The resources and actions of this version.
const (
	Billing   Resource = "billing"
	Data      Resource = "data"
	Decisions Resource = "decisions"
	Moves     Resource = "moves" // of the tenant between environments
	Audit     Resource = "audit" // who did what

	Read   Action = "read"
	Manage Action = "manage"
	Write  Action = "write"
	Run    Action = "run"
)

// Permission says which roles may take an action on a resource.
type Permission struct {
	Resource Resource        `json:"resource"`
	Action   Action          `json:"action"`
	Roles    []contract.Role `json:"roles"`
}

// Permissions is the whole table. What is not in it nobody may do.
func Permissions() []Permission {
	everyone := []contract.Role{contract.RoleOwner, contract.RoleAdmin, contract.RoleAnalyst, contract.RoleViewer}
	workers := everyone[:3]
	managers := everyone[:2]
	return []Permission{
		{Billing, Read, everyone},
		{Billing, Manage, managers},
		{Data, Read, everyone},
		{Data, Write, workers},
		{Decisions, Read, everyone},
		{Decisions, Run, workers},
		{Moves, Read, everyone},
		{Moves, Manage, everyone[:1]},
		{Audit, Read, []contract.Role{contract.RoleOwner, contract.RoleAdmin, contract.RoleAuditor}},
	}
}

// May says whether role may take the action on the resource.
func May(role contract.Role, r Resource, a Action) bool {
	return slices.ContainsFunc(Permissions(), func(p Permission) bool {
		return p.Resource == r && p.Action == a && slices.Contains(p.Roles, role)
	})
}

// Require is who asks, if the role in the current tenant allows the action. It
// fails with identity.ErrSignedOut, ErrNoTenant or ErrForbidden.
func Require(ctx context.Context, r Resource, a Action) (identity.Who, error) {
	who, err := identity.Require(ctx)
	switch {
	case err != nil:
		return who, err
	case who.Tenant == "":
		return who, ErrNoTenant
	case !May(who.Role, r, a):
		return who, ErrForbidden
	}
	return who, nil
}
