package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// storeless says that an operation answers without the tenant's data.
func storeless(path string) bool {
	switch path {
	case "/v1/health", "/v1/samples", "/v1/templates", "/v1/tables/formats":
		return true
	}
	return false
}

// handedOver makes another environment the owner of a tenant.
func (o *office) handedOver(tenant id.Tenant, to id.Environment) {
	o.t.Helper()
	store, release, err := o.shelf.Open(o.t.Context(), tenant)
	if err != nil {
		o.t.Fatal(err)
	}
	defer release()
	if _, err := store.BeginMove(o.t.Context(), "mov_1", 1, o.shelf.Self(), to); err != nil {
		o.t.Fatal(err)
	}
	w, err := store.Cut(o.t.Context(), time.Minute)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := w.HandOver(o.t.Context(), o.shelf.Self(), "mov_1", 1, w.Tail); err != nil {
		o.t.Fatal(err)
	}
}

func TestEveryOperationSaysWhereTheTenantMovedTo(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	o.shelf.Belong("env_here")
	gone := o.member(contract.RoleOwner)
	o.handedOver(gone.Tenant, "env_there")
	coming := contract.Principal{Tenant: id.NewTenant(), Person: id.NewPerson(), Role: contract.RoleOwner}
	_, release, err := o.shelf.Prepare(t.Context(), coming.Tenant, tenantstore.Standby{Move: "mov_2", Claim: 1, Base: tenantstore.Start()}, "")
	if err != nil {
		t.Fatal(err)
	}
	release()
	ids := map[string]string{"goals": string(id.NewGoal()), "runs": string(id.NewRun()), "uploads": string(id.NewUpload())}
	var sampled SampleList
	o.ok(gone, http.MethodGet, "/v1/samples", nil, &sampled)
	ids["samples"] = sampled.Samples[0].ID
	for _, op := range operations(t) {
		if storeless(op.path) {
			continue
		}
		kind := strings.Split(op.path, "/")[2]
		path := strings.NewReplacer("{id}", ids[kind], "{kind}", "demand").Replace(op.path) + "?filename=x.csv"
		in := bodyFor(op.path)
		if op.method == http.MethodGet {
			in = nil
		}
		for _, c := range []struct {
			who         contract.Principal
			code, where string
		}{{gone, "tenantstore.moved", "env_there"}, {coming, "tenantstore.standby", contract.MovedStandby}} {
			r := o.do(&c.who, op.method, path, in)
			var p fault.Problem
			if err := json.Unmarshal(r.body, &p); err != nil {
				t.Fatalf("%s: no problem but %d %s", op, r.status, r.body)
			}
			want := fault.Problem{
				Type: "about:blank", Title: "Service Unavailable", Status: http.StatusServiceUnavailable, Code: c.code,
				Kind: fault.Unavailable, Retryable: true, Detail: p.Detail,
			}
			if diff := cmp.Diff(want, p); diff != "" || r.status != p.Status || r.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %d %s", op, r.status, diff)
			}
			if diff := cmp.Diff([]string{c.where}, r.header.Values(contract.MovedHeader)); diff != "" {
				t.Errorf("%s: %s", op, diff)
			}
		}
	}
}

// commands are the kinds of all commands of a tenant but those of its runs in
// work, in order.
func (o *office) commands(tenant id.Tenant) []string {
	o.t.Helper()
	raw, _, release, err := o.shelf.Look(o.t.Context(), tenant)
	if err != nil {
		o.t.Fatal(err)
	}
	defer release()
	var kinds []string
	for at := tenantstore.Start(); ; {
		entries, err := raw.Entries(o.t.Context(), at, 1000, 64<<20)
		if err != nil {
			o.t.Fatal(err)
		}
		if len(entries) == 0 {
			return kinds
		}
		for _, e := range entries {
			var entry struct {
				Commands []struct {
					Kind string `json:"kind"`
				} `json:"cmd"`
			}
			if err := json.Unmarshal(e.Body, &entry); err != nil {
				o.t.Fatal(err)
			}
			for _, c := range entry.Commands {
				switch c.Kind {
				case "runs.begin", "runs.stage", "runs.conclude":
				default:
					kinds = append(kinds, c.Kind)
				}
			}
			at = e.At
		}
	}
}

// What is sent again after a hand-over is a whole request, so no request may have
// been carried out in part.
func TestARequestMakesAtMostOneCommand(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	who, goal := o.stocked()
	for n := range 20 { // as many as may wait: the next drops one
		o.ok(who, http.MethodPost, "/v1/uploads?filename=x.csv", fmt.Appendf(nil, "sku,week,quantity\n=A,2026-01-05,%d\n", n), nil)
	}
	var run runs.Run
	o.ok(who, http.MethodPost, "/v1/runs", map[string]any{"goalId": goal.ID}, &run)
	o.events(who, run.ID)
	var sampled SampleList
	o.ok(who, http.MethodGet, "/v1/samples", nil, &sampled)
	var upload tables.Upload
	o.ok(who, http.MethodPost, "/v1/uploads?filename=x.csv", []byte(demandCSV), &upload)
	ids := map[string]string{"goals": string(goal.ID), "runs": string(run.ID), "uploads": string(upload.ID), "samples": sampled.Samples[0].ID}
	changed := 0
	for _, op := range operations(t) {
		path := strings.NewReplacer("{id}", ids[strings.Split(op.path, "/")[2]], "{kind}", "suppliers").Replace(op.path) + "?filename=x.csv"
		in := bodyFor(op.path)
		switch {
		case op.method == http.MethodGet:
			in = nil
		case op.path == "/v1/runs":
			in = map[string]any{"goalId": goal.ID}
		}
		before := len(o.commands(who.Tenant))
		r := o.do(&who, op.method, path, in)
		made := o.commands(who.Tenant)[before:]
		if len(made) > 1 || len(made) > 0 && op.method == http.MethodGet {
			t.Errorf("%s (%d) made %q", op, r.status, made)
		}
		changed += len(made)
	}
	if changed < 5 {
		t.Errorf("only %d operations changed something; the test has lost its object", changed)
	}
}
