package forecast

import "math"

// season is how a season enters a model.
type season int

const (
	noSeason season = iota
	additive
	multiplicative
)

// etsForm is one member of the family: error, trend and season.
type etsForm struct {
	relativeError bool // errors in proportion to the level
	trend, damped bool
	season        season
}

// String is the usual short name, "MAdM".
func (f etsForm) String() string {
	name := "A"
	if f.relativeError {
		name = "M"
	}
	switch {
	case f.damped:
		name += "Ad"
	case f.trend:
		name += "A"
	default:
		name += "N"
	}
	return name + [...]string{"N", "A", "M"}[f.season]
}

// etsModel is a fitted form: its parameters and its state after the history.
type etsModel struct {
	form                    etsForm
	alpha, beta, gamma, phi float64 // beta and gamma as steps, not as fractions of alpha
	level, slope            float64
	seasonal                []float64 // the next season, oldest first
	residuals               []float64 // one step ahead; relative where the form says so
	parameters              int
	criterion               float64 // corrected AIC, up to a constant of the series
	scale                   float64 // the history was divided by it
}

// point is the forecast without shocks.
func (m *etsModel) point(out []float64) {
	level, slope := m.level, m.slope
	for i := range out {
		q := level + m.phi*slope
		level, slope = q, m.phi*slope
		out[i] = m.scale * m.withSeason(q, i)
	}
}

func (m *etsModel) withSeason(q float64, step int) float64 {
	switch m.form.season {
	case additive:
		return q + m.seasonal[step%len(m.seasonal)]
	case multiplicative:
		return q * m.seasonal[step%len(m.seasonal)]
	}
	return q
}

// Forms with relative errors or a multiplicative season live above zero, and
// over hundreds of steps a few of their futures would leave every bound. These
// hold them, in units of the mean of the history.
const (
	lowestLevel  = 1e-6
	highestLevel = 1e6
)

// path is one future: the model run forward with the given shocks.
func (m *etsModel) path(shocks, out, scratch []float64) {
	level, slope := m.level, m.slope
	ring := scratch[:len(m.seasonal)]
	copy(ring, m.seasonal)
	k := 0
	positive := m.form.relativeError || m.form.season == multiplicative
	for i, shock := range shocks {
		q := level + m.phi*slope
		if positive {
			q = min(max(q, lowestLevel), highestLevel)
		}
		s := 0.0
		expected := q
		switch m.form.season {
		case additive:
			s = ring[k]
			expected = q + s
		case multiplicative:
			s = ring[k]
			expected = q * s
		}
		if m.form.relativeError {
			shock *= expected
		}
		innovation := shock // of the level
		if m.form.season == multiplicative {
			innovation = shock / s
		}
		level = q + m.alpha*innovation
		slope = m.phi*slope + m.beta*innovation
		switch m.form.season {
		case additive:
			ring[k] = s + m.gamma*shock
		case multiplicative:
			ring[k] = max(s+m.gamma*shock/q, 1e-3)
		}
		if k++; k >= len(ring) {
			k = 0
		}
		out[i] = m.scale * (expected + shock)
	}
}

func (m *etsModel) errors() ([]float64, int) {
	dynamics := 1
	if m.form.trend {
		dynamics++
	}
	if m.form.season != noSeason {
		dynamics++
	}
	return m.residuals, dynamics + 1
}

func (m *etsModel) memory() int { return len(m.seasonal) }

// shockFloor is the smallest shock that path may be given.
func (m *etsModel) shockFloor() float64 {
	if m.form.relativeError {
		return -0.95 // a value cannot fall by more than all of itself
	}
	return math.Inf(-1)
}
