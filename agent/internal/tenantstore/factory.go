package tenantstore

import (
	"context"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Factory knows where the data of tenants lies. Its methods are called for one
// tenant by one goroutine at a time; the Shelf sees to that.
type Factory interface {
	// Collections are the tenant's own, the same for every tenant.
	Collections() []docstore.Collection
	// Create makes the tenant exist, durably, with what first writes: nobody finds
	// it without. It does nothing when the tenant exists.
	Create(ctx context.Context, tenant id.Tenant, first ...docstore.Op) error
	// Open opens the tenant's documents, or fails with ErrNoTenant. The caller
	// closes them.
	Open(ctx context.Context, tenant id.Tenant) (docstore.Store, error)
	// Read opens the tenant's documents for reading alone, beside whoever has them
	// open, or fails with ErrNoTenant. The caller closes them.
	Read(ctx context.Context, tenant id.Tenant) (docstore.Store, error)
	// Build makes the tenant anew: fill puts everything into empty documents, and
	// they become the tenant's when it has succeeded; until then nobody can open
	// them. It fails with ErrExists for a tenant that exists, unless replace says
	// to take its place; nobody has it open then. kept names what is left of the
	// one before, "" when nothing is.
	Build(ctx context.Context, tenant id.Tenant, replace bool, fill func(docstore.Store) error) (kept string, err error)
	// Remove deletes the tenant with all its data; nobody has it open. It does
	// nothing when there is no such tenant, and finishes a removal that was cut off.
	Remove(ctx context.Context, tenant id.Tenant) error
	// Tenants are those that exist, in order.
	Tenants(ctx context.Context) ([]id.Tenant, error)
	// Close releases what the factory itself holds.
	Close() error
}
