// Package nrp reads nurse-rostering instances in the text format of the public
// benchmark by Curtois and Qu and makes them models.
//
// It owns the format (read.go) and the assignment formulation (model.go). The
// horizon begins on a Monday; what happened before it and after it is unknown and
// breaks no rule about consecutive days.
package nrp

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/dyocense/dyocense/shared/fault"
)

// ErrSyntax has the line in its details.
var ErrSyntax = fault.New(fault.Invalid, "nrp.syntax", "The roster file cannot be read.")

// Limits of an instance.
const (
	maxDays   = 1000
	maxStaff  = 2000
	maxShifts = 100
	maxCells  = 4_000_000 // staff x days x shifts
)

// Instance is one rostering problem. Days count from 0.
type Instance struct {
	Days   int
	Shifts []Shift
	Staff  []Person
	On     []Request
	Off    []Request
	Cover  []Cover
}

// Shift is a kind of shift.
type Shift struct {
	ID        string
	Minutes   int
	NotBefore []int // shifts that may not follow on the next day, by index
}

// Person and the limits of the contract.
type Person struct {
	ID                             string
	MaxShifts                      []int // by shift
	MaxMinutes, MinMinutes         int
	MaxConsecutive, MinConsecutive int
	MinConsecutiveOff, MaxWeekends int
	DaysOff                        []int
}

// Request of a person to work (On) or not to work (Off) a shift; Weight is the
// price of not granting it.
type Request struct{ Person, Day, Shift, Weight int }

// Cover is how many people a shift needs on a day, and what each one too few or
// too many costs.
type Cover struct{ Day, Shift, Need, Under, Over int }

// reader holds what is known while lines go by.
type reader struct {
	in      Instance
	section string
	shift   map[string]int
	person  map[string]int
	follow  [][]string // names of forbidden followers, resolved at the end
}

// Read reads one instance.
func Read(r io.Reader) (*Instance, error) {
	p := reader{shift: map[string]int{}, person: map[string]int{}}
	lines := bufio.NewScanner(io.LimitReader(r, 64<<20))
	lines.Buffer(nil, 1<<20)
	number := 0
	at := func(err error) error {
		return ErrSyntax.Saying("Line %d of the roster file: %v.", number, err).
			With(fault.Detail{Location: fmt.Sprintf("line %d", number), Message: err.Error(), Line: number})
	}
	for lines.Scan() {
		number++
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := p.line(line); err != nil {
			return nil, at(err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, at(err)
	}
	if err := p.finish(); err != nil {
		return nil, at(err)
	}
	return &p.in, nil
}

func (p *reader) line(line string) error {
	if name, ok := strings.CutPrefix(line, "SECTION_"); ok {
		p.section = name
		return nil
	}
	f := strings.Split(line, ",")
	for k := range f {
		f[k] = strings.TrimSpace(f[k])
	}
	switch p.section {
	case "HORIZON":
		return p.horizon(f)
	case "SHIFTS":
		return p.shiftLine(f)
	case "STAFF":
		return p.staffLine(f)
	case "DAYS_OFF":
		return p.daysOff(f)
	case "SHIFT_ON_REQUESTS":
		return p.request(f, &p.in.On)
	case "SHIFT_OFF_REQUESTS":
		return p.request(f, &p.in.Off)
	case "COVER":
		return p.cover(f)
	default:
		return fmt.Errorf("%q is not a known section", p.section)
	}
}

func (p *reader) horizon(f []string) error {
	days, err := integer(f[0])
	if err != nil || days < 1 || days > maxDays {
		return fmt.Errorf("the horizon must be 1 to %d days, not %q", maxDays, f[0])
	}
	p.in.Days = days
	return nil
}

func (p *reader) shiftLine(f []string) error {
	if len(f) < 2 || len(f) > 3 {
		return fmt.Errorf("a shift is an id, minutes, and the shifts that cannot follow; there are %d fields", len(f))
	}
	minutes, err := integer(f[1])
	if err != nil {
		return err
	}
	if _, taken := p.shift[f[0]]; taken || f[0] == "" || len(p.in.Shifts) >= maxShifts {
		return fmt.Errorf("shift %q is empty, given twice, or beyond %d shifts", f[0], maxShifts)
	}
	var follow []string
	if len(f) == 3 && f[2] != "" {
		follow = strings.Split(f[2], "|")
	}
	p.shift[f[0]] = len(p.in.Shifts)
	p.in.Shifts = append(p.in.Shifts, Shift{ID: f[0], Minutes: minutes})
	p.follow = append(p.follow, follow)
	return nil
}

func (p *reader) staffLine(f []string) error {
	if len(f) != 8 {
		return fmt.Errorf("a person has 8 fields, not %d", len(f))
	}
	if _, taken := p.person[f[0]]; taken || f[0] == "" || len(p.in.Staff) >= maxStaff {
		return fmt.Errorf("person %q is empty, given twice, or beyond %d people", f[0], maxStaff)
	}
	who := Person{ID: f[0], MaxShifts: make([]int, len(p.in.Shifts))}
	for k := range who.MaxShifts {
		who.MaxShifts[k] = p.in.Days
	}
	for _, pair := range strings.Split(f[1], "|") {
		name, count, _ := strings.Cut(pair, "=")
		s, known := p.shift[name]
		n, err := integer(count)
		if !known || err != nil {
			return fmt.Errorf("%q is not a shift and its maximum", pair)
		}
		who.MaxShifts[s] = n
	}
	for k, field := range []*int{
		&who.MaxMinutes, &who.MinMinutes, &who.MaxConsecutive, &who.MinConsecutive, &who.MinConsecutiveOff, &who.MaxWeekends,
	} {
		var err error
		if *field, err = integer(f[k+2]); err != nil {
			return err
		}
	}
	p.person[f[0]] = len(p.in.Staff)
	p.in.Staff = append(p.in.Staff, who)
	return nil
}

func (p *reader) daysOff(f []string) error {
	who, known := p.person[f[0]]
	if !known {
		return fmt.Errorf("person %q is not in the staff", f[0])
	}
	for _, field := range f[1:] {
		day, err := p.day(field)
		if err != nil {
			return err
		}
		p.in.Staff[who].DaysOff = append(p.in.Staff[who].DaysOff, day)
	}
	return nil
}

func (p *reader) request(f []string, into *[]Request) error {
	if len(f) != 4 {
		return fmt.Errorf("a request has 4 fields, not %d", len(f))
	}
	who, known := p.person[f[0]]
	shift, knownShift := p.shift[f[2]]
	if !known || !knownShift {
		return fmt.Errorf("person %q or shift %q is not known", f[0], f[2])
	}
	day, err := p.day(f[1])
	if err != nil {
		return err
	}
	weight, err := integer(f[3])
	if err != nil {
		return err
	}
	*into = append(*into, Request{who, day, shift, weight})
	return nil
}

func (p *reader) cover(f []string) error {
	if len(f) != 5 {
		return fmt.Errorf("a cover line has 5 fields, not %d", len(f))
	}
	day, err := p.day(f[0])
	if err != nil {
		return err
	}
	shift, known := p.shift[f[1]]
	if !known {
		return fmt.Errorf("shift %q is not known", f[1])
	}
	c := Cover{Day: day, Shift: shift}
	for k, field := range []*int{&c.Need, &c.Under, &c.Over} {
		if *field, err = integer(f[k+2]); err != nil {
			return err
		}
	}
	p.in.Cover = append(p.in.Cover, c)
	return nil
}

func (p *reader) finish() error {
	if p.in.Days == 0 || len(p.in.Shifts) == 0 || len(p.in.Staff) == 0 {
		return fmt.Errorf("a roster needs the sections HORIZON, SHIFTS and STAFF")
	}
	if cells := p.in.Days * len(p.in.Shifts) * len(p.in.Staff); cells > maxCells {
		return fmt.Errorf("the roster has %d cells; at most %d are accepted", cells, maxCells)
	}
	for s, names := range p.follow {
		for _, name := range names {
			next, known := p.shift[strings.TrimSpace(name)]
			if !known {
				return fmt.Errorf("shift %q, which cannot follow %s, is not known", name, p.in.Shifts[s].ID)
			}
			p.in.Shifts[s].NotBefore = append(p.in.Shifts[s].NotBefore, next)
		}
	}
	return nil
}

func (p *reader) day(s string) (int, error) {
	day, err := integer(s)
	if err != nil {
		return 0, err
	}
	if day >= p.in.Days {
		return 0, fmt.Errorf("day %d is outside the horizon of %d days", day, p.in.Days)
	}
	return day, nil
}

func integer(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > 1_000_000_000 {
		return 0, fmt.Errorf("%q is not a whole number from 0 to a thousand million", s)
	}
	return n, nil
}
