package model

import (
	"fmt"
	"math"
)

// Largest sizes a model may have. They keep every index in 32 bits and a hostile
// file from taking the machine down.
const (
	MaxCols     = 5_000_000
	MaxRows     = 5_000_000
	MaxNonZeros = 50_000_000
)

// Validate says what makes m unusable: lengths that do not fit together, an
// index that points nowhere, a column twice in one row, NaN, infinite
// coefficients, or a size above the limits. Lower bounds above upper bounds are
// not an error: such a model is readable and has no solution.
func (m *Model) Validate() error {
	cols, rows, entries := m.Cols(), m.Rows(), m.NonZeros()
	switch {
	case cols > MaxCols || rows > MaxRows || entries > MaxNonZeros:
		return fmt.Errorf("the model has %d columns, %d rows and %d entries; at most %d, %d and %d are accepted",
			cols, rows, entries, MaxCols, MaxRows, MaxNonZeros)
	case len(m.ColLower) != cols || len(m.ColUpper) != cols || len(m.Integer) != cols:
		return fmt.Errorf("the column arrays have the lengths %d, %d, %d and %d; they must be equal",
			cols, len(m.ColLower), len(m.ColUpper), len(m.Integer))
	case len(m.RowUpper) != rows:
		return fmt.Errorf("the row arrays have the lengths %d and %d; they must be equal", rows, len(m.RowUpper))
	case len(m.ColName) != 0 && len(m.ColName) != cols:
		return fmt.Errorf("%d of %d columns have a name; all or none must", len(m.ColName), cols)
	case len(m.RowName) != 0 && len(m.RowName) != rows || len(m.RowRule) != 0 && len(m.RowRule) != rows:
		return fmt.Errorf("row names and rules must be given for all %d rows or none", rows)
	case len(m.Start) != rows+1 || m.Start[0] != 0 || int(m.Start[rows]) != entries || len(m.Value) != entries:
		return fmt.Errorf("the matrix has %d starts, %d indices and %d values for %d rows", len(m.Start), entries, len(m.Value), rows)
	case math.IsNaN(m.Constant) || math.IsInf(m.Constant, 0):
		return fmt.Errorf("the objective's constant is %v", m.Constant)
	}
	for j := range cols {
		if math.IsNaN(m.Cost[j]) || math.IsInf(m.Cost[j], 0) || badBounds(m.ColLower[j], m.ColUpper[j]) {
			return fmt.Errorf("column %s has the cost %v and the bounds [%v, %v]", m.NameOfCol(j), m.Cost[j], m.ColLower[j], m.ColUpper[j])
		}
	}
	seen := make([]int32, cols) // 1 + the last row a column was seen in
	for i := range rows {
		if badBounds(m.RowLower[i], m.RowUpper[i]) {
			return fmt.Errorf("row %s has the bounds [%v, %v]", m.NameOfRow(i), m.RowLower[i], m.RowUpper[i])
		}
		first, end := m.Start[i], m.Start[i+1]
		if first > end || first < 0 || int(end) > entries {
			return fmt.Errorf("row %s has entries from %d to %d", m.NameOfRow(i), first, end)
		}
		for k := first; k < end; k++ {
			j := m.Index[k]
			if j < 0 || int(j) >= cols {
				return fmt.Errorf("row %s names column %d of %d", m.NameOfRow(i), j, cols)
			}
			if seen[j] == int32(i)+1 {
				return fmt.Errorf("row %s has column %s twice", m.NameOfRow(i), m.NameOfCol(int(j)))
			}
			seen[j] = int32(i) + 1
			if math.IsNaN(m.Value[k]) || math.IsInf(m.Value[k], 0) {
				return fmt.Errorf("row %s has the coefficient %v at column %s", m.NameOfRow(i), m.Value[k], m.NameOfCol(int(j)))
			}
		}
	}
	return nil
}

func badBounds(lower, upper float64) bool {
	return math.IsNaN(lower) || math.IsNaN(upper) || math.IsInf(lower, 1) || math.IsInf(upper, -1)
}

// NameOfCol is the column's name, or its place as #j when the model has no names.
func (m *Model) NameOfCol(j int) string {
	if j < len(m.ColName) {
		return m.ColName[j]
	}
	return fmt.Sprintf("#%d", j)
}

// NameOfRow is the row's name, or its place as #i when the model has no names.
func (m *Model) NameOfRow(i int) string {
	if i < len(m.RowName) {
		return m.RowName[i]
	}
	return fmt.Sprintf("#%d", i)
}

// EmptyDomain names a column or row whose lower bound is above its upper bound
// (or a whole column with no whole number between them), which alone proves that
// no solution exists; "" when there is none.
func (m *Model) EmptyDomain() string {
	for j := range m.Cost {
		lower, upper := m.ColLower[j], m.ColUpper[j]
		if m.Integer[j] {
			lower, upper = math.Ceil(lower-1e-9), math.Floor(upper+1e-9)
		}
		if lower > upper {
			return fmt.Sprintf("column %s must lie between %v and %v", m.NameOfCol(j), m.ColLower[j], m.ColUpper[j])
		}
	}
	for i := range m.RowLower {
		if m.RowLower[i] > m.RowUpper[i] {
			return fmt.Sprintf("row %s must lie between %v and %v", m.NameOfRow(i), m.RowLower[i], m.RowUpper[i])
		}
	}
	return ""
}
