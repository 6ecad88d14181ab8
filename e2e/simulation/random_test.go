package simulation

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dyocense/dyocense/controlplane/migrationtest"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
)

var (
	onlySeed  = flag.Uint64("seed", 0, "the one seed to run")
	firstSeed = flag.Int64("first", 1, "the first seed to run")
)

// seeds is how many random worlds are tried: DYOCENSE_SEEDS, or what fits into a
// run of all tests.
func seeds() int {
	if n, err := strconv.Atoi(os.Getenv("DYOCENSE_SEEDS")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 50
	}
	return 500
}

// lanes is how many worlds live at a time.
const lanes = 2

func TestRandomWorlds(t *testing.T) {
	t.Parallel()
	if *onlySeed != 0 {
		randomWorld(t, *onlySeed)
		return
	}
	n := seeds()
	var next, done atomic.Int64
	began := time.Now()
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(strconv.Itoa(lane), func(t *testing.T) {
				t.Parallel()
				for !t.Failed() {
					seed := next.Add(1) - 1 + *firstSeed
					if seed >= int64(n)+*firstSeed {
						return
					}
					t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { randomWorld(t, uint64(seed)) })
					done.Add(1)
				}
			})
		}
	})
	t.Logf("%d seeds, %.1f a second", done.Load(), float64(done.Load())/time.Since(began).Seconds())
}

func randomWorld(t *testing.T, seed uint64) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newRng(seed)
		tm := times()
		if r.in(4) {
			tm.Pace = migrationtest.Pace{Documents: 3, AtOnce: 1, Rest: 9}
		}
		w := newWorld(t, dir, tm)
		defer func() {
			w.end()
			if t.Failed() {
				t.Logf("again: go test ./e2e/simulation -run TestRandomWorlds -seed %d -count 20", seed)
				if testing.Verbose() {
					t.Log(w.lines.String())
				}
			}
		}()
		live(w, r)
	})
}

// live is one random life of a company.
func live(w *world, r *rng) {
	w.net.rng = newRng(uint64(r.n(1 << 30)))
	m := w.memory
	seedling := &customer{rng: r, w: w, name: "first", memory: m, most: 5 + r.n(55), rest: time.Millisecond, leave: make(chan struct{})}
	seedling.run()

	leave := make(chan struct{})
	var busy sync.WaitGroup
	for i := range 1 + r.n(3) {
		c := &customer{
			rng: newRng(uint64(r.n(1 << 30))), w: w, name: fmt.Sprint("c", i), memory: m, leave: leave,
			rest: []time.Duration{2 * time.Millisecond, 20 * time.Millisecond, 200 * time.Millisecond}[r.n(3)], most: 30 + r.n(120),
		}
		busy.Go(c.run)
	}
	watch := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { w.watchOwners(m, 250*time.Millisecond, watch) })

	moves := 1 + r.n(3)
	to := migrationtest.Dedicated
	for range moves {
		w.oneMove(r, to)
		if w.t.Failed() {
			break
		}
		to = migrationtest.Dedicated
		if w.plane.Ledger.Plan() == migrationtest.Dedicated {
			to = migrationtest.Pooled
		}
	}
	close(leave)
	busy.Wait()
	close(watch)
	watching.Wait()
	w.net.drain()
	w.quiet()
	w.check()
	if w.t.Failed() {
		all, err := w.plane.Moves(w.ctx)
		must(w.t, err)
		for _, m := range all {
			w.t.Log(story(m))
		}
	}
}

// oneMove begins a move, disturbs it for a while, and lets it come to rest.
func (w *world) oneMove(r *rng, to migrationtest.PlanID) {
	when := migrationtest.WhenReady
	if r.in(3) {
		when = migrationtest.WhenAsked
	}
	w.late = time.Duration(r.n(3000)) * time.Millisecond
	w.conduct()
	var started error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); w.pass(500 * time.Millisecond) {
		// An agent may still be coming up, and the move before be put away.
		if _, started = w.plane.Start(w.ctx, to, when); started == nil {
			break
		}
	}
	if started != nil {
		w.t.Errorf("a move to %s cannot begin: %v", to, started)
		return
	}
	if r.in(4) {
		w.plane.Ledger.Decline(1 + r.n(2))
	}
	if r.in(4) {
		w.plane.Ledger.LoseAnswer()
	}
	w.net.rough.Store([]int64{0, 4, 12, 40}[r.n(4)])
	w.net.kills.Store([]int64{0, 0, 15, 60}[r.n(4)])
	calm := make(chan struct{})
	var trouble sync.WaitGroup
	if r.in(2) {
		trouble.Go(func() { w.disturbConductors(newRng(uint64(r.n(1<<30))), calm) })
	}
	if r.in(2) {
		trouble.Go(func() { w.disturbAgents(newRng(uint64(r.n(1<<30))), calm) })
	}
	patience := time.Duration(1+r.n(40)) * time.Second
	buttons := r.n(3)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		m, err := w.plane.Current(w.ctx)
		must(w.t, err)
		if m.Over {
			break
		}
		w.press(r, m, buttons)
		w.pass(time.Duration(1+r.n(1500)) * time.Millisecond)
	}
	close(calm)
	trouble.Wait()
	w.net.calm()
	w.conduct()
	w.rest(r)
	w.mu.Lock()
	conductors := w.cond
	w.cond = nil
	w.mu.Unlock()
	for _, c := range conductors {
		c.Stop()
	}
}

// press presses one of the buttons that are there, more or less wildly.
func (w *world) press(r *rng, m migrationtest.Move, wild int) {
	if len(m.Actions) == 0 || !r.in([]int{2, 6, 20}[wild]) {
		return
	}
	a := m.Actions[r.n(len(m.Actions))].Name
	w.say("press %s in %s", a, m.State)
	if _, err := w.plane.Act(w.ctx, m.ID, a); err != nil && !errors.Is(err, migrationtest.ErrNotOffered) {
		w.t.Errorf("%s in %s: %v", a, m.State, err)
	}
}

// disturbConductors kills replicas and starts others, sometimes two at a time.
func (w *world) disturbConductors(r *rng, calm <-chan struct{}) {
	for {
		select {
		case <-calm:
			return
		case <-time.After(time.Duration(r.n(4000)) * time.Millisecond):
		}
		w.mu.Lock()
		var alive []*migrationtest.Conductor
		for _, c := range w.cond {
			if !c.Dead() {
				alive = append(alive, c)
			}
		}
		w.mu.Unlock()
		switch {
		case len(alive) == 0 || len(alive) < 2 && r.in(3):
			w.say("one more conductor")
			w.conduct()
		case r.in(2):
			w.say("a conductor is killed")
			alive[r.n(len(alive))].Kill()
		default:
			w.say("a conductor is killed at a write")
			alive[r.n(len(alive))].KillAfter(1+r.n(6), storetest.Death(r.n(3)))
		}
	}
}

// disturbAgents kills agents.
func (w *world) disturbAgents(r *rng, calm <-chan struct{}) {
	for {
		select {
		case <-calm:
			return
		case <-time.After(time.Duration(r.n(6000)) * time.Millisecond):
		}
		all := w.all()
		s := all[r.n(len(all))]
		if r.in(2) {
			s.Kill()
			continue
		}
		s.KillAfter(1+r.n(10), storetest.Death(r.n(3)))
	}
}

// rest lets the move come to its end without trouble.
func (w *world) rest(r *rng) {
	for end := time.Now().Add(30 * time.Minute); ; {
		m, err := w.plane.Current(w.ctx)
		must(w.t, err)
		if m.Over {
			return
		}
		if time.Now().After(end) {
			w.t.Errorf("the move does not end; it waits for %q\n%s", m.Progress.WaitingFor, story(m))
			return
		}
		switch {
		case m.State == "failed":
			if m.Error == nil || m.Error.Code != "move.provisioning" {
				w.t.Errorf("a false alarm: %v %+v\n%s", m.Mismatches, m.Error, story(m))
			}
			w.either(r, m, "abort", "retry")
		case m.State == "ready":
			w.either(r, m, "switch", "switch", "abort")
		case m.State == "switched":
			w.either(r, m, "roll_back", "accept", "accept")
		case m.State == "accepted":
			w.either(r, m, "clean")
		case m.Paused:
			w.either(r, m, "resume")
		}
		w.pass(500 * time.Millisecond)
	}
}

// either presses one of these buttons, if it is there.
func (w *world) either(r *rng, m migrationtest.Move, actions ...string) {
	a := actions[r.n(len(actions))]
	if !offers(m, a) {
		return
	}
	if _, err := w.plane.Act(w.ctx, m.ID, a); err != nil && !errors.Is(err, migrationtest.ErrNotOffered) {
		w.t.Errorf("%s in %s: %v", a, m.State, err)
	}
}
