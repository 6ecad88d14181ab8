package replenish

import (
	"math"
	"slices"
)

// The best orders of one article, all others fixed, are found exactly by going
// through its periods (dynamic programming): what it has ordered in all by a
// period is all that later periods need to know. What the article takes of the
// limits has a price there, which is how the articles agree on who gets it.

// Levels and labels that one article is planned with.
const (
	mostLevels = 120  // of packs ordered by a period, beside the required ones
	mostLabels = 3    // ways to reach a level that differ in what was lost before
	mostExact  = 2000 // packs up to which all levels can be tried
)

// tariff is what an article pays for the limits in each period.
type tariff struct {
	money, room []float64 // currency a unit of budget and of storage
	left        []float64 // budget that the others leave
	space       []float64 // storage that the others leave
	total       float64   // of the total budget
	beyond      float64   // more for a unit of budget that is not there
	crowd       float64   // and of storage
}

// spend is the price of an order in period o.
func (t *tariff) spend(o int, amount float64) float64 {
	if o >= len(t.money) {
		return 0
	}
	return (t.money[o]+t.total)*amount + t.beyond*math.Max(0, amount-t.left[o])
}

// keep is the price of storage at the end of period p.
func (t *tariff) keep(p int, volume float64) float64 {
	if p >= len(t.room) || volume == 0 {
		return 0
	}
	return t.room[p]*volume + t.crowd*math.Max(0, volume-t.space[p])
}

// label is one way to have ordered a number of packs by a period.
type label struct {
	cost float64
	lost float64
	from int16 // level and label in the period before
	by   int8
}

// lots plans one article. Its memory is used again for the next.
type lots struct {
	soft   bool
	every  bool    // try every level, where there are not too many
	cost   float64 // of the plan made last, prices included
	exact  bool    // no plan of that article costs less
	levels []float64
	table  [][]label // by period, level times mostLabels
	used   [][]int8  // labels of a level
	floors [][]floor // by the period of their orders
}

// plan is the packs ordered by each period that cost least; current is a plan
// whose levels are among those tried. It is nil when the article cannot be
// planned, as when its shelf is smaller than its need.
func (l *lots) plan(n *need, current []float64, t *tariff) []float64 {
	span := len(n.packs)
	l.choose(n, current)
	count := len(l.levels)
	l.prepare(n, span, count)
	for o := range span {
		table, used := l.table[o], l.used[o]
		for k, packs := range l.levels {
			if packs > n.caps[o] || !l.soft && packs < n.packs[o] {
				continue
			}
			for j := 0; j <= k; j++ {
				before := l.levels[j]
				if o == 0 && before > 0 {
					break
				}
				placed, price := packs-before, 0.0
				if placed > 0 {
					if placed < n.minPacks {
						continue
					}
					price = n.item.OrderCost + t.spend(o, placed*n.goods+n.item.OrderCost)
				}
				if o == 0 {
					l.extend(n, t, o, k, label{cost: price, from: -1}, table, used)
					continue
				}
				for b := range l.used[o-1][j] {
					past := l.table[o-1][j*mostLabels+int(b)]
					l.extend(n, t, o, k, label{cost: past.cost + price, lost: past.lost, from: int16(j), by: b}, table, used)
				}
			}
		}
	}
	return l.trace(span)
}

// extend adds a way to reach level k in period o, when it is worth keeping.
func (l *lots) extend(n *need, t *tariff, o, k int, way label, table []label, used []int8) {
	units := n.pack * l.levels[k]
	if l.soft {
		for _, fl := range l.floors[o] {
			if short := fl.quantity - units - way.lost; short > 0 {
				way.cost += n.price * short
				way.lost += short
			}
		}
	}
	stock := n.net[o] + units + way.lost
	way.cost += n.hold*stock + t.keep(n.lead+o, n.item.Volume*stock)
	if short := n.safety[n.lead+o] - stock; l.soft && short > 0 {
		way.cost += short * n.price / safetyDiscount(n.window)
	}
	at, have := k*mostLabels, int(used[k])
	if !l.soft && have == 1 {
		if way.cost < table[at].cost {
			table[at] = way
		}
		return
	}
	worst := -1
	for b := range have {
		kept := &table[at+b]
		if kept.cost <= way.cost && kept.lost >= way.lost-1e-9 {
			return
		}
		if way.cost <= kept.cost && way.lost >= kept.lost-1e-9 {
			*kept = way
			return
		}
		if worst < 0 || kept.cost > table[at+worst].cost {
			worst = b
		}
	}
	switch {
	case have < mostLabels:
		table[at+have] = way
		used[k]++
	case way.cost < table[at+worst].cost:
		table[at+worst] = way
	}
}

// choose is the levels to try: those of the need and of the plan as it is, and
// even steps between.
func (l *lots) choose(n *need, current []float64) {
	last := len(n.packs) - 1
	limit := n.packs[last] + n.minPacks - 1
	l.levels = append(l.levels[:0], 0)
	step := math.Max(1, math.Ceil(limit/mostLevels))
	if l.every && limit <= mostExact {
		step = 1
	}
	l.exact = step == 1 && !l.soft // labels that were dropped could have been better
	for packs := step; packs <= limit; packs += step {
		l.levels = append(l.levels, packs)
	}
	if step > 1 {
		for o, packs := range n.packs {
			l.levels = append(l.levels, packs, math.Min(limit, packs+n.minPacks), math.Min(limit, n.minPacks))
			if n.caps[o] >= 0 && n.caps[o] <= limit {
				l.levels = append(l.levels, n.caps[o])
			}
		}
		l.levels = append(l.levels, current...)
	}
	slices.Sort(l.levels)
	l.levels = slices.Compact(l.levels)
}

func (l *lots) prepare(n *need, span, count int) {
	for len(l.table) < span {
		l.table, l.used, l.floors = append(l.table, nil), append(l.used, nil), append(l.floors, nil)
	}
	for o := range span {
		l.table[o] = slices.Grow(l.table[o][:0], count*mostLabels)[:count*mostLabels]
		l.used[o] = slices.Grow(l.used[o][:0], count)[:count]
		clear(l.used[o])
		l.floors[o] = l.floors[o][:0]
	}
	for _, fl := range n.floors {
		if fl.orders >= 0 {
			l.floors[fl.orders] = append(l.floors[fl.orders], fl)
		}
	}
}

// trace follows the cheapest way back.
func (l *lots) trace(span int) []float64 {
	level, by, best := -1, int8(0), math.Inf(1)
	for k := range l.levels {
		for b := range l.used[span-1][k] {
			if way := l.table[span-1][k*mostLabels+int(b)]; way.cost < best {
				level, by, best = k, b, way.cost
			}
		}
	}
	l.cost = best
	if level < 0 {
		return nil
	}
	out := make([]float64, span)
	for o := span - 1; o >= 0; o-- {
		out[o] = l.levels[level]
		way := l.table[o][level*mostLabels+int(by)]
		level, by = int(way.from), way.by
	}
	return out
}
