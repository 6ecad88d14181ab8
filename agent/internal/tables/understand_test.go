package tables

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"
)

func accepted(t *testing.T, name string, k Kind) (Check, Dataset) {
	t.Helper()
	c, set := check(t, file(t, "good/"+name), k)
	if !c.OK {
		t.Fatalf("refused: %+v", c.Errors)
	}
	return c, set
}

func warned(c Check, line int, column, says string) bool {
	return slices.ContainsFunc(c.Warnings, func(p FileProblem) bool {
		return p.Line == line && p.Column == column && strings.Contains(p.Message, says)
	})
}

func noted(c Check, says string) bool {
	return slices.ContainsFunc(c.Summary.Notes, func(n string) bool { return strings.Contains(n, says) })
}

func TestFilesOfEveryEncodingAndDelimiterAreRead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		encoding, delimiter string
		quantity            float64
	}{
		"utf16le.csv":      {"UTF-16 LE", "tab", 3},
		"utf16be.csv":      {"UTF-16 BE", "tab", 3},
		"windows-1252.csv": {"Windows-1252", ";", 3.5},
		"utf8-bom-sep.csv": {"UTF-8", ";", 1234.5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sheet(t, file(t, "good/"+name))
			c, set := accepted(t, name, Demand)
			if s.Encoding != want.encoding || s.Delimiter != want.delimiter {
				t.Errorf("read as %s with %q", s.Encoding, s.Delimiter)
			}
			if diff := cmp.Diff([]Series{{SKU: "Café", Values: []float64{want.quantity}}}, set.Demand.Series); diff != "" {
				t.Error(diff)
			}
			if want.encoding == "Windows-1252" && !warned(c, 0, "", "not UTF-8") {
				t.Error("does not say that the encoding was guessed")
			}
		})
	}
	t.Run("pipes and the line ends of old Macs", func(t *testing.T) {
		t.Parallel()
		s := sheet(t, file(t, "good/pipes-old-mac.csv"))
		if s.Delimiter != "|" || s.Lines != 3 || len(s.Rows) != 2 || s.Rows[1].Line != 3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestOneNameWrittenInTwoWaysIsOneProduct(t *testing.T) {
	t.Parallel()
	_, set := accepted(t, "unicode.csv", Demand)
	want := []Series{{SKU: "Café", Values: []float64{3, 4}}, {SKU: `漢字, "quoted"`, Values: []float64{1, 0}}}
	if diff := cmp.Diff(want, set.Demand.Series); diff != "" {
		t.Error(diff)
	}
}

func TestMoneyAndUnitsAreLeftOutWithAWarning(t *testing.T) {
	t.Parallel()
	c, set := accepted(t, "money.csv", Stock)
	want := []StockLine{{SKU: "A", OnHand: 12, UnitCost: 1234.5}, {SKU: "B", OnHand: 1000, UnitCost: 3}, {SKU: "C", OnHand: 7, UnitCost: 0.95}}
	if diff := cmp.Diff(want, set.Stock); diff != "" {
		t.Error(diff)
	}
	if set.Currency != "EUR" {
		t.Errorf("currency %q", set.Currency)
	}
	if !warned(c, 2, "current_stock", "“kg”") || !warned(c, 2, "unit_cost", "“€” behind or before the number was left out. (3 rows") {
		t.Errorf("warnings: %+v", c.Warnings)
	}
}

func TestTextThatLooksLikeAFormulaStaysText(t *testing.T) {
	t.Parallel()
	_, set := accepted(t, "formulas.csv", Stock)
	want := []StockLine{
		{SKU: "=1+1", Name: `=HYPERLINK("http://x")`, OnHand: 3, UnitCost: 1},
		{SKU: "@SUM(A1)", Name: "+49", OnHand: 4, UnitCost: 1},
		{SKU: "-dash", Name: "-", OnHand: 5, UnitCost: 1},
	}
	if diff := cmp.Diff(want, set.Stock); diff != "" {
		t.Error(diff)
	}
}

func TestDaysAreAddedUpToWholeWeeksFromMonday(t *testing.T) {
	t.Parallel()
	c, set := accepted(t, "daily.csv", Demand)
	want := &DemandSet{First: "2026-01-12", Periods: 3, Series: []Series{{SKU: "A", Values: []float64{12, 12, 12}}}}
	if diff := cmp.Diff(want, set.Demand); diff != "" {
		t.Error(diff)
	}
	if !noted(c, "Days were added up to weeks") || !noted(c, "6 rows of the incomplete first or last week") {
		t.Errorf("notes: %q", c.Summary.Notes)
	}
	if c.Summary.From != "2026-01-12" || c.Summary.To != "2026-02-01" || c.Summary.Total != 36 {
		t.Errorf("summary: %+v", c.Summary)
	}
}

func TestWeeksWithoutARowCountAsZeroAndAreNamed(t *testing.T) {
	t.Parallel()
	c, set := accepted(t, "gaps.csv", Demand)
	want := []Series{{SKU: "A", Values: []float64{3, 0, 0, 5}}, {SKU: "B", From: 1, Values: []float64{1, 0, 0}}}
	if diff := cmp.Diff(want, set.Demand.Series); diff != "" {
		t.Error(diff)
	}
	if !noted(c, "4 of 7 weeks") || !warned(c, 0, "week", "No product has a row in this week") || !warned(c, 7, "week", "counts once") {
		t.Errorf("notes %q, warnings %+v", c.Summary.Notes, c.Warnings)
	}
}

func TestTheOrderOfDayAndMonthFollowsFromTheRhythmOfTheDates(t *testing.T) {
	t.Parallel()
	c, set := accepted(t, "weekly-us.csv", Demand)
	if set.Demand.First != "2026-01-05" || set.Demand.Periods != 14 || !warned(c, 0, "date", "month before day") {
		t.Errorf("first %s, %d weeks, warnings %+v", set.Demand.First, set.Demand.Periods, c.Warnings)
	}
}

func TestAnAnswerSettlesTheOrderOfDayAndMonth(t *testing.T) {
	t.Parallel()
	s := sheet(t, file(t, "bad/ambiguous-dates.csv"))
	for order, first := range map[DateOrder]string{DayFirst: "", MonthFirst: "2026-01-02"} {
		c, set, err := s.Check(How{Kind: Demand, Mapping: s.GuessFor(Demand), DateOrder: order, Now: wednesday})
		if err != nil {
			t.Fatal(err)
		}
		if order == DayFirst {
			// Sunday 1 to Tuesday 3 February: read as days, without one whole week.
			if c.OK || !strings.Contains(c.Errors[0].Message, "whole week") {
				t.Errorf("day first: %+v", c)
			}
			continue
		}
		if c.OK && set.Demand.First != first || !c.OK && !strings.Contains(c.Errors[0].Message, "days apart") {
			t.Errorf("month first: %+v", c.Errors)
		}
	}
}

func TestPlainWeekNumbersEndWithTheLastWholeWeek(t *testing.T) {
	t.Parallel()
	c, set := accepted(t, "week-numbers.csv", Demand)
	if set.Demand.First != "2026-03-16" || set.Demand.Periods != 4 || c.Summary.To != "2026-04-12" || !noted(c, "week 4 is taken to be the last whole week") {
		t.Errorf("first %s, %d weeks, to %s, notes %q", set.Demand.First, set.Demand.Periods, c.Summary.To, c.Summary.Notes)
	}
}

func TestColumnsAreGuessedByNameAndContent(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		kind    Kind
		mapping Mapping
	}{
		"restaurant.csv":    {Stock, Mapping{"sku": 0, "unit_cost": 1, "current_stock": 2, "max_stock": 4}},
		"supplier-data.csv": {Suppliers, Mapping{"sku": 0, "supplier": 2, "lead_time_days": 3, "order_cost": 4}},
		"week-numbers.csv":  {Demand, Mapping{"sku": 0, "week": 1, "quantity": 2}},
		"daily.csv":         {Demand, Mapping{"sku": 0, "week": 1, "quantity": 2}},
		"money.csv":         {Stock, Mapping{"sku": 0, "current_stock": 1, "unit_cost": 2}},
	} {
		kind, mapping := sheet(t, file(t, "good/"+name)).Guess()
		if diff := cmp.Diff(want.mapping, mapping); kind != want.kind || diff != "" {
			t.Errorf("%s: guessed %q\n%s", name, kind, diff)
		}
	}
	for _, f := range Formats() {
		if kind, mapping := sheet(t, []byte(f.ExampleCSV)).Guess(); kind != f.Kind || len(mapping) != len(sheet(t, []byte(f.ExampleCSV)).Header) {
			t.Errorf("the example of %s is guessed as %q with %v", f.Kind, kind, mapping)
		}
	}
	t.Run("a nameless number column becomes the quantity when it is the only one", func(t *testing.T) {
		_, mapping := sheet(t, []byte("sku,week,abverkauf\nA,2026-01-05,3\n")).Guess()
		if diff := cmp.Diff(Mapping{"sku": 0, "week": 1, "quantity": 2}, mapping); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUnusedColumnsAreListed(t *testing.T) {
	t.Parallel()
	c, _ := accepted(t, "supplier-data.csv", Suppliers)
	if diff := cmp.Diff([]string{"product_name", "reorder_point"}, c.Summary.Ignored); diff != "" {
		t.Error(diff)
	}
}

func TestNumbersAreReadAsTheirFileWritesThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cells     []string
		delimiter string
		want      []float64
		ambiguous bool
	}{
		{[]string{"1.5", "1,234", "1,234.5"}, ",", []float64{1.5, 1234, 1234.5}, false},
		{[]string{"1,5", "1.234", "1.234,5"}, ";", []float64{1.5, 1234, 1234.5}, false},
		{[]string{"1 234,5", "1\u00a0234", "1'234,25"}, ";", []float64{1234.5, 1234, 1234.25}, false},
		{[]string{"1,234"}, ",", []float64{1234}, true},
		{[]string{"1,234"}, ";", []float64{1.234}, true},
		{[]string{"0.125", "1.5"}, ";", []float64{0.125, 1.5}, false},
		{[]string{"1.2E+03", "7", "+3", ".5"}, ",", []float64{1200, 7, 3, 0.5}, false},
		{[]string{"1.234.567", "2"}, ",", []float64{1234567, 2}, false},
	} {
		n := styleOf(slices.Values(c.cells), c.delimiter)
		for i, cell := range c.cells {
			v, _, _, ambiguous, why := n.parse(cell)
			if why != "" || v != c.want[i] || (ambiguous && !c.ambiguous) {
				t.Errorf("%q in %q: %v, ambiguous %t, %s", cell, c.cells, v, ambiguous, why)
			}
		}
	}
}

func TestJoinSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, demand := check(t, []byte("sku,week,quantity\nA,2026-04-06,1\nb,2026-04-06,1\nC,2026-04-06,1\n"), Demand)
	_, stock := check(t, []byte("sku,current_stock,unit_cost,on_order_quantity,on_order_date\nA,1,2,5,2026-05-01\nB,1,2,,\nD,1,2,,\n"), Stock)
	_, suppliers := check(t, []byte("sku,supplier,lead_time_days\nA,Farm,3\nZ,Farm,3\n"), Suppliers)
	data, notes := join(map[Kind]Dataset{Demand: demand, Stock: stock, Suppliers: suppliers})
	want := Notes{
		{Warning, "B is in stock but has no demand history; it is left out of the plan.", Demand, "B"},
		{Warning, "D is in stock but has no demand history; it is left out of the plan.", Demand, "D"},
		{Blocking, "C has demand but no row in the stock table; add it to the stock table, with 0 if there is none.", Stock, "C"},
		{Blocking, "b has demand but no row in the stock table; the stock table has “B”: write it alike.", Stock, "b"},
		{Warning, "1 product of the suppliers table without a row in the stock table, not used: Z.", Suppliers, ""},
	}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Error(diff)
	}
	if len(data.Items) != 1 || data.Items[0].LeadTimeDays != 3 || len(data.Items[0].OnOrder) != 1 || data.Start.Format(isoDate) != "2026-04-13" {
		t.Errorf("%+v", data)
	}
	if _, notes := join(nil); !notes.Blocking() || notes.Err() == nil {
		t.Error("nothing at all makes a decision possible")
	}
}

// FuzzRead holds that no bytes make the reader panic, that every row has the
// width of the header, and that lines only grow.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"gaps.csv", "unicode.csv", "money.csv", "utf16le.csv", "utf8-bom-sep.csv", "pipes-old-mac.csv", "daily.csv"} {
		f.Add(file(f, "good/"+name))
	}
	for _, name := range []string{"open-quote.csv", "text-after-quote.csv", "quoted-newlines.csv", "not-numbers.csv", "bad-dates.csv"} {
		f.Add(file(f, "bad/"+name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Read(raw)
		if err != nil {
			return
		}
		last := s.HeaderAt
		for _, r := range s.Rows {
			if len(r.Cells) != len(s.Header) || r.Line <= last || r.Line > s.Lines {
				t.Fatalf("row at line %d after %d of %d lines has %d cells under %d columns", r.Line, last, s.Lines, len(r.Cells), len(s.Header))
			}
			last = r.Line
		}
		for _, k := range Kinds() {
			c, set, err := s.Check(How{Kind: k, Mapping: s.GuessFor(k), Now: wednesday})
			if err != nil {
				t.Fatalf("the guessed mapping does not fit: %v", err)
			}
			if c.OK != (c.ErrorCount == 0) || (!c.OK && set.len() != 0) || c.Accepted > c.Rows {
				t.Fatalf("inconsistent: %+v", c)
			}
		}
	})
}

func TestWhatIsShownNeverHoldsControlCharacters(t *testing.T) {
	t.Parallel()
	holds := func(s string) bool {
		shown := shorten(s)
		return !strings.ContainsFunc(shown, func(r rune) bool { return r < 0x20 || r == 0x7f || r == 0x202e })
	}
	if err := quick.Check(holds, nil); err != nil {
		t.Error(err)
	}
	if !holds("\x1b[31m\u202e\x00") {
		t.Error("escape and override characters are shown as they are")
	}
}
