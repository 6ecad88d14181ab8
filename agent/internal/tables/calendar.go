package tables

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// DateOrder says how 05/06/2026 is meant.
type DateOrder string

// The orders.
const (
	DayFirst   DateOrder = "dmy"
	MonthFirst DateOrder = "mdy"
)

const day = 24 * time.Hour

// when is one date cell.
type when struct {
	day  time.Time // first day of the week, or the day; zero for a plain week number
	week int       // plain week number, from 1
	form dateForm
}

type dateForm int

const (
	noForm     dateForm = iota
	dayForm             // a day
	isoForm             // an ISO week: the day is its Monday
	numberForm          // a plain week number
)

var (
	isoDay    = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$`)
	compact   = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	isoWeek   = regexp.MustCompile(`(?i)^(\d{4})[- ]?W(\d{1,2})$`)
	slashed   = regexp.MustCompile(`^(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})(?: \d{1,2}:\d{2}(?::\d{2})?)?$`)
	shortYear = regexp.MustCompile(`^\d{1,2}[-/.]\d{1,2}[-/.]\d{2}$`)
	plainWeek = regexp.MustCompile(`(?i)^(?:w|wk|week|kw)?[ ]?(\d{1,3})$`)
	serial    = regexp.MustCompile(`^[34]\d{4}(\.\d+)?$|^5[0-4]\d{3}(\.\d+)?$`)
)

var wordForms = []string{"2 Jan 2006", "2-Jan-2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "Jan 2 2006", "2. January 2006"}

// calendar reads the date cells of one column.
type calendar struct {
	order     DateOrder // for 05/06/2026
	inferred  bool      // from the rhythm of the dates: worth a warning
	undecided bool      // nobody can tell: ask
}

// calendarOf decides the order of day and month over all cells of a column. A
// cell that can be read in one way only decides; else the order in which all
// dates fall on one weekday does; else it must be asked. wanted, if set, was the
// answer.
func calendarOf(cells func(yield func(string) bool), wanted DateOrder) calendar {
	if wanted != "" {
		return calendar{order: wanted}
	}
	type pair struct{ a, b, year int }
	var pairs []pair
	dayFirst, monthFirst := 0, 0
	for c := range cells {
		m := slashed.FindStringSubmatch(c)
		if m == nil {
			continue
		}
		if m[2] == "." { // only day-first countries write dates with points
			dayFirst++
			continue
		}
		p := pair{atoi(m[1]), atoi(m[3]), atoi(m[4])}
		switch {
		case p.a > 12 && p.b <= 12:
			dayFirst++
		case p.b > 12 && p.a <= 12:
			monthFirst++
		case p.a != p.b:
			pairs = append(pairs, p)
		}
	}
	switch {
	case dayFirst > 0 && dayFirst >= monthFirst:
		return calendar{order: DayFirst}
	case monthFirst > 0:
		return calendar{order: MonthFirst}
	case len(pairs) == 0:
		return calendar{order: DayFirst}
	}
	weekdays := func(order DateOrder) int {
		seen := map[time.Weekday]bool{}
		for _, p := range pairs {
			if t, ok := order.date(p.year, p.a, p.b); ok {
				seen[t.Weekday()] = true
			}
		}
		return len(seen)
	}
	d, m := weekdays(DayFirst), weekdays(MonthFirst)
	switch {
	case d == 1 && m > 1:
		return calendar{order: DayFirst, inferred: true}
	case m == 1 && d > 1:
		return calendar{order: MonthFirst, inferred: true}
	}
	return calendar{undecided: true}
}

func (o DateOrder) date(year, a, b int) (time.Time, bool) {
	if o == MonthFirst {
		a, b = b, a
	}
	return civil(year, b, a)
}

// civil is a day that exists, at midnight UTC.
func civil(year, month, dayOfMonth int) (time.Time, bool) {
	t := time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC)
	return t, t.Year() == year && int(t.Month()) == month && t.Day() == dayOfMonth
}

// parse reads one cell; why says what is wrong with it.
func (c calendar) parse(cell string) (w when, why string) {
	if m := isoDay.FindStringSubmatch(cell); m != nil {
		return asDay(civil(atoi(m[1]), atoi(m[2]), atoi(m[3])))
	}
	if m := isoWeek.FindStringSubmatch(cell); m != nil {
		monday, ok := mondayOf(atoi(m[1]), atoi(m[2]))
		if !ok {
			return when{}, "is a week that its year does not have; weeks are W01 to W52, some years have W53"
		}
		return when{day: monday, form: isoForm}, ""
	}
	if m := slashed.FindStringSubmatch(cell); m != nil {
		if c.undecided {
			return when{}, "may be day/month or month/day, and no date in the file tells which; choose the order of day and month, or write 2026-01-31"
		}
		t, ok := c.order.date(atoi(m[4]), atoi(m[1]), atoi(m[3]))
		if !ok && c.order == DayFirst {
			return when{}, "is no date: the file has the day before the month"
		}
		if !ok {
			return when{}, "is no date: the file has the month before the day"
		}
		return asDay(t, true)
	}
	if m := compact.FindStringSubmatch(cell); m != nil {
		return asDay(civil(atoi(m[1]), atoi(m[2]), atoi(m[3])))
	}
	if m := plainWeek.FindStringSubmatch(cell); m != nil {
		if n := atoi(m[1]); n >= 1 && n <= MaxPeriods {
			return when{week: n, form: numberForm}, ""
		}
		return when{}, "is no week number; number the weeks from 1, at most to 520"
	}
	for _, layout := range wordForms {
		if t, err := time.Parse(layout, strings.Join(strings.Fields(cell), " ")); err == nil {
			return asDay(t, true)
		}
	}
	switch {
	case shortYear.MatchString(cell):
		return when{}, "has a year of two digits; write all four, such as 2026-01-31"
	case serial.MatchString(cell):
		return when{}, "is a date as a spreadsheet counts it; format the column as a date and export again"
	}
	return when{}, "is no date or week; write 2026-01-31, 31.01.2026, 2026-W05, or a week number from 1 on"
}

func asDay(t time.Time, ok bool) (when, string) {
	switch {
	case !ok:
		return when{}, "is a day that the calendar does not have"
	case t.Year() < 1990 || t.Year() > 2100:
		return when{}, "is a year that cannot be meant; check the date"
	}
	return when{day: t, form: dayForm}, ""
}

// mondayOf is the first day of an ISO week.
func mondayOf(year, week int) (time.Time, bool) {
	if year < 1990 || year > 2100 || week < 1 || week > 53 {
		return time.Time{}, false
	}
	fourth := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC) // always in week 1
	monday := weekStart(fourth).AddDate(0, 0, 7*(week-1))
	y, w := monday.ISOWeek()
	return monday, y == year && w == week
}

// weekStart is the Monday on or before t, at midnight UTC.
func weekStart(t time.Time) time.Time {
	t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, -int((t.Weekday()+6)%7))
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
