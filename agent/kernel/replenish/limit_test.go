package replenish

import (
	"context"
	"math"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/forecast"
	"github.com/dyocense/dyocense/agent/kernel/model"
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
		room := make([]float64, goal.Horizon)
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
}

func maxOf(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = math.Max(most, v)
	}
	return most
}

// The order cost is a speck beside the goods, so an engine that scales rows loses
// it and calls a budget too small that is just enough.
func TestLimitsOfVeryDifferentPricesAreKept(t *testing.T) {
	solver := realEngine(t)
	mean := []float64{11.28, 6.49, 1.2, 0.02, 0.5, 13.6, 0, 1.94, 0, 2.94, 2.1, 15.94, 0.03, 0}
	data := Data{PeriodDays: 7, Start: monday, Items: []Item{{
		SKU: "A", UnitCost: 781.25, Volume: 1.445411205291748, OnHand: 0.6716440338229572, LeadTimeDays: 1, OrderCost: 2e-4, MinOrder: 13, PackSize: 1,
	}}}
	goal, forecasts := Goal{Horizon: 3, Gap: 1e-4}.Filled(), []forecast.Forecast{bell(mean, 4)}
	first := decided(t, solver, data, goal, forecasts)
	c := replay(data.Items[0].OnHand, mean[:goal.span()], deliveriesOf(&data.Items[0], 7, first.orders[0]))
	spent := spending(data, goal, first.orders)
	for limits := range 16 {
		goal, data := goal, data
		data.Items = []Item{data.Items[0]}
		if limits&1 > 0 {
			data.Items[0].MaxStock = maxOf(c.stock)
		}
		if limits&2 > 0 {
			goal.BudgetPerPeriod = maxOf(spent)
		}
		if limits&4 > 0 {
			goal.BudgetTotal = sum(spent)
		}
		if limits&8 > 0 {
			goal.StorageCapacity = maxOf(c.stock[:3]) * data.Items[0].Volume
		}
		if again := decided(t, solver, data, goal, forecasts); again.result.Status != solve.Optimal {
			t.Errorf("limits %04b at what the plan uses: %s, %s", limits, again.result.Status, again.result.Solver.Detail)
		}
	}
}

// careless is an engine that takes limits for a little more than they are.
type careless struct{ solve.Solver }

func (s careless) Solve(ctx context.Context, m *model.Model, o solve.Options, observe func(solve.Progress)) (solve.Outcome, error) {
	loose := *m
	loose.RowUpper = append([]float64(nil), m.RowUpper...)
	for i, rule := range m.RowRule {
		if rule == ruleBudget && loose.RowUpper[i] > 0 {
			loose.RowUpper[i] *= 1 + 2e-6
		}
	}
	return s.Solver.Solve(ctx, &loose, o, observe)
}

func TestPlanBeyondALimitByAHairIsSoughtAgain(t *testing.T) {
	solver := careless{realEngine(t)}
	mean := make([]float64, 20)
	for k := range mean {
		mean[k] = 9
	}
	data := Data{PeriodDays: 7, Start: monday, Items: []Item{{SKU: "A", UnitCost: 1e4, OnHand: 20, OrderCost: 1e5, PackSize: 1}}}
	forecasts := []forecast.Forecast{bell(mean, 2)}
	goal := Goal{Horizon: 6}.Filled()
	first := decided(t, solver, data, goal, forecasts)
	most := maxOf(spending(data, goal, first.orders))
	goal.BudgetPerPeriod = most * (1 - 2e-6) // not quite enough for that plan
	d := decided(t, solver, data, goal, forecasts)
	if !d.result.Status.HasPlan() || !d.result.Check.Passed || maxOf(spending(data, goal, d.orders)) > goal.BudgetPerPeriod*(1+tolerance) {
		t.Fatalf("%s: %s, check %+v", d.result.Status, d.result.Solver.Detail, d.result.Check)
	}
}

func TestLimitsGoInCoins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		coefficients []float64
		limit, want  float64
	}{
		{[]float64{2.5, 10, -2.5}, 24.9, 22.5},
		{[]float64{0.07, 0.05}, 1.005, 1},
		{[]float64{500, 250}, 750, 750},
		{[]float64{math.Pi, 1}, 7, 7}, // no coin
	} {
		got := limitFor(c.limit, c.limit, c.coefficients)
		if math.Abs(got-c.want) > tolerance*math.Max(1, c.limit) || got < c.want {
			t.Errorf("amounts of %v within %v are within %v, not %v", c.coefficients, c.limit, c.want, got)
		}
	}
}

// spending is what orders cost in each period of the horizon, goods and order
// cost.
func spending(data Data, goal Goal, orders [][]float64) []float64 {
	spent := make([]float64, goal.Horizon)
	for i := range orders {
		for t, q := range orders[i][:goal.Horizon] {
			if q > 0 {
				spent[t] += q*data.Items[i].UnitCost + data.Items[i].OrderCost
			}
		}
	}
	return spent
}
