package model_test

import (
	"math"
	"testing"

	"github.com/dyocense/dyocense/agent/kernel/model"
)

func good() *model.Model {
	var b model.Builder
	x := b.Col("x", 0, 1, 1, true)
	y := b.Col("y", 0, model.Inf, 1, false)
	b.Row("rule", "row", 1, model.Inf, model.Term{Col: x, Coef: 1}, model.Term{Col: y, Coef: 2}, model.Term{Col: x, Coef: 3})
	return b.Build("good")
}

func TestValidate(t *testing.T) {
	t.Parallel()
	t.Run("accepts what the builder makes, with equal columns added up", func(t *testing.T) {
		t.Parallel()
		m := good()
		if err := m.Validate(); err != nil || m.NonZeros() != 2 || m.Value[0] != 4 {
			t.Errorf("%v, %v", err, m.Value)
		}
	})
	for name, spoil := range map[string]func(*model.Model){
		"NaN as a cost":              func(m *model.Model) { m.Cost[0] = math.NaN() },
		"an infinite coefficient":    func(m *model.Model) { m.Value[0] = math.Inf(1) },
		"a lower bound of infinity":  func(m *model.Model) { m.ColLower[0] = model.Inf },
		"NaN as a row's bound":       func(m *model.Model) { m.RowUpper[0] = math.NaN() },
		"a column that is not there": func(m *model.Model) { m.Index[0] = 7 },
		"a negative column":          func(m *model.Model) { m.Index[0] = -1 },
		"a column twice in a row":    func(m *model.Model) { m.Index[1] = m.Index[0] },
		"columns of unequal lengths": func(m *model.Model) { m.ColUpper = m.ColUpper[:1] },
		"too few names":              func(m *model.Model) { m.ColName = m.ColName[:1] },
		"starts that do not fit":     func(m *model.Model) { m.Start[1] = 1 },
		"no starts":                  func(m *model.Model) { m.Start = nil },
		"an infinite constant":       func(m *model.Model) { m.Constant = math.Inf(-1) },
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			m := good()
			spoil(m)
			if err := m.Validate(); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestEmptyDomain(t *testing.T) {
	t.Parallel()
	t.Run("sees that no whole number is left", func(t *testing.T) {
		t.Parallel()
		m := good()
		m.ColLower[0], m.ColUpper[0] = 0.2, 0.8
		if m.EmptyDomain() == "" {
			t.Error("not seen")
		}
	})
	t.Run("is silent about a good model", func(t *testing.T) {
		t.Parallel()
		if why := good().EmptyDomain(); why != "" {
			t.Error(why)
		}
	})
}
