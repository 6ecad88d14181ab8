package billing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// companies is what billing needs to know of tenancy.
type companies interface {
	// Name is the name of a tenant's company.
	Name(ctx context.Context, t id.Tenant) (string, error)
}

// Books keeps the accounts. All methods may be called from many goroutines.
type Books struct {
	store     store
	provider  Provider
	companies companies
	site      string
	now       func() time.Time
	log       *slog.Logger
}

// New keeps accounts in s. Site is the address of the product without a slash at
// the end, to which the hosted page returns.
func New(s docstore.Store, p Provider, c companies, site string, now func() time.Time, log *slog.Logger) *Books {
	return &Books{
		store: store{
			accounts: docstore.TableOf[Account](s, AccountsCollection),
			notices:  docstore.TableOf[inboxRow](s, noticesCollection),
		},
		provider: p, companies: c, site: site, now: now, log: log,
	}
}

// Standing is what a tenant has and may do, from the last snapshot.
type Standing struct {
	Plan     *Plan // nil when nothing was ever paid
	Interval Interval
	Status   Status
	Access   Access
	// CurrentPeriodEnd is zero without a subscription.
	CurrentPeriodEnd time.Time
	// CurrentPeriodStart is zero where it is not known.
	CurrentPeriodStart time.Time
}

// Standing reads what tenant t has and may do. It asks our own store only.
func (b *Books) Standing(ctx context.Context, t id.Tenant) (Standing, error) {
	row, err := b.store.account(ctx, t)
	if err != nil {
		return Standing{}, err
	}
	return row.Value.standing(b.now())
}

// Access is Standing's access.
func (b *Books) Access(ctx context.Context, t id.Tenant) (Access, error) {
	s, err := b.Standing(ctx, t)
	return s.Access, err
}

func (a Account) standing(now time.Time) (Standing, error) {
	s := a.Snapshot
	st := Standing{Interval: s.Interval, Status: s.Status, Access: s.AccessAt(now), CurrentPeriodEnd: s.CurrentPeriodEnd, CurrentPeriodStart: s.CurrentPeriodStart}
	if st.Access == None {
		return Standing{Status: s.Status, Access: None}, nil
	}
	plan, err := PlanOf(s.Plan)
	if err != nil {
		return Standing{}, fmt.Errorf("plan %q of %s: %w", s.Plan, a.Tenant, err)
	}
	st.Plan = &plan
	return st, nil
}

// SyncCustomer fetches what the provider knows of t and takes it in, unless a
// later fetch was faster. It is the only way in which a snapshot changes, and may
// be called at any time, any number of times, from anywhere.
func (b *Books) SyncCustomer(ctx context.Context, t id.Tenant) (Account, error) {
	row, err := b.store.account(ctx, t)
	if err != nil {
		return Account{}, err
	}
	if row.Value.Customer == "" {
		return row.Value, nil // never came near the provider
	}
	started := b.now().UTC()
	snapshot, err := b.provider.Fetch(ctx, row.Value.Customer)
	if err != nil {
		if errors.Is(err, ErrUnknownPrice) {
			b.log.ErrorContext(ctx, "a subscription has a price that is not ours; access stays as it was", "tenant", t, "customer", row.Value.Customer, "err", err)
		}
		return row.Value, fmt.Errorf("fetch customer of %s: %w", t, err)
	}
	snapshot.FetchStarted = started
	return b.store.change(ctx, t, func(a *Account) (bool, error) { return a.learn(snapshot, b.now()) })
}

// Describe adds plan and access to what a signed-in browser is told.
func (b *Books) Describe(ctx context.Context, who identity.Who, v *identity.View) error {
	if who.Tenant == "" {
		return nil
	}
	s, err := b.Standing(ctx, who.Tenant)
	if err != nil {
		return err
	}
	v.Access = string(s.Access)
	if p := s.Plan; p != nil {
		v.Plan = &identity.PlanView{
			ID: string(p.ID), Name: p.Name, Locations: p.Locations, Decisions: p.Decisions,
			Seats: p.Seats, API: p.API, Mode: p.Mode,
		}
	}
	return nil
}
