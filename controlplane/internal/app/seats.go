package app

import (
	"context"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/id"
)

// seats are those of the tenant's plan. A tenant without one has room for who made it.
func seats(books *billing.Books) func(context.Context, id.Tenant) (tenancy.Seats, error) {
	return func(ctx context.Context, t id.Tenant) (tenancy.Seats, error) {
		standing, err := books.Standing(ctx, t)
		if err != nil {
			return tenancy.Seats{}, err
		}
		if standing.Plan == nil {
			return tenancy.Seats{Limit: 1}, nil
		}
		return tenancy.Seats{Limit: standing.Plan.Seats, Plan: standing.Plan.Name}, nil
	}
}
