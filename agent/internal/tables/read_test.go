package tables

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/fault"
)

// wednesday is the day on which the files of the tests are uploaded.
var wednesday = time.Date(2026, 4, 15, 10, 0, 0, 0, time.UTC)

func file(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func sheet(t testing.TB, raw []byte) *Sheet {
	t.Helper()
	s, err := Read(raw)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return s
}

func check(t testing.TB, raw []byte, k Kind) (Check, Dataset) {
	t.Helper()
	s := sheet(t, raw)
	c, set, err := s.Check(How{Kind: k, Mapping: s.GuessFor(k), Now: wednesday})
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	return c, set
}

func TestAFileThatIsNoTableIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		fault *fault.Error
		says  string
	}{
		"empty.csv":        {ErrEmpty, "header line"},
		"blank.csv":        {ErrEmpty, "header line"},
		"header-only.csv":  {ErrNoRows, "no rows"},
		"zero-bytes.csv":   {ErrNotText, "zero bytes"},
		"noise.csv":        {ErrNotText, "not a text file"},
		"workbook.csv":     {ErrNotText, "This is an Excel workbook; open it and save it as CSV."},
		"archive.csv":      {ErrNotText, "ZIP archive"},
		"old-workbook.csv": {ErrNotText, "old Excel workbook"},
		"document.csv":     {ErrNotText, "PDF"},
		"page.csv":         {ErrNotText, "web page"},
		"data.csv":         {ErrNotText, "JSON"},
		"half-utf16.csv":   {ErrNotText, "cut off"},
		"damaged-utf8.csv": {ErrNotText, "damaged"},
		"no-header.csv":    {ErrNoHeader, "first line must name the columns"},
		"too-wide.csv":     {ErrTooWide, "61 columns"},
		"huge-cell.csv":    {ErrHugeCell, "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(file(t, "bad/"+name))
			if !errors.Is(err, want.fault) {
				t.Fatalf("got %v, want %s", err, want.fault.Code)
			}
			if p := fault.ProblemOf(err); !strings.Contains(p.Detail, want.says) {
				t.Errorf("says %q, want something with %q", p.Detail, want.says)
			}
		})
	}
	t.Run("more than 20 MB", func(t *testing.T) {
		t.Parallel()
		if _, err := Read(make([]byte, MaxBytes+1)); !errors.Is(err, ErrTooLarge) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("more than 500,000 rows", func(t *testing.T) {
		t.Parallel()
		raw := append([]byte("sku,quantity\n"), []byte(strings.Repeat("A,1\n", MaxRows+1))...)
		if _, err := Read(raw); !errors.Is(err, ErrTooLong) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestEveryProblemHasItsLineColumnValueAndAdvice(t *testing.T) {
	t.Parallel()
	type at struct {
		line   int
		column string
		value  string
		says   string
	}
	for name, want := range map[string]struct {
		kind Kind
		at   []at
	}{
		"duplicate-header.csv":   {Demand, []at{{1, "Quantity", "Quantity", "column 3 and of column 4"}}},
		"open-quote.csv":         {Demand, []at{{3, "sku", `B,2026-01-05,4\nC,2026-01-05,5`, "never closed"}}},
		"text-after-quote.csv":   {Demand, []at{{2, "sku", "x", "after a closing quote"}}},
		"cut-off.csv":            {Demand, []at{{3, "", "B, 2026-0", "cut off: 2 of 3 cells"}}},
		"too-many-cells.csv":     {Demand, []at{{3, "", "B, 2026-01-05, 1, 234", "4 cells where the header has 3"}}},
		"too-few-cells.csv":      {Demand, []at{{2, "", "A, 2026-01-05", "2 cells where the header has 3"}}},
		"quoted-newlines.csv":    {Demand, []at{{7, "quantity", "many", "not a number"}}},
		"negative.csv":           {Demand, []at{{3, "quantity", "-2", "returns"}}},
		"mixed-decimals.csv":     {Demand, []at{{4, "quantity", "5.5", "decimal comma"}}},
		"mixed-units.csv":        {Stock, []at{{2, "current_stock", "3 kg", "mixes kg, g"}, {3, "current_stock", "500 g", "mixes kg, g"}}},
		"conflicting-rows.csv":   {Demand, []at{{4, "week", "2026-01-05", "says 4 for A, but line 2 says 3"}}},
		"empty-sku.csv":          {Demand, []at{{2, "sku", "", "is empty"}}},
		"mixed-orders.csv":       {Demand, []at{{4, "date", "02/15/2026", "day before the month"}}},
		"mixed-forms.csv":        {Demand, []at{{4, "week", "7", "another way than most"}}},
		"monthly.csv":            {Demand, []at{{0, "date", "", "28 days apart"}}},
		"too-long-history.csv":   {Demand, []at{{0, "week", "", "1045 weeks"}}},
		"missing-column.csv":     {Demand, []at{{1, "", "", "“Quantity” (quantity)"}}},
		"control-characters.csv": {Demand, []at{{2, "quantity", `\x1b[31m12`, "not a number"}}},
		"ambiguous-dates.csv": {Demand, []at{
			{2, "date", "01/02/2026", "day/month or month/day"},
			{3, "date", "02/02/2026", "day/month or month/day"},
			{4, "date", "03/02/2026", "day/month or month/day"},
		}},
		"not-numbers.csv": {Demand, []at{
			{2, "quantity", "NaN", "finite"},
			{3, "quantity", "Infinity", "finite"},
			{4, "quantity", "lots", "not a number"},
			{5, "quantity", "", "is empty"},
			{6, "quantity", "#DIV/0!", "error of the spreadsheet"},
			{7, "quantity", "=1+1", "formula"},
			{8, "quantity", "(5)", "negative"},
			{9, "quantity", "50%", "percentage"},
			{10, "quantity", "2000000000", "1,000,000,000"},
		}},
		"bad-dates.csv": {Demand, []at{
			{2, "week", "2026-02-30", "calendar does not have"},
			{4, "week", "yesterday", "no date or week"},
			{5, "week", "5/1/26", "two digits"},
			{6, "week", "1926-01-04", "cannot be meant"},
			{7, "week", "2999-01-04", "cannot be meant"},
			{8, "week", "", "is empty"},
			{9, "week", "46025", "spreadsheet counts"},
			{10, "week", "2027-06-07", "future"},
			{11, "week", "2026-W60", "W53"},
		}},
		"stock.csv": {Stock, []at{
			{2, "unit_cost", "0", "more than 0"},
			{3, "on_order_quantity", "10", "without a day of arrival"},
			{4, "on_order_date", "2099-01-01", "two years"},
			{5, "on_order_date", "7", "no date"},
			{7, "sku", "E", "line 6"},
		}},
		"suppliers.csv": {Suppliers, []at{
			{2, "lead_time_days", "2.5", "whole"},
			{3, "lead_time_days", "800", "larger than 730"},
			{4, "lead_time_days", "-1", "negative"},
			{5, "pack_size", "six", "not a number"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, set := check(t, file(t, "bad/"+name), want.kind)
			if c.OK {
				t.Fatal("the file was accepted")
			}
			if diff := cmp.Diff(Dataset{}, set); diff != "" {
				t.Errorf("a refused file left data:\n%s", diff)
			}
			if c.ErrorCount != len(want.at) || len(c.Errors) != len(want.at) {
				t.Errorf("%d errors, want %d", c.ErrorCount, len(want.at))
			}
			for _, w := range want.at {
				found := false
				for _, e := range c.Errors {
					found = found || (e.Line == w.line && e.Column == w.column && e.Value == w.value && strings.Contains(e.Message, w.says))
				}
				if !found {
					t.Errorf("no error at line %d, column %q, value %q that says %q", w.line, w.column, w.value, w.says)
				}
			}
			if t.Failed() {
				for _, e := range c.Errors {
					t.Logf("line %d, column %q, value %q: %s", e.Line, e.Column, e.Value, e.Message)
				}
			}
		})
	}
}

func TestTheFirst200ProblemsAreShownAndAllAreCounted(t *testing.T) {
	t.Parallel()
	raw := "sku,week,quantity\n" + strings.Repeat("A,2026-01-05,x\n", 1234)
	c, _ := check(t, []byte(raw), Demand)
	if c.ErrorCount != 1234 || len(c.Errors) != 200 || c.Errors[199].Line != 201 || c.Rows != 1234 || c.Accepted != 0 {
		t.Fatalf("counted %d, shown %d, rows %d, accepted %d", c.ErrorCount, len(c.Errors), c.Rows, c.Accepted)
	}
}

func TestMoreThan2000ProductsAreRefusedAtTheFirstTooMany(t *testing.T) {
	t.Parallel()
	for _, k := range []Kind{Demand, Stock, Suppliers} {
		var b strings.Builder
		b.WriteString(map[Kind]string{Demand: "sku,week,quantity\n", Stock: "sku,current_stock,unit_cost\n", Suppliers: "sku,lead_time_days,order_cost\n"}[k])
		for i := range MaxItems + 5 {
			b.WriteString("P" + plain(float64(i)) + map[Kind]string{Demand: ",2026-01-05,1\n", Stock: ",1,1\n", Suppliers: ",1,1\n"}[k])
		}
		c, _ := check(t, []byte(b.String()), k)
		if c.OK || len(c.Errors) == 0 || c.Errors[0].Line != MaxItems+2 || !strings.Contains(c.Errors[0].Message, "2,000") {
			t.Errorf("%s: %+v", k, c.Errors)
		}
	}
}

func TestAMappingMustFitTheFile(t *testing.T) {
	t.Parallel()
	s := sheet(t, file(t, "good/gaps.csv"))
	for name, m := range map[string]Mapping{
		"an unknown field":      {"sku": 0, "week": 1, "quantity": 2, "colour": 2},
		"a column out of range": {"sku": 0, "week": 1, "quantity": 3},
		"a negative column":     {"sku": -1, "week": 1, "quantity": 2},
		"one column for two":    {"sku": 0, "week": 1, "quantity": 1},
	} {
		if _, _, err := s.Check(How{Kind: Demand, Mapping: m, Now: wednesday}); !errors.Is(err, ErrBadMapping) || len(fault.ProblemOf(err).Errors) != 1 {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, _, err := s.Check(How{Kind: "prices", Now: wednesday}); !errors.Is(err, ErrNoKind) {
		t.Errorf("an unknown kind: got %v", err)
	}
}
