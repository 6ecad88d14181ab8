package forecast

import (
	"fmt"
	"slices"
)

// shortest history from which Mean is trusted; below it Theta alone.
const minimumMean = 10

// choice is a method with the reason for it.
type choice struct {
	method Method
	values []float64 // what to forecast from
	period int
	note   string
}

// choose settles the method, the season and the words for both.
func choose(s Series, o Options) choice {
	c := choice{method: o.Method, values: s.Values, period: s.Period}
	if c.method == "" || c.method == Auto {
		unsold := beforeLaunch(s.Values)
		c.values = s.Values[unsold:]
		c.method, c.note = chooseAuto(c.values, s.Period)
		if unsold > 0 {
			c.note += fmt.Sprintf("; the first %d values are zero and taken as before the first sale", unsold)
		}
	} else {
		c.note = fmt.Sprintf("%s, as asked", c.method)
	}
	n := len(c.values)
	needed := map[Method]int{Theta: minimumTheta, ETS: minimumETS, Mean: minimumETS}[c.method]
	if n < needed {
		c.note = fmt.Sprintf("%s of history are too few for %s, which needs %d: the last value is repeated", count(n, "value"), c.method, needed)
		c.method = SeasonalNaive
	}
	if intermittentMethod(c.method) {
		if c.period > 1 {
			c.note += "; seasons are not part of this method"
		}
		c.period = 1
		return c
	}
	if c.period > 1 && !enoughForSeason(c.method, n, c.period) {
		c.note += fmt.Sprintf("; %s of history are too short for a season of %d", count(n, "value"), c.period)
		c.period = 1
	}
	return c
}

// enoughForSeason: two seasons to estimate one, or one and a few to repeat it.
func enoughForSeason(m Method, n, period int) bool {
	if m == SeasonalNaive {
		return n >= period+minimumSpread
	}
	if m != Theta && period < longSeason {
		return n > 2*period
	}
	return n >= 2*period
}

// beforeLaunch is the number of leading zeros that are more than the usual gap
// between demands: the item was not sold yet, and they say nothing about it.
func beforeLaunch(values []float64) int {
	first := slices.IndexFunc(values, func(v float64) bool { return v != 0 })
	if first < 4 || float64(first) < 3*profile(values[first:]).interval {
		return 0
	}
	return first
}

func chooseAuto(values []float64, period int) (Method, string) {
	n := len(values)
	if n < minimumTheta {
		return SeasonalNaive, fmt.Sprintf("%s of history say only where demand stands now: the last value is repeated", count(n, "value"))
	}
	if constant(values) {
		if values[0] == 0 {
			return TSB, "there is no demand in the history"
		}
		return SeasonalNaive, "every value of the history is the same, so no other is expected"
	}
	if p := profile(values); smallest(values) >= 0 && p.intermittent() {
		kind := "intermittent"
		if p.variation >= erraticVariation {
			kind = "lumpy"
		}
		words := fmt.Sprintf("%s demand: one period in %.1f has any", kind, p.interval)
		if p.dying() {
			return TSB, fmt.Sprintf("%s, and none for the last %d: it may be dying out", words, p.silence)
		}
		if intermittentRate(SBA, values, p).squares < intermittentRate(TSB, values, p).squares {
			return SBA, words
		}
		return TSB, words
	}
	if n < minimumMean {
		return Theta, fmt.Sprintf("%s of history are too few for more than a level and a trend", count(n, "value"))
	}
	if period > 1 && n >= 2*period {
		return Mean, fmt.Sprintf("%s of history cover %.1f seasons: the mean of two methods is safer than either", count(n, "value"), float64(n)/float64(period))
	}
	return Mean, fmt.Sprintf("%s of history: the mean of two methods is safer than either", count(n, "value"))
}
