package forecast

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// near compares numbers worked out by hand.
var near = cmpopts.EquateApprox(1e-9, 1e-9)

func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMethodsByHand(t *testing.T) {
	t.Parallel()
	t.Run("the seasonal naive method repeats the last season", func(t *testing.T) {
		t.Parallel()
		f, err := Run(t.Context(), Series{Values: []float64{1, 2, 3, 4, 5, 7, 9, 11}, Period: 4}, 6, Options{Method: SeasonalNaive})
		if err != nil {
			t.Fatal(err)
		}
		same(t, f.Mean, []float64{5, 7, 9, 11, 5, 7})
	})
	t.Run("simple exponential smoothing moves half way with alpha one half", func(t *testing.T) {
		t.Parallel()
		f := newETSFitter([]float64{12, 8, 10}, 1) // divided by 10
		squares, _, ok := f.forward(etsForm{}, etsPoint{alpha: 0.5, phi: 1, level: 1}, f.ring)
		if !ok {
			t.Fatal("the recursion broke off")
		}
		same(t, f.level, []float64{1, 1.1, 0.95})
		same(t, f.endLevel, 0.975)
		same(t, squares, 0.04+0.09+0.0025)
	})
	t.Run("the method of Holt and Winters with a multiplicative season", func(t *testing.T) {
		t.Parallel()
		f := newETSFitter([]float64{15, 5}, 2) // divided by 10
		form := etsForm{relativeError: true, trend: true, season: multiplicative}
		f.ring[0], f.ring[1] = 1.25, 0.75
		squares, logs, ok := f.forward(form, etsPoint{alpha: 0.5, beta: 0.1, gamma: 0.2, phi: 1, level: 0.9, slope: 0.1}, f.ring)
		if !ok {
			t.Fatal("the recursion broke off")
		}
		// first value: q = 1, expected 1.25, y = 1.5, d = 1.2-1 = 0.2
		// level 1.1, slope 0.12, index 1.25 + 0.2(1.5-1.25) = 1.3
		// second: q = 1.22, expected 0.915, y = 0.5, d = 2/3-1.22
		q, d := 1.22, 2.0/3-1.22
		same(t, f.expected, []float64{1.25, 0.915})
		same(t, f.endLevel, q+0.5*d)
		same(t, f.endSlope, 0.12+0.1*d)
		same(t, f.ring, []float64{1.3, 0.75 + 0.2*(0.5/q-0.75)})
		same(t, squares, 0.2*0.2+math.Pow(0.5/0.915-1, 2))
		same(t, logs, math.Log(1.25)+math.Log(0.915))
	})
	t.Run("Theta with theta one is simple exponential smoothing", func(t *testing.T) {
		t.Parallel()
		m := &thetaModel{alpha: 0.5, theta: 1, scale: 1}
		y := []float64{12, 8, 10}
		errors := make([]float64, 3)
		_, end := m.run(y, m.begin(y, 10), errors)
		same(t, errors, []float64{2, -3, 0.5})
		same(t, end.expected, 9.75)
	})
	t.Run("Theta continues with half the slope of the line", func(t *testing.T) {
		t.Parallel()
		values := make([]float64, 200)
		for i := range values {
			values[i] = 50 + 3*float64(i) + 5*math.Cos(float64(i*i))
		}
		m := fitTheta(values, false)
		out := make([]float64, 11)
		m.point(out)
		_, slope := line(values)
		same(t, (out[10]-out[0])/10, slope/2)
	})
	t.Run("the dynamic line after n values is the least squares line", func(t *testing.T) {
		t.Parallel()
		y := []float64{3, 1, 4, 1, 5, 9, 2, 6}
		m := &thetaModel{alpha: 0.3, theta: 2, dynamic: true, scale: 1}
		_, end := m.run(y, m.begin(y, 0), nil)
		intercept, slope := line(y)
		same(t, []float64{end.intercept, end.slope}, []float64{intercept, slope})
	})
	// 0 4 0 0 2: the mean size is 3, the mean interval 2.5
	parts := []float64{0, 4, 0, 0, 2}
	t.Run("Croston smooths sizes and intervals at demands", func(t *testing.T) {
		t.Parallel()
		// size 3.5 then 2.75; interval 2.25 then 2.625
		same(t, croston(parts, profile(parts), 0.5, 1).mean, 2.75/2.625)
	})
	t.Run("SBA takes a part of Croston", func(t *testing.T) {
		t.Parallel()
		same(t, croston(parts, profile(parts), 0.5, 0.75).mean, 0.75*2.75/2.625)
	})
	t.Run("TSB lowers the probability in silence", func(t *testing.T) {
		t.Parallel()
		// 0.4, 0.2, 0.6, 0.3, 0.15, 0.575
		same(t, tsb(parts, profile(parts), 0.5, 0.5).mean, 0.575*2.75)
	})
	t.Run("the indices of a repeating season are its ratios to its mean", func(t *testing.T) {
		t.Parallel()
		values := []float64{5, 10, 15, 10, 5, 10, 15, 10, 5, 10, 15, 10}
		same(t, seasonalIndices(values, 4, multiplicative), []float64{0.5, 1, 1.5, 1})
		same(t, seasonalIndices(values, 4, additive), []float64{-5, 0, 5, 0})
	})
}

func TestUncertaintyByHand(t *testing.T) {
	t.Parallel()
	t.Run("lead-time demand of simple exponential smoothing has its analytic spread", func(t *testing.T) {
		t.Parallel()
		residuals := make([]float64, 400)
		for i := range residuals {
			residuals[i] = math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/400-1)
		}
		const alpha, h = 0.3, 8
		m := &etsModel{alpha: alpha, phi: 1, level: 100, residuals: residuals, scale: 1}
		paths := newFutures(h)
		simulate(m, seeded(residuals, 1), paths)
		b := paths.bands(false)
		total := 0.0
		for j := range h {
			total += math.Pow(1+float64(h-1-j)*alpha, 2)
		}
		_, fitted := m.errors()
		sd := widening * math.Sqrt(total*400/float64(400-fitted))
		for l, z := range map[int]float64{1: -1.2816, 5: 1.2816, 8: 2.3263} {
			got := (b.cumulative[l][h-1] - 100*h) / sd
			if math.Abs(got-z) > 0.12*math.Abs(z) {
				t.Errorf("level %v: %.3f deviations from the mean, expected %.3f", Levels[l], got, z)
			}
		}
	})
	t.Run("an intermittent month is empty up to the share of empty months", func(t *testing.T) {
		t.Parallel()
		paths := newFutures(3)
		bootstrap([]float64{2, 4}, 0.6, seeded([]float64{1}, 1), paths) // probability 0.2
		b := paths.bands(true)
		at := func(grid [][]float64) []float64 {
			var out []float64
			for _, l := range []int{3, 4, 5, 6, 8} { // 0.5 0.75 0.9 0.95 0.99
				out = append(out, grid[l][0])
			}
			return out
		}
		// one half of the 20 % is 2, the other 4; the border of both is at 0.9
		got := at(b.single)
		same(t, []float64{got[0], got[1], got[3], got[4]}, []float64{0, 0, 4, 4})
		same(t, at(b.cumulative), got)
	})
	t.Run("order statistics are those of a sort", func(t *testing.T) {
		t.Parallel()
		source := seeded([]float64{1, 2}, 1)
		for range 200 {
			values := make([]float64, pathCount)
			for i := range values {
				values[i] = float64(source.IntN(1 + source.IntN(600)))
			}
			full := slices.Clone(values)
			slices.Sort(full)
			settle(values, orderRanks(pathCount), 0)
			for _, r := range orderRanks(pathCount) {
				if values[r] != full[r] {
					t.Fatalf("rank %d holds %v, a sort puts %v there", r, values[r], full[r])
				}
			}
		}
	})
}
