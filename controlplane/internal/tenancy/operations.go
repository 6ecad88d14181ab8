package tenancy

import (
	"context"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// Operations are the HTTP operations of this slice. The tenant is always the
// caller's, except where one of the caller's own is chosen.
type Operations struct{ tenants *Tenants }

// NewOperations serves tenants.
func NewOperations(t *Tenants) *Operations { return &Operations{t} }

// noStore keeps personal answers out of every cache.
const noStore = "no-store"

// PermissionsRequest is GET /v1/permissions.
type PermissionsRequest struct{}

// RoleView is a role in words, with the roles that who has it may give away.
type RoleView struct {
	Role    contract.Role   `json:"role"`
	Name    string          `json:"name"`
	Summary string          `json:"summary"`
	Grants  []contract.Role `json:"grants"`
}

// PermissionsResponse is the table that the server itself goes by.
type PermissionsResponse struct {
	Body struct {
		Permissions []Permission `json:"permissions"`
		Roles       []RoleView   `json:"roles" doc:"the one that may do most first"`
	}
}

// words are the roles in words; the table says exactly what they may do.
var words = map[contract.Role][2]string{
	contract.RoleOwner:    {"Owner", "May do everything, and is the only one who can close the company."},
	contract.RoleAdmin:    {"Admin", "Runs the account: people, plan, data, decisions and moves."},
	contract.RoleOperator: {"Operator", "Works with data and decisions, moves the workspace and manages its keys."},
	contract.RoleAnalyst:  {"Analyst", "Works with data and decisions."},
	contract.RoleBilling:  {"Billing", "Manages plan, invoices and payment; reads the rest."},
	contract.RoleAuditor:  {"Auditor", "Reads everything, the audit log and the list of keys included."},
	contract.RoleViewer:   {"Viewer", "Reads data, decisions and the plan."},
}

// Permissions tells a signed-in browser which role may do what.
func (o *Operations) Permissions(ctx context.Context, _ *PermissionsRequest) (*PermissionsResponse, error) {
	if _, err := identity.RequireAny(ctx); err != nil {
		return nil, err
	}
	var r PermissionsResponse
	r.Body.Permissions = Permissions()
	for _, role := range Roles() {
		r.Body.Roles = append(r.Body.Roles, RoleView{Role: role, Name: words[role][0], Summary: words[role][1], Grants: grants(role)})
	}
	return &r, nil
}

// grants are the roles that a member with role may give away.
func grants(role contract.Role) []contract.Role {
	given := []contract.Role{}
	if !May(role, Members, Manage) {
		return given
	}
	for _, other := range Roles() {
		if Covers(role, other) {
			given = append(given, other)
		}
	}
	return given
}

// MembersRequest is GET /v1/members.
type MembersRequest struct{}

// MemberView is a member as others see it, with what the caller can do about it.
type MemberView struct {
	Person   id.Person       `json:"person"`
	Email    string          `json:"email"`
	Role     contract.Role   `json:"role"`
	Joined   time.Time       `json:"joined"`
	You      bool            `json:"you"`
	ReadOnly bool            `json:"readOnly" doc:"there is no seat for this member on the present plan"`
	Roles    []contract.Role `json:"roles" doc:"that the caller can give this member"`
	Remove   bool            `json:"remove" doc:"whether the caller can take this member out, or leave"`
	GiveSeat bool            `json:"giveSeat" doc:"whether the caller can give this member the seat of another"`
}

// SeatsView is how many seats there are.
type SeatsView struct {
	Used  int    `json:"used"`
	Limit int    `json:"limit" doc:"0 is unlimited"`
	Plan  string `json:"plan" doc:"its name; empty when nothing is bought"`
}

// MembersResponse is the roll of the tenant.
type MembersResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Members []MemberView `json:"members" doc:"in the order in which they joined"`
		Seats   SeatsView    `json:"seats"`
	}
}

// Members lists the members and the seats of the tenant.
func (o *Operations) Members(ctx context.Context, _ *MembersRequest) (*MembersResponse, error) {
	who, err := Require(ctx, Members, Read)
	if err != nil {
		return nil, err
	}
	tenant, err := o.tenants.Tenant(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	seats, err := o.tenants.seats(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	r := &MembersResponse{CacheControl: noStore}
	r.Body.Seats = SeatsView{Used: len(tenant.Roll), Limit: seats.Limit, Plan: seats.Plan}
	readers := tenant.readers(seats)
	for _, m := range tenant.Roll {
		r.Body.Members = append(r.Body.Members, tenant.view(who, m, readers[m.Person]))
	}
	return r, nil
}

func (t *Tenant) view(who identity.Who, m Member, reader bool) MemberView {
	last := m.Role == contract.RoleOwner && t.owners() == 1
	open := t.restriction() == nil
	reach := open && May(who.Role, Members, Manage) && Covers(who.Role, m.Role)
	v := MemberView{
		Person: m.Person, Email: m.Email, Role: m.Role, Joined: m.Joined, You: m.Person == who.Person, ReadOnly: reader,
		Roles: []contract.Role{}, Remove: !last && (reach || m.Person == who.Person), GiveSeat: reach && reader,
	}
	if reach && !last {
		v.Roles = grants(who.Role)
	}
	return v
}

// MemberRequest names a member of the caller's tenant.
type MemberRequest struct {
	Person string `path:"person" maxLength:"40"`
}

// SetRoleRequest is PATCH /v1/members/{person}.
type SetRoleRequest struct {
	MemberRequest
	Body struct {
		Role contract.Role `json:"role" maxLength:"20" doc:"at most what the caller's own role covers"`
	}
}

// Done is an answer without a body; its status is 204.
type Done struct{}

// SetRole gives a member another role.
func (o *Operations) SetRole(ctx context.Context, r *SetRoleRequest) (*Done, error) {
	who, p, err := o.manages(ctx, r.MemberRequest)
	if err != nil {
		return nil, err
	}
	return done(o.tenants.SetRole(ctx, who.Tenant, who.Person, p, r.Body.Role))
}

// GiveSeat gives a member a seat before others, POST /v1/members/{person}/seat.
func (o *Operations) GiveSeat(ctx context.Context, r *MemberRequest) (*Done, error) {
	who, p, err := o.manages(ctx, *r)
	if err != nil {
		return nil, err
	}
	return done(o.tenants.GiveSeat(ctx, who.Tenant, who.Person, p))
}

func (o *Operations) manages(ctx context.Context, r MemberRequest) (identity.Who, id.Person, error) {
	who, err := Require(ctx, Members, Manage)
	if err != nil {
		return who, "", err
	}
	p, err := id.ParsePerson(r.Person)
	if err != nil {
		return who, "", ErrMember
	}
	return who, p, nil
}

// Remove takes a member out, or lets the caller leave: DELETE /v1/members/{person}.
func (o *Operations) Remove(ctx context.Context, r *MemberRequest) (*Done, error) {
	who, err := RequireRole(ctx, Members, Read)
	if err != nil {
		return nil, err
	}
	p, err := id.ParsePerson(r.Person)
	if err != nil {
		return nil, ErrMember
	}
	if p != who.Person { // nobody needs a right to leave
		if who, err = Require(ctx, Members, Manage); err != nil {
			return nil, err
		}
	}
	return done(o.tenants.Remove(ctx, who.Tenant, who.Person, p))
}

func done(err error) (*Done, error) {
	if err != nil {
		return nil, err
	}
	return &Done{}, nil
}

// TenantsRequest is GET /v1/tenants.
type TenantsRequest struct{}

// MembershipView is one of the caller's companies.
type MembershipView struct {
	ID      id.Tenant     `json:"id"`
	Name    string        `json:"name"`
	Role    contract.Role `json:"role"`
	Status  Status        `json:"status" enum:"active,suspended,closing,closed,erasing"`
	Current bool          `json:"current"`
}

// TenantsResponse are the caller's companies, the last used first.
type TenantsResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Tenants []MembershipView `json:"tenants"`
	}
}

// Tenants lists where the caller is a member.
func (o *Operations) Tenants(ctx context.Context, _ *TenantsRequest) (*TenantsResponse, error) {
	who, err := identity.Require(ctx)
	if err != nil {
		return nil, err
	}
	r := &TenantsResponse{CacheControl: noStore}
	r.Body.Tenants = []MembershipView{}
	err = o.tenants.each(ctx, who.Person, func(t Tenant, _ Membership) bool {
		if m, err := t.member(who.Person); err == nil {
			r.Body.Tenants = append(r.Body.Tenants, MembershipView{ID: t.ID, Name: t.Name, Role: m.Role, Status: t.Status, Current: t.ID == who.Tenant})
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// FoundRequest is POST /v1/tenants.
type FoundRequest struct {
	Body struct {
		Name string `json:"name" maxLength:"200" doc:"of the company"`
	}
}

// FoundResponse names the new company; its status is 201.
type FoundResponse struct {
	Body struct {
		ID id.Tenant `json:"id"`
	}
}

// Found makes another company, which becomes the one the caller works in.
func (o *Operations) Found(ctx context.Context, r *FoundRequest) (*FoundResponse, error) {
	who, err := identity.Require(ctx)
	if err != nil {
		return nil, err
	}
	tenant, err := o.tenants.Found(ctx, who, r.Body.Name)
	if err != nil {
		return nil, err
	}
	var answer FoundResponse
	answer.Body.ID = tenant
	return &answer, nil
}

// ChooseRequest is POST /v1/session/tenant.
type ChooseRequest struct {
	Body struct {
		Tenant string `json:"tenant" maxLength:"40" doc:"one of the caller's companies"`
	}
}

// Choose makes another of the caller's companies the one to work in.
func (o *Operations) Choose(ctx context.Context, r *ChooseRequest) (*Done, error) {
	who, err := identity.Require(ctx)
	if err != nil {
		return nil, err
	}
	tenant, err := id.ParseTenant(r.Body.Tenant)
	if err != nil {
		return nil, ErrNotFound
	}
	return done(o.tenants.Choose(ctx, who.Person, tenant))
}

// CompanyRequest is GET /v1/company.
type CompanyRequest struct{}

// CompanyResponse is the company as its members see it.
type CompanyResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		ID       id.Tenant  `json:"id"`
		Name     string     `json:"name"`
		Created  time.Time  `json:"created"`
		Status   Status     `json:"status" enum:"active,suspended,closing,closed,erasing"`
		DeleteAt *time.Time `json:"deleteAt" doc:"when a closed company is deleted; null for any other"`
	}
}

// Company shows the caller's company.
func (o *Operations) Company(ctx context.Context, _ *CompanyRequest) (*CompanyResponse, error) {
	who, err := Require(ctx, Company, Read)
	if err != nil {
		return nil, err
	}
	t, err := o.tenants.Tenant(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	r := &CompanyResponse{CacheControl: noStore}
	r.Body.ID, r.Body.Name, r.Body.Created, r.Body.Status = t.ID, t.Name, t.Created, t.Status
	if !t.DeleteAt.IsZero() {
		r.Body.DeleteAt = &t.DeleteAt
	}
	return r, nil
}

// RenameRequest is PATCH /v1/company.
type RenameRequest struct {
	Body struct {
		Name string `json:"name" maxLength:"200"`
	}
}

// Rename gives the company another name.
func (o *Operations) Rename(ctx context.Context, r *RenameRequest) (*Done, error) {
	who, err := Require(ctx, Company, Manage)
	if err != nil {
		return nil, err
	}
	return done(o.tenants.Rename(ctx, who.Tenant, r.Body.Name))
}
