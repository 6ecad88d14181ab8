// Package replenish decides what to order, how much, when and from whom.
//
// It owns the replenishment archetype: its tables and goal (input.go), the
// forecast it needs, the mixed-integer model, the policies it is compared with,
// its explanation and its diagnosis. It does not own files (the agent's data
// import makes Data), engines (solve), or storage of results (runs).
//
// The model is multi-item, multi-period lot sizing with lead times, order cost,
// minimum orders, packs, a budget, storage and safety stock. The checker works
// from Data and Goal and shares no code with the model builder.
package replenish

import (
	"context"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// Stage of a decision, in order.
type Stage string

// The stages.
const (
	StageForecast Stage = "forecast"
	StageCompile  Stage = "compile"
	StageSolve    Stage = "solve"
	StageCheck    Stage = "check"
	StageDiagnose Stage = "diagnose" // only when infeasible
	StageExplain  Stage = "explain"
)

// Progress of a decision.
type Progress struct {
	Stage Stage           `json:"stage"`
	Done  int             `json:"done"`  // items forecast so far, say
	Total int             `json:"total"` // 0 when unknown
	Solve *solve.Progress `json:"-"`
}

// Decider makes decisions.
type Decider struct {
	Solver  solve.Solver
	Program string // version, for the evidence
	Engine  string // to ask the Solver for; "" lets the mode choose
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Observe is told how far a decision is. It is called from one goroutine at a
// time and must not block.
type Observe func(Progress)

// A Decider's Decide method has this shape:
//
//	func (d Decider) Decide(ctx context.Context, data Data, goal Goal, observe Observe) (Result, error)
//
// An error is for broken input (a fault.Invalid with details) or for the end of
// ctx before anything was found; every other outcome is a Result with its status.
type decide func(ctx context.Context, data Data, goal Goal, observe Observe) (Result, error)

var _ decide = Decider{}.Decide
