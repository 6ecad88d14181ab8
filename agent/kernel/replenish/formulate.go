package replenish

import (
	"fmt"
	"math"

	"github.com/dyocense/dyocense/agent/kernel/model"
)

// The mixed-integer model. Its variables, for an item and order period:
//
//	packs   packs ordered from the first period up to and including this one
//	setup   1 when an order is placed in this period
//	lost    demand not served since an order could first have come in
//	below   units under the safety stock at the end of the period
//
// the last two only when service is relaxed.
//
// Cumulative packs make the stock at the end of a period one term instead of a
// chain of balances, and safety stock a bound that is rounded up to whole packs.
// Its constraints: what must be there by when (floors, safety stock); an order
// only with its setup, of at least the minimum; budget; storage; most stock. Its
// cost is what orders can still change: order cost and holding over the window.
// The goods themselves are not in it: what is served must be bought whichever
// way, so they would only blur the gap.
//
// Big-M is avoided: a setup is bound to what is left to require, and the
// (l,S)-inequalities of lot sizing in their Wagner-Whitin form say that between
// two order periods without an order the stock must reach.

// Rules of rows, and of conflicts.
const (
	ruleBudget      = "budget"
	ruleBudgetTotal = "budget_total"
	ruleService     = "service"
	ruleStorage     = "storage"
	ruleMaxStock    = "max_stock"
	ruleLot         = "lot" // minimum order, packs, setups
	ruleSupply      = "supply"
)

// softService relaxes the service rule as ruleService does, but everything costs
// what it costs: its best plan gives up what is worth least.
const softService = "soft_service"

// inequalityEntries bounds the matrix entries spent on (l,S)-inequalities.
const inequalityEntries = 50_000

// formulation is a model with the way back to orders.
type formulation struct {
	model *model.Model
	needs []need
	items []columns
	extra int32   // the column of a relaxed rule, or -1
	over  []int32 // an item's units beyond its most stock, when that rule is relaxed; or nil
	goal  Goal
	data  Data

	classic [][]float64 // units ordered by reorder points over the span; nil when not asked for
}

// columns of one item, by order period; all nil for an item that needs nothing.
type columns struct {
	packs, setup, lost, below []int32
}

// formulate builds the model of a goal. With relax naming a rule, that rule may
// be broken by the value of one extra column, and its value is all that costs.
func formulate(data Data, goal Goal, needs []need, relax string) formulation {
	f := formulation{needs: needs, items: make([]columns, len(needs)), extra: -1, goal: goal, data: data}
	b := &model.Builder{}
	cost := 1.0
	switch relax {
	case "", softService:
	case ruleMaxStock:
		cost = 0
		for i := range needs {
			f.over = append(f.over, b.Col(fmt.Sprintf("beyond_%s_%d", relax, i), 0, model.Inf, needs[i].item.UnitCost, false))
		}
	case ruleService:
		cost = 0
	default:
		cost = 0
		f.extra = b.Col("beyond_"+relax, 0, model.Inf, 1, false)
	}
	busy := 0
	for i := range needs {
		if !needs[i].idle() {
			busy++
		}
	}
	reach := inequalityReach(goal.span(), busy)
	for i := range needs {
		if needs[i].idle() {
			for _, stock := range needs[i].net {
				b.AddConstant(cost * needs[i].hold * stock)
			}
			continue
		}
		f.addItem(b, i, cost, relax)
		if c := &f.items[i]; c.lost == nil {
			f.addInequalities(b, i, reach, relax)
		} else {
			f.addSoftInequalities(b, i, softReach(busy))
		}
	}
	f.addLimits(b, relax)
	f.model = b.Build("replenishment")
	return f
}

// inequalityReach is how many periods an inequality may span so that all of them
// stay within their share of the matrix.
func inequalityReach(horizon, items int) int {
	reach := math.Sqrt(2 * inequalityEntries / float64(max(1, horizon*items)))
	return min(horizon, max(2, int(reach)))
}

func (f *formulation) addItem(b *model.Builder, i int, cost float64, relax string) {
	n, c, span := &f.needs[i], &f.items[i], f.goal.span()
	required := relax != ruleService && relax != softService
	tag := func(what string, o int) string { return fmt.Sprintf("%s_%d_%d", what, i, o) }
	limit := n.packs[span-1] + n.minPacks - 1
	for o := range span {
		least := 0.0
		if required {
			least = n.packs[o]
		}
		// The stock at the end of period lead+o is net + pack·packs + lost.
		b.AddConstant(cost * n.hold * n.net[o])
		c.packs = append(c.packs, b.Col(tag("packs", o), least, limit, cost*n.hold*n.pack, true))
		c.setup = append(c.setup, b.Col(tag("setup", o), 0, 1, cost*n.item.OrderCost, true))
		if !required {
			price := n.price
			if o < span-1 {
				price = 0 // lost is cumulative: only its last value is charged
			}
			price += cost * n.hold // what is lost is not taken from the stock either
			c.lost = append(c.lost, b.Col(tag("lost", o), 0, model.Inf, price, false))
			c.below = append(c.below, b.Col(tag("below", o), 0, model.Inf, n.price/safetyDiscount(n.window), false))
		}
	}
	for o := range span {
		placed := f.placed(i, o, 1)
		most := n.most(o, required && relax != ruleMaxStock)
		if o < f.goal.Horizon {
			most = math.Min(most, f.affordable(n, relax))
		}
		if most < n.minPacks { // no order can be both large enough and paid for
			b.Row(ruleBudget, tag("dear", o), 0, 0, model.Term{Col: c.setup[o], Coef: 1})
		}
		b.Row(ruleLot, tag("open", o), -model.Inf, 0, append(placed, model.Term{Col: c.setup[o], Coef: -math.Max(most, n.minPacks)})...)
		b.Row(ruleLot, tag("least", o), 0, model.Inf, append(f.placed(i, o, 1), model.Term{Col: c.setup[o], Coef: -n.minPacks})...)
		if n.item.MaxStock > 0 {
			terms := []model.Term{{Col: c.packs[o], Coef: n.pack}}
			if !required {
				terms = append(terms, model.Term{Col: c.lost[o], Coef: 1})
			}
			if relax == ruleMaxStock {
				terms = append(terms, model.Term{Col: f.over[i], Coef: -1})
			}
			b.Row(ruleMaxStock, tag("most", o), -model.Inf, n.top(o)-n.net[o], terms...)
		}
		if required {
			continue
		}
		b.Row(ruleService, tag("safety", o), n.safety[n.lead+o]-n.net[o], model.Inf,
			model.Term{Col: c.packs[o], Coef: n.pack}, model.Term{Col: c.lost[o], Coef: 1}, model.Term{Col: c.below[o], Coef: 1})
		if o > 0 {
			b.Row(ruleSupply, tag("lost_grows", o), 0, model.Inf, model.Term{Col: c.lost[o], Coef: 1}, model.Term{Col: c.lost[o-1], Coef: -1})
		}
	}
	if required {
		return
	}
	for k, fl := range n.floors {
		terms := []model.Term{{Col: c.lost[fl.lost], Coef: 1}}
		if fl.orders >= 0 {
			terms = append(terms, model.Term{Col: c.packs[fl.orders], Coef: n.pack})
		}
		b.Row(ruleSupply, tag("stock", k), fl.quantity, model.Inf, terms...)
	}
}

// placed is what is ordered in one period: the rise of the cumulative packs.
func (f *formulation) placed(i, o int, coef float64) []model.Term {
	terms := []model.Term{{Col: f.items[i].packs[o], Coef: coef}}
	if o > 0 {
		terms = append(terms, model.Term{Col: f.items[i].packs[o-1], Coef: -coef})
	}
	return terms
}

// affordable is the number of packs that one order can have under the budgets.
func (f *formulation) affordable(n *need, relax string) float64 {
	most := math.Inf(1)
	if f.goal.BudgetPerPeriod > 0 && relax != ruleBudget {
		most = f.goal.BudgetPerPeriod
	}
	if f.goal.BudgetTotal > 0 && relax != ruleBudgetTotal {
		most = math.Min(most, f.goal.BudgetTotal)
	}
	return math.Max(0, math.Floor((most*(1+headroom)-n.item.OrderCost)/n.goods))
}

// safetyDiscount divides the price of a lost unit into that of a unit under the
// safety stock for one period: over the whole window it never outweighs serving
// a customer.
func safetyDiscount(window int) float64 { return 2 * float64(window) }

// addLimits adds what couples the items, over the horizon only: budgets and
// storage.
func (f *formulation) addLimits(b *model.Builder, relax string) {
	relaxed := func(rule string, terms []model.Term) []model.Term {
		if relax == rule {
			return append(terms, model.Term{Col: f.extra, Coef: -1})
		}
		return terms
	}
	most := func(rule string, limit, scale float64, terms []model.Term) float64 {
		if relax == rule || f.soft() { // then not only whole numbers take of it
			return limit + headroom*math.Max(1, math.Abs(scale))
		}
		coefficients := make([]float64, len(terms))
		for k, t := range terms {
			coefficients[k] = t.Coef
		}
		return limitFor(limit, scale, coefficients)
	}
	var total []model.Term
	for o := range f.goal.Horizon {
		var spent []model.Term
		for i := range f.needs {
			if f.items[i].packs != nil {
				spent = append(spent, f.placed(i, o, f.needs[i].goods)...)
				spent = append(spent, model.Term{Col: f.items[i].setup[o], Coef: f.needs[i].item.OrderCost})
			}
		}
		if f.goal.BudgetPerPeriod > 0 {
			b.Row(ruleBudget, fmt.Sprintf("budget_%d", o), -model.Inf, most(ruleBudget, f.goal.BudgetPerPeriod, f.goal.BudgetPerPeriod, spent), relaxed(ruleBudget, spent)...)
		}
	}
	if f.goal.BudgetTotal > 0 {
		for i := range f.needs {
			if f.items[i].packs == nil {
				continue
			}
			total = append(total, model.Term{Col: f.items[i].packs[f.goal.Horizon-1], Coef: f.needs[i].goods})
			for o := range f.goal.Horizon {
				total = append(total, model.Term{Col: f.items[i].setup[o], Coef: f.needs[i].item.OrderCost})
			}
		}
		b.Row(ruleBudgetTotal, "budget_total", -model.Inf, most(ruleBudgetTotal, f.goal.BudgetTotal, f.goal.BudgetTotal, total), relaxed(ruleBudgetTotal, total)...)
	}
	if f.goal.StorageCapacity > 0 {
		f.addStorage(b, most, relaxed)
	}
}

// addStorage limits the room taken at the end of each period of the horizon.
// Periods before an item's first order can come in count with what is there.
func (f *formulation) addStorage(b *model.Builder, most func(string, float64, float64, []model.Term) float64, relaxed func(string, []model.Term) []model.Term) {
	room := roomTaken(f.needs, f.goal.Horizon)
	for t := range f.goal.Horizon {
		free := math.Max(f.goal.StorageCapacity, room[t])
		var terms []model.Term
		for i := range f.needs {
			n, c := &f.needs[i], &f.items[i]
			o := t - n.lead
			if n.item.Volume == 0 {
				continue
			}
			if o < 0 || c.packs == nil {
				free -= n.item.Volume * n.without[t]
				continue
			}
			free -= n.item.Volume * n.net[o]
			terms = append(terms, model.Term{Col: c.packs[o], Coef: n.item.Volume * n.pack})
			if c.lost != nil {
				terms = append(terms, model.Term{Col: c.lost[o], Coef: n.item.Volume})
			}
		}
		if len(terms) > 0 {
			b.Row(ruleStorage, fmt.Sprintf("storage_%d", t), -model.Inf, most(ruleStorage, free, f.goal.StorageCapacity, terms), relaxed(ruleStorage, terms)...)
		}
	}
}

// roomTaken is the storage used at the end of each period when nothing is
// ordered. Where that alone is more than the capacity, no plan can help, and the
// limit of that period is what is there; the explanation says so.
func roomTaken(needs []need, horizon int) []float64 {
	room := make([]float64, horizon)
	for i := range needs {
		for t := range room {
			room[t] += needs[i].item.Volume * needs[i].without[t]
		}
	}
	return room
}

// orders reads the units ordered, an item and a period, out of a solution.
func (f *formulation) orders(x []float64) [][]float64 {
	out := make([][]float64, len(f.needs))
	for i := range f.needs {
		out[i] = make([]float64, f.goal.span())
		before := 0.0
		for o, col := range f.items[i].packs {
			packs := math.Round(x[col])
			out[i][o] = (packs - before) * f.needs[i].pack
			before = packs
		}
	}
	return out
}

// solution is the solution that belongs to orders: setups where something is
// ordered, and no sale lost that could be served.
func (f *formulation) solution(orders [][]float64) []float64 {
	x := make([]float64, f.model.Cols())
	for i := range f.needs {
		n, c := &f.needs[i], &f.items[i]
		if c.packs == nil {
			continue
		}
		packs := 0.0
		for o, q := range orders[i] {
			packs += math.Round(q / n.pack)
			x[c.packs[o]] = packs
			if q > 0 {
				x[c.setup[o]] = 1
			}
		}
		if c.lost == nil {
			continue
		}
		for _, fl := range n.floors {
			have := 0.0
			if fl.orders >= 0 {
				have = n.pack * x[c.packs[fl.orders]]
			}
			x[c.lost[fl.lost]] = math.Max(x[c.lost[fl.lost]], fl.quantity-have)
		}
		for o, col := range c.lost {
			if o > 0 {
				x[col] = math.Max(x[col], x[c.lost[o-1]])
			}
			stock := n.net[o] + n.pack*x[c.packs[o]] + x[col]
			x[c.below[o]] = math.Max(0, n.safety[n.lead+o]-stock)
		}
	}
	return x
}
