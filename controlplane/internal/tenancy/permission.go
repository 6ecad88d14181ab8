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
	Keys      Resource = "keys"  // of the API
	Moves     Resource = "moves" // of the tenant between environments

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
		{Keys, Read, everyone},
		{Keys, Manage, managers},
		{Moves, Read, everyone},
		{Moves, Manage, everyone[:1]},
	}
}

// May says whether role may take the action on the resource.
func May(role contract.Role, r Resource, a Action) bool {
	return slices.ContainsFunc(Permissions(), func(p Permission) bool {
		return p.Resource == r && p.Action == a && slices.Contains(p.Roles, role)
	})
}

// Scope is how a permission is written where one is given to an API key.
func Scope(r Resource, a Action) string { return string(r) + ":" + string(a) }

// InScope fails with ErrScope when who asks with an API key that was not given the
// permission. It does not look at the role.
func InScope(who identity.Who, r Resource, a Action) error {
	if who.Scopes == nil || slices.Contains(who.Scopes, Scope(r, a)) {
		return nil
	}
	return ErrScope.Saying("This API key was not given the scope %s. Make one that has it under Settings, API keys.", Scope(r, a))
}

// Require is who asks, if the role in the current tenant allows the action, and so
// does the API key if one is used. It fails with identity.ErrSignedOut, ErrNoTenant,
// ErrForbidden or ErrScope.
func Require(ctx context.Context, r Resource, a Action) (identity.Who, error) {
	who, err := identity.RequireAny(ctx)
	switch {
	case err != nil:
		return who, err
	case who.Tenant == "":
		return who, ErrNoTenant
	case !May(who.Role, r, a):
		return who, ErrForbidden
	}
	return who, InScope(who, r, a)
}
