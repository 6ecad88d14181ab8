package forecast

import (
	"fmt"
	"math"
	"slices"
)

func average(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// variance about the mean, over n.
func variance(v []float64) float64 {
	mean, sum := average(v), 0.0
	for _, x := range v {
		sum += (x - mean) * (x - mean)
	}
	return sum / float64(len(v))
}

// meanSize is the mean of the absolute values, or 1 where all are zero: the
// unit in which a history is fitted, so that the answer scales with it.
func meanSize(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += math.Abs(x)
	}
	if sum == 0 {
		return 1
	}
	return sum / float64(len(v))
}

// line is the least squares line through (1, v[0]), (2, v[1]) ...
func line(v []float64) (intercept, slope float64) {
	n := float64(len(v))
	if n < 2 {
		return v[0], 0
	}
	centre, mean := (n+1)/2, average(v)
	var covered, spread float64
	for i, x := range v {
		d := float64(i+1) - centre
		covered += d * (x - mean)
		spread += d * d
	}
	slope = covered / spread
	return mean - slope*centre, slope
}

func smallest(v []float64) float64 { return slices.Min(v) }
func largest(v []float64) float64  { return slices.Max(v) }

func constant(v []float64) bool { return smallest(v) == largest(v) }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func ordinal(i int) string { return fmt.Sprintf("number %d", i+1) }
