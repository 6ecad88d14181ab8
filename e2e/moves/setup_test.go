// Package moves holds tests of moving live tenants with the whole product: the
// built programs as processes, killed, frozen and used over their public address.
// Make builds them first: make e2e.
package moves

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/product"
)

const (
	shipped    = "../../bin/dyocense-controlplane"
	killable   = "../../out/failpoints/dyocense-controlplane" // built with -tags failpoints
	moveWithin = 90 * time.Second
)

// house is a running product with the file that says where it is killed.
type house struct {
	*product.Product
	options product.Options
	points  string
}

// open starts a product of the test's own on fresh data. Times of moves are short.
func open(t *testing.T, program string, env ...string) *house {
	t.Helper()
	path, err := filepath.Abs(program)
	must(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the product is not built; run make e2e: %v", err)
	}
	dir := t.TempDir()
	h := &house{points: filepath.Join(dir, "points")}
	must(t, os.WriteFile(h.points, nil, 0o600))
	h.options = product.Options{
		Program: path, Data: filepath.Join(dir, "data"),
		Env: append([]string{"DYOCENSE_MOVE_SOAK=1h", "DYOCENSE_MOVE_KEEP=1s", "DYOCENSE_FAILPOINTS=" + h.points}, env...),
	}
	h.again(t)
	h.options.Listen = h.Listens()
	t.Cleanup(func() {
		for _, pid := range h.Agents() {
			_ = product.Continue(pid) // one that a failed test left frozen
		}
		_ = h.Kill()
		if t.Failed() {
			log, _ := os.ReadFile(h.options.Data + ".log")
			t.Logf("the programs' log ends with:\n%s", log[max(0, len(log)-8000):])
		}
	})
	must(t, product.Until(t.Context(), 30*time.Second, func() (bool, string) {
		health, err := h.Health(t.Context())
		if err != nil {
			return false, err.Error()
		}
		for _, c := range health.Components {
			if c.Name == "pool agent" && c.State != "ready" {
				return false, c.Reason
			}
		}
		return true, ""
	}))
	return h
}

// again starts the control plane on the same data, and at the same address.
func (h *house) again(t *testing.T) {
	t.Helper()
	p, err := product.Start(context.WithoutCancel(t.Context()), h.options)
	must(t, err)
	h.Product = p
}

// killAt says where the next program dies, or, with a "!", freezes.
func (h *house) killAt(point string) error {
	if err := os.Remove(h.points + ".reached"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(h.points, []byte(point), 0o600)
}

// reached is the process that came to the place, or 0.
func (h *house) reached() int {
	line, err := os.ReadFile(h.points + ".reached")
	if err != nil || !strings.HasSuffix(string(line), "\n") {
		return 0
	}
	pid := 0
	_, _ = fmt.Sscan(string(line), &pid)
	return pid
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), limit)
	t.Cleanup(stop)
	return ctx
}

// customer has paid for the plan and is ready.
func (h *house) customer(t *testing.T, name, plan string) *product.Customer {
	t.Helper()
	c := h.NewCustomer(name + "@example.com")
	if _, err := c.Become(t.Context(), "The "+name+" company", plan); err != nil {
		t.Fatal(err)
	}
	return c
}

// decided has loaded a sample and made a decision, which a move makes again.
func decided(t *testing.T, c *product.Customer, id string) {
	t.Helper()
	s := sample(t, c, id)
	must(t, c.LoadSample(t.Context(), s.ID))
	run, err := c.StartRun(t.Context(), "Order", s.SuggestedGoal)
	must(t, err)
	run, err = c.AwaitRun(t.Context(), run.ID)
	must(t, err)
	if run.State != "done" {
		t.Fatalf("the decision ended as %+v", run)
	}
}

func sample(t *testing.T, c *product.Customer, id string) product.Sample {
	t.Helper()
	all, err := c.Samples(t.Context())
	must(t, err)
	for _, s := range all {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("there is no sample %q", id)
	return product.Sample{}
}

// act asks for an action until it is heard: the control plane may be away.
func act(ctx context.Context, c *product.Customer, move, action string) error {
	return product.Until(ctx, 30*time.Second, func() (bool, string) {
		err := c.Act(ctx, move, action)
		var refused *product.Refused
		if errors.As(err, &refused) && refused.Status == 409 {
			return true, "" // somebody heard it before
		}
		if err != nil {
			return false, err.Error()
		}
		return true, ""
	})
}

// move takes the tenant to the plan and through with it: "accept" keeps the new
// place and deletes the old copy, "roll_back" goes back.
func move(ctx context.Context, c *product.Customer, plan, way string, see func(product.Move)) (product.Move, error) {
	if see == nil {
		see = func(product.Move) {}
	}
	begun, err := c.StartMove(ctx, plan, "ready")
	if err != nil {
		return begun, err
	}
	return finish(ctx, c, way, see)
}

// finish sees a move that was started through.
func finish(ctx context.Context, c *product.Customer, way string, see func(product.Move)) (product.Move, error) {
	var acted error
	cleaning := false
	last, err := c.WatchMove(ctx, func(m product.Move) bool {
		see(m)
		switch {
		case m.Over, m.State == "failed":
			return true
		case m.State == "ready" && m.Offers("switch"):
			return true // it was put off: nobody is there to ask for it again
		case m.Offers("accept"):
			acted = act(ctx, c, m.ID, way)
		case m.Offers("clean") && !cleaning:
			cleaning = true
			acted = act(ctx, c, m.ID, "clean")
		}
		return acted != nil
	})
	if err == nil {
		err = acted
	}
	want := map[string]string{"accept": "cleaned", "roll_back": "rolled_back"}[way]
	if err == nil && last.State != want {
		err = errors.New("the move ended as " + last.String() + ", want " + want)
	}
	return last, err
}
