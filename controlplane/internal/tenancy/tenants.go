package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// The collections. A member is named after tenant and person, so that nobody can
// be a member twice.
const (
	TenantsCollection = "tenants" // carries an outbox
	membersCollection = "members"

	byPerson = "person"
	byTenant = "tenant"
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: TenantsCollection, Indexes: []docstore.Index{outbox.Index()}},
		{Name: membersCollection, Indexes: []docstore.Index{
			{Name: byPerson, Fields: []string{"person", "used"}},
			{Name: byTenant, Fields: []string{"tenant"}},
		}},
	}
}

// Tenants keeps tenants and their members. All methods may be called from many
// goroutines.
type Tenants struct {
	tenants docstore.Table[Tenant]
	members docstore.Table[Member]
	now     func() time.Time
}

// New keeps tenants in s; now is time.Now outside tests.
func New(s docstore.Store, now func() time.Time) *Tenants {
	return &Tenants{
		tenants: docstore.TableOf[Tenant](s, TenantsCollection),
		members: docstore.TableOf[Member](s, membersCollection),
		now:     now,
	}
}

// Create makes the tenant t, named name, with its owner. It may be called again
// after a crash or a failure with the same t and owner, and completes the work.
func (t *Tenants) Create(ctx context.Context, tenant id.Tenant, name string, owner id.Person, email string) error {
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	now := t.now().UTC()
	doc := Tenant{ID: tenant, Name: name, Created: now}
	if err := doc.Announce(EventCreated, tenant, CreatedData{Name: name, Owner: owner}); err != nil {
		return err
	}
	// The owner first: a member of a tenant that is not there yet is invisible,
	// a tenant without an owner would be out of reach for ever.
	member := Member{Tenant: tenant, Person: owner, Email: email, Role: contract.RoleOwner, Joined: now, Used: now.UnixMilli()}
	if err := t.members.Insert(ctx, memberKey(tenant, owner), member); err != nil && !errors.Is(err, docstore.ErrExists) {
		return fmt.Errorf("add owner of %s: %w", tenant, err)
	}
	if err := t.tenants.Insert(ctx, string(tenant), doc); err != nil && !errors.Is(err, docstore.ErrExists) {
		return fmt.Errorf("add %s: %w", tenant, err)
	}
	return nil
}

// Tenant reads one tenant or fails with ErrNotFound.
func (t *Tenants) Tenant(ctx context.Context, tenant id.Tenant) (Tenant, error) {
	row, err := t.tenants.Get(ctx, string(tenant))
	if errors.Is(err, docstore.ErrNotFound) {
		return Tenant{}, ErrNotFound
	}
	if err != nil {
		return Tenant{}, fmt.Errorf("read %s: %w", tenant, err)
	}
	return row.Value, nil
}

// Name is the name of a tenant's company, or ErrNotFound.
func (t *Tenants) Name(ctx context.Context, tenant id.Tenant) (string, error) {
	found, err := t.Tenant(ctx, tenant)
	return found.Name, err
}

// Memberships lists where a person is a member, the last used tenant first.
func (t *Tenants) Memberships(ctx context.Context, p id.Person) ([]Member, error) {
	rows, err := t.members.All(ctx, docstore.Query{Index: byPerson, Equal: []any{string(p)}, Desc: true})
	return values(rows, err)
}

// Members lists the members of a tenant.
func (t *Tenants) Members(ctx context.Context, tenant id.Tenant) ([]Member, error) {
	rows, err := t.members.All(ctx, docstore.Query{Index: byTenant, Equal: []any{string(tenant)}})
	return values(rows, err)
}

// Current implements identity.Memberships.
func (t *Tenants) Current(ctx context.Context, p id.Person) (id.Tenant, contract.Role, error) {
	rows, _, err := t.members.Find(ctx, docstore.Query{Index: byPerson, Equal: []any{string(p)}, Desc: true, Limit: 1})
	if err != nil {
		return "", "", fmt.Errorf("find memberships: %w", err)
	}
	if len(rows) == 0 {
		return "", "", nil
	}
	return rows[0].Value.Tenant, rows[0].Value.Role, nil
}

// Choose makes tenant the one that p works in. It fails with ErrNotFound when p
// is no member of it.
func (t *Tenants) Choose(ctx context.Context, p id.Person, tenant id.Tenant) error {
	for {
		row, err := t.members.Get(ctx, memberKey(tenant, p))
		if errors.Is(err, docstore.ErrNotFound) {
			return ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("read membership: %w", err)
		}
		row.Value.Used = t.now().UnixMilli()
		if _, err = t.members.Replace(ctx, row); !errors.Is(err, docstore.ErrStale) {
			return err
		}
	}
}

// Describe adds the tenant to what a signed-in browser is told.
func (t *Tenants) Describe(ctx context.Context, who identity.Who, v *identity.View) error {
	if who.Tenant == "" {
		return nil
	}
	tenant, err := t.Tenant(ctx, who.Tenant)
	if err != nil {
		return err
	}
	v.Tenant = &identity.TenantView{ID: tenant.ID, Name: tenant.Name}
	return nil
}

func memberKey(t id.Tenant, p id.Person) string { return string(t) + "/" + string(p) }

func values(rows []docstore.Row[Member], err error) ([]Member, error) {
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	members := make([]Member, len(rows))
	for i, row := range rows {
		members[i] = row.Value
	}
	return members, nil
}
