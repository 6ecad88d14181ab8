package routing

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// Name and Version of the engine in outcomes.
const (
	Name    = "routing-embedded"
	Version = "1"
)

// stepsPerCycle is how many steps one cooling takes; after quietCycles without a
// better plan the search is over, whatever time is left. Both make a run that is
// not cut by its time limit depend on its seed only.
const (
	stepsPerCycle = 300_000
	quietCycles   = 2
	askEvery      = 256 // steps between two looks at the clock
)

// Result of a search: an outcome, and its tours (customers in order, the depot
// left out, places as in Instance).
type Result struct {
	solve.Outcome
	Tours [][]int
}

// Solve searches until it stops getting better, o.TimeLimit, or the end of ctx;
// what was found is kept. o.Seed chooses the random numbers; other options are of
// no use here. Plans are checked before they are handed out. observe may be nil.
func Solve(ctx context.Context, in *Instance, o solve.Options, observe func(solve.Progress)) Result {
	started := time.Now()
	r := Result{Outcome: solve.Outcome{Engine: Name, EngineVersion: Version}}
	if why := impossible(in); why != "" {
		r.Status, r.Detail = solve.InfeasibleProven, why
		return r
	}
	best, stopped := search(ctx, in, o.Filled(), started, observe)
	r.Stopped = stopped
	r.Seconds = time.Since(started).Seconds()
	if len(best.absent) > 0 {
		r.Status, r.Detail = solve.NoSolutionFound, fmt.Sprintf("%d customers fit into no tour of the %d vehicles", len(best.absent), in.Vehicles)
		return r
	}
	cost, err := Check(in, best.tours)
	if err != nil || cost != best.cost {
		r.Status, r.Detail = solve.EngineCrash, fmt.Sprintf("the tours did not pass the check: %v (%d, claimed %d)", err, cost, best.cost)
		return r
	}
	r.Status, r.Objective, r.Checked, r.Tours = solve.Feasible, float64(cost), true, best.tours
	if in.Places() <= 2 || cost == 0 {
		// With one customer there is one plan, and nothing is cheaper than nothing.
		r.Status, r.Stopped = solve.Optimal, ""
		bound := r.Objective
		r.Bound, r.Gap = &bound, solve.GapOf(bound, bound)
	}
	return r
}

// impossible says why no plan can exist; "" when nothing is known.
func impossible(in *Instance) string {
	var total int64
	for c, q := range in.Demand {
		if q > in.Capacity {
			return fmt.Sprintf("customer %d needs %d and a vehicle carries %d", c, q, in.Capacity)
		}
		total += q
	}
	if in.Vehicles > 0 && total > int64(in.Vehicles)*in.Capacity {
		return fmt.Sprintf("the customers need %d and %d vehicles carry %d", total, in.Vehicles, int64(in.Vehicles)*in.Capacity)
	}
	return ""
}

func search(ctx context.Context, in *Instance, o solve.Options, started time.Time, observe func(solve.Progress)) (best *plan, stopped string) {
	s := newSearcher(in, o.Seed)
	now := s.begin(savings(in))
	best = now.clone()
	tell(best, started, observe)
	if in.Places() <= 2 {
		return best, ""
	}
	hot := math.Max(1, float64(best.cost)/float64(in.Places())/2)
	told := time.Now()
	for quiet := 0; quiet < quietCycles; quiet++ {
		before := *best
		warmth := hot
		cooling := math.Pow(math.Min(1, 0.5/hot), 1.0/stepsPerCycle)
		for step := range stepsPerCycle {
			if step%askEvery == 0 {
				if ctx.Err() != nil {
					return best, "cancelled"
				}
				if time.Since(started) >= o.TimeLimit {
					return best, "time_limit"
				}
				if time.Since(told) >= time.Second {
					told = time.Now()
					tell(best, started, observe)
				}
			}
			next := now.clone()
			s.step(next)
			worse := float64(next.cost - now.cost)
			if len(next.absent) < len(now.absent) || len(next.absent) == len(now.absent) && worse < -warmth*math.Log(1-s.rng.Float64()) {
				now = next
				if next.betterThan(best) {
					best = next.clone()
				}
			}
			warmth *= cooling
		}
		if best.betterThan(&before) {
			quiet = -1
		}
		now = best.clone()
		hot = math.Max(1, hot/2) // later cycles stay nearer to the best plan
		tell(best, started, observe)
	}
	return best, ""
}

func tell(best *plan, started time.Time, observe func(solve.Progress)) {
	if observe == nil || len(best.absent) > 0 {
		return
	}
	cost := float64(best.cost)
	observe(solve.Progress{Elapsed: time.Since(started), Objective: &cost})
}

// Sorted is the tours in a stable order: by their first customer.
func Sorted(tours [][]int) [][]int {
	out := slices.Clone(tours)
	slices.SortFunc(out, func(a, b []int) int { return slices.Compare(a, b) })
	return out
}
