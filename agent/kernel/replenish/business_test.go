package replenish_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/samples"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
)

var loaded = time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC)

// business is a sample's data as an import would join it.
func business(t testing.TB, id string) (samples.Sample, replenish.Data) {
	t.Helper()
	sample, ok := samples.Find(id)
	if !ok {
		t.Fatalf("there is no sample %q", id)
	}
	tables := sample.Tables(loaded)
	data := replenish.Data{PeriodDays: 7, Start: samples.FirstWeek(loaded), Currency: sample.Currency}
	at := map[string]int{}
	for _, row := range rows(t, tables[samples.Stock]) {
		item := replenish.Item{
			SKU: row["sku"], Name: row["product_name"], Unit: row["unit"], OnHand: value(t, row["current_stock"]),
			UnitCost: value(t, row["unit_cost"]), MaxStock: value(t, row["max_stock"]), Volume: value(t, row["volume"]),
		}
		if row["on_order_date"] != "" {
			date, err := time.Parse(time.DateOnly, row["on_order_date"])
			if err != nil {
				t.Fatal(err)
			}
			item.OnOrder = []replenish.Arrival{{Date: date, Quantity: value(t, row["on_order_quantity"])}}
		}
		at[item.SKU] = len(data.Items)
		data.Items = append(data.Items, item)
	}
	for _, row := range rows(t, tables[samples.Suppliers]) {
		item := &data.Items[at[row["sku"]]]
		item.Supplier, item.LeadTimeDays = row["supplier"], int(value(t, row["lead_time_days"]))
		item.OrderCost, item.MinOrder, item.PackSize = value(t, row["order_cost"]), value(t, row["min_order"]), value(t, row["pack_size"])
	}
	for _, row := range rows(t, tables[samples.Demand]) {
		if n := len(data.History); n == 0 || data.History[n-1].SKU != row["sku"] {
			data.History = append(data.History, replenish.History{SKU: row["sku"]})
		}
		last := &data.History[len(data.History)-1]
		last.Values = append(last.Values, value(t, row["quantity"]))
	}
	return sample, data
}

func rows(t testing.TB, table []byte) []map[string]string {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for k, column := range lines[0] {
			row[column] = line[k]
		}
		out = append(out, row)
	}
	return out
}

func value(t testing.TB, cell string) float64 {
	t.Helper()
	if cell == "" {
		return 0
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// engine is the embedded solver, compiled once for all tests of the package.
var engine = sync.OnceValues(func() (solve.Solver, error) {
	return highs.Load(context.Background(), highs.Options{})
})

func decider(t testing.TB) replenish.Decider {
	t.Helper()
	if err := highs.Available(); err != nil {
		t.Skipf("the embedded engine is not in this build: %v", err)
	}
	solver, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	return replenish.Decider{Solver: solver, Program: "test", Now: func() time.Time { return loaded }}
}
