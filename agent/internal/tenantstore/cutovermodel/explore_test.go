package cutovermodel

import (
	"fmt"
	"hash/maphash"
	"slices"
)

// steps collects what one step leads to.
type steps struct {
	next []state
	// want asks for the words of the step that leads there; only then are they made.
	want  *state
	words string
}

func (t *steps) add(n *state, words string, args ...any) {
	t.next = append(t.next, *n)
	if t.want != nil && t.words == "" && *t.want == *n {
		t.words = fmt.Sprintf(words, args...)
	}
}

// exploration is every state that was reached, in order of distance from the
// start: the first state that breaks a promise is the nearest one that does.
type exploration struct {
	model  *model
	states interned
	parent []int32 // the state from which it was reached first
	// leads lists for each state, one after another, all that a step leads to;
	// ends is where each list ends.
	leads []int32
	ends  []int32
}

// limit stops an exploration before it takes the machine's memory: some 150 bytes
// a state, its share of the table and of the steps included.
const (
	limit             = 6_000_000
	tooMany violation = "the scope has too many states"
)

// explore visits all states, breadth first, up to the first that breaks a
// promise.
func explore(m *model) (x *exploration, broken violation) {
	x = &exploration{model: m}
	start := m.start()
	x.states.number(&start)
	x.parent = append(x.parent, -1)
	var to steps
	for i := int32(0); i < x.states.count; i++ {
		if x.states.count > limit {
			return x, tooMany
		}
		s := x.states.at(i)
		if v := m.violated(s); v != "" {
			x.states.count = i + 1 // the last one is the one
			return x, v
		}
		to.next = to.next[:0]
		m.next(s, &to)
		for k := range to.next {
			n, isNew := x.states.number(&to.next[k])
			if isNew {
				x.parent = append(x.parent, i)
			}
			x.leads = append(x.leads, n)
		}
		x.ends = append(x.ends, int32(len(x.leads)))
	}
	return x, ""
}

// trace tells how the last state was reached.
func (x *exploration) trace() []string {
	var told []string
	for i := x.states.count - 1; x.parent[i] >= 0; i = x.parent[i] {
		to := steps{want: x.states.at(i)}
		x.model.next(x.states.at(x.parent[i]), &to)
		told = append(told, to.words)
	}
	slices.Reverse(told)
	return told
}

// stuck counts the states from which no steps lead to the end. States lead mostly
// to later ones, so a few passes from the back find all that do.
func (x *exploration) stuck() int {
	completes := make([]bool, x.states.count)
	left := len(completes)
	for found := true; found; {
		found = false
		for i := x.states.count - 1; i >= 0; i-- {
			if completes[i] {
				continue
			}
			var from int32
			if i > 0 {
				from = x.ends[i-1]
			}
			if x.model.done(x.states.at(i)) || slices.ContainsFunc(x.leads[from:x.ends[i]], func(n int32) bool { return completes[n] }) {
				completes[i], found = true, true
				left--
			}
		}
	}
	return left
}

// interned numbers states in the order in which they come. It is a hash table of
// numbers beside the states themselves; a map of states would keep each twice.
type interned struct {
	blocks []*[block]state
	count  int32
	table  []place // open addressing; a power of two long, at most half full
	seed   maphash.Seed
}

// place tells by its hash alone, nearly always, that it holds another state.
type place struct {
	hash   uint32
	number int32 // plus one; 0: nothing is here
}

const block = 1 << 14

func (t *interned) at(i int32) *state { return &t.blocks[i/block][i%block] }

// number is the number of s, and whether s is new.
func (t *interned) number(s *state) (number int32, isNew bool) {
	if 2*int(t.count) >= len(t.table) {
		t.grow()
	}
	hash := uint32(maphash.Comparable(t.seed, *s))
	mask := uint32(len(t.table) - 1)
	p := hash & mask
	for ; t.table[p].number > 0; p = (p + 1) & mask {
		if n := t.table[p].number - 1; t.table[p].hash == hash && *t.at(n) == *s {
			return n, false
		}
	}
	if t.count%block == 0 {
		t.blocks = append(t.blocks, new([block]state))
	}
	number = t.count
	t.count++
	t.table[p] = place{hash: hash, number: t.count}
	*t.at(number) = *s
	return number, true
}

func (t *interned) grow() {
	if t.table == nil {
		t.seed = maphash.MakeSeed()
	}
	old := t.table
	t.table = make([]place, max(1<<12, 2*len(old)))
	mask := uint32(len(t.table) - 1)
	for _, o := range old {
		if o.number == 0 {
			continue
		}
		p := o.hash & mask
		for t.table[p].number > 0 {
			p = (p + 1) & mask
		}
		t.table[p] = o
	}
}
