package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/samples"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

type decider func(ctx context.Context, data replenish.Data, goal replenish.Goal, observe replenish.Observe) (replenish.Result, error)

func (d decider) Decide(ctx context.Context, data replenish.Data, goal replenish.Goal, observe replenish.Observe) (replenish.Result, error) {
	return d(ctx, data, goal, observe)
}

// orderOfEach orders one of every item, with texts as suppliers may have them.
func orderOfEach(_ context.Context, data replenish.Data, _ replenish.Goal, observe replenish.Observe) (replenish.Result, error) {
	observe(replenish.Progress{Stage: replenish.StageForecast, Done: 1, Total: 2})
	observe(replenish.Progress{Stage: replenish.StageSolve})
	r := replenish.Result{Status: solve.Optimal, Headline: "Order one of each.", Currency: data.Currency}
	for _, i := range data.Items {
		r.Orders = append(r.Orders, replenish.Order{
			SKU: i.SKU, Name: i.Name, Supplier: "=cmd|' /C calc'!A0", Unit: i.Unit, OrderDate: "2026-04-13", Arrives: "2026-04-20",
			Quantity: 1, UnitCost: i.UnitCost, Cost: i.UnitCost, Why: "@risk, \"quoted\"\nand broken",
		})
	}
	return r, nil
}

// office is the API with its workers, and a way in for any principal.
type office struct {
	t       testing.TB
	handler http.Handler
	shelf   *tenantstore.Shelf
}

func newOffice(t testing.TB, d runs.Decider) *office {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	files, err := tenantstore.NewSQLiteFactory(t.TempDir(), append(tables.Collections(), runs.Collections()...))
	if err != nil {
		t.Fatal(err)
	}
	shelf := tenantstore.NewShelf(files, 16)
	service := runs.New(runs.Config{Shelf: shelf, Decider: d, Slots: 2, Log: log})
	ctx, stop := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() { _ = service.Work(ctx) })
	t.Cleanup(func() {
		stop()
		working.Wait()
		if err := shelf.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &office{t, New(Config{
		Shelf: shelf, Runs: service, Program: "test", Log: log,
		Components: func() []features.Component {
			return []features.Component{{Name: "solver", State: features.Degraded, Reason: "no engine"}}
		},
	}), shelf}
}

// member is someone of a tenant that exists.
func (o *office) member(role contract.Role) contract.Principal {
	o.t.Helper()
	p := contract.Principal{Tenant: id.NewTenant(), Person: id.NewPerson(), Role: role, Plan: "starter"}
	if err := o.shelf.Create(o.t.Context(), p.Tenant); err != nil {
		o.t.Fatal(err)
	}
	return p
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

func (o *office) do(who *contract.Principal, method, path string, in any, header ...string) reply {
	o.t.Helper()
	var body io.Reader
	switch v := in.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(v)
	case string:
		body = strings.NewReader(v)
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			o.t.Fatal(err)
		}
		body = bytes.NewReader(raw)
	}
	r := httptest.NewRequestWithContext(o.t.Context(), method, path, body)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if who != nil {
		r = r.WithContext(tunnel.WithPrincipal(r.Context(), *who))
	}
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.Bytes()}
}

func (o *office) ok(who contract.Principal, method, path string, in, out any) {
	o.t.Helper()
	r := o.do(&who, method, path, in)
	if r.status >= 300 {
		o.t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(r.body, out); err != nil {
		o.t.Fatalf("%s %s: %v in %s", method, path, err, r.body)
	}
}

func (o *office) refused(who *contract.Principal, method, path string, in any, status int, code string) fault.Problem {
	o.t.Helper()
	r := o.do(who, method, path, in)
	var p fault.Problem
	if err := json.Unmarshal(r.body, &p); err != nil {
		o.t.Fatalf("%s %s: no problem but %d %s", method, path, r.status, r.body)
	}
	if r.status != status || p.Code != code || p.Status != status || p.Detail == "" || p.Kind == "" {
		o.t.Errorf("%s %s: got %d %+v, want %d %s", method, path, r.status, p, status, code)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		o.t.Errorf("%s %s: content type %q", method, path, got)
	}
	return p
}

const demandCSV = "sku,week,quantity\n=A,2026-01-05,3\n=A,2026-01-12,4\n"

// stocked is a member whose three tables are there, and a goal.
func (o *office) stocked() (contract.Principal, runs.SavedGoal) {
	o.t.Helper()
	who := o.member(contract.RoleAnalyst)
	for _, f := range []struct{ name, csv string }{
		{"demand.csv", demandCSV},
		{"stock.csv", "sku,product_name,current_stock,unit_cost\n=A,+Apple,5,€2\n"},
		{"suppliers.csv", "sku,supplier,lead_time_days\n=A,Farm,7\n"},
	} {
		var u tables.Upload
		o.ok(who, http.MethodPost, "/v1/uploads?filename="+f.name, []byte(f.csv), &u)
		o.ok(who, http.MethodPost, "/v1/uploads/"+string(u.ID)+"/commit", Assignment{Kind: u.Kind, Mapping: u.Mapping}, nil)
	}
	var g runs.SavedGoal
	o.ok(who, http.MethodPost, "/v1/goals", map[string]any{"title": "Full shelf", "text": "never run out", "template": runs.Template, "goal": map[string]any{"horizon": 6}}, &g)
	return who, g
}

// events reads a stream of run events to its end.
func (o *office) events(who contract.Principal, run id.Run) []runs.Run {
	o.t.Helper()
	r := o.do(&who, http.MethodGet, "/v1/runs/"+string(run)+"/events", nil)
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/event-stream" {
		o.t.Fatalf("events: %d %s %s", r.status, r.header.Get("Content-Type"), r.body)
	}
	var list []runs.Run
	lines := bufio.NewScanner(bytes.NewReader(r.body))
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var one runs.Run
		if err := json.Unmarshal([]byte(data), &one); err != nil {
			o.t.Fatal(err)
		}
		list = append(list, one)
	}
	if len(list) == 0 {
		o.t.Fatal("no events")
	}
	return list
}

func TestFromAFileToAnExportedPlan(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	who, goal := o.stocked()
	if goal.Goal.Horizon != 6 || goal.Goal.ServiceLevel != 0.95 {
		t.Errorf("defaults are not filled in: %+v", goal.Goal)
	}
	var ready Readiness
	o.ok(who, http.MethodGet, "/v1/tables/problems", nil, &ready)
	if !ready.Ready || len(ready.Problems) != 0 {
		t.Errorf("%+v", ready)
	}
	var list TableList
	o.ok(who, http.MethodGet, "/v1/tables", nil, &list)
	for _, one := range list.Tables {
		if !one.Present || one.Items != 1 || one.Source != string(one.Kind)+".csv" || one.UpdatedAt == nil {
			t.Errorf("%+v", one)
		}
	}
	var rows tables.Rows
	o.ok(who, http.MethodGet, "/v1/tables/demand/rows?limit=1", nil, &rows)
	if diff := cmp.Diff(tables.Rows{Columns: []string{"sku", "week", "quantity"}, Rows: [][]string{{"=A", "2026-01-05", "3"}}, Next: "1"}, rows); diff != "" {
		t.Error(diff)
	}
	o.ok(who, http.MethodGet, "/v1/tables/demand/rows?after=1", nil, &rows)
	if len(rows.Rows) != 1 || rows.Next != "" {
		t.Errorf("%+v", rows)
	}

	var run, again runs.Run
	first := o.do(&who, http.MethodPost, "/v1/runs", map[string]any{"goalId": goal.ID}, "Idempotency-Key", "once")
	if first.status != http.StatusAccepted {
		t.Fatalf("start: %d %s", first.status, first.body)
	}
	second := o.do(&who, http.MethodPost, "/v1/runs", map[string]any{"goalId": goal.ID}, "Idempotency-Key", "once")
	if err := errorsOf(json.Unmarshal(first.body, &run), json.Unmarshal(second.body, &again)); err != nil || run.ID != again.ID {
		t.Errorf("the same request gave %s and %s, %v", run.ID, again.ID, err)
	}
	events := o.events(who, run.ID)
	if last := events[len(events)-1]; last.State != runs.Done || last.Headline != "Order one of each." || last.Status != solve.Optimal {
		t.Errorf("the last event is %+v", last)
	}
	var result replenish.Result
	o.ok(who, http.MethodGet, "/v1/runs/"+string(run.ID)+"/result", nil, &result)
	if len(result.Orders) != 1 || result.Currency != "EUR" {
		t.Errorf("%+v", result)
	}

	csv := o.do(&who, http.MethodGet, "/v1/runs/"+string(run.ID)+"/orders.csv", nil)
	want := "\ufeffsku,product_name,supplier,order_date,arrives,quantity,unit,packs,unit_cost,cost,currency,why\r\n" +
		"'=A,'+Apple,'=cmd|' /C calc'!A0,2026-04-13,2026-04-20,1,pcs,,2,2.00,EUR,\"'@risk, \"\"quoted\"\"\r\nand broken\"\r\n"
	if diff := cmp.Diff(want, string(csv.body)); diff != "" {
		t.Error(diff)
	}
	if csv.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(csv.header.Get("Content-Disposition"), `attachment; filename="orders-run_`) {
		t.Errorf("%v", csv.header)
	}
	file := o.do(&who, http.MethodGet, "/v1/runs/"+string(run.ID)+"/result.json", nil)
	if err := json.Unmarshal(file.body, &result); err != nil || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") || file.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v %v", err, file.header)
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestEverySampleGoesThroughTheSameDoorAsAFile(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	who := o.member(contract.RoleOwner)
	var list SampleList
	o.ok(who, http.MethodGet, "/v1/samples", nil, &list)
	if len(list.Samples) != len(samples.All()) || len(list.Samples) < 4 {
		t.Fatalf("%d samples", len(list.Samples))
	}
	for _, s := range list.Samples {
		var loaded TableList
		o.ok(who, http.MethodPost, "/v1/samples/"+s.ID+"/load", nil, &loaded)
		var ready Readiness
		o.ok(who, http.MethodGet, "/v1/tables/problems", nil, &ready)
		if !ready.Ready {
			t.Errorf("%s: %+v", s.ID, ready.Problems)
		}
		for _, one := range loaded.Tables {
			if !one.Present || one.Items != s.Items {
				t.Errorf("%s: %d items promised, %+v", s.ID, s.Items, one)
			}
		}
	}
	o.refused(&who, http.MethodPost, "/v1/samples/nothing/load", nil, 404, "samples.no_such_sample")
}

func TestAFileWithErrorsIsToldLineByLineAndStoresNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	who := o.member(contract.RoleAdmin)
	var u tables.Upload
	o.ok(who, http.MethodPost, "/v1/uploads?filename=../x/sales.csv", []byte("sku,week,quantity\nA,2026-01-05,3\nA,2026-01-12,-4\n"), &u)
	if u.Filename != "sales.csv" || u.Kind != tables.Demand || u.Lines != 3 || len(u.Preview) != 2 {
		t.Errorf("%+v", u)
	}
	in := Assignment{Kind: u.Kind, Mapping: u.Mapping}
	var check tables.Check
	o.ok(who, http.MethodPost, "/v1/uploads/"+string(u.ID)+"/check", in, &check)
	if check.OK || check.ErrorCount != 1 || check.Errors[0].Line != 3 || check.Accepted != 1 {
		t.Errorf("%+v", check)
	}
	p := o.refused(&who, http.MethodPost, "/v1/uploads/"+string(u.ID)+"/commit", in, 422, "tables.file_has_errors")
	if len(p.Errors) != 1 || p.Errors[0].Line != 3 || p.Errors[0].Column != "quantity" || p.Errors[0].Location != "sales.csv line 3, column quantity" {
		t.Errorf("%+v", p.Errors)
	}
	var list TableList
	o.ok(who, http.MethodGet, "/v1/tables", nil, &list)
	for _, one := range list.Tables {
		if one.Present {
			t.Errorf("%s is there", one.Kind)
		}
	}
	o.ok(who, http.MethodGet, "/v1/uploads/"+string(u.ID), nil, &u)
	o.refused(&who, http.MethodPost, "/v1/uploads?filename=a.xlsx", []byte("PK\x03\x04 xl/workbook.xml"), 422, "tables.not_text")
	o.refused(&who, http.MethodPost, "/v1/uploads", []byte("a,b\n1,2\n"), 422, "http.invalid")
	o.refused(&who, http.MethodPost, "/v1/uploads?filename=big.csv", make([]byte, tables.MaxBytes+1), 413, "http.too_large")
}

func TestCommittingTwiceAnswersTheSame(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	who := o.member(contract.RoleAdmin)
	var u tables.Upload
	o.ok(who, http.MethodPost, "/v1/uploads?filename=d.csv", []byte(demandCSV), &u)
	in := Assignment{Kind: u.Kind, Mapping: u.Mapping}
	var first, second tables.Table
	o.ok(who, http.MethodPost, "/v1/uploads/"+string(u.ID)+"/commit", in, &first)
	o.ok(who, http.MethodPost, "/v1/uploads/"+string(u.ID)+"/commit", in, &second)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
	o.refused(&who, http.MethodGet, "/v1/uploads/"+string(u.ID), nil, 404, "tables.no_such_upload")
	if r := o.do(&who, http.MethodDelete, "/v1/tables/demand", nil); r.status != http.StatusNoContent {
		t.Errorf("delete: %d %s", r.status, r.body)
	}
}

func TestEveryRefusalIsAProblem(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	who := o.member(contract.RoleOwner)
	o.refused(nil, http.MethodGet, "/v1/tables", nil, 401, "api.no_principal")
	o.refused(nil, http.MethodGet, "/v1/runs/"+string(id.NewRun())+"/events", nil, 401, "api.no_principal")
	o.refused(&contract.Principal{Tenant: id.NewTenant(), Role: contract.RoleOwner}, http.MethodGet, "/v1/tables", nil, 404, "api.no_such_tenant")
	o.refused(&contract.Principal{Tenant: who.Tenant, Role: "root"}, http.MethodGet, "/v1/tables", nil, 403, "api.read_only")
	o.refused(&who, http.MethodGet, "/v1/nothing", nil, 404, "api.no_such_path")
	o.refused(&who, http.MethodDelete, "/v1/runs", nil, 405, "api.no_such_method")
	o.refused(&who, http.MethodGet, "/v1/tables/prices/rows", nil, 422, "http.invalid")
	o.refused(&who, http.MethodGet, "/v1/tables/demand/rows?limit=9999", nil, 422, "http.invalid")
	o.refused(&who, http.MethodGet, "/v1/runs/run_x", nil, 404, "runs.no_such_run")
	o.refused(&who, http.MethodPost, "/v1/runs", map[string]any{"goalId": id.NewGoal()}, 422, "tables.not_ready")
	o.refused(&who, http.MethodPost, "/v1/goals", "{", 400, "http.malformed")
	p := o.refused(&who, http.MethodPost, "/v1/goals", map[string]any{"template": runs.Template, "goal": map[string]any{"horizon": 99, "secret": "hunter2"}}, 422, "http.invalid")
	if strings.Contains(p.Detail, "hunter2") || len(p.Errors) == 0 {
		t.Errorf("%+v", p)
	}
	o.refused(&who, http.MethodPost, "/v1/goals", map[string]any{"template": "roster", "goal": map[string]any{}}, 422, "runs.bad_goal")
	o.refused(&who, http.MethodPost, "/v1/goals", map[string]any{"template": runs.Template, "goal": map[string]any{"horizon": 99}}, 422, "replenish.goal")
}

func TestHealthNeedsNobodyAndNamesWhatIsDegraded(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	r := o.do(nil, http.MethodGet, "/v1/health", nil)
	var h AgentHealth
	if err := json.Unmarshal(r.body, &h); err != nil || h.Status != "degraded" || len(h.Components) != 1 || h.Components[0].Reason != "no engine" {
		t.Errorf("%d %s %v", r.status, r.body, err)
	}
}

func TestFormulasAreMadeHarmless(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "plain": "plain", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "＝1": "'＝1", "a=1": "a=1", "'=1": "'=1",
	} {
		if got := tables.Harmless(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// operation is one method and path of the document.
type operation struct{ method, path string }

func operations(t testing.TB) []operation {
	t.Helper()
	raw, err := Document("test")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("%v, OpenAPI %q", err, doc.OpenAPI)
	}
	var list []operation
	for path, methods := range doc.Paths {
		for method := range methods {
			list = append(list, operation{strings.ToUpper(method), path})
		}
	}
	return list
}

func TestTheDocumentIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	first, err := Document("1")
	if err != nil {
		t.Fatal(err)
	}
	second, err := Document("1")
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("two documents differ: %v", err)
	}
	if n := len(operations(t)); n < 24 {
		t.Errorf("%d operations", n)
	}
}

func TestViewersChangeNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	who, _ := o.stocked()
	who.Role = contract.RoleViewer
	for _, op := range operations(t) {
		if op.method == http.MethodGet || op.path == "/v1/goals/match" {
			continue
		}
		path := strings.NewReplacer("{id}", string(id.NewRun()), "{kind}", "demand").Replace(op.path)
		o.refused(&who, op.method, path+"?filename=x.csv", bodyFor(op.path), 403, "api.read_only")
	}
	var list TableList
	o.ok(who, http.MethodGet, "/v1/tables", nil, &list)
	if !list.Tables[0].Present {
		t.Error("a viewer sees no tables, or changed them")
	}
}

// bodyFor is a body that passes the checks of form of the operation.
func bodyFor(path string) any {
	switch {
	case path == "/v1/uploads":
		return []byte("sku,week,quantity\nown,2026-01-05,3\n")
	case strings.HasPrefix(path, "/v1/uploads/"):
		return Assignment{Kind: tables.Demand, Mapping: map[string]int{"sku": 0, "week": 1, "quantity": 2}}
	case path == "/v1/goals":
		return map[string]any{"template": runs.Template, "goal": map[string]any{}}
	case path == "/v1/goals/match":
		return map[string]any{"text": "keep 95 % service for 8 weeks"}
	case path == "/v1/runs":
		return map[string]any{"goalId": id.NewGoal()}
	}
	return nil
}

// TestNoTenantReachesAnother calls every operation as one tenant with the
// identifiers of another.
func TestNoTenantReachesAnother(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	victim, goal := o.stocked()
	var run runs.Run
	o.ok(victim, http.MethodPost, "/v1/runs", map[string]any{"goalId": goal.ID}, &run)
	o.events(victim, run.ID)
	var upload tables.Upload
	o.ok(victim, http.MethodPost, "/v1/uploads?filename=secret-plans.csv", []byte(demandCSV), &upload)
	before := o.everything(victim, goal.ID, run.ID, upload.ID)

	for _, role := range []contract.Role{contract.RoleOwner, contract.RoleAdmin, contract.RoleAnalyst, contract.RoleViewer} {
		stranger := o.member(role)
		for _, op := range operations(t) {
			their := string(run.ID)
			switch {
			case strings.HasPrefix(op.path, "/v1/goals"):
				their = string(goal.ID)
			case strings.HasPrefix(op.path, "/v1/uploads"):
				their = string(upload.ID)
			}
			path := strings.NewReplacer("{id}", their, "{kind}", "demand").Replace(op.path)
			in := bodyFor(op.path)
			if op.path == "/v1/runs" {
				in = map[string]any{"goalId": goal.ID}
			}
			query := "?filename=x.csv&tenant=" + url.QueryEscape(string(victim.Tenant)) + "&tenantId=" + string(victim.Tenant)
			if op.method == http.MethodGet {
				in = nil
			}
			r := o.do(&stranger, op.method, path+query, in, "X-Tenant", string(victim.Tenant), "X-Tenant-ID", string(victim.Tenant))
			if strings.Contains(op.path, "{id}") && r.status != http.StatusNotFound && !(role == contract.RoleViewer && r.status == http.StatusForbidden) {
				t.Errorf("%s as %s of another company: %d %s", op, role, r.status, r.body)
			}
			for _, word := range []string{"secret-plans", "=A", "Apple", "Full shelf", string(victim.Tenant), string(victim.Person), string(run.ID), string(goal.ID), string(upload.ID)} {
				if bytes.Contains(r.body, []byte(word)) {
					t.Errorf("%s as %s of another company shows %q: %s", op, role, word, r.body)
				}
			}
		}
	}
	if diff := cmp.Diff(before, o.everything(victim, goal.ID, run.ID, upload.ID)); diff != "" {
		t.Errorf("the strangers changed something:\n%s", diff)
	}
}

// everything is all that a tenant can read, as text.
func (o *office) everything(who contract.Principal, goal id.Goal, run id.Run, upload id.Upload) map[string]string {
	o.t.Helper()
	all := map[string]string{}
	for _, path := range []string{
		"/v1/tables", "/v1/tables/problems", "/v1/tables/demand/rows", "/v1/tables/stock/rows", "/v1/tables/suppliers/rows",
		"/v1/goals", "/v1/goals/" + string(goal), "/v1/runs", "/v1/runs/" + string(run), "/v1/runs/" + string(run) + "/result",
		"/v1/uploads/" + string(upload),
	} {
		r := o.do(&who, http.MethodGet, path, nil)
		if r.status != http.StatusOK {
			o.t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		all[path] = string(r.body)
	}
	return all
}
