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

func TestTune(t *testing.T) {
	for _, file := range []string{"forecast/m1.csv", "forecast/m3_every15.csv"} {
		all := readCompetition(t, file)
		for _, m := range []Method{SeasonalNaive, Theta, ETS, Mean} {
			scores(t, all, m)
		}
	}
}
