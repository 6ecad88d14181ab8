package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/shared/contract"
)

func TestAPlanIsHeldToOverHTTP(t *testing.T) {
	t.Parallel()
	o := newOffice(t, decider(orderOfEach))
	who, goal := o.stocked()
	from := time.Now().UTC().AddDate(0, 0, -1).Truncate(time.Second)
	who.Limits = contract.Limits{Decisions: 2, Locations: 1, PeriodStart: from, PeriodEnd: from.AddDate(0, 1, 0)}
	start := map[string]any{"goalId": goal.ID}

	for _, want := range []string{"1/2", "2/2"} {
		if r := o.do(&who, http.MethodPost, "/v1/runs", start); r.status != http.StatusAccepted || r.header.Get(contract.SpentHeader) != want {
			t.Errorf("%d %q, want 202 and %s", r.status, r.header.Get(contract.SpentHeader), want)
		}
	}
	p := o.refused(&who, http.MethodPost, "/v1/runs", start, http.StatusPaymentRequired, "runs.decisions_used")
	if len(p.Errors) != 4 {
		t.Errorf("the refusal says %+v", p.Errors)
	}

	var u tables.Upload
	file := []byte("sku,current_stock,unit_cost,location\n=A,5,2,Main street\nB,5,2,Harbour\nC,1,1,main STREET\n")
	o.ok(who, http.MethodPost, "/v1/uploads?filename=stock.csv", file, &u)
	commit := Assignment{Kind: tables.Stock, Mapping: u.Mapping}
	o.refused(&who, http.MethodPost, "/v1/uploads/"+string(u.ID)+"/commit", commit, http.StatusPaymentRequired, "tables.locations_used")
	var usage runs.Usage
	o.ok(who, http.MethodGet, "/v1/usage", nil, &usage)
	if usage.Decisions.Used != 2 || usage.Decisions.Limit != 2 || usage.Locations.Used != 1 || usage.Locations.Limit != 1 {
		t.Errorf("usage %+v", usage)
	}

	// A larger plan takes the same upload; after the way back it stays readable.
	who.Limits.Locations = 2
	o.ok(who, http.MethodPost, "/v1/uploads/"+string(u.ID)+"/commit", commit, nil)
	who.Limits.Locations = 1
	var rows tables.Rows
	o.ok(who, http.MethodGet, "/v1/tables/stock/rows", nil, &rows)
	o.ok(who, http.MethodGet, "/v1/usage", nil, &usage)
	if len(rows.Rows) != 3 || len(rows.Rows[0]) != len(rows.Columns) || usage.Locations.Used != 2 || usage.Locations.Limit != 1 {
		t.Errorf("rows %+v, usage %+v", rows, usage.Locations)
	}

	// Without limits nothing is refused and nothing is told.
	who.Limits = contract.Limits{}
	if r := o.do(&who, http.MethodPost, "/v1/runs", start); r.status != http.StatusAccepted || r.header.Get(contract.SpentHeader) != "" {
		t.Errorf("without limits: %d %q", r.status, r.header.Get(contract.SpentHeader))
	}
}
