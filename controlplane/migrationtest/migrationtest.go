// Package migrationtest runs the conductor of moves in the test process: the real
// migration and the real routes over a document store that the test gives, and
// small doubles of what lies around them.
//
// It owns those doubles (a ledger, environments that the test makes, a log of what
// is wanted where) and the killing of a conductor in the middle of a write. It does
// not own the agents: the test carries requests to them.
package migrationtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/migration"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
	"github.com/dyocense/dyocense/shared/id"
)

// The words of moves that tests need.
type (
	// Times are how long things are waited for.
	Times = migration.Times
	// Pace is how hard copying presses.
	Pace = migration.Pace
	// Carry sends a request to an agent.
	Carry = migration.Carry
	// Move is what a person sees of a move.
	Move = migration.Move
	// Mismatch is a row that differs in a copy.
	Mismatch = migration.Mismatch
	// Preflight is what a person sees before a move.
	Preflight = migration.Preflight
	// Action is something that a move offers.
	Action = migration.Action
	// When says when the switch comes.
	When = migration.When
	// State of a move.
	State = migration.State
	// PlanID names a plan.
	PlanID = billing.PlanID
	// Route is where a tenant's requests go.
	Route = provisioning.Route
)

// Plans in the pool and on dedicated infrastructure, and the moments of a switch.
const (
	Pooled    = billing.Growth
	Dedicated = billing.Enterprise

	WhenReady = migration.WhenReady
	WhenAsked = migration.WhenAsked
)

// The faults that tests look for.
var (
	ErrNotOffered = migration.ErrNotOffered
	ErrNone       = migration.ErrNone
	ErrActive     = migration.ErrActive
)

// Environments are made and removed by the test.
type Environments interface {
	// Make makes an environment for a tenant exist; it does nothing when it does.
	Make(env id.Environment) error
	// Serves says whether an agent answers there.
	Serves(env id.Environment) bool
	// Unmake deletes the environment with all its files, and says whether that is
	// done.
	Unmake(env id.Environment) (bool, error)
}

// Config of a Plane.
type Config struct {
	Store        docstore.Store // of the control plane
	Carry        Carry
	Environments Environments
	// Want hears each line of the desired state, in order.
	Want  func(env id.Environment, w contract.WantedTenant)
	Times Times
	Log   *slog.Logger
}

// Plane is a control plane with one company that lives in the pool.
type Plane struct {
	Tenant id.Tenant
	Pool   id.Environment
	Ledger *Ledger

	config Config
	places *provisioning.Service
	desk   *migration.Service // for requests of people; it drives nothing

	mu    sync.Mutex
	lines map[id.Environment]int64
	made  map[string]id.Environment // by key
	gone  map[id.Environment]bool
}

// New makes a company whose store the pool is asked to create through Want.
func New(ctx context.Context, c Config) (*Plane, error) {
	p := &Plane{
		Tenant: id.NewTenant(), Pool: id.NewEnvironment(), Ledger: newLedger(), config: c,
		lines: map[id.Environment]int64{}, made: map[string]id.Environment{}, gone: map[id.Environment]bool{},
	}
	if err := c.Store.Ensure(ctx, append(migration.Collections(), provisioning.Collections()...)...); err != nil {
		return nil, err
	}
	p.places = provisioning.New(c.Store, fleet{p, storetest.NewLife(nil)}, answers, c.Log)
	p.desk = p.service(storetest.NewLife(nil))
	return p, nil
}

// Settle places the company in the pool, after its agent runs.
func (p *Plane) Settle(ctx context.Context) error {
	if err := p.places.Request(ctx, p.Tenant, "Shop", string(Pooled)); err != nil {
		return err
	}
	if err := p.steps(ctx); err != nil {
		return err
	}
	err := p.places.Reported(ctx, p.Pool, contract.Report{Tenant: p.Tenant, Revision: 1, State: contract.TenantServing, OK: true})
	return errors.Join(err, p.steps(ctx))
}

func (p *Plane) steps(ctx context.Context) error {
	for again := true; again; {
		var err error
		if again, err = p.places.Step(ctx, p.Tenant); err != nil {
			return err
		}
	}
	return nil
}

func answers(context.Context, id.Tenant, id.Environment) error { return nil }

func (p *Plane) service(life *storetest.Life) *migration.Service {
	store := life.Mortal(p.config.Store)
	carry := func(ctx context.Context, t id.Tenant, env id.Environment, r *http.Request) (*http.Response, error) {
		if life.Dead() {
			return nil, storetest.ErrDead
		}
		a, err := p.config.Carry(ctx, t, env, r)
		if life.Dead() {
			return nil, storetest.ErrDead
		}
		return a, err
	}
	return migration.New(migration.Config{
		Store: store, Carry: carry, Dedicated: homes{p, life}, Fleet: fleet{p, life}, Books: books{p.Ledger, life},
		Places:    provisioning.New(store, fleet{p, life}, answers, p.config.Log),
		Companies: companies{}, Mailbox: mailbox{}, Site: "https://example.com", Times: p.config.Times, Log: p.config.Log,
	})
}

// Conductor is one replica that drives moves.
type Conductor struct {
	life  *storetest.Life
	stop  context.CancelFunc
	ended chan struct{}
}

// Begin starts a replica.
func (p *Plane) Begin(ctx context.Context) *Conductor {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &Conductor{stop: stop, ended: make(chan struct{})}
	c.life = storetest.NewLife(stop)
	s := p.service(c.life)
	go func() { // ended by stop
		defer close(c.ended)
		_ = s.Run(ctx)
	}()
	return c
}

// Kill ends the replica at once: what it still does reaches nothing.
func (c *Conductor) Kill() { c.life.Kill() }

// KillAfter kills it in its nth write from now.
func (c *Conductor) KillAfter(n int, how storetest.Death) { c.life.KillAfter(n, how) }

// Dead says whether it was killed.
func (c *Conductor) Dead() bool { return c.life.Dead() }

// Stop ends the replica as a shutdown does, and waits.
func (c *Conductor) Stop() {
	c.stop()
	<-c.ended
}

func (p *Plane) who(ctx context.Context) (context.Context, identity.Who) {
	who := identity.Who{Person: "per_test", Email: "o@example.com", Tenant: p.Tenant, Role: contract.RoleOwner}
	return identity.With(ctx, who), who
}

// Preflight looks at a move to the plan.
func (p *Plane) Preflight(ctx context.Context, to PlanID) (Preflight, error) {
	_, who := p.who(ctx)
	return p.desk.Preflight(ctx, who, to, "month")
}

// Start looks at a move to the plan and begins it.
func (p *Plane) Start(ctx context.Context, to PlanID, when When) (Move, error) {
	_, who := p.who(ctx)
	shown, err := p.desk.Preflight(ctx, who, to, "month")
	if err != nil {
		return Move{}, err
	}
	return p.desk.Start(ctx, who, to, "month", shown.Hash, when)
}

// Act asks for something that the move offers.
func (p *Plane) Act(ctx context.Context, m id.Move, action string) (Move, error) {
	return p.desk.Act(ctx, p.Tenant, m, action)
}

// Current is the present or the last move.
func (p *Plane) Current(ctx context.Context) (Move, error) {
	ctx, _ = p.who(ctx)
	r, err := migration.NewOperations(p.desk).Current(ctx, &migration.Nothing{})
	if err != nil {
		return Move{}, err
	}
	return r.Body, nil
}

// Moves are all moves, newest first.
func (p *Plane) Moves(ctx context.Context) ([]Move, error) {
	ctx, _ = p.who(ctx)
	r, err := migration.NewOperations(p.desk).List(ctx, &migration.Nothing{})
	if err != nil {
		return nil, err
	}
	return r.Body.Moves, nil
}

// Route is where the company's requests go.
func (p *Plane) Route(ctx context.Context) (Route, error) { return p.places.Route(ctx, p.Tenant) }

// Changed receives after the log of a move may have changed.
func (p *Plane) Changed(ctx context.Context) <-chan struct{} {
	return p.config.Store.Watch(ctx, migration.LogCollection)
}

// fleet notes what is wanted.
type fleet struct {
	p    *Plane
	life *storetest.Life
}

// Pool implements migration.Fleet and provisioning.Fleet.
func (f fleet) Pool(context.Context) (id.Environment, error) { return f.p.Pool, nil }

// Want implements migration.Fleet and provisioning.Fleet.
func (f fleet) Want(_ context.Context, env id.Environment, w contract.WantedTenant) (int64, error) {
	err := f.life.Write(nil, func() error {
		f.p.mu.Lock()
		defer f.p.mu.Unlock()
		f.p.lines[env]++
		w.Revision = f.p.lines[env]
		f.p.config.Want(env, w)
		return nil
	})
	return w.Revision, err
}

// homes are the dedicated environments.
type homes struct {
	p    *Plane
	life *storetest.Life
}

// Request implements migration.Dedicated.
func (h homes) Request(_ context.Context, t id.Tenant, key string) (env id.Environment, err error) {
	err = h.life.Write(nil, func() error {
		h.p.mu.Lock()
		defer h.p.mu.Unlock()
		name := string(t) + "/" + key
		if env = h.p.made[name]; env == "" {
			env = id.NewEnvironment()
			h.p.made[name] = env
		}
		if h.p.gone[env] {
			return fmt.Errorf("environment %s was removed", env)
		}
		return h.p.config.Environments.Make(env)
	})
	return env, err
}

// Ready implements migration.Dedicated.
func (h homes) Ready(_ context.Context, env id.Environment) (bool, string, error) {
	return h.p.config.Environments.Serves(env), "no agent is there", nil
}

// Owns implements migration.Dedicated.
func (h homes) Owns(_ context.Context, env id.Environment) (bool, error) { return env != h.p.Pool, nil }

// Remove implements migration.Dedicated.
func (h homes) Remove(_ context.Context, env id.Environment) (gone bool, err error) {
	err = h.life.Write(nil, func() error {
		h.p.mu.Lock()
		h.p.gone[env] = true
		h.p.mu.Unlock()
		gone, err = h.p.config.Environments.Unmake(env)
		return err
	})
	return gone, err
}

type companies struct{}

// Name implements migration.Companies.
func (companies) Name(context.Context, id.Tenant) (string, error) { return "Shop", nil }

// Seats implements migration.Companies.
func (companies) Seats(context.Context, id.Tenant) (int, error) { return 1, nil }

// Used implements migration.Companies.
func (companies) Used(context.Context, id.Tenant) (decisions, locations int, err error) {
	return 12, 0, nil
}

type mailbox struct{}

// Post implements migration.Mailbox.
func (mailbox) Post(context.Context, string, string, notify.Letter) error { return nil }

// Ledger is a double of the books: what the company pays for, and every payment.
// It keeps the promises of billing.Books that a move relies on: one change a name,
// and none under a name that was undone.
type Ledger struct {
	mu      sync.Mutex
	plan    billing.PlanID
	changes map[string]*change
	decline int  // how many payments are still declined
	silent  bool // the next call takes effect, and fails
}

type change struct {
	from, to billing.PlanID
	paid     billing.Cents
	done     bool // it is in force
	undone   bool
}

func newLedger() *Ledger { return &Ledger{plan: Pooled, changes: map[string]*change{}} }

// Plan is what the company has.
func (l *Ledger) Plan() PlanID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.plan
}

// InForce are the changes that were paid and not given back.
func (l *Ledger) InForce() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name, c := range l.changes {
		if c.done && !c.undone {
			names = append(names, name)
		}
	}
	return names
}

// Decline lets the next payments fail.
func (l *Ledger) Decline(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decline = n
}

// LoseAnswer lets the next payment, or payment back, happen without an answer.
func (l *Ledger) LoseAnswer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = true
}

type books struct {
	*Ledger
	life *storetest.Life
}

// Standing implements migration.Books.
func (b books) Standing(context.Context, id.Tenant) (billing.Standing, error) {
	plan, err := billing.PlanOf(b.Plan())
	return billing.Standing{Plan: &plan, Interval: "month", Access: billing.Active}, err
}

// Quote implements migration.Books.
func (b books) Quote(_ context.Context, _ id.Tenant, to billing.PlanID, i billing.Interval) (billing.Quote, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if to == b.plan {
		return billing.Quote{}, billing.ErrSamePlan
	}
	q := billing.Quote{From: b.plan, To: to, Interval: i, Currency: "usd", AtRenewal: 100, Expires: time.Now().Add(time.Hour)}
	if to == Dedicated {
		q.DueToday = 100
	} else {
		q.CreditToday = 100
	}
	return q, nil
}

func (b books) write(do func() error) error {
	return b.life.Write(nil, func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		err := do()
		if err == nil && b.silent {
			b.silent = false
			return billing.ErrProvider
		}
		return err
	})
}

// Switch implements migration.Books.
func (b books) Switch(_ context.Context, _ id.Tenant, q billing.Quote, once string) (billing.Receipt, error) {
	err := b.write(func() error {
		switch c := b.changes[once]; {
		case c != nil && c.undone:
			return billing.ErrChangeUndone
		case c != nil:
			return nil
		case q.From != b.plan:
			return billing.ErrQuoteChanged
		case time.Now().After(q.Expires):
			return billing.ErrQuoteExpired
		case b.decline > 0:
			b.decline--
			return billing.ErrPayment
		}
		b.changes[once] = &change{from: q.From, to: q.To, paid: q.DueToday, done: true}
		b.plan = q.To
		return nil
	})
	return billing.Receipt{Number: "1"}, err
}

// Undo implements migration.Books.
func (b books) Undo(_ context.Context, _ id.Tenant, once string) error {
	return b.write(func() error {
		c := b.changes[once]
		if c == nil {
			c = &change{}
			b.changes[once] = c
		}
		if c.done && !c.undone {
			if b.plan != c.to {
				return billing.ErrChangedSince
			}
			b.plan = c.from
		}
		c.undone = true
		return nil
	})
}
