package replenish

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// later is far enough for a search that takes milliseconds.
func later() time.Time { return time.Now().Add(time.Minute) }

func TestBargainIsRight(t *testing.T) {
	solver := realEngine(t)
	t.Run("has the best plan when articles share no limit", func(t *testing.T) {
		compared := 0
		rapid.Check(t, func(t *rapid.T) {
			data, goal, forecasts := shop(t)
			goal.BudgetPerPeriod, goal.StorageCapacity = 0, 0
			f := formulate(data, goal, needsOf(data, goal, forecasts), "")
			if f.model.Cols() == 0 {
				return
			}
			best, err := solver.Solve(t.Context(), f.model, solve.Options{RelativeGap: -1}, nil)
			if err != nil {
				t.Fatal(err)
			}
			g := newBargain(&f, false)
			g.search(t.Context(), later(), func(float64) bool { return false })
			bound := g.proof(t.Context(), later())
			g.settled(t.Context(), later())
			if (g.best != nil) != best.Status.HasPlan() {
				t.Fatalf("the engine says %s, the bargain has %v", best.Status, g.best)
			}
			if g.best == nil {
				return
			}
			compared++
			if math.Abs(g.best.Objective-best.Objective) > 1e-5*(1+best.Objective) || math.Abs(bound-best.Objective) > 1e-5*(1+best.Objective) {
				t.Fatalf("the engine needs %v, the bargain %v with the bound %v", best.Objective, g.best.Objective, bound)
			}
		})
		if compared == 0 {
			t.Error("no shop had a plan")
		}
	})
	t.Run("never beats the best plan under a budget, and never proves it away", func(t *testing.T) {
		compared := 0
		rapid.Check(t, func(t *rapid.T) {
			data, goal, forecasts := shop(t)
			goal.StorageCapacity = 0
			goal.BudgetTotal = rapid.Float64Range(100, 9000).Draw(t, "total budget")
			f := formulate(data, goal, needsOf(data, goal, forecasts), "")
			if f.model.Cols() == 0 {
				return
			}
			best, err := solver.Solve(t.Context(), f.model, solve.Options{RelativeGap: -1}, nil)
			if err != nil {
				t.Fatal(err)
			}
			g := newBargain(&f, false)
			g.search(t.Context(), later(), func(float64) bool { return false })
			bound := g.proof(t.Context(), later())
			if best.Status != solve.Optimal {
				if g.best != nil {
					t.Fatalf("the engine says %s, the bargain has a plan", best.Status)
				}
				return
			}
			compared++
			if bound > best.Objective+1e-5*(1+best.Objective) {
				t.Fatalf("the bound %v is beyond the best plan, %v", bound, best.Objective)
			}
			if g.best != nil && g.best.Objective < best.Objective-1e-5*(1+best.Objective) {
				t.Fatalf("%v is better than the best, %v", g.best.Objective, best.Objective)
			}
		})
		if compared == 0 {
			t.Error("no shop had a plan")
		}
	})
}

func TestGivingUpService(t *testing.T) {
	solver := realEngine(t)
	t.Run("always finds a plan, which the model and the audit price alike", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			data, goal, forecasts := shop(t)
			goal.ServiceRule = ServicePreferred
			f := formulate(data, goal, needsOf(data, goal, forecasts), softService)
			g := newBargain(&f, true)
			found := g.search(t.Context(), later(), func(float64) bool { return false })
			if f.model.Cols() == 0 {
				return
			}
			if found == nil {
				t.Fatal("there is no plan")
				return
			}
			orders := f.orders(found.X)
			a := auditPlan(data, goal, forecasts, orders)
			if len(a.failures) > 0 || math.Abs(a.objective-found.Objective) > 1e-6*(1+a.objective) {
				t.Fatalf("the audit counts %v, the model %v: %v", a.objective, found.Objective, a.failures)
			}
			relaxed := *f.model
			relaxed.Integer = make([]bool, relaxed.Cols())
			bound, err := solver.Solve(t.Context(), &relaxed, solve.Options{}, nil)
			if err != nil || bound.Status != solve.Optimal || bound.Objective > found.Objective+1e-5*(1+found.Objective) {
				t.Fatalf("%s: the bound %v is beyond a plan of %v, %v", bound.Status, bound.Objective, found.Objective, err)
			}
			if !check.Solution(f.model, found.X, found.Objective).Passed {
				t.Fatal("the plan does not solve the model")
			}
		})
	})
}
