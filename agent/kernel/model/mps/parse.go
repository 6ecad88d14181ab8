package mps

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/shared/fault"
)

// noBound is the size from which a bound means none.
const noBound = 1e20

const objectiveRow = -1

type entry struct {
	row   int32
	value float64
}

type column struct {
	name     string
	integer  bool
	cost     float64
	entries  []entry
	lower    float64
	upper    float64
	hasLower bool
	hasUpper bool
}

type row struct {
	name     string
	kind     byte // L, G, E
	rhs      float64
	span     float64 // of RANGES
	hasRHS   bool
	hasRange bool
}

// parser is the state while reading one text.
type parser struct {
	split   func(string) []string
	section string
	number  int // of the line, from 1

	name      string
	maximise  bool
	constant  float64
	objective string
	hasRHS    bool // the objective has a constant

	rows    []row
	rowAt   map[string]int32 // objectiveRow for the objective, droppedRow for other N rows
	columns []column
	colAt   map[string]int32
	inside  bool // between INTORG and INTEND
	sets    map[string]string
	ended   bool
}

const droppedRow = -2

func parse(text string, split func(string) []string) (*model.Model, error) {
	p := &parser{split: split, rowAt: map[string]int32{}, colAt: map[string]int32{}, sets: map[string]string{}}
	for line := range strings.Lines(text) {
		p.number++
		if err := p.line(strings.TrimRight(line, "\r\n\t ")); err != nil {
			return nil, p.fault(err)
		}
		if p.ended {
			break
		}
	}
	if !p.ended {
		return nil, p.fault(fmt.Errorf("the file ends without ENDATA"))
	}
	if p.objective == "" {
		return nil, p.fault(fmt.Errorf("there is no N row, so no objective"))
	}
	m := p.model()
	if err := m.Validate(); err != nil {
		return nil, p.fault(err)
	}
	return m, nil
}

func (p *parser) fault(err error) error {
	return ErrSyntax.Saying("Line %d of the MPS file: %v.", p.number, err).
		With(fault.Detail{Location: fmt.Sprintf("line %d", p.number), Message: err.Error(), Line: p.number})
}

func (p *parser) line(line string) error {
	if line == "" || line[0] == '*' {
		return nil
	}
	if line[0] != ' ' && line[0] != '\t' {
		return p.header(line)
	}
	fields := p.split(strings.ReplaceAll(line, "\t", " "))
	if len(fields) == 0 {
		return nil
	}
	switch p.section {
	case "ROWS":
		return p.rowLine(fields)
	case "COLUMNS":
		return p.columnLine(fields)
	case "RHS", "RANGES":
		return p.sideLine(fields)
	case "BOUNDS":
		return p.boundLine(fields)
	case "OBJSENSE":
		return p.sense(strings.Join(fields, " "))
	default:
		return fmt.Errorf("data stands before any section")
	}
}

func (p *parser) header(line string) error {
	word, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	rest = strings.TrimSpace(rest)
	switch word = strings.ToUpper(word); word {
	case "NAME":
		p.name = rest
	case "ROWS", "COLUMNS", "RHS", "RANGES", "BOUNDS":
		p.section = word
	case "OBJSENSE":
		p.section = word
		if rest != "" {
			return p.sense(rest)
		}
	case "ENDATA":
		p.ended = true
	case "SOS", "SOS1", "SOS2", "QUADOBJ", "QMATRIX", "QSECTION", "QCMATRIX", "CSECTION", "INDICATORS", "GENCONS", "PWLOBJ", "LAZYCONS", "USERCUTS":
		return fmt.Errorf("section %s is not supported; only linear and mixed-integer models are", word)
	default:
		return fmt.Errorf("%q is not a section of MPS", word)
	}
	return nil
}

func (p *parser) sense(word string) error {
	switch strings.ToUpper(word) {
	case "MAX", "MAXIMIZE", "MAXIMISE":
		p.maximise = true
	case "MIN", "MINIMIZE", "MINIMISE":
		p.maximise = false
	default:
		return fmt.Errorf("OBJSENSE is %q; MIN or MAX is wanted", word)
	}
	return nil
}

func (p *parser) rowLine(f []string) error {
	if len(f) != 2 || len(f[0]) != 1 {
		return fmt.Errorf("a row is a type (N, L, G or E) and a name")
	}
	kind, name := strings.ToUpper(f[0])[0], f[1]
	if _, taken := p.rowAt[name]; taken {
		return fmt.Errorf("row %s is declared twice", name)
	}
	switch kind {
	case 'N':
		p.rowAt[name] = droppedRow
		if p.objective == "" {
			p.objective, p.rowAt[name] = name, objectiveRow
		}
	case 'L', 'G', 'E':
		if len(p.rows) >= model.MaxRows {
			return fmt.Errorf("there are more than %d rows", model.MaxRows)
		}
		p.rowAt[name] = int32(len(p.rows))
		p.rows = append(p.rows, row{name: name, kind: kind})
	default:
		return fmt.Errorf("row %s has the type %s; N, L, G or E is wanted", name, f[0])
	}
	return nil
}

func (p *parser) columnLine(f []string) error {
	if len(f) >= 3 && strings.Trim(f[1], "'") == "MARKER" {
		switch strings.Trim(f[len(f)-1], "'") {
		case "INTORG":
			p.inside = true
		case "INTEND":
			p.inside = false
		default:
			return fmt.Errorf("a MARKER is INTORG or INTEND, not %s", f[len(f)-1])
		}
		return nil
	}
	if len(f) != 3 && len(f) != 5 {
		return fmt.Errorf("a column has a name and one or two pairs of row and number; there are %d fields", len(f))
	}
	name := f[0]
	if len(p.columns) == 0 || p.columns[len(p.columns)-1].name != name {
		if _, taken := p.colAt[name]; taken {
			return fmt.Errorf("column %s stands in two places", name)
		}
		if len(p.columns) >= model.MaxCols {
			return fmt.Errorf("there are more than %d columns", model.MaxCols)
		}
		p.colAt[name] = int32(len(p.columns))
		p.columns = append(p.columns, column{name: name, integer: p.inside, upper: model.Inf})
	}
	c := &p.columns[len(p.columns)-1]
	for k := 1; k < len(f); k += 2 {
		at, known := p.rowAt[f[k]]
		if !known {
			return fmt.Errorf("row %s is not declared in ROWS", f[k])
		}
		value, err := number(f[k+1])
		if err != nil {
			return err
		}
		if math.IsInf(value, 0) {
			return fmt.Errorf("a coefficient must be finite, not %s", f[k+1])
		}
		switch at {
		case objectiveRow:
			c.cost += value
		case droppedRow:
		default:
			c.entries = append(c.entries, entry{at, value})
		}
	}
	return nil
}

// set holds a section to one named set: more than one would mean a choice.
func (p *parser) set(name string) error {
	if first, seen := p.sets[p.section]; seen && first != name {
		return fmt.Errorf("%s has the sets %q and %q; only one is supported", p.section, first, name)
	}
	p.sets[p.section] = name
	return nil
}

func (p *parser) sideLine(f []string) error {
	set := ""
	if len(f)%2 == 1 {
		set, f = f[0], f[1:]
	}
	if len(f) != 2 && len(f) != 4 {
		return fmt.Errorf("%s wants one or two pairs of row and number", p.section)
	}
	if err := p.set(set); err != nil {
		return err
	}
	for k := 0; k < len(f); k += 2 {
		at, known := p.rowAt[f[k]]
		if !known {
			return fmt.Errorf("row %s is not declared in ROWS", f[k])
		}
		value, err := number(f[k+1])
		if err != nil {
			return err
		}
		if err := p.side(at, f[k], value); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) side(at int32, name string, value float64) error {
	twice := fmt.Errorf("row %s has two numbers in %s", name, p.section)
	switch {
	case at == droppedRow:
		return nil
	case at == objectiveRow && p.section == "RANGES":
		return fmt.Errorf("the objective %s cannot have a range", name)
	case at == objectiveRow:
		if p.hasRHS {
			return twice
		}
		if math.IsInf(value, 0) {
			return fmt.Errorf("the constant of the objective must be finite")
		}
		p.constant, p.hasRHS = -value, true
	case p.section == "RHS":
		r := &p.rows[at]
		if r.hasRHS {
			return twice
		}
		r.rhs, r.hasRHS = value, true
	default:
		r := &p.rows[at]
		if r.hasRange {
			return twice
		}
		r.span, r.hasRange = value, true
	}
	return nil
}

func (p *parser) boundLine(f []string) error {
	kind := strings.ToUpper(f[0])
	rest := f[1:]
	needsValue := slices.Contains([]string{"UP", "LO", "FX", "UI", "LI"}, kind)
	switch {
	case slices.Contains([]string{"FR", "MI", "PL", "BV"}, kind):
	case needsValue:
	case kind == "SC" || kind == "SI":
		return fmt.Errorf("bound %s (semi-continuous) is not supported; use a binary column and a row instead", kind)
	default:
		return fmt.Errorf("bound type %s is not known", f[0])
	}
	set, name, text := "", "", ""
	switch {
	case needsValue && len(rest) == 3:
		set, name, text = rest[0], rest[1], rest[2]
	case needsValue && len(rest) == 2:
		name, text = rest[0], rest[1]
	case !needsValue && len(rest) == 1:
		name = rest[0]
	case !needsValue && (len(rest) == 2 || len(rest) == 3):
		set, name = rest[0], rest[1]
		_, known := p.colAt[name]
		if _, first := p.colAt[rest[0]]; !known && first && len(rest) == 2 {
			set, name = "", rest[0] // a column and a number nobody needs
		}
	default:
		return fmt.Errorf("bound %s has %d fields", kind, len(f))
	}
	if err := p.set(set); err != nil {
		return err
	}
	at, known := p.colAt[name]
	if !known {
		return fmt.Errorf("column %s is not declared in COLUMNS", name)
	}
	value := 0.0
	if needsValue {
		var err error
		if value, err = number(text); err != nil {
			return err
		}
		if math.Abs(value) >= noBound {
			value = math.Copysign(model.Inf, value)
		}
	}
	return p.columns[at].bound(kind, value)
}

// bound sets one bound of the column.
func (c *column) bound(kind string, value float64) error {
	lower := func(v float64) { c.lower, c.hasLower = v, true }
	upper := func(v float64) { c.upper, c.hasUpper = v, true }
	switch kind {
	case "UP", "UI":
		upper(value)
		c.integer = c.integer || kind == "UI"
	case "LO", "LI":
		lower(value)
		c.integer = c.integer || kind == "LI"
	case "FX":
		lower(value)
		upper(value)
	case "FR":
		lower(-model.Inf)
		upper(model.Inf)
	case "MI":
		lower(-model.Inf)
	case "PL":
		upper(model.Inf)
	case "BV":
		c.integer = true
		lower(0)
		upper(1)
	}
	if math.IsInf(c.lower, 1) || math.IsInf(c.upper, -1) {
		return fmt.Errorf("column %s has the bounds [%v, %v]", c.name, c.lower, c.upper)
	}
	return nil
}

// number reads a number as C and as Fortran write it.
func number(s string) (float64, error) {
	value, err := strconv.ParseFloat(s, 64)
	if err != nil {
		value, err = strconv.ParseFloat(strings.NewReplacer("d", "e", "D", "e").Replace(s), 64)
	}
	if err != nil || math.IsNaN(value) {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return value, nil
}
