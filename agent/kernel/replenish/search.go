package replenish

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// The model is tight: its linear relaxation is within a fraction of a percent of
// the best plan, and nearly all of its setups are whole. So the search first
// solves the relaxation, which is a bound for every plan and often the proof that
// there is none, then the few setups it leaves open. Only when that is not within
// the wanted gap the whole model is solved.

// wholeEnough is how near to 0 or 1 a relaxed setup must be to be kept.
const wholeEnough = 1e-6

// seeking is one search.
type seeking struct {
	f       *formulation
	solver  solve.Solver
	o       solve.Options
	gap     float64 // wanted
	begin   time.Time
	observe func(solve.Progress)
	bound   float64
	best    *solve.Outcome
	nodes   int64
}

// largeModel is from how many columns on a plan is bargained for before the
// relaxation is solved, which then can take longer than there is time.
const largeModel = 20_000

// Models from these sizes on are bargained for first as well, because on a busy
// machine the relaxation alone can take all the time there is. Without limits that
// couple the articles that is a proof at once.
const (
	wideModel  = 10_000
	aloneModel = 4_000
)

// headStart is the share of the time in which a plan is bargained for before the
// relaxation is solved.
func (s *seeking) headStart(soft bool, how depth) float64 {
	switch cols := s.f.model.Cols(); {
	case soft || cols > largeModel:
		return 1.0 / 3
	case how == thorough && cols > aloneModel && !s.f.goal.coupled():
		return 1.0 / 3
	case how == thorough && cols > wideModel:
		return 1.0 / 6
	}
	return 0
}

// policy keeps the plan of the reorder points when it keeps all rules, so that no
// plan is worse than what a shop could do without one.
func (s *seeking) policy() {
	f := s.f
	if f.classic == nil {
		return
	}
	orders := f.trimmed(f.classic)
	x := f.solution(orders)
	out := solve.Outcome{Status: solve.Feasible, X: x, Objective: f.cost(x), Engine: ownEngine}
	if check.Solution(f.model, x, out.Objective).Passed {
		s.keep(out)
	}
}

// trimmed takes off orders what no plan needs: what is beyond the last need of
// the span, and orders of articles that need none.
func (f *formulation) trimmed(orders [][]float64) [][]float64 {
	required := !f.soft()
	out := make([][]float64, len(orders))
	for i := range orders {
		out[i] = make([]float64, f.goal.span())
		n, have := &f.needs[i], 0.0
		if f.items[i].packs == nil {
			continue
		}
		most := n.packs[len(n.packs)-1] + n.minPacks - 1
		for o := range out[i] {
			packs := math.Min(math.Min(math.Round(orders[i][o]/n.pack), n.most(o, required)), most-have)
			if packs >= n.minPacks {
				out[i][o] = packs * n.pack
				have += packs
			}
		}
	}
	return out
}

// ownEngine is named when a plan was found and proven without another one.
const ownEngine = "lot-sizing"

// depth is how far a search goes.
type depth int

const (
	thorough   depth = iota // until the gap is closed or the time is over
	firstFound              // until there is any plan, or proof that there is none
)

// seek solves a formulation. The outcome's bound holds for the whole model.
func seek(ctx context.Context, solver solve.Solver, f formulation, o solve.Options, how depth, observe func(solve.Progress)) (solve.Outcome, error) {
	s := &seeking{f: &f, solver: solver, o: o, gap: math.Max(0, o.RelativeGap), begin: time.Now(), observe: observe, bound: math.Inf(-1)}
	soft := f.soft()
	bargained := f.extra >= 0 || f.over != nil // then other limits hold than the goal's
	if share := s.headStart(soft, how); !bargained && share > 0 {
		bargained = true
		s.bargain(ctx, &f, soft, time.Duration(share*float64(s.left())))
		if s.good() {
			return s.finished(*s.best), nil
		}
	}
	out, err := s.relaxation(ctx, &f)
	if timedOut := out.Status == solve.NoSolutionFound && out.Stopped == "time_limit"; err == nil && timedOut && !bargained && how == thorough {
		bargained = true
		s.bargain(ctx, &f, soft, s.o.TimeLimit/10)
	}
	if err != nil || !out.Status.HasPlan() && s.best == nil {
		return s.finished(out), err
	}
	if s.best == nil && stopped(ctx) {
		return s.finished(solve.Outcome{Status: solve.Cancelled, Stopped: "cancelled", Engine: out.Engine, EngineVersion: out.EngineVersion}), nil
	}
	if s.over(ctx) || !out.Status.HasPlan() {
		return s.ended(ctx, out), nil
	}
	s.policy()
	if s.over(ctx) {
		return s.ended(ctx, solve.Outcome{Engine: ownEngine}), nil
	}
	for _, strict := range []bool{true, false} {
		near, err := s.run(ctx, f.near(out.X, strict), math.Max(s.gap/2, 1e-6), s.left()/4)
		if err != nil {
			return near, err
		}
		s.keep(near)
		if s.over(ctx) || how == firstFound && s.best != nil {
			return s.ended(ctx, near), nil
		}
	}
	if !bargained {
		s.bargain(ctx, &f, soft, max(s.left()/3, s.o.TimeLimit/20))
		if s.over(ctx) || how == firstFound {
			return s.ended(ctx, solve.Outcome{Status: solve.NoSolutionFound, Engine: out.Engine, EngineVersion: out.EngineVersion}), nil
		}
	}
	if s.best != nil && f.model.Cols() > largeModel {
		// A search over all of it gets nowhere, and does not look at the clock.
		return s.ended(ctx, solve.Outcome{Stopped: "time_limit", Engine: out.Engine, EngineVersion: out.EngineVersion}), nil
	}
	out, err = s.run(ctx, f.model, o.RelativeGap, s.left())
	if err != nil {
		return out, err
	}
	if out.Bound != nil {
		s.bound = math.Max(s.bound, *out.Bound)
	}
	s.keep(out)
	return s.ended(ctx, out), nil
}

// relaxation solves the model without whole numbers; its value is the bound.
func (s *seeking) relaxation(ctx context.Context, f *formulation) (solve.Outcome, error) {
	relaxed := *f.model
	relaxed.Integer = make([]bool, relaxed.Cols())
	out, err := s.run(ctx, &relaxed, s.o.RelativeGap, s.left())
	if err == nil && out.Status == solve.Optimal {
		s.bound = math.Max(s.bound, out.Objective-1e-7*math.Abs(out.Objective))
	}
	return out, err
}

// bargain looks for a plan without the engine.
func (s *seeking) bargain(ctx context.Context, f *formulation, soft bool, limit time.Duration) {
	until := time.Now().Add(limit)
	talks := newBargain(f, soft)
	found := talks.search(ctx, until, s.enough)
	if !soft {
		s.bound = math.Max(s.bound, talks.proof(ctx, until.Add(limit/4)))
		if !f.goal.coupled() && talks.settled(ctx, until.Add(limit/4)) {
			found = talks.best
		}
	}
	if found != nil {
		found.Engine = ownEngine
		s.keep(*found)
	}
	s.policy()
}

// over says that the search can end: the plan is good, or it was told to.
func (s *seeking) over(ctx context.Context) bool { return s.good() || stopped(ctx) }

// ended is the best plan with how the search ended, which is how its last step
// did; that step's own outcome when there is no plan.
func (s *seeking) ended(ctx context.Context, last solve.Outcome) solve.Outcome {
	if s.best == nil {
		return s.finished(last)
	}
	out := *s.best
	out.Engine, out.EngineVersion = last.Engine, last.EngineVersion
	out.Stopped, out.Detail = last.Stopped, last.Detail
	if stopped(ctx) {
		out.Stopped = "cancelled"
	}
	return s.finished(out)
}

// soft says that service may be given up, at its price.
func (f *formulation) soft() bool {
	return slices.ContainsFunc(f.items, func(c columns) bool { return c.lost != nil })
}

// cost of a solution.
func (f *formulation) cost(x []float64) float64 {
	total := f.model.Constant
	for j, v := range x {
		total += f.model.Cost[j] * v
	}
	return total
}

// near is the model with every setup fixed that the relaxation has decided; when
// not strict, except for items that it has left open anywhere.
func (f *formulation) near(x []float64, strict bool) *model.Model {
	m := *f.model
	m.ColLower, m.ColUpper = append([]float64(nil), m.ColLower...), append([]float64(nil), m.ColUpper...)
	for i := range f.items {
		open := false
		for _, col := range f.items[i].setup {
			open = open || math.Abs(x[col]-math.Round(x[col])) > wholeEnough
		}
		if open && !strict {
			continue
		}
		for _, col := range f.items[i].setup {
			if math.Abs(x[col]-math.Round(x[col])) <= wholeEnough {
				m.ColLower[col], m.ColUpper[col] = math.Round(x[col]), math.Round(x[col])
			}
		}
	}
	return &m
}

// run solves one model within a time, telling of what holds for the whole search.
func (s *seeking) run(ctx context.Context, m *model.Model, gap float64, limit time.Duration) (solve.Outcome, error) {
	o := s.o
	o.RelativeGap, o.TimeLimit = gap, max(limit, 100*time.Millisecond)
	var watch func(solve.Progress)
	if s.observe != nil {
		whole := m.HasIntegers()
		watch = func(p solve.Progress) { s.tell(p, whole) }
	}
	out, err := s.solver.Solve(ctx, m, o, watch)
	s.nodes += out.Nodes
	return out, err
}

func (s *seeking) left() time.Duration { return s.o.TimeLimit - time.Since(s.begin) }

// tell passes progress on: of the relaxation only that it goes on.
func (s *seeking) tell(p solve.Progress, whole bool) {
	out := solve.Progress{Elapsed: time.Since(s.begin), Nodes: s.nodes + p.Nodes}
	if whole && p.Objective != nil {
		objective := *p.Objective
		out.Objective = &objective
	}
	if s.best != nil && (out.Objective == nil || s.best.Objective < *out.Objective) {
		objective := s.best.Objective
		out.Objective = &objective
	}
	if !math.IsInf(s.bound, -1) {
		bound := s.bound
		out.Bound = &bound
		if out.Objective != nil {
			gap := gapOf(*out.Objective, bound)
			out.Gap = &gap
		}
	}
	s.observe(out)
}

// keep takes a plan when it is the best. Where service may be given up, the model
// lets a sale be lost before it has to be, when that spares safety stock; nobody
// sends customers away for that. So it is priced as it would happen: the bound
// holds all the same, and the plans can be compared.
func (s *seeking) keep(out solve.Outcome) {
	if !out.Status.HasPlan() {
		return
	}
	if s.f.soft() {
		out.X = s.f.solution(s.f.orders(out.X))
		out.Objective = s.f.cost(out.X)
		if !check.Solution(s.f.model, out.X, out.Objective).Passed {
			return
		}
	}
	if s.best == nil || out.Objective < s.best.Objective {
		s.best = &out
	}
}

// enough says that a plan is within the wanted gap.
func (s *seeking) enough(objective float64) bool { return gapOf(objective, s.bound) <= s.gap }

func (s *seeking) good() bool {
	return s.best != nil && gapOf(s.best.Objective, s.bound) <= s.gap
}

// finished states time, nodes, bound and gap of the whole search.
func (s *seeking) finished(out solve.Outcome) solve.Outcome {
	out.Seconds, out.Nodes = time.Since(s.begin).Seconds(), s.nodes
	out.Bound, out.Gap = nil, nil
	if !math.IsInf(s.bound, -1) {
		bound := s.bound
		out.Bound = &bound
	}
	if !out.Status.HasPlan() {
		return out
	}
	out.Status = solve.Feasible
	if out.Bound != nil {
		gap := gapOf(out.Objective, s.bound)
		out.Gap = &gap
		if s.good() {
			out.Status, out.Stopped = solve.Optimal, ""
		}
	}
	return out
}

// stopped says that the search was told to end, which is not a failure of it.
func stopped(ctx context.Context) bool { return ctx.Err() != nil }

func gapOf(objective, bound float64) float64 {
	return math.Max(0, objective-bound) / math.Max(1e-9, math.Abs(objective))
}
