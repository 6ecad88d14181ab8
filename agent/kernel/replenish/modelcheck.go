package replenish

import (
	"fmt"
	"math"

	"github.com/dyocense/dyocense/agent/kernel/model"
)

type modelReport struct {
	Passed       bool
	MaxViolation float64
	Violations   []string
}

func modelCheck(m *model.Model, x []float64, objective float64) modelReport {
	r := modelReport{}
	see := func(v, scale float64, format string, args ...any) {
		v /= math.Max(1, scale)
		r.MaxViolation = math.Max(r.MaxViolation, v)
		if v > 1e-6 {
			r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
		}
	}
	total := m.Constant
	for j := range x {
		total += m.Cost[j] * x[j]
		see(math.Max(m.ColLower[j]-x[j], x[j]-m.ColUpper[j]), math.Abs(x[j]), "bound of %s", m.ColName[j])
	}
	for i := range m.RowLower {
		v, scale := 0.0, 0.0
		for k := m.Start[i]; k < m.Start[i+1]; k++ {
			v += m.Value[k] * x[m.Index[k]]
			scale += math.Abs(m.Value[k] * x[m.Index[k]])
		}
		see(math.Max(m.RowLower[i]-v, v-m.RowUpper[i]), scale, "row %s: %g in [%g, %g]", m.RowName[i], v, m.RowLower[i], m.RowUpper[i])
	}
	see(math.Abs(total-objective), math.Abs(objective), "objective %g against %g", total, objective)
	r.Passed = len(r.Violations) == 0
	return r
}
