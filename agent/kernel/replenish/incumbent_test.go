package replenish_test

import (
	"context"
	"testing"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// slow is an engine on a machine so busy that its time is always over first; it
// solves a number of models before.
type slow struct {
	solve.Solver
	before int
}

func (s *slow) Solve(ctx context.Context, m *model.Model, o solve.Options, observe func(solve.Progress)) (solve.Outcome, error) {
	if s.before--; s.before >= 0 {
		return s.Solver.Solve(ctx, m, o, observe)
	}
	return solve.Outcome{Status: solve.NoSolutionFound, Stopped: "time_limit", Engine: "slow"}, nil
}

func TestPlanDoesNotHangOnTheEngine(t *testing.T) {
	d := decider(t)
	quick := d.Solver
	t.Run("is proven article by article when nothing couples them", func(t *testing.T) {
		for _, id := range []string{"cafe", "hardware"} {
			_, data := business(t, id)
			d.Solver = &slow{Solver: quick}
			r, err := d.Decide(t.Context(), data, replenish.Goal{Horizon: 26}, nil)
			if err != nil || r.Status != solve.Optimal || !r.Check.Passed {
				t.Fatalf("%s: %s, %+v, %v", id, r.Status, r.Solver, err)
			}
			if r.Plan.Managed > r.ReorderPoint.Managed {
				t.Errorf("%s: the plan costs %v, reorder points %v", id, r.Plan.Managed, r.ReorderPoint.Managed)
			}
		}
	})
	t.Run("is found under a budget, and is no worse than reorder points", func(t *testing.T) {
		sample, data := business(t, "hardware")
		d.Solver = &slow{Solver: quick}
		goal := sample.SuggestedGoal
		goal.Horizon, goal.BudgetPerPeriod = 26, 2*goal.BudgetPerPeriod
		r, err := d.Decide(t.Context(), data, goal, nil)
		if err != nil || !r.Status.HasPlan() || !r.Check.Passed {
			t.Fatalf("%s, %+v, %v", r.Status, r.Solver, err)
		}
		if r.ReorderPoint.OverBudget > 0 || r.Plan.Managed > r.ReorderPoint.Managed*1.001 {
			t.Errorf("the plan costs %v, reorder points %v", r.Plan.Managed, r.ReorderPoint.Managed)
		}
	})
}
