package forecast

import "math"

// naiveModel repeats the last season; with period 1, the last value.
type naiveModel struct {
	last      []float64 // the last season, oldest first
	residuals []float64
}

func fitNaive(values []float64, period int) *naiveModel {
	n := len(values)
	m := &naiveModel{last: values[n-period:]}
	for t := period; t < n; t++ {
		m.residuals = append(m.residuals, values[t]-values[t-period])
	}
	return m
}

// guessSpread replaces the errors of a history too short to have any worth the
// name: as if values varied by the given fraction of their size.
func (m *naiveModel) guessSpread(values []float64, fraction float64) {
	size := meanSize(values)
	if constant(values) && values[0] == 0 {
		size = 0
	}
	m.residuals = []float64{-fraction * size, fraction * size}
}

func (m *naiveModel) point(out []float64) {
	for i := range out {
		out[i] = m.last[i%len(m.last)]
	}
}

func (m *naiveModel) path(shocks, out, _ []float64) {
	for i, shock := range shocks {
		if i < len(m.last) {
			out[i] = m.last[i] + shock
		} else {
			out[i] = out[i-len(m.last)] + shock
		}
	}
}

func (m *naiveModel) errors() ([]float64, int) { return m.residuals, 0 }
func (m *naiveModel) memory() int              { return 0 }
func (m *naiveModel) shockFloor() float64      { return math.Inf(-1) }
