package forecast

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// score of one method on one group: the means over series of sMAPE in percent
// and of MASE, scaled by the in-sample error of the seasonal naive method.
type score struct {
	smape, mase float64
	series      int
}

func (s *score) add(c competition, mean []float64) {
	relative, absolute := 0.0, 0.0
	for i, a := range c.actual {
		relative += 200 * math.Abs(a-mean[i]) / (math.Abs(a) + math.Abs(mean[i]))
		absolute += math.Abs(a - mean[i])
	}
	naive, h := 0.0, float64(len(c.actual))
	for t := c.Period; t < len(c.Values); t++ {
		naive += math.Abs(c.Values[t] - c.Values[t-c.Period])
	}
	naive /= float64(len(c.Values) - c.Period)
	n := float64(s.series)
	s.smape = (s.smape*n + relative/h) / (n + 1)
	s.mase = (s.mase*n + absolute/h/naive) / (n + 1)
	s.series++
}

var groups = []string{"yearly", "quarterly", "monthly", "other", "all"}

// scores of a method by group, and the share of actual values inside the 80 %
// interval.
func scores(t *testing.T, all []competition, m Method) (map[string]*score, float64) {
	t.Helper()
	byGroup := map[string]*score{}
	inside, total := 0, 0
	start := time.Now()
	for _, c := range all {
		f, err := Run(t.Context(), c.Series, len(c.actual), Options{Method: m})
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		for _, g := range []string{c.group, "all"} {
			if byGroup[g] == nil {
				byGroup[g] = &score{}
			}
			byGroup[g].add(c, f.Mean)
		}
		for i, a := range c.actual {
			total++
			if a >= f.Quantiles[1][i] && a <= f.Quantiles[5][i] {
				inside++
			}
		}
	}
	line := fmt.Sprintf("%-7s", m)
	for _, g := range groups {
		if s := byGroup[g]; s != nil {
			line += fmt.Sprintf("  %s %6.2f / %.3f", g, s.smape, s.mase)
		}
	}
	coverage := float64(inside) / float64(total)
	t.Logf("%s  80%% interval holds %.1f %%  %.2f s", line, 100*coverage, time.Since(start).Seconds())
	return byGroup, coverage
}

// The reference values come from another implementation with its default
// settings on the same series: Theta 11.97 / 1.459, ETS 11.36 / 1.326, and the
// mean of ETS and dynamic optimised Theta 11.15 / 1.300.
func TestAccuracyOnM3(t *testing.T) {
	t.Parallel()
	all := readCompetition(t, "forecast/m3_every15.csv")
	naive, _ := scores(t, all, SeasonalNaive)
	theta, _ := scores(t, all, Theta)
	ets, _ := scores(t, all, ETS)
	mean, coverage := scores(t, all, Mean)
	auto, _ := scores(t, all, Auto)

	t.Run("Theta is within one percent of the reference", func(t *testing.T) {
		within(t, theta["all"], 11.97, 1.459, 0.99, 1.01)
	})
	t.Run("ETS is at most two percent worse than the reference", func(t *testing.T) {
		within(t, ets["all"], 11.36, 1.326, 0, 1.02)
	})
	t.Run("the mean of both is at most one percent worse than the reference", func(t *testing.T) {
		within(t, mean["all"], 11.15, 1.300, 0, 1.01)
	})
	t.Run("the choice made by itself is as good as the mean", func(t *testing.T) {
		within(t, auto["all"], 11.15, 1.300, 0, 1.01)
	})
	t.Run("the mean beats the seasonal naive method in every group", func(t *testing.T) {
		for _, g := range groups {
			if mean[g].smape >= naive[g].smape || mean[g].mase >= naive[g].mase {
				t.Errorf("%s: mean %.2f / %.3f, naive %.2f / %.3f", g, mean[g].smape, mean[g].mase, naive[g].smape, naive[g].mase)
			}
		}
	})
	t.Run("the 80 % interval holds between 75 and 85 % of what came", func(t *testing.T) {
		if coverage < 0.75 || coverage > 0.85 {
			t.Errorf("it holds %.1f %%", 100*coverage)
		}
	})
}

// within checks both measures against low and high times the reference.
func within(t *testing.T, s *score, smape, mase, low, high float64) {
	t.Helper()
	if s.smape < low*smape || s.smape > high*smape || s.mase < low*mase || s.mase > high*mase {
		t.Errorf("reached %.2f / %.3f, reference %.2f / %.3f", s.smape, s.mase, smape, mase)
	}
}

// M1 is where the methods were tuned; here they must not get worse unnoticed.
func TestAccuracyOnM1(t *testing.T) {
	t.Parallel()
	var all []competition
	for i, c := range readCompetition(t, "forecast/m1.csv") {
		if i%5 == 0 { // enough to see a loss, and quick under the race detector
			all = append(all, c)
		}
	}
	naive, _ := scores(t, all, SeasonalNaive)
	mean, coverage := scores(t, all, Mean)
	t.Run("the mean of ETS and Theta stays at least ten percent better than the seasonal naive method", func(t *testing.T) {
		within(t, mean["all"], naive["all"].smape, naive["all"].mase, 0, 0.9)
	})
	t.Run("the 80 % interval holds between 70 and 90 % of what came", func(t *testing.T) {
		if coverage < 0.7 || coverage > 0.9 {
			t.Errorf("it holds %.1f %%", 100*coverage)
		}
	})
}
