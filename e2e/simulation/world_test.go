package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/agenttest"
	"github.com/dyocense/dyocense/controlplane/migrationtest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// times are short where somebody decides, and the product's where a machine does.
func times() migrationtest.Times {
	return migrationtest.Times{
		Soak: 2 * time.Minute, Keep: 20 * time.Second, Provision: 5 * time.Minute, Lost: 2500 * time.Millisecond,
		Budget: 80 * time.Millisecond, Attempts: 8, Rehearse: 3, Pace: migrationtest.Pace{Documents: 2000, AtOnce: 2},
	}
}

// world is a control plane, its agents, and the network between them.
type world struct {
	t     testing.TB
	ctx   context.Context //nolint:containedctx // the test's
	dir   string
	log   *slog.Logger
	lines *transcript
	store *sqlitestore.Store
	plane *migrationtest.Plane
	net   *network

	memory *memory // of all customers
	fills  int
	outfit func(*site) // does something to an agent before it starts; may be nil

	mu    sync.Mutex
	sites map[id.Environment]*site
	late  time.Duration // until an environment that is made has an agent
	cond  []*migrationtest.Conductor
	ends  sync.WaitGroup // goroutines of the world
	stop  chan struct{}
}

// site is an environment: an agent, and what is wanted of it.
type site struct {
	*agenttest.Agent
	env id.Environment

	mu      sync.Mutex
	wanted  []contract.WantedTenant
	applied int
	kick    chan struct{}
	up      atomic.Bool // its agent answers
	gone    atomic.Bool
	steady  atomic.Bool // nobody stops it any more
}

// newWorld makes a company in the pool. It belongs to the bubble of the test.
func newWorld(t testing.TB, dir string, tm migrationtest.Times) *world {
	t.Helper()
	w := &world{
		t: t, ctx: context.Background(), dir: dir, lines: &transcript{}, sites: map[id.Environment]*site{}, stop: make(chan struct{}),
		late: 300 * time.Millisecond, memory: newMemory(),
	}
	w.log = slog.New(slog.NewTextHandler(w.lines, &slog.HandlerOptions{Level: slog.LevelInfo}))
	w.net = newNetwork(w)
	var err error
	w.store, err = sqlitestore.Open(filepath.Join(dir, "plane.db"), sqlitestore.Options{})
	must(t, err)
	w.plane, err = migrationtest.New(w.ctx, migrationtest.Config{
		Store: w.store, Carry: w.net.carry, Environments: homes{w}, Want: w.want, Times: tm, Log: w.log,
	})
	must(t, err)
	must(t, w.make(w.plane.Pool, 0))
	must(t, w.plane.Settle(w.ctx))
	w.until("the tenant is in the pool", time.Minute, func() bool {
		is, err := w.site(w.plane.Pool).Look(w.ctx, w.plane.Tenant)
		return err == nil && is.Role == "owner" && is.Applied.Slot > 0
	})
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// transcript is the log of a world, shown when it fails.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (w *world) say(format string, args ...any) {
	w.log.Info("world", "what", fmt.Sprintf(format, args...))
}

// until waits for something that others bring about.
func (w *world) until(what string, within time.Duration, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(within); !ok(); {
		select {
		case <-tick.C:
		case <-end:
			w.t.Fatalf("%s: not within %v", what, within)
		}
	}
}

func (w *world) site(env id.Environment) *site {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sites[env]
}

func (w *world) all() []*site {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*site
	for _, s := range w.sites {
		all = append(all, s)
	}
	return all
}

// make makes an environment whose agent comes up after a while.
func (w *world) make(env id.Environment, late time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sites[env] != nil {
		return nil
	}
	s := &site{Agent: agenttest.New(env, filepath.Join(w.dir, string(env)), w.log.With("env", env)), env: env, kick: make(chan struct{}, 1)}
	if w.outfit != nil {
		w.outfit(s)
	}
	w.sites[env] = s
	w.ends.Go(func() { w.live(s, late) })
	return nil
}

// live keeps the agent of s up, and lets it carry out what is wanted of it.
func (w *world) live(s *site, late time.Duration) {
	if !w.wait(late) {
		return
	}
	for !s.gone.Load() {
		if err := s.Start(w.ctx); err != nil {
			w.say("agent of %s does not start: %v", s.env, err)
			if !w.wait(200 * time.Millisecond) {
				return
			}
			continue
		}
		s.up.Store(true)
		killed := s.Killed()
		for alive := true; alive; {
			w.carryOut(s)
			select {
			case <-w.stop:
				return
			case <-s.kick:
			case <-time.After(time.Second):
			case <-killed:
				alive = false
			}
			if s.gone.Load() {
				return
			}
			alive = alive && s.Runs()
		}
		s.up.Store(false)
		down := time.Duration(w.net.n(1500)) * time.Millisecond
		w.say("agent of %s is down for %v", s.env, down)
		if !w.wait(down) {
			return
		}
	}
}

// wait waits, or says that the world ends.
func (w *world) wait(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-w.stop:
		return false
	}
}

// pass lets time pass; in the bubble of a test that is an event like another.
func (w *world) pass(d time.Duration) { <-time.After(d) }

// carryOut applies the lines that are new to s, in order, as a session does.
func (w *world) carryOut(s *site) {
	for {
		s.mu.Lock()
		if s.applied == len(s.wanted) {
			s.mu.Unlock()
			return
		}
		line := s.wanted[s.applied]
		s.mu.Unlock()
		if !w.wait(w.net.latency()) {
			return
		}
		ctx, done := context.WithTimeout(w.ctx, 20*time.Second)
		_, err := s.Apply(ctx, line)
		done()
		if !s.Runs() {
			return
		}
		if err != nil {
			w.say("line %d of %s (%s): %v", line.Revision, s.env, line.State, err)
			if fault.KindOf(err).Retryable() {
				if !w.wait(200 * time.Millisecond) {
					return
				}
				continue
			}
		}
		s.mu.Lock()
		s.applied++
		s.mu.Unlock()
	}
}

// want hears a line of the desired state.
func (w *world) want(env id.Environment, l contract.WantedTenant) {
	s := w.site(env)
	if s == nil {
		return
	}
	s.mu.Lock()
	s.wanted = append(s.wanted, l)
	s.mu.Unlock()
	w.say("wanted of %s: line %d, %s", env, l.Revision, l.State)
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// homes makes environments for the plane.
type homes struct{ w *world }

// Make implements migrationtest.Environments.
func (h homes) Make(env id.Environment) error { return h.w.make(env, h.w.late) }

// Serves implements migrationtest.Environments.
func (h homes) Serves(env id.Environment) bool {
	s := h.w.site(env)
	return s != nil && s.up.Load()
}

// Unmake implements migrationtest.Environments.
func (h homes) Unmake(env id.Environment) (bool, error) {
	s := h.w.site(env)
	if s == nil {
		return true, nil
	}
	s.gone.Store(true)
	s.Kill()
	s.Settle()
	if err := os.RemoveAll(filepath.Join(h.w.dir, string(env))); err != nil {
		return false, err
	}
	h.w.mu.Lock()
	delete(h.w.sites, env)
	h.w.mu.Unlock()
	select {
	case s.kick <- struct{}{}:
	default:
	}
	return true, nil
}

// quiet waits until every agent is up and has carried out what is wanted of it.
func (w *world) quiet() {
	w.t.Helper()
	w.until("every agent is idle", time.Minute, func() bool {
		for _, s := range w.all() {
			s.mu.Lock()
			idle := s.applied == len(s.wanted)
			s.mu.Unlock()
			if !idle || !s.up.Load() || !s.Runs() {
				return false
			}
		}
		return true
	})
}

// conduct starts one more replica of the control plane's conductor.
func (w *world) conduct() *migrationtest.Conductor {
	c := w.plane.Begin(w.ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cond = append(w.cond, c)
	return c
}

// end stops everything, and everything has to end.
func (w *world) end() {
	w.net.calm()
	w.mu.Lock()
	conductors := w.cond
	w.mu.Unlock()
	for _, c := range conductors {
		c.Stop()
	}
	close(w.stop)
	w.net.drain()
	w.ends.Wait()
	for _, s := range w.all() {
		if err := s.Stop(); err != nil {
			w.t.Errorf("agent of %s: %v", s.env, err)
		}
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// served runs use with the tenant's store, wherever it is served.
func (w *world) served(use func(context.Context, *agenttest.Store) error) error {
	r, err := w.plane.Route(w.ctx)
	if err != nil {
		return err
	}
	s := w.site(r.Environment)
	if s == nil {
		return agenttest.ErrDown
	}
	return s.With(w.ctx, w.plane.Tenant, use)
}

// state is the state of the present or last move, "" without one.
func (w *world) state() migrationtest.State {
	m, err := w.plane.Current(w.ctx)
	if errors.Is(err, migrationtest.ErrNone) {
		return ""
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return m.State
}

// reach waits until the move is in a state.
func (w *world) reach(states ...migrationtest.State) migrationtest.Move {
	w.t.Helper()
	var m migrationtest.Move
	end := time.After(20 * time.Minute)
	ctx, done := context.WithCancel(w.ctx)
	defer done()
	changed := w.plane.Changed(ctx)
	for {
		var err error
		m, err = w.plane.Current(w.ctx)
		must(w.t, err)
		for _, s := range states {
			if m.State == s {
				return m
			}
		}
		select {
		case <-changed:
		case <-time.After(time.Second):
		case <-end:
			w.t.Fatalf("the move is in %s (%s), not in %v", m.State, m.Progress.WaitingFor, states)
		}
	}
}

// offers says whether a move offers an action.
func offers(m migrationtest.Move, action string) bool {
	return slices.ContainsFunc(m.Actions, func(a migrationtest.Action) bool { return a.Name == action })
}

// offered waits until the move offers an action.
func (w *world) offered(action string) {
	w.t.Helper()
	w.until("the offer to "+action, 10*time.Minute, func() bool {
		m, err := w.plane.Current(w.ctx)
		return err == nil && offers(m, action)
	})
}

// act presses a button that has to be there.
func (w *world) act(action string) {
	w.t.Helper()
	m, err := w.plane.Current(w.ctx)
	must(w.t, err)
	if _, err := w.plane.Act(w.ctx, m.ID, action); err != nil {
		w.t.Fatalf("%s in %s: %v", action, m.State, err)
	}
}

// begin starts a move.
func (w *world) begin(to migrationtest.PlanID, when migrationtest.When) migrationtest.Move {
	w.t.Helper()
	m, err := w.plane.Start(w.ctx, to, when)
	must(w.t, err)
	return m
}

// rng is a source of chance for many goroutines.
type rng struct {
	mu sync.Mutex
	r  *rand.Rand
}

func newRng(seed uint64) *rng { return &rng{r: rand.New(rand.NewPCG(seed, 1))} }

func (r *rng) n(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.r.IntN(n)
}

// p says yes once in so many times.
func (r *rng) in(n int) bool { return r.n(n) == 0 }
