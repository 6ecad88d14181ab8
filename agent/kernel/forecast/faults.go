package forecast

import (
	"math"

	"github.com/dyocense/dyocense/shared/fault"
)

// Limits of one call. They keep a wrong file from becoming an endless run.
const (
	MaxValues  = 100_000 // values in one history
	MaxHorizon = 1_000   // steps
	MaxPeriod  = 10_000  // observations in a season
	MaxSeries  = 100_000 // series in one RunAll

	// maxMagnitude keeps squares and their sums inside float64.
	maxMagnitude = 1e100
)

// What Run refuses. Every fault names the series in its details.
var (
	ErrEmpty     = fault.New(fault.Invalid, "forecast.empty_history", "The history has no values. Give at least one.")
	ErrNotFinite = fault.New(fault.Invalid, "forecast.value_not_finite", "The history contains a value that is not a usable number. Correct or remove it.")
	ErrNegative  = fault.New(fault.Invalid, "forecast.negative_demand", "The history contains a negative value, and demand cannot be negative. Correct it, or forecast without the floor at zero.")
	ErrTooLong   = fault.New(fault.TooLarge, "forecast.history_too_long", "The history has too many values. Keep the newest 100000.")
	ErrTooMany   = fault.New(fault.TooLarge, "forecast.too_many_series", "There are too many series for one call. Send at most 100000.")
	ErrHorizon   = fault.New(fault.Invalid, "forecast.horizon", "The horizon must be between 1 and 1000 steps.")
	ErrPeriod    = fault.New(fault.Invalid, "forecast.period", "The period must be between 1 (no season) and 10000 observations.")
	ErrMethod    = fault.New(fault.Invalid, "forecast.method", "This method is not known. Use auto, ets, theta, mean, croston, sba, tsb or snaive.")
)

// check refuses what no method can answer.
func check(s Series, horizon int, o Options) error {
	at := func(e *fault.Error, message string) error {
		return e.With(fault.Detail{Location: "series " + s.ID, Message: message})
	}
	switch {
	case len(s.Values) == 0:
		return at(ErrEmpty, "no values")
	case len(s.Values) > MaxValues:
		return at(ErrTooLong, count(len(s.Values), "value"))
	case horizon < 1 || horizon > MaxHorizon:
		return at(ErrHorizon, count(horizon, "step"))
	case s.Period < 1 || s.Period > MaxPeriod:
		return at(ErrPeriod, "period "+count(s.Period, "observation"))
	case !known(o.Method):
		return at(ErrMethod, "method "+string(o.Method))
	}
	demand := o.NonNegative || intermittentMethod(o.Method)
	for i, v := range s.Values {
		if math.IsNaN(v) || math.Abs(v) > maxMagnitude {
			return at(ErrNotFinite, "value "+ordinal(i))
		}
		if demand && v < 0 {
			return at(ErrNegative, "value "+ordinal(i))
		}
	}
	return nil
}

func known(m Method) bool {
	if m == "" {
		return true
	}
	for _, k := range Methods() {
		if k == m {
			return true
		}
	}
	return false
}

func intermittentMethod(m Method) bool { return m == Croston || m == SBA || m == TSB }
