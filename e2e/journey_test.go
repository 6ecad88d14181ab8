package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/e2e/product"
)

func TestJourney(t *testing.T) {
	t.Parallel()
	p := start(t, filepath.Join(t.TempDir(), "data"))
	ctx := t.Context()
	c := p.NewCustomer("ada@example.com")

	must(t, c.SignUp(ctx, "Ada's Cafe"))
	var refused *product.Refused
	if err := c.Call(ctx, http.MethodGet, "/v1/tables", nil, nil); !errors.As(err, &refused) || refused.Status == http.StatusOK {
		t.Errorf("tables before a plan: %v, want a refusal", err)
	}

	page, err := c.Checkout(ctx, "growth")
	must(t, err)
	to, err := c.Pay(ctx, page, product.DeclinedCard)
	must(t, err)
	if to != page {
		t.Errorf("a declined card leads to %s", to)
	}
	to, err = c.Pay(ctx, page, product.GoodCard)
	must(t, err)
	if !strings.Contains(to, "/welcome") {
		t.Errorf("a good card leads to %s, want /welcome", to)
	}

	place, err := c.AwaitReady(ctx)
	must(t, err)
	for _, s := range place.Steps {
		if s.State != "done" {
			t.Errorf("step %s is %s", s.Name, s.State)
		}
	}
	if place.TotalMillis <= 0 || place.TotalMillis > 5000 {
		t.Errorf("provisioning took %v ms", place.TotalMillis)
	}

	s := sample(t, c, "cafe")
	must(t, c.LoadSample(ctx, s.ID))
	if rows := tables(t, c); rows["demand"] == 0 || rows["stock"] != s.Items || rows["suppliers"] != s.Items {
		t.Errorf("the sample's tables are %v, want %d items", rows, s.Items)
	}
	run, err := c.StartRun(ctx, "First order", s.SuggestedGoal)
	must(t, err)
	run, err = c.AwaitRun(ctx, run.ID)
	must(t, err)
	if run.State != "done" || run.Status != "optimal" || run.Headline == "" {
		t.Fatalf("the run ended as %s", describe(run))
	}

	var result struct {
		Status string
		Orders []json.RawMessage
		Plan   struct{ Total float64 }
		Check  struct{ Passed bool }
	}
	must(t, c.Call(ctx, http.MethodGet, "/v1/runs/"+run.ID+"/result", nil, &result))
	if result.Status != "optimal" || len(result.Orders) == 0 || result.Plan.Total <= 0 || !result.Check.Passed {
		t.Errorf("result = %s", describe(result))
	}
	csv, err := c.Bytes(ctx, http.MethodGet, "/v1/runs/"+run.ID+"/orders.csv", nil)
	must(t, err)
	if lines := strings.Count(string(csv), "\n"); lines != len(result.Orders)+1 {
		t.Errorf("the CSV has %d lines, want %d orders and a header", lines, len(result.Orders))
	}
	var exported map[string]json.RawMessage
	must(t, c.Call(ctx, http.MethodGet, "/v1/runs/"+run.ID+"/result.json", nil, &exported))
	if len(exported["orders"]) == 0 {
		t.Error("the JSON export has no orders")
	}
}

func TestBudgetTooSmallIsInfeasibleAndSaysWhatToChange(t *testing.T) {
	t.Parallel()
	p := start(t, filepath.Join(t.TempDir(), "data"))
	ctx := t.Context()
	c := customer(t, p, "bob")
	s := sample(t, c, "cafe")
	must(t, c.LoadSample(ctx, s.ID))
	var goal map[string]any
	must(t, json.Unmarshal(s.SuggestedGoal, &goal))
	goal["budgetPerPeriod"] = 5
	delete(goal, "budgetTotal")
	raw, err := json.Marshal(goal)
	must(t, err)
	run, err := c.StartRun(ctx, "Too little", raw)
	must(t, err)
	run, err = c.AwaitRun(ctx, run.ID)
	must(t, err)
	if run.State != "done" || run.Status != "infeasible_proven" {
		t.Fatalf("the run ended as %s", describe(run))
	}
	type change struct {
		Rule, Field, Text string
		To                float64
		Verified          bool
	}
	var result struct {
		Orders    []json.RawMessage
		Diagnosis struct {
			Conflicts []struct{ Rule string }
			Changes   []change
		}
	}
	must(t, c.Call(ctx, http.MethodGet, "/v1/runs/"+run.ID+"/result", nil, &result))
	if len(result.Orders) != 0 || len(result.Diagnosis.Changes) == 0 {
		t.Fatalf("result = %s; want no order and at least one change", describe(result))
	}
	for _, change := range result.Diagnosis.Changes {
		if !change.Verified || change.Text == "" {
			t.Errorf("a change is %s", describe(change))
		}
	}
	// What it says must be true: the goal with the larger budget has a plan.
	i := slices.IndexFunc(result.Diagnosis.Changes, func(c change) bool { return c.Field == "budgetPerPeriod" })
	if i < 0 {
		t.Fatalf("no change of the budget among %s", describe(result.Diagnosis.Changes))
	}
	goal["budgetPerPeriod"] = result.Diagnosis.Changes[i].To
	raw, err = json.Marshal(goal)
	must(t, err)
	run, err = c.StartRun(ctx, "Changed", raw)
	must(t, err)
	run, err = c.AwaitRun(ctx, run.ID)
	must(t, err)
	if run.Status != "optimal" && run.Status != "feasible" {
		t.Errorf("after the change the run ended as %s", describe(run))
	}
}

func TestFilesThroughTheGateway(t *testing.T) {
	t.Parallel()
	p := start(t, filepath.Join(t.TempDir(), "data"))
	ctx := t.Context()
	c := customer(t, p, "cleo")

	upload := func(name, text string) (id, kind string) {
		t.Helper()
		var answer struct{ ID, Kind string }
		must(t, c.Call(ctx, http.MethodPost, "/v1/uploads?filename="+name, []byte(text), &answer))
		return answer.ID, answer.Kind
	}

	t.Run("a file of several megabytes arrives whole", func(t *testing.T) {
		var b strings.Builder
		b.WriteString("sku,week,quantity,note\n")
		weeks := []string{"2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27"}
		rows := 0
		for item := range 1900 {
			for _, w := range weeks {
				b.WriteString("ITEM-" + itoa(item) + "," + w + "," + itoa(item%17) + "," + strings.Repeat("x", 400) + "\n")
				rows++
			}
		}
		id, kind := upload("demand.csv", b.String())
		if kind != "demand" {
			t.Errorf("the file is taken for %q, want demand", kind)
		}
		var check struct {
			OK         bool
			Rows       int
			ErrorCount int
			Errors     []json.RawMessage
		}
		mapping := map[string]any{"kind": "demand", "mapping": map[string]int{"sku": 0, "week": 1, "quantity": 2}}
		must(t, c.Call(ctx, http.MethodPost, "/v1/uploads/"+id+"/check", mapping, &check))
		if !check.OK || check.Rows != rows {
			t.Errorf("check = %s, want %d rows", describe(check), rows)
		}
		must(t, c.Call(ctx, http.MethodPost, "/v1/uploads/"+id+"/commit", mapping, nil))
		if got := tables(t, c)["demand"]; got != rows {
			t.Errorf("the table holds %d rows, want %d", got, rows)
		}
	})
	t.Run("a wrong file names line and column, and changes nothing", func(t *testing.T) {
		before := tables(t, c)["demand"]
		id, _ := upload("demand.csv", "sku,week,quantity\nA,2025-01-06,5\nB,2025-01-06,-3\nC,soon,4\n")
		mapping := map[string]any{"kind": "demand", "mapping": map[string]int{"sku": 0, "week": 1, "quantity": 2}}
		var check struct {
			OK     bool
			Errors []struct {
				Line    int
				Column  string
				Message string
			}
		}
		must(t, c.Call(ctx, http.MethodPost, "/v1/uploads/"+id+"/check", mapping, &check))
		seen := map[int]string{}
		for _, e := range check.Errors {
			seen[e.Line] = e.Column
		}
		if check.OK || seen[3] != "quantity" || seen[4] != "week" {
			t.Errorf("check = %s", describe(check))
		}
		var refused *product.Refused
		if err := c.Call(ctx, http.MethodPost, "/v1/uploads/"+id+"/commit", mapping, nil); !errors.As(err, &refused) || refused.Status != http.StatusUnprocessableEntity {
			t.Errorf("commit of a wrong file: %v, want 422", err)
		}
		if got := tables(t, c)["demand"]; got != before {
			t.Errorf("the table went from %d to %d rows", before, got)
		}
	})
	t.Run("more than 20 MB are refused with words", func(t *testing.T) {
		var refused *product.Refused
		err := c.Call(ctx, http.MethodPost, "/v1/uploads?filename=big.csv", make([]byte, 22<<20), nil)
		if !errors.As(err, &refused) || refused.Status != http.StatusRequestEntityTooLarge || !strings.Contains(refused.Body, "20 MB") {
			t.Errorf("a file of 22 MB: %v, want 413 and the limit", err)
		}
	})
}

func TestStrangersSeeNothingOfEachOther(t *testing.T) {
	t.Parallel()
	p := start(t, filepath.Join(t.TempDir(), "data"))
	ctx := t.Context()
	dora, egon := customer(t, p, "dora"), customer(t, p, "egon")
	s := sample(t, dora, "cafe")
	must(t, dora.LoadSample(ctx, s.ID))
	run, err := dora.StartRun(ctx, "Dora's order", s.SuggestedGoal)
	must(t, err)
	_, err = dora.AwaitRun(ctx, run.ID)
	must(t, err)

	if rows := tables(t, egon); rows["demand"] != 0 {
		t.Errorf("Egon sees Dora's demand: %v", rows)
	}
	for _, path := range []string{"", "/result", "/orders.csv", "/result.json", "/events"} {
		var refused *product.Refused
		if _, err := egon.Bytes(ctx, http.MethodGet, "/v1/runs/"+run.ID+path, nil); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
			t.Errorf("Egon gets Dora's run%s: %v, want 404", path, err)
		}
	}
	nobody := p.NewCustomer("nobody@example.com")
	var refused *product.Refused
	if err := nobody.Call(ctx, http.MethodGet, "/v1/runs", nil, nil); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		t.Errorf("without a session: %v, want 401", err)
	}
}
