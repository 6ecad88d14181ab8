package check_test

import (
	"context"
	"math"
	"testing"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// pair is min 2x + 3y + 1, x + y >= 4 (rule "demand"), 0 <= x <= 3 whole, 0 <= y <= 10.
func pair() *model.Model {
	var b model.Builder
	x := b.Col("x", 0, 3, 2, true)
	y := b.Col("y", 0, 10, 3, false)
	b.Row("demand", "enough", 4, model.Inf, model.Term{Col: x, Coef: 1}, model.Term{Col: y, Coef: 1})
	b.AddConstant(1)
	return b.Build("pair")
}

func TestSolution(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		x         []float64
		objective float64
		kind      string // of the first violation; "" means it passes
	}{
		"accepts a right plan":                   {[]float64{3, 1}, 10, ""},
		"accepts what rounding does to a plan":   {[]float64{3 + 1e-9, 1 - 1e-8}, 10, ""},
		"sees a row that is missed":              {[]float64{3, 0.9}, 9.7, "row"},
		"sees a bound that is missed":            {[]float64{4, 0}, 9, "bound"},
		"sees a fraction where whole is wanted":  {[]float64{2.5, 1.5}, 10.5, "integrality"},
		"sees a misstated objective":             {[]float64{3, 1}, 9, "objective"},
		"sees a plan of the wrong length":        {[]float64{3}, 6, "shape"},
		"sees numbers that are none":             {[]float64{math.NaN(), 1}, 6, "shape"},
		"sees an objective that is not a number": {[]float64{3, 1}, math.NaN(), "objective"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := check.Solution(pair(), c.x, c.objective)
			if c.kind == "" {
				if !r.Passed || r.Broken != 0 {
					t.Errorf("refused: %+v", r)
				}
				return
			}
			if r.Passed || len(r.Violations) == 0 || r.Violations[0].Kind != c.kind {
				t.Errorf("got %+v, want a violation of kind %s", r, c.kind)
			}
		})
	}
	t.Run("names the business rule of a row", func(t *testing.T) {
		t.Parallel()
		r := check.Solution(pair(), []float64{1, 1}, 6)
		if len(r.Violations) != 1 || r.Violations[0].Rule != "demand" || r.Violations[0].Amount != 2 {
			t.Errorf("got %+v", r.Violations)
		}
	})
	t.Run("adds a million small numbers to a large one without losing them", func(t *testing.T) {
		t.Parallel()
		var b model.Builder
		terms := []model.Term{{Col: b.Col("big", 0, 1e12, 0, false), Coef: 1}}
		x := []float64{1e12}
		for range 1000 {
			terms = append(terms, model.Term{Col: b.Col("", 0, 1, 0, false), Coef: 1})
			x = append(x, 1e-5)
		}
		b.Row("", "total", 1e12+0.01, 1e12+0.01, terms...)
		if r := check.Solution(b.Build(""), x, 0); r.MaxViolation > 1e-3 {
			t.Errorf("the sum is off by %v", r.MaxViolation)
		}
	})
}

// says answers every model with one outcome.
type says solve.Outcome

func (s says) Solve(context.Context, *model.Model, solve.Options, func(solve.Progress)) (solve.Outcome, error) {
	return solve.Outcome(s), nil
}

func TestSolver(t *testing.T) {
	t.Parallel()
	at := func(v float64) *float64 { return &v }
	cases := map[string]struct {
		engine  solve.Outcome
		want    solve.Status
		checked bool
	}{
		"believes a checked optimum":                   {solve.Outcome{Status: solve.Optimal, X: []float64{3, 1}, Objective: 10, Bound: at(10), Engine: "highs-embedded"}, solve.Optimal, true},
		"refuses a plan that breaks a rule":            {solve.Outcome{Status: solve.Optimal, X: []float64{3, 0}, Objective: 7, Bound: at(7), Engine: "highs-embedded"}, solve.EngineCrash, false},
		"refuses a status without a plan":              {solve.Outcome{Status: solve.Optimal, Objective: 7, Engine: "highs-embedded"}, solve.EngineCrash, false},
		"refuses a bound beyond the plan":              {solve.Outcome{Status: solve.Optimal, X: []float64{3, 1}, Objective: 10, Bound: at(12), Engine: "highs-embedded"}, solve.EngineCrash, false},
		"takes optimal down to feasible without bound": {solve.Outcome{Status: solve.Optimal, X: []float64{3, 1}, Objective: 10, Engine: "highs-embedded"}, solve.Feasible, true},
		"takes optimal down when the gap is open":      {solve.Outcome{Status: solve.Optimal, X: []float64{3, 1}, Objective: 10, Bound: at(9), Engine: "highs-embedded"}, solve.Feasible, true},
		"believes no proof of an unknown engine":       {solve.Outcome{Status: solve.InfeasibleProven, Engine: "oracle"}, solve.NoSolutionFound, false},
		"believes no optimum of an unknown engine":     {solve.Outcome{Status: solve.Optimal, X: []float64{3, 1}, Objective: 10, Bound: at(10), Engine: "oracle"}, solve.Feasible, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := check.Solver{Inner: says(c.engine)}.Solve(t.Context(), pair(), solve.Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out.Status != c.want || out.Checked != c.checked || (out.X != nil) != c.checked {
				t.Errorf("got %+v", out)
			}
		})
	}
}
