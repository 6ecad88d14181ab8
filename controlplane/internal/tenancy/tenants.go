package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// The collections. A membership is named after tenant and person.
const (
	TenantsCollection = "tenants" // carries an outbox
	membersCollection = "members"

	byPerson    = "person"
	byTenant    = "tenant"
	byUnsettled = "unsettled"
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: TenantsCollection, Indexes: []docstore.Index{outbox.Index(), {Name: byUnsettled, Fields: []string{"unsettled"}}}},
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
	members docstore.Table[Membership]
	now     func() time.Time
	seats   func(context.Context, id.Tenant) (Seats, error)
	changed func(id.Person)
	made    *identity.Limiter
}

// companiesBudget is how often one person may make another company.
var companiesBudget = identity.Budget{Burst: 3, Every: time.Hour}

// New keeps tenants in s; now is time.Now outside tests. Until LimitSeats is called
// seats are unlimited.
func New(s docstore.Store, now func() time.Time) *Tenants {
	return &Tenants{
		tenants: docstore.TableOf[Tenant](s, TenantsCollection),
		members: docstore.TableOf[Membership](s, membersCollection),
		now:     now,
		seats:   func(context.Context, id.Tenant) (Seats, error) { return Seats{}, nil },
		changed: func(id.Person) {},
		made:    identity.NewLimiter(companiesBudget, now),
	}
}

// LimitSeats says how many seats a tenant has. Call it before anything else.
func (t *Tenants) LimitSeats(of func(context.Context, id.Tenant) (Seats, error)) { t.seats = of }

// OnChange is told whose role or membership has changed, so that nobody goes by an
// older answer. Call it before anything else.
func (t *Tenants) OnChange(tell func(id.Person)) { t.changed = tell }

// Create makes the tenant t, named name, with its owner. It may be called again
// after a crash or a failure with the same t and owner, and completes the work.
func (t *Tenants) Create(ctx context.Context, tenant id.Tenant, name string, owner id.Person, email string) error {
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	now := t.now().UTC()
	doc := Tenant{
		ID: tenant, Name: name, Created: now, Status: Lifecycle.First(), Since: now,
		Roll: []Member{{Person: owner, Email: email, Role: contract.RoleOwner, Joined: now}},
	}
	if err := doc.AnnounceBy(ctx, EventCreated, tenant, CreatedData{Name: name, Owner: owner}); err != nil {
		return err
	}
	// The way to it first: one that leads nowhere yet is invisible, a tenant without
	// one would be out of reach for ever.
	if err := t.lead(ctx, tenant, owner); err != nil {
		return err
	}
	if err := t.tenants.Insert(ctx, string(tenant), doc); err != nil && !errors.Is(err, docstore.ErrExists) {
		return fmt.Errorf("add %s: %w", tenant, err)
	}
	return nil
}

// lead makes the way from a person to a tenant exist.
func (t *Tenants) lead(ctx context.Context, tenant id.Tenant, p id.Person) error {
	err := t.members.Insert(ctx, memberKey(tenant, p), Membership{Tenant: tenant, Person: p, Used: t.now().UnixMilli()})
	if err != nil && !errors.Is(err, docstore.ErrExists) {
		return fmt.Errorf("add membership of %s: %w", tenant, err)
	}
	return nil
}

// Tenant reads one tenant or fails with ErrNotFound.
func (t *Tenants) Tenant(ctx context.Context, tenant id.Tenant) (Tenant, error) {
	row, err := t.row(ctx, tenant)
	return row.Value, err
}

func (t *Tenants) row(ctx context.Context, tenant id.Tenant) (docstore.Row[Tenant], error) {
	row, err := t.tenants.Get(ctx, string(tenant))
	if errors.Is(err, docstore.ErrNotFound) {
		return row, ErrNotFound
	}
	if err != nil {
		return row, fmt.Errorf("read %s: %w", tenant, err)
	}
	return row, nil
}

// Name is the name of a tenant's company, or ErrNotFound.
func (t *Tenants) Name(ctx context.Context, tenant id.Tenant) (string, error) {
	found, err := t.Tenant(ctx, tenant)
	return found.Name, err
}

// Memberships lists where a person is a member, the last used tenant first.
func (t *Tenants) Memberships(ctx context.Context, p id.Person) ([]Membership, error) {
	var known []Membership
	err := t.each(ctx, p, func(tenant Tenant, m Membership) bool {
		known = append(known, m)
		return true
	})
	return known, err
}

// each walks the tenants of a person, the last used first, until visit returns false.
func (t *Tenants) each(ctx context.Context, p id.Person, visit func(Tenant, Membership) bool) error {
	q := docstore.Query{Index: byPerson, Equal: []any{string(p)}, Desc: true, Limit: 20}
	for {
		rows, next, err := t.members.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("find memberships: %w", err)
		}
		for _, row := range rows {
			tenant, err := t.Tenant(ctx, row.Value.Tenant)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if _, err := tenant.member(p); err == nil && !visit(tenant, row.Value) {
				return nil
			}
		}
		if next == "" {
			return nil
		}
		q.After = next
	}
}

// Members lists the members of a tenant in the order in which they joined.
func (t *Tenants) Members(ctx context.Context, tenant id.Tenant) ([]Member, error) {
	found, err := t.Tenant(ctx, tenant)
	return found.Roll, err
}

// Current implements identity.Memberships.
func (t *Tenants) Current(ctx context.Context, p id.Person) (current id.Tenant, role contract.Role, err error) {
	err = t.each(ctx, p, func(tenant Tenant, _ Membership) bool {
		m, err := tenant.member(p)
		if err != nil {
			return true
		}
		current, role = tenant.ID, m.Role
		return false
	})
	return current, role, err
}

// Restriction is why who may only read in the present tenant, nil when it is not so.
func (t *Tenants) Restriction(ctx context.Context, who identity.Who) (why, err error) {
	if who.Tenant == "" {
		return nil, nil
	}
	tenant, err := t.Tenant(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	if why := tenant.restriction(); why != nil {
		return why, nil
	}
	if who.Role == contract.RoleOwner || len(tenant.Roll) < 2 {
		return nil, nil
	}
	seats, err := t.seats(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	if tenant.readers(seats)[who.Person] {
		return seats.readsOnly(), nil
	}
	return nil, nil
}

// Choose makes tenant the one that p works in. It fails with ErrNotFound when p
// is no member of it.
func (t *Tenants) Choose(ctx context.Context, p id.Person, tenant id.Tenant) error {
	found, err := t.Tenant(ctx, tenant)
	if err != nil {
		return err
	}
	if _, err := found.member(p); err != nil {
		return ErrNotFound
	}
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
			t.changed(p)
			return err
		}
	}
}

// ownedMax is how many companies one person can own.
const ownedMax = 10

// Found makes another company for somebody who has an account. It fails with
// ErrTooMany or ErrCompanies.
func (t *Tenants) Found(ctx context.Context, who identity.Who, name string) (id.Tenant, error) {
	name, err := ParseName(name)
	if err != nil {
		return "", err
	}
	owned := 0
	err = t.each(ctx, who.Person, func(tenant Tenant, _ Membership) bool {
		if m, err := tenant.member(who.Person); err == nil && m.Role == contract.RoleOwner {
			owned++
		}
		return true
	})
	if err != nil {
		return "", err
	}
	if owned >= ownedMax {
		return "", ErrCompanies
	}
	if t.made.Take(string(who.Person)) != nil {
		return "", ErrTooMany
	}
	tenant := id.NewTenant()
	if err := t.Create(ctx, tenant, name, who.Person, who.Email); err != nil {
		return "", err
	}
	return tenant, t.Choose(ctx, who.Person, tenant)
}

// errAsItIs ends a change that has nothing to write.
var errAsItIs = errors.New("the tenant is as it should be")

// change reads the tenant, lets edit change it, and writes it, again and again until
// nobody came between. Edit may return errAsItIs.
func (t *Tenants) change(ctx context.Context, tenant id.Tenant, edit func(*Tenant) error) error {
	for {
		row, err := t.row(ctx, tenant)
		if err != nil {
			return err
		}
		switch err := edit(&row.Value); {
		case errors.Is(err, errAsItIs):
			return nil
		case err != nil:
			return err
		}
		_, err = t.tenants.Replace(ctx, row)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, docstore.ErrNotFound):
			return ErrNotFound
		case !errors.Is(err, docstore.ErrStale):
			return fmt.Errorf("change %s: %w", tenant, err)
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// unless makes errAsItIs of a change that did not change anything.
func unless(changed bool, err error) error {
	if err == nil && !changed {
		return errAsItIs
	}
	return err
}

// Joining is who joins a tenant, and how.
type Joining struct {
	Person     id.Person
	Email      string
	Role       contract.Role
	Invitation string
}

// Join makes a person a member. Only one of any number who ask for the last seat at the
// same moment gets it; the others fail with ErrSeats. Joining again does nothing.
func (t *Tenants) Join(ctx context.Context, tenant id.Tenant, j Joining) error {
	if !Known(j.Role) {
		return ErrRole
	}
	if err := t.lead(ctx, tenant, j.Person); err != nil {
		return err
	}
	err := t.change(ctx, tenant, func(d *Tenant) error {
		if why := d.restriction(); why != nil {
			return why
		}
		seats, err := t.seats(ctx, tenant)
		if err != nil {
			return err
		}
		return d.join(ctx, Member{Person: j.Person, Email: j.Email, Role: j.Role, Joined: t.now().UTC()}, j.Invitation, seats)
	})
	t.changed(j.Person)
	return err
}

// SetRole gives a member another role on behalf of by. It fails with ErrMember, ErrRole,
// ErrForbidden, ErrAbove or ErrLastOwner.
func (t *Tenants) SetRole(ctx context.Context, tenant id.Tenant, by, p id.Person, role contract.Role) error {
	err := t.change(ctx, tenant, func(d *Tenant) error { return unless(d.changeRole(ctx, by, p, role)) })
	t.changed(p)
	return err
}

// Remove takes a member out on behalf of by, who may be the member. It fails like
// SetRole.
func (t *Tenants) Remove(ctx context.Context, tenant id.Tenant, by, p id.Person) error {
	err := t.change(ctx, tenant, func(d *Tenant) error { return d.remove(ctx, by, p) })
	t.changed(p)
	if err != nil {
		return err
	}
	return t.unlead(ctx, tenant, p)
}

// unlead deletes the way from a person to a tenant. A crash before it leaves one that
// means nothing.
func (t *Tenants) unlead(ctx context.Context, tenant id.Tenant, p id.Person) error {
	for {
		row, err := t.members.Get(ctx, memberKey(tenant, p))
		if err == nil {
			err = t.members.Delete(ctx, row.ID, row.Rev)
		}
		switch {
		case err == nil, errors.Is(err, docstore.ErrNotFound):
			return nil
		case !errors.Is(err, docstore.ErrStale):
			return fmt.Errorf("delete membership of %s: %w", tenant, err)
		}
	}
}

// GiveSeat lets p be the first, after owners, for whom there is a seat.
func (t *Tenants) GiveSeat(ctx context.Context, tenant id.Tenant, by, p id.Person) error {
	var all []Member
	err := t.change(ctx, tenant, func(d *Tenant) error {
		all = d.Roll
		return d.seat(ctx, by, p, t.now())
	})
	for _, m := range all { // somebody else may have lost theirs
		t.changed(m.Person)
	}
	return err
}

// Grants says whether p is a member who may give role away now.
func (t *Tenants) Grants(ctx context.Context, tenant id.Tenant, p id.Person, role contract.Role) (bool, error) {
	found, err := t.Tenant(ctx, tenant)
	if err != nil {
		return false, err
	}
	m, err := found.member(p)
	return err == nil && May(m.Role, Members, Manage) && Covers(m.Role, role), nil
}

// SeatsOf is how many seats a tenant has, and how many members.
func (t *Tenants) SeatsOf(ctx context.Context, tenant id.Tenant) (s Seats, members int, err error) {
	found, err := t.Tenant(ctx, tenant)
	if err != nil {
		return Seats{}, 0, err
	}
	s, err = t.seats(ctx, tenant)
	return s, len(found.Roll), err
}

// Rename gives a tenant's company another name.
func (t *Tenants) Rename(ctx context.Context, tenant id.Tenant, name string) error {
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	return t.change(ctx, tenant, func(d *Tenant) error { return unless(d.rename(ctx, name)) })
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

// changedAll tells of a change that concerns everybody in a tenant.
func (t *Tenants) changedAll(roll []Member) {
	for _, m := range slices.Clone(roll) {
		t.changed(m.Person)
	}
}

func memberKey(t id.Tenant, p id.Person) string { return string(t) + "/" + string(p) }
