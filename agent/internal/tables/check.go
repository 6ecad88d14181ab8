package tables

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/fault"
)

// ErrBadMapping is returned for a mapping that does not belong to the file.
var ErrBadMapping = fault.New(fault.Invalid, "tables.bad_mapping", "The columns are not assigned in a way that fits the file.")

// Check is what came of checking a file under a mapping.
type Check struct {
	OK           bool          `json:"ok"`       // it can be committed as it is
	Rows         int           `json:"rows"`     // without the header and blank lines
	Accepted     int           `json:"accepted"` // rows without an error
	ErrorCount   int           `json:"errorCount"`
	Errors       []FileProblem `json:"errors"` // the first 200
	WarningCount int           `json:"warningCount"`
	Warnings     []FileProblem `json:"warnings"` // the first 200
	Summary      Summary       `json:"summary"`
}

// Summary is what a checked file holds.
type Summary struct {
	Items   int      `json:"items"`          // different SKUs
	From    string   `json:"from,omitempty"` // YYYY-MM-DD, first day of the history
	To      string   `json:"to,omitempty"`   // YYYY-MM-DD, last day of the history
	Periods int      `json:"periods"`        // weeks of history
	Total   float64  `json:"total"`          // units in the history, or in stock
	Ignored []string `json:"ignored"`        // columns of the file that are not used
	Notes   []string `json:"notes"`          // what was filled in, dropped or supposed
}

// How says how a file is to be understood.
type How struct {
	Kind      Kind
	Mapping   Mapping
	DateOrder DateOrder // "" decides by the file
	Now       time.Time
}

// Check reads the sheet as how says. The dataset is complete only if the check
// is OK. It fails with ErrBadMapping.
func (s *Sheet) Check(how How) (Check, Dataset, error) {
	if err := s.checkMapping(how); err != nil {
		return Check{}, Dataset{}, err
	}
	c := &checker{sheet: s, how: how, now: how.Now.UTC(), format: FormatOf(how.Kind), remarks: s.remarks.copy()}
	c.problems = problems{shown: slices.Clone(s.problems.shown), count: s.problems.count}
	c.summary.Notes = []string{}
	c.ignored()
	missing := c.missingColumns()
	var set Dataset
	if !missing {
		c.prepare()
		switch how.Kind {
		case Demand:
			set.Demand = c.demand()
		case Stock:
			set.Stock = c.stock()
			set.Currency = c.currency()
		case Suppliers:
			set.Suppliers = c.suppliers()
		}
	}
	result := Check{
		OK: c.problems.count == 0, Rows: len(s.Rows) + s.unreadable(), Accepted: c.accepted,
		ErrorCount: c.problems.count, Errors: c.problems.sorted(),
		WarningCount: len(c.remarks.order), Warnings: c.remarks.list(), Summary: c.summary,
	}
	if !result.OK {
		set = Dataset{}
	}
	return result, set, nil
}

// unreadable counts the rows that could not be split into cells.
func (s *Sheet) unreadable() int {
	n := s.problems.count
	for _, p := range s.problems.shown {
		if p.Line == s.HeaderAt {
			n--
		}
	}
	return n
}

func (s *Sheet) checkMapping(how How) error {
	if _, err := ParseKind(string(how.Kind)); err != nil {
		return err
	}
	if how.DateOrder != "" && how.DateOrder != DayFirst && how.DateOrder != MonthFirst {
		return ErrBadMapping.With(fault.Detail{Location: "body.dateOrder", Message: "is dmy or mdy"})
	}
	var wrong []fault.Detail
	known := map[string]bool{}
	for _, f := range FormatOf(how.Kind).Columns {
		known[f.Name] = true
	}
	used := map[int]string{}
	for _, name := range sortedKeys(how.Mapping) {
		at := how.Mapping[name]
		where := "body.mapping." + shorten(name)
		switch other, twice := used[at]; {
		case !known[name]:
			wrong = append(wrong, fault.Detail{Location: where, Message: "is no column of the table " + string(how.Kind)})
		case at < 0 || at >= len(s.Header):
			wrong = append(wrong, fault.Detail{Location: where, Message: fmt.Sprintf("names column %d; the file has the columns 0 to %d", at, len(s.Header)-1)})
		case twice:
			wrong = append(wrong, fault.Detail{Location: where, Message: fmt.Sprintf("uses the column “%s”, which %s uses already", s.Header[at], other)})
		default:
			used[at] = name
		}
	}
	if len(wrong) > 0 {
		return ErrBadMapping.With(wrong...)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (r *remarks) copy() remarks {
	c := remarks{order: slices.Clone(r.order), at: make(map[string]*remark, len(r.at))}
	for k, m := range r.at {
		one := *m
		c.at[k] = &one
	}
	return c
}

// checker checks the rows of one sheet.
type checker struct {
	sheet    *Sheet
	how      How
	now      time.Time
	format   Format
	numbers  numbers
	units    map[string][]string // of each number field, the units and currencies met
	calendar calendar

	problems problems
	remarks  remarks
	accepted int
	summary  Summary
}

func (c *checker) ignored() {
	used := map[int]bool{}
	for _, at := range c.how.Mapping {
		used[at] = true
	}
	c.summary.Ignored = []string{}
	for i, h := range c.sheet.Header {
		if !used[i] {
			c.summary.Ignored = append(c.summary.Ignored, h)
		}
	}
	if len(c.summary.Ignored) > 0 {
		c.remarks.add(c.sheet.HeaderAt, "", "", "Not used: %s.", strings.Join(c.summary.Ignored, ", "))
	}
}

func (c *checker) missingColumns() bool {
	missing := false
	for _, f := range c.format.Columns {
		if _, have := c.how.Mapping[f.Name]; !have && f.Required {
			c.problems.add(c.sheet.HeaderAt, "", "", "No column holds “%s” (%s). Choose it, or add it to the file.", f.Title, f.Name)
			missing = true
		}
	}
	return missing
}

// prepare decides what only the whole file can tell: the style of the numbers,
// the order of day and month, and whether units are mixed.
func (c *checker) prepare() {
	c.numbers = styleOf(func(yield func(string) bool) {
		for _, f := range c.format.Columns {
			if at, have := c.how.Mapping[f.Name]; have && (f.Kind == Number || f.Kind == Integer) {
				for _, r := range c.sheet.Rows {
					if !yield(r.Cells[at]) {
						return
					}
				}
			}
		}
	}, c.sheet.Delimiter)
	c.units = map[string][]string{}
	for _, f := range c.format.Columns {
		at, have := c.how.Mapping[f.Name]
		switch {
		case !have:
		case f.Kind == Number || f.Kind == Integer:
			for _, r := range c.sheet.Rows {
				if _, currency, unit := strip(r.Cells[at]); currency+unit != "" && !slices.Contains(c.units[f.Name], currency+unit) && len(c.units[f.Name]) < 10 {
					c.units[f.Name] = append(c.units[f.Name], currency+unit)
				}
			}
		case f.Kind == Date || f.Kind == Week:
			c.calendar = calendarOf(func(yield func(string) bool) {
				for _, r := range c.sheet.Rows {
					if !yield(r.Cells[at]) {
						return
					}
				}
			}, c.how.DateOrder)
			if c.calendar.inferred {
				order := "day before month"
				if c.calendar.order == MonthFirst {
					order = "month before day"
				}
				c.remarks.add(0, c.sheet.Header[at], "", "The dates were read as %s, because only so all fall on one day of the week.", order)
			}
		}
	}
}

// text is the cell of a text field; "" if it is empty or not mapped.
func (c *checker) text(r Row, field string) (string, bool) {
	at, have := c.how.Mapping[field]
	if !have {
		return "", true
	}
	cell := r.Cells[at]
	if len([]rune(cell)) > maxText {
		c.problems.add(r.Line, c.sheet.Header[at], cell, "is longer than %d characters; shorten it", maxText)
		return "", false
	}
	for _, ch := range cell {
		if ch < 0x20 || ch == 0x7f {
			c.remarks.add(r.Line, c.sheet.Header[at], cell, "Line breaks and control characters inside the cell became spaces.")
			return strings.Join(strings.FieldsFunc(cell, func(ch rune) bool { return ch <= 0x20 || ch == 0x7f }), " "), true
		}
	}
	return cell, true
}

func (c *checker) sku(r Row) (string, bool) {
	sku, ok := c.text(r, "sku")
	at := c.how.Mapping["sku"]
	switch {
	case !ok:
		return "", false
	case sku == "":
		c.problems.add(r.Line, c.sheet.Header[at], "", "is empty; every row needs the SKU of its product")
		return "", false
	case strings.HasPrefix(sku, "#") && strings.HasSuffix(sku, "!"), sku == "#N/A":
		c.problems.add(r.Line, c.sheet.Header[at], sku, "is an error of the spreadsheet; correct the formula and export again")
		return "", false
	case exponent.MatchString(sku):
		c.remarks.add(r.Line, c.sheet.Header[at], sku, "Looks like a long number that a spreadsheet shortened; format the column as text before exporting.")
	}
	return sku, true
}

// number is the cell of a number field, from least to most; an empty cell of an
// optional field is 0.
func (c *checker) number(r Row, field string, least, most float64) (float64, bool) {
	at, have := c.how.Mapping[field]
	if !have {
		return 0, true
	}
	cell, name := r.Cells[at], c.sheet.Header[at]
	spec := c.field(field)
	if empty(cell) {
		if spec.Required {
			c.problems.add(r.Line, name, cell, "is empty; write a number, 0 if it is none")
			return 0, false
		}
		return 0, true
	}
	v, currency, unit, ambiguous, why := c.numbers.parse(cell)
	switch {
	case why != "":
		c.problems.add(r.Line, name, cell, "%s", why)
	case v < 0 && field == "quantity":
		c.problems.add(r.Line, name, cell, "is negative; take returns off the week in which they were sold, or write 0")
	case v < 0:
		c.problems.add(r.Line, name, cell, "is negative; write a number of 0 or more")
	case v < least:
		c.problems.add(r.Line, name, cell, "is too small; write a number of more than 0")
	case v > most && most < MaxNumber:
		c.problems.add(r.Line, name, cell, "is larger than %s; check the number", grouped(int(most)))
	case v > most:
		c.problems.add(r.Line, name, cell, "is larger than 1,000,000,000, which cannot be right; check the decimal sign")
	case spec.Kind == Integer && v != float64(int(v)):
		c.problems.add(r.Line, name, cell, "is not a whole number; write whole days such as 7")
	case len(c.units[field]) > 1 && currency+unit != "":
		c.problems.add(r.Line, name, cell, "the column mixes %s; bring all rows to one and write plain numbers", strings.Join(c.units[field], ", "))
	default:
		if currency+unit != "" {
			c.remarks.add(r.Line, name, cell, "“%s” behind or before the number was left out.", currency+unit)
		}
		if ambiguous {
			c.remarks.add(r.Line, name, cell, "Could be read in two ways; the file was read with %s.", c.numbers.style)
		}
		return v, true
	}
	return 0, false
}

// currency is the one currency that the unit costs carry, if they carry one
// whose sign belongs to one country.
func (c *checker) currency() string {
	if met := c.units["unit_cost"]; len(met) == 1 {
		switch code := met[0]; code {
		case "€":
			return "EUR"
		case "£":
			return "GBP"
		case "₹":
			return "INR"
		case "zł":
			return "PLN"
		case "US$":
			return "USD"
		default:
			if len(code) == 3 && slices.Contains(currencies, code) {
				return code
			}
		}
	}
	return ""
}

func (c *checker) field(name string) FormatField {
	for _, f := range c.format.Columns {
		if f.Name == name {
			return f
		}
	}
	return FormatField{}
}

// empty says whether a cell stands for nothing.
func empty(cell string) bool {
	switch strings.ToLower(cell) {
	case "", "-", "–", "—", "n/a", "na", "null", "none", "#n/a":
		return true
	}
	return false
}
