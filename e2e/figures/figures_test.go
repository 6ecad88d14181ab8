package figures_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/figures"
)

func TestReport(t *testing.T) {
	t.Parallel()
	var r figures.Report
	r.Bar("pause p99", 80, "ms", figures.Lower, 100)
	r.Bar("throughput", 0.2, "x", figures.Higher, 0.3)
	r.Info("inserts", 4900, "1/s", figures.Higher)
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(b.String(), "\n1 of 2 bars held\n") {
		t.Errorf("the last line is wrong:\n%s", b.String())
	}
}

func TestQuantileTakesTheNearestRank(t *testing.T) {
	t.Parallel()
	var d []time.Duration
	for n := 100; n >= 1; n-- {
		d = append(d, time.Duration(n)*time.Millisecond)
	}
	for q, want := range map[float64]float64{0.5: 50, 0.99: 99, 1: 100, 0: 1} {
		if got := figures.Quantile(d, q); got != want {
			t.Errorf("Quantile(%v) = %v, want %v", q, got, want)
		}
	}
	if got := figures.Quantile(nil, 0.5); got != 0 {
		t.Errorf("Quantile of nothing = %v", got)
	}
}
