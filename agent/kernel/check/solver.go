package check

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// Solver believes an engine only as far as it can be checked. It wraps another
// solver and is safe for concurrent use when that one is.
//
// A plan that does not pass becomes solve.EngineCrash with the reason and without
// the plan; a plan that passes is marked Checked, carries the objective as
// evaluated here, and has its whole numbers exactly whole where that passes too. "Optimal" needs a bound within the wanted gap, and a proof counts
// only from an engine that can prove for this class of model; else the claim is
// taken down to Feasible or NoSolutionFound.
type Solver struct {
	Inner solve.Solver
}

// Solve implements solve.Solver.
func (s Solver) Solve(ctx context.Context, m *model.Model, o solve.Options, observe func(solve.Progress)) (solve.Outcome, error) {
	out, err := s.Inner.Solve(ctx, m, o, observe)
	if err != nil {
		return out, err
	}
	return Outcome(m, o, out), nil
}

// Outcome is out as far as it can be believed.
func Outcome(m *model.Model, o solve.Options, out solve.Outcome) solve.Outcome {
	proves := canProve(out.Engine, m)
	switch {
	case out.Status == solve.InfeasibleProven && !proves && m.EmptyDomain() == "":
		out.Status = solve.NoSolutionFound
		out.Detail = "the engine says infeasible, but its proofs do not count for this kind of model"
	case out.Status == solve.Unbounded && !proves:
		out.Status = solve.NoSolutionFound
		out.Detail = "the engine says unbounded, but its proofs do not count for this kind of model"
	}
	if !out.Status.HasPlan() {
		return out
	}
	if whole := rounded(m, out.X); len(out.X) == m.Cols() && Solution(m, whole, out.Objective).Passed {
		out.X = whole
	}
	report := Solution(m, out.X, out.Objective)
	if !report.Passed {
		return refused(out, fmt.Sprintf("the engine's plan did not pass the check: %s (%d in all)", report.Violations[0], report.Broken))
	}
	out.Objective, out.Checked = report.Objective, true
	if !proves {
		out.Bound, out.Gap = nil, nil
	}
	if out.Bound != nil {
		if beyond := better(m, report.Objective, *out.Bound); beyond > 1e-6*math.Max(1, math.Abs(report.Objective)) {
			return refused(out, fmt.Sprintf("the engine's bound %g contradicts its own plan worth %g", *out.Bound, report.Objective))
		}
		out.Gap = solve.GapOf(out.Objective, *out.Bound)
	}
	if out.Status == solve.Optimal && !within(out, o.Filled().RelativeGap) {
		out.Status = solve.Feasible
		out.Detail = "the engine says optimal without a proof within the wanted gap"
	}
	return out
}

// rounded is the plan with its whole numbers made exactly whole: an engine leaves
// them a little off, and nobody orders 11.9999999 pieces.
func rounded(m *model.Model, x []float64) []float64 {
	whole := slices.Clone(x)
	for j := range min(len(x), len(m.Integer)) {
		if m.Integer[j] {
			whole[j] = math.Round(x[j]) + 0 // no negative zero
		}
	}
	return whole
}

// better is how far the plan lies on the good side of the bound: more than a
// rounding error is impossible.
func better(m *model.Model, objective, bound float64) float64 {
	if m.Maximize {
		return objective - bound
	}
	return bound - objective
}

// within says whether the proof is as tight as wanted; an engine also stops
// within 1e-6 of the bound, whatever the objective's size.
func within(out solve.Outcome, gap float64) bool {
	if out.Bound == nil {
		return false
	}
	return math.Abs(out.Objective-*out.Bound) <= gap*math.Abs(out.Objective)+1e-6*math.Max(1, math.Abs(out.Objective))
}

func refused(out solve.Outcome, why string) solve.Outcome {
	return solve.Outcome{
		Status: solve.EngineCrash, Engine: out.Engine, EngineVersion: out.EngineVersion,
		Seconds: out.Seconds, Nodes: out.Nodes, Detail: why,
	}
}

// canProve is the table of which engine's proofs count for which models. An
// engine that is not in it can make plans and proves nothing.
func canProve(engine string, _ *model.Model) bool {
	switch engine {
	case "highs-embedded":
		return true
	default:
		return false
	}
}
