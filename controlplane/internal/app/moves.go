package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/dedicated"
	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/controlplane/internal/gateway"
	"github.com/dyocense/dyocense/controlplane/internal/migration"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// openMoves puts together what moves live tenants.
func openMoves(c Config, store docstore.Store, client *tunnel.Client, agents *fleet.Service, homes *dedicated.Service, places *provisioning.Service,
	pool *pool, books *billing.Books, tenants *tenancy.Tenants, ways *ways, mailbox *notify.Mailbox, site string, log *slog.Logger,
) *migration.Service {
	times := migration.NormalTimes()
	times.Soak, times.Keep = c.MoveSoak, c.MoveKeep
	if !c.MongoURI.Set() {
		times.Lost = 0 // the store is a file of this process: whoever drove a move before has gone
	}
	if c.MoveGently {
		times.Pace = migration.GentlePace()
	}
	return migration.New(migration.Config{
		Store: store, Carry: carry(agents, client), Dedicated: ownHomes{homes}, Places: places, Fleet: pool, Books: books,
		Companies: companies{tenants, ways}, Mailbox: mailbox, Site: site, Times: times, Log: log,
	})
}

// carry sends the control plane's own requests about a tenant to an agent of an
// environment.
func carry(agents *fleet.Service, client *tunnel.Client) migration.Carry {
	locate := gateway.Among(agents)
	return func(ctx context.Context, t id.Tenant, env id.Environment, r *http.Request) (*http.Response, error) {
		to, err := locate(ctx, t, env)
		if err != nil {
			return nil, err
		}
		return client.Do(ctx, to, contract.Principal{Tenant: t, Role: contract.RoleControlPlane}, r)
	}
}

// ownHomes are the dedicated environments in the words of migration.
type ownHomes struct{ *dedicated.Service }

// Ready implements migration.Dedicated.
func (h ownHomes) Ready(ctx context.Context, env id.Environment) (bool, string, error) {
	ready, err := h.Service.Ready(ctx, env)
	if err != nil || ready {
		return ready, "", err
	}
	view, err := h.Of(ctx, env)
	return false, view.Reason, err
}

// Owns implements migration.Dedicated.
func (h ownHomes) Owns(ctx context.Context, env id.Environment) (bool, error) {
	_, err := h.Of(ctx, env)
	if errors.Is(err, dedicated.ErrNone) {
		return false, nil
	}
	return err == nil, err
}

// Remove implements migration.Dedicated.
func (h ownHomes) Remove(ctx context.Context, env id.Environment) (bool, error) {
	if err := h.Service.Remove(ctx, env); err != nil {
		return false, fmt.Errorf("remove %s: %w", env, err)
	}
	view, err := h.Of(ctx, env)
	return view.State == dedicated.Removed, err
}

// companies are the tenants in the words of migration.
type companies struct {
	*tenancy.Tenants
	ways *ways
}

// Used implements migration.Companies.
func (c companies) Used(ctx context.Context, t id.Tenant) (decisions, locations int, err error) {
	return c.ways.used(ctx, t)
}

// Seats implements migration.Companies.
func (c companies) Seats(ctx context.Context, t id.Tenant) (int, error) {
	members, err := c.Members(ctx, t)
	return len(members), err
}
