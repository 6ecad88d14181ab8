package replenish

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

func TestReorderPointsAreAnIncumbentWhereTheyKeepAllRules(t *testing.T) {
	t.Parallel()
	kept := 0
	rapid.Check(t, func(t *rapid.T) {
		data, goal, forecasts := shop(t)
		f := formulate(data, goal, needsOf(data, goal, forecasts), "")
		f.classic = reorderPoint(data, goal, forecasts, goal.span())
		s := seeking{f: &f, bound: math.Inf(-1)}
		s.policy()
		if s.best == nil {
			a := auditPlan(data, goal, forecasts, f.classic)
			x := f.solution(f.trimmed(f.classic))
			edge := check.Solution(f.model, x, f.cost(x)).MaxViolation < 1e-3 || short(f.needs, f.classic) // where the tolerances of the two differ
			if len(a.failures) == 0 && !edge {
				t.Fatalf("a plan that keeps all rules was not taken: %v", f.classic)
			}
			return
		}
		kept++
		if a := auditPlan(data, goal, forecasts, f.orders(s.best.X)); len(a.failures) > 0 || s.best.Status != solve.Feasible {
			t.Fatalf("the incumbent breaks %v", a.failures)
		}
		classic := auditPlan(data, goal, forecasts, f.classic)
		if s.best.Objective > classic.objective*(1+1e-9)+1e-9 {
			t.Fatalf("it costs %v, the policy %v", s.best.Objective, classic.objective)
		}
	})
	if kept == 0 {
		t.Error("no shop's reorder points kept all rules")
	}
}

// short says that orders miss a need, be it by less than the audit notices.
func short(needs []need, orders [][]float64) bool {
	for i := range needs {
		have := 0.0
		for o, units := range needs[i].units {
			have += orders[i][o]
			if have < units-1e-7 {
				return true
			}
		}
	}
	return false
}
