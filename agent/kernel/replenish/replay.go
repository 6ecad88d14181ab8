package replenish

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Demand is taken as even over a period, so what comes in the middle of one
// cannot serve what was asked for before. Unmet demand is lost.

// delivery is stock that comes in.
type delivery struct {
	period   int
	phase    float64 // share of the period that has passed, 0 to below 1
	quantity float64
}

// course is what happens to one item.
type course struct {
	stock   []float64 // at the end of each period
	lost    []float64 // demand not met in each period
	arrived []float64
}

// replay lets demand and deliveries happen to a stock.
func replay(onHand float64, demand []float64, deliveries []delivery) course {
	c := course{
		stock:   make([]float64, len(demand)),
		lost:    make([]float64, len(demand)),
		arrived: make([]float64, len(demand)),
	}
	coming := slices.Clone(deliveries)
	slices.SortStableFunc(coming, func(a, b delivery) int {
		return cmp.Or(cmp.Compare(a.period, b.period), cmp.Compare(a.phase, b.phase))
	})
	stock, next := onHand, 0
	for t, wanted := range demand {
		passed := 0.0
		for next < len(coming) && coming[next].period <= t {
			d := coming[next]
			stock = c.serve(t, stock, wanted*(d.phase-passed)) + d.quantity
			c.arrived[t] += d.quantity
			passed = d.phase
			next++
		}
		stock = c.serve(t, stock, wanted*(1-passed))
		c.stock[t] = stock
	}
	return c
}

// serve takes what is wanted from the stock and counts what is missing.
func (c *course) serve(t int, stock, wanted float64) float64 {
	if wanted <= stock {
		return stock - wanted
	}
	if short := wanted - stock; short > 1e-9*(1+wanted) {
		c.lost[t] += short
	}
	return 0
}

// leadOf splits a lead time into whole periods and the share of the next.
func leadOf(item *Item, periodDays int) (periods int, phase float64) {
	return item.LeadTimeDays / periodDays, float64(item.LeadTimeDays%periodDays) / float64(periodDays)
}

// underway is what was ordered before and comes in within the window. What is
// overdue is counted as coming in at once; the explanation says so.
func underway(item *Item, start time.Time, periodDays, window int) []delivery {
	var out []delivery
	for _, a := range item.OnOrder {
		days := max(daysBetween(start, a.Date), 0)
		if d := (delivery{days / periodDays, float64(days%periodDays) / float64(periodDays), a.Quantity}); d.period < window && d.quantity > 0 {
			out = append(out, d)
		}
	}
	return out
}

// deliveriesOf is when the orders of a plan (units, one a period) come in.
func deliveriesOf(item *Item, periodDays int, orders []float64) []delivery {
	lead, phase := leadOf(item, periodDays)
	var out []delivery
	for o, q := range orders {
		if q > 0 {
			out = append(out, delivery{o + lead, phase, q})
		}
	}
	return out
}

// daysBetween counts calendar days whatever the time of day.
func daysBetween(from, to time.Time) int {
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(math.Round(day(to).Sub(day(from)).Hours() / 24))
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}
