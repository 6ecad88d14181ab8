package highs_test

import (
	"context"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/model/modeltest"
	"github.com/dyocense/dyocense/agent/kernel/model/mps"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
)

// loaded is one compiled engine for all tests of the package: compiling costs seconds.
var loaded = sync.OnceValues(func() (*highs.Engine, error) {
	return highs.Load(context.Background(), highs.Options{})
})

func engine(t *testing.T) *highs.Engine {
	t.Helper()
	if err := highs.Available(); err != nil {
		t.Skipf("the solver engine is not in the tree (deploy/engine/fetch.sh brings it): %v", err)
	}
	e, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func instance(t *testing.T, name string) *model.Model {
	t.Helper()
	m, err := mps.ReadFile(modeltest.Path(t, filepath.Join("mip", name+".mps")))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestKnownOptima(t *testing.T) {
	for name, want := range map[string]float64{"egout": 568.1007, "bell5": 8966406.49, "p0548": 8691} {
		t.Run("proves the optimum of "+name, func(t *testing.T) {
			out, err := engine(t).Solve(t.Context(), instance(t, name), solve.Options{RelativeGap: -1}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out.Status != solve.Optimal || math.Abs(out.Objective-want) > 1e-6*want+1e-4 || out.Gap == nil || *out.Gap > 1e-9 {
				t.Errorf("got %+v, want %v", out, want)
			}
			t.Logf("%s %v in %.2f s, %d nodes", name, out.Objective, out.Seconds, out.Nodes)
		})
	}
}

func TestInfeasible(t *testing.T) {
	for _, name := range []string{"infeasible-mip0", "infeasible-mip1", "klein1", "galenet"} {
		t.Run("proves that nothing solves "+name, func(t *testing.T) {
			out, err := engine(t).Solve(t.Context(), instance(t, name), solve.Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out.Status != solve.InfeasibleProven || out.X != nil {
				t.Errorf("got %+v", out)
			}
		})
	}
}

// hard is a market-split model: it finds no proof within any test's patience,
// and with slack columns it always has a plan.
func hard() *model.Model {
	var b model.Builder
	state := uint64(7)
	next := func() float64 {
		state = state*6364136223846793005 + 1442695040888963407
		return float64(state >> 33 % 100)
	}
	const rows, cols = 5, 40
	var x [cols]int32
	for j := range x {
		x[j] = b.Col("", 0, 1, 0, true)
	}
	for range rows {
		terms, sum := []model.Term{}, 0.0
		for _, j := range x {
			a := next()
			sum += a
			terms = append(terms, model.Term{Col: j, Coef: a})
		}
		over, under := b.Col("", 0, model.Inf, 1, false), b.Col("", 0, model.Inf, 1, false)
		terms = append(terms, model.Term{Col: over, Coef: 1}, model.Term{Col: under, Coef: -1})
		half := math.Floor(sum / 2)
		b.Row("split", "", half, half, terms...)
	}
	m := b.Build("market split")
	m.ColName, m.RowName = nil, nil
	return m
}

// dense is a model whose matrix alone needs 12 bytes for each of rows x cols entries.
func dense(rows, cols int) *model.Model {
	m := &model.Model{Start: []int32{0}}
	for range cols {
		m.Cost = append(m.Cost, 1)
		m.ColLower = append(m.ColLower, 0)
		m.ColUpper = append(m.ColUpper, model.Inf)
		m.Integer = append(m.Integer, true)
	}
	for i := range rows {
		for j := range cols {
			m.Index = append(m.Index, int32(j))
			m.Value = append(m.Value, float64((i*j)%17+1))
		}
		m.Start = append(m.Start, int32(len(m.Index)))
		m.RowLower = append(m.RowLower, 100)
		m.RowUpper = append(m.RowUpper, model.Inf)
	}
	return m
}

func TestStopping(t *testing.T) {
	t.Run("keeps the incumbent when it is cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out, err := engine(t).Solve(ctx, hard(), solve.Options{}, func(p solve.Progress) {
			if p.Objective != nil {
				cancel()
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if out.Status != solve.Feasible || out.Stopped != "cancelled" || len(out.X) == 0 || out.Bound == nil {
			t.Errorf("got %+v", out)
		}
		if out.Seconds > 30 {
			t.Errorf("cancelling took %v s", out.Seconds)
		}
	})
	t.Run("keeps the incumbent at the time limit", func(t *testing.T) {
		out, err := engine(t).Solve(t.Context(), hard(), solve.Options{TimeLimit: 500 * time.Millisecond}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if out.Status != solve.Feasible || out.Stopped != "time_limit" || len(out.X) == 0 {
			t.Errorf("got %+v", out)
		}
	})
	t.Run("says that memory ran out instead of crashing", func(t *testing.T) {
		out, err := engine(t).Solve(t.Context(), dense(400, 2000), solve.Options{MemoryMiB: 24}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if out.Status != solve.NoSolutionFound || out.Stopped != "memory_limit" || out.X != nil {
			t.Errorf("got %+v", out)
		}
	})
}

func TestSmallModels(t *testing.T) {
	one := func(lower, upper, cost float64, maximize bool) *model.Model {
		var b model.Builder
		b.Col("x", lower, upper, cost, false)
		b.AddConstant(10)
		m := b.Build("one")
		m.Maximize = maximize
		return m
	}
	cases := map[string]struct {
		m      *model.Model
		status solve.Status
		value  float64
	}{
		"minimises with a constant":               {one(2, 5, 3, false), solve.Optimal, 16},
		"maximises with a constant":               {one(2, 5, 3, true), solve.Optimal, 25},
		"says that nothing bounds the objective":  {one(0, model.Inf, 1, true), solve.Unbounded, 0},
		"knows that crossed bounds leave nothing": {one(3, 2, 1, false), solve.InfeasibleProven, 0},
		"solves a model without columns":          {new(model.Builder).Build("empty"), solve.Optimal, 0},
		"refuses NaN":                             {one(math.NaN(), 2, 1, false), solve.InvalidInput, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := engine(t).Solve(t.Context(), c.m, solve.Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out.Status != c.status || math.Abs(out.Objective-c.value) > 1e-9 {
				t.Errorf("got %+v", out)
			}
		})
	}
}

func TestSeed(t *testing.T) {
	t.Run("gives the same plan for the same seed", func(t *testing.T) {
		m := instance(t, "p0548")
		var first solve.Outcome
		for round := range 2 {
			out, err := engine(t).Solve(t.Context(), m, solve.Options{Seed: 3}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				first = out
			} else if out.Nodes != first.Nodes || out.Objective != first.Objective {
				t.Errorf("got %d nodes and %v, then %d and %v", first.Nodes, first.Objective, out.Nodes, out.Objective)
			}
		}
	})
}
