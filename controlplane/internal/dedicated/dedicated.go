package dedicated

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// requestTries bounds how often Request loses a slot to somebody faster.
const requestTries = 100

// Service owns the dedicated environments. It may be used from many goroutines
// and many replicas.
type Service struct {
	environments docstore.Table[environment]
	fleet        *fleet.Service
	provisioner  Provisioner
	log          *slog.Logger
	began        time.Time // nothing was started before, whatever its document says

	kick chan id.Environment // environments of this process that may be able to move now

	mu    sync.Mutex
	turns map[id.Environment]chan struct{} // holds one value while a step is taken
	ended map[id.Environment]time.Time     // when a failed one's agent was ended; its last beat is remembered longer
}

// New keeps dedicated environments in store and makes them with p. Run keeps them
// running.
func New(store docstore.Store, agents *fleet.Service, p Provisioner, log *slog.Logger) *Service {
	return &Service{
		environments: docstore.TableOf[environment](store, Collection),
		fleet:        agents, provisioner: p, log: log, began: time.Now(),
		kick:  make(chan id.Environment, 64), // more than that waits for the next round
		turns: map[id.Environment]chan struct{}{},
		ended: map[id.Environment]time.Time{},
	}
}

// Request makes the tenant's environment of that key exist and wanted, and says
// which one it is; Ready says when it can be used. The same key gives the same
// environment, and a failed one another try. It fails with ErrWish, ErrUnable,
// ErrFull, or ErrRemoved when the key's environment was removed.
func (s *Service) Request(ctx context.Context, tenant id.Tenant, key string) (id.Environment, error) {
	if _, err := id.ParseTenant(string(tenant)); err != nil || !keyForm.MatchString(key) {
		return "", ErrWish
	}
	for range requestTries {
		env, err := s.request(ctx, tenant, key)
		if errors.Is(err, docstore.ErrExists) {
			continue // somebody was faster, with this key or with the slot
		}
		if err != nil {
			return "", err
		}
		s.wake(env)
		return env, nil
	}
	return "", ErrFull.Because(fmt.Errorf("%d slots were lost to others", requestTries))
}

func (s *Service) request(ctx context.Context, tenant id.Tenant, key string) (id.Environment, error) {
	rows, _, err := s.environments.Find(ctx, docstore.Query{Index: byKey, Equal: []any{string(tenant), key}, Limit: 1})
	if err != nil {
		return "", fmt.Errorf("find dedicated environment of %s: %w", tenant, err)
	}
	if len(rows) > 0 {
		return s.again(ctx, id.Environment(rows[0].ID))
	}
	slot, err := s.freeSlot(ctx)
	if err != nil {
		return "", err
	}
	// The name leads back to the same environment when we are cut off before the
	// document is there.
	env, err := s.fleet.EnsureEnvironment(ctx, "dedicated/"+string(tenant)+"/"+key, features.Platform)
	if err != nil {
		return "", fmt.Errorf("make dedicated environment of %s: %w", tenant, err)
	}
	first := Lifecycle.First()
	err = s.environments.Insert(ctx, string(env.ID), environment{
		Tenant: tenant, Key: key, Home: s.provisioner.Home(), Slot: slot,
		State: first, Entered: map[State]time.Time{first: time.Now().UTC()},
	})
	if err != nil {
		return "", fmt.Errorf("keep dedicated environment of %s: %w", tenant, err)
	}
	return env.ID, nil
}

// again asks once more for an environment that exists.
func (s *Service) again(ctx context.Context, env id.Environment) (id.Environment, error) {
	_, err := s.environments.Update(ctx, string(env), func(e *environment) error {
		switch {
		case e.State == Failed:
			return e.move(RetryAsked)
		case !e.State.wanted():
			return ErrRemoved
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("ask again for %s: %w", env, err)
	}
	return env, nil
}

// freeSlot is the lowest slot of our home that nobody has.
func (s *Service) freeSlot(ctx context.Context) (int, error) {
	slots, err := s.provisioner.Room()
	if err != nil {
		return 0, ErrUnable.Because(err)
	}
	rows, err := s.environments.All(ctx, docstore.Query{Index: bySlot, Equal: []any{s.provisioner.Home()}})
	if err != nil {
		return 0, fmt.Errorf("count dedicated environments: %w", err)
	}
	taken := map[int]bool{}
	for _, r := range rows {
		taken[r.Value.Slot] = true
	}
	for slot := 1; slot <= slots; slot++ {
		if !taken[slot] {
			return slot, nil
		}
	}
	return 0, ErrFull.Because(fmt.Errorf("%d of %d slots are taken", len(rows), slots))
}

// Ready says whether the environment can be used now: it is running and its agent
// is connected. It fails with ErrNone, ErrFailed, or ErrRemoved, when waiting
// longer does not help.
func (s *Service) Ready(ctx context.Context, env id.Environment) (bool, error) {
	v, err := s.Of(ctx, env)
	if err != nil {
		return false, err
	}
	switch v.State {
	case Failed:
		return false, ErrFailed.Saying("%s", v.Reason)
	case Stopping, Removed:
		return false, ErrRemoved
	case Requested, Starting, Running:
	}
	return v.State == Running && v.Alive, nil
}

// Of is how the environment is. It fails with ErrNone.
func (s *Service) Of(ctx context.Context, env id.Environment) (View, error) {
	r, err := s.get(ctx, env)
	if err != nil {
		return View{}, err
	}
	return viewOf(env, r.Value, s.alive(env)), nil
}

// Remove takes the environment away: its agent ends, is never let in again, and
// everything it kept is deleted. It returns nil when nothing is left. The wish is
// durable before anything is touched, so a removal that is cut off, or belongs to
// another replica, goes on by itself; ErrRemoving says that it is not through.
// It fails with ErrNone for an environment that is not dedicated.
func (s *Service) Remove(ctx context.Context, env id.Environment) error {
	row, err := s.environments.Update(ctx, string(env), func(e *environment) error {
		if e.State == Stopping || e.State == Removed {
			return nil
		}
		return e.move(RemovalAsked)
	})
	if errors.Is(err, docstore.ErrNotFound) || errors.Is(err, docstore.ErrInvalid) {
		return ErrNone
	}
	if err != nil {
		return fmt.Errorf("ask for removal of %s: %w", env, err)
	}
	if row.Value.State == Removed {
		return nil
	}
	if row.Value.Home != s.provisioner.Home() {
		return ErrRemoving
	}
	if _, err := s.Step(ctx, env); err != nil {
		return ErrRemoving.Because(err)
	}
	return nil
}

// Health is the line of /health: degraded while an environment that shall run
// does not.
func (s *Service) Health(ctx context.Context) features.Component {
	c := features.Component{Name: "dedicated environments", State: features.Ready}
	degraded := func(format string, args ...any) features.Component {
		c.State, c.Reason = features.Degraded, fmt.Sprintf(format, args...)
		return c
	}
	rows, err := s.environments.All(ctx, docstore.Query{Index: bySlot})
	if err != nil {
		return degraded("they cannot be counted: %v", err)
	}
	var running, away, failed int
	for _, r := range rows {
		switch {
		case r.Value.State == Failed:
			failed++
		case r.Value.State == Running && s.alive(id.Environment(r.ID)):
			running++
		case r.Value.State == Running:
			away++
		}
	}
	slots, unable := s.provisioner.Room()
	switch {
	case away > 0 || failed > 0:
		return degraded("%d running, %d without a connected agent, %d could not be started", running, away, failed)
	case slots == 0 && len(rows) == 0:
		c.State, c.Reason = features.Off, "this control plane makes none"
		return c
	case unable != nil:
		return degraded("%d running, and none can be made: %v", running, unable)
	}
	c.Reason = fmt.Sprintf("%d running", running)
	return c
}

func (s *Service) get(ctx context.Context, env id.Environment) (docstore.Row[environment], error) {
	r, err := s.environments.Get(ctx, string(env))
	if errors.Is(err, docstore.ErrNotFound) || errors.Is(err, docstore.ErrInvalid) {
		return r, ErrNone
	}
	if err != nil {
		return r, fmt.Errorf("read dedicated environment %s: %w", env, err)
	}
	return r, nil
}

func (s *Service) alive(env id.Environment) bool { return len(s.fleet.Alive(env)) > 0 }

func (s *Service) wake(env id.Environment) {
	select {
	case s.kick <- env:
	default: // the round finds it
	}
}

// turn waits until nobody else of this process takes a step of env.
func (s *Service) turn(ctx context.Context, env id.Environment) (done func(), err error) {
	s.mu.Lock()
	turn, ok := s.turns[env]
	if !ok {
		turn = make(chan struct{}, 1)
		s.turns[env] = turn
	}
	s.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the turn of %s: %w", env, ctx.Err())
	}
}

// noteEnd remembers that the agent of env has just ended.
func (s *Service) noteEnd(env id.Environment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[env] = time.Now()
}

// endedAt is when noteEnd was called, or zero.
func (s *Service) endedAt(env id.Environment) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended[env]
}

// ours are the environments of our home that take room there.
func (s *Service) ours(ctx context.Context) ([]docstore.Row[environment], error) {
	rows, err := s.environments.All(ctx, docstore.Query{Index: bySlot, Equal: []any{s.provisioner.Home()}})
	if err != nil {
		return nil, fmt.Errorf("list dedicated environments: %w", err)
	}
	return rows, nil
}

// wantedOf are those of rows that shall run.
func wantedOf(rows []docstore.Row[environment]) []id.Environment {
	var wanted []id.Environment
	for _, r := range rows {
		if r.Value.State.wanted() {
			wanted = append(wanted, id.Environment(r.ID))
		}
	}
	slices.Sort(wanted)
	return wanted
}
