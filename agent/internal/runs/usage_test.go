package runs

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

func fine(context.Context, replenish.Data, replenish.Goal, replenish.Observe) (replenish.Result, error) {
	return replenish.Result{Status: solve.Optimal}, nil
}

// monthAround are limits whose period began five days ago.
func monthAround(now time.Time, decisions int) contract.Limits {
	from := now.AddDate(0, 0, -5).UTC().Truncate(time.Second)
	return contract.Limits{Decisions: decisions, PeriodStart: from, PeriodEnd: from.AddDate(0, 1, 0)}
}

func TestABurstOfFiftyWithThreeLeftMakesThree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := live(t, dir, 1, fine)
	who, goal := a.customer(t)
	who.Limits = monthAround(time.Now(), 10)
	for range 7 {
		a.started(t, who, goal)
	}
	var (
		all           sync.WaitGroup
		made, refused atomic.Int32
	)
	for range 50 {
		all.Go(func() {
			switch _, used, err := a.Start(t.Context(), who, goal, ""); {
			case err == nil && used >= 8 && used <= 10:
				made.Add(1)
			case errors.Is(err, ErrDecisionsUsed) && fault.KindOf(err) == fault.Exhausted:
				refused.Add(1)
			default:
				t.Errorf("used %d, %v", used, err)
			}
		})
	}
	all.Wait()
	if made.Load() != 3 || refused.Load() != 47 {
		t.Errorf("%d made and %d refused, want 3 and 47", made.Load(), refused.Load())
	}
	u, err := a.Usage(t.Context(), who)
	if err != nil || u.Decisions.Used != 10 || u.Decisions.Limit != 10 || len(u.Decisions.Days) != 6 || u.Decisions.Forecast < 10 {
		t.Errorf("Usage = %+v, %v", u, err)
	}
	a.stop()
	// Another life of the program, and another plan within the month: the count stays.
	b := live(t, dir, 1, fine)
	if _, _, err := b.Start(t.Context(), who, goal, ""); !errors.Is(err, ErrDecisionsUsed) {
		t.Errorf("after a restart: %v", err)
	}
	who.Limits.Decisions = 11
	if _, used, err := b.Start(t.Context(), who, goal, ""); err != nil || used != 11 {
		t.Errorf("with one more in the plan: %d, %v", used, err)
	}
	who.Limits.Decisions = 5 // a smaller plan within the month
	if _, _, err := b.Start(t.Context(), who, goal, ""); !errors.Is(err, ErrDecisionsUsed) {
		t.Errorf("with a smaller plan: %v", err)
	}
}

func TestARefusalSaysWhatIsUsedWhenItRenewsAndTheWayOut(t *testing.T) {
	t.Parallel()
	a := live(t, t.TempDir(), 1, fine)
	who, goal := a.customer(t)
	who.Limits = monthAround(time.Now(), 1)
	first, _, err := a.Start(t.Context(), who, goal, "once")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = a.Start(t.Context(), who, goal, "")
	p := fault.ProblemOf(err)
	said := map[string]string{}
	for _, d := range p.Errors {
		said[d.Location] = d.Message
	}
	if p.Status != 402 || p.Code != "runs.decisions_used" || said["used"] != "1" || said["limit"] != "1" ||
		said["renews"] != who.Limits.PeriodEnd.Format(time.RFC3339) || said["upgrade"] == "" {
		t.Errorf("the problem is %+v", p)
	}
	// A repeated request is no second decision.
	if again, used, err := a.Start(t.Context(), who, goal, "once"); err != nil || again.ID != first.ID || used != 0 {
		t.Errorf("repeated: %s, %d, %v", again.ID, used, err)
	}
}

func TestADecisionThatFailedByOurFaultIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decide decider
		used   int
	}{
		"no engine": {func(context.Context, replenish.Data, replenish.Goal, replenish.Observe) (replenish.Result, error) {
			return replenish.Result{Status: solve.EngineUnavailable}, nil
		}, 0},
		"a crash": {func(context.Context, replenish.Data, replenish.Goal, replenish.Observe) (replenish.Result, error) {
			return replenish.Result{Status: solve.EngineCrash}, nil
		}, 0},
		"our mistake": {func(context.Context, replenish.Data, replenish.Goal, replenish.Observe) (replenish.Result, error) {
			panic("oops")
		}, 0},
		"no plan is possible": {func(context.Context, replenish.Data, replenish.Goal, replenish.Observe) (replenish.Result, error) {
			return replenish.Result{Status: solve.InfeasibleProven}, nil
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := live(t, t.TempDir(), 1, c.decide)
			who, goal := a.customer(t)
			who.Limits = monthAround(time.Now(), 1)
			r := a.started(t, who, goal)
			if err := a.Follow(t.Context(), who, r.ID, time.Minute, func(*Run) error { return nil }); err != nil {
				t.Fatal(err)
			}
			u, err := a.Usage(t.Context(), who)
			if err != nil || u.Decisions.Used != c.used {
				t.Errorf("Usage = %+v, %v; want %d used", u.Decisions, err, c.used)
			}
		})
	}
}

// Whatever bursts come and however periods and plans change: no period ever has more
// decisions than the largest limit that was asked under, and the count is exact.
func TestNoPeriodEverHasMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	shelf := shelfOn(t, t.TempDir())
	t.Cleanup(func() { _ = shelf.Close() })
	rapid.Check(t, func(r *rapid.T) {
		tenant := id.NewTenant()
		if err := shelf.Create(context.Background(), tenant); err != nil {
			r.Fatal(err)
		}
		store, release, err := shelf.Open(context.Background(), tenant)
		if err != nil {
			r.Fatal(err)
		}
		defer release()
		now := time.Date(2026, 1, 31, 13, 7, 0, 0, time.UTC)
		anchor := now
		made := map[time.Time]int{} // by start of the period
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20*24*60).Draw(r, "minutes")) * time.Minute)
			months := 0
			for !anchor.AddDate(0, months+1, 0).After(now) {
				months++
			}
			l := contract.Limits{
				Decisions:   rapid.IntRange(0, 12).Draw(r, "limit"),
				PeriodStart: anchor.AddDate(0, months, 0), PeriodEnd: anchor.AddDate(0, months+1, 0),
			}
			burst := rapid.IntRange(1, 8).Draw(r, "burst")
			var (
				all sync.WaitGroup
				got atomic.Int32
			)
			for range burst {
				all.Go(func() {
					_, err := store.Do(context.Background(), tenantstore.Command{Kind: "test"}, func(tx *tenantstore.Tx) error {
						_, err := spend(tx, l, now)
						return err
					})
					if err == nil {
						got.Add(1)
					} else if !errors.Is(err, ErrDecisionsUsed) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			want := burst
			if l.Decisions > 0 {
				want = min(burst, max(0, l.Decisions-made[l.PeriodStart]))
			}
			if int(got.Load()) != want {
				r.Fatalf("%d of %d were made under %+v with %d used, want %d", got.Load(), burst, l, made[l.PeriodStart], want)
			}
			made[l.PeriodStart] += want
			if want > 0 && rapid.Bool().Draw(r, "fails") {
				if _, err := store.Do(context.Background(), tenantstore.Command{Kind: "test"}, func(tx *tenantstore.Tx) error { return giveBack(tx, now) }); err != nil {
					r.Fatal(err)
				}
				made[l.PeriodStart]--
			}
		}
	})
}

// A tenant that moves takes its journal along, and the count with it.
func TestAMovedTenantKeepsItsCount(t *testing.T) {
	t.Parallel()
	a := live(t, t.TempDir(), 1, fine)
	who, goal := a.customer(t)
	who.Limits = monthAround(time.Now(), 20)
	for range rand.IntN(5) + 1 {
		a.started(t, who, goal)
	}
	before, err := a.Usage(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	store, release, err := a.shelf.Open(t.Context(), who.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	// The copy applies the documents of the journal; here the ones of the count.
	b := live(t, t.TempDir(), 1, fine)
	if err := b.shelf.Create(t.Context(), who.Tenant); err != nil {
		t.Fatal(err)
	}
	there, leave, err := b.shelf.Open(t.Context(), who.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	page, err := store.Find(t.Context(), usage, docstore.Query{})
	if err != nil || len(page.Docs) == 0 {
		t.Fatalf("%d days, %v", len(page.Docs), err)
	}
	for _, d := range page.Docs {
		if _, err := there.Do(t.Context(), tenantstore.Command{Kind: "test"}, func(tx *tenantstore.Tx) error { return tx.Put(usage, d.ID, d.Body) }); err != nil {
			t.Fatal(err)
		}
	}
	after, err := b.Usage(t.Context(), who)
	if err != nil || after.Decisions.Used != before.Decisions.Used || after.Decisions.Used == 0 {
		t.Errorf("before %d, after %d, %v", before.Decisions.Used, after.Decisions.Used, err)
	}
}
