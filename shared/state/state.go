// Package state keeps a lifecycle as a table: code runs it, tests check it, and
// the diagrams under docs/lifecycles are drawn from it.
//
// It owns what a table must satisfy (every state reachable, no edge into a state
// without a row) and how it is drawn. It does not own any lifecycle, nor what
// happens on a transition.
package state

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dyocense/dyocense/shared/fault"
)

// Table says which event leads from which state to which.
type Table[S, E ~string] map[S]map[E]S

// Lifecycle is a checked table with its first state. It is immutable and may be
// used from many goroutines.
type Lifecycle[S, E ~string] struct {
	first S
	table Table[S, E]
}

// ErrImpossible is the fault of an event that has no place in the present state.
var ErrImpossible = fault.New(fault.Conflict, "state.impossible", "That cannot be done in the present state.")

// New checks table and panics when it is broken: lifecycles are package
// variables, so a broken one ends the program before it serves anybody.
func New[S, E ~string](first S, table Table[S, E]) Lifecycle[S, E] {
	l := Lifecycle[S, E]{first: first, table: table}
	if problems := l.problems(); len(problems) > 0 {
		panic("broken lifecycle: " + strings.Join(problems, "; "))
	}
	return l
}

// First is the state in which everything begins.
func (l Lifecycle[S, E]) First() S { return l.first }

// Next is the state after event, or ErrImpossible.
func (l Lifecycle[S, E]) Next(s S, event E) (S, error) {
	next, ok := l.table[s][event]
	if !ok {
		return s, ErrImpossible.Because(fmt.Errorf("%s in state %s", event, s))
	}
	return next, nil
}

// Allows says whether event has a place in s.
func (l Lifecycle[S, E]) Allows(s S, event E) bool {
	_, ok := l.table[s][event]
	return ok
}

// Final says whether nothing can follow s.
func (l Lifecycle[S, E]) Final(s S) bool { return len(l.table[s]) == 0 }

// Mermaid draws the table as a state diagram, the same bytes for the same table.
func (l Lifecycle[S, E]) Mermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	fmt.Fprintf(&b, "    [*] --> %s\n", l.first)
	for _, s := range slices.Sorted(maps.Keys(l.table)) {
		for _, e := range slices.Sorted(maps.Keys(l.table[s])) {
			fmt.Fprintf(&b, "    %s --> %s: %s\n", s, l.table[s][e], e)
		}
		if l.Final(s) {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	return b.String()
}

func (l Lifecycle[S, E]) problems() []string {
	var problems []string
	reached := map[S]bool{l.first: true}
	for frontier := []S{l.first}; len(frontier) > 0; frontier = frontier[1:] {
		for _, next := range l.table[frontier[0]] {
			if !reached[next] {
				reached[next] = true
				frontier = append(frontier, next)
			}
		}
	}
	for s := range reached {
		if _, ok := l.table[s]; !ok {
			problems = append(problems, fmt.Sprintf("state %q has no row", s))
		}
	}
	for s := range l.table {
		if !reached[s] {
			problems = append(problems, fmt.Sprintf("state %q cannot be reached", s))
		}
	}
	slices.Sort(problems)
	return problems
}
