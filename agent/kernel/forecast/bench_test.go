package forecast

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// synthetic demand with a level, a trend, a season and noise; positive.
func synthetic(count, length, period int) []Series {
	source := rand.New(rand.NewPCG(1, 2))
	all := make([]Series, count)
	for i := range all {
		values := make([]float64, length)
		level, trend, swing := 20+200*source.Float64(), 0.3*(source.Float64()-0.4), 0.4*source.Float64()
		for t := range values {
			season := 1 + swing*math.Sin(2*math.Pi*float64(t)/float64(period)+float64(i))
			values[t] = math.Round(max(0, (level+trend*float64(t))*season*(1+0.2*source.NormFloat64())))
		}
		all[i] = Series{ID: fmt.Sprintf("item-%04d", i), Values: values, Period: period}
	}
	return all
}

// The path from sign-up to the first decision: a shop's items by week.
func BenchmarkWeeklyShop(b *testing.B) {
	all := synthetic(200, 104, 52)
	for b.Loop() {
		if _, err := RunAll(context.Background(), all, 12, Options{NonNegative: true}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// One month series after another on one processor.
func BenchmarkMonthlySeries(b *testing.B) {
	all := synthetic(50, 120, 12)
	i := 0
	for b.Loop() {
		if _, err := Run(context.Background(), all[i%len(all)], 18, Options{NonNegative: true}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
