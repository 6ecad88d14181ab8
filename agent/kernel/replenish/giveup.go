package replenish

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// solveGoal solves the goal as it stands. When service is only preferred and no
// plan can keep it, it looks for what is worth least to give up.
func (d *decision) solveGoal(ctx context.Context) (solve.Outcome, error) {
	o := d.options()
	if d.goal.ServiceRule == ServicePreferred {
		o.TimeLimit /= 2
	}
	begin := time.Now()
	outcome, err := d.solve(ctx, d.form, o, true)
	if err != nil || d.goal.ServiceRule == ServiceRequired {
		return outcome, err
	}
	if outcome.Status != solve.InfeasibleProven && outcome.Status != solve.NoSolutionFound {
		return outcome, nil
	}
	return d.giveUp(ctx, outcome, begin)
}

// shares of what the limits seem to allow, tried in this order: whole packs and
// minimum orders make the first ones impossible now and then, the last never is.
var shares = [...]float64{1, 0.97, 0.94, 0.9, 0.85, 0.75, 0.6, 0.4, 0}

// giveUp relaxes the service rule at its price and lets setups and packs be
// fractions; that gives a bound, and tells how much of each item fits the limits.
// That much, or a little less, is then required, which is the tight model again.
func (d *decision) giveUp(ctx context.Context, before solve.Outcome, begin time.Time) (solve.Outcome, error) {
	left := func() time.Duration { return d.options().TimeLimit - time.Since(begin) }
	soft := formulate(d.data, d.goal, d.needs, ruleService)
	relaxed := *soft.model
	relaxed.Integer = make([]bool, relaxed.Cols())
	o := d.options()
	o.TimeLimit = max(left(), time.Second)
	fits, err := d.Solver.Solve(ctx, &relaxed, o, nil)
	if err != nil {
		return fits, fmt.Errorf("solve for the least to give up: %w", err)
	}
	if !fits.Status.HasPlan() {
		return fits, nil
	}
	out, nodes := before, before.Nodes+fits.Nodes
	for _, share := range shares {
		d.form, d.gaveUp = soft.given(fits.X, share), true
		o := d.options()
		o.TimeLimit = max(left()/3, time.Second)
		if out, err = d.solve(ctx, d.form, o, true); err != nil {
			return out, err
		}
		nodes += out.Nodes
		if out.Status.HasPlan() || ctx.Err() != nil || out.Status == solve.NoSolutionFound && left() < time.Second {
			break // a lower share would only be easier to find, not better
		}
	}
	// What the whole costs is stated by the check; the bound is that of giving up.
	out.Bound, out.Gap = nil, nil
	if out.Status.HasPlan() {
		out.Status = solve.Feasible
	}
	if fits.Status == solve.Optimal {
		bound := fits.Objective
		out.Bound = &bound
	}
	out.Seconds, out.Nodes = time.Since(begin).Seconds(), nodes
	return out, nil
}

// given is the tight model in which a share of what a relaxation has ordered by
// each period is required, as far as it was required before; what that loses is
// lost. A plan of it loses no more.
func (f *formulation) given(x []float64, share float64) formulation {
	orders := make([][]float64, len(f.needs))
	needs := append([]need(nil), f.needs...)
	for i := range needs {
		n := &needs[i]
		orders[i] = make([]float64, len(n.packs))
		if f.items[i].packs == nil {
			continue
		}
		n.packs = append([]float64(nil), n.packs...)
		before := 0.0
		for o, col := range f.items[i].packs {
			n.packs[o] = math.Max(before, math.Min(n.packs[o], math.Floor(share*x[col]+1e-6)))
			orders[i][o] = (n.packs[o] - before) * n.pack
			before = n.packs[o]
		}
	}
	lost := f.solution(orders)
	for i := range needs {
		n, c := &needs[i], &f.items[i]
		if c.packs == nil {
			continue
		}
		n.net = append([]float64(nil), n.net...)
		for o := range n.net {
			n.net[o] += lost[c.lost[o]]
		}
		n.limitShelf()
	}
	return formulate(f.data, f.goal, needs, "")
}
