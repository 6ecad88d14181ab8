package intent

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/shared/fault"
)

// reading is one text on its way to a goal.
type reading struct {
	text, lower string
	used        []bool // bytes that belong to an understood phrase
	goal        replenish.Goal
	found       []Understood
	refused     []fault.Detail // phrases that are understood and cannot be
}

// apply lets a rule take every phrase that is still free.
func (r *reading) apply(rule rule) {
	from := 0
	for from < len(r.lower) {
		at := rule.pattern.FindStringSubmatchIndex(r.lower[from:])
		if at == nil {
			return
		}
		start, end := from+at[2], from+at[3]
		groups := make([]string, 0, 2)
		for k := 4; k+1 < len(at); k += 2 {
			if at[k] >= 0 {
				groups = append(groups, r.lower[from+at[k]:from+at[k+1]])
			} else {
				groups = append(groups, "")
			}
		}
		from = end
		if slices.Contains(r.used[start:end], true) {
			continue
		}
		goal := r.goal
		value, text, ok := rule.set(&goal, groups)
		if !ok {
			if text != "" {
				r.refuse(start, end, text)
			}
			continue
		}
		r.goal = goal
		r.take(rule.field, value, text, start, end)
	}
}

// refuse keeps why a phrase cannot be, and the phrase from other rules.
func (r *reading) refuse(start, end int, why string) {
	for k := start; k < end; k++ {
		r.used[k] = true
	}
	r.refused = append(r.refused, fault.Detail{
		Location: "text", Message: fmt.Sprintf("%q: %s", strings.TrimSpace(r.text[start:end]), why),
	})
}

// possible says what was refused, the first in the message itself.
func (r *reading) possible() error {
	if len(r.refused) == 0 {
		return nil
	}
	return ErrImpossible.Saying("%s.", r.refused[0].Message).With(r.refused...)
}

// codes are what looks like the SKU of an article that the text is to be about.
var codes = regexp.MustCompile(`(?:^|[^\p{L}\p{N}])(?:skus?:? ([\p{L}\p{N}_./-]*\d[\p{L}\p{N}_./-]*)|(?:only|just|article|product|item) (\p{L}{1,8}[-_]\d[\p{L}\p{N}_-]*))`)

// unknownArticles refuses SKUs that are not in the stock table; those that are
// have been taken before.
func (r *reading) unknownArticles() {
	for _, at := range codes.FindAllStringSubmatchIndex(r.lower, -1) {
		start, end := at[2], at[3]
		if start < 0 {
			start, end = at[4], at[5]
		}
		for end > start && strings.ContainsRune("./-", rune(r.lower[end-1])) {
			end--
		}
		if !slices.Contains(r.used[start:end], true) {
			r.refuse(start, end, "this SKU is not in the stock table")
		}
	}
}

func (r *reading) take(field, value, text string, start, end int) {
	for start < end && unicode.IsSpace(rune(r.text[start])) {
		start++
	}
	for end > start && unicode.IsSpace(rune(r.text[end-1])) {
		end--
	}
	for k := start; k < end; k++ {
		r.used[k] = true
	}
	r.found = append(r.found, Understood{Phrase: r.text[start:end], Field: field, Value: value, Text: text, Start: start, End: end})
}

// articles takes the names of known articles, the longest first, so that "house
// coffee beans" is not read as "coffee".
func (r *reading) articles(known []Article) {
	type name struct{ text, sku string }
	var names []name
	for _, a := range known {
		for _, text := range []string{a.SKU, a.Name} {
			if text = strings.TrimSpace(lowered(text)); len(text) >= 3 {
				names = append(names, name{text, a.SKU})
			}
		}
	}
	slices.SortStableFunc(names, func(a, b name) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), cmp.Compare(a.sku, b.sku))
	})
	for _, n := range names {
		for from := 0; ; {
			at := strings.Index(r.lower[from:], n.text)
			if at < 0 {
				break
			}
			start, end := from+at, from+at+len(n.text)
			from = end
			if !r.wordAt(start, end) || slices.Contains(r.used[start:end], true) {
				continue
			}
			if !slices.Contains(r.goal.SKUs, n.sku) {
				r.goal.SKUs = append(r.goal.SKUs, n.sku)
			}
			r.take("skus", n.sku, "only "+n.sku, start, end)
		}
	}
}

// wordAt says that a stretch does not begin or end inside a word.
func (r *reading) wordAt(start, end int) bool {
	inside := func(letter rune) bool { return unicode.IsLetter(letter) || unicode.IsDigit(letter) }
	before, after := []rune(r.lower[:start]), []rune(r.lower[end:])
	return (len(before) == 0 || !inside(before[len(before)-1])) && (len(after) == 0 || !inside(after[0]))
}

// conflict finds two phrases that set one field to different values.
func (r *reading) conflict() error {
	first := map[string]Understood{}
	for _, u := range r.found {
		before, seen := first[u.Field]
		if seen && before.Value != u.Value && u.Field != "skus" {
			return ErrContradiction.With(fault.Detail{
				Location: "text",
				Message:  fmt.Sprintf("%q and %q say different things; keep one", before.Phrase, u.Phrase),
			})
		}
		first[u.Field] = u
	}
	return nil
}

// elsewhere are the words of goals for which there is no template.
var elsewhere = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"staff rosters", regexp.MustCompile(`\b(staff(?:ing)?|rotas?|rosters?|shifts?|employees?|nurses?|baristas|waiters|waitresses|headcount|personnel|overtime|timetables?|weekend (?:cover|team))\b`)},
	{"delivery routes", regexp.MustCompile(`\b(routes?|routing|drivers?|vans?|trucks?|vehicles?|delivery (?:tours?|rounds?)|fleet)\b`)},
	{"production plans", regexp.MustCompile(`\b(production (?:plan|schedule|line)s?|machines?|job shop|assembly|batch(?:es)? to produce|menu planning|recipes?)\b`)},
	{"prices", regexp.MustCompile(`\b(pricing|prices?|discounts?|markdowns?|promotions?|promos?)\b`)},
	{"cash flow", regexp.MustCompile(`\b(cash ?flow|invoices?|overdraft|loans?|payroll|liquidity|wages)\b`)},
}

// chooseTemplate says no when the text is about something else, or about nothing
// that is known here.
func (r *reading) chooseTemplate() error {
	stock, other := false, false
	for _, u := range r.found {
		switch u.Field {
		case "template", "skus", "storageCapacity", "serviceLevel":
			stock = true
		case "budgetPerPeriod", "budgetTotal", "horizon", "objective", "serviceRule":
			other = true
		}
	}
	for _, e := range elsewhere {
		at := e.pattern.FindStringIndex(r.lower)
		if at == nil || slices.Contains(r.used[at[0]:at[1]], true) && stock {
			continue
		}
		return ErrNoTemplate.Saying("There is no template for %s yet. What exists is inventory replenishment: what to order, how much and when.", e.what).
			With(fault.Detail{Location: "text", Message: fmt.Sprintf("%q is about %s", r.text[at[0]:at[1]], e.what)})
	}
	if !stock && !other && len(r.refused) == 0 {
		return ErrNoTemplate
	}
	return nil
}

// small words carry no wish of their own.
var small = regexp.MustCompile(`^(?:a|an|the|i|we|you|me|us|it|my|our|your|is|are|be|do|to|of|for|in|on|at|by|as|so|and|or|but|with|that|this|please|want|wants|need|needs|would|like|should|can|could|will|make|create|give|plan|planning|help|let|have|has|keep|keeping|while|when|what|how|much|more|than|just|all|any|there|get|set|goal|optimal|optimi[sz]e|best|decide|tell|show|using|use|weekly|next|per|each|level|costs?|low)$`)

var words = regexp.MustCompile(`[\p{L}\p{N}€$£%][\p{L}\p{N}€$£%.,'’/-]*`)

func (r *reading) match() Match {
	slices.SortStableFunc(r.found, func(a, b Understood) int { return cmp.Compare(a.Start, b.Start) })
	m := Match{Template: Replenishment, Goal: r.goal.Filled(), Understood: r.found, NotUnderstood: []string{}, Defaults: r.defaults()}
	if m.Understood == nil {
		m.Understood = []Understood{}
	}
	taken, lost, run := 0, 0, -1
	last := 0
	flush := func() {
		if run >= 0 {
			m.NotUnderstood = append(m.NotUnderstood, strings.TrimRight(r.text[run:last], " .,;:!?"))
			run = -1
		}
	}
	for _, at := range words.FindAllStringIndex(r.lower, -1) {
		word := strings.TrimRight(r.lower[at[0]:at[1]], ".,'’/-")
		switch {
		case r.used[at[0]]:
			taken++
			flush()
		case small.MatchString(word):
			if run < 0 {
				continue
			}
		default:
			lost++
			if run < 0 {
				run = at[0]
			}
			last = at[1]
		}
	}
	flush()
	if taken > 0 {
		m.Confidence = math.Round(100*float64(taken)/float64(taken+lost)) / 100
	}
	return m
}

// defaults names what the text leaves open.
func (r *reading) defaults() []Default {
	full := r.goal.Filled()
	out := []Default{}
	add := func(unset bool, field, format string, args ...any) {
		if unset {
			out = append(out, Default{field, fmt.Sprintf(format, args...)})
		}
	}
	add(r.goal.Horizon == 0, "horizon", "plan %s", weeksText(full.Horizon))
	add(r.goal.ServiceLevel == 0, "serviceLevel", "service level %s %%", plain(100*full.ServiceLevel))
	add(r.goal.ServiceRule == "", "serviceRule", "service is required")
	add(r.goal.BudgetPerPeriod == 0 && r.goal.BudgetTotal == 0 && !r.said("budgetPerPeriod"), "budgetPerPeriod", "no budget limit")
	add(r.goal.StorageCapacity == 0 && !r.said("storageCapacity"), "storageCapacity", "no storage limit")
	add(len(r.goal.SKUs) == 0, "skus", "all articles")
	return out
}

// said says that a phrase is about a field.
func (r *reading) said(field string) bool {
	return slices.ContainsFunc(r.found, func(u Understood) bool { return u.Field == field })
}

func weeksText(n int) string {
	if n == 1 {
		return "1 week"
	}
	return fmt.Sprintf("%d weeks", n)
}

// plain writes a number without the noise of binary fractions.
func plain(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}

func grouped(v float64) string {
	whole, rest, dot := strings.Cut(plain(v), ".")
	for k := len(whole) - 3; k > 0; k -= 3 {
		whole = whole[:k] + "," + whole[k:]
	}
	if dot {
		return whole + "." + rest
	}
	return whole
}
