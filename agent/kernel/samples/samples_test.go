package samples_test

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/samples"
)

var now = time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC)

func TestSamplesAreWhatTheySay(t *testing.T) {
	t.Parallel()
	large := false
	for _, s := range samples.All() {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			tables := s.Tables(now)
			stock, suppliers, demand := read(t, tables[samples.Stock]), read(t, tables[samples.Suppliers]), read(t, tables[samples.Demand])
			if len(stock) != s.Items || len(suppliers) != s.Items {
				t.Errorf("%d stock and %d supplier lines for %d items", len(stock), len(suppliers), s.Items)
			}
			known := map[string]bool{}
			for _, row := range stock {
				if known[row["sku"]] {
					t.Errorf("%s is there twice", row["sku"])
				}
				known[row["sku"]] = true
				if cost, err := strconv.ParseFloat(row["unit_cost"], 64); err != nil || cost <= 0 {
					t.Errorf("%s costs %q", row["sku"], row["unit_cost"])
				}
			}
			weeks, total := map[string]bool{}, 0.0
			for _, row := range demand {
				week, err := time.Parse(time.DateOnly, row["week"])
				if err != nil || week.Weekday() != time.Monday || !week.Before(samples.FirstWeek(now)) || !known[row["sku"]] {
					t.Fatalf("demand line %v: %v", row, err)
				}
				quantity, err := strconv.ParseFloat(row["quantity"], 64)
				if err != nil || quantity < 0 {
					t.Fatalf("demand line %v: %v", row, err)
				}
				weeks[row["week"]] = true
				total += quantity
			}
			if len(weeks) != s.Periods || total == 0 {
				t.Errorf("%d weeks with %v units, want %d weeks", len(weeks), total, s.Periods)
			}
			if err := s.SuggestedGoal.Validate(); err != nil {
				t.Error(err)
			}
		})
		large = large || s.Items >= 200 && s.Periods >= 104
	}
	if !large || len(samples.All()) < 4 {
		t.Error("there is no sample of 200 articles and two years")
	}
}

func TestSamplesAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	for _, s := range samples.All() {
		one, two := s.Tables(now), s.Tables(now.Add(time.Hour))
		for kind := range one {
			if !bytes.Equal(one[kind], two[kind]) {
				t.Errorf("%s: the %s table differs", s.ID, kind)
			}
		}
	}
}

func TestFirstWeekIsTheMondayOfNow(t *testing.T) {
	t.Parallel()
	for day, want := range map[string]string{"2026-03-02": "2026-03-02", "2026-03-04": "2026-03-02", "2026-03-08": "2026-03-02", "2026-03-09": "2026-03-09"} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := samples.FirstWeek(at).Format(time.DateOnly); got != want {
			t.Errorf("%s begins in the week of %s, want %s", day, got, want)
		}
	}
}

func TestFindKnowsEverySample(t *testing.T) {
	t.Parallel()
	for _, s := range samples.All() {
		if found, ok := samples.Find(s.ID); !ok || found.Name != s.Name {
			t.Errorf("%s is not found", s.ID)
		}
	}
	if _, ok := samples.Find("none"); ok {
		t.Error("a sample that does not exist is found")
	}
}

func read(t *testing.T, table []byte) []map[string]string {
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
