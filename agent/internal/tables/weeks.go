package tables

import (
	"sort"
	"time"
)

// sale is one accepted row of a demand file.
type sale struct {
	line     int
	sku      int // index into the SKUs in order of appearance
	when     when
	quantity float64
}

type saleKey struct {
	sku, week int
	day       int64 // Unix days
}

func (c *checker) demand() *DemandSet {
	sales, skus := c.sales()
	if c.problems.count > 0 || len(sales) == 0 {
		return nil
	}
	set := c.weekly(sales, skus)
	if c.problems.count > 0 {
		return nil
	}
	c.describe(set)
	return set
}

// sales reads the rows, without repetitions.
func (c *checker) sales() ([]sale, []string) {
	at := c.how.Mapping["week"]
	column := c.sheet.Header[at]
	sales := make([]sale, 0, len(c.sheet.Rows))
	indexOf := map[string]int{}
	var skus []string
	earlier := make(map[saleKey]int, len(c.sheet.Rows))
	form := c.commonForm(at)
	tomorrow := c.now.Add(day)
	for _, r := range c.sheet.Rows {
		sku, okSKU := c.sku(r)
		quantity, okQuantity := c.number(r, "quantity", 0, MaxNumber)
		cell := r.Cells[at]
		w, why := c.calendar.parse(cell)
		switch {
		case cell == "":
			why = "is empty; every row needs its week or date"
		case why != "":
		case w.form != form:
			why = "is written in another way than most of the column; use dates, ISO weeks or week numbers throughout"
		case w.form != numberForm && w.day.After(tomorrow):
			why = "lies in the future; the demand history ends today"
		}
		if why != "" {
			c.problems.add(r.Line, column, cell, "%s", why)
		}
		if !okSKU || !okQuantity || why != "" {
			continue
		}
		i, known := indexOf[sku]
		if !known {
			i = len(skus)
			if i == MaxItems {
				c.problems.add(r.Line, c.sheet.Header[c.how.Mapping["sku"]], sku, "is one product too many; a table has at most %s different SKUs", grouped(MaxItems))
				return nil, nil
			}
			indexOf[sku] = i
			skus = append(skus, sku)
		}
		key := saleKey{i, w.week, w.day.Unix() / 86400}
		if w.form == numberForm {
			key.day = 0
		}
		if before, twice := earlier[key]; twice {
			first := sales[before]
			if first.quantity == quantity {
				c.remarks.add(r.Line, column, cell, "Repeats an earlier row of the same product, time and quantity; it counts once.")
				c.accepted++
			} else {
				c.problems.add(r.Line, column, cell, "says %s for %s, but line %d says %s for the same time; keep one row, or add them up", plain(quantity), shorten(sku), first.line, plain(first.quantity))
			}
			continue
		}
		earlier[key] = len(sales)
		sales = append(sales, sale{r.Line, i, w, quantity})
		c.accepted++
	}
	return sales, skus
}

// commonForm is how most cells of the column are written.
func (c *checker) commonForm(at int) dateForm {
	count := map[dateForm]int{}
	for _, r := range c.sheet.Rows {
		if w, why := c.calendar.parse(r.Cells[at]); why == "" {
			count[w.form]++
		}
	}
	best := dayForm
	for _, f := range []dateForm{dayForm, isoForm, numberForm} {
		if count[f] > count[best] {
			best = f
		}
	}
	return best
}

// weekly brings the sales to weeks: as they are, if they are weekly; added up
// from Monday to Sunday, if they are daily.
func (c *checker) weekly(sales []sale, skus []string) *DemandSet {
	var origin time.Time
	var week func(sale) int
	last := 0
	if sales[0].when.form == numberForm {
		top := 0
		bottom := MaxPeriods
		for _, s := range sales {
			top, bottom = max(top, s.when.week), min(bottom, s.when.week)
		}
		origin = weekStart(c.now).AddDate(0, 0, -7*(top-bottom+1))
		last = top - bottom
		week = func(s sale) int { return s.when.week - bottom }
		c.note("The weeks have numbers, not dates: week %d is taken to be the last whole week before the upload, and so week %d began on %s.", top, bottom, origin.Format(isoDate))
	} else {
		days := distinctDays(sales)
		first, final := days[0], days[len(days)-1]
		switch {
		case oneWeekday(days):
			origin = first
			if first.Weekday() != time.Monday {
				c.note("Weeks begin on %s, as in the file.", first.Weekday())
			}
		case c.tooSparse(days):
			return nil
		default:
			origin, final, sales = c.wholeWeeks(days, sales)
			if len(sales) == 0 {
				return nil
			}
		}
		week = func(s sale) int { return int(s.when.day.Sub(origin) / (7 * day)) }
		last = int(final.Sub(origin) / (7 * day))
		if end := origin.AddDate(0, 0, 7*(last+1)); end.After(c.now) {
			c.remarks.add(0, c.sheet.Header[c.how.Mapping["week"]], final.Format(isoDate),
				"The last week is not over yet; if its numbers are not complete, leave it out, or the forecast will be too low.")
		}
	}
	if last+1 > MaxPeriods {
		c.problems.add(0, c.sheet.Header[c.how.Mapping["week"]], "", "the history spans %d weeks; at most %d are read: check for a wrong year, or leave out what is old", last+1, MaxPeriods)
		return nil
	}
	return c.fill(sales, skus, week, origin, last)
}

// fill lays the sales on a grid without holes.
func (c *checker) fill(sales []sale, skus []string, week func(sale) int, origin time.Time, last int) *DemandSet {
	set := &DemandSet{First: origin.Format(isoDate), Periods: last + 1}
	from := make([]int, len(skus))
	for i := range from {
		from[i] = last + 1
	}
	anyone := make([]bool, last+1)
	for _, s := range sales {
		w := week(s)
		from[s.sku] = min(from[s.sku], w)
		anyone[w] = true
	}
	series := make([]Series, len(skus))
	have := make([][]bool, len(skus))
	for i, sku := range skus {
		n := last + 1 - from[i]
		series[i] = Series{SKU: sku, From: from[i], Values: make([]float64, n)}
		have[i] = make([]bool, n)
	}
	for _, s := range sales {
		at := week(s) - from[s.sku]
		series[s.sku].Values[at] += s.quantity
		have[s.sku][at] = true
		c.summary.Total += s.quantity
	}
	filled, cells := 0, 0
	for i := range series {
		for _, h := range have[i] {
			cells++
			if !h {
				filled++
			}
		}
		if len(series[i].Values) > 0 { // a product that only sold in a dropped week has none
			set.Series = append(set.Series, series[i])
		}
	}
	if filled > 0 {
		c.note("%s of %s weeks of single products have no row and count as 0 (from the first row of each product on).", grouped(filled), grouped(cells))
	}
	for w, any := range anyone {
		if !any {
			c.remarks.add(0, c.sheet.Header[c.how.Mapping["week"]], set.start(w).Format(isoDate), "No product has a row in this week; it counts as 0. If data is missing there, add it.")
		}
	}
	sort.SliceStable(set.Series, func(i, j int) bool { return set.Series[i].SKU < set.Series[j].SKU })
	return set
}

// tooSparse refuses histories by months or quarters: spread over weeks they
// would be mostly zeros.
func (c *checker) tooSparse(days []time.Time) bool {
	least := time.Duration(1<<63 - 1)
	for i := 1; i < len(days); i++ {
		least = min(least, days[i].Sub(days[i-1]))
	}
	if least <= 7*day {
		return false
	}
	c.problems.add(0, c.sheet.Header[c.how.Mapping["week"]], "",
		"the dates lie at least %d days apart, as in a file by months; the history is needed by weeks or by days", int(least/day))
	return true
}

// wholeWeeks finds the whole weeks from Monday on that the days cover, and drops
// the sales outside. A shop that is closed on Sundays still has whole weeks.
func (c *checker) wholeWeeks(days []time.Time, sales []sale) (origin, final time.Time, kept []sale) {
	open := [7]bool{}
	for _, d := range days {
		open[(d.Weekday()+6)%7] = true
	}
	firstOpen, lastOpen := 0, 6
	for !open[firstOpen] {
		firstOpen++
	}
	for !open[lastOpen] {
		lastOpen--
	}
	origin, final = weekStart(days[0]), weekStart(days[len(days)-1])
	if int((days[0].Weekday()+6)%7) > firstOpen {
		origin = origin.AddDate(0, 0, 7)
	}
	if int((days[len(days)-1].Weekday()+6)%7) < lastOpen {
		final = final.AddDate(0, 0, -7)
	}
	if final.Before(origin) {
		c.problems.add(0, c.sheet.Header[c.how.Mapping["week"]], "", "the days do not cover one whole week from Monday to Sunday; add more history")
		return origin, final, nil
	}
	end := final.AddDate(0, 0, 7)
	dropped := 0
	for _, s := range sales {
		if s.when.day.Before(origin) || !s.when.day.Before(end) {
			dropped++
			continue
		}
		kept = append(kept, s)
	}
	c.note("Days were added up to weeks from Monday to Sunday.")
	if dropped > 0 {
		c.note("%s rows of the incomplete first or last week were left out; the history runs from %s to %s.", grouped(dropped), origin.Format(isoDate), end.AddDate(0, 0, -1).Format(isoDate))
	}
	return origin, final, kept
}

func (c *checker) describe(set *DemandSet) {
	c.summary.Items = len(set.Series)
	c.summary.Periods = set.Periods
	c.summary.From = set.First
	c.summary.To = set.start(set.Periods).AddDate(0, 0, -1).Format(isoDate)
	if set.Periods < 8 {
		c.remarks.add(0, "", "", "Only %d weeks of history: the forecast will be rough. Eight weeks are the least, two years are good.", set.Periods)
	}
}

func distinctDays(sales []sale) []time.Time {
	known := map[time.Time]bool{}
	var days []time.Time
	for _, s := range sales {
		if !known[s.when.day] {
			known[s.when.day] = true
			days = append(days, s.when.day)
		}
	}
	sort.Slice(days, func(i, j int) bool { return days[i].Before(days[j]) })
	return days
}

func oneWeekday(days []time.Time) bool {
	for _, d := range days {
		if d.Weekday() != days[0].Weekday() {
			return false
		}
	}
	return true
}
