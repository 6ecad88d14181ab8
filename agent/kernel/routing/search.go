package routing

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// plan is a set of tours and the customers that are in none.
type plan struct {
	tours  [][]int
	load   []int64
	tourOf []int // by customer; -1 when absent
	absent []int
	cost   int64
}

func (p *plan) clone() *plan {
	q := &plan{load: slices.Clone(p.load), tourOf: slices.Clone(p.tourOf), absent: slices.Clone(p.absent), cost: p.cost}
	q.tours = make([][]int, len(p.tours))
	for k, t := range p.tours {
		q.tours[k] = slices.Clone(t)
	}
	return q
}

// betterThan puts fewer customers left out before shorter tours.
func (p *plan) betterThan(q *plan) bool {
	if len(p.absent) != len(q.absent) {
		return len(p.absent) < len(q.absent)
	}
	return p.cost < q.cost
}

// searcher improves a plan by taking strings of neighbouring customers out of
// adjacent tours and inserting them again where they cost least, now and then
// passing over the best place; worse plans are accepted with a probability that
// falls as the search cools (Christiaens and Vanden Berghe's slack induction).
type searcher struct {
	in   *Instance
	rng  *rand.Rand
	near [][]int32 // by customer: customers in order of distance
}

const (
	removed     = 10.0 // customers taken out in one step, on average
	longest     = 10   // string taken from one tour
	blink       = 0.01 // chance to pass over a place
	nearestKept = 100
)

func newSearcher(in *Instance, seed int) *searcher {
	s := &searcher{in: in, rng: rand.New(rand.NewPCG(uint64(seed), 0x726f757465)), near: make([][]int32, in.Places())}
	for c := 1; c < in.Places(); c++ {
		others := make([]int32, 0, in.Places()-2)
		for o := 1; o < in.Places(); o++ {
			if o != c {
				others = append(others, int32(o))
			}
		}
		slices.SortFunc(others, func(a, b int32) int {
			return cmp.Or(cmp.Compare(in.Distance(c, int(a)), in.Distance(c, int(b))), cmp.Compare(a, b))
		})
		s.near[c] = slices.Clone(others[:min(len(others), nearestKept)])
	}
	return s
}

// begin makes a plan of tours; tours beyond the number of vehicles are dissolved.
func (s *searcher) begin(tours [][]int) *plan {
	slices.SortStableFunc(tours, func(a, b []int) int { return cmp.Compare(len(b), len(a)) })
	p := &plan{tourOf: make([]int, s.in.Places())}
	for _, t := range tours {
		if s.in.Vehicles > 0 && len(p.tours) == s.in.Vehicles {
			for _, c := range t {
				p.tourOf[c] = -1
			}
			p.absent = append(p.absent, t...)
			continue
		}
		var load int64
		at := 0
		for _, c := range t {
			p.tourOf[c] = len(p.tours)
			load += s.in.Demand[c]
			p.cost += s.in.Distance(at, c)
			at = c
		}
		p.cost += s.in.Distance(at, 0)
		p.tours, p.load = append(p.tours, slices.Clone(t)), append(p.load, load)
	}
	return p
}

// step is one ruin and one repair.
func (s *searcher) step(p *plan) {
	s.ruin(p)
	s.repair(p)
}

func (s *searcher) ruin(p *plan) {
	customers := s.in.Places() - 1
	average := float64(customers-len(p.absent)) / float64(max(1, len(p.tours)))
	limit := math.Max(1, math.Min(longest, average))
	strings := int(s.rng.Float64()*(4*removed/(1+limit)-1)) + 1
	seed := s.rng.IntN(customers) + 1
	touched := map[int]bool{}
	take := func(c int) {
		t := p.tourOf[c]
		if t < 0 || touched[t] {
			return
		}
		touched[t] = true
		size := len(p.tours[t])
		length := int(s.rng.Float64()*math.Min(limit, float64(size))) + 1
		s.cut(p, t, slices.Index(p.tours[t], c), min(length, size))
	}
	take(seed)
	for _, c := range s.near[seed] {
		if len(touched) >= strings {
			break
		}
		take(int(c))
	}
	s.dropEmpty(p)
}

// cut takes a string of length customers that includes position at out of tour t;
// half of the times it leaves a piece in its middle where it was.
func (s *searcher) cut(p *plan, t, at, length int) {
	tour := p.tours[t]
	keep := 0
	if length > 1 && s.rng.Float64() < 0.5 {
		for length+keep < len(tour) && s.rng.Float64() > 0.5 {
			keep++
		}
	}
	span := length + keep
	first := max(0, at-span+1)
	last := min(at, len(tour)-span)
	start := first + s.rng.IntN(last-first+1)
	keepFrom := start + span // nothing is kept
	if keep > 0 {
		keepFrom = start + 1 + s.rng.IntN(length-1)
	}
	rest := make([]int, 0, len(tour)-length)
	for k, c := range tour {
		if k < start || k >= start+span || (k >= keepFrom && k < keepFrom+keep) {
			rest = append(rest, c)
			continue
		}
		p.tourOf[c] = -1
		p.load[t] -= s.in.Demand[c]
		p.absent = append(p.absent, c)
	}
	p.cost += s.length(rest) - s.length(tour)
	p.tours[t] = rest
}

func (s *searcher) length(tour []int) int64 {
	var total int64
	at := 0
	for _, c := range tour {
		total += s.in.Distance(at, c)
		at = c
	}
	return total + s.in.Distance(at, 0)
}

func (s *searcher) dropEmpty(p *plan) {
	for t := len(p.tours) - 1; t >= 0; t-- {
		if len(p.tours[t]) > 0 {
			continue
		}
		end := len(p.tours) - 1
		p.tours[t], p.load[t] = p.tours[end], p.load[end]
		for _, c := range p.tours[t] {
			p.tourOf[c] = t
		}
		p.tours, p.load = p.tours[:end], p.load[:end]
	}
}

// repair inserts the absent customers, in one of four orders.
func (s *searcher) repair(p *plan) {
	todo := p.absent
	p.absent = nil
	s.rng.Shuffle(len(todo), func(a, b int) { todo[a], todo[b] = todo[b], todo[a] })
	var by func(a, b int) int
	switch pick := s.rng.IntN(11); {
	case pick < 4: // as shuffled
	case pick < 8:
		by = func(a, b int) int { return cmp.Compare(s.in.Demand[b], s.in.Demand[a]) }
	case pick < 10:
		by = func(a, b int) int { return cmp.Compare(s.in.Distance(0, b), s.in.Distance(0, a)) }
	default:
		by = func(a, b int) int { return cmp.Compare(s.in.Distance(0, a), s.in.Distance(0, b)) }
	}
	if by != nil {
		slices.SortStableFunc(todo, by)
	}
	for _, c := range todo {
		s.insert(p, c)
	}
}

func (s *searcher) insert(p *plan, c int) {
	best, bestTour, bestAt := int64(math.MaxInt64), -1, 0
	for t, tour := range p.tours {
		if p.load[t]+s.in.Demand[c] > s.in.Capacity {
			continue
		}
		before := 0
		for at := 0; at <= len(tour); at++ {
			after := 0
			if at < len(tour) {
				after = tour[at]
			}
			extra := s.in.Distance(before, c) + s.in.Distance(c, after) - s.in.Distance(before, after)
			if extra < best && s.rng.Float64() >= blink {
				best, bestTour, bestAt = extra, t, at
			}
			before = after
		}
	}
	// A tour of its own is a choice only when nothing else fits: tours are added
	// by need and emptied by the search.
	if bestTour < 0 {
		if s.in.Vehicles > 0 && len(p.tours) >= s.in.Vehicles {
			p.absent = append(p.absent, c)
			return
		}
		p.tours, p.load = append(p.tours, nil), append(p.load, 0)
		bestTour, best = len(p.tours)-1, s.in.Distance(0, c)+s.in.Distance(c, 0)
	}
	p.tours[bestTour] = slices.Insert(p.tours[bestTour], bestAt, c)
	p.load[bestTour] += s.in.Demand[c]
	p.tourOf[c] = bestTour
	p.cost += best
}
