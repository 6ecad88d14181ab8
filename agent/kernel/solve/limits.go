package solve

import (
	"math"
	"time"
)

// What the zero values of Options mean.
const (
	DefaultTimeLimit   = 60 * time.Second
	DefaultRelativeGap = 1e-4
	DefaultMemoryMiB   = 1024
)

// Filled is o with the defaults in place of zero values and a negative gap as 0.
// It does not change the engine.
func (o Options) Filled() Options {
	if o.TimeLimit <= 0 {
		o.TimeLimit = DefaultTimeLimit
	}
	switch {
	case o.RelativeGap == 0:
		o.RelativeGap = DefaultRelativeGap
	case o.RelativeGap < 0:
		o.RelativeGap = 0
	}
	if o.MemoryMiB <= 0 {
		o.MemoryMiB = DefaultMemoryMiB
	}
	return o
}

// GapOf is the distance between a plan's objective and a proven bound, relative
// to the objective; nil when it is not a number (the objective is 0 and the
// bound is not).
func GapOf(objective, bound float64) *float64 {
	distance := math.Abs(objective - bound)
	if distance <= 1e-9*math.Max(1, math.Abs(objective)) {
		distance = 0
	}
	gap := 0.0
	if distance > 0 {
		gap = distance / math.Abs(objective)
	}
	if math.IsInf(gap, 0) || math.IsNaN(gap) {
		return nil
	}
	return &gap
}
