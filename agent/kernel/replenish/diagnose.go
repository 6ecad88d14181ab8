package replenish

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

func (g *diagnosing) serviceWords() string {
	if g.goal.ServiceRule == ServiceRequired {
		return fmt.Sprintf("a service level of %s", percent(g.goal.ServiceLevel))
	}
	return "the rest of the goal"
}

// sayLimit says by how much a limit is too small, and what it should be.
func (p *probe) sayLimit(rule, field string, from, least, to float64, verified bool) {
	w := p.wording()
	change := Change{Rule: rule, Field: field, From: from, To: to, Unit: p.data.Currency, Verified: verified}
	conflict := Conflict{Rule: rule}
	service := p.serviceWords()
	switch rule {
	case ruleBudget:
		conflict.Text = fmt.Sprintf("With %s a %s, %s cannot be kept: some %s needs at least %s.",
			w.amount(from), w.noun(), service, w.noun(), w.amount(math.Floor(least)))
		change.Text = fmt.Sprintf("Raise the budget per %s from %s to %s.", w.noun(), w.amount(from), w.amount(to))
	case ruleBudgetTotal:
		conflict.Text = fmt.Sprintf("With %s in total, %s cannot be kept: it needs at least %s.", w.amount(from), service, w.amount(math.Floor(least)))
		change.Text = fmt.Sprintf("Raise the total budget from %s to %s.", w.amount(from), w.amount(to))
	case ruleStorage:
		change.Unit = "storage units"
		conflict.Text = fmt.Sprintf("With storage for %s, %s cannot be kept: it needs at least %s.", number(from), service, number(least))
		change.Text = fmt.Sprintf("Raise the storage from %s to %s.", number(from), number(to))
	}
	p.conflicts = append(p.conflicts, conflict)
	p.changes = append(p.changes, change)
}

// sayService says what service level the other limits leave room for.
func (p *probe) sayService(to float64) {
	p.conflicts = append(p.conflicts, Conflict{
		Rule: ruleService,
		Text: fmt.Sprintf("The safety stock for a service level of %s does not fit the other limits.", percent(p.goal.ServiceLevel)),
	})
	p.changes = append(p.changes, Change{
		Rule: ruleService, Field: "serviceLevel", From: p.goal.ServiceLevel, To: to, Unit: "share", Verified: true,
		Text: fmt.Sprintf("Lower the service level from %s to %s.", percent(p.goal.ServiceLevel), percent(to)),
	})
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
// A lower service level comes dearer, then what failed. Giving service up as a
// rule is last, however far a limit would have to move.
func changeSize(c Change) float64 {
	if c.Value != "" {
		return math.Inf(1)
	}
	size := 0.0
	if c.From > 0 {
		size = math.Abs(c.To-c.From) / c.From
	}
	if c.Field == "serviceLevel" {
		size *= 4
	}
	if !c.Verified {
		size += 1e12 // beyond any that was verified
	}
	return size
}

// roundUp goes to two significant digits, as people set limits.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 0
	}
	step := roundStep(v)
	return math.Ceil(v*(1-1e-9)/step) * step
}

// roundStep is the distance between the round numbers around v.
func roundStep(v float64) float64 { return math.Pow(10, math.Floor(math.Log10(v))-1) }
