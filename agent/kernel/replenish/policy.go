package replenish

import (
	"math"

	"github.com/dyocense/dyocense/agent/kernel/forecast"
)

// The policies a plan is compared with, on the same data and the same expected
// demand.

// nothing orders nothing: only what is under way comes in.
func nothing(data Data, goal Goal) [][]float64 {
	orders := make([][]float64, len(data.Items))
	for i := range orders {
		orders[i] = make([]float64, goal.Horizon)
	}
	return orders
}

// reorderPoint is the classic (s, Q) policy, reviewed at the start of every
// period: when stock and orders under way fall to the reorder point s, order Q.
// s is the expected demand of the lead time and one review period, plus the safety
// stock for the same service level that the plan promises (for a bell curve, z
// times the standard deviation); Q is the economic order quantity, not below the
// minimum order, in whole packs. Mean and safety stock come from the forecast, so
// the policy knows what the plan knows, but both stay fixed over the horizon. It keeps to the most stock, but knows
// no budget and no storage. It is followed for a number of periods that may go
// beyond the horizon.
func reorderPoint(data Data, goal Goal, forecasts []forecast.Forecast, periods int) [][]float64 {
	orders := make([][]float64, len(data.Items))
	for i := range data.Items {
		item, f := &data.Items[i], forecasts[i]
		orders[i] = make([]float64, periods)
		mean := sum(f.Mean[:goal.Horizon]) / float64(goal.Horizon)
		risk := float64(item.LeadTimeDays)/float64(data.PeriodDays) + 1
		point := mean*risk + math.Max(0, cumulativeQuantile(f, risk, goal.ServiceLevel)-meanOver(f.Mean, 0, risk))
		lot := economicLot(item, mean, holdingCost(item, data, goal))

		window := periods + item.LeadTimeDays/data.PeriodDays
		came := underway(item, data.Start, data.PeriodDays, window)
		for t := range periods {
			stock := item.OnHand
			if t > 0 {
				past := append(deliveriesOf(item, data.PeriodDays, orders[i]), came...)
				stock = replay(item.OnHand, f.Mean[:t], past).stock[t-1]
			}
			position := stock + openOrders(item, data, orders[i], t, window)
			if position <= point {
				orders[i][t] = math.Max(1, math.Ceil((point-position)/lot)) * lot
				if item.MaxStock > 0 {
					orders[i][t] = fitting(item, orders[i][t], item.MaxStock-position+mean*risk)
				}
			}
		}
	}
	return orders
}

// fitting cuts an order to the room on the shelf, in whole packs and not below
// the minimum order; nothing when that does not fit.
func fitting(item *Item, quantity, room float64) float64 {
	pack := packOf(item)
	quantity = math.Min(quantity, math.Floor(room/pack)*pack)
	if quantity < math.Max(item.MinOrder, pack) {
		return 0
	}
	return quantity
}

// openOrders is what was ordered and is not here at the start of period t.
func openOrders(item *Item, data Data, orders []float64, t, window int) float64 {
	open := 0.0
	for _, d := range append(deliveriesOf(item, data.PeriodDays, orders[:t]), underway(item, data.Start, data.PeriodDays, window)...) {
		if d.period >= t {
			open += d.quantity
		}
	}
	return open
}

// economicLot is the order quantity that balances order and holding cost.
func economicLot(item *Item, mean, hold float64) float64 {
	pack := packOf(item)
	lot := math.Max(item.MinOrder, pack)
	if hold > 0 {
		lot = math.Max(lot, math.Sqrt(2*item.OrderCost*mean/hold))
	}
	return math.Ceil(lot/pack-1e-9) * pack
}

// costsOf is what a way to order costs over the horizon; orders after it are not
// looked at.
func costsOf(data Data, goal Goal, forecasts []forecast.Forecast, orders [][]float64) Costs {
	c := Costs{}
	spent := make([]float64, goal.Horizon)
	room := make([]float64, goal.Horizon)
	wanted := 0.0
	for i := range data.Items {
		item := &data.Items[i]
		demand := forecasts[i].Mean[:goal.Horizon]
		came := underway(item, data.Start, data.PeriodDays, math.MaxInt32)
		past := replay(item.OnHand, demand, append(deliveriesOf(item, data.PeriodDays, orders[i][:goal.Horizon]), came...))
		bought := sum(orders[i][:goal.Horizon])
		for t, q := range orders[i][:goal.Horizon] {
			if q > 0 {
				c.Orders++
				c.Ordering += item.OrderCost
				spent[t] += q*item.UnitCost + item.OrderCost
			}
			room[t] += item.Volume * past.stock[t]
		}
		end := past.stock[goal.Horizon-1]
		lost := sum(past.lost)
		c.Purchase += bought * item.UnitCost
		c.Holding += sum(past.stock) * holdingCost(item, data, goal)
		c.Shortage += lost * goal.ShortageCost * item.UnitCost
		c.UnitsShort += lost
		c.EndStock += end * item.UnitCost
		// What was under way at the start and has come in is in arrived; what is
		// still to come counts at both ends.
		c.StockChange += (end + bought - sum(past.arrived) - item.OnHand) * item.UnitCost
		wanted += sum(demand)
	}
	c.Spend = c.Purchase + c.Ordering
	c.Managed = c.Ordering + c.Holding + c.Shortage
	c.Total = c.Purchase - c.StockChange + c.Managed
	c.FillRate = 1
	if wanted > 0 {
		c.FillRate = 1 - c.UnitsShort/wanted
	}
	beyond := 0.0
	for t := range spent {
		if goal.BudgetPerPeriod > 0 {
			beyond += math.Max(0, spent[t]-goal.BudgetPerPeriod)
		}
		if goal.StorageCapacity > 0 {
			c.OverCapacity = math.Max(c.OverCapacity, room[t]-goal.StorageCapacity)
		}
	}
	c.OverBudget = beyond
	if goal.BudgetTotal > 0 {
		c.OverBudget = math.Max(beyond, sum(spent)-goal.BudgetTotal)
	}
	return c
}
