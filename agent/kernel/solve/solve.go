// Package solve runs a model on an engine and says honestly what came of it.
//
// It owns statuses, options, progress and the Solver interface. Engines live in
// sub-packages; each solve runs in a worker child process (worker), and no
// outcome is believed before kernel/check has re-evaluated it.
package solve

import (
	"context"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/model"
)

// Status is how a solve ended. There is no status for a plan that was made up.
type Status string

// The statuses.
const (
	Optimal           Status = "optimal"            // within the wanted gap, proven, checked
	Feasible          Status = "feasible"           // checked, gap open (see Gap)
	InfeasibleProven  Status = "infeasible_proven"  // no plan can exist
	NoSolutionFound   Status = "no_solution_found"  // the time was too short to know
	Unbounded         Status = "unbounded"          // the objective has no end: something is missing
	InvalidInput      Status = "invalid_input"      // the model cannot be read
	Cancelled         Status = "cancelled"          // asked to stop before anything was found
	EngineUnavailable Status = "engine_unavailable" // the engine is not installed
	EngineCrash       Status = "engine_crash"       // the worker died; Detail has its last words
)

// HasPlan says whether X holds a solution.
func (s Status) HasPlan() bool { return s == Optimal || s == Feasible }

// Options of one solve. The zero value means: default engine, 60 s, gap 1e-4,
// seed 0, 1 GiB.
type Options struct {
	Engine      string        // "highs-embedded"; "" lets the mode choose
	TimeLimit   time.Duration // of the engine's search
	RelativeGap float64       // stop when (incumbent - bound)/|incumbent| is at most this; negative means 0
	Seed        int
	MemoryMiB   int
}

// Progress is what is known while an engine works. Bound and Objective are nil
// until there is one.
type Progress struct {
	Elapsed   time.Duration
	Objective *float64 // of the best plan so far
	Bound     *float64 // no plan can be better
	Gap       *float64 // relative
	Nodes     int64
}

// Outcome of one solve.
type Outcome struct {
	Status        Status
	X             []float64 // one a column, only if Status.HasPlan()
	Objective     float64   // of X, in the model's sense, constant included
	Bound         *float64  // best proven bound
	Gap           *float64  // relative, nil without bound or plan
	Stopped       string    // why a search ended early: "", "time_limit", "cancelled", "memory_limit"
	Engine        string
	EngineVersion string
	Seconds       float64 // wall time of the engine
	Nodes         int64
	Detail        string // for people: the engine's reason, scrubbed of paths
	Checked       bool   // kernel/check re-evaluated X against the model and found it right
}

// Solver runs models.
type Solver interface {
	// Solve runs m until it is solved, the limit is reached or ctx ends; a plan
	// found before the end of ctx is kept (Feasible, Stopped "cancelled"). Errors
	// are for broken use only: what an engine says or does is a Status.
	// observe, if not nil, is called from one goroutine at a time.
	Solve(ctx context.Context, m *model.Model, o Options, observe func(Progress)) (Outcome, error)
}
