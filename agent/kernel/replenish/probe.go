package replenish

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// A diagnosis looks at each rule alone, bounded in time: relaxations, which take
// an instant, say how far the rule must give at least; from there the smallest
// change is taken for which a plan is found. A change is called verified only
// when that plan passes the audit for the changed goal, so the first plan found
// is enough, whatever it costs.
const (
	leastDiagnosis = 10 * time.Second
	mostDiagnosis  = 60 * time.Second
	probeLimit     = 2 * time.Second // of the search for one plan
	verifyGap      = 0.2             // any plan will do
	relaxedGap     = 0.02            // of the smallest change
	lowestService  = 50              // percent
	atOnce         = 2               // rules looked at
	stepsOfRule    = 10              // of progress
)

// diagnosing is the state of one diagnosis, shared by its probes.
type diagnosing struct {
	*decision
	deadline time.Time
	out      Diagnosis
	cut      bool // time ran out before everything was tried

	mu    sync.Mutex // orders what observe is told
	done  int
	total int
}

// probe looks at one rule.
type probe struct {
	*diagnosing
	steps     int // of progress told
	cut       bool
	conflicts []Conflict
	changes   []Change
}

func (d *decision) diagnose(ctx context.Context) error {
	limit := time.Duration(d.goal.TimeLimitSec) * time.Second
	g := &diagnosing{decision: d, deadline: time.Now().Add(min(max(limit, leastDiagnosis), mostDiagnosis))}
	rules := g.rules()
	looks := make([]func(*probe, context.Context) error, 0, len(rules)+1)
	for _, rule := range rules {
		looks = append(looks, func(p *probe, ctx context.Context) error { return p.relax(ctx, rule) })
	}
	if d.goal.ServiceRule == ServiceRequired {
		looks = append(looks, (*probe).preferService)
	}
	g.total = stepsOfRule * len(looks)
	g.observe(Progress{Stage: StageDiagnose, Total: g.total})

	probes, errs := make([]probe, len(looks)), make([]error, len(looks))
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for k, look := range looks {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			probes[k].diagnosing = g
			errs[k] = look(&probes[k], ctx)
			probes[k].finish()
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("diagnose the goal: %w", ctx.Err())
		}
		return err
	}
	for k := range probes {
		g.cut = g.cut || probes[k].cut
		g.out.Conflicts = append(g.out.Conflicts, probes[k].conflicts...)
		g.out.Changes = append(g.out.Changes, probes[k].changes...)
	}
	g.conclude(rules)
	d.result.Diagnosis = &g.out
	return nil
}

// advance tells that a probe has come further; the last step is its end.
func (p *probe) advance() {
	if p.steps < stepsOfRule-1 {
		p.steps++
		p.tell(1)
	}
}

func (p *probe) finish() { p.tell(stepsOfRule - p.steps) }

func (g *diagnosing) tell(steps int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done += steps
	g.observe(Progress{Stage: StageDiagnose, Done: g.done, Total: g.total})
}

// rules that the goal and the data set, in the order they are looked at.
func (g *diagnosing) rules() []string {
	var rules []string
	if g.goal.BudgetPerPeriod > 0 {
		rules = append(rules, ruleBudget)
	}
	if g.goal.BudgetTotal > 0 {
		rules = append(rules, ruleBudgetTotal)
	}
	if g.goal.StorageCapacity > 0 {
		rules = append(rules, ruleStorage)
	}
	if slices.ContainsFunc(g.data.Items, func(i Item) bool { return i.MaxStock > 0 }) {
		rules = append(rules, ruleMaxStock)
	}
	if g.goal.ServiceRule == ServiceRequired {
		rules = append(rules, ruleService)
	}
	return rules
}

// options of one step, within what is left of the time; false when nothing is.
func (p *probe) options(limit time.Duration) (solve.Options, bool) {
	p.advance()
	left := time.Until(p.deadline)
	if left < 100*time.Millisecond {
		p.cut = true
		return solve.Options{}, false
	}
	o := p.decision.options()
	o.RelativeGap, o.TimeLimit = verifyGap, min(left, limit)
	return o, true
}

// settled turns an outcome that says too little into what is to be done about it.
func (p *probe) settled(ctx context.Context, out solve.Outcome, err error) (solve.Outcome, error) {
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return out, fmt.Errorf("diagnose the goal: %w", err)
	}
	if out.Status == solve.NoSolutionFound {
		p.cut = true
	}
	return out, nil
}

// relaxed solves a changed goal without whole numbers.
func (p *probe) relaxed(ctx context.Context, data Data, goal Goal, relax string) (formulation, solve.Outcome, error) {
	f := formulate(data, goal, needsOf(data, goal, p.forecasts), relax)
	o, ok := p.options(time.Until(p.deadline) / 2)
	if !ok {
		return f, solve.Outcome{Status: solve.NoSolutionFound}, nil
	}
	m := *f.model
	m.Integer = make([]bool, m.Cols())
	out, err := p.Solver.Solve(ctx, &m, o, nil)
	out, err = p.settled(ctx, out, err)
	return f, out, err
}

// possible says whether a plan for a changed goal was found that passes the audit.
func (p *probe) possible(ctx context.Context, goal Goal) (bool, error) {
	o, ok := p.options(probeLimit)
	if !ok {
		return false, nil
	}
	f := formulate(p.data, goal, needsOf(p.data, goal, p.forecasts), "")
	out, err := p.solve(ctx, f, o, firstFound, false)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return false, fmt.Errorf("diagnose the goal: %w", err)
	}
	if !out.Status.HasPlan() {
		return false, nil
	}
	return len(auditPlan(p.data, goal, p.forecasts, f.orders(out.X)).failures) == 0, nil
}

func (p *probe) relax(ctx context.Context, rule string) error {
	switch rule {
	case ruleService:
		return p.relaxService(ctx)
	case ruleMaxStock:
		return p.relaxMaxStock(ctx)
	}
	return p.relaxLimit(ctx, rule)
}

// strides are how many steps beyond the least thinkable limit are tried.
var strides = [...]int{0, 1, 2, 3, 5, 8, 13, 21, 34, 55}

// relaxLimit looks for the smallest round limit with which a plan is found.
func (p *probe) relaxLimit(ctx context.Context, rule string) error {
	f, out, err := p.relaxed(ctx, p.data, p.goal, rule)
	if err != nil || !out.Status.HasPlan() {
		return err
	}
	from, field, apply := p.limit(rule)
	least := from + out.X[f.extra]*(1-1e-7)
	to, step := roundUp(least), roundStep(least)
	verified := false
	for _, stride := range strides {
		to = roundUp(math.Max(to, roundUp(least)+float64(stride)*step))
		if verified, err = p.possible(ctx, apply(to)); err != nil {
			return err
		}
		if verified || time.Until(p.deadline) < 100*time.Millisecond {
			break
		}
	}
	p.sayLimit(rule, field, from, least, to, verified)
	return nil
}

// limit of the goal that a rule stands for, and how to set it.
func (g *diagnosing) limit(rule string) (from float64, field string, apply func(float64) Goal) {
	goal := g.goal
	switch rule {
	case ruleBudget:
		return goal.BudgetPerPeriod, "budgetPerPeriod", func(v float64) Goal { goal.BudgetPerPeriod = v; return goal }
	case ruleBudgetTotal:
		return goal.BudgetTotal, "budgetTotal", func(v float64) Goal { goal.BudgetTotal = v; return goal }
	}
	return goal.StorageCapacity, "storageCapacity", func(v float64) Goal { goal.StorageCapacity = v; return goal }
}

// relaxService looks for the highest service level, in whole percent, that can
// be kept. Less safety stock never makes a goal harder, so halving finds where
// even fractions of packs stop to fit; from there it goes down to a plan.
func (p *probe) relaxService(ctx context.Context) error {
	at := func(percent int) Goal {
		goal := p.goal
		goal.ServiceLevel = float64(percent) / 100
		return goal
	}
	thinkable := func(percent int) (bool, error) {
		_, out, err := p.relaxed(ctx, p.data, at(percent), "")
		return out.Status.HasPlan(), err
	}
	top := int(math.Ceil(p.goal.ServiceLevel*100-1e-9)) - 1
	if top < lowestService {
		return nil
	}
	if ok, err := thinkable(lowestService); err != nil || !ok {
		return err
	}
	low, high := lowestService, top+1 // low is thinkable, high is not
	for high-low > 1 {
		middle := (low + high) / 2
		ok, err := thinkable(middle)
		if err != nil {
			return err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	for _, stride := range strides {
		level := max(low-stride, lowestService)
		ok, err := p.possible(ctx, at(level))
		if err != nil {
			return err
		}
		if ok {
			p.sayService(float64(level) / 100)
			return nil
		}
		if level == lowestService || time.Until(p.deadline) < 100*time.Millisecond {
			break
		}
	}
	p.cut = true
	return nil
}

// relaxMaxStock looks for the items whose most stock is too little.
func (p *probe) relaxMaxStock(ctx context.Context) error {
	f, outcome, err := p.mostStock(ctx)
	if err != nil || !outcome.Status.HasPlan() {
		return err
	}
	raised := p.data
	raised.Items = slices.Clone(p.data.Items)
	var changes []Change
	var names []string
	for i, col := range f.over {
		if outcome.X[col] < tolerance {
			continue
		}
		item := &raised.Items[i]
		from := item.MaxStock
		item.MaxStock = roundUp(from + outcome.X[col])
		names = append(names, nameOf(item))
		changes = append(changes, Change{
			Rule: ruleMaxStock, From: from, To: item.MaxStock, Unit: item.Unit,
			Text: fmt.Sprintf("In the stock table, raise the most stock of %s from %s to %s %s.", nameOf(item), number(from), number(item.MaxStock), item.Unit),
		})
	}
	if len(changes) == 0 {
		return nil
	}
	verified := len(auditPlan(raised, p.goal, p.forecasts, f.orders(outcome.X)).failures) == 0
	for k := range changes {
		changes[k].Verified = verified
		if len(changes) > 1 {
			changes[k].Text = strings.TrimSuffix(changes[k].Text, ".") + ", together with the other most stocks named here."
		}
	}
	p.conflicts = append(p.conflicts, Conflict{
		Rule: ruleMaxStock,
		Text: fmt.Sprintf("The most stock allowed is below what %s needs: %s.", p.serviceWords(), firstNames(names, func(s string) string { return s })),
	})
	p.changes = append(p.changes, changes[:min(len(changes), 10)]...)
	return nil
}

// mostStock solves for plans that go beyond their most stock by the least value.
func (p *probe) mostStock(ctx context.Context) (formulation, solve.Outcome, error) {
	f, out, err := p.relaxed(ctx, p.data, p.goal, ruleMaxStock)
	if err != nil || !out.Status.HasPlan() {
		return f, out, err
	}
	o, ok := p.options(time.Until(p.deadline) / 3)
	if !ok {
		return f, solve.Outcome{Status: solve.NoSolutionFound}, nil
	}
	o.RelativeGap = relaxedGap
	out, err = p.solve(ctx, f, o, firstFound, false)
	out, err = p.settled(ctx, out, err)
	return f, out, err
}

// preferService offers to treat the service level as a wish with a price. Then
// even ordering nothing keeps the limits, so it is offered only when a plan is
// found that is worth having: one that orders and serves more than that.
func (p *probe) preferService(ctx context.Context) error {
	o, ok := p.options(probeLimit)
	if !ok {
		return nil
	}
	goal := p.goal
	goal.ServiceRule = ServicePreferred
	f := formulate(p.data, goal, needsOf(p.data, goal, p.forecasts), softService)
	if f.model.Cols() == 0 {
		return nil
	}
	found := newBargain(&f, true).search(ctx, time.Now().Add(o.TimeLimit), func(float64) bool { return false })
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("diagnose the goal: %w", err)
	}
	if found == nil {
		return nil
	}
	orders := f.orders(found.X)
	with := costsOf(p.data, goal, p.forecasts, orders)
	without := costsOf(p.data, goal, p.forecasts, nothing(p.data, goal))
	if with.Orders == 0 || with.FillRate <= without.FillRate+tolerance || len(auditPlan(p.data, goal, p.forecasts, orders).failures) > 0 {
		return nil
	}
	p.changes = append(p.changes, Change{
		Rule: ruleService, Field: "serviceRule", Value: string(ServicePreferred), Verified: true,
		Text: fmt.Sprintf("Keep all limits and accept less service where they bite: make the service level preferred instead of required. At least %s of demand can then be served.", percent(with.FillRate)),
	})
	return nil
}
