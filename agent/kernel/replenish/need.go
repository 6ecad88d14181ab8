package replenish

import (
	"cmp"
	"math"
	"slices"

	"github.com/dyocense/dyocense/agent/kernel/forecast"
)

// need is what one item asks of the orders that can still be placed, for the
// model builder. Time is a real number here: 2.5 is the middle of period 2.
//
// A plan that ended with the horizon would run the shelves empty there. So orders
// are planned for a few periods more (the span), without budget or storage limits
// and not shown, and the last of them has to last until the next one could come
// in: an item is followed over a window of the span plus its lead time.
type need struct {
	item     *Item
	pack     float64 // units
	minPacks float64 // of one order
	lead     int
	window   int       // periods
	safety   []float64 // one a period of the window
	hold     float64   // currency a unit and period
	price    float64   // currency a unit not served
	goods    float64   // currency a pack
	without  []float64 // stock at the end of each period when nothing is ordered

	// The rest is by order period: index o is the order placed in period o, which
	// comes in during period lead+o.
	net    []float64 // stock at the end of period lead+o without orders; below zero when short
	floors []floor
	units  []float64 // that must have been ordered by then, safety stock included
	packs  []float64 // units in whole packs
	caps   []float64 // most packs that may have been ordered by then, for the most stock
}

// floor is a moment at which stock may not be below zero: what was ordered up to
// and including orders, with what was lost up to and including lost, must make up
// for quantity.
type floor struct {
	orders, lost int
	quantity     float64 // units
}

// tailPeriods is how many periods are planned beyond the horizon.
const tailPeriods = 4

// span is the number of periods in which orders are planned.
func (g Goal) span() int { return g.Horizon + min(tailPeriods, g.Horizon) }

func needOf(item *Item, f forecast.Forecast, data Data, goal Goal) need {
	lead, phase := leadOf(item, data.PeriodDays)
	n := need{
		item: item, lead: lead, window: goal.span() + lead,
		pack:     packOf(item),
		minPacks: math.Max(1, math.Ceil(item.MinOrder/packOf(item)-1e-9)),
		hold:     holdingCost(item, data, goal),
		price:    goal.ShortageCost * item.UnitCost,
		goods:    packOf(item) * item.UnitCost,
	}
	n.safety = safetyStocks(f, item, data.PeriodDays, n.window, goal.ServiceLevel)

	wanted := make([]float64, n.window+1) // demand before each period
	for t := range n.window {
		wanted[t+1] = wanted[t] + f.Mean[t]
	}
	demand := func(from, to float64) float64 {
		at := func(when float64) float64 {
			t := min(int(when), n.window)
			if t == n.window {
				return wanted[t]
			}
			return wanted[t] + (when-float64(t))*(wanted[t+1]-wanted[t])
		}
		return at(to) - at(from)
	}
	reach := float64(lead) + phase
	coming := comingIn(item, data, n.window)
	n.without = stockWithout(item.OnHand, coming, n.window, demand)
	stock, later := atReach(item.OnHand, coming, reach, demand)

	// Every moment just before something comes in, and every end of a period.
	type moment struct {
		when     float64
		period   int
		orders   int // the last order that is here by then
		quantity float64
		end      bool
	}
	var moments []moment
	for _, a := range later {
		moments = append(moments, moment{
			when: a.when, period: int(a.when), quantity: a.quantity,
			orders: int(math.Floor(a.when - reach + 1e-9)),
		})
	}
	for o := range goal.span() {
		if o > 0 && phase > 0 {
			moments = append(moments, moment{when: reach + float64(o), period: lead + o, orders: o - 1})
		}
		moments = append(moments, moment{when: float64(lead + o + 1), period: lead + o, orders: o, end: true})
	}
	slices.SortStableFunc(moments, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.period, b.period), cmp.Compare(a.when, b.when))
	})
	came := 0.0
	for _, m := range moments {
		net := stock + came - demand(reach, m.when)
		n.floors = append(n.floors, floor{orders: m.orders, lost: m.period - lead, quantity: -net})
		if m.end {
			n.net = append(n.net, net)
		}
		came += m.quantity
	}
	n.require(goal)
	return n
}

// arrival is stock on its way, on the scale of real time.
type arrival struct{ when, quantity float64 }

// comingIn is what is under way and arrives within the window, in order.
func comingIn(item *Item, data Data, window int) []arrival {
	var coming []arrival
	for _, a := range item.OnOrder {
		when := math.Max(0, float64(daysBetween(data.Start, a.Date))) / float64(data.PeriodDays)
		if when < float64(window) && a.Quantity > 0 {
			coming = append(coming, arrival{when, a.Quantity})
		}
	}
	slices.SortStableFunc(coming, func(a, b arrival) int { return cmp.Compare(a.when, b.when) })
	return coming
}

// atReach is the stock at the moment the first order could come in, and what is
// under way after it. Until then nothing can be changed.
func atReach(stock float64, coming []arrival, reach float64, demand func(from, to float64) float64) (float64, []arrival) {
	now := 0.0
	for len(coming) > 0 && coming[0].when <= reach {
		stock = math.Max(0, stock-demand(now, coming[0].when)) + coming[0].quantity
		now, coming = coming[0].when, coming[1:]
	}
	return math.Max(0, stock-demand(now, reach)), coming
}

// stockWithout is the stock at the end of each period when nothing is ordered.
func stockWithout(stock float64, coming []arrival, window int, demand func(from, to float64) float64) []float64 {
	out := make([]float64, window)
	for t := range out {
		now, end := float64(t), float64(t+1)
		for len(coming) > 0 && coming[0].when < end {
			stock = math.Max(0, stock-demand(now, coming[0].when)) + coming[0].quantity
			now, coming = coming[0].when, coming[1:]
		}
		stock = math.Max(0, stock-demand(now, end))
		out[t] = stock
	}
	return out
}

// require turns the floors into least quantities by order period: units from the
// floors and the safety stock, and packs rounded up, both never falling.
func (n *need) require(goal Goal) {
	n.units = make([]float64, goal.span())
	for _, f := range n.floors {
		if f.orders >= 0 {
			n.units[f.orders] = math.Max(n.units[f.orders], f.quantity)
		}
	}
	for o := range n.units {
		n.units[o] = math.Max(n.units[o], n.safety[n.lead+o]-n.net[o])
		if o > 0 && n.units[o] <= n.units[o-1] {
			n.units[o] = n.units[o-1]
		}
	}
	n.packs = make([]float64, goal.span())
	for o, units := range n.units {
		// A need of less than this is rounding, whatever the size of a pack.
		if packs := math.Ceil((units - 1e-7) / n.pack); packs > 0 {
			n.packs[o] = math.Max(packs, n.minPacks) // no order is smaller
		}
	}
	n.limitShelf()
}

// requiredAt is, by order period, the one whose safety stock requires the units of
// this one; -1 where demand alone does, or nothing is required.
func (n *need) requiredAt() []int {
	at := make([]int, len(n.units))
	for o, units := range n.units {
		switch {
		case units <= 0:
			at[o] = -1
		case o > 0 && units == n.units[o-1]:
			at[o] = at[o-1]
		case units == n.safety[n.lead+o]-n.net[o]:
			at[o] = o
		default:
			at[o] = -1
		}
	}
	return at
}

// limitShelf turns the most stock into most packs by order period.
func (n *need) limitShelf() {
	n.caps = make([]float64, len(n.net))
	for o := len(n.caps) - 1; o >= 0; o-- {
		n.caps[o] = math.Inf(1)
		if o+1 < len(n.caps) {
			n.caps[o] = n.caps[o+1] // what is ordered stays ordered
		}
		if n.item.MaxStock > 0 {
			n.caps[o] = math.Min(n.caps[o], math.Floor((n.top(o)-n.net[o])/n.pack+1e-9))
		}
	}
}

// top is the most stock at the end of period lead+o. What is there already and
// nobody ordered stays allowed.
func (n *need) top(o int) float64 { return math.Max(n.item.MaxStock, n.without[n.lead+o]) }

// most is the largest number of packs one order can be worth placing for: what is
// left to require, or the minimum order, and no more than may be in stock.
func (n *need) most(o int, required bool) float64 {
	left := n.packs[len(n.packs)-1]
	if o > 0 && required {
		left = math.Min(left, n.caps[o]) - n.packs[o-1]
	}
	return math.Max(n.minPacks, left)
}

// idle says that nothing has to be ordered at all.
func (n *need) idle() bool { return n.packs[len(n.packs)-1] == 0 }

func holdingCost(item *Item, data Data, goal Goal) float64 {
	if item.HoldingCost > 0 {
		return item.HoldingCost
	}
	return goal.HoldingRate * item.UnitCost * float64(data.PeriodDays) / daysInYear
}
