package replenish

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/forecast"
)

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// bell is a forecast with a known mean and normal errors.
func bell(mean []float64, deviation float64) forecast.Forecast {
	f := forecast.Forecast{Mean: mean}
	for _, level := range forecast.Levels {
		single, cumulative := make([]float64, len(mean)), make([]float64, len(mean))
		total := 0.0
		for t, m := range mean {
			total += m
			single[t] = math.Max(0, m+deviations(level)*deviation)
			cumulative[t] = math.Max(0, total+deviations(level)*deviation*math.Sqrt(float64(t+1)))
		}
		f.Quantiles, f.Cumulative = append(f.Quantiles, single), append(f.Cumulative, cumulative)
	}
	return f
}

// shop draws data, goal and forecasts of a few items.
func shop(t *rapid.T) (Data, Goal, []forecast.Forecast) {
	goal := Goal{Horizon: rapid.IntRange(1, 6).Draw(t, "horizon")}.Filled()
	if rapid.Bool().Draw(t, "budget") {
		goal.BudgetPerPeriod = rapid.Float64Range(50, 3000).Draw(t, "budget per period")
	}
	if rapid.Bool().Draw(t, "storage") {
		goal.StorageCapacity = rapid.Float64Range(10, 600).Draw(t, "storage capacity")
	}
	data := Data{PeriodDays: 7, Start: monday}
	var forecasts []forecast.Forecast
	for k := range rapid.IntRange(1, 3).Draw(t, "items") {
		item := Item{
			SKU: string(rune('A' + k)), UnitCost: rapid.Float64Range(0.5, 20).Draw(t, "cost"), Volume: rapid.Float64Range(0, 2).Draw(t, "volume"),
			OnHand: rapid.Float64Range(0, 60).Draw(t, "stock"), LeadTimeDays: rapid.IntRange(0, 20).Draw(t, "lead"),
			OrderCost: rapid.Float64Range(0, 50).Draw(t, "order cost"), MinOrder: float64(rapid.IntRange(0, 30).Draw(t, "least")),
			PackSize: rapid.SampledFrom([]float64{0, 1, 0.5, 6, 25}).Draw(t, "pack"),
		}
		if rapid.Bool().Draw(t, "shelf") {
			item.MaxStock = rapid.Float64Range(20, 200).Draw(t, "most")
		}
		for range rapid.IntRange(0, 2).Draw(t, "coming") {
			item.OnOrder = append(item.OnOrder, Arrival{monday.AddDate(0, 0, rapid.IntRange(-5, 40).Draw(t, "day")), float64(rapid.IntRange(1, 40).Draw(t, "quantity"))})
		}
		mean := make([]float64, goal.span()+8)
		for i := range mean {
			mean[i] = rapid.Float64Range(0, 20).Draw(t, "demand")
		}
		data.Items = append(data.Items, item)
		forecasts = append(forecasts, bell(mean, 4))
	}
	return data, goal, forecasts
}

// lastMoment orders what is required, each time it is, and now and then a mistake.
func lastMoment(t *rapid.T, needs []need, goal Goal) [][]float64 {
	orders := make([][]float64, len(needs))
	for i := range needs {
		orders[i] = make([]float64, goal.span())
		have := 0.0
		for o, packs := range needs[i].packs {
			if packs > have {
				q := math.Max(packs-have, needs[i].minPacks)
				if rapid.IntRange(0, 19).Draw(t, "slip") == 0 {
					q = math.Max(0, q-1)
				}
				orders[i][o] = q * needs[i].pack
				have += q
			}
		}
	}
	return orders
}

func TestModelAndAuditAgree(t *testing.T) {
	t.Parallel()
	kept, broken := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		data, goal, forecasts := shop(t)
		needs := needsOf(data, goal, forecasts)
		f := formulate(data, goal, needs, "")
		orders := lastMoment(t, needs, goal)
		a := auditPlan(data, goal, forecasts, orders)
		x := f.solution(orders)
		report := check.Solution(f.model, x, f.cost(x))
		if !report.Passed && len(a.failures) == 0 && report.MaxViolation < 1e-3 {
			return // on the edge, where the tolerances of the two differ
		}
		if report.Passed != (len(a.failures) == 0) {
			t.Fatalf("the model says %v %v, the audit %v", report.Passed, report.Violations, a.failures)
		}
		if !report.Passed {
			broken++
			return
		}
		kept++
		if math.Abs(a.objective-f.cost(x)) > 1e-6*(1+math.Abs(a.objective)) {
			t.Fatalf("the audit counts %v, the model %v", a.objective, f.cost(x))
		}
	})
	if kept == 0 || broken == 0 {
		t.Errorf("the test saw %d plans that keep the goal and %d that do not; it needs both", kept, broken)
	}
}

func TestAuditCatchesEveryKindOfMistake(t *testing.T) {
	t.Parallel()
	mean := []float64{10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10}
	data := Data{PeriodDays: 7, Start: monday, Items: []Item{{
		SKU: "A", UnitCost: 2, OnHand: 30, LeadTimeDays: 7, OrderCost: 3, MinOrder: 12, PackSize: 6, MaxStock: 90, Volume: 1,
	}}}
	goal := Goal{Horizon: 4, BudgetPerPeriod: 200, BudgetTotal: 300, StorageCapacity: 90}.Filled()
	forecasts := []forecast.Forecast{bell(mean, 2)}
	sound := []float64{18, 12, 12, 12, 12, 12, 12, 12}
	if a := auditPlan(data, goal, forecasts, [][]float64{sound}); len(a.failures) > 0 {
		t.Fatalf("the sound plan fails: %v", a.failures)
	}
	for name, spoil := range map[string]func(q []float64, d *Data, g *Goal){
		"a broken pack":              func(q []float64, _ *Data, _ *Goal) { q[0] += 1 },
		"less than the minimum":      func(q []float64, _ *Data, _ *Goal) { q[1] = 6 },
		"a negative order":           func(q []float64, _ *Data, _ *Goal) { q[1] = -6 },
		"safety stock that is used":  func(q []float64, _ *Data, _ *Goal) { q[0], q[1], q[2] = 0, 0, 0 },
		"more than the shelf holds":  func(q []float64, _ *Data, _ *Goal) { q[0] = 96 },
		"more than a week's budget":  func(_ []float64, _ *Data, g *Goal) { g.BudgetPerPeriod = 38 },
		"more than the whole budget": func(_ []float64, _ *Data, g *Goal) { g.BudgetTotal = 100 },
		"more than the store room":   func(_ []float64, _ *Data, g *Goal) { g.StorageCapacity = 21 },
		"a number that is none":      func(q []float64, _ *Data, _ *Goal) { q[2] = math.NaN() },
	} {
		t.Run("finds "+name, func(t *testing.T) {
			t.Parallel()
			q, d, g := append([]float64(nil), sound...), data, goal
			d.Items = append([]Item(nil), data.Items...)
			spoil(q, &d, &g)
			if a := auditPlan(d, g, forecasts, [][]float64{q}); len(a.failures) == 0 {
				t.Error("the audit found nothing")
			}
		})
	}
}
