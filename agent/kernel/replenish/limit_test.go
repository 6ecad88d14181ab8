package replenish

import (
	"context"
	"math"
	"os"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/forecast"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
)

var embedded = sync.OnceValues(func() (solve.Solver, error) {
	return highs.Load(context.Background(), highs.Options{})
})

// realEngine is the embedded engine, believed only as far as it can be checked.
func realEngine(t testing.TB) solve.Solver {
	t.Helper()
	if err := highs.Available(); err != nil {
		t.Skipf("the embedded engine is not in this build: %v", err)
	}
	engine, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	return check.Solver{Inner: engine}
}

// decided makes the decision for given forecasts, without words.
func decided(t fataler, solver solve.Solver, data Data, goal Goal, forecasts []forecast.Forecast) *decision {
	t.Helper()
	d := &decision{Decider: Decider{Solver: solver}, data: data, goal: goal, forecasts: forecasts, observe: func(Progress) {}}
	if err := d.compile(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := d.plan(context.Background()); err != nil {
		t.Fatal(err)
	}
	return d
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

// dear scales all money of a shop up, as where a unit is a machine.
func dear(data Data, factor float64) Data {
	for i := range data.Items {
		data.Items[i].UnitCost *= factor
		data.Items[i].OrderCost *= factor
	}
	return data
}

func TestPlanAtItsLimitsIsFoundAgain(t *testing.T) {
	solver := realEngine(t)
	planned := 0
	rapid.Check(t, func(t *rapid.T) {
		data, goal, forecasts := shop(t)
		goal.BudgetPerPeriod, goal.StorageCapacity, goal.Gap = 0, 0, 1e-4
		grid := rapid.SampledFrom([]float64{1, 0.01, 1e-7}).Draw(t, "smallest coin")
		for i := range data.Items {
			data.Items[i].UnitCost = math.Max(grid, math.Round(data.Items[i].UnitCost/grid)*grid)
			data.Items[i].OrderCost = math.Round(data.Items[i].OrderCost/grid) * grid
		}
		data = dear(data, rapid.SampledFrom([]float64{1, 1000, 1e5}).Draw(t, "dear"))
		first := decided(t, solver, data, goal, forecasts)
		if !first.result.Status.HasPlan() {
			return
		}
		// Every limit is what the plan just keeps.
		var room []float64
		room = make([]float64, goal.Horizon)
		spent := spending(data, goal, first.orders)
		for i := range data.Items {
			item := &data.Items[i]
			lead := item.LeadTimeDays / data.PeriodDays
			came := underway(item, data.Start, data.PeriodDays, goal.span()+lead)
			c := replay(item.OnHand, forecasts[i].Mean[:goal.span()+lead], append(deliveriesOf(item, data.PeriodDays, first.orders[i]), came...))
			most := 0.0
			for t, stock := range c.stock {
				if t < goal.Horizon {
					room[t] += item.Volume * stock
				}
				if t >= lead {
					most = math.Max(most, stock)
				}
			}
			if rapid.Bool().Draw(t, "shelf at its limit") {
				item.MaxStock = most
			}
		}
		switch rapid.IntRange(0, 3).Draw(t, "limit") {
		case 0:
			goal.BudgetPerPeriod = maxOf(spent)
		case 1:
			goal.BudgetTotal = sum(spent)
		case 2:
			goal.StorageCapacity = maxOf(room)
		case 3:
			goal.BudgetPerPeriod, goal.BudgetTotal, goal.StorageCapacity = maxOf(spent), sum(spent), maxOf(room)
		}
		again := decided(t, solver, data, goal, forecasts)
		if !again.result.Status.HasPlan() || !again.result.Check.Passed {
			t.Fatalf("limits at what a plan uses: %s, %s", again.result.Status, again.result.Solver.Detail)
		}
		planned++
	})
	if planned == 0 {
		t.Error("no shop had a plan")
	}
	_ = os.Stdout
}

func maxOf(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = math.Max(most, v)
	}
	return most
}
