package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// errUsage is for an agent that cannot say what is used.
var errUsage = fault.New(fault.Unavailable, "gateway.usage", "What your company uses could not be counted. Try again in a moment.")

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

// used is what a tenant uses of its plan, from the agent that counts it.
func (w *ways) used(ctx context.Context, t id.Tenant) (decisions, locations int, err error) {
	standing, err := w.books.Standing(ctx, t)
	if err != nil {
		return 0, 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/v1/usage", nil)
	if err != nil {
		return 0, 0, err
	}
	answer, err := w.gate.Forward(ctx, contract.Principal{Tenant: t, Role: contract.RoleViewer, Limits: limitsOf(standing, w.now())}, r)
	if errors.Is(err, provisioning.ErrNone) || errors.Is(err, provisioning.ErrNotReady) {
		return 0, 0, nil // nothing can have been used yet
	}
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return 0, 0, errUsage.Because(fmt.Errorf("the agent answers %s", answer.Status))
	}
	var usage struct {
		Decisions, Locations struct{ Used int }
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, usageMax)).Decode(&usage); err != nil {
		return 0, 0, errUsage.Because(err)
	}
	return usage.Decisions.Used, usage.Locations.Used, nil
}

// usageMax is more than any answer about usage has.
const usageMax = 4 << 20

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
