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
	Company   Resource = "company" // name, closing
	Members   Resource = "members" // and invitations
	Billing   Resource = "billing"
	Data      Resource = "data"
	Decisions Resource = "decisions"
	Moves     Resource = "moves" // of the tenant between environments
	Keys      Resource = "keys"  // for programs
	Audit     Resource = "audit" // who did what

	Read   Action = "read"
	Manage Action = "manage"
	Write  Action = "write"
	Run    Action = "run"
	Export Action = "export"
	Close  Action = "close"
)

// reading says whether the action changes nothing, so that it stays open to who is
// restricted.
func (a Action) reading() bool { return a == Read || a == Export }

// Permission says which roles may take an action on a resource.
type Permission struct {
	Resource Resource        `json:"resource"`
	Action   Action          `json:"action"`
	Roles    []contract.Role `json:"roles"`
}

// Roles are all roles, the one that may do most first.
func Roles() []contract.Role {
	return []contract.Role{
		contract.RoleOwner, contract.RoleAdmin, contract.RoleOperator, contract.RoleAnalyst,
		contract.RoleBilling, contract.RoleAuditor, contract.RoleViewer,
	}
}

// Permissions is the whole table. What is not in it nobody may do.
func Permissions() []Permission {
	const (
		owner, admin, billing      = contract.RoleOwner, contract.RoleAdmin, contract.RoleBilling
		operator, analyst, auditor = contract.RoleOperator, contract.RoleAnalyst, contract.RoleAuditor
	)
	of := func(roles ...contract.Role) []contract.Role { return roles }
	return []Permission{
		{Company, Read, Roles()},
		{Company, Manage, of(owner, admin)},
		{Company, Export, of(owner, admin)},
		{Company, Close, of(owner)},
		{Members, Read, Roles()},
		{Members, Manage, of(owner, admin)},
		{Billing, Read, Roles()},
		{Billing, Manage, of(owner, admin, billing)},
		{Data, Read, Roles()},
		{Data, Write, of(owner, admin, operator, analyst)},
		{Decisions, Read, Roles()},
		{Decisions, Run, of(owner, admin, operator, analyst)},
		{Moves, Read, Roles()},
		{Moves, Manage, of(owner, admin, operator)},
		{Keys, Read, of(owner, admin, operator, auditor)},
		{Keys, Manage, of(owner, admin, operator)},
		{Audit, Read, of(owner, admin, auditor)},
		{Audit, Export, of(owner, admin, auditor)},
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

// Covers says whether role may do all that other may, so that who has role can give
// other away.
func Covers(role, other contract.Role) bool {
	return Known(role) && Known(other) && !slices.ContainsFunc(Permissions(), func(p Permission) bool {
		return slices.Contains(p.Roles, other) && !slices.Contains(p.Roles, role)
	})
}

// Known says whether there is such a role.
func Known(role contract.Role) bool { return slices.Contains(Roles(), role) }

// Require is who asks, if the role in the current tenant allows the action, and so
// does the API key if one is used. It fails with identity.ErrSignedOut, ErrNoTenant,
// ErrForbidden, ErrScope, or with what restricts who to reading.
func Require(ctx context.Context, r Resource, a Action) (identity.Who, error) {
	who, err := RequireRole(ctx, r, a)
	if err == nil && who.Restricted != nil && !a.reading() {
		return who, who.Restricted
	}
	return who, err
}

// RequireRole is Require for what also a restricted member has to be able to do, such
// as opening a closed company again or making room on a smaller plan.
func RequireRole(ctx context.Context, r Resource, a Action) (identity.Who, error) {
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
