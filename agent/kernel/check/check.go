// Package check re-evaluates plans, independently of whoever made them.
//
// It owns the judgement whether a point solves a model: bounds, whole numbers,
// every row, and the objective, with stated tolerances. It shares no code with
// the builders of models or with engines, so that a mistake there cannot hide
// itself here. It does not own proofs of optimality; Solver only refuses claims
// that contradict each other or come from an engine that cannot prove them.
//
// # Tolerances
//
// A bound or row may be missed by 1e-6 plus 1e-9 of the row's activity, the sum
// of the absolute values of its terms: the first part is what engines promise,
// the second what adding long rows of large numbers costs. A whole number may be
// 1e-5 away from one. The stated objective may differ by 1e-6 plus 1e-9 of the
// activity of the objective. Sums are compensated (Neumaier), so the checker's own
// rounding is far below all of this.
package check

import (
	"fmt"
	"math"

	"github.com/dyocense/dyocense/agent/kernel/model"
)

// The tolerances.
const (
	Absolute    = 1e-6
	Relative    = 1e-9
	Integrality = 1e-5
)

// mostViolations is how many violations a report lists.
const mostViolations = 20

// Violation is one thing a plan breaks.
type Violation struct {
	Kind      string  `json:"kind"`           // bound, integrality, row, objective, shape
	Name      string  `json:"name"`           // of the column or row
	Rule      string  `json:"rule,omitempty"` // business rule of the row
	Amount    float64 `json:"amount"`         // how far beyond what is allowed, in units of the row
	Tolerance float64 `json:"tolerance"`      // what would have been accepted
}

// String says the violation in one clause.
func (v Violation) String() string {
	switch v.Kind {
	case "shape":
		return v.Name
	case "integrality":
		return fmt.Sprintf("%s is %g away from a whole number", v.Name, v.Amount)
	case "objective":
		return fmt.Sprintf("the objective is misstated by %g", v.Amount)
	}
	return fmt.Sprintf("%s %s is missed by %g", v.Kind, v.Name, v.Amount)
}

// Report of one check.
type Report struct {
	Passed       bool        `json:"passed"`
	Objective    float64     `json:"objective"`    // evaluated here, constant included
	MaxViolation float64     `json:"maxViolation"` // largest miss of a bound, row or whole number, tolerated ones included
	Broken       int         `json:"broken"`       // how many violations there are
	Violations   []Violation `json:"violations,omitempty"`
}

func (r *Report) found(v Violation) {
	if v.Kind != "objective" && v.Kind != "shape" {
		r.MaxViolation = math.Max(r.MaxViolation, v.Amount)
	}
	// Written so that NaN is a violation.
	if v.Amount <= v.Tolerance {
		return
	}
	r.Broken++
	if len(r.Violations) < mostViolations {
		r.Violations = append(r.Violations, v)
	}
}

// Solution checks x against m, and objective against what x is worth.
func Solution(m *model.Model, x []float64, objective float64) Report {
	var r Report
	if len(x) != m.Cols() {
		r.found(Violation{Kind: "shape", Name: fmt.Sprintf("the plan has %d numbers for %d columns", len(x), m.Cols()), Amount: 1})
		return r
	}
	for j, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			r.found(Violation{Kind: "shape", Name: fmt.Sprintf("column %s is %v", m.NameOfCol(j), v), Amount: 1})
		}
	}
	if r.Broken > 0 {
		return r
	}
	columns(m, x, &r)
	rows(m, x, &r)

	value, activity := sum{}, 0.0
	value.add(m.Constant)
	for j, v := range x {
		value.add(m.Cost[j] * v)
		activity += math.Abs(m.Cost[j] * v)
	}
	r.Objective = value.total()
	r.found(Violation{
		Kind: "objective", Name: m.Name,
		Amount: math.Abs(r.Objective - objective), Tolerance: Absolute + Relative*(activity+math.Abs(m.Constant)),
	})
	r.Passed = r.Broken == 0
	return r
}

func columns(m *model.Model, x []float64, r *Report) {
	for j, v := range x {
		allowed := Absolute + Relative*math.Abs(v)
		if miss := math.Max(m.ColLower[j]-v, v-m.ColUpper[j]); miss > 0 {
			r.found(Violation{Kind: "bound", Name: m.NameOfCol(j), Amount: miss, Tolerance: allowed})
		}
		if m.Integer[j] {
			if away := math.Abs(v - math.Round(v)); away > 0 {
				r.found(Violation{Kind: "integrality", Name: m.NameOfCol(j), Amount: away, Tolerance: Integrality})
			}
		}
	}
}

func rows(m *model.Model, x []float64, r *Report) {
	for i := range m.RowLower {
		value, activity := sum{}, 0.0
		for k := m.Start[i]; k < m.Start[i+1]; k++ {
			term := m.Value[k] * x[m.Index[k]]
			value.add(term)
			activity += math.Abs(term)
		}
		total := value.total()
		miss := math.Max(m.RowLower[i]-total, total-m.RowUpper[i])
		if miss > 0 || math.IsNaN(miss) {
			v := Violation{Kind: "row", Name: m.NameOfRow(i), Amount: miss, Tolerance: Absolute + Relative*activity}
			if i < len(m.RowRule) {
				v.Rule = m.RowRule[i]
			}
			r.found(v)
		}
	}
}

// sum adds numbers and keeps what rounding loses (Neumaier).
type sum struct{ value, lost float64 }

func (s *sum) add(v float64) {
	t := s.value + v
	if math.Abs(s.value) >= math.Abs(v) {
		s.lost += (s.value - t) + v
	} else {
		s.lost += (v - t) + s.value
	}
	s.value = t
}

func (s *sum) total() float64 { return s.value + s.lost }
