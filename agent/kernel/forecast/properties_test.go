package forecast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/shared/fault"
)

// history draws demand of many shapes: smooth, seasonal, intermittent, spiky,
// constant, growing, tiny, huge.
func history(t *rapid.T, atLeast int) Series {
	n := rapid.IntRange(atLeast, 70).Draw(t, "n")
	period := rapid.SampledFrom([]int{1, 1, 4, 7, 12, 26, 52}).Draw(t, "period")
	shape := rapid.SampledFrom([]string{"any", "rare", "season", "growth", "constant", "spike"}).Draw(t, "shape")
	size := rapid.SampledFrom([]float64{1e-3, 1, 250, 1e7}).Draw(t, "size")
	source := seeded([]float64{float64(rapid.Uint16().Draw(t, "noise"))}, rapid.IntRange(1, 1<<20).Draw(t, "more noise"))
	values := make([]float64, n)
	for i := range values {
		x := 0.5 + source.Float64()
		switch shape {
		case "rare":
			if source.Float64() < 0.7 {
				x = 0
			}
		case "season":
			x *= 2 + math.Sin(2*math.Pi*float64(i)/float64(period))
		case "growth":
			x *= math.Pow(1.2, float64(i))
		case "constant":
			x = 1
		case "spike":
			if i == n/2 {
				x = 1000
			}
		}
		values[i] = size * x
	}
	return Series{ID: "a", Values: values, Period: period}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	method := rapid.SampledFrom(Methods())
	horizon := rapid.IntRange(1, 16)

	t.Run("every forecast is finite, complete and never crosses", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s, h := history(t, 1), horizon.Draw(t, "horizon")
			o := Options{Method: method.Draw(t, "method"), NonNegative: rapid.Bool().Draw(t, "floor")}
			f, err := Run(context.Background(), s, h, o)
			if err != nil {
				t.Fatal(err)
			}
			if f.Method == Auto || f.Method == "" || f.Note == "" || len(f.Mean) != h {
				t.Fatalf("method %q, note %q, %d steps of %d", f.Method, f.Note, len(f.Mean), h)
			}
			floor := math.Inf(-1)
			if o.NonNegative {
				floor = 0
			}
			orderly(t, [][]float64{f.Mean}, h, floor)
			crossing(t, f.Quantiles, h, floor)
			crossing(t, f.Cumulative, h, floor)
			for l := range Levels {
				if f.Quantiles[l][0] != f.Cumulative[l][0] {
					t.Fatalf("the sum of one step is not that step: %v, %v", f.Quantiles[l][0], f.Cumulative[l][0])
				}
			}
		})
	})
	t.Run("a series in another unit has the same forecast in that unit", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s, h := history(t, 1), horizon.Draw(t, "horizon")
			o := Options{Method: method.Draw(t, "method"), NonNegative: true}
			factor := rapid.SampledFrom([]float64{0.5, 8, 1024}).Draw(t, "factor")
			scaled := s
			scaled.Values = slices.Clone(s.Values)
			for i := range scaled.Values {
				scaled.Values[i] *= factor
			}
			f, err := Run(context.Background(), s, h, o)
			if err != nil {
				t.Fatal(err)
			}
			g, err := Run(context.Background(), scaled, h, o)
			if err != nil {
				t.Fatal(err)
			}
			for name, pair := range map[string][2][][]float64{
				"mean":       {{f.Mean}, {g.Mean}},
				"quantiles":  {f.Quantiles, g.Quantiles},
				"cumulative": {f.Cumulative, g.Cumulative},
			} {
				for l := range pair[0] {
					for i, v := range pair[0][l] {
						if d := math.Abs(factor*v - pair[1][l][i]); d > 1e-6*factor*meanSize(s.Values)+1e-6*math.Abs(factor*v) {
							t.Fatalf("%s of %s: %v becomes %v", name, f.Method, v, pair[1][l][i])
						}
					}
				}
			}
		})
	})
	t.Run("an additive model follows a shift of its history", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s, h := history(t, 1), horizon.Draw(t, "horizon")
			size := meanSize(s.Values)
			shift := size * float64(rapid.IntRange(1, 9).Draw(t, "shift"))
			moved := make([]float64, len(s.Values))
			for i, v := range s.Values {
				moved[i] = v + shift
			}
			point := etsPoint{alpha: 0.3, beta: 0.1, gamma: 0.2, phi: 0.95, slope: 0.01}
			form := etsForm{trend: true, damped: true, season: additive}
			forecast := func(values []float64, level float64) []float64 {
				f := newETSFitter(values, s.Period)
				p := point
				p.level, p.slope = level/f.scale, 0.01*size/f.scale
				if _, _, ok := f.forward(form, p, f.ring); !ok {
					t.Fatal("the recursion broke off")
				}
				out := make([]float64, h)
				m := etsModel{form: form, phi: p.phi, level: f.endLevel, slope: f.endSlope, seasonal: f.ring, scale: f.scale}
				m.point(out)
				return out
			}
			before, after := forecast(s.Values, size), forecast(moved, size+shift)
			for i := range before {
				if math.Abs(before[i]+shift-after[i]) > 1e-9*(shift+largest(s.Values)) {
					t.Fatalf("step %d: %v shifted by %v becomes %v", i, before[i], shift, after[i])
				}
			}
		})
	})
	t.Run("the gradient of the likelihood is its slope", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s := history(t, 30)
			if s.Period > 12 || smallest(s.Values) <= 0 || constant(s.Values) {
				t.Skip("not for these forms")
			}
			f := newETSFitter(s.Values, s.Period)
			l := f.layout(rapid.SampledFrom(admissible(f.y, s.Period)).Draw(t, "form"))
			u := make([]float64, l.size)
			for i := range u {
				u[i] = 0.05 * float64(rapid.IntRange(-9, 9).Draw(t, "u"))
			}
			gradient, scratch := make([]float64, l.size), make([]float64, l.size)
			if math.IsInf(f.loss(l, u, gradient), 1) {
				t.Skip("outside the domain")
			}
			if smallest(f.expected) < 0.05 {
				t.Skip("so close to the border that differences say nothing")
			}
			at := func(i int, x float64) float64 {
				before := u[i]
				u[i] = x
				value := f.loss(l, u, scratch)
				u[i] = before
				return value
			}
			for i, x := range u {
				const step = 1e-4
				near, far := at(i, x+step)-at(i, x-step), at(i, x+2*step)-at(i, x-2*step)
				if math.IsInf(near, 0) || math.IsInf(far, 0) || math.IsNaN(near+far) {
					continue
				}
				if slope := (8*near - far) / (12 * step); math.Abs(slope-gradient[i]) > 1e-4*(1+math.Abs(slope)) {
					t.Fatalf("%v, number %d: slope %v, gradient %v", l.form, i, slope, gradient[i])
				}
			}
		})
	})
}

func column(grid [][]float64, i int) []float64 {
	var c []float64
	for _, row := range grid {
		c = append(c, row[i])
	}
	return c
}

// orderly checks that rows have h finite values at or above floor.
func orderly(t *rapid.T, rows [][]float64, h int, floor float64) {
	for _, row := range rows {
		if len(row) != h {
			t.Fatalf("%d steps, expected %d", len(row), h)
		}
		for _, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < floor {
				t.Fatalf("value %v, floor %v", v, floor)
			}
		}
	}
}

func crossing(t *rapid.T, grid [][]float64, h int, floor float64) {
	if len(grid) != len(Levels) {
		t.Fatalf("%d levels", len(grid))
	}
	orderly(t, grid, h, floor)
	for i := range h {
		if c := column(grid, i); !slices.IsSorted(c) {
			t.Fatalf("quantiles of step %d cross: %v", i, c)
		}
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	refuse := map[string]struct {
		values []float64
		period int
		h      int
		o      Options
		want   *fault.Error
	}{
		"an empty history":                      {nil, 1, 3, Options{}, ErrEmpty},
		"a value that is not a number":          {[]float64{1, math.NaN()}, 1, 3, Options{}, ErrNotFinite},
		"an infinite value":                     {[]float64{1, math.Inf(1)}, 1, 3, Options{}, ErrNotFinite},
		"a value near the end of float64":       {[]float64{1, 1e200}, 1, 3, Options{}, ErrNotFinite},
		"negative demand":                       {[]float64{1, -1}, 1, 3, Options{NonNegative: true}, ErrNegative},
		"negative values for intermittent ways": {[]float64{1, -1}, 1, 3, Options{Method: TSB}, ErrNegative},
		"no horizon":                            {[]float64{1}, 1, 0, Options{}, ErrHorizon},
		"an endless horizon":                    {[]float64{1}, 1, MaxHorizon + 1, Options{}, ErrHorizon},
		"no period":                             {[]float64{1}, 0, 3, Options{}, ErrPeriod},
		"an unknown method":                     {[]float64{1}, 1, 3, Options{Method: "arima"}, ErrMethod},
		"an endless history":                    {make([]float64, MaxValues+1), 1, 3, Options{}, ErrTooLong},
	}
	for name, c := range refuse {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			_, err := Run(t.Context(), Series{ID: "x", Values: c.values, Period: c.period}, c.h, c.o)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, expected %v", err, c.want)
			}
		})
	}
	for _, m := range Methods() {
		t.Run("no demand stays no demand with "+string(m), func(t *testing.T) {
			t.Parallel()
			f, err := Run(t.Context(), Series{Values: make([]float64, 30), Period: 12}, 3, Options{Method: m, NonNegative: true})
			if err != nil {
				t.Fatal(err)
			}
			same(t, f.Mean, []float64{0, 0, 0})
			same(t, f.Cumulative[8], []float64{0, 0, 0})
		})
		t.Run("a constant stays constant with "+string(m), func(t *testing.T) {
			t.Parallel()
			f, err := Run(t.Context(), Series{Values: slices.Repeat([]float64{7}, 40), Period: 12}, 3, Options{Method: m})
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range f.Mean {
				low, high := 6.9, 7.1
				if m == SBA { // takes its correction off every series
					low = 5.9
				}
				if v < low || v > high {
					t.Errorf("step %d: %v", i, v)
				}
			}
		})
	}
	t.Run("one value is repeated and its uncertainty called a guess", func(t *testing.T) {
		t.Parallel()
		f, err := Run(t.Context(), Series{Values: []float64{40}, Period: 52}, 2, Options{NonNegative: true})
		if err != nil {
			t.Fatal(err)
		}
		same(t, f.Mean, []float64{40, 40})
		if f.Method != SeasonalNaive || f.Quantiles[5][0] < 45 {
			t.Errorf("%s, 0.9 quantile %v, note %q", f.Method, f.Quantiles[5][0], f.Note)
		}
	})
	t.Run("ten thousand values are fitted to the newest, and it says so", func(t *testing.T) {
		t.Parallel()
		s := synthetic(1, 10_000, 12)[0]
		f, err := Run(t.Context(), s, 12, Options{NonNegative: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(f.Note)
		if f.Method != Mean {
			t.Errorf("method %s", f.Method)
		}
	})
	t.Run("an exploding history does not explode further", func(t *testing.T) {
		t.Parallel()
		values := make([]float64, 30)
		for i := range values {
			values[i] = math.Pow(2, float64(i))
		}
		for _, m := range []Method{ETS, Theta, Mean} {
			f, err := Run(t.Context(), Series{Values: values, Period: 4}, 12, Options{Method: m})
			if err != nil {
				t.Fatal(err)
			}
			if last := f.Mean[11]; last > 10*values[29] || last < 0 {
				t.Errorf("%s reaches %v after %v", m, last, values[29])
			}
		}
	})
	t.Run("a thousand steps ahead everything is still finite", func(t *testing.T) {
		t.Parallel()
		for _, s := range synthetic(2, 60, 12) {
			s.Values[20] *= 40 // one wild month makes wide relative errors
			f, err := Run(t.Context(), s, MaxHorizon, Options{Method: ETS})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range slices.Concat([][]float64{f.Mean}, f.Quantiles, f.Cumulative) {
				for i, v := range row {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Fatalf("step %d is %v", i, v)
					}
				}
			}
		}
	})
	t.Run("two years of weeks are enough for a season of 52", func(t *testing.T) {
		t.Parallel()
		source := seeded([]float64{1}, 1)
		truth := func(t int) float64 { return 100 * (1 + 0.5*math.Sin(2*math.Pi*float64(t)/52)) }
		values := make([]float64, 104)
		for i := range values {
			values[i] = truth(i) * (1 + 0.1*source.NormFloat64())
		}
		f, err := Run(t.Context(), Series{Values: values, Period: 52}, 26, Options{NonNegative: true})
		if err != nil {
			t.Fatal(err)
		}
		missed := 0.0
		for i, v := range f.Mean {
			missed += math.Abs(v-truth(104+i)) / 26
		}
		if missed > 10 {
			t.Errorf("mean distance from the truth %.1f: %v", missed, f.Mean)
		}
	})
	t.Run("two years of weeks that do not repeat are told to have no season", func(t *testing.T) {
		t.Parallel()
		source := seeded([]float64{1}, 2)
		values := make([]float64, 104)
		for i := range values {
			values[i] = 50 + 5*source.NormFloat64()
		}
		f, err := Run(t.Context(), Series{Values: values, Period: 52}, 4, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(f.Note, "do not repeat every 52") {
			t.Errorf("%s: %s", f.Method, f.Note)
		}
	})
	t.Run("zeros before the first sale do not make an item intermittent", func(t *testing.T) {
		t.Parallel()
		sold := synthetic(1, 40, 12)[0].Values
		f, err := Run(t.Context(), Series{Values: slices.Concat(make([]float64, 60), sold), Period: 12}, 4, Options{NonNegative: true})
		if err != nil {
			t.Fatal(err)
		}
		g, err := Run(t.Context(), Series{Values: sold, Period: 12}, 4, Options{NonNegative: true})
		if err != nil {
			t.Fatal(err)
		}
		same(t, f.Mean, g.Mean)
		if f.Method != Mean || !strings.Contains(f.Note, "first 60 values are zero") {
			t.Errorf("%s: %s", f.Method, f.Note)
		}
	})
	t.Run("half a year of weeks is told to be too short for a season", func(t *testing.T) {
		t.Parallel()
		s := synthetic(1, 26, 52)[0]
		f, err := Run(t.Context(), s, 4, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if want := "26 values of history are too short for a season of 52"; f.Method != Mean || !strings.Contains(f.Note, want) {
			t.Errorf("%s: %s", f.Method, f.Note)
		}
	})
}

// Not parallel: it changes the number of processors.
func TestRunAll(t *testing.T) {
	all := slices.Concat(synthetic(20, 60, 12), synthetic(10, 104, 52), synthetic(5, 9, 1))
	for i := range all {
		all[i].ID = fmt.Sprint(i)
	}
	t.Run("gives the same bytes on any number of processors", func(t *testing.T) {
		var first []byte
		for _, processors := range []int{1, 2, 7} {
			before := runtime.GOMAXPROCS(processors)
			forecasts, err := RunAll(t.Context(), all, 6, Options{NonNegative: true}, nil)
			runtime.GOMAXPROCS(before)
			if err != nil {
				t.Fatal(err)
			}
			bytes, err := json.Marshal(forecasts)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = bytes
			}
			if string(bytes) != string(first) {
				t.Fatalf("%d processors give other bytes", processors)
			}
		}
	})
	t.Run("counts what is done, one by one", func(t *testing.T) {
		var heard []int
		if _, err := RunAll(t.Context(), all, 2, Options{}, func(done int) { heard = append(heard, done) }); err != nil {
			t.Fatal(err)
		}
		for i, done := range heard {
			if done != i+1 {
				t.Fatalf("heard %v", heard)
			}
		}
		same(t, len(heard), len(all))
	})
	t.Run("names the first wrong series", func(t *testing.T) {
		wrong := slices.Clone(all)
		wrong[3].Values, wrong[9].Values = nil, []float64{math.NaN()}
		_, err := RunAll(t.Context(), wrong, 2, Options{}, nil)
		var f *fault.Error
		if !errors.As(err, &f) || !errors.Is(err, ErrEmpty) || f.Details[0].Location != "series 3" {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("stops when it is cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := RunAll(ctx, all, 2, Options{}, func(int) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("of nothing is nothing", func(t *testing.T) {
		forecasts, err := RunAll(t.Context(), nil, 2, Options{}, nil)
		if err != nil || len(forecasts) != 0 {
			t.Fatalf("%v, %v", forecasts, err)
		}
	})
}
