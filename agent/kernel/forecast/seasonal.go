package forecast

import "math"

// longSeason is the period from which on a season is described by a few
// harmonics and taken out first: one free number a week would be guesswork.
const longSeason = 25

// seasonalIndices is the classical decomposition: ratios to, or differences
// from, a centred moving average, averaged by position and normalised to mean
// one or zero. values must cover two seasons.
func seasonalIndices(values []float64, period int, kind season) []float64 {
	n, half := len(values), period/2
	sums, counts := make([]float64, period), make([]float64, period)
	for t := half; t < n-half; t++ {
		centre := 0.0
		if period%2 == 0 {
			centre = (values[t-half] + values[t+half]) / 2
			for _, v := range values[t-half+1 : t+half] {
				centre += v
			}
		} else {
			for _, v := range values[t-half : t+half+1] {
				centre += v
			}
		}
		centre /= float64(period)
		if kind == multiplicative {
			if centre <= 0 {
				continue
			}
			sums[t%period] += values[t] / centre
		} else {
			sums[t%period] += values[t] - centre
		}
		counts[t%period]++
	}
	indices := make([]float64, period)
	for i := range indices {
		if counts[i] > 0 {
			indices[i] = sums[i] / counts[i]
		} else if kind == multiplicative {
			indices[i] = 1
		}
	}
	normalise(indices, kind)
	return indices
}

func normalise(indices []float64, kind season) {
	mean := average(indices)
	for i := range indices {
		if kind == multiplicative {
			if mean > 0 {
				indices[i] /= mean
			}
			indices[i] = max(indices[i], 1e-2)
		} else {
			indices[i] -= mean
		}
	}
}

// deseasonalised takes the indices out of values.
func deseasonalised(values, indices []float64, kind season) []float64 {
	out := make([]float64, len(values))
	for t, v := range values {
		if kind == multiplicative {
			out[t] = v / indices[t%len(indices)]
		} else {
			out[t] = v - indices[t%len(indices)]
		}
	}
	return out
}

// hasSeason tests the autocorrelation at the period against what the lags below
// it explain, at the one-sided 5 % level.
func hasSeason(values []float64, period int) bool {
	n := len(values)
	if period < 2 || n < 2*period || constant(values) {
		return false
	}
	mean := average(values)
	total := variance(values) * float64(n)
	correlation := func(lag int) float64 {
		sum := 0.0
		for t := lag; t < n; t++ {
			sum += (values[t] - mean) * (values[t-lag] - mean)
		}
		return sum / total
	}
	below := 0.0
	for lag := 1; lag < period; lag++ {
		r := correlation(lag)
		below += r * r
	}
	limit := 1.645 * math.Sqrt((1+2*below)/float64(n))
	return correlation(period) > limit
}

// adjustment is a season taken out of a history before fitting, and put back
// into every forecast.
type adjustment struct {
	kind    season
	indices []float64 // by position in the season, from the first value on
}

// adjust decides whether the history has a season that can be known, and takes
// it out: by decomposition, or by harmonics where the season is long.
func adjust(values []float64, period int) (adjustment, []float64) {
	if period < longSeason {
		if !hasSeason(values, period) {
			return adjustment{}, values
		}
		kind := multiplicative
		if smallest(values) <= 0 {
			kind = additive
		}
		indices := seasonalIndices(values, period, kind)
		if kind == multiplicative && smallest(indices) <= 1e-2 {
			kind = additive
			indices = seasonalIndices(values, period, kind)
		}
		return adjustment{kind, indices}, deseasonalised(values, indices, kind)
	}
	return adjustLong(values, period)
}

// apply puts the season back; the forecast begins at position start.
func (a adjustment) apply(out []float64, start int) {
	switch a.kind {
	case additive:
		for i := range out {
			out[i] += a.indices[(start+i)%len(a.indices)]
		}
	case multiplicative:
		for i := range out {
			out[i] *= a.indices[(start+i)%len(a.indices)]
		}
	}
}

// adjustLong fits a line and as many pairs of harmonics as the corrected AIC
// pays for, on logarithms where all values are positive. The harmonics are
// kept only if the history also repeats itself from season to season: a level
// that merely drifts looks like a slow harmonic.
func adjustLong(values []float64, period int) (adjustment, []float64) {
	if len(values) < 2*period {
		return adjustment{}, values
	}
	kind, work := additive, values
	if smallest(values) > 0.01*average(values) {
		kind = multiplicative
		work = make([]float64, len(values))
		for i, v := range values {
			work[i] = math.Log(v)
		}
	}
	intercept, slope := line(work)
	detrended := make([]float64, len(work))
	for i, v := range work {
		detrended[i] = v - intercept - slope*float64(i+1)
	}
	if smoothed := smooth(detrended, max(1, period/12)); !repeats(smoothed, period) {
		return adjustment{}, values
	}
	indices := harmonics(work, period)
	if indices == nil {
		return adjustment{}, values
	}
	if kind == multiplicative {
		for i, v := range indices {
			indices[i] = math.Exp(v)
		}
	}
	normalise(indices, kind)
	return adjustment{kind, indices}, deseasonalised(values, indices, kind)
}

// smooth is a centred moving average of the given half width, shorter at the ends.
func smooth(v []float64, half int) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = average(v[max(0, i-half):min(len(v), i+half+1)])
	}
	return out
}

// repeats says whether values one season apart go together: the plain
// correlation of the overlapping parts is at least 0.5.
func repeats(v []float64, period int) bool {
	before, after := v[:len(v)-period], v[period:]
	mb, ma := average(before), average(after)
	var cross, sb, sa float64
	for i := range before {
		cross += (before[i] - mb) * (after[i] - ma)
		sb += (before[i] - mb) * (before[i] - mb)
		sa += (after[i] - ma) * (after[i] - ma)
	}
	if sb == 0 || sa == 0 {
		return false
	}
	return cross/math.Sqrt(sb*sa) >= 0.5
}
