package mps

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/dyocense/dyocense/agent/kernel/model"
)

const objectiveName = "OBJECTIVE"

// Write prints m in free form; reading it back gives the same model, rules and
// missing names apart (columns become C1, C2, ..., rows R1, R2, ...); the upper
// bound of a row with two may differ by rounding, since MPS says the distance. A name
// with blanks cannot be expressed and is ErrName; so is a row that shares the
// objective's name.
func Write(w io.Writer, m *model.Model) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("writing a model as MPS: %w", err)
	}
	p := printer{w: bufio.NewWriter(w), m: m}
	if err := p.names(); err != nil {
		return err
	}
	p.head()
	p.columns()
	p.sides()
	p.bounds()
	p.line("ENDATA")
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("writing a model as MPS: %w", err)
	}
	return nil
}

type printer struct {
	w        *bufio.Writer
	m        *model.Model
	col, row []string
}

// line prints a line; bufio keeps the first error for Flush.
func (p *printer) line(format string, args ...any) { _, _ = fmt.Fprintf(p.w, format+"\n", args...) }

func (p *printer) names() error {
	p.col, p.row = p.m.ColName, p.m.RowName
	if len(p.col) == 0 {
		for j := range p.m.Cost {
			p.col = append(p.col, fmt.Sprintf("C%d", j+1))
		}
	}
	if len(p.row) == 0 {
		for i := range p.m.RowLower {
			p.row = append(p.row, fmt.Sprintf("R%d", i+1))
		}
	}
	for _, names := range [][]string{p.col, p.row} {
		seen := make(map[string]bool, len(names))
		for _, name := range names {
			if len(strings.Fields(name)) != 1 || strings.Fields(name)[0] != name || strings.Contains(name, "'MARKER'") {
				return ErrName.Saying("The name %q cannot be written as MPS: it is empty or has blanks.", name)
			}
			if seen[name] {
				return ErrName.Saying("The name %q is used twice.", name)
			}
			seen[name] = true
		}
	}
	for _, name := range p.row {
		if name == objectiveName {
			return ErrName.Saying("A row may not be called %s; that is the objective.", objectiveName)
		}
	}
	return nil
}

func (p *printer) head() {
	if name := strings.Join(strings.Fields(p.m.Name), " "); name != "" {
		p.line("NAME %s", name)
	} else {
		p.line("NAME")
	}
	if p.m.Maximize {
		p.line("OBJSENSE\n    MAX")
	}
	p.line("ROWS\n N %s", objectiveName)
	for i, name := range p.row {
		kind, _, _ := shape(p.m.RowLower[i], p.m.RowUpper[i])
		p.line(" %s %s", kind, name)
	}
}

// shape is how a row's bounds are said: its type, right-hand side and range.
// A row without bounds is said as a G row above minus infinity.
func shape(lower, upper float64) (kind string, rhs, span float64) {
	switch {
	case lower == upper:
		return "E", lower, 0
	case math.IsInf(lower, -1) && math.IsInf(upper, 1):
		return "G", lower, 0
	case math.IsInf(lower, -1):
		return "L", upper, 0
	case math.IsInf(upper, 1):
		return "G", lower, 0
	default:
		return "G", lower, upper - lower
	}
}

func (p *printer) columns() {
	p.line("COLUMNS")
	entries := make([][]entry, p.m.Cols())
	for i := range p.m.RowLower {
		for k := p.m.Start[i]; k < p.m.Start[i+1]; k++ {
			j := p.m.Index[k]
			entries[j] = append(entries[j], entry{int32(i), p.m.Value[k]})
		}
	}
	inside := false
	for j, name := range p.col {
		if p.m.Integer[j] != inside {
			inside = !inside
			p.marker(inside)
		}
		// The cost is said even when it is 0: a column exists by its lines.
		p.line(" %s %s %s", name, objectiveName, number17(p.m.Cost[j]))
		for _, e := range entries[j] {
			p.line(" %s %s %s", name, p.row[e.row], number17(e.value))
		}
	}
	if inside {
		p.marker(false)
	}
}

func (p *printer) marker(start bool) {
	word := "INTEND"
	if start {
		word = "INTORG"
	}
	p.line(" M 'MARKER' '%s'", word)
}

func (p *printer) sides() {
	p.line("RHS")
	if p.m.Constant != 0 {
		p.line(" RHS %s %s", objectiveName, number17(-p.m.Constant))
	}
	var ranges []string
	for i, name := range p.row {
		_, rhs, span := shape(p.m.RowLower[i], p.m.RowUpper[i])
		if rhs != 0 {
			p.line(" RHS %s %s", name, number17(rhs))
		}
		if span != 0 {
			ranges = append(ranges, fmt.Sprintf(" RNG %s %s", name, number17(span)))
		}
	}
	if len(ranges) > 0 {
		p.line("RANGES\n%s", strings.Join(ranges, "\n"))
	}
}

func (p *printer) bounds() {
	p.line("BOUNDS")
	for j, name := range p.col {
		lower, upper := p.m.ColLower[j], p.m.ColUpper[j]
		switch {
		case lower == upper:
			p.line(" FX BND %s %s", name, number17(lower))
			continue
		case math.IsInf(lower, -1):
			p.line(" MI BND %s", name)
		case lower != 0 || p.m.Integer[j] || upper < 0:
			p.line(" LO BND %s %s", name, number17(lower))
		}
		if !math.IsInf(upper, 1) {
			p.line(" UP BND %s %s", name, number17(upper))
		} else if p.m.Integer[j] {
			p.line(" PL BND %s", name)
		}
	}
}

func number17(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
