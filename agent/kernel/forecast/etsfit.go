package forecast

import "math"

// etsFitter fits forms to one history. It keeps what the forms share, so that
// trying fifteen of them allocates once.
type etsFitter struct {
	y      []float64 // divided by scale
	scale  float64
	period int
	spread float64 // standard deviation of y: the natural step of a state

	// the recursion as it was before each value, for the way back
	level, slope, seasonal, expected []float64
	ring, pull                       []float64
	endLevel, endSlope               float64 // the state after the last value
}

// Bounds of the smoothing parameters, as usual in the literature.
const (
	alphaLow, alphaHigh = 1e-4, 0.9999
	phiLow, phiHigh     = 0.8, 0.98
	varianceFloor       = 1e-10 // of the scaled history: a perfect fit has no logarithm
)

func newETSFitter(values []float64, period int) *etsFitter {
	n := len(values)
	f := &etsFitter{scale: meanSize(values), period: period}
	f.y = make([]float64, n)
	for i, v := range values {
		f.y[i] = v / f.scale
	}
	f.spread = max(math.Sqrt(variance(f.y)), 1e-3)
	work := make([]float64, 4*n)
	f.level, f.slope, f.seasonal, f.expected = work[:n], work[n:2*n], work[2*n:3*n], work[3*n:]
	f.ring, f.pull = make([]float64, period), make([]float64, period)
	return f
}

// start is a heuristic first state: the first season's indices from a
// decomposition, level and slope from a line through the first values.
func (f *etsFitter) start(form etsForm) (level, slope float64, indices []float64) {
	adjusted := f.y
	if form.season != noSeason {
		indices = seasonalIndices(f.y, f.period, form.season)
		adjusted = deseasonalised(f.y, indices, form.season)
	}
	early := adjusted[:min(len(adjusted), max(10, 2*f.period))]
	if !form.trend {
		return average(early), 0, indices
	}
	intercept, slope := line(early)
	if form.relativeError || form.season == multiplicative {
		// a line through growth can begin below zero, where these forms cannot
		intercept = max(intercept, smallest(early)/2)
	}
	return intercept, slope, indices
}

// etsLayout says where the free numbers of a form stand in one vector.
type etsLayout struct {
	form                          etsForm
	beta, gamma, phi, level, size int // positions; -1 where the form has none
	slope, season                 int
	level0, slope0                float64
	season0                       []float64
	stateStep, seasonStep         float64
}

func (f *etsFitter) layout(form etsForm) *etsLayout {
	l := &etsLayout{form: form, beta: -1, gamma: -1, phi: -1, slope: -1, season: -1, size: 1}
	take := func(n int) int {
		at := l.size
		l.size += n
		return at
	}
	if form.trend {
		l.beta = take(1)
	}
	if form.season != noSeason {
		l.gamma = take(1)
	}
	if form.damped {
		l.phi = take(1)
	}
	l.level = take(1)
	if form.trend {
		l.slope = take(1)
	}
	if form.season != noSeason {
		l.season = take(f.period - 1)
	}
	l.level0, l.slope0, l.season0 = f.start(form)
	l.stateStep, l.seasonStep = f.spread, 0.2*f.spread
	if form.season == multiplicative {
		l.seasonStep = 0.2 * min(1, f.spread)
	}
	return l
}

// etsPoint is a layout's numbers, decoded.
type etsPoint struct {
	alpha, beta, gamma, phi float64
	sb, sg, sp, sa          float64 // the squashed parts, for the chain rule
	level, slope            float64
}

func squash(u float64) float64 { return 1 / (1 + math.Exp(-u)) }

// decode reads u; the first season goes to ring.
func (l *etsLayout) decode(u, ring []float64) etsPoint {
	var p etsPoint
	p.sa = squash(u[0])
	p.alpha = alphaLow + (alphaHigh-alphaLow)*p.sa
	p.phi = 1
	if l.beta >= 0 {
		p.sb = squash(u[l.beta])
		p.beta = p.alpha * p.sb
	}
	if l.gamma >= 0 {
		p.sg = squash(u[l.gamma])
		p.gamma = (1 - p.alpha) * p.sg
	}
	if l.phi >= 0 {
		p.sp = squash(u[l.phi])
		p.phi = phiLow + (phiHigh-phiLow)*p.sp
	}
	p.level = l.level0 + l.stateStep*u[l.level]
	if l.slope >= 0 {
		p.slope = l.slope0 + 0.1*l.stateStep*u[l.slope]
	}
	if l.season >= 0 {
		last := len(ring) - 1
		total := 0.0
		for i := range last {
			ring[i] = l.season0[i] + l.seasonStep*u[l.season+i]
			total += ring[i]
		}
		ring[last] = -total
		if l.form.season == multiplicative {
			ring[last] = float64(len(ring)) - total
		}
	}
	return p
}

// loss is minus twice the log likelihood over n, up to a constant, and its
// gradient by running the recursion backwards. +Inf where the form cannot live.
func (f *etsFitter) loss(l *etsLayout, u, gradient []float64) float64 {
	p := l.decode(u, f.ring)
	squares, logs, ok := f.forward(l.form, p, f.ring)
	if !ok {
		return math.Inf(1)
	}
	n := float64(len(f.y))
	total := squares + n*varianceFloor
	value := math.Log(total / n)
	if l.form.relativeError {
		value += 2 * logs / n
	}
	if math.IsNaN(value) {
		return math.Inf(1)
	}
	f.backward(l, p, total, gradient)
	return value
}

// forward runs the recursion, remembers every state, and gives the sum of the
// squared errors and of the logarithms of the expected values.
func (f *etsFitter) forward(form etsForm, p etsPoint, ring []float64) (squares, logs float64, ok bool) {
	level, slope, k := p.level, p.slope, 0
	product := 1.0
	positive := form.relativeError || form.season == multiplicative
	for t, y := range f.y {
		q := level + p.phi*slope
		f.level[t], f.slope[t] = level, slope
		expected, d := q, y-q
		s := 0.0
		switch form.season {
		case additive:
			s = ring[k]
			expected = q + s
			d -= s
			ring[k] = s + p.gamma*(y-q-s)
		case multiplicative:
			s = ring[k]
			if s < 1e-4 || q <= 0 {
				return 0, 0, false
			}
			expected = q * s
			d = y/s - q
			ring[k] = s + p.gamma*(y/q-s)
		}
		if positive && expected < 1e-8 {
			return 0, 0, false
		}
		if k++; k == len(ring) {
			k = 0
		}
		f.seasonal[t], f.expected[t] = s, expected
		e := y - expected
		if form.relativeError {
			e /= expected
			product *= expected
			if product > 1e100 || product < 1e-100 {
				logs += math.Log(product)
				product = 1
			}
		}
		squares += e * e
		level = q + p.alpha*d
		slope = p.phi*slope + p.beta*d
	}
	logs += math.Log(product)
	f.endLevel, f.endSlope = level, slope
	return squares, logs, !math.IsNaN(squares) && !math.IsInf(squares, 0)
}

// backward is the reverse of forward: how the loss reacts to every number of u.
func (f *etsFitter) backward(l *etsLayout, p etsPoint, total float64, gradient []float64) {
	clear(gradient)
	pull := f.pull
	clear(pull)
	var gLevel, gSlope, gAlpha, gBeta, gGamma, gPhi float64
	n := len(f.y)
	k := (n - 1) % f.period
	perN := 2 / float64(n)
	for t := n - 1; t >= 0; t-- {
		y, level, slope, s, expected := f.y[t], f.level[t], f.slope[t], f.seasonal[t], f.expected[t]
		q := level + p.phi*slope
		var gq, gs, d float64
		switch l.form.season {
		case additive:
			d = y - s - q
			gs = (1 - p.gamma) * pull[k]
			gq = -p.gamma * pull[k]
			gGamma += pull[k] * d
		case multiplicative:
			d = y/s - q
			gs = (1 - p.gamma) * pull[k]
			gq = -p.gamma * y / (q * q) * pull[k]
			gGamma += pull[k] * (y/q - s)
		default:
			d = y - q
		}
		gd := p.beta*gSlope + p.alpha*gLevel
		gBeta += gSlope * d
		gAlpha += gLevel * d
		gPhi += gSlope * slope
		gq += gLevel - gd
		var gy float64
		if l.form.relativeError {
			ratio := y / expected
			gy = (-2*(ratio-1)*ratio/total + perN) / expected
		} else {
			gy = -2 * (y - expected) / total
		}
		switch l.form.season {
		case additive:
			gs += gy - gd
			gq += gy
		case multiplicative:
			gs += gy*q - gd*y/(s*s)
			gq += gy * s
		default:
			gq += gy
		}
		gSlope = p.phi*gSlope + p.phi*gq
		gPhi += gq * slope
		gLevel = gq
		pull[k] = gs
		if k--; k < 0 {
			k = f.period - 1
		}
	}
	gAlpha += gBeta*p.sb - gGamma*p.sg // beta and gamma are fractions of alpha and of its rest
	gradient[0] = gAlpha * (alphaHigh - alphaLow) * p.sa * (1 - p.sa)
	if l.beta >= 0 {
		gradient[l.beta] = gBeta * p.alpha * p.sb * (1 - p.sb)
		gradient[l.slope] = gSlope * 0.1 * l.stateStep
	}
	if l.gamma >= 0 {
		gradient[l.gamma] = gGamma * (1 - p.alpha) * p.sg * (1 - p.sg)
		last := pull[f.period-1]
		for i := range f.period - 1 {
			gradient[l.season+i] = (pull[i] - last) * l.seasonStep
		}
	}
	if l.phi >= 0 {
		gradient[l.phi] = gPhi * (phiHigh - phiLow) * p.sp * (1 - p.sp)
	}
	gradient[l.level] = gLevel * l.stateStep
}
