package api

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/samples"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
	"github.com/dyocense/dyocense/shared/contract"
)

// TestASampleBecomesACheckedPlan is the journey with the real decider and the
// real engine.
func TestASampleBecomesACheckedPlan(t *testing.T) {
	t.Parallel()
	if err := highs.Available(); err != nil {
		if os.Getenv("DYOCENSE_REQUIRE_SERVERS") != "" {
			t.Fatal(err)
		}
		t.Skipf("the embedded engine is missing, make engine fetches it: %v", err)
	}
	engine, err := highs.Load(t.Context(), highs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := engine.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	o := newOffice(t, replenish.Decider{Solver: check.Solver{Inner: engine}, Program: "test"})
	who := o.member(contract.RoleOwner)
	sample := samples.All()[0]
	o.ok(who, http.MethodPost, "/v1/samples/"+sample.ID+"/load", nil, nil)
	var goal runs.SavedGoal
	o.ok(who, http.MethodPost, "/v1/goals", GoalDraft{Template: runs.Template, Goal: GoalInput(sample.SuggestedGoal)}, &goal)
	began := time.Now()
	var run runs.Run
	o.ok(who, http.MethodPost, "/v1/runs", map[string]any{"goalId": goal.ID}, &run)
	events := o.events(who, run.ID)
	last := events[len(events)-1]
	if last.State != runs.Done || !last.Status.HasPlan() {
		t.Fatalf("%s: ended as %s %s, %+v", sample.ID, last.State, last.Status, last.Error)
	}
	var result replenish.Result
	o.ok(who, http.MethodGet, "/v1/runs/"+string(run.ID)+"/result", nil, &result)
	if !result.Check.Passed || len(result.Orders) == 0 || result.Status != last.Status || result.Currency != sample.Currency {
		t.Errorf("%+v", result.Check)
	}
	t.Logf("%s: %s in %s, %d orders, %d events", sample.ID, result.Status, time.Since(began).Round(time.Millisecond), len(result.Orders), len(events))

	t.Run("and a budget that is too small is reported as infeasible with what to change", func(t *testing.T) {
		small := GoalInput(sample.SuggestedGoal)
		small.BudgetPerPeriod, small.BudgetTotal = 1, 0
		o.ok(who, http.MethodPost, "/v1/goals", GoalDraft{Template: runs.Template, Goal: small}, &goal)
		o.ok(who, http.MethodPost, "/v1/runs", map[string]any{"goalId": goal.ID}, &run)
		events := o.events(who, run.ID)
		last := events[len(events)-1]
		if last.State != runs.Done || last.Status != solve.InfeasibleProven {
			t.Fatalf("ended as %s %s, %+v", last.State, last.Status, last.Error)
		}
		o.ok(who, http.MethodGet, "/v1/runs/"+string(run.ID)+"/result", nil, &result)
		if result.Diagnosis == nil || len(result.Diagnosis.Changes) == 0 || len(result.Orders) != 0 {
			t.Errorf("%+v", result.Diagnosis)
		}
	})
}
