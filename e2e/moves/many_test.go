package moves

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/figures"
	"github.com/dyocense/dyocense/e2e/product"
)

// together is how many tenants move at the same time.
const together = 20

func TestManyTenantsMoveAtTheSameTime(t *testing.T) {
	t.Parallel()
	h := open(t, shipped, fmt.Sprintf("DYOCENSE_DEDICATED_LIMIT=%d", together))
	ctx := within(t, 4*time.Minute)
	customers := make([]*product.Customer, together)
	for i := range customers {
		customers[i] = h.customer(t, fmt.Sprintf("many%d", i), "business")
		decided(t, customers[i], "cafe")
	}
	took := make([]time.Duration, together)
	pauses := make([]time.Duration, together)
	tallies := make([]product.Tally, together)
	errs := make([]error, together)
	began := time.Now()
	var moving sync.WaitGroup
	for i, c := range customers {
		moving.Go(func() {
			prober := c.Probe(ctx, "many", 1, 50*time.Millisecond)
			m, err := move(ctx, c, "enterprise", "accept", nil)
			took[i] = time.Since(began)
			errs[i] = err
			if m.Pause != nil {
				pauses[i] = time.Duration(m.Pause.Millis * float64(time.Millisecond))
			}
			if tallies[i], err = prober.Check(ctx); err != nil && errs[i] == nil {
				errs[i] = err
			}
		})
	}
	moving.Wait()
	for i := range customers {
		if errs[i] != nil {
			t.Errorf("move %d: %v", i, errs[i])
		}
		if l := tallies[i]; len(l.Lost) > 0 || len(l.Twice) > 0 || l.Declined > 0 || l.Unclear > 0 {
			t.Errorf("writes during move %d: %+v", i, l)
		}
	}
	fastest, slowest := slices.Min(took), slices.Max(took)
	t.Logf("%d moves at the same time: first after %s, last after %s; write pause p50 %.0f ms, longest %.0f ms",
		together, fastest.Round(time.Millisecond), slowest.Round(time.Millisecond), figures.Quantile(pauses, 0.5), figures.Quantile(pauses, 1))
	if slowest > 4*fastest+5*time.Second {
		t.Errorf("the last move took %s, the first %s: that is not fair", slowest, fastest)
	}
}
