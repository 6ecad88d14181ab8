// Package trigeiro reads multi-item capacitated lot-sizing instances with set-up
// times in the format of Trigeiro, Thomas and McClain and makes them models.
//
// The formulation is the facility-location one: which share of each demand is made
// in which period. It is tight, where the one with stock variables is not. There
// is no initial stock, no overtime and no back-order.
package trigeiro

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/shared/fault"
)

// ErrSyntax says what does not fit the format.
var ErrSyntax = fault.New(fault.Invalid, "trigeiro.syntax", "The lot-sizing file cannot be read.")

// Limits of an instance.
const (
	maxItems   = 10_000
	maxPeriods = 1_000
	maxShares  = 2_000_000
)

// Instance is one lot-sizing problem.
type Instance struct {
	Items    []Item
	Capacity float64     // of each period, in units of time
	Demand   [][]float64 // by item, then period
}

// Item that can be made.
type Item struct {
	Time      float64 // to make one
	Holding   float64 // to keep one for one period
	SetupTime float64
	SetupCost float64
}

// Read reads one instance. The numbers end at the first word that is none; the
// text after it is a legend.
func Read(r io.Reader) (*Instance, error) {
	text, err := io.ReadAll(io.LimitReader(r, 64<<20))
	if err != nil {
		return nil, ErrSyntax.Because(err)
	}
	n := numbers{words: strings.Fields(string(text))}
	items, periods := n.count("items", maxItems), n.count("periods", maxPeriods)
	n.next("unit production cost") // the same for all: it decides nothing
	in := &Instance{Capacity: n.next("capacity")}
	if n.err == nil && items*periods*periods > maxShares {
		return nil, ErrSyntax.Saying("%d items and %d periods are too many.", items, periods)
	}
	for i := 0; i < items && n.err == nil; i++ {
		in.Items = append(in.Items, Item{n.next("production time"), n.next("holding cost"), n.next("set-up time"), n.next("set-up cost")})
	}
	in.Demand = make([][]float64, items)
	for t := 0; t < periods && n.err == nil; t++ {
		for i := range in.Demand {
			in.Demand[i] = append(in.Demand[i], n.next(fmt.Sprintf("demand of item %d in period %d", i+1, t+1)))
		}
	}
	if n.err != nil {
		return nil, ErrSyntax.Saying("The lot-sizing file cannot be read: %v.", n.err)
	}
	return in, nil
}

// numbers takes numbers off a list of words; after an error it gives zeros.
type numbers struct {
	words []string
	at    int
	err   error
}

func (n *numbers) next(what string) float64 {
	if n.err != nil {
		return 0
	}
	if n.at >= len(n.words) {
		n.err = fmt.Errorf("it ends before the %s", what)
		return 0
	}
	v, err := strconv.ParseFloat(n.words[n.at], 64)
	if err != nil || v < 0 || v > 1e12 || math.IsNaN(v) {
		n.err = fmt.Errorf("word %d, the %s, is %q and not a number from 0 to 1e12", n.at+1, what, n.words[n.at])
		return 0
	}
	n.at++
	return v
}

func (n *numbers) count(what string, most int) int {
	v := n.next("number of " + what)
	if n.err == nil && (v != math.Trunc(v) || v < 1 || v > float64(most)) {
		n.err = fmt.Errorf("the number of %s is %v; 1 to %d are accepted", what, v, most)
	}
	if n.err != nil {
		return 0
	}
	return int(v)
}

// Model is the facility-location formulation.
func (in *Instance) Model(name string) *model.Model {
	var b model.Builder
	periods := 0
	if len(in.Demand) > 0 {
		periods = len(in.Demand[0])
	}
	load := make([][]model.Term, periods) // of the capacity
	for i, item := range in.Items {
		setup := make([]int32, periods)
		for s := range setup {
			setup[s] = b.Col(fmt.Sprintf("setup(%d,%d)", i+1, s+1), 0, 1, item.SetupCost, true)
			load[s] = append(load[s], model.Term{Col: setup[s], Coef: item.SetupTime})
		}
		for t, demand := range in.Demand[i] {
			if demand == 0 {
				continue
			}
			var shares []model.Term
			for s := 0; s <= t; s++ {
				label := fmt.Sprintf("(%d,%d,%d)", i+1, s+1, t+1)
				share := b.Col("share"+label, 0, 1, item.Holding*float64(t-s)*demand, false)
				shares = append(shares, model.Term{Col: share, Coef: 1})
				load[s] = append(load[s], model.Term{Col: share, Coef: item.Time * demand})
				b.Row("setup", "setup"+label, -model.Inf, 0, model.Term{Col: share, Coef: 1}, model.Term{Col: setup[s], Coef: -1})
			}
			b.Row("demand", fmt.Sprintf("demand(%d,%d)", i+1, t+1), 1, 1, shares...)
		}
	}
	for s, terms := range load {
		b.Row("capacity", fmt.Sprintf("capacity(%d)", s+1), -model.Inf, in.Capacity, terms...)
	}
	return b.Build(name)
}
