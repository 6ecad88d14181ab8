package replenish

import (
	"context"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// keepingShare is the share of the time that goes into keeping all service when
// it is only preferred. Whether it can be kept at all is known much sooner, as a
// rule.
const keepingShare = 0.4

// solveGoal solves the goal as it stands. When service is only preferred and no
// plan is found that keeps it, it looks for what is worth least to give up: lost
// sales and missing safety stock join the other costs at their price, and the
// outcome's bound holds for that. Such a plan always exists.
func (d *decision) solveGoal(ctx context.Context) (solve.Outcome, error) {
	o := d.options()
	if d.goal.ServiceRule == ServiceRequired {
		return d.solve(ctx, d.form, o, thorough, true)
	}
	begin := time.Now()
	keeping := o
	keeping.TimeLimit = time.Duration(keepingShare * float64(o.TimeLimit))
	outcome, err := d.solve(ctx, d.form, keeping, thorough, true)
	if err != nil || outcome.Status != solve.InfeasibleProven && outcome.Status != solve.NoSolutionFound {
		return outcome, err
	}
	nodes := outcome.Nodes
	d.form, d.gaveUp = d.formulated(softService), true
	d.describe()
	o.TimeLimit = max(o.TimeLimit-time.Since(begin), time.Second)
	outcome, err = d.solve(ctx, d.form, o, thorough, true)
	outcome.Seconds, outcome.Nodes = time.Since(begin).Seconds(), nodes+outcome.Nodes
	return outcome, err
}
