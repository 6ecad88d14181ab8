// Package model is the solver-neutral form of a linear or mixed-integer
// problem: columns, rows and a sparse matrix by rows.
//
// It owns this one shape, which everything that makes problems (ops, archetypes,
// MPS files) produces and every engine consumes. It does not own meaning: names
// and rules are carried through for explanations, not understood.
package model

import "math"

// Inf is the absence of a bound.
var Inf = math.Inf(1)

// Model is: minimise (or maximise) C·x + Constant, RowLower <= A·x <= RowUpper,
// ColLower <= x <= ColUpper, x[j] whole where Integer[j].
//
// A is stored by rows: row i has the entries Index[Start[i]:Start[i+1]] (columns,
// without repetition) with Value at the same places. len(Start) = rows + 1.
// Infinite bounds are ±Inf. NaN appears nowhere. A Model is not changed once it
// is built and may be read by many goroutines.
type Model struct {
	Name     string
	Maximize bool
	Constant float64

	Cost     []float64 // one a column
	ColLower []float64
	ColUpper []float64
	Integer  []bool
	ColName  []string // may be empty as a whole; else unique

	RowLower []float64 // one a row
	RowUpper []float64
	RowName  []string // may be empty as a whole; else unique
	RowRule  []string // business rule of each row, e.g. "budget"; may be empty as a whole

	Start []int32
	Index []int32
	Value []float64
}

// Cols is the number of variables.
func (m *Model) Cols() int { return len(m.Cost) }

// Rows is the number of constraints.
func (m *Model) Rows() int { return len(m.RowLower) }

// NonZeros is the number of matrix entries.
func (m *Model) NonZeros() int { return len(m.Index) }

// HasIntegers says whether any column must be whole.
func (m *Model) HasIntegers() bool {
	for _, whole := range m.Integer {
		if whole {
			return true
		}
	}
	return false
}
