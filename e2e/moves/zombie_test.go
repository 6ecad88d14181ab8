package moves

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/product"
)

func TestAnOwnerThatWasFrozenAroundTheHandOverAcceptsNothing(t *testing.T) {
	t.Parallel()
	h := open(t, killable)
	for _, one := range []struct{ name, freeze string }{
		{"before it writes the hand-over", "!agent.before-commit"},
		{"after it wrote the hand-over, before it says so", "!agent.after-commit"},
	} {
		t.Run(one.name, func(t *testing.T) {
			ctx := within(t, moveWithin)
			c := h.customer(t, one.freeze[len("!agent."):], "business")
			must(t, h.killAt(one.freeze))
			prober := c.Probe(ctx, "zombie", 4, 5*time.Millisecond)
			begun, err := c.StartMove(ctx, "enterprise", "ready")
			must(t, err)
			pid := 0
			must(t, product.Until(ctx, moveWithin, func() (bool, string) {
				pid = h.reached()
				return pid != 0 && product.Frozen(pid), "the pool agent does not freeze"
			}))
			t.Cleanup(func() { _ = product.Continue(pid) })
			frozen := time.Now()
			// The product notices by itself: either writes end without an answer, because
			// nobody can know whether the owner handed over, or the copy has learnt of it
			// and takes writes in.
			must(t, product.Until(ctx, moveWithin, func() (bool, string) {
				unclear, taken := 0, 0
				for _, w := range prober.Writes() {
					switch {
					case w.Outcome == product.Unclear:
						unclear++
					case w.Outcome == product.Acknowledged && w.Start.After(frozen):
						taken++
					}
				}
				return unclear >= 8 || taken >= 50, fmt.Sprintf("%d writes are unclear, %d were taken in", unclear, taken)
			}))
			must(t, product.Continue(pid))
			last, err := finish(ctx, c, "accept", func(product.Move) {})
			must(t, err)
			check(ctx, t, prober)
			t.Logf("%s: %s, %+v", begun.ID, last, last.Pause)
		})
	}

	t.Run("while the new owner opened and took writes in", func(t *testing.T) {
		ctx := within(t, moveWithin)
		c := h.customer(t, "between", "business")
		must(t, h.killAt("!migration.after-commit"))
		prober := c.Probe(ctx, "zombie", 4, 5*time.Millisecond)
		_, err := c.StartMove(ctx, "enterprise", "ready")
		must(t, err)
		must(t, product.Until(ctx, moveWithin, func() (bool, string) { return h.reached() != 0 && product.Frozen(h.PID()), "nobody hands over" }))
		old, err := h.AgentOf(h.PoolDir())
		must(t, err)
		t.Cleanup(func() { _ = product.Continue(old) })
		must(t, product.Signal(old, syscall.SIGSTOP))
		must(t, product.Continue(h.PID()))
		if _, err := c.AwaitMove(ctx, "switched"); err != nil {
			t.Fatal(err)
		}
		switched := time.Now()
		must(t, product.Until(ctx, moveWithin, func() (bool, string) {
			taken := 0
			for _, w := range prober.Writes() {
				if w.Outcome == product.Acknowledged && w.Start.After(switched) {
					taken++
				}
			}
			return taken >= 50, "the new owner takes no writes in"
		}))
		// What was sent to the frozen one waits there; now it reads it.
		must(t, product.Continue(old))
		last, err := finish(ctx, c, "accept", func(product.Move) {})
		must(t, err)
		check(ctx, t, prober)
		t.Logf("%s, %+v", last, last.Pause)
	})
}

// check ends a prober and fails the test for every write that was lost or doubled.
func check(ctx context.Context, t *testing.T, p *product.Prober) product.Tally {
	t.Helper()
	tally, err := p.Check(ctx)
	must(t, err)
	if len(tally.Lost) > 0 || len(tally.Twice) > 0 || tally.Acknowledged == 0 {
		t.Errorf("%d writes were acknowledged; lost: %v; twice: %v", tally.Acknowledged, tally.Lost, tally.Twice)
	}
	t.Logf("%d writes acknowledged, %d declined, %d unclear; longest gap %s, slowest %s; %q",
		tally.Acknowledged, tally.Declined, tally.Unclear, tally.Gap.Round(time.Millisecond), tally.Slowest.Round(time.Millisecond), tally.Errors)
	return tally
}
