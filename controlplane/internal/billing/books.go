package billing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// companies is what billing needs to know of tenancy.
type companies interface {
	// Name is the name of a tenant's company.
	Name(ctx context.Context, t id.Tenant) (string, error)
}

// Mailbox queues letters, once a key.
type Mailbox interface {
	Post(ctx context.Context, key, to string, l notify.Letter) error
}

// Books keeps the accounts. All methods may be called from many goroutines.
type Books struct {
	store     store
	provider  Provider
	companies companies
	mailbox   Mailbox // nil writes to nobody
	fits      []Fit
	site      string
	now       func() time.Time
	log       *slog.Logger
	lanes     *lanes
	drift     prometheus.Counter
	alarms    *prometheus.CounterVec
}

// Option adds to Books what not every use of them needs.
type Option func(*Books)

// WithMailbox lets the books write to payers.
func WithMailbox(m Mailbox) Option { return func(b *Books) { b.mailbox = m } }

// WithFit asks f what does not fit into a smaller plan.
func WithFit(f Fit) Option { return func(b *Books) { b.fits = append(b.fits, f) } }

// WithMetrics registers dyocense_billing_drift_total and dyocense_billing_alarms_total.
func WithMetrics(r prometheus.Registerer) Option {
	return func(b *Books) { r.MustRegister(b.drift, b.alarms) }
}

// New keeps accounts in s. Site is the address of the product without a slash at
// the end, to which the hosted page returns.
func New(s docstore.Store, p Provider, c companies, site string, now func() time.Time, log *slog.Logger, options ...Option) *Books {
	b := &Books{
		store: store{
			accounts: docstore.TableOf[Account](s, AccountsCollection),
			notices:  docstore.TableOf[inboxRow](s, noticesCollection),
			trials:   docstore.TableOf[trialClaim](s, trialsCollection),
			marks:    docstore.TableOf[mark](s, marksCollection),
			usage:    docstore.TableOf[use](s, usageCollection),
			hours:    docstore.TableOf[hour](s, hoursCollection),
		},
		provider: p, companies: c, site: site, now: now, log: log, lanes: newLanes(),
		drift: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dyocense_billing_drift_total", Help: "Accounts that differed from the payment service in a nightly comparison; 0 in a healthy run.",
		}),
		alarms: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dyocense_billing_alarms_total", Help: "What must not happen, by kind.",
		}, []string{"kind"}),
	}
	for _, o := range options {
		o(b)
	}
	return b
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
// be called at any time, any number of times, from anywhere. It then does what the
// snapshot asks for: a second trial ends, a second subscription is taken back, an
// open invoice is paid with the new card, and the letters that are due are written.
func (b *Books) SyncCustomer(ctx context.Context, t id.Tenant) (Account, error) {
	return b.lanes.do(ctx, t, func() (Account, error) { return b.sync(ctx, t) })
}

// syncRounds bounds how often a sync looks again after it changed something.
const syncRounds = 4

func (b *Books) sync(ctx context.Context, t id.Tenant) (Account, error) {
	var a Account
	for range syncRounds {
		row, err := b.store.account(ctx, t)
		if err != nil {
			return Account{}, err
		}
		if row.Value.Customer == "" {
			return row.Value, nil // never came near the provider
		}
		s, known, err := b.look(ctx, row.Value)
		if err != nil {
			return row.Value, err
		}
		a = known
		if !a.Snapshot.FetchStarted.Equal(s.FetchStarted) {
			return a, nil // a later fetch was faster, and follows
		}
		acted, err := b.follow(ctx, a, s)
		if err != nil {
			return a, err
		}
		if !acted {
			break
		}
	}
	if err := b.write(ctx, a); err != nil {
		return a, err
	}
	return a, nil
}

// look fetches and takes in.
func (b *Books) look(ctx context.Context, a Account) (Snapshot, Account, error) {
	started := b.now().UTC()
	s, err := b.provider.Fetch(ctx, a.Customer)
	if err != nil {
		if errors.Is(err, ErrUnknownPrice) {
			b.alarm(ctx, "unknown_price", "tenant", a.Tenant, "customer", a.Customer, "err", err)
		}
		return s, a, fmt.Errorf("fetch customer of %s: %w", a.Tenant, err)
	}
	s.FetchStarted = started
	a, err = b.store.change(ctx, a.Tenant, func(a *Account) (bool, error) { return a.learn(s, b.now()) })
	return s, a, err
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
