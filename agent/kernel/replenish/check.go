package replenish

import (
	"fmt"
	"math"

	"github.com/dyocense/dyocense/agent/kernel/forecast"
)

// tolerance of the checker, relative to the size of what is compared.
const tolerance = 1e-6

// audit is an independent reading of a plan: from the data, the goal, the
// forecasts and the ordered quantities alone. It shares no code with the model
// builder and knows nothing of its variables.
type audit struct {
	objective float64 // what the model minimises, recomputed
	checked   int     // conditions looked at
	worst     float64 // largest relative violation
	failures  []string
}

// auditPlan replays a plan and tests every promise of the goal. orders has the
// units ordered, an item and period of the span.
func auditPlan(data Data, goal Goal, forecasts []forecast.Forecast, orders [][]float64) audit {
	a := audit{}
	span := goal.span()
	spent := make([]float64, goal.Horizon)
	room := make([]float64, goal.Horizon)
	fixedRoom := make([]float64, goal.Horizon)
	for i := range data.Items {
		item, placed := &data.Items[i], orders[i]
		a.equal(float64(len(placed)), float64(span), "%s has orders for %d periods", item.SKU, len(placed))
		lead := item.LeadTimeDays / data.PeriodDays
		window := span + lead
		wanted := forecasts[i].Mean[:window]

		came := underway(item, data.Start, data.PeriodDays, window)
		with := replay(item.OnHand, wanted, append(deliveriesOf(item, data.PeriodDays, placed), came...))
		without := replay(item.OnHand, wanted, came)
		// What a delivery without end at the first possible moment cannot save is
		// lost whatever the plan.
		rescue := delivery{lead, float64(item.LeadTimeDays%data.PeriodDays) / float64(data.PeriodDays), sum(wanted) + 1}
		unavoidable := sum(replay(item.OnHand, wanted, append([]delivery{rescue}, came...)).lost)
		lost := math.Max(0, sum(with.lost)-unavoidable)

		a.equal(with.stock[window-1], item.OnHand+sum(with.arrived)-sum(wanted)+sum(with.lost), "the balance of %s", item.SKU)
		a.orderSizes(item, placed, spent)
		a.objective += a.stockRules(item, data, goal, forecasts[i], with, without, lost)
		for t := range room {
			room[t] += item.Volume * with.stock[t]
			fixedRoom[t] += item.Volume * without.stock[t]
		}
		for _, q := range placed {
			if q > 0 {
				a.objective += item.OrderCost
			}
		}
	}
	for t := range spent {
		if goal.BudgetPerPeriod > 0 {
			a.atMost(spent[t], goal.BudgetPerPeriod, "the budget of period %d", t+1)
		}
		if goal.StorageCapacity > 0 {
			a.atMost(room[t], math.Max(goal.StorageCapacity, fixedRoom[t]), "the storage at the end of period %d", t+1)
		}
	}
	if goal.BudgetTotal > 0 {
		a.atMost(sum(spent), goal.BudgetTotal, "the total budget")
	}
	return a
}

// orderSizes tests whole packs and the minimum order, and adds up what is paid.
func (a *audit) orderSizes(item *Item, placed, spent []float64) {
	pack := item.PackSize
	if pack == 0 {
		pack = 1
	}
	for t, q := range placed {
		if q == 0 {
			continue
		}
		a.atMost(0, q, "the order of %s in period %d", item.SKU, t+1)
		a.equal(q/pack, math.Round(q/pack), "whole packs of %s in period %d", item.SKU, t+1)
		a.atMost(item.MinOrder, q, "the minimum order of %s in period %d", item.SKU, t+1)
		if t < len(spent) {
			spent[t] += q*item.UnitCost + item.OrderCost
		}
	}
}

// stockRules tests service and most stock from the first period that an order
// can reach, and returns the cost of holding, of lost sales and of missing safety.
func (a *audit) stockRules(item *Item, data Data, goal Goal, f forecast.Forecast, with, without course, lost float64) float64 {
	rate := item.HoldingCost
	if rate == 0 {
		rate = goal.HoldingRate * item.UnitCost * float64(data.PeriodDays) / 365
	}
	price := goal.ShortageCost * item.UnitCost
	lead := item.LeadTimeDays / data.PeriodDays
	cost := 0.0
	for t := range with.stock {
		if t < lead {
			continue
		}
		safety := auditSafety(f, item.LeadTimeDays, data.PeriodDays, t, goal.ServiceLevel)
		cost += rate * with.stock[t]
		below := math.Max(0, safety-with.stock[t])
		if goal.ServiceRule == ServiceRequired {
			a.atMost(safety, with.stock[t], "the safety stock of %s at the end of period %d", item.SKU, t+1)
		} else {
			cost += below * price / (2 * float64(len(with.stock)))
		}
		if item.MaxStock > 0 {
			a.atMost(with.stock[t], math.Max(item.MaxStock, without.stock[t]), "the most stock of %s at the end of period %d", item.SKU, t+1)
		}
	}
	if goal.ServiceRule == ServiceRequired {
		a.atMost(lost, 0, "the avoidable shortage of %s", item.SKU)
		return cost
	}
	return cost + price*lost
}

// auditSafety works out one safety stock in days, not periods.
func auditSafety(f forecast.Forecast, leadDays, periodDays, t int, level float64) float64 {
	days := leadDays + periodDays
	expected := func(from int) float64 {
		total := 0.0
		for d := range days {
			p := min(from+d/periodDays, len(f.Mean)-1)
			total += f.Mean[p] / float64(periodDays)
		}
		return total
	}
	upTo := func(periods int) float64 {
		if periods == 0 {
			return 0
		}
		column := make([]float64, len(forecast.Levels))
		for l := range column {
			column[l] = f.Cumulative[l][periods-1]
		}
		return between(forecast.Levels, column, level)
	}
	whole, rest := days/periodDays, days%periodDays
	high := upTo(whole)
	if rest > 0 && whole < len(f.Mean) {
		high += (upTo(whole+1) - high) * float64(rest) / float64(periodDays)
	}
	now := expected(0)
	stock := math.Max(0, high-now)
	if now > 0 {
		stock *= math.Max(0.5, math.Min(2, expected(t+1)/now))
	}
	return math.Round(stock*100) / 100
}

// between reads a value at a level off a table of quantiles, straight between
// its points when levels are measured in standard deviations.
func between(levels, values []float64, level float64) float64 {
	z := func(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }
	last := len(levels) - 1
	if level <= levels[0] {
		return values[0]
	}
	for k := range last {
		if level <= levels[k+1] {
			share := (z(level) - z(levels[k])) / (z(levels[k+1]) - z(levels[k]))
			return values[k]*(1-share) + values[k+1]*share
		}
	}
	return values[last]
}

func (a *audit) atMost(v, limit float64, format string, args ...any) {
	a.note((v-limit)/math.Max(1, math.Abs(limit)), v, limit, format, args...)
}

func (a *audit) equal(v, want float64, format string, args ...any) {
	a.note(math.Abs(v-want)/math.Max(1, math.Abs(want)), v, want, format, args...)
}

func (a *audit) note(violation, v, limit float64, format string, args ...any) {
	a.checked++
	if math.IsNaN(violation) {
		violation = math.Inf(1)
	}
	a.worst = math.Max(a.worst, violation)
	if violation > tolerance && len(a.failures) < maxDetails {
		a.failures = append(a.failures, fmt.Sprintf("%s: %.6g against %.6g", fmt.Sprintf(format, args...), v, limit))
	}
}
