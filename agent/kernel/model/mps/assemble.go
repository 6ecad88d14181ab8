package mps

import (
	"math"

	"github.com/dyocense/dyocense/agent/kernel/model"
)

// model turns what was read into rows and columns.
func (p *parser) model() *model.Model {
	m := &model.Model{Name: p.name, Maximize: p.maximise, Constant: p.constant}
	for _, c := range p.columns {
		lower, upper := c.lower, c.upper
		switch {
		case c.hasUpper && !c.hasLower && upper < 0:
			lower = -model.Inf
		case c.integer && !c.hasUpper && !c.hasLower:
			upper = 1
		}
		m.Cost = append(m.Cost, c.cost)
		m.ColLower = append(m.ColLower, lower)
		m.ColUpper = append(m.ColUpper, upper)
		m.Integer = append(m.Integer, c.integer)
		m.ColName = append(m.ColName, c.name)
	}
	for _, r := range p.rows {
		lower, upper := r.bounds()
		m.RowLower = append(m.RowLower, lower)
		m.RowUpper = append(m.RowUpper, upper)
		m.RowName = append(m.RowName, r.name)
	}
	p.matrix(m)
	return m
}

// matrix turns the columns' entries into rows.
func (p *parser) matrix(m *model.Model) {
	total := 0
	m.Start = make([]int32, len(p.rows)+1)
	for _, c := range p.columns {
		total += len(c.entries)
		for _, e := range c.entries {
			m.Start[e.row+1]++
		}
	}
	for i := range p.rows {
		m.Start[i+1] += m.Start[i]
	}
	m.Index, m.Value = make([]int32, total), make([]float64, total)
	next := append([]int32(nil), m.Start...)
	for j, c := range p.columns {
		for _, e := range c.entries {
			m.Index[next[e.row]], m.Value[next[e.row]] = int32(j), e.value
			next[e.row]++
		}
	}
}

// bounds of a row from its type, right-hand side and range.
func (r row) bounds() (lower, upper float64) {
	span := math.Abs(r.span)
	switch r.kind {
	case 'L':
		lower, upper = -model.Inf, r.rhs
		if r.hasRange {
			lower = r.rhs - span
		}
	case 'G':
		lower, upper = r.rhs, model.Inf
		if r.hasRange {
			upper = r.rhs + span
		}
	default:
		lower, upper = r.rhs, r.rhs
		if r.span > 0 {
			upper += span
		} else {
			lower -= span
		}
	}
	if lower <= -noBound {
		lower = -model.Inf
	}
	if upper >= noBound {
		upper = model.Inf
	}
	return lower, upper
}
