package forecast

import (
	"math"
	"slices"
)

// simplex minimises f from start by the method of Nelder and Mead. step is the
// size of the first simplex along every axis. f may answer +Inf outside its
// domain. The result is the best point seen; start is not changed.
func simplex(f func([]float64) float64, start, step []float64, limit int) ([]float64, float64) {
	type vertex struct {
		x []float64
		f float64
	}
	n := len(start)
	vertices := make([]vertex, n+1)
	vertices[0] = vertex{slices.Clone(start), f(start)}
	for i := range n {
		x := slices.Clone(start)
		x[i] += step[i]
		vertices[i+1] = vertex{x, f(x)}
	}
	centre := make([]float64, n)
	trial := func(away float64, worst []float64) vertex {
		x := make([]float64, n)
		for i := range x {
			x[i] = centre[i] + away*(centre[i]-worst[i])
		}
		return vertex{x, f(x)}
	}
	byValue := func(a, b vertex) int {
		switch {
		case a.f < b.f:
			return -1
		case a.f > b.f:
			return 1
		}
		return 0
	}
	for evaluations := n + 1; evaluations < limit; {
		slices.SortStableFunc(vertices, byValue)
		best, worst := vertices[0], vertices[n]
		if spread := worst.f - best.f; spread <= 1e-9*(math.Abs(best.f)+1e-12) {
			break
		}
		for i := range centre {
			sum := 0.0
			for _, v := range vertices[:n] {
				sum += v.x[i]
			}
			centre[i] = sum / float64(n)
		}
		reflected := trial(1, worst.x)
		evaluations++
		switch {
		case reflected.f < best.f:
			expanded := trial(2, worst.x)
			evaluations++
			if expanded.f < reflected.f {
				reflected = expanded
			}
			vertices[n] = reflected
		case reflected.f < vertices[n-1].f:
			vertices[n] = reflected
		default:
			away := -0.5
			if reflected.f < worst.f {
				away = 0.5
			}
			contracted := trial(away, worst.x)
			evaluations++
			if contracted.f < min(reflected.f, worst.f) {
				vertices[n] = contracted
				continue
			}
			for k := 1; k <= n; k++ {
				for i := range n {
					vertices[k].x[i] = best.x[i] + 0.5*(vertices[k].x[i]-best.x[i])
				}
				vertices[k].f = f(vertices[k].x)
			}
			evaluations += n
		}
	}
	slices.SortStableFunc(vertices, byValue)
	return vertices[0].x, vertices[0].f
}

// descend minimises a smooth f from x by BFGS with a backtracking line search.
// f writes its gradient into the second argument and may answer +Inf outside
// its domain. It stops when an iteration gains less than tolerance. x is
// overwritten with the best point.
func descend(f func(x, gradient []float64) float64, x []float64, tolerance float64, iterations int) float64 {
	n := len(x)
	buffer := make([]float64, 5*n+n*n)
	gradient, next, nextGradient := buffer[:n], buffer[n:2*n], buffer[2*n:3*n]
	direction, curved := buffer[3*n:4*n], buffer[4*n:5*n]
	inverse := buffer[5*n:]

	value := f(x, gradient)
	if math.IsInf(value, 1) || math.IsNaN(value) {
		return math.Inf(1)
	}
	fresh, stalled := true, 0
	for range iterations {
		if fresh {
			identity(inverse, n)
		}
		slope := 0.0
		for i := range n {
			d := 0.0
			row := inverse[i*n : (i+1)*n]
			for j, g := range gradient {
				d -= row[j] * g
			}
			direction[i] = d
			slope += d * gradient[i]
		}
		if slope >= 0 {
			if fresh {
				break
			}
			fresh = true
			continue
		}
		step := 1.0
		if fresh { // the gradient has no natural length yet
			step = min(1, 0.5/math.Sqrt(-slope))
		}
		nextValue := math.Inf(1)
		for range 30 {
			for i := range n {
				next[i] = x[i] + step*direction[i]
			}
			nextValue = f(next, nextGradient)
			if nextValue <= value+1e-4*step*slope {
				break
			}
			step *= 0.4
		}
		if !(nextValue < value) {
			if fresh {
				break
			}
			fresh = true
			continue
		}
		gained := value - nextValue
		updateInverse(inverse, direction, step, gradient, nextGradient, curved, fresh)
		copy(x, next)
		copy(gradient, nextGradient)
		value, fresh = nextValue, false
		if gained < tolerance {
			if stalled++; stalled == 2 {
				break
			}
		} else {
			stalled = 0
		}
	}
	return value
}

func identity(matrix []float64, n int) {
	clear(matrix)
	for i := range n {
		matrix[i*n+i] = 1
	}
}

// updateInverse applies the BFGS formula to the inverse Hessian for the move
// step*direction, and leaves it alone where the curvature is not positive.
func updateInverse(inverse, direction []float64, step float64, before, after, curved []float64, first bool) {
	n := len(direction)
	sy, yy := 0.0, 0.0
	for i := range n {
		y := after[i] - before[i]
		sy += step * direction[i] * y
		yy += y * y
	}
	if sy <= 1e-14 || yy == 0 {
		return
	}
	if first { // give the first approximation the scale just seen
		for i := range n {
			inverse[i*n+i] = sy / yy
		}
	}
	yHy := 0.0
	for i := range n {
		sum := 0.0
		row := inverse[i*n : (i+1)*n]
		for j := range n {
			sum += row[j] * (after[j] - before[j])
		}
		curved[i] = sum
		yHy += sum * (after[i] - before[i])
	}
	a, b := (1+yHy/sy)/sy, 1/sy
	for i := range n {
		si := step * direction[i]
		row := inverse[i*n : (i+1)*n]
		for j := range n {
			sj := step * direction[j]
			row[j] += a*si*sj - b*(curved[i]*sj+si*curved[j])
		}
	}
}
