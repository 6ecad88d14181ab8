package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/shared/contract"
)

// open is for what tells nothing of a tenant.
const open access = -1

// matrix says which operations change something. What is not in it fails, so that nobody
// adds an operation without deciding who may call it.
var matrix = map[string]struct {
	access access
	body   any
}{
	"list-goals": {reads, nil}, "get-goal": {reads, nil}, "agent-health": {open, nil},
	"list-runs": {reads, nil}, "get-run": {reads, nil}, "watch-run": {reads, nil}, "export-orders": {reads, nil},
	"get-run-result": {reads, nil}, "export-result": {reads, nil}, "list-samples": {reads, nil}, "list-tables": {reads, nil},
	"list-table-formats": {reads, nil}, "list-table-problems": {reads, nil}, "list-table-rows": {reads, nil},
	"show-usage": {reads, nil}, "list-templates": {reads, nil}, "get-upload": {reads, nil},
	"match-goal": {reads, map[string]any{"text": "order well"}},

	"create-goal":   {writes, map[string]any{"template": "x", "goal": map[string]any{}}},
	"start-run":     {writes, map[string]any{"goalId": "goal" + noneOfTheirs}},
	"cancel-run":    {writes, nil},
	"load-sample":   {writes, nil},
	"delete-table":  {writes, nil},
	"upload-file":   {writes, "sku,week,quantity\n"},
	"check-upload":  {writes, map[string]any{"kind": "demand", "mapping": map[string]int{}}},
	"commit-upload": {writes, map[string]any{"kind": "demand", "mapping": map[string]int{}}},
}

// writers are the roles that may change data and decisions.
var writers = map[contract.Role]bool{
	contract.RoleOwner: true, contract.RoleAdmin: true, contract.RoleOperator: true, contract.RoleAnalyst: true,
	contract.RoleBilling: false, contract.RoleViewer: false, contract.RoleAuditor: false, "intruder": false,
}

// Every operation of the document, by every role, in the own tenant; for another one's
// things; and without anybody behind it.
func TestEveryOperationAsksForTheRole(t *testing.T) {
	t.Parallel()
	raw, err := Document("test")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(raw, &document); err != nil || len(document.Paths) == 0 {
		t.Fatalf("%d paths, %v", len(document.Paths), err)
	}
	o := newOffice(t, decider(orderOfEach))
	code := func(who *contract.Principal, method, path string, body any) (int, string) {
		t.Helper()
		header := []string{}
		if strings.HasPrefix(path, "/v1/uploads?") {
			header = []string{"Content-Type", "application/octet-stream"}
		}
		r := o.do(who, method, path, body, header...)
		var p struct{ Code string }
		_ = json.Unmarshal(r.body, &p) // some answers are no problems, and no JSON
		return r.status, p.Code
	}
	seen := map[string]bool{}
	for path, methods := range document.Paths {
		for method, operation := range methods {
			method, name := strings.ToUpper(method), operation.OperationID
			row, known := matrix[name]
			if !known {
				t.Errorf("%s is not in the matrix: say who may call it", name)
				continue
			}
			seen[name] = true
			if method == http.MethodGet && row.access == writes {
				t.Errorf("%s is a GET that changes something", name)
			}
			path := fill(path)
			if status, got := code(nil, method, path, row.body); row.access != open && (status != http.StatusUnauthorized || got != errNoCaller.Code) {
				t.Errorf("%s by nobody: %d %s", name, status, got)
			}
			for role, may := range writers {
				who := o.member(role)
				status, got := code(&who, method, path, row.body)
				allowed := row.access == open || role != "intruder" && (row.access == reads || may)
				if denied := status == http.StatusForbidden && got == errReadOnly.Code; denied == allowed || allowed && (status == http.StatusUnauthorized || status == http.StatusForbidden) {
					t.Errorf("%s by %s: %d %s, allowed should be %v", name, role, status, got, allowed)
				}
				if allowed && strings.Contains(path, noneOfTheirs) && status != http.StatusNotFound {
					t.Errorf("%s of what is another tenant's: %d %s, want 404", name, status, got)
				}
			}
		}
	}
	for name := range matrix {
		if !seen[name] {
			t.Errorf("%s is in the matrix and not in the document", name)
		}
	}
}

// noneOfTheirs is a part of every identifier that is filled in, none of which this tenant has.
const noneOfTheirs = "_00000000000000000000000000"

func fill(path string) string {
	for prefix, name := range map[string]string{"/v1/goals/": "goal", "/v1/runs/": "run", "/v1/uploads/": "upl"} {
		if strings.HasPrefix(path, prefix) {
			path = strings.Replace(path, "{id}", name+noneOfTheirs, 1)
		}
	}
	path = strings.Replace(path, "{id}", "no-such-sample", 1)
	path = strings.Replace(path, "{kind}", "demand", 1)
	if path == "/v1/uploads" {
		path += "?filename=x.csv"
	}
	return path
}
