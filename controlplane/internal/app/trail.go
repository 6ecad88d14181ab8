package app

import (
	"context"

	"github.com/dyocense/dyocense/controlplane/internal/audit"
	"github.com/dyocense/dyocense/controlplane/internal/edge"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/shared/contract"
)

// noted gives an event its audit entry and then publishes it. The relay empties a box
// only when both succeeded, so the log lacks nothing of what core lost.
func noted(trail *audit.Log, publish func(context.Context, contract.Event) error) func(context.Context, contract.Event) error {
	return func(ctx context.Context, e contract.Event) error {
		if err := trail.Note(ctx, e); err != nil {
			return err
		}
		return publish(ctx, e)
	}
}

// noteSession notes sign-ins and sign-outs in the log of the tenant that the person
// works in. Who belongs to none has no log.
func noteSession(trail *audit.Log) func(context.Context, string, identity.Who) error {
	return func(ctx context.Context, action string, who identity.Who) error {
		if who.Tenant == "" {
			return nil
		}
		return trail.Record(ctx, audit.Happening{
			Tenant: who.Tenant, Action: action, Once: action + "/" + string(who.Session),
			By: &contract.Actor{
				Person: who.Person, Email: who.Email, Via: string(who.Session), Origin: string(identity.OriginFrom(ctx)),
			},
		})
	}
}

// exportAudit is the export in the words of the edge, which streams it.
func (a *app) exportAudit(ctx context.Context, r *audit.Nothing) (edge.File, error) {
	f, err := a.audit.Export(ctx, r)
	return edge.File(f), err
}
