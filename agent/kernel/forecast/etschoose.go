package forecast

import (
	"context"
	"math"
)

// minimumETS is the shortest history for which the corrected AIC of the
// smallest form exists.
const minimumETS = 6

// chooseETS fits the admissible forms and keeps the one with the smallest
// corrected AIC whose forecast stays within reason. It answers nil when no form
// can be fitted: the caller then says so and takes a simpler method.
func chooseETS(ctx context.Context, values []float64, period, horizon int) (*etsModel, error) {
	if period < 2 || len(values) < 2*period+1 {
		period = 1
	}
	fitter := newETSFitter(values, period)
	var best *etsModel
	for _, form := range admissible(fitter.y, period) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		layout := fitter.layout(form)
		if penalty(len(values), layout.size) == math.Inf(1) {
			continue
		}
		m := fitter.fit(layout)
		if m == nil || (best != nil && m.criterion >= best.criterion) {
			continue
		}
		if m.stable() && m.reasonable(fitter.y, horizon) {
			best = m
		}
	}
	return best, nil
}

// admissible lists the forms worth trying: relative errors and multiplicative
// seasons need values above zero, and a multiplicative season with additive
// errors is left out because its variance is unbounded.
func admissible(y []float64, period int) []etsForm {
	positive := smallest(y) > 1e-4
	var forms []etsForm
	for _, trend := range []etsForm{{}, {trend: true}, {trend: true, damped: true}} {
		forms = append(forms, trend)
		if positive {
			relative := trend
			relative.relativeError = true
			forms = append(forms, relative)
		}
		if period == 1 {
			continue
		}
		seasonal := trend
		seasonal.season = additive
		forms = append(forms, seasonal)
		if positive {
			seasonal.relativeError = true
			forms = append(forms, seasonal)
			seasonal.season = multiplicative
			forms = append(forms, seasonal)
		}
	}
	return forms
}

// penalty of the corrected AIC for the free numbers of a form and its variance.
func penalty(n, free int) float64 {
	k := float64(free + 1)
	rest := float64(n) - k - 1
	if rest <= 0 {
		return math.Inf(1)
	}
	return 2*k + 2*k*(k+1)/rest
}

// fit finds the most likely member of a form, or nil where there is none.
func (f *etsFitter) fit(l *etsLayout) *etsModel {
	u := make([]float64, l.size)
	u[0] = -1 // alpha near 0.27
	if l.beta >= 0 {
		u[l.beta] = -2
	}
	if l.gamma >= 0 {
		u[l.gamma] = -3
	}
	if l.phi >= 0 {
		u[l.phi] = 2
	}
	n := len(f.y)
	value := descend(func(x, gradient []float64) float64 { return f.loss(l, x, gradient) }, u, 0.005/float64(n), 60)
	if math.IsInf(value, 1) {
		return nil
	}
	p := l.decode(u, f.ring)
	if _, _, ok := f.forward(l.form, p, f.ring); !ok {
		return nil
	}
	m := &etsModel{
		form: l.form, alpha: p.alpha, beta: p.beta, gamma: p.gamma, phi: p.phi,
		level: f.endLevel, slope: f.endSlope, parameters: l.size,
		criterion: float64(n)*value + penalty(n, l.size), scale: f.scale,
		residuals: make([]float64, n),
	}
	if l.form.season != noSeason {
		m.seasonal = make([]float64, f.period)
		for i := range m.seasonal {
			m.seasonal[i] = f.ring[(n+i)%f.period]
		}
	}
	for t, y := range f.y {
		m.residuals[t] = y - f.expected[t]
		if l.form.relativeError {
			m.residuals[t] /= f.expected[t]
		}
	}
	return m
}

// stable says whether the influence of a state on later errors fades. It runs
// the recursion of the errors from a disturbed state for many seasons; a form
// that remembers its start for ever, or amplifies it, is not to be trusted.
func (m *etsModel) stable() bool {
	period := max(1, len(m.seasonal))
	ring := make([]float64, period)
	for i := range ring {
		ring[i] = math.Cos(float64(3*i + 1))
	}
	if m.form.season == noSeason {
		ring[0] = 0
	}
	level, slope := 1.0, 0.5
	for t := range 60 * period {
		k := t % period
		q := level + m.phi*slope
		e := -(q + ring[k])
		level, slope = q+m.alpha*e, m.phi*slope+m.beta*e
		if m.form.season != noSeason {
			ring[k] += m.gamma * e
		}
		if math.Abs(level)+math.Abs(slope) > 1e3 {
			return false
		}
	}
	return true
}

// reasonable rejects an exploding fit: a forecast that leaves the range of the
// history by several times its width.
func (m *etsModel) reasonable(y []float64, horizon int) bool {
	low, high := smallest(y), largest(y)
	width := max(high-low, 0.1*max(math.Abs(low), math.Abs(high)))
	reach := width * (2 + 2*float64(horizon)/float64(len(y)))
	path := make([]float64, horizon)
	m.point(path)
	for _, v := range path {
		v /= m.scale
		if math.IsNaN(v) || v > high+reach || v < low-reach {
			return false
		}
	}
	return true
}
