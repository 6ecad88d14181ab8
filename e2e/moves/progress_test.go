package moves

import (
	"fmt"
	"math"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/figures"
	"github.com/dyocense/dyocense/e2e/product"
)

func TestProgressOnlyGrowsAndTheTimeLeftIsAboutRight(t *testing.T) {
	t.Parallel()
	goals := 20_000
	if os.Getenv("DYOCENSE_E2E_LONG") != "" {
		goals = 100_000
	}
	h := open(t, shipped)
	ctx := within(t, 5*time.Minute)
	c := h.customer(t, "big", "business")
	began := time.Now()
	var filling sync.WaitGroup
	for w := range 32 {
		filling.Go(func() {
			for n := w; n < goals; n += 32 {
				if _, err := c.WriteGoal(ctx, fmt.Sprintf("goal %d", n)); err != nil {
					t.Errorf("fill: %v", err)
					return
				}
			}
		})
	}
	filling.Wait()
	t.Logf("filled in %s", time.Since(began).Round(time.Millisecond))

	type sight struct {
		at      time.Time
		percent int
		eta     time.Duration
	}
	var seen []sight
	percent := 0
	var documents int64
	last, err := move(ctx, c, "enterprise", "accept", func(m product.Move) {
		if m.Progress.Percent < percent {
			t.Errorf("progress fell from %d to %d %% in the state %s", percent, m.Progress.Percent, m.State)
		}
		percent = m.Progress.Percent
		documents = max(documents, m.Progress.DocumentsTotal)
		if m.Progress.EtaSeconds != nil && percent >= 20 {
			seen = append(seen, sight{time.Now(), percent, time.Duration(*m.Progress.EtaSeconds * float64(time.Second))})
		}
	})
	must(t, err)
	if percent != 100 {
		t.Errorf("it ended at %d %%", percent)
	}
	var good time.Time // when the copy was good
	for _, s := range last.Stages {
		if s.Name == "rehearsing" && s.StartedAt != nil {
			good = *s.StartedAt
		}
	}
	var errors []time.Duration // percent, as milliseconds
	for _, s := range seen {
		left := good.Sub(s.at)
		if left <= 0 {
			continue
		}
		off := 100 * math.Abs((s.eta - left).Seconds()) / left.Seconds()
		t.Logf("at %d %%: said %s, was %s (%.0f %% off)", s.percent, s.eta.Round(10*time.Millisecond), left.Round(10*time.Millisecond), off)
		errors = append(errors, time.Duration(off*float64(time.Millisecond)))
	}
	t.Logf("%d documents; %d times left were told after 20 %%, median error %.0f %%", documents, len(errors), figures.Quantile(errors, 0.5))
	for _, s := range last.Stages {
		t.Logf("%s took %.0f ms", s.Name, s.Millis)
	}
}
