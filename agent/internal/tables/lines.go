package tables

import (
	"fmt"
	"time"
)

// seen remembers on which line each SKU stood and what was said of it.
type seen[T comparable] map[string]struct {
	line int
	row  T
}

// once says whether sku is new. A row that repeats an earlier one exactly counts
// once; one that contradicts it is an error, because nobody can tell which is
// right.
func once[T comparable](c *checker, s seen[T], r Row, sku string, row T) bool {
	before, known := s[sku]
	if !known {
		if len(s) == MaxItems {
			c.problems.add(r.Line, c.sheet.Header[c.how.Mapping["sku"]], sku,
				"is one product too many; a table has at most %s different SKUs", grouped(MaxItems))
		}
		s[sku] = struct {
			line int
			row  T
		}{r.Line, row}
		return len(s) <= MaxItems
	}
	column := c.sheet.Header[c.how.Mapping["sku"]]
	if before.row == row {
		c.remarks.add(r.Line, column, sku, "Repeats an earlier row exactly; it counts once.")
		c.accepted++
		return false
	}
	c.problems.add(r.Line, column, sku, "has another row on line %d that says something else; keep the one that is right", before.line)
	return false
}

func (c *checker) stock() []StockLine {
	lines := make([]StockLine, 0, len(c.sheet.Rows))
	known := seen[StockLine]{}
	for _, r := range c.sheet.Rows {
		sku, ok := c.sku(r)
		l := StockLine{SKU: sku}
		var good [10]bool
		l.Name, good[0] = c.text(r, "product_name")
		l.Unit, good[1] = c.text(r, "unit")
		l.OnHand, good[2] = c.number(r, "current_stock", 0, MaxNumber)
		l.UnitCost, good[3] = c.number(r, "unit_cost", tiny, MaxNumber)
		l.MaxStock, good[4] = c.number(r, "max_stock", 0, MaxNumber)
		l.Volume, good[5] = c.number(r, "volume", 0, MaxNumber)
		l.HoldingCost, good[6] = c.number(r, "holding_cost", 0, MaxNumber)
		l.OnOrder, good[7] = c.number(r, "on_order_quantity", 0, MaxNumber)
		l.OnOrderDate, good[8] = c.arrival(r, l.OnOrder)
		l.Location, good[9] = c.text(r, "location")
		if !ok || good != [10]bool{true, true, true, true, true, true, true, true, true, true} || !once(c, known, r, sku, l) {
			continue
		}
		c.accepted++
		c.summary.Total += l.OnHand
		lines = append(lines, l)
	}
	c.summary.Items = len(lines)
	return lines
}

// tiny is the least unit cost: a price of nothing would make every order free.
const tiny = 1e-6

// arrival is the day on which quantity arrives.
func (c *checker) arrival(r Row, quantity float64) (string, bool) {
	at, have := c.how.Mapping["on_order_date"]
	if !have || empty(r.Cells[at]) {
		if quantity == 0 {
			return "", true
		}
		column := c.sheet.Header[c.how.Mapping["on_order_quantity"]]
		c.problems.add(r.Line, column, plain(quantity), "is on order without a day of arrival; fill in on_order_date")
		return "", false
	}
	w, why := c.calendar.parse(r.Cells[at])
	if why == "" && w.form == numberForm {
		why = "is no date; write the day, such as 2026-01-31"
	}
	if why != "" {
		c.problems.add(r.Line, c.sheet.Header[at], r.Cells[at], "%s", why)
		return "", false
	}
	if quantity == 0 {
		return "", true
	}
	today := time.Date(c.now.Year(), c.now.Month(), c.now.Day(), 0, 0, 0, 0, time.UTC)
	switch {
	case w.day.Before(today):
		c.remarks.add(r.Line, c.sheet.Header[at], r.Cells[at], "Lies in the past; what is on order is taken to be late and to arrive in the first week.")
	case w.day.After(today.AddDate(2, 0, 0)):
		c.problems.add(r.Line, c.sheet.Header[at], r.Cells[at], "lies more than two years ahead; check the year")
		return "", false
	}
	return w.day.Format(isoDate), true
}

func (c *checker) suppliers() []SupplierLine {
	lines := make([]SupplierLine, 0, len(c.sheet.Rows))
	known := seen[SupplierLine]{}
	for _, r := range c.sheet.Rows {
		sku, ok := c.sku(r)
		l := SupplierLine{SKU: sku}
		var good [5]bool
		var days float64
		l.Supplier, good[0] = c.text(r, "supplier")
		days, good[1] = c.number(r, "lead_time_days", 0, MaxLeadDays)
		l.OrderCost, good[2] = c.number(r, "order_cost", 0, MaxNumber)
		l.MinOrder, good[3] = c.number(r, "min_order", 0, MaxNumber)
		l.PackSize, good[4] = c.number(r, "pack_size", 0, MaxNumber)
		l.LeadTimeDays = int(days)
		if !ok || good != [5]bool{true, true, true, true, true} || !once(c, known, r, sku, l) {
			continue
		}
		c.accepted++
		lines = append(lines, l)
	}
	c.summary.Items = len(lines)
	return lines
}

func (c *checker) note(format string, args ...any) {
	c.summary.Notes = append(c.summary.Notes, fmt.Sprintf(format, args...))
}
