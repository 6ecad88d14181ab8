package forecast

import "math"

// minimumTheta is the shortest history from which a line and a level can be told
// apart.
const minimumTheta = 4

// thetaModel is simple exponential smoothing of one theta line beside the
// straight line through the history, written as a state space. In the dynamic
// form the line is refitted after every value, and theta is optimised; in the
// standard form it is the line through the whole history, and theta is 2.
type thetaModel struct {
	alpha, theta float64
	dynamic      bool
	after        thetaState // after the last value
	residuals    []float64
	scale        float64 // the history was divided by it
}

// thetaState is what the model knows after absorbing seen values.
type thetaState struct {
	seen             int
	level            float64
	mean             float64 // of the values so far
	intercept, slope float64
	remaining        float64 // (1-alpha)^seen
	expected         float64 // the next value
}

// absorb moves the state over the value y.
func (m *thetaModel) absorb(s *thetaState, y float64) {
	s.seen++
	t := float64(s.seen)
	s.level = m.alpha*y + (1-m.alpha)*s.level
	if m.dynamic {
		if s.seen > 1 {
			s.slope = ((t-2)*s.slope + 6*(y-s.mean)/t) / (t + 1)
		}
		s.mean = ((t-1)*s.mean + y) / t
		s.intercept = s.mean - s.slope*(t+1)/2
	}
	s.remaining *= 1 - m.alpha
	s.expect(m.alpha, m.theta)
}

func (s *thetaState) expect(alpha, theta float64) {
	s.expected = s.level + (1-1/theta)*(s.remaining*s.intercept+(1-s.remaining*(1-alpha))/alpha*s.slope)
}

// begin is the state before the first value.
func (m *thetaModel) begin(y []float64, level float64) thetaState {
	s := thetaState{level: level, remaining: 1}
	if m.dynamic {
		s.expected = y[0]
		return s
	}
	s.intercept, s.slope = line(y)
	s.expect(m.alpha, m.theta)
	return s
}

// run passes over the history; errors may be nil. It gives the sum of squares
// from the fourth value on: the first ones say more about the start than about
// the parameters.
func (m *thetaModel) run(y []float64, start thetaState, errors []float64) (float64, thetaState) {
	const settled = 3
	state, squares := start, 0.0
	for t, v := range y {
		e := v - state.expected
		if t >= settled {
			squares += e * e
		}
		if errors != nil {
			errors[t] = e
		}
		m.absorb(&state, v)
	}
	return squares, state
}

// fitTheta fits the standard or the dynamic optimised form to a history without
// a season.
func fitTheta(values []float64, dynamic bool) *thetaModel {
	m := &thetaModel{theta: 2, dynamic: dynamic, scale: meanSize(values)}
	y := make([]float64, len(values))
	for i, v := range values {
		y[i] = v / m.scale
	}
	start, step := []float64{y[0] / 2, 0.5}, []float64{max(0.1, 0.2*math.Abs(y[0])), 0.2}
	if dynamic {
		start, step = append(start, 2), append(step, 1)
	}
	// the line of the standard form is the same for all parameters
	origin := m.begin(y, 0)
	at := func(x []float64) (thetaState, bool) {
		m.alpha = x[1]
		if dynamic {
			m.theta = x[2]
		}
		if m.alpha < 0.1 || m.alpha > 0.99 || m.theta < 1 || m.theta > 1e6 {
			return thetaState{}, false
		}
		s := origin
		s.level = x[0]
		if !dynamic {
			s.expect(m.alpha, m.theta)
		}
		return s, true
	}
	best, _ := simplex(func(x []float64) float64 {
		s, ok := at(x)
		if !ok {
			return math.Inf(1)
		}
		squares, _ := m.run(y, s, nil)
		return squares
	}, start, step, 600)
	s, _ := at(best)
	m.residuals = make([]float64, len(y))
	_, m.after = m.run(y, s, m.residuals)
	m.residuals = m.residuals[min(3, len(y)-1):]
	return m
}

func (m *thetaModel) point(out []float64) {
	s := m.after
	for i := range out {
		out[i] = m.scale * s.expected
		m.absorb(&s, s.expected)
	}
}

func (m *thetaModel) path(shocks, out, _ []float64) {
	s := m.after
	for i, shock := range shocks {
		y := s.expected + shock
		out[i] = m.scale * y
		m.absorb(&s, y)
	}
}

func (m *thetaModel) errors() ([]float64, int) {
	if m.dynamic {
		return m.residuals, 3
	}
	return m.residuals, 2
}

func (m *thetaModel) memory() int         { return 0 }
func (m *thetaModel) shockFloor() float64 { return math.Inf(-1) }
