package audit

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
)

// Operations are the HTTP operations of this slice. The tenant is always the
// caller's.
type Operations struct {
	log   *Log
	whole *identity.Limiter // by tenant: exports and checks read the whole log
}

// wholeBudget is how often the whole log is read for one tenant.
var wholeBudget = identity.Budget{Burst: 20, Every: 10 * time.Second}

// NewOperations serves l.
func NewOperations(l *Log) *Operations {
	return &Operations{log: l, whole: identity.NewLimiter(wholeBudget, l.now)}
}

// ListRequest is GET /v1/audit.
type ListRequest struct {
	Actor  string    `query:"actor" maxLength:"254" doc:"e-mail address of who did it, or product"`
	Action string    `query:"action" maxLength:"100" doc:"type of the event, such as billing.plan_changed"`
	From   time.Time `query:"from" doc:"the first moment that counts"`
	To     time.Time `query:"to" doc:"the first moment that does not count any more"`
	Cursor string    `query:"cursor" maxLength:"2000" doc:"next of the page before, with the same filters"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// ListResponse is one page, the latest first.
type ListResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Entries []AuditEntry `json:"entries"`
		Next    string       `json:"next" doc:"cursor of the next page; empty at the end"`
		Actions []AuditWord  `json:"actions" doc:"the actions that have words"`
	}
}

// List shows the log.
func (o *Operations) List(ctx context.Context, r *ListRequest) (*ListResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Audit, tenancy.Read)
	if err != nil {
		return nil, err
	}
	entries, next, err := o.log.List(ctx, who.Tenant, Filter{
		Actor: r.Actor, Action: r.Action, From: r.From, To: r.To, Cursor: r.Cursor, Limit: r.Limit,
	})
	if err != nil {
		return nil, err
	}
	answer := &ListResponse{CacheControl: "no-store"}
	answer.Body.Entries, answer.Body.Next, answer.Body.Actions = entries, next, Words()
	return answer, nil
}

// Nothing is a request without parameters.
type Nothing struct{}

// File is a file that is written while it is sent.
type File struct {
	Name  string
	Type  string
	Write func(ctx context.Context, to io.Writer) error
}

// Export gives the whole log as a file. The export has its own entry in it.
func (o *Operations) Export(ctx context.Context, _ *Nothing) (File, error) {
	who, err := o.readsWhole(ctx, Exported)
	if err != nil {
		return File{}, err
	}
	return File{
		Name: fmt.Sprintf("audit-%s-%s.ndjson", who.Tenant, o.log.now().UTC().Format("2006-01-02")),
		Type: "application/x-ndjson",
		Write: func(ctx context.Context, to io.Writer) error {
			return o.log.Export(ctx, who.Tenant, who.Email, to)
		},
	}, nil
}

// CheckResponse is what a check found.
type CheckResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         LogFinding
}

// Check checks the whole log as it is stored.
func (o *Operations) Check(ctx context.Context, _ *Nothing) (*CheckResponse, error) {
	who, err := o.readsWhole(ctx, Checked)
	if err != nil {
		return nil, err
	}
	f, err := o.log.Check(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	if !f.OK {
		o.log.log.ErrorContext(ctx, "an audit log is not as it was written", "tenant", who.Tenant, "slot", f.Slot, "why", f.Why)
	}
	return &CheckResponse{CacheControl: "no-store", Body: f}, nil
}

// readsWhole is who may read the whole log now, with that noted.
func (o *Operations) readsWhole(ctx context.Context, action string) (identity.Who, error) {
	who, err := tenancy.Require(ctx, tenancy.Audit, tenancy.Read)
	if err != nil {
		return who, err
	}
	if err := o.whole.Take(string(who.Tenant)); err != nil {
		return who, ErrTooMany
	}
	return who, o.log.Record(ctx, Happening{Tenant: who.Tenant, Action: action})
}
