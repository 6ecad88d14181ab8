package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/controlplane/internal/gateway"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// errNoAccess is for a tenant that has not paid, or whose subscription is over.
var errNoAccess = fault.New(fault.Exhausted, "gateway.no_access", "There is no active plan. Choose one under Plans.")

// ways leads a request from a signed-in person to the agent that serves the
// tenant.
type ways struct {
	fleet  *fleet.Service
	books  *billing.Books
	gate   *gateway.Gateway
	owners *owners
	now    func() time.Time
}

// routes are the routes of the placements in the words of the gateway.
type routes struct{ *provisioning.Service }

// Route implements gateway.Routes.
func (r routes) Route(ctx context.Context, t id.Tenant) (gateway.Route, error) {
	route, err := r.Service.Route(ctx, t)
	return gateway.Route(route), err
}

// forward carries the request of whoever is in its context.
func (w *ways) forward(ctx context.Context, r *http.Request) (*http.Response, error) {
	who, err := identity.RequireAny(ctx)
	if err != nil {
		return nil, err
	}
	if who.Tenant == "" {
		return nil, provisioning.ErrNone
	}
	resource, action := permission(r.Method, r.URL.Path)
	if err := tenancy.InScope(who, resource, action); err != nil {
		return nil, err
	}
	if who.Restricted != nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, who.Restricted
	}
	standing, err := w.books.Standing(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	p := contract.Principal{Tenant: who.Tenant, Person: who.Person, Role: who.Role, Limits: limitsOf(standing, w.now())}
	if standing.Plan != nil {
		p.Plan = string(standing.Plan.ID)
	}
	if who.Restricted != nil {
		p.Role = contract.RoleViewer
	}
	switch standing.Access {
	case billing.None:
		return nil, errNoAccess
	case billing.Canceled:
		p.Role = contract.RoleViewer // what was paid for stays readable
	case billing.Active, billing.PastDue:
	}
	answer, err := w.gate.Forward(ctx, p, r)
	if err == nil {
		w.owners.notice(ctx, who.Tenant, p.Limits, answer.Header)
	}
	return answer, err
}

// probe sends a tenant's first request to the agent of its environment.
func (w *ways) probe(client *tunnel.Client) provisioning.Probe {
	return func(ctx context.Context, t id.Tenant, env id.Environment) error {
		to, err := gateway.Among(w.fleet)(ctx, t, env)
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/v1/tables", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(ctx, to, contract.Principal{Tenant: t, Role: contract.RoleViewer}, r)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			return fault.New(fault.Unavailable, "provisioning.probe", "Your space does not answer yet.").
				Because(fmt.Errorf("the agent answers %s", resp.Status))
		}
		return nil
	}
}
