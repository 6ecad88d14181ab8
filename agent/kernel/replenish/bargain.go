package replenish

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// A bargain plans the articles one after the other, each at its best for the
// prices of the limits and what the others leave of them. After each round the
// prices of limits that are broken rise, the others fall. Now and then everything
// fits: those are plans. It proves nothing, but finds good plans of hundreds of
// articles in seconds, where a search over all of them together finds none.
const (
	mostRounds   = 150
	barrenRounds = 40 // without a better plan end it
)

// bargain is one such search.
type bargain struct {
	f     *formulation
	soft  bool
	lots  lots
	busy  []int       // articles that are planned
	packs [][]float64 // ordered by each period, an article
	spent []float64   // by period of the horizon
	stock []float64   // storage taken, by period of the horizon
	money []float64   // prices
	room  []float64
	total float64
	force float64 // price of what is beyond a limit, over the other price
	best  *solve.Outcome
}

// newBargain is nil when some article cannot be planned at all.
func newBargain(f *formulation, soft bool) *bargain {
	horizon := f.goal.Horizon
	g := &bargain{
		f: f, soft: soft, lots: lots{soft: soft}, packs: make([][]float64, len(f.needs)),
		spent: make([]float64, horizon), stock: make([]float64, horizon), money: make([]float64, horizon), room: make([]float64, horizon),
	}
	for i := range f.needs {
		if f.items[i].packs != nil {
			g.busy = append(g.busy, i)
			g.packs[i] = make([]float64, f.goal.span())
		}
		g.use(i, 1)
	}
	return g
}

// coupled says that the articles share any limit.
func (g Goal) coupled() bool {
	return g.BudgetPerPeriod > 0 || g.BudgetTotal > 0 || g.StorageCapacity > 0
}

// search bargains until the plan is good, nothing gets better, or the time is over.
func (g *bargain) search(ctx context.Context, until time.Time, good func(objective float64) bool) *solve.Outcome {
	barren := 0
	if g.soft { // ordering nothing is a plan already
		g.settled(ctx, until)
	}
	for round := range mostRounds {
		for _, i := range g.busy {
			if stopped(ctx) || time.Now().After(until) {
				return g.best
			}
			if !g.replan(i, g.force) {
				return g.best
			}
		}
		barren++
		if g.settled(ctx, until) {
			barren = 0
		}
		if g.best != nil && (good(g.best.Objective) || !g.f.goal.coupled()) || barren >= barrenRounds {
			return g.best
		}
		g.reprice(round)
	}
	return g.best
}

// proof is a bound for every plan that keeps all service: what the articles cost
// at least when the budgets have a price and no limit, less that price of what
// the budgets allow. Negative infinity when an article has too many packs to try
// them all.
func (g *bargain) proof(ctx context.Context, until time.Time) float64 {
	goal := &g.f.goal
	bound := 0.0
	g.lots.every = true
	defer func() { g.lots.every = false }()
	t := tariff{money: g.money, room: make([]float64, goal.Horizon), total: g.total}
	t.left, t.space = make([]float64, goal.Horizon), make([]float64, goal.Horizon)
	for i := range g.f.needs {
		n := &g.f.needs[i]
		if g.f.items[i].packs == nil {
			bound += n.hold * sum(n.net)
			continue
		}
		packs := g.lots.plan(n, g.packs[i], &t)
		if g.soft || packs == nil || !g.lots.exact || stopped(ctx) || time.Now().After(until) {
			return math.Inf(-1)
		}
		bound += g.lots.cost
		if !goal.coupled() { // what is best for each is best for all
			g.use(i, -1)
			g.packs[i] = packs
			g.use(i, 1)
		}
	}
	for _, price := range g.money {
		bound -= price * goal.BudgetPerPeriod * (1 + headroom)
	}
	return bound - g.total*goal.BudgetTotal*(1+headroom) - 1e-9*math.Abs(bound)
}

// replan gives one article its best orders.
func (g *bargain) replan(i int, force float64) bool {
	g.use(i, -1)
	t := tariff{money: g.money, room: g.room, total: g.total, beyond: force, crowd: force * g.roomWorth()}
	t.left, t.space = g.leftOver()
	packs := g.lots.plan(&g.f.needs[i], g.packs[i], &t)
	if packs != nil {
		g.packs[i] = packs
	}
	g.use(i, 1)
	return packs != nil
}

// use adds what an article takes of the limits, or takes it off.
func (g *bargain) use(i int, sign float64) {
	n, goal := &g.f.needs[i], &g.f.goal
	packs, lost, before := g.packs[i], g.lostOf(i), 0.0
	for t := range goal.Horizon {
		o := t - n.lead
		if o < 0 || packs == nil {
			g.stock[t] += sign * n.item.Volume * n.without[t]
		} else {
			g.stock[t] += sign * n.item.Volume * (n.net[o] + n.pack*packs[o] + lost[o])
		}
		if packs != nil && packs[t] > before {
			g.spent[t] += sign * ((packs[t]-before)*n.goods + n.item.OrderCost)
			before = packs[t]
		}
	}
}

// lostOf is what an article has lost by each period.
func (g *bargain) lostOf(i int) []float64 {
	n, packs := &g.f.needs[i], g.packs[i]
	lost := make([]float64, len(n.net))
	if packs == nil || !g.soft {
		return lost
	}
	for _, fl := range n.floors {
		if fl.orders >= 0 {
			lost[fl.lost] = math.Max(lost[fl.lost], fl.quantity-n.pack*packs[fl.orders])
		}
	}
	for o := 1; o < len(lost); o++ {
		lost[o] = math.Max(lost[o], lost[o-1])
	}
	return lost
}

// leftOver is what the articles that are counted leave of the limits.
func (g *bargain) leftOver() (money, room []float64) {
	goal := &g.f.goal
	taken := roomTaken(g.f.needs, goal.Horizon)
	all := math.Inf(1)
	if goal.BudgetTotal > 0 {
		all = goal.BudgetTotal - sum(g.spent)
	}
	for t := range goal.Horizon {
		left, space := all, math.Inf(1)
		if goal.BudgetPerPeriod > 0 {
			left = math.Min(left, goal.BudgetPerPeriod-g.spent[t])
		}
		if goal.StorageCapacity > 0 {
			space = math.Max(goal.StorageCapacity, taken[t]) - g.stock[t]
		}
		money, room = append(money, math.Max(0, left)), append(room, math.Max(0, space))
	}
	return money, room
}

// roomWorth is the money that a unit of storage stands for.
func (g *bargain) roomWorth() float64 {
	if g.f.goal.StorageCapacity == 0 {
		return 0
	}
	value := 0.0
	for _, i := range g.busy {
		value += g.f.needs[i].item.UnitCost * (g.packs[i][len(g.packs[i])-1] + 1) * g.f.needs[i].pack
	}
	return value / float64(g.f.goal.Horizon) / g.f.goal.StorageCapacity
}

// settled makes a plan of what there is, pressing it into the limits where it is
// beyond them, and keeps it when it is the best.
func (g *bargain) settled(ctx context.Context, until time.Time) bool {
	if !g.within() {
		packs, spent, stock := slices.Clone(g.packs), slices.Clone(g.spent), slices.Clone(g.stock)
		defer func() { g.packs, g.spent, g.stock = packs, spent, stock }()
		for range 2 {
			for _, i := range g.busy {
				if g.within() {
					break
				}
				if stopped(ctx) || time.Now().After(until) || !g.replan(i, 1e4) {
					return false
				}
			}
		}
		if !g.within() {
			return false
		}
	}
	x := g.f.solution(g.orders())
	out := solve.Outcome{Status: solve.Feasible, X: x, Objective: g.f.cost(x)}
	if g.best != nil && out.Objective >= g.best.Objective*(1-1e-9) || !check.Solution(g.f.model, x, out.Objective).Passed {
		return false
	}
	g.best = &out
	return true
}

func (g *bargain) within() bool {
	goal := &g.f.goal
	taken := roomTaken(g.f.needs, goal.Horizon)
	for t := range goal.Horizon {
		if goal.BudgetPerPeriod > 0 && g.spent[t] > goal.BudgetPerPeriod*(1+1e-9) ||
			goal.StorageCapacity > 0 && g.stock[t] > math.Max(goal.StorageCapacity, taken[t])*(1+1e-9) {
			return false
		}
	}
	return goal.BudgetTotal == 0 || sum(g.spent) <= goal.BudgetTotal*(1+1e-9)
}

func (g *bargain) orders() [][]float64 {
	out := make([][]float64, len(g.f.needs))
	for i := range out {
		out[i] = make([]float64, g.f.goal.span())
		before := 0.0
		for o, packs := range g.packs[i] {
			out[i][o] = (packs - before) * g.f.needs[i].pack
			before = packs
		}
	}
	return out
}

// reprice moves the prices by how far each limit is from what it is asked for, in
// steps that become smaller.
func (g *bargain) reprice(round int) {
	goal := &g.f.goal
	step := 0.1
	if g.soft {
		step = goal.ShortageCost / 2
	}
	step /= 1 + float64(round)/6
	g.force = step / 2
	taken := roomTaken(g.f.needs, goal.Horizon)
	for t := range goal.Horizon {
		if goal.BudgetPerPeriod > 0 {
			g.money[t] = math.Max(0, g.money[t]+step*over(g.spent[t], goal.BudgetPerPeriod))
		}
		if goal.StorageCapacity > 0 {
			g.room[t] = math.Max(0, g.room[t]+step*g.roomWorth()*over(g.stock[t], math.Max(goal.StorageCapacity, taken[t])))
		}
	}
	if goal.BudgetTotal > 0 {
		g.total = math.Max(0, g.total+step*over(sum(g.spent), goal.BudgetTotal))
	}
}

// over is how far a use is beyond its limit, as a share, within reason.
func over(use, limit float64) float64 { return math.Max(-1, math.Min(1, (use-limit)/limit)) }
