package tables

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Mapping says which column of a sheet (by index, from 0) holds which field.
type Mapping map[string]int

// fold brings column names to one form: letters and digits in lower case,
// without accents.
func fold(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(name)) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// looksLikeNames says whether cells can be a header: at least one cell is a
// known name, or none is a number or a date.
func looksLikeNames(cells []string) bool {
	data := false
	for _, c := range cells {
		if c == "" {
			continue
		}
		if knownName(fold(c)) {
			return true
		}
		if kind := kindOf([]string{c}); kind != Text {
			data = true
		}
	}
	return !data
}

func knownName(folded string) bool {
	for _, f := range Formats() {
		for _, field := range f.Columns {
			if slices.Contains(field.synonyms, folded) {
				return true
			}
		}
	}
	return false
}

// kindOf guesses what a column holds from some of its cells.
func kindOf(cells []string) ValueKind {
	n, isNumber, isInteger, isDate, isWeek := 0, 0, 0, 0, 0
	style := styleOf(slices.Values(cells), "")
	cal := calendar{order: DayFirst}
	for _, c := range cells {
		if c == "" {
			continue
		}
		n++
		if w, why := cal.parse(c); why == "" || slashed.MatchString(c) {
			switch w.form {
			case isoForm:
				isWeek++
				continue
			case dayForm, noForm:
				if !compact.MatchString(c) {
					isDate++
					continue
				}
			}
		}
		if v, _, _, _, why := style.parse(c); why == "" {
			isNumber++
			if v == float64(int64(v)) && !strings.ContainsAny(c, ".,") {
				isInteger++
			}
		}
	}
	switch {
	case n == 0:
		return Text
	case isWeek == n:
		return Week
	case isDate == n:
		return Date
	case isInteger == n:
		return Integer
	case isNumber*10 >= n*9 && isNumber > 0:
		return Number
	case isDate*10 >= n*9 && isDate > 0:
		return Date
	}
	return Text
}

const sampled = 200 // rows looked at when guessing

// columnKinds are the guessed kinds of all columns.
func (s *Sheet) columnKinds() []ValueKind {
	kinds := make([]ValueKind, len(s.Header))
	for i := range s.Header {
		cells := make([]string, 0, sampled)
		for _, r := range s.Rows[:min(len(s.Rows), sampled)] {
			cells = append(cells, r.Cells[i])
		}
		kinds[i] = kindOf(cells)
	}
	return kinds
}

// Guess says which kind of table the sheet is, "" when it cannot tell, and which
// column is which field of it.
func (s *Sheet) Guess() (Kind, Mapping) {
	var best Kind
	var mapping Mapping
	bestScore := 0
	for _, f := range Formats() {
		m, named := s.guessFor(f)
		missing := 0
		score := 0
		for _, field := range f.Columns {
			_, have := m[field.Name]
			switch {
			case have && field.Required:
				score += 3
			case have:
				score += 2
			case field.Required:
				missing++
			}
		}
		if named == 0 || missing > 1 {
			continue
		}
		score -= 4 * missing
		if score > bestScore {
			best, mapping, bestScore = f.Kind, m, score
		}
	}
	if best == "" {
		return "", Mapping{}
	}
	return best, mapping
}

// GuessFor says which column is which field of k.
func (s *Sheet) GuessFor(k Kind) Mapping {
	m, _ := s.guessFor(FormatOf(k))
	return m
}

// guessFor matches columns by their names, better synonyms first, and then gives
// a required field that is left the only column whose content fits.
func (s *Sheet) guessFor(f Format) (m Mapping, named int) {
	m = Mapping{}
	kinds := s.columnKinds()
	taken := make([]bool, len(s.Header))
	for _, exact := range []bool{true, false} {
		for _, field := range f.Columns {
			if _, have := m[field.Name]; have {
				continue
			}
			at := s.byName(field, exact, kinds, taken)
			if at >= 0 {
				m[field.Name], taken[at] = at, true
				named++
			}
		}
	}
	for _, field := range f.Columns {
		if _, have := m[field.Name]; have || !field.Required {
			continue
		}
		at, fits := -1, 0
		for i := range s.Header {
			if !taken[i] && fitsBlindly(field.Kind, kinds[i]) {
				at, fits = i, fits+1
			}
		}
		if fits == 1 && named > 0 {
			m[field.Name], taken[at] = at, true
		}
	}
	return m, named
}

func (s *Sheet) byName(field FormatField, exact bool, kinds []ValueKind, taken []bool) int {
	if exact {
		for i, h := range s.Header {
			if !taken[i] && fold(h) == fold(field.Name) {
				return i
			}
		}
		return -1
	}
	for _, synonym := range field.synonyms {
		for i, h := range s.Header {
			if !taken[i] && fold(h) == synonym && fits(field.Kind, kinds[i]) {
				return i
			}
		}
	}
	return -1
}

// fits says whether a column that looks like have may be named a want.
func fits(want, have ValueKind) bool {
	switch want {
	case Number, Integer:
		return have == Number || have == Integer || have == Text // units and wrong cells make text
	case Date, Week:
		return have != Number
	}
	return have != Date && have != Week
}

// fitsBlindly says whether a column may be a want without any help of its name.
func fitsBlindly(want, have ValueKind) bool {
	switch want {
	case Number, Integer:
		return have == Number || have == Integer
	case Date, Week:
		return have == Date || have == Week
	}
	return have == Text
}
