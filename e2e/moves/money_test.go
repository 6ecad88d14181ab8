package moves

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/product"
)

func TestADowngradeBringsEverythingBackToThePool(t *testing.T) {
	t.Parallel()
	h := open(t, shipped)
	ctx := within(t, 2*time.Minute)
	c := h.customer(t, "dan", "business")
	decided(t, c, "cafe")
	before, err := c.Bytes(ctx, http.MethodGet, "/v1/runs", nil)
	must(t, err)
	prober := c.Probe(ctx, "down", 2, 20*time.Millisecond)
	for _, to := range []string{"enterprise", "business"} {
		last, err := move(ctx, c, to, "accept", nil)
		must(t, err)
		if plan := planOf(t, c); plan != to {
			t.Errorf("after the move the plan is %s, want %s", plan, to)
		}
		t.Logf("to %s: %s, %+v", to, last, last.Pause)
	}
	if tally := check(ctx, t, prober); tally.Declined > 0 || tally.Unclear > 0 {
		t.Errorf("writes failed during the moves: %q", tally.Errors)
	}
	after, err := c.Bytes(ctx, http.MethodGet, "/v1/runs", nil)
	must(t, err)
	if string(before) != string(after) {
		t.Errorf("the decisions were %s, are %s", before, after)
	}
	if dirs := h.DedicatedDirs(); len(dirs) != 0 {
		t.Errorf("the dedicated environment is left: %v", dirs)
	}
	if agents := h.Agents(); len(agents) != 1 {
		t.Errorf("agents that run: %v, want the pool's alone", agents)
	}
}

func planOf(t *testing.T, c *product.Customer) string {
	t.Helper()
	var s struct{ Plan struct{ ID string } }
	must(t, c.Call(t.Context(), http.MethodGet, "/v1/session", nil, &s))
	return s.Plan.ID
}

func TestAPaymentThatFailsSwitchesNothing(t *testing.T) {
	t.Parallel()
	h := open(t, shipped)
	ctx := within(t, 2*time.Minute)
	c := h.NewCustomer("pat@example.com")
	must(t, c.SignUp(ctx, "Pat's Pans"))
	page, err := c.Checkout(ctx, "business")
	must(t, err)
	to, err := c.Pay(ctx, page, product.FailsLaterCard)
	must(t, err)
	if to == page {
		t.Fatal("the card was declined at the checkout already")
	}
	if _, err := c.AwaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	decided(t, c, "cafe")
	prober := c.Probe(ctx, "unpaid", 2, 20*time.Millisecond)
	_, err = c.StartMove(ctx, "enterprise", "ready")
	must(t, err)
	m, err := c.WatchMove(ctx, func(m product.Move) bool {
		return m.State == "ready" && m.Error != nil || m.State == "switched" || m.State == "failed"
	})
	must(t, err)
	if m.State != "ready" || m.Error == nil || !m.Offers("switch") || !m.Offers("abort") {
		t.Fatalf("the payment failed and the move is %s, with %+v; want it ready, with the error, to be tried again or given up", m, m.Actions)
	}
	t.Logf("%s", m)
	if plan := planOf(t, c); plan != "business" {
		t.Errorf("nothing was paid and the plan is %s", plan)
	}
	must(t, c.Act(ctx, m.ID, "abort"))
	if _, err := c.AwaitMove(ctx, "aborted"); err != nil {
		t.Fatal(err)
	}
	if tally := check(ctx, t, prober); tally.Declined > 0 || tally.Unclear > 0 {
		t.Errorf("writes failed: %q", tally.Errors)
	}
	if plan := planOf(t, c); plan != "business" {
		t.Errorf("after giving up the plan is %s", plan)
	}
	if dirs, agents := h.DedicatedDirs(), h.Agents(); len(dirs) != 0 || len(agents) != 1 {
		t.Errorf("left after giving up: %v, %v", dirs, agents)
	}
	var refused *product.Refused
	if err := c.Act(ctx, m.ID, "switch"); !errors.As(err, &refused) || refused.Status != http.StatusConflict {
		t.Errorf("a move that was given up can be switched: %v", err)
	}
}
