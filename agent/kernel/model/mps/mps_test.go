package mps_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/model/mps"
	"github.com/dyocense/dyocense/shared/fault"
)

func read(t *testing.T, text string) *model.Model {
	t.Helper()
	m, err := mps.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// free is everything the free form has, in one model.
const free = `* a comment
NAME several words here
OBJSENSE
    MAX
ROWS
 N profit
 N other
 L low
 G high
 E equal
 E wide
COLUMNS
 x profit 1.5 low 1
 x other 9 high 2
 M 'MARKER' 'INTORG'
 n low 1 equal -1D1
 free wide 1
 M 'MARKER' 'INTEND'
 y high 1 wide 1e0
 z low 3
RHS
 RHS low 10 high -2
 RHS profit -7
 RHS wide 4
RANGES
 RNG low 4 high 6
 RNG wide -3
BOUNDS
 UP BND y -5
 MI BND z
 UP BND z 1e30
 UI BND n 9
ENDATA
`

func TestRead(t *testing.T) {
	t.Parallel()
	t.Run("reads everything the free form has", func(t *testing.T) {
		t.Parallel()
		m := read(t, free)
		if m.Name != "several words here" || !m.Maximize || m.Constant != 7 {
			t.Errorf("name %q, maximise %v, constant %v", m.Name, m.Maximize, m.Constant)
		}
		if d := cmp.Diff([]float64{6, -2, 0, 1}, m.RowLower); d != "" {
			t.Error("row lower", d)
		}
		if d := cmp.Diff([]float64{10, 4, 0, 4}, m.RowUpper); d != "" {
			t.Error("row upper", d)
		}
		if d := cmp.Diff([]float64{0, 0, 0, math.Inf(-1), math.Inf(-1)}, m.ColLower); d != "" {
			t.Error("column lower", d)
		}
		if d := cmp.Diff([]float64{math.Inf(1), 9, 1, -5, math.Inf(1)}, m.ColUpper); d != "" {
			t.Error("column upper", d)
		}
		if d := cmp.Diff([]bool{false, true, true, false, false}, m.Integer); d != "" {
			t.Error("integer", d)
		}
		if d := cmp.Diff([]float64{1.5, 0, 0, 0, 0}, m.Cost); d != "" {
			t.Error("cost", d)
		}
		if m.Value[m.Start[2]] != -10 {
			t.Errorf("a Fortran exponent is read as %v", m.Value[m.Start[2]])
		}
	})
	t.Run("reads names with blanks in fixed form", func(t *testing.T) {
		t.Parallel()
		m := read(t, fixed)
		if d := cmp.Diff([]string{"my col", "other"}, m.ColName); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"the row"}, m.RowName); d != "" {
			t.Error(d)
		}
		if m.RowUpper[0] != 4 || m.ColUpper[0] != 3 || m.Cost[1] != 2 {
			t.Errorf("got %+v", m)
		}
	})
	base := func(change, to string) string { return strings.Replace(free, change, to, 1) }
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"semi-continuous bounds":      {base(" UI BND n 9", " SC BND n 9"), 32},
		"a row nobody declared":       {base(" z low 3", " z lwo 3"), 20},
		"a column nobody declared":    {base(" MI BND z", " MI BND q"), 30},
		"a number that is none":       {base("RHS low 10", "RHS low ten"), 22},
		"a column in two places":      {base(" z low 3", " x low 3"), 20},
		"a row declared twice":        {base(" E wide\n", " E wide\n E wide\n"), 12},
		"an entry given twice":        {base(" z low 3", " z low 3 low 4"), 33},
		"two sets of bounds":          {base(" MI BND z", " MI BN2 z"), 30},
		"a quadratic section":         {base("BOUNDS", "QUADOBJ"), 28},
		"a section nobody knows":      {base("BOUNDS", "BOUNDARIES"), 28},
		"a text without end":          {strings.TrimSuffix(free, "ENDATA\n"), 32},
		"an objective with a range":   {base(" RNG wide -3", " RNG profit 3"), 27},
		"a sense that is none":        {base("    MAX", "    UP"), 4},
		"no objective":                {"ROWS\n L a\nCOLUMNS\nENDATA\n", 4},
		"an infinite coefficient":     {base(" z low 3", " z low inf"), 20},
		"a bound that is not a bound": {base(" MI BND z", " LO BND z inf"), 30},
		"nothing":                     {"", 0},
	} {
		t.Run("refuses "+name+" and says where", func(t *testing.T) {
			t.Parallel()
			_, err := mps.Read(strings.NewReader(c.text))
			var f *fault.Error
			if !errors.As(err, &f) || !errors.Is(err, mps.ErrSyntax) || len(f.Details) != 1 {
				t.Fatalf("got %v", err)
			}
			if f.Details[0].Line != c.line {
				t.Errorf("line %d, want %d: %s", f.Details[0].Line, c.line, f.Message)
			}
		})
	}
	t.Run("refuses what is not text", func(t *testing.T) {
		t.Parallel()
		if _, err := mps.Read(strings.NewReader("NAME\x00")); !errors.Is(err, mps.ErrSyntax) {
			t.Errorf("got %v", err)
		}
	})
}

const fixed = `NAME          FIXED
ROWS
 N  cost
 L  the row
COLUMNS
    my col    cost                1.   the row             1.
    other     cost                2.   the row             1.
RHS
    RHS       the row             4.
BOUNDS
 UP BND       my col              3.
ENDATA
`

// models draws any model the format can express.
func models() *rapid.Generator[*model.Model] {
	anyNumber := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(-1e6, 1e6), rapid.SampledFrom([]float64{1, -1, 0.1, 1e-9}))
	number := rapid.Map(anyNumber, func(v float64) float64 { return v + 0 }) // no negative zero
	return rapid.Custom(func(t *rapid.T) *model.Model {
		var b model.Builder
		interval := func(label string) (float64, float64) {
			// Eighths: RANGES says a difference, which must come out exact.
			lower, upper := float64(rapid.IntRange(-999, 999).Draw(t, label))/8, float64(rapid.IntRange(-999, 999).Draw(t, label))/8
			if lower > upper {
				lower, upper = upper, lower
			}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				lower = -model.Inf
			case 1:
				upper = model.Inf
			case 2:
				lower, upper = 0, model.Inf
			}
			return lower, upper
		}
		cols := rapid.IntRange(0, 6).Draw(t, "columns")
		for j := range cols {
			lower, upper := interval("bound")
			b.Col(fmt.Sprintf("x%d", j), lower, upper, number.Draw(t, "cost"), rapid.Bool().Draw(t, "integer"))
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "rows") {
			var terms []model.Term
			for j := range cols {
				if rapid.Bool().Draw(t, "entry") {
					terms = append(terms, model.Term{Col: int32(j), Coef: number.Draw(t, "coefficient")})
				}
			}
			lower, upper := interval("side")
			b.Row("", fmt.Sprintf("r%d", i), lower, upper, terms...)
		}
		b.AddConstant(number.Draw(t, "constant"))
		m := b.Build("drawn model")
		m.Maximize = rapid.Bool().Draw(t, "maximise")
		m.RowRule = nil
		return m
	})
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	t.Run("reads back what it writes", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			m := models().Draw(t, "model")
			var b bytes.Buffer
			if err := mps.Write(&b, m); err != nil {
				t.Fatal(err)
			}
			back, err := mps.Read(bytes.NewReader(b.Bytes()))
			if err != nil {
				t.Fatalf("%v in\n%s", err, b.String())
			}
			if d := cmp.Diff(normal(m), normal(back)); d != "" {
				t.Fatalf("%s\n%s", d, b.String())
			}
		})
	})
	t.Run("refuses names it cannot write", func(t *testing.T) {
		t.Parallel()
		var b model.Builder
		b.Col("two words", 0, 1, 1, false)
		if err := mps.Write(&bytes.Buffer{}, b.Build("")); !errors.Is(err, mps.ErrName) {
			t.Errorf("got %v", err)
		}
	})
}

// normal is m without the difference between no list and an empty one.
func normal(m *model.Model) string {
	return fmt.Sprintf("%s %v %v %v %v %v %v %v %v %v %v %v %v %v", m.Name, m.Maximize, m.Constant+0,
		m.Cost, m.ColLower, m.ColUpper, m.Integer, m.ColName, m.RowLower, m.RowUpper, m.RowName, m.Start, m.Index, m.Value)
}

func FuzzRead(f *testing.F) {
	f.Add(free)
	f.Add(fixed)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := mps.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		if err := m.Validate(); err != nil {
			t.Fatalf("an invalid model was read: %v", err)
		}
	})
}
