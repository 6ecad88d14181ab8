package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/product"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestKilledControlPlaneLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	ctx := t.Context()
	p := start(t, data)
	again := func() {
		t.Helper()
		must(t, p.Kill())
		p = start(t, data)
	}
	c := p.NewCustomer("flo@example.com")

	must(t, c.SignUp(ctx, "Flo's Flowers"))
	again() // after the address was confirmed
	c = c.Moved(p)
	page, err := c.Checkout(ctx, "growth")
	must(t, err)
	_, path, _ := strings.Cut(page, "/sandbox/")
	again() // between opening the page and paying on it
	c = c.Moved(p)
	page = p.URL + "/sandbox/" + path
	if _, err := c.Pay(ctx, page, product.GoodCard); err != nil {
		t.Fatal(err)
	}
	again() // at once after paying: the notice may not have been delivered
	c = c.Moved(p)
	if _, err := c.AwaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	s := sample(t, c, "cafe")
	must(t, c.LoadSample(ctx, s.ID))
	rows := tables(t, c)
	run, err := c.StartRun(ctx, "Order", s.SuggestedGoal)
	must(t, err)
	again() // with a run on its way; the agent dies with its parent
	c = c.Moved(p)
	if got := tables(t, c); got["demand"] != rows["demand"] || got["stock"] != rows["stock"] {
		t.Errorf("tables are %v after the kill, want %v", got, rows)
	}
	run, err = c.AwaitRun(ctx, run.ID)
	must(t, err)
	if run.State != "done" || run.Status != "optimal" {
		t.Errorf("the interrupted run ended as %s", describe(run))
	}
}

func TestTheBusCanBeDeleted(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	ctx := t.Context()
	p := start(t, data)
	c := p.NewCustomer("ida@example.com")
	must(t, c.SignUp(ctx, "Ida's Ices"))
	page, err := c.Checkout(ctx, "starter")
	must(t, err)
	if _, err := c.Pay(ctx, page, product.GoodCard); err != nil {
		t.Fatal(err)
	}
	must(t, p.Kill())
	must(t, os.RemoveAll(filepath.Join(data, "core")))
	p = start(t, data)
	c = c.Moved(p)
	if _, err := c.AwaitReady(ctx); err != nil {
		t.Fatalf("a tenant that paid before the bus was deleted: %v", err)
	}
	must(t, p.Kill())
	must(t, os.RemoveAll(filepath.Join(data, "core")))
	p = start(t, data)
	late := p.NewCustomer("jan@example.com")
	if _, err := late.Become(ctx, "Jan's Jams", "starter"); err != nil {
		t.Fatalf("a tenant that came after the bus was deleted: %v", err)
	}
}

func TestKilledAgentResumesItsRuns(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	ctx := t.Context()
	p := start(t, data)
	c := customer(t, p, "gil")
	s := sample(t, c, "hardware")
	must(t, c.LoadSample(ctx, s.ID))
	run, err := c.StartRun(ctx, "Big order", s.SuggestedGoal)
	must(t, err)
	must(t, product.Until(ctx, 20*time.Second, func() (bool, string) {
		var now product.Run
		if err := c.Call(ctx, http.MethodGet, "/v1/runs/"+run.ID, nil, &now); err != nil {
			return false, err.Error()
		}
		return now.State == "running", "the run is " + now.State
	}))
	pid, err := p.AgentPID()
	must(t, err)
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	must(t, product.Until(ctx, 30*time.Second, func() (bool, string) {
		next, err := p.AgentPID()
		return err == nil && next != pid, "no new agent"
	}))
	must(t, product.Until(ctx, 90*time.Second, func() (bool, string) {
		var now product.Run
		if err := c.Call(ctx, http.MethodGet, "/v1/runs/"+run.ID, nil, &now); err != nil {
			return false, err.Error()
		}
		run = now
		return now.State == "done" || now.State == "failed" || now.State == "cancelled", "the run is " + now.State
	}))
	if run.State != "done" || run.Attempts != 2 {
		t.Errorf("the interrupted run ended as %s, want done at the second attempt", describe(run))
	}
}

func TestCancelKeepsTheIncumbentOrSaysThatThereIsNone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	p := start(t, filepath.Join(t.TempDir(), "data"))
	c := customer(t, p, "hal")
	s := sample(t, c, "hardware")
	must(t, c.LoadSample(ctx, s.ID))
	goal := strings.TrimSuffix(strings.TrimSpace(string(s.SuggestedGoal)), "}") + `,"gap":0.000001,"timeLimitSec":120}`
	run, err := c.StartRun(ctx, "Exact order", []byte(goal))
	must(t, err)
	must(t, product.Until(ctx, 60*time.Second, func() (bool, string) {
		var now struct {
			State    string
			Stage    string
			Progress struct{ Objective *float64 }
		}
		if err := c.Call(ctx, http.MethodGet, "/v1/runs/"+run.ID, nil, &now); err != nil {
			return false, err.Error()
		}
		return now.Stage == "solve" && now.Progress.Objective != nil || now.State == "done", "the run is " + describe(now)
	}))
	began := time.Now()
	must(t, c.Call(ctx, http.MethodPost, "/v1/runs/"+run.ID+"/cancel", nil, nil))
	run, err = c.AwaitRun(ctx, run.ID)
	must(t, err)
	if run.Status != "feasible" && run.Status != "optimal" {
		t.Errorf("the cancelled run ended as %s; an incumbent was there", describe(run))
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("cancelling took %s", took)
	}
}

func TestStopDrainsAndExitsCleanly(t *testing.T) {
	t.Parallel()
	p := start(t, filepath.Join(t.TempDir(), "data"))
	pid, err := p.AgentPID()
	must(t, err)
	must(t, p.Stop())
	must(t, product.Until(t.Context(), 10*time.Second, func() (bool, string) {
		return syscall.Kill(pid, 0) != nil, "the agent outlives the control plane"
	}))
}
