package migration

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Dedicated makes and removes environments of one tenant.
type Dedicated interface {
	// Request makes an environment for the tenant, once for each key.
	Request(ctx context.Context, t id.Tenant, key string) (id.Environment, error)
	// Ready says whether an agent serves the environment; the reason says why not.
	Ready(ctx context.Context, env id.Environment) (ready bool, reason string, err error)
	// Owns says whether the environment was made by Request.
	Owns(ctx context.Context, env id.Environment) (bool, error)
	// Remove deletes the environment with everything in it, and says whether that
	// is done.
	Remove(ctx context.Context, env id.Environment) (gone bool, err error)
}

// Places knows where requests of a tenant go.
type Places interface {
	Environment(ctx context.Context, t id.Tenant) (id.Environment, error)
	BeginSwitch(ctx context.Context, t id.Tenant, migration string, from, to id.Environment) error
	Switched(ctx context.Context, t id.Tenant, migration string, claim int64, from, to id.Environment) error
	EndSwitch(ctx context.Context, t id.Tenant, migration string) error
	SetPlan(ctx context.Context, t id.Tenant, plan string) error
}

// Fleet tells environments which tenants to serve.
type Fleet interface {
	Pool(ctx context.Context) (id.Environment, error)
	Want(ctx context.Context, env id.Environment, w contract.WantedTenant) (int64, error)
}

// Books knows what a tenant pays.
type Books interface {
	Standing(ctx context.Context, t id.Tenant) (billing.Standing, error)
	Quote(ctx context.Context, t id.Tenant, to billing.PlanID, i billing.Interval) (billing.Quote, error)
	Switch(ctx context.Context, t id.Tenant, q billing.Quote, once string) (billing.Receipt, error)
	Undo(ctx context.Context, t id.Tenant, once string) error
}

// Companies knows names and how many people there are.
type Companies interface {
	Name(ctx context.Context, t id.Tenant) (string, error)
	Seats(ctx context.Context, t id.Tenant) (int, error)
	// Used is how many decisions were made in the running month of the plan, and how
	// many locations there are.
	Used(ctx context.Context, t id.Tenant) (decisions, locations int, err error)
}

// Mailbox queues letters, once a key.
type Mailbox interface {
	Post(ctx context.Context, key, to string, l notify.Letter) error
}

// Times are how long things are waited for, and how hard copying presses. The zero
// value is for no one.
type Times struct {
	Soak      time.Duration // the customer can go back
	Keep      time.Duration // the old copy after that
	Provision time.Duration // a target may take to come up
	Lost      time.Duration // without a beat, after which another replica takes a move; 0 means at once: there is no other
	Budget    time.Duration // of one attempt to switch, in which writes wait
	Attempts  int           // to switch, before it is put off
	Rehearse  int           // decisions that are made again
	Pace      Pace
}

// NormalTimes are those of the product.
func NormalTimes() Times {
	return Times{
		Soak: 7 * 24 * time.Hour, Keep: 24 * time.Hour, Provision: 5 * time.Minute, Lost: 2500 * time.Millisecond,
		Budget: 80 * time.Millisecond, Attempts: 30, Rehearse: 3, Pace: FullPace(),
	}
}

// Config is what a Service needs.
type Config struct {
	Store     docstore.Store
	Carry     Carry
	Dedicated Dedicated
	Places    Places
	Fleet     Fleet
	Books     Books
	Companies Companies
	Mailbox   Mailbox
	Site      string // address of the product
	Times     Times
	Log       *slog.Logger
	Now       func() time.Time // nil means time.Now
}

// Service keeps moves and drives them. It may be used from many goroutines and
// many replicas.
type Service struct {
	books     books
	carry     Carry
	dedicated Dedicated
	places    Places
	fleet     Fleet
	money     Books
	companies Companies
	mailbox   Mailbox
	site      string
	times     Times
	log       *slog.Logger
	clock     func() time.Time
	name      string // of this process, among workers
	kick      chan struct{}

	mu     sync.Mutex
	mine   map[id.Move]bool
	others map[id.Move]sighting
}

// sighting is when a beat of somebody else's move was first seen. Only our own
// clock is used: those of two replicas may differ.
type sighting struct {
	beat int64
	at   time.Time
}

// New makes a Service; Run drives.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{
		books: newBooks(c.Store), carry: c.Carry, dedicated: c.Dedicated, places: c.Places, fleet: c.Fleet, money: c.Books,
		companies: c.Companies, mailbox: c.Mailbox, site: c.Site, times: c.Times, log: c.Log, clock: c.Now,
		name: rand.Text()[:10], kick: make(chan struct{}, 1), mine: map[id.Move]bool{}, others: map[id.Move]sighting{},
	}
}

func (s *Service) now() time.Time { return s.clock().UTC() }

// wake makes Run look for moves at once.
func (s *Service) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

const (
	// sweepEvery is the pause between looks for moves that nobody drives.
	sweepEvery = time.Second
	// atOnce is how many moves one replica drives.
	atOnce = 64
)

// Run drives moves until ctx ends: those that are asked for here, and those whose
// worker has gone, also from an earlier life of this process.
func (s *Service) Run(ctx context.Context) error {
	var driving sync.WaitGroup
	defer driving.Wait()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		rows, err := s.books.active.All(ctx, docstore.Query{Limit: 1000})
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "moves cannot be read", "err", err)
		}
		for _, r := range rows {
			if !s.mayTake(r.Value) {
				continue
			}
			driving.Go(func() { s.driveOne(ctx, r.Value.Move) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.kick:
		case <-tick.C:
		}
	}
}

// mayTake says whether this process should drive the move, and notes that it does.
func (s *Service) mayTake(a active) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mine[a.Move] || len(s.mine) >= atOnce {
		return false
	}
	if a.Worker != "" && a.Worker != s.name && s.times.Lost > 0 {
		seen, known := s.others[a.Move]
		if !known || seen.beat != a.Beat {
			s.others[a.Move] = sighting{a.Beat, time.Now()}
			return false
		}
		if time.Since(seen.at) < s.times.Lost {
			return false
		}
	}
	delete(s.others, a.Move)
	s.mine[a.Move] = true
	return true
}

func (s *Service) driveOne(ctx context.Context, m id.Move) {
	defer func() {
		s.mu.Lock()
		delete(s.mine, m)
		s.mu.Unlock()
	}()
	row, err := s.books.orders.Get(ctx, string(m))
	for anew := err == nil; anew; {
		var w *worker
		if w, err = s.take(ctx, row.Value); err == nil && w != nil {
			err = w.drive(ctx)
		}
		anew = errors.Is(err, errAnew)
	}
	if err != nil && !errors.Is(err, errNotMine) && ctx.Err() == nil {
		s.log.WarnContext(ctx, "move is left for now", "move", m, "err", err)
	}
}

// Relocate moves a tenant between two environments of the same kind: from pool to
// pool, or from region to region. Nothing is paid, and nothing else changes for
// the customer. It fails with ErrActive while another move is under way.
func (s *Service) Relocate(ctx context.Context, t id.Tenant, to id.Environment) (id.Move, error) {
	from, err := s.places.Environment(ctx, t)
	if err != nil {
		return "", err
	}
	if from == to {
		return "", ErrBlocked.Saying("The workspace is there already.")
	}
	standing, err := s.money.Standing(ctx, t)
	if err != nil {
		return "", err
	}
	if standing.Plan == nil {
		return "", billing.ErrNotSubscribed
	}
	name, err := s.companies.Name(ctx, t)
	if err != nil {
		return "", err
	}
	o := Order{
		ID: id.NewMove(), Tenant: t, Company: name, Direction: Rebalance, FromPlan: standing.Plan.ID, ToPlan: standing.Plan.ID,
		From: from, To: to, When: WhenReady, At: s.now(),
	}
	if err := s.books.open(ctx, o); err != nil {
		return "", err
	}
	s.wake()
	return o.ID, nil
}
