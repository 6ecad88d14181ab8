// Package intent turns plain words into a goal, by a grammar.
//
// It owns the phrases that are understood and the templates a goal can be made
// for, with the fields of their forms. It does not own goals or what they mean
// (replenish), and it never guesses silently: what was understood is returned with
// its place in the text, what was not is returned too, and every field that the
// text does not set keeps a default that is named.
package intent

import (
	"strings"
	"unicode/utf8"

	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/shared/fault"
)

// Replenishment is the id of the one template there is.
const Replenishment = "inventory_replenishment"

// MaxText is the longest text that is read, in bytes.
const MaxText = 4_000

// The faults of this package.
var (
	// ErrNoTemplate says that nothing here can be planned for such a goal.
	ErrNoTemplate = fault.New(fault.Invalid, "intent.no_template",
		"There is no template for this yet. What exists is inventory replenishment: what to order, how much and when.")
	// ErrText says that the text cannot be read.
	ErrText = fault.New(fault.Invalid, "intent.text", "Say in a sentence what you want to achieve, in at most 4,000 characters.")
	// ErrImpossible says that a phrase is understood and cannot be; the details
	// say why, and what can.
	ErrImpossible = fault.New(fault.Invalid, "intent.impossible", "The text asks for something that cannot be.")
	// ErrContradiction says that two phrases set one field differently.
	ErrContradiction = fault.New(fault.Invalid, "intent.contradiction", "The text says two different things about the same point.")
)

// Match is what was made of a text.
type Match struct {
	Template      string         `json:"template"`
	Goal          replenish.Goal `json:"goal"` // with defaults for what is not said
	Understood    []Understood   `json:"understood"`
	NotUnderstood []string       `json:"notUnderstood"`
	Defaults      []Default      `json:"defaults"`
	Confidence    float64        `json:"confidence"` // share of the meaningful words that were understood
}

// Understood is one phrase and what it set.
type Understood struct {
	Phrase string `json:"phrase"` // as written
	Field  string `json:"field"`  // of the goal; "template" for words that choose it
	Value  string `json:"value"`  // machine form: "0.95"
	Text   string `json:"text"`   // for people: "service level 95 %"
	Start  int    `json:"start"`  // byte position in the text
	End    int    `json:"end"`
}

// Default is a field that the text does not set.
type Default struct {
	Field string `json:"field"`
	Text  string `json:"text"` // "plan 8 periods"
}

// Article is a stocked item that a text may name.
type Article struct{ SKU, Name string }

// Find turns a text into a goal for weekly data. Articles, if given, are looked
// for by SKU and name and limit the goal to those that are named. Errors are
// faults: ErrText, ErrNoTemplate, ErrImpossible or
// ErrContradiction. It is safe for concurrent
// use.
func Find(text string, articles []Article) (Match, error) {
	if strings.TrimSpace(text) == "" || len(text) > MaxText || !utf8.ValidString(text) {
		return Match{}, ErrText
	}
	r := &reading{text: text, lower: lowered(text), used: make([]bool, len(text))}
	r.articles(articles)
	for _, rule := range allRules() {
		r.apply(rule)
	}
	if len(articles) > 0 {
		r.unknownArticles()
	}
	for _, sound := range []func() error{r.chooseTemplate, r.possible, r.conflict} {
		if err := sound(); err != nil {
			return Match{}, err
		}
	}
	return r.match(), nil
}
