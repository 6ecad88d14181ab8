package invitations

import (
	"context"
	"net/http"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// Operations are the HTTP operations of this slice.
type Operations struct {
	desk     *Desk
	sessions *identity.Operations
}

// NewOperations serves the desk; sessions opens the first session of a person.
func NewOperations(d *Desk, sessions *identity.Operations) *Operations {
	return &Operations{desk: d, sessions: sessions}
}

// InviteRequest is POST /v1/invitations.
type InviteRequest struct {
	Body struct {
		Email string        `json:"email" maxLength:"254"`
		Role  contract.Role `json:"role" maxLength:"20" doc:"at most what the caller's own role covers"`
	}
}

// InviteResponse names the invitation; its status is 201.
type InviteResponse struct {
	Body struct {
		ID id.Invitation `json:"id"`
	}
}

// Invite asks somebody to join the caller's tenant.
func (o *Operations) Invite(ctx context.Context, r *InviteRequest) (*InviteResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Members, tenancy.Manage)
	if err != nil {
		return nil, err
	}
	made, err := o.desk.Invite(ctx, who, r.Body.Email, r.Body.Role)
	if err != nil {
		return nil, err
	}
	var answer InviteResponse
	answer.Body.ID = made
	return &answer, nil
}

// ListRequest is GET /v1/invitations.
type ListRequest struct{}

// InvitationView is an invitation as members see it.
type InvitationView struct {
	ID      id.Invitation `json:"id"`
	Email   string        `json:"email"`
	Role    contract.Role `json:"role"`
	Inviter string        `json:"inviter" doc:"address"`
	Sent    time.Time     `json:"sent" doc:"the last time"`
	Expires time.Time     `json:"expires"`
	Over    bool          `json:"over" doc:"its link works no more; it can be sent again"`
}

// ListResponse are the open invitations of the tenant.
type ListResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Invitations []InvitationView `json:"invitations"`
	}
}

// List shows the invitations that were neither used nor revoked.
func (o *Operations) List(ctx context.Context, _ *ListRequest) (*ListResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Members, tenancy.Read)
	if err != nil {
		return nil, err
	}
	open, err := o.desk.Open(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	r := &ListResponse{CacheControl: "no-store"}
	r.Body.Invitations = []InvitationView{}
	for _, i := range open {
		r.Body.Invitations = append(r.Body.Invitations, InvitationView{
			ID: i.ID, Email: string(i.Email), Role: i.Role, Inviter: i.ByEmail,
			Sent: i.Sent, Expires: time.UnixMilli(i.Expires).UTC(), Over: i.over(o.desk.now()),
		})
	}
	return r, nil
}

// OneRequest names an invitation of the caller's tenant.
type OneRequest struct {
	ID string `path:"id" maxLength:"40"`
}

// Done is an answer without a body; its status is 204.
type Done struct{}

// Resend is POST /v1/invitations/{id}/resend.
func (o *Operations) Resend(ctx context.Context, r *OneRequest) (*Done, error) {
	return o.on(ctx, r, o.desk.Resend)
}

// Revoke is DELETE /v1/invitations/{id}.
func (o *Operations) Revoke(ctx context.Context, r *OneRequest) (*Done, error) {
	return o.on(ctx, r, o.desk.Revoke)
}

func (o *Operations) on(ctx context.Context, r *OneRequest, do func(context.Context, identity.Who, id.Invitation) error) (*Done, error) {
	who, err := tenancy.Require(ctx, tenancy.Members, tenancy.Manage)
	if err != nil {
		return nil, err
	}
	wanted, err := id.ParseInvitation(r.ID)
	if err != nil {
		return nil, ErrNone
	}
	if err := do(ctx, who, wanted); err != nil {
		return nil, err
	}
	return &Done{}, nil
}

// LookRequest is POST /v1/invitations/look. The token travels in the body, so that it is
// in no log.
type LookRequest struct {
	Body struct {
		Token string `json:"token" maxLength:"128"`
	}
}

// LookResponse is an invitation as who holds its link sees it.
type LookResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Company string        `json:"company"`
		Inviter string        `json:"inviter" doc:"address"`
		Email   string        `json:"email" doc:"that was invited"`
		Role    contract.Role `json:"role"`
		Expires time.Time     `json:"expires"`
		Next    Next          `json:"next" enum:"accept,sign_up,sign_in,switch" doc:"what its reader has to do to join"`
	}
}

// Look shows an invitation before it is accepted.
func (o *Operations) Look(ctx context.Context, r *LookRequest) (*LookResponse, error) {
	i, company, next, err := o.desk.Look(ctx, r.Body.Token)
	if err != nil {
		return nil, err
	}
	answer := &LookResponse{CacheControl: "no-store"}
	answer.Body.Company, answer.Body.Inviter, answer.Body.Email = company, i.ByEmail, string(i.Email)
	answer.Body.Role, answer.Body.Expires, answer.Body.Next = i.Role, time.UnixMilli(i.Expires).UTC(), next
	return answer, nil
}

// AcceptRequest is POST /v1/invitations/accept. Mail scanners that follow links use up
// nothing.
type AcceptRequest struct {
	identity.Cookies
	Body struct {
		Token    string `json:"token" maxLength:"128"`
		Password string `json:"password,omitempty" doc:"of the new account, when the address has none; 15 to 128 characters"`
	}
}

// AcceptResponse is the session in the company that was joined, with its cookie when it
// is a new one.
type AcceptResponse struct {
	SetCookie    []http.Cookie `header:"Set-Cookie"`
	CacheControl string        `header:"Cache-Control"`
	Body         identity.View
}

// Accept joins.
func (o *Operations) Accept(ctx context.Context, r *AcceptRequest) (*AcceptResponse, error) {
	person, made, err := o.desk.Accept(ctx, r.Body.Token, r.Body.Password)
	if err != nil {
		return nil, err
	}
	if made {
		in, err := o.sessions.Open(ctx, person, r.Cookies)
		if err != nil {
			return nil, err
		}
		return &AcceptResponse{SetCookie: []http.Cookie{in.SetCookie}, CacheControl: in.CacheControl, Body: in.Body}, nil
	}
	who, err := identity.Require(ctx)
	if err != nil {
		return nil, err
	}
	if who.Tenant, who.Role, err = o.desk.tenants.Current(ctx, who.Person); err != nil {
		return nil, err
	}
	who.Restricted = nil
	session, err := o.sessions.Session(identity.With(ctx, who), nil)
	if err != nil {
		return nil, err
	}
	return &AcceptResponse{CacheControl: session.CacheControl, Body: session.Body}, nil
}
