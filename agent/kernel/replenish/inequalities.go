package replenish

import (
	"fmt"
	"math"

	"github.com/dyocense/dyocense/agent/kernel/model"
)

// addInequalities says, for a stretch of order periods first..last: what was
// ordered before it, plus what each order in it could still have to bring, is what
// must be there at its end. Without orders in the stretch this is the stock that
// must reach; a fraction of a setup no longer pays for a whole order. Where the
// shelf is limited, an order brings no more than fits.
func (f *formulation) addInequalities(b *model.Builder, i, reach int, relax string) {
	n, c := &f.needs[i], &f.items[i]
	capped := n.item.MaxStock > 0 && relax != ruleMaxStock
	if capped {
		f.addCounts(b, i)
	}
	before := func(o int) float64 {
		if o == 0 {
			return 0
		}
		return n.packs[o-1]
	}
	for last := range n.packs {
		if n.packs[last] <= before(last) {
			continue // the stretch that ends earlier says more
		}
		for first := max(0, last-reach+1); first <= last; first++ {
			carried := n.hold * n.pack * (n.packs[last] - before(last)) * float64(last-first)
			if carried > 2*n.item.OrderCost && first > 0 && last > first && n.minPacks <= 1 {
				continue // never worth carrying that far
			}
			var terms []model.Term
			if first > 0 {
				terms = append(terms, model.Term{Col: c.packs[first-1], Coef: 1})
			}
			for o := first; o <= last; o++ {
				brings := n.packs[last] - before(o)
				if capped {
					brings = math.Max(0, math.Min(n.packs[last], n.caps[o])-before(o))
				}
				terms = append(terms, model.Term{Col: c.setup[o], Coef: brings})
			}
			b.Row(ruleLot, fmt.Sprintf("reach_%d_%d_%d", i, first, last), n.packs[last], model.Inf, terms...)
		}
	}
}

// addCounts says, for an item that may not fill its shelf for long, how many
// orders a stretch of periods needs at least: even with a full shelf before it and
// every order placed at the last moment and filling it up.
func (f *formulation) addCounts(b *model.Builder, i int) {
	n, c := &f.needs[i], &f.items[i]
	for first := range n.packs {
		have := 0.0
		if first > 0 {
			have = n.caps[first-1]
		}
		var terms []model.Term
		orders := 0.0
		for o := first; o < len(n.packs); o++ {
			terms = append(terms, model.Term{Col: c.setup[o], Coef: 1})
			if n.packs[o] <= have {
				continue
			}
			if n.caps[o] <= have {
				return // the shelf is too small; the rows of the most stock say so
			}
			have = n.caps[o]
			orders++
			b.Row(ruleLot, fmt.Sprintf("count_%d_%d_%d", i, first, o), orders, model.Inf, terms...)
		}
	}
}

// softReach is how many periods an inequality may span where service may be given
// up. They make such a relaxation much slower, so only small models have them: a
// weak bound is more than none.
func softReach(items int) int {
	if items <= 60 {
		return 4
	}
	return 0
}

// addSoftInequalities are addInequalities where service may be given up: what
// the stretch lacks is lost, or under the safety stock at one of its ends. When
// the first order of the stretch is placed in period o, what was required before
// it was there or is lacking; without one, what its end requires.
func (f *formulation) addSoftInequalities(b *model.Builder, i, reach int) {
	n, c := &f.needs[i], &f.items[i]
	units, at := n.units, n.requiredAt()
	before := func(o int) float64 {
		if o == 0 {
			return 0
		}
		return math.Max(0, units[o-1])
	}
	for last := range units {
		if units[last] <= before(last) {
			continue // the stretch that ends earlier says more
		}
		for first := max(0, last-reach+1); first <= last; first++ {
			// What runs out in the middle of a period counts as lost in it.
			terms := []model.Term{{Col: c.lost[min(last+1, len(units)-1)], Coef: 1 / n.pack}}
			if first > 0 {
				terms = append(terms, model.Term{Col: c.packs[first-1], Coef: 1})
			}
			lacking := map[int]bool{}
			for o := first; o <= last+1; o++ {
				if o <= last {
					terms = append(terms, model.Term{Col: c.setup[o], Coef: (units[last] - before(o)) / n.pack})
				}
				if o > 0 && at[o-1] >= 0 && !lacking[at[o-1]] {
					lacking[at[o-1]] = true
					terms = append(terms, model.Term{Col: c.below[at[o-1]], Coef: 1 / n.pack})
				}
			}
			b.Row(ruleLot, fmt.Sprintf("reach_%d_%d_%d", i, first, last), units[last]/n.pack, model.Inf, terms...)
		}
	}
}
