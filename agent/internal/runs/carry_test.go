package runs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	shop id.Environment = "env_shop"
	tier id.Environment = "env_tier"
	// theMove is every move of these tests; going back belongs to it.
	theMove = "mov_1"
)

// handOver makes the agent to the owner of a tenant, as a move does: by copying,
// by following, and by the cut.
func handOver(t testing.TB, from, to agent, tenant id.Tenant, claim int64) {
	t.Helper()
	ctx := t.Context()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	store, release, err := from.shelf.Open(ctx, tenant)
	must("open the owner", err)
	defer release()
	base, err := store.BeginMove(ctx, theMove, claim, from.shelf.Self(), to.shelf.Self())
	must("begin", err)
	raw, _, done, err := from.shelf.Look(ctx, tenant)
	must("look", err)
	defer done()

	copied, leave, err := to.shelf.Follow(ctx, tenant)
	if err == nil { // it was the owner before
		standing, err := copied.Claim(ctx, theMove, claim)
		must("claim", err)
		base = standing.Applied
	} else {
		copied, leave, err = to.shelf.Prepare(ctx, tenant, tenantstore.Standby{Move: theMove, Claim: claim, Base: base}, "")
		must("prepare", err)
		for _, collection := range raw.Collections() {
			end := ""
			if tenantstore.IsJournal(collection) {
				end = tenantstore.JournalEnd(base)
			}
			for after, more := "", true; more; {
				var docs []docstore.Document
				docs, more, err = raw.Page(ctx, collection, after, end, 100, 1<<20)
				must("read "+collection, err)
				if len(docs) == 0 {
					break
				}
				_, err = copied.Put(ctx, theMove, claim, collection, docs)
				must("copy "+collection, err)
				after = docs[len(docs)-1].ID
			}
		}
	}
	defer leave()
	follow := func(at tenantstore.Place) tenantstore.Place {
		for {
			entries, err := raw.Entries(ctx, at, 100, 1<<20)
			must("read the journal", err)
			if len(entries) == 0 {
				return at
			}
			for _, e := range entries {
				for _, b := range e.Blobs {
					docs, _, err := raw.Page(ctx, "blobs", b.Hash, b.Hash+"0", 1000, 64<<20)
					must("read a blob", err)
					_, err = copied.Put(ctx, theMove, claim, "blobs", docs)
					must("copy a blob", err)
				}
			}
			at, err = copied.Apply(ctx, theMove, claim, entries)
			must("apply", err)
		}
	}
	base = follow(base)
	w, err := store.Cut(ctx, time.Minute)
	must("cut", err)
	commit, err := w.HandOver(ctx, from.shelf.Self(), theMove, claim, follow(base))
	must("hand over", err)
	from.Leave(tenant)
	_, err = copied.Promote(ctx, theMove, claim, commit)
	must("promote", err)
	must("adopt", to.Adopt(ctx, tenant))
}

// carry does what the conductor of a move does until nothing is carried any more:
// it takes what is worked on at one agent to the other, and the answers back.
func carry(from, to agent, tenant id.Tenant) (wait func() error) {
	ended := make(chan error, 1)
	go func() {
		ended <- func() error {
			for after := int64(0); from.Carrying(tenant); {
				list, next, err := from.Carried(context.Background(), tenant, after, time.Second)
				if err != nil {
					return fmt.Errorf("fetch: %w", err)
				}
				answers, err := to.Deliver(context.Background(), tenant, list)
				if err != nil {
					return fmt.Errorf("deliver: %w", err)
				}
				from.CarriedAnswers(tenant, answers)
				after = next
			}
			return nil
		}()
	}()
	return func() error { return <-ended }
}

// ends counts how often the end of the run is in the tenant's journal.
func (a agent) ends(t testing.TB, who Caller, run id.Run) int {
	t.Helper()
	raw, _, done, err := a.shelf.Look(t.Context(), who.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	n := 0
	for after, more := "", true; more; {
		var docs []docstore.Document
		if docs, more, err = raw.Page(t.Context(), "journal", after, "", 100, 8<<20); err != nil {
			t.Fatal(err)
		}
		for _, d := range docs {
			n += strings.Count(string(d.Body), `"id":"runs.conclude/`+string(run))
			after = d.ID
		}
	}
	return n
}

func never(t testing.TB) decider {
	return func(context.Context, replenish.Data, replenish.Goal, replenish.Observe) (replenish.Result, error) {
		t.Error("it was begun again")
		return replenish.Result{}, context.Canceled
	}
}

// guided is a decision of which the test is in control: each step it sends is
// carried out by the decision, until it closes steps. It keeps its plan when it
// is cancelled.
func guided(began chan<- struct{}, steps <-chan func(replenish.Observe)) decider {
	return func(ctx context.Context, _ replenish.Data, _ replenish.Goal, observe replenish.Observe) (replenish.Result, error) {
		began <- struct{}{}
		for {
			select {
			case <-ctx.Done():
				return replenish.Result{Status: solve.Feasible, Headline: "Good enough."}, nil
			case step, more := <-steps:
				if !more {
					return replenish.Result{Status: solve.Optimal, Headline: "Order 7 of A."}, nil
				}
				step(observe)
			}
		}
	}
}

func solving(done int) func(replenish.Observe) {
	return func(o replenish.Observe) { o(replenish.Progress{Stage: replenish.StageSolve, Done: done, Total: 9}) }
}

func solved(done int) func(Run) bool {
	return func(r Run) bool { return r.Progress != nil && r.Progress.Done == done && r.State == Running }
}

func TestARunThatIsBeingSolvedGoesOnWhenItsTenantMoves(t *testing.T) {
	t.Parallel()
	began, steps := make(chan struct{}, 1), make(chan func(replenish.Observe))
	a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(began, steps)})
	b := liveIn(t, tier, t.TempDir(), Config{Decider: never(t), Patience: time.Hour})
	who, goal := a.customer(t)
	run := a.started(t, who, goal)
	<-began
	steps <- solving(1)
	a.until(t, who, run.ID, solved(1))

	watched := make(chan error, 1)
	go func() {
		watched <- a.Follow(t.Context(), who, run.ID, time.Hour, func(*Run) error { return nil })
	}()
	handOver(t, a, b, who.Tenant, 1)
	var moved *tenantstore.MovedError
	if err := <-watched; !errors.As(err, &moved) || moved.To != tier {
		t.Errorf("who watched at the old owner was told %v", err)
	}
	if _, err := a.Cancel(t.Context(), who, run.ID); !errors.As(err, &moved) {
		t.Errorf("cancelled at the old owner: %v", err)
	}
	if r, err := b.Find(t.Context(), who, run.ID); err != nil || r.State != Running || r.Stage != string(replenish.StageSolve) {
		t.Errorf("right after the move: %+v, %v", r, err)
	}
	carried := carry(a, b, who.Tenant)
	b.until(t, who, run.ID, solved(1)) // what was before the move
	steps <- solving(5)
	b.until(t, who, run.ID, solved(5)) // and what came after
	close(steps)
	r := b.until(t, who, run.ID, in(Done))
	if r.Attempts != 1 || r.Status != solve.Optimal || r.Headline != "Order 7 of A." || r.FinishedAt == nil || r.Stage != "" {
		t.Errorf("%+v", r)
	}
	if err := carried(); err != nil {
		t.Error(err)
	}
	if _, result, err := b.Result(t.Context(), who, run.ID); err != nil || result.Headline != r.Headline {
		t.Errorf("result %+v, %v", result, err)
	}
	if n := b.ends(t, who, run.ID); n != 1 {
		t.Errorf("it ended %d times", n)
	}
}

func TestAHandOverAtAnyMomentLosesNoDecision(t *testing.T) {
	t.Parallel()
	stages := func(o replenish.Observe) {
		for _, s := range stageOrder() {
			o(replenish.Progress{Stage: s})
		}
	}
	boom := errors.New("boom")
	for name, decide := range map[string]func(move func(), o replenish.Observe) (replenish.Result, error){
		"before the solve": func(move func(), o replenish.Observe) (replenish.Result, error) {
			move()
			stages(o)
			return replenish.Result{Status: solve.Optimal}, nil
		},
		"while a stage is written": func(move func(), o replenish.Observe) (replenish.Result, error) {
			o(replenish.Progress{Stage: replenish.StageForecast})
			var moving sync.WaitGroup
			moving.Go(move)
			stages(o)
			moving.Wait()
			return replenish.Result{Status: solve.Optimal}, nil
		},
		"before the end is kept": func(move func(), o replenish.Observe) (replenish.Result, error) {
			stages(o)
			move()
			return replenish.Result{Status: solve.Optimal}, nil
		},
		"before a failure": func(move func(), o replenish.Observe) (replenish.Result, error) {
			o(replenish.Progress{Stage: replenish.StageSolve})
			move()
			return replenish.Result{}, boom
		},
		"before a proof that there is no plan": func(move func(), _ replenish.Observe) (replenish.Result, error) {
			move()
			return replenish.Result{Status: solve.InfeasibleProven, Headline: "No plan."}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a, b agent
			var who Caller
			moved := make(chan struct{})
			a = liveIn(t, shop, t.TempDir(), Config{Decider: decider(func(_ context.Context, _ replenish.Data, _ replenish.Goal, o replenish.Observe) (replenish.Result, error) {
				return decide(func() { handOver(t, a, b, who.Tenant, 1); close(moved) }, o)
			})})
			b = liveIn(t, tier, t.TempDir(), Config{Decider: never(t), Patience: time.Hour})
			var goal id.Goal
			who, goal = a.customer(t)
			run := a.started(t, who, goal)
			<-moved
			if err := carry(a, b, who.Tenant)(); err != nil {
				t.Error(err)
			}
			want := in(Done)
			if name == "before a failure" {
				want = in(Failed)
			}
			r := b.until(t, who, run.ID, want)
			if r.Attempts != 1 || b.ends(t, who, run.ID) != 1 {
				t.Errorf("%+v", r)
			}
			if r.State == Failed && r.Error.Code != "internal" {
				t.Errorf("the reason is %+v", r.Error)
			}
		})
	}
}

func TestRunsThatWaitGoOnAtTheNewOwner(t *testing.T) {
	t.Parallel()
	began, steps := make(chan struct{}, 4), make(chan func(replenish.Observe))
	a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(began, steps)})
	b := liveIn(t, tier, t.TempDir(), Config{Decider: decider(optimal), Patience: time.Hour})
	who, goal := a.customer(t)
	first, second := a.started(t, who, goal), a.started(t, who, goal)
	<-began
	handOver(t, a, b, who.Tenant, 1)
	if n := a.queue.depth(who.Tenant); n != 0 {
		t.Errorf("%d wait at the old owner", n)
	}
	b.until(t, who, second.ID, in(Done)) // it does not wait for the one that is carried
	carried := carry(a, b, who.Tenant)
	close(steps)
	b.until(t, who, first.ID, in(Done))
	if err := carried(); err != nil {
		t.Error(err)
	}
	if len(began) != 0 {
		t.Error("the old owner began another")
	}
}

func TestACancelAtTheNewOwnerStopsTheSolveAtTheOldAndKeepsItsPlan(t *testing.T) {
	t.Parallel()
	began := make(chan struct{}, 1)
	a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(began, nil)})
	b := liveIn(t, tier, t.TempDir(), Config{Decider: never(t), Patience: time.Hour})
	who, goal := a.customer(t)
	run := a.started(t, who, goal)
	<-began
	handOver(t, a, b, who.Tenant, 1)
	if r, err := b.Cancel(t.Context(), who, run.ID); err != nil || r.State != Canceling {
		t.Fatalf("%+v, %v", r, err)
	}
	carried := carry(a, b, who.Tenant)
	if r := b.until(t, who, run.ID, in(Done)); r.Headline != "Good enough." || r.Status != solve.Feasible {
		t.Errorf("%+v", r)
	}
	if err := carried(); err != nil {
		t.Error(err)
	}
}

func TestAStopOfTheOldAgentLetsTheNewOwnerBeginAgainAtOnce(t *testing.T) {
	t.Parallel()
	began := make(chan struct{}, 1)
	a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(began, nil)})
	b := liveIn(t, tier, t.TempDir(), Config{Decider: decider(optimal), Patience: time.Hour})
	who, goal := a.customer(t)
	run := a.started(t, who, goal)
	<-began
	handOver(t, a, b, who.Tenant, 1)
	carried := carry(a, b, who.Tenant)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := a.Part(ctx); err != nil || a.Carrying(who.Tenant) && a.carrier.holds(who.Tenant) {
		t.Errorf("something was left behind: %v", err)
	}
	if err := carried(); err != nil {
		t.Error(err)
	}
	if r := b.until(t, who, run.ID, in(Done)); r.Attempts != 1 {
		t.Errorf("a stop in good order counts: %+v", r)
	}
}

func TestARunWhoseAgentDiedIsBegunAgainByTheNewOwner(t *testing.T) {
	t.Parallel()
	began := make(chan struct{}, 1)
	a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(began, nil)})
	b := liveIn(t, tier, t.TempDir(), Config{Decider: decider(optimal), Patience: time.Millisecond})
	who, goal := a.customer(t)
	run := a.started(t, who, goal)
	<-began
	handOver(t, a, b, who.Tenant, 1)
	// Nobody carries anything.
	r := b.until(t, who, run.ID, in(Done))
	if r.Attempts != 2 || r.Headline != "Order 7 of A." {
		t.Errorf("%+v", r)
	}
	// It was only unreachable, and is back with a plan of its own.
	news, _, err := a.Carried(t.Context(), who.Tenant, 0, time.Hour)
	if err != nil || len(news) != 1 {
		t.Fatalf("%+v, %v", news, err)
	}
	late := news[0]
	late.Ended = &contract.CarriedEnd{How: "finish", Status: "feasible", Headline: "Too late.", Result: []byte(`{}`)}
	for _, one := range []contract.CarriedRun{news[0], late} {
		answers, err := b.Deliver(t.Context(), who.Tenant, []contract.CarriedRun{one})
		if err != nil || len(answers) != 1 || !answers[0].Settled {
			t.Fatalf("%+v, %v", answers, err)
		}
	}
	if after, err := b.Find(t.Context(), who, run.ID); err != nil || after.Headline != r.Headline || after.Progress != nil {
		t.Errorf("it was changed: %+v, %v", after, err)
	}
	if err := carry(a, b, who.Tenant)(); err != nil { // ends the solve that nobody waits for
		t.Error(err)
	}
}

func TestNewsKeepsAnExpectedRunAlive(t *testing.T) {
	t.Parallel()
	dirs := [2]string{t.TempDir(), t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))) // a bubble begins long ago
		began := make(chan struct{}, 1)
		a := liveIn(t, shop, dirs[0], Config{Decider: guided(began, nil)})
		b := liveIn(t, tier, dirs[1], Config{Decider: decider(optimal)})
		who, goal := a.customer(t)
		run := a.started(t, who, goal)
		<-began
		handOver(t, a, b, who.Tenant, 1)
		look := func() Run {
			synctest.Wait()
			r, err := b.Find(t.Context(), who, run.ID)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		for range 10 { // a minute without progress, but not without news
			list, _, err := a.Carried(t.Context(), who.Tenant, 1, 10*time.Second)
			if err != nil || len(list) != 1 {
				t.Fatalf("%+v, %v", list, err)
			}
			if _, err := b.Deliver(t.Context(), who.Tenant, list); err != nil {
				t.Fatal(err)
			}
			if r := look(); r.State != Running {
				t.Fatalf("it is %s", r.State)
			}
		}
		<-time.After(patience - time.Second) // of the bubble
		if r := look(); r.State != Running {
			t.Errorf("too early: it is %s", r.State)
		}
		<-time.After(2 * time.Second)
		if r := look(); r.State != Done || r.Attempts != 2 {
			t.Errorf("after %s without news it is %+v", patience, r)
		}
		b.stop()
		a.stop()
	})
}

func TestATenantThatComesHomeFindsItsRunWhereItLeftIt(t *testing.T) {
	t.Parallel()
	t.Run("still being solved", func(t *testing.T) {
		t.Parallel()
		began, steps := make(chan struct{}, 1), make(chan func(replenish.Observe))
		a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(began, steps), Patience: time.Hour})
		b := liveIn(t, tier, t.TempDir(), Config{Decider: never(t), Patience: time.Hour})
		who, goal := a.customer(t)
		run := a.started(t, who, goal)
		<-began
		handOver(t, a, b, who.Tenant, 1)
		if list, _, err := a.Carried(t.Context(), who.Tenant, 0, 0); err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		handOver(t, b, a, who.Tenant, 2)
		steps <- solving(3)
		a.until(t, who, run.ID, solved(3))
		if list, _, err := a.Carried(t.Context(), who.Tenant, 0, time.Hour); err != nil || len(list) != 0 {
			t.Errorf("it is carried at home: %+v, %v", list, err)
		}
		close(steps)
		if r := a.until(t, who, run.ID, in(Done)); r.Attempts != 1 || a.ends(t, who, run.ID) != 1 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("ended while it was away, and nobody fetched that", func(t *testing.T) {
		t.Parallel()
		began, steps := make(chan struct{}, 1), make(chan func(replenish.Observe))
		a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(began, steps), Patience: time.Hour})
		b := liveIn(t, tier, t.TempDir(), Config{Decider: never(t), Patience: time.Hour})
		who, goal := a.customer(t)
		run := a.started(t, who, goal)
		<-began
		handOver(t, a, b, who.Tenant, 1)
		close(steps)
		ended(t, a, who.Tenant)
		handOver(t, b, a, who.Tenant, 2)
		if r, err := a.Find(t.Context(), who, run.ID); err != nil || r.State != Done || r.Attempts != 1 || a.ends(t, who, run.ID) != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		if a.Carrying(who.Tenant) && a.carrier.holds(who.Tenant) {
			t.Error("it is carried still")
		}
	})
	t.Run("to be cancelled", func(t *testing.T) {
		t.Parallel()
		began := make(chan struct{}, 1)
		a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(began, nil), Patience: time.Hour})
		b := liveIn(t, tier, t.TempDir(), Config{Decider: never(t), Patience: time.Hour})
		who, goal := a.customer(t)
		run := a.started(t, who, goal)
		<-began
		handOver(t, a, b, who.Tenant, 1)
		if _, err := b.Cancel(t.Context(), who, run.ID); err != nil {
			t.Fatal(err)
		}
		handOver(t, b, a, who.Tenant, 2)
		if r := a.until(t, who, run.ID, in(Done)); r.Headline != "Good enough." {
			t.Errorf("%+v", r)
		}
	})
	t.Run("begun by the other, which carries it now", func(t *testing.T) {
		t.Parallel()
		beganA, beganB := make(chan struct{}, 1), make(chan struct{}, 1)
		steps := make(chan func(replenish.Observe))
		a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(beganA, nil), Patience: time.Hour})
		b := liveIn(t, tier, t.TempDir(), Config{Decider: guided(beganB, steps), Patience: time.Millisecond})
		who, goal := a.customer(t)
		run := a.started(t, who, goal)
		<-beganA
		handOver(t, a, b, who.Tenant, 1)
		<-beganB // it took the old owner for dead
		handOver(t, b, a, who.Tenant, 2)
		carried := carry(b, a, who.Tenant)
		steps <- solving(4)
		a.until(t, who, run.ID, solved(4))
		close(steps)
		if r := a.until(t, who, run.ID, in(Done)); r.Attempts != 2 || r.Headline != "Order 7 of A." || a.ends(t, who, run.ID) != 1 {
			t.Errorf("%+v", r)
		}
		if err := carried(); err != nil {
			t.Error(err)
		}
	})
}

// ended waits until what was in work of a tenant has come to its end there.
func ended(t testing.TB, a agent, tenant id.Tenant) {
	t.Helper()
	for after := int64(0); ; {
		list, next, err := a.Carried(t.Context(), tenant, after, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			if one.Ended != nil {
				return
			}
		}
		after = next
	}
}

func TestALifeOfTheProgramLeavesTenantsAloneThatAreOwnedElsewhere(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	quiet := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	began := make(chan struct{}, 1)
	dir := t.TempDir()
	a := liveIn(t, shop, dir, Config{Decider: guided(began, nil)})
	b := liveIn(t, tier, t.TempDir(), Config{Decider: decider(optimal), Patience: time.Hour})
	who, goal := a.customer(t)
	run := a.started(t, who, goal)
	a.started(t, who, goal)
	<-began
	handOver(t, a, b, who.Tenant, 1)
	a.stop()
	again := liveIn(t, shop, dir, Config{Decider: never(t), Log: quiet})
	if _, err := again.Find(t.Context(), who, run.ID); !errors.Is(err, tenantstore.ErrMoved) {
		t.Errorf("it is served: %v", err)
	}
	again.stop()
	if log.Len() > 0 {
		t.Errorf("logged: %s", log.String())
	}
}

func TestTheNewOwnerExpectsARunAfterItsOwnRestartToo(t *testing.T) {
	t.Parallel()
	began, steps := make(chan struct{}, 1), make(chan func(replenish.Observe))
	dir := t.TempDir()
	a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(began, steps)})
	b := liveIn(t, tier, dir, Config{Decider: never(t), Patience: time.Hour})
	who, goal := a.customer(t)
	run := a.started(t, who, goal)
	<-began
	handOver(t, a, b, who.Tenant, 1)
	b.stop()
	b = liveIn(t, tier, dir, Config{Decider: never(t), Patience: time.Hour})
	carried := carry(a, b, who.Tenant)
	steps <- solving(2)
	b.until(t, who, run.ID, solved(2))
	close(steps)
	b.until(t, who, run.ID, in(Done))
	if err := carried(); err != nil {
		t.Error(err)
	}
}

func TestNewsThatCannotBeUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	a := live(t, t.TempDir(), 1, optimal)
	who, _ := a.customer(t)
	for name, one := range map[string]contract.CarriedRun{
		"live":   {Live: json.RawMessage(`[]`)},
		"how":    {Live: json.RawMessage(`{}`), Ended: &contract.CarriedEnd{How: "start"}},
		"result": {Live: json.RawMessage(`{}`), Ended: &contract.CarriedEnd{How: "finish", Result: []byte("plan")}},
	} {
		if _, err := a.Deliver(t.Context(), who.Tenant, []contract.CarriedRun{one}); !errors.Is(err, ErrDelivery) {
			t.Errorf("%s: %v", name, err)
		}
	}
	unknown := contract.CarriedRun{Run: id.NewRun(), Attempt: 1, Live: json.RawMessage(`{}`)}
	if answers, err := a.Deliver(t.Context(), who.Tenant, []contract.CarriedRun{unknown}); err != nil || !answers[0].Settled {
		t.Errorf("a run that is not there: %+v, %v", answers, err)
	}
}

// TestAnEndIsStoredOnce lets whoever carries lose, repeat and reorder everything,
// moves the tenant to and fro, and counts what is in the journal in the end.
func TestAnEndIsStoredOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			began, steps := make(chan struct{}, 1), make(chan func(replenish.Observe))
			a := liveIn(t, shop, t.TempDir(), Config{Decider: guided(began, steps), Patience: time.Hour})
			b := liveIn(t, tier, t.TempDir(), Config{Decider: never(t), Patience: time.Hour})
			who, goal := a.customer(t)
			run := a.started(t, who, goal)
			<-began
			owner, other, claim := a, b, int64(1)
			var news []contract.CarriedRun
			var answers []contract.CarriedAnswer
			open := true
			progress := 0
			for range 60 {
				switch random.IntN(8) {
				case 0:
					handOver(t, owner, other, who.Tenant, claim)
					owner, other, claim = other, owner, claim+1
				case 1, 2:
					if open {
						progress++
						steps <- solving(progress)
					}
				case 3:
					if open && random.IntN(3) == 0 {
						open = false
						close(steps)
					}
				case 4, 5:
					list, _, err := a.Carried(t.Context(), who.Tenant, int64(random.IntN(9)), 0)
					if err != nil {
						t.Fatal(err)
					}
					news = append(news, list...)
				case 6:
					if len(news) > 0 { // any of all, again and again, to whoever owns the tenant
						got, err := owner.Deliver(t.Context(), who.Tenant, []contract.CarriedRun{news[random.IntN(len(news))]})
						if err != nil {
							t.Fatal(err)
						}
						answers = append(answers, got...)
					}
				case 7:
					if len(answers) > 0 {
						a.CarriedAnswers(who.Tenant, []contract.CarriedAnswer{answers[random.IntN(len(answers))]})
					}
				}
			}
			if open {
				close(steps)
			}
			if owner.shelf == b.shelf {
				if err := carry(a, b, who.Tenant)(); err != nil {
					t.Fatal(err)
				}
			}
			r := owner.until(t, who, run.ID, in(Done))
			if r.Attempts != 1 || r.Headline != "Order 7 of A." || owner.ends(t, who, run.ID) != 1 {
				t.Errorf("%d ends: %+v", owner.ends(t, who, run.ID), r)
			}
		})
	}
}
