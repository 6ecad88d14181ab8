package runs

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// decider is a Decider of which a test is in control.
type decider func(ctx context.Context, data replenish.Data, goal replenish.Goal, observe replenish.Observe) (replenish.Result, error)

func (d decider) Decide(ctx context.Context, data replenish.Data, goal replenish.Goal, observe replenish.Observe) (replenish.Result, error) {
	return d(ctx, data, goal, observe)
}

// agent is one life of the program on a directory.
type agent struct {
	*Service
	shelf *tenantstore.Shelf
	stop  func() // in good order; waits
}

func shelfOn(t testing.TB, dir string) *tenantstore.Shelf {
	t.Helper()
	files, err := tenantstore.NewSQLiteFactory(dir, append(tables.Collections(), Collections()...))
	if err != nil {
		t.Fatal(err)
	}
	return tenantstore.NewShelf(files, 16)
}

// live starts the program on dir: it recovers what an earlier life left, and
// works.
func live(t testing.TB, dir string, slots int, d decider) agent {
	t.Helper()
	return liveIn(t, "", dir, Config{Decider: d, Slots: slots})
}

// liveIn is live in an environment.
func liveIn(t testing.TB, env id.Environment, dir string, c Config) agent {
	t.Helper()
	shelf := shelfOn(t, dir)
	shelf.Belong(env)
	c.Shelf, c.Self = shelf, shelf.Self
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := New(c)
	if err := s.Recover(t.Context()); err != nil {
		t.Fatalf("recover: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() { _ = s.Work(ctx) })
	stop := sync.OnceFunc(func() {
		cancel()
		working.Wait()
		if err := shelf.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(stop)
	return agent{s, shelf, stop}
}

// customer is a tenant with tables and a goal.
func (a agent) customer(t testing.TB) (Caller, id.Goal) {
	t.Helper()
	who := Caller{Tenant: id.NewTenant(), Person: id.NewPerson()}
	if err := a.shelf.Create(t.Context(), who.Tenant); err != nil {
		t.Fatal(err)
	}
	store, release, err := a.shelf.Open(t.Context(), who.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	_, err = tables.Desk{Store: store}.Replace(t.Context(), map[tables.Kind][]byte{
		tables.Demand:    []byte("sku,week,quantity\nA,2026-01-05,3\nA,2026-01-12,4\n"),
		tables.Stock:     []byte("sku,current_stock,unit_cost\nA,5,2\n"),
		tables.Suppliers: []byte("sku,lead_time_days,order_cost\nA,7,1\n"),
	}, "test", "EUR")
	if err != nil {
		t.Fatal(err)
	}
	g, err := a.Keep(t.Context(), who, Draft{Title: "Keep the shelf full", Template: Template})
	if err != nil {
		t.Fatal(err)
	}
	return who, g.ID
}

func (a agent) started(t testing.TB, who Caller, goal id.Goal) Run {
	t.Helper()
	r, _, err := a.Start(t.Context(), who, goal, "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// until follows a run until it is as wanted, and fails the test when it ends
// otherwise.
func (a agent) until(t testing.TB, who Caller, run id.Run, wanted func(Run) bool) Run {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), 20*time.Second)
	defer done()
	var last Run
	found := errors.New("found")
	err := a.Follow(ctx, who, run, time.Second, func(r *Run) error {
		if r == nil {
			return nil
		}
		last = *r
		if wanted(last) {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		t.Fatalf("ended as %s (%v), not as wanted: %v", last.State, last.Error, err)
	}
	return last
}

func in(s State) func(Run) bool { return func(r Run) bool { return r.State == s } }

func optimal(context.Context, replenish.Data, replenish.Goal, replenish.Observe) (replenish.Result, error) {
	return replenish.Result{Status: solve.Optimal, Headline: "Order 7 of A."}, nil
}

// untilAsked blocks until its context ends and says so through began.
func untilAsked(began chan<- struct{}, result replenish.Result, err error) decider {
	return func(ctx context.Context, _ replenish.Data, _ replenish.Goal, observe replenish.Observe) (replenish.Result, error) {
		observe(replenish.Progress{Stage: replenish.StageForecast, Done: 1, Total: 1})
		observe(replenish.Progress{Stage: replenish.StageSolve})
		began <- struct{}{}
		<-ctx.Done()
		return result, err
	}
}

func TestARunIsDecidedAndKeptWithItsResult(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := live(t, dir, 1, func(_ context.Context, data replenish.Data, goal replenish.Goal, observe replenish.Observe) (replenish.Result, error) {
		for _, s := range stageOrder() {
			observe(replenish.Progress{Stage: s})
		}
		if len(data.Items) != 1 || data.Currency != "EUR" || goal.Horizon != 8 {
			t.Errorf("decides on %+v for %+v", data, goal)
		}
		return replenish.Result{Status: solve.Optimal, Headline: "Order 7 of A."}, nil
	})
	who, goal := a.customer(t)
	r := a.until(t, who, a.started(t, who, goal).ID, in(Done))
	if r.Status != solve.Optimal || r.Headline != "Order 7 of A." || r.Attempts != 1 || r.FinishedAt == nil || r.Stage != "" {
		t.Errorf("%+v", r)
	}
	for _, s := range r.Stages {
		if s.State != StageDone {
			t.Errorf("stage %s is %s", s.Stage, s.State)
		}
	}
	a.stop()
	b := live(t, dir, 1, optimal)
	again, result, err := b.Result(t.Context(), who, r.ID)
	if err != nil || result.Headline != r.Headline || again.State != Done {
		t.Errorf("after a restart: %+v, %v", again, err)
	}
	list, next, err := b.List(t.Context(), who, "", 10)
	if err != nil || len(list) != 1 || next != "" {
		t.Errorf("list: %v %q %v", list, next, err)
	}
}

func TestARepeatedRequestAnswersWithTheSameRun(t *testing.T) {
	t.Parallel()
	a := live(t, t.TempDir(), 1, optimal)
	who, goal := a.customer(t)
	ids := make([]id.Run, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			r, _, err := a.Start(t.Context(), who, goal, "key-1")
			if err != nil {
				t.Error(err)
			}
			ids[i] = r.ID
		})
	}
	all.Wait()
	for _, one := range ids {
		if one != ids[0] {
			t.Fatalf("several runs: %v", ids)
		}
	}
	if r, _, err := a.Start(t.Context(), who, goal, "key-2"); err != nil || r.ID == ids[0] {
		t.Errorf("another key: %v, %v", r.ID, err)
	}
}

func TestCancelling(t *testing.T) {
	t.Parallel()
	t.Run("ends a waiting run at once", func(t *testing.T) {
		t.Parallel()
		began := make(chan struct{}, 4)
		a := live(t, t.TempDir(), 1, untilAsked(began, replenish.Result{}, context.Canceled))
		who, goal := a.customer(t)
		a.started(t, who, goal)
		<-began
		second := a.started(t, who, goal)
		r, err := a.Cancel(t.Context(), who, second.ID)
		if err != nil || r.State != Cancelled || r.FinishedAt == nil {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := a.Cancel(t.Context(), who, second.ID); !errors.Is(err, ErrEnded) {
			t.Errorf("again: %v", err)
		}
	})
	t.Run("keeps the plan found so far", func(t *testing.T) {
		t.Parallel()
		began := make(chan struct{}, 4)
		kept := replenish.Result{Status: solve.Feasible, Headline: "Good enough.", Solver: replenish.SolverFacts{Stopped: "cancelled"}}
		a := live(t, t.TempDir(), 1, untilAsked(began, kept, nil))
		who, goal := a.customer(t)
		run := a.started(t, who, goal)
		<-began
		if r, err := a.Cancel(t.Context(), who, run.ID); err != nil || r.State != Canceling && r.State != Done {
			t.Errorf("%+v, %v", r, err)
		}
		if r := a.until(t, who, run.ID, in(Done)); r.Status != solve.Feasible || r.Headline != "Good enough." {
			t.Errorf("%+v", r)
		}
	})
	t.Run("says that nothing was found when nothing was", func(t *testing.T) {
		t.Parallel()
		began := make(chan struct{}, 4)
		a := live(t, t.TempDir(), 1, untilAsked(began, replenish.Result{}, context.Canceled))
		who, goal := a.customer(t)
		run := a.started(t, who, goal)
		<-began
		if _, err := a.Cancel(t.Context(), who, run.ID); err != nil {
			t.Fatal(err)
		}
		r := a.until(t, who, run.ID, in(Cancelled))
		if r.Status != solve.Cancelled || r.Error != nil {
			t.Errorf("%+v", r)
		}
		if _, _, err := a.Result(t.Context(), who, run.ID); !errors.Is(err, ErrNoResult) {
			t.Errorf("result: %v", err)
		}
	})
}

func TestAFailureEndsItsRunOnly(t *testing.T) {
	t.Parallel()
	calls := 0 // the decider is called by one worker, in order
	a := live(t, t.TempDir(), 1, func(ctx context.Context, d replenish.Data, g replenish.Goal, o replenish.Observe) (replenish.Result, error) {
		calls++
		switch calls {
		case 1:
			o(replenish.Progress{Stage: replenish.StageForecast})
			panic("boom")
		case 2:
			return replenish.Result{Status: solve.EngineCrash, Solver: replenish.SolverFacts{Detail: "killed by signal 9"}}, nil
		case 3:
			return replenish.Result{Status: solve.EngineUnavailable}, nil
		case 4:
			return replenish.Result{}, replenish.ErrData
		case 5:
			return replenish.Result{Status: solve.InfeasibleProven, Headline: "No plan."}, nil
		}
		return optimal(ctx, d, g, o)
	})
	who, goal := a.customer(t)
	for i, want := range []struct {
		state State
		code  string
	}{
		{Failed, "runs.broken"}, {Failed, "runs.engine_crash"}, {Failed, "runs.engine_unavailable"}, {Failed, "replenish.data"}, {Done, ""}, {Done, ""},
	} {
		r := a.until(t, who, a.started(t, who, goal).ID, in(want.state))
		code := ""
		if r.Error != nil {
			code = r.Error.Code
		}
		if code != want.code {
			t.Errorf("run %d: %s, want %s", i+1, code, want.code)
		}
		if want.code == "runs.engine_crash" && r.Error.Errors[0].Message != "killed by signal 9" {
			t.Errorf("the reason is not told: %+v", r.Error)
		}
	}
}

// crashed is a copy of what a life of the program has on disk while it works:
// what kill -9 would leave behind.
func crashed(t testing.TB, dir string) string {
	t.Helper()
	left := t.TempDir()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		to := filepath.Join(left, name)
		switch {
		case e.IsDir():
			return os.MkdirAll(to, 0o700)
		case filepath.Ext(path) == ".lock" || strings.HasSuffix(path, "-shm"): // of the process, not of the data
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, raw, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestAnInterruptedRunIsAttemptedAgainAndGivenUpAfterThree(t *testing.T) {
	t.Parallel()
	began := make(chan struct{}, 8)
	stuck := untilAsked(began, replenish.Result{}, context.Canceled)
	dir := t.TempDir()
	a := live(t, dir, 1, stuck)
	who, goal := a.customer(t)
	run := a.started(t, who, goal)
	waiting := a.started(t, who, goal)
	<-began
	for attempt := 2; attempt <= 3; attempt++ {
		dir = crashed(t, dir)
		a = live(t, dir, 1, stuck)
		<-began
		if r, err := a.Find(t.Context(), who, run.ID); err != nil || r.Attempts != attempt || r.State != Running {
			t.Fatalf("attempt %d: %+v, %v", attempt, r, err)
		}
	}
	last := live(t, crashed(t, dir), 1, decider(optimal))
	if r, err := last.Find(t.Context(), who, run.ID); err != nil || r.State != Failed || r.Error.Code != ErrInterrupted.Code {
		t.Errorf("after the third: %+v, %v", r, err)
	}
	last.until(t, who, waiting.ID, in(Done))
}

func TestARunThatWasBeingCancelledIsCancelledAfterACrash(t *testing.T) {
	t.Parallel()
	began, gate := make(chan struct{}, 1), make(chan struct{})
	dir := t.TempDir()
	a := live(t, dir, 1, func(context.Context, replenish.Data, replenish.Goal, replenish.Observe) (replenish.Result, error) {
		began <- struct{}{}
		<-gate // does not listen
		return replenish.Result{}, context.Canceled
	})
	t.Cleanup(func() { close(gate) }) // before the life is stopped
	who, goal := a.customer(t)
	run := a.started(t, who, goal)
	<-began
	if r, err := a.Cancel(t.Context(), who, run.ID); err != nil || r.State != Canceling {
		t.Fatalf("%+v, %v", r, err)
	}
	b := live(t, crashed(t, dir), 1, decider(optimal))
	if r, err := b.Find(t.Context(), who, run.ID); err != nil || r.State != Cancelled || r.FinishedAt == nil {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAStopInGoodOrderIsNoAttempt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	began := make(chan struct{}, 8)
	a := live(t, dir, 1, untilAsked(began, replenish.Result{Status: solve.Feasible, Headline: "half a plan"}, nil))
	who, goal := a.customer(t)
	run := a.started(t, who, goal)
	<-began
	a.stop()
	b := live(t, dir, 1, optimal)
	if r := b.until(t, who, run.ID, in(Done)); r.Attempts != 1 || r.Headline != "Order 7 of A." {
		t.Errorf("%+v", r)
	}
}

func TestARunIsDecidedOnTheTablesOfItsStart(t *testing.T) {
	t.Parallel()
	gate, began := make(chan struct{}), make(chan struct{}, 4)
	var items []int
	a := live(t, t.TempDir(), 1, func(ctx context.Context, d replenish.Data, g replenish.Goal, o replenish.Observe) (replenish.Result, error) {
		began <- struct{}{}
		<-gate
		items = append(items, len(d.Items))
		return optimal(ctx, d, g, o)
	})
	who, goal := a.customer(t)
	a.started(t, who, goal)
	<-began
	second := a.started(t, who, goal)
	store, release, err := a.shelf.Open(t.Context(), who.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := (tables.Desk{Store: store}).Remove(t.Context(), tables.Demand); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Start(t.Context(), who, goal, ""); !errors.Is(err, tables.ErrNotReady) {
		t.Errorf("without demand: %v", err)
	}
	close(gate)
	a.until(t, who, second.ID, in(Done))
	if diff := cmp.Diff([]int{1, 1}, items); diff != "" {
		t.Error(diff)
	}
}

func TestTooManyWaitingRunsAreRefused(t *testing.T) {
	t.Parallel()
	began := make(chan struct{}, 4)
	a := live(t, t.TempDir(), 1, untilAsked(began, replenish.Result{}, context.Canceled))
	who, goal := a.customer(t)
	a.started(t, who, goal)
	<-began
	for range maxWaiting {
		a.started(t, who, goal)
	}
	if _, _, err := a.Start(t.Context(), who, goal, ""); !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
	if err := a.Forget(t.Context(), who.Tenant); err != nil || a.Running() != 0 {
		t.Errorf("forget: %v, %d running", err, a.Running())
	}
}

func TestWhatDoesNotExistIsNotFound(t *testing.T) {
	t.Parallel()
	a := live(t, t.TempDir(), 1, optimal)
	who, _ := a.customer(t)
	if _, _, err := a.Start(t.Context(), who, id.NewGoal(), ""); !errors.Is(err, ErrNoGoal) {
		t.Errorf("start: %v", err)
	}
	if _, err := a.Find(t.Context(), who, id.NewRun()); !errors.Is(err, ErrNoRun) {
		t.Errorf("find: %v", err)
	}
	if _, err := a.Cancel(t.Context(), who, id.NewRun()); !errors.Is(err, ErrNoRun) {
		t.Errorf("cancel: %v", err)
	}
	stranger := Caller{Tenant: id.NewTenant(), Person: id.NewPerson()}
	if _, _, err := a.List(t.Context(), stranger, "", 10); fault.KindOf(err) != fault.NotFound {
		t.Errorf("stranger: %v", err)
	}
}

func TestTheLifecycleIsDrawn(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "..", "docs", "lifecycles", "run.mmd")
	drawn := lifecycle.Mermaid()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(drawn), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(kept), drawn); diff != "" {
		t.Errorf("run UPDATE=1 go test:\n%s", diff)
	}
}
