package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/id"
)

// rebuildEvery is how long a tenant can wait whose event was lost with the bus.
const rebuildEvery = time.Minute

// rebuild asks for a place for every tenant that has paid and has none. Events do
// the same at once; this makes the bus a thing that can be deleted: what it held
// follows from the store.
func rebuild(books *billing.Books, tenants *tenancy.Tenants, places *provisioning.Service, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(rebuildEvery)
		defer tick.Stop()
		for {
			err := books.EachActive(ctx, func(ctx context.Context, t id.Tenant, plan billing.PlanID) error {
				_, err := places.Of(ctx, t)
				if !errors.Is(err, provisioning.ErrNone) {
					return err
				}
				name, err := tenants.Name(ctx, t)
				if err != nil {
					return err
				}
				return places.Request(ctx, t, name, string(plan))
			})
			if err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "paid tenants are not compared with places", "err", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}
}
