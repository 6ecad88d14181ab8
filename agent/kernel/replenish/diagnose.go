package replenish

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// A diagnosis is a series of solves, bounded in time: each rule is relaxed alone,
// as little as possible, and what that gives is rounded up to a number a person
// would write. It is called verified only when a solved plan exists that passes
// the audit for the changed goal.
const (
	leastDiagnosis = 10 * time.Second
	mostDiagnosis  = 60 * time.Second
	relaxedGap     = 0.02 // of the smallest change
	verifyGap      = 0.2  // any plan will do
	lowestService  = 50   // percent
)

// diagnosing is the state of one diagnosis.
type diagnosing struct {
	*decision
	deadline time.Time
	done     int
	total    int
	out      Diagnosis
	cut      bool // time ran out before everything was tried
}

func (d *decision) diagnose(ctx context.Context) error {
	limit := time.Duration(d.goal.TimeLimitSec) * time.Second
	g := &diagnosing{decision: d, deadline: time.Now().Add(min(max(limit, leastDiagnosis), mostDiagnosis))}
	rules := g.rules()
	g.total = len(rules) + 1
	for _, rule := range rules {
		g.progress()
		if err := g.relax(ctx, rule); err != nil {
			return err
		}
	}
	if d.goal.ServiceRule == ServiceRequired {
		g.progress()
		if err := g.preferService(ctx); err != nil {
			return err
		}
	}
	g.conclude(rules)
	d.result.Diagnosis = &g.out
	return nil
}

func (g *diagnosing) progress() {
	g.observe(Progress{Stage: StageDiagnose, Done: g.done, Total: g.total})
	g.done++
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

// attempt solves a changed goal within what is left of the time.
func (g *diagnosing) attempt(ctx context.Context, data Data, goal Goal, relax string, gap float64) (formulation, solve.Outcome, error) {
	left := time.Until(g.deadline)
	if left < 100*time.Millisecond {
		g.cut = true
		return formulation{}, solve.Outcome{Status: solve.NoSolutionFound}, nil
	}
	f := formulate(data, goal, needsOf(data, goal, g.forecasts), relax)
	o := g.options()
	o.RelativeGap, o.TimeLimit = gap, max(left/3, min(left, 2*time.Second))
	outcome, err := g.solve(ctx, f, o, false)
	if err != nil {
		return f, outcome, err
	}
	if ctx.Err() != nil {
		return f, outcome, fmt.Errorf("diagnose the goal: %w", ctx.Err())
	}
	if outcome.Status == solve.NoSolutionFound {
		g.cut = true
	}
	return f, outcome, nil
}

// possible says whether a changed goal has a plan that passes the audit.
func (g *diagnosing) possible(ctx context.Context, goal Goal) (bool, error) {
	f, outcome, err := g.attempt(ctx, g.data, goal, "", verifyGap)
	if err != nil || !outcome.Status.HasPlan() {
		return false, err
	}
	return len(auditPlan(g.data, goal, g.forecasts, f.orders(outcome.X)).failures) == 0, nil
}

func (g *diagnosing) relax(ctx context.Context, rule string) error {
	switch rule {
	case ruleService:
		return g.relaxService(ctx)
	case ruleMaxStock:
		return g.relaxMaxStock(ctx)
	}
	f, outcome, err := g.attempt(ctx, g.data, g.goal, rule, relaxedGap)
	if err != nil || !outcome.Status.HasPlan() {
		return err
	}
	from, field, apply := g.limit(rule)
	needed := from + outcome.X[f.extra]
	to := roundUp(needed)
	// The relaxed plan is itself a plan for the changed goal, if the audit agrees.
	verified := len(auditPlan(g.data, apply(to), g.forecasts, f.orders(outcome.X)).failures) == 0
	if !verified {
		if verified, err = g.possible(ctx, apply(to)); err != nil {
			return err
		}
	}
	w := g.wording()
	change := Change{Rule: rule, Field: field, From: from, To: to, Unit: g.data.Currency, Verified: verified}
	conflict := Conflict{Rule: rule}
	service := g.serviceWords()
	switch rule {
	case ruleBudget:
		spent := g.spending(f.orders(outcome.X))
		peak := slices.Index(spent, slices.Max(spent))
		conflict.Text = fmt.Sprintf("With %s a %s, %s cannot be kept: it needs %s in the %s.",
			w.amount(from), w.noun(), service, w.amount(needed), w.label(g.data.Start.AddDate(0, 0, peak*g.data.PeriodDays)))
		change.Text = fmt.Sprintf("Raise the budget per %s from %s to %s.", w.noun(), w.amount(from), w.amount(to))
	case ruleBudgetTotal:
		conflict.Text = fmt.Sprintf("With %s in total, %s cannot be kept: it needs %s.", w.amount(from), service, w.amount(needed))
		change.Text = fmt.Sprintf("Raise the total budget from %s to %s.", w.amount(from), w.amount(to))
	case ruleStorage:
		change.Unit = "storage units"
		conflict.Text = fmt.Sprintf("With storage for %s, %s cannot be kept: it needs %s.", number(from), service, number(needed))
		change.Text = fmt.Sprintf("Raise the storage from %s to %s.", number(from), number(to))
	}
	g.out.Conflicts = append(g.out.Conflicts, conflict)
	g.out.Changes = append(g.out.Changes, change)
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

func (g *diagnosing) spending(orders [][]float64) []float64 {
	spent := make([]float64, g.goal.Horizon)
	for i := range orders {
		for t, q := range orders[i][:g.goal.Horizon] {
			if q > 0 {
				spent[t] += q*g.data.Items[i].UnitCost + g.data.Items[i].OrderCost
			}
		}
	}
	return spent
}

func (g *diagnosing) serviceWords() string {
	if g.goal.ServiceRule == ServiceRequired {
		return fmt.Sprintf("a service level of %s", percent(g.goal.ServiceLevel))
	}
	return "the rest of the goal"
}

// relaxService looks for the highest service level, in whole percent, that can
// be kept. Less safety stock never makes a goal harder, so halving finds it.
func (g *diagnosing) relaxService(ctx context.Context) error {
	at := func(percent int) Goal {
		goal := g.goal
		goal.ServiceLevel = float64(percent) / 100
		return goal
	}
	top := int(math.Ceil(g.goal.ServiceLevel*100-1e-9)) - 1
	if top < lowestService {
		return nil
	}
	if ok, err := g.possible(ctx, at(lowestService)); err != nil || !ok {
		return err
	}
	low, high := lowestService, top+1 // low is possible, high is not
	for high-low > 1 {
		middle := (low + high) / 2
		ok, err := g.possible(ctx, at(middle))
		if err != nil {
			return err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	to := float64(low) / 100
	g.out.Conflicts = append(g.out.Conflicts, Conflict{
		Rule: ruleService,
		Text: fmt.Sprintf("The safety stock for a service level of %s does not fit the other limits.", percent(g.goal.ServiceLevel)),
	})
	g.out.Changes = append(g.out.Changes, Change{
		Rule: ruleService, Field: "serviceLevel", From: g.goal.ServiceLevel, To: to, Unit: "share", Verified: true,
		Text: fmt.Sprintf("Lower the service level from %s to %s.", percent(g.goal.ServiceLevel), percent(to)),
	})
	return nil
}

// relaxMaxStock looks for the items whose most stock is too little.
func (g *diagnosing) relaxMaxStock(ctx context.Context) error {
	f, outcome, err := g.attempt(ctx, g.data, g.goal, ruleMaxStock, relaxedGap)
	if err != nil || !outcome.Status.HasPlan() {
		return err
	}
	raised := g.data
	raised.Items = slices.Clone(g.data.Items)
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
	verified := len(auditPlan(raised, g.goal, g.forecasts, f.orders(outcome.X)).failures) == 0
	for k := range changes {
		changes[k].Verified = verified
		if len(changes) > 1 {
			changes[k].Text = strings.TrimSuffix(changes[k].Text, ".") + ", together with the other most stocks named here."
		}
	}
	g.out.Conflicts = append(g.out.Conflicts, Conflict{
		Rule: ruleMaxStock,
		Text: fmt.Sprintf("The most stock allowed is below what %s needs: %s.", g.serviceWords(), firstNames(names, func(s string) string { return s })),
	})
	g.out.Changes = append(g.out.Changes, changes[:min(len(changes), 10)]...)
	return nil
}

// preferService offers to treat the service level as a wish with a price.
func (g *diagnosing) preferService(ctx context.Context) error {
	f, outcome, err := g.attempt(ctx, g.data, g.goal, ruleService, 0.5)
	if err != nil || !outcome.Status.HasPlan() {
		return err
	}
	goal := g.goal
	goal.ServiceRule = ServicePreferred
	if len(auditPlan(g.data, goal, g.forecasts, f.orders(outcome.X)).failures) > 0 {
		return nil
	}
	g.out.Changes = append(g.out.Changes, Change{
		Rule: ruleService, Field: "serviceRule", Value: string(ServicePreferred), Verified: true,
		Text: "Keep all limits and accept less service where they bite: make the service level preferred instead of required.",
	})
	return nil
}

// conclude orders the changes and says it all in a few sentences.
func (g *diagnosing) conclude(rules []string) {
	w := g.wording()
	slices.SortStableFunc(g.out.Changes, func(a, b Change) int {
		switch sa, sb := changeSize(a), changeSize(b); {
		case sa < sb:
			return -1
		case sa > sb:
			return 1
		}
		return 0
	})
	if len(g.out.Conflicts) == 0 {
		// No rule alone is to blame, so all of them together are.
		for _, rule := range rules {
			g.out.Conflicts = append(g.out.Conflicts, Conflict{Rule: rule, Text: g.ruleWords(rule)})
		}
		g.out.Headline = "its rules contradict each other"
		g.out.Summary = "No single limit is to blame: these rules cannot hold together."
	} else {
		names := map[string]string{
			ruleBudget: "the budget per " + w.noun(), ruleBudgetTotal: "the total budget", ruleStorage: "the storage",
			ruleMaxStock: "the most stock of an article", ruleService: "the service level",
		}
		var parts []Sentence
		for _, c := range g.out.Conflicts {
			parts = append(parts, Sentence{Text: names[c.Rule]})
		}
		together := listed(parts).Text
		if len(parts) > 1 {
			g.out.Headline = together + " do not go together"
		} else {
			g.out.Headline = together + " does not fit the other rules"
		}
		g.out.Summary = g.out.Conflicts[0].Text
	}
	var ways []string
	for _, c := range g.out.Changes {
		if c.Verified {
			ways = append(ways, c.Text)
		}
	}
	switch {
	case len(ways) == 1:
		g.out.Summary += " This makes it possible: " + ways[0]
	case len(ways) > 1:
		g.out.Summary += " Any one of these makes it possible: " + strings.Join(ways[:min(len(ways), 3)], " ")
	default:
		g.out.Summary += " No change of a single rule was found that makes it possible."
	}
	if g.cut {
		g.out.Summary += " Not every change could be tried in the time given."
	}
}

func (g *diagnosing) ruleWords(rule string) string {
	w := g.wording()
	switch rule {
	case ruleBudget:
		return fmt.Sprintf("No more than %s is spent a %s.", w.amount(g.goal.BudgetPerPeriod), w.noun())
	case ruleBudgetTotal:
		return fmt.Sprintf("No more than %s is spent in total.", w.amount(g.goal.BudgetTotal))
	case ruleStorage:
		return fmt.Sprintf("No more than %s of storage is used.", number(g.goal.StorageCapacity))
	case ruleMaxStock:
		return "No article goes above its most stock."
	}
	return fmt.Sprintf("Safety stock for a service level of %s is kept.", percent(g.goal.ServiceLevel))
}

// changeSize makes changes comparable: how far, as a share of what was wanted.
// Service comes dearer, giving it up as a rule last, what failed after all.
func changeSize(c Change) float64 {
	size := 0.0
	switch {
	case c.Value != "":
		size = 10
	case c.From > 0:
		size = math.Abs(c.To-c.From) / c.From
	}
	if c.Field == "serviceLevel" {
		size *= 4
	}
	if !c.Verified {
		size += 100
	}
	return size
}

// roundUp goes to two significant digits, as people set limits.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 0
	}
	step := math.Pow(10, math.Floor(math.Log10(v))-1)
	return math.Ceil(v*(1+1e-9)/step) * step
}
