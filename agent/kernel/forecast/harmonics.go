package forecast

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// maxHarmonics bounds the pairs of sine and cosine of a long season.
const maxHarmonics = 8

// harmonics is the season of values by position, as a sum of harmonics beside a
// straight line, or nil where no harmonic pays for itself. The number of pairs
// has the smallest corrected AIC.
func harmonics(values []float64, period int) []float64 {
	n := len(values)
	columns := 2 + 2*min(maxHarmonics, period/4, (n-8)/4)
	basis := func(t int, row []float64) {
		row[0], row[1] = 1, (float64(t)-float64(n-1)/2)/float64(n)
		for k := 1; 2*k < len(row); k++ {
			angle := 2 * math.Pi * float64(k) * float64(t%period) / float64(period)
			row[2*k], row[2*k+1] = math.Sin(angle), math.Cos(angle)
		}
	}
	// one pass for the normal equations; the smaller fits are their corners
	gram := mat.NewSymDense(columns, nil)
	moment := make([]float64, columns)
	row := make([]float64, columns)
	scale, total := average(values), 0.0
	for t, v := range values {
		basis(t, row)
		v -= scale
		total += v * v
		for i, a := range row {
			moment[i] += a * v
			for j := i; j < columns; j++ {
				gram.SetSym(i, j, gram.At(i, j)+a*row[j])
			}
		}
	}
	best, bestCriterion := []float64(nil), math.Inf(1)
	for size := 2; size <= columns; size += 2 {
		coefficients, squares, ok := solveCorner(gram, moment, total, size)
		if !ok {
			break
		}
		criterion := float64(n)*math.Log(max(squares, 1e-12*total)/float64(n)) + penalty(n, size)
		if criterion < bestCriterion {
			best, bestCriterion = coefficients, criterion
		}
	}
	if len(best) <= 2 {
		return nil
	}
	indices := make([]float64, period)
	for i := range indices {
		basis(i, row)
		for j := 2; j < len(best); j++ {
			indices[i] += best[j] * row[j]
		}
	}
	return indices
}

// solveCorner is the least squares fit on the first size columns, and the sum
// of squares that it leaves.
func solveCorner(gram *mat.SymDense, moment []float64, total float64, size int) ([]float64, float64, bool) {
	var factor mat.Cholesky
	if !factor.Factorize(gram.SliceSym(0, size).(*mat.SymDense)) { //nolint:misspell // the name of the library
		return nil, 0, false
	}
	solution := mat.NewVecDense(size, nil)
	if err := factor.SolveVecTo(solution, mat.NewVecDense(size, moment[:size])); err != nil {
		return nil, 0, false
	}
	squares := total
	for i, c := range solution.RawVector().Data {
		squares -= c * moment[i]
	}
	return solution.RawVector().Data, squares, true
}
