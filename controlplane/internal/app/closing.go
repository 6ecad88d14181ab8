package app

import (
	"context"
	"crypto/ed25519"
	"errors"

	"github.com/dyocense/dyocense/controlplane/internal/audit"
	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/closing"
	"github.com/dyocense/dyocense/controlplane/internal/dedicated"
	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/controlplane/internal/invitations"
	"github.com/dyocense/dyocense/controlplane/internal/keyring"
	"github.com/dyocense/dyocense/controlplane/internal/migration"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/id"
)

// keeping are the slices that keep something about tenants.
type keeping struct {
	tenants  *tenancy.Tenants
	guests   *invitations.Desk
	programs *tokens.Service
	books    *billing.Books
	places   *provisioning.Service
	moves    *migration.Service
	homes    *dedicated.Service
	agents   *fleet.Service
	trail    *audit.Log
}

// keepers are the slices in the order in which they forget: a move that is being cleaned
// up needs the placement, and the log of desired state is the last that an agent reads.
func (s keeping) keepers() []closing.Named[closing.Keeper] {
	return []closing.Named[closing.Keeper]{
		{Name: "invitations", Is: s.guests},
		{Name: "keys", Is: s.programs},
		{Name: "moves", Is: s.moves},
		{Name: "billing", Is: s.books},
		{Name: "placement", Is: s.places},
		{Name: "environments", Is: s.homes},
		{Name: "desiredState", Is: s.agents},
		{Name: "audit", Is: s.trail},
	}
}

// tellers are what the export of a company is made of.
func (s keeping) tellers() []closing.Named[closing.Teller] {
	return []closing.Named[closing.Teller]{
		{Name: "company", Is: func(ctx context.Context, t id.Tenant) (any, error) {
			tenant, err := s.tenants.Tenant(ctx, t)
			tenant.Outbox, tenant.OutboxSince = nil, "" // on its way, and said elsewhere
			return tenant, err
		}},
		{Name: "invitations", Is: func(ctx context.Context, t id.Tenant) (any, error) { return s.guests.Tell(ctx, t) }},
		{Name: "keys", Is: func(ctx context.Context, t id.Tenant) (any, error) { return s.programs.Keys(ctx, t) }},
		{Name: "billing", Is: func(ctx context.Context, t id.Tenant) (any, error) { return s.books.Tell(ctx, t) }},
		{Name: "placement", Is: func(ctx context.Context, t id.Tenant) (any, error) {
			view, err := s.places.Of(ctx, t)
			if errors.Is(err, provisioning.ErrNone) {
				return nil, nil
			}
			return view, err
		}},
		{Name: "moves", Is: func(ctx context.Context, t id.Tenant) (any, error) { return s.moves.Tell(ctx, t) }},
	}
}

// workspace is a tenant's data in the words of closing.
type workspace struct {
	moves  *migration.Service
	places *provisioning.Service
}

// Quiet implements closing.Workspace.
func (w workspace) Quiet(ctx context.Context, t id.Tenant) error { return w.moves.Quiet(ctx, t) }

// Look implements closing.Workspace.
func (w workspace) Look(ctx context.Context, t id.Tenant) (closing.Kept, bool, error) {
	env, _, _, err := w.places.Home(ctx, t)
	if errors.Is(err, provisioning.ErrNone) || err == nil && env == "" {
		return closing.Kept{}, true, nil
	}
	if err != nil {
		return closing.Kept{}, false, err
	}
	kept, err := w.moves.Look(ctx, t, env)
	return closing.Kept{Environment: env, Documents: kept.Documents, Entries: kept.Entries, Chain: kept.Chain}, kept.None, err
}

// Erase implements closing.Workspace.
func (w workspace) Erase(ctx context.Context, t id.Tenant, told bool) (bool, error) {
	env, name, plan, err := w.places.Home(ctx, t)
	if errors.Is(err, provisioning.ErrNone) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return w.moves.Erase(ctx, t, env, name, plan, told)
}

// proofKey signs proofs of deletion; all replicas have the same.
func proofKey(ring *keyring.Ring) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(ring.Derive("deletion proofs")[0])
}
