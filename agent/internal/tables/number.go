package tables

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// numberStyle is how a file writes numbers.
type numberStyle int

const (
	unknownStyle numberStyle = iota
	pointStyle               // 1,234.5
	commaStyle               // 1.234,5
)

func (s numberStyle) String() string {
	if s == commaStyle {
		return "decimal comma (1.234,5)"
	}
	return "decimal point (1,234.5)"
}

// numbers reads the number cells of one file.
type numbers struct {
	style   numberStyle
	decided bool // by a cell that can be read in one way only
}

// styleOf decides the style over all number cells of a file. Where no cell
// tells, a file delimited by semicolons has the decimal comma: programs use the
// semicolon exactly where the comma is taken.
func styleOf(cells func(yield func(string) bool), delimiter string) numbers {
	point, comma := 0, 0
	for c := range cells {
		switch evidence(bare(c)) {
		case pointStyle:
			point++
		case commaStyle:
			comma++
		}
	}
	switch {
	case comma > point:
		return numbers{commaStyle, true}
	case point > 0:
		return numbers{pointStyle, true}
	case delimiter == ";":
		return numbers{commaStyle, false}
	}
	return numbers{pointStyle, false}
}

// evidence is the only style in which s can be read, if there is only one.
func evidence(s string) numberStyle {
	s = strings.TrimLeft(s, "+-")
	points, commas := strings.Count(s, "."), strings.Count(s, ",")
	switch {
	case points == 0 && commas == 0, points > 1 && commas > 1:
		return unknownStyle
	case points > 0 && commas > 0:
		if strings.LastIndexByte(s, '.') > strings.LastIndexByte(s, ',') {
			return pointStyle
		}
		return commaStyle
	case points > 1:
		return commaStyle
	case commas > 1:
		return pointStyle
	}
	whole, fraction, _ := strings.Cut(strings.ReplaceAll(s, ",", "."), ".")
	if len(fraction) == 3 && len(whole) >= 1 && len(whole) <= 3 && whole[0] != '0' {
		return unknownStyle // 1.234 may be either
	}
	if points == 1 {
		return pointStyle
	}
	return commaStyle
}

// currencies are signs and codes that may stand before or behind an amount.
var currencies = []string{
	"€", "$", "£", "¥", "₹", "EUR", "USD", "GBP", "CHF", "JPY", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "INR", "US$", "kr", "Fr.", "zł",
}

var suffixed = regexp.MustCompile(`^([-+]?[0-9][0-9.,'’\x{00a0}\x{202f}\x{2009} ]*)\s*(\p{L}[\p{L}³²/.]{0,11})$`)

// strip takes the currency and the unit off a number.
func strip(s string) (number, currency, unit string) {
	if s != "" && digit(s[0]) && digit(s[len(s)-1]) {
		return s, "", "" // nothing before or behind; nearly every cell ends here
	}
	s = strings.TrimSpace(s)
	for _, c := range currencies {
		if rest, ok := strings.CutPrefix(s, c); ok && rest != "" {
			return strings.TrimSpace(rest), c, ""
		}
		if rest, ok := strings.CutPrefix(s, "-"+c); ok && rest != "" {
			return "-" + strings.TrimSpace(rest), c, ""
		}
		if rest, ok := strings.CutSuffix(s, c); ok && rest != "" {
			return strings.TrimSpace(rest), c, ""
		}
	}
	if exponent.MatchString(s) {
		return s, "", ""
	}
	if m := suffixed.FindStringSubmatch(s); m != nil {
		return strings.TrimSpace(m[1]), "", m[2]
	}
	return s, "", ""
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func bare(s string) string {
	n, _, _ := strip(s)
	return ungroup(n)
}

var (
	exponent    = regexp.MustCompile(`^[-+]?[0-9]+([.,][0-9]+)?[eE][-+]?[0-9]{1,2}$`)
	spaceGroups = regexp.MustCompile(`^[-+]?[0-9]{1,3}([ '’\x{00a0}\x{202f}\x{2009}][0-9]{3})+([.,][0-9]+)?$`)
	spaces      = strings.NewReplacer(" ", "", "'", "", "’", "", "\u00a0", "", "\u202f", "", "\u2009", "")
)

// ungroup removes thousands separators that cannot be decimal signs.
func ungroup(s string) string {
	if spaceGroups.MatchString(s) {
		return spaces.Replace(s)
	}
	return s
}

var (
	pointNumber = regexp.MustCompile(`^[-+]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)?(\.[0-9]*)?$`)
	commaNumber = regexp.MustCompile(`^[-+]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)?(,[0-9]*)?$`)
)

// parse reads one cell. ambiguous says that the cell alone could have been read
// in two ways; why says what is wrong with a cell that is no number.
func (n numbers) parse(cell string) (value float64, currency, unit string, ambiguous bool, why string) {
	if len(cell) < 10 && strings.Trim(cell, "0123456789") == "" && cell != "" {
		whole, err := strconv.Atoi(cell)
		if err == nil {
			return float64(whole), "", "", false, ""
		}
	}
	s, currency, unit := strip(cell)
	s = ungroup(s)
	if !strings.ContainsAny(s, "0123456789") {
		return 0, "", "", false, notANumber(cell)
	}
	if exponent.MatchString(s) {
		s = strings.Replace(s, ",", ".", 1)
	} else {
		switch n.style {
		case commaStyle:
			if !commaNumber.MatchString(s) {
				return 0, "", "", false, n.mismatch(cell, s, pointNumber)
			}
			s = strings.Replace(strings.ReplaceAll(s, ".", ""), ",", ".", 1)
		default:
			if !pointNumber.MatchString(s) {
				return 0, "", "", false, n.mismatch(cell, s, commaNumber)
			}
			s = strings.ReplaceAll(s, ",", "")
		}
	}
	value, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, "", "", false, notANumber(cell)
	}
	raw := bare(cell)
	ambiguous = !n.decided && strings.ContainsAny(raw, ".,") && evidence(raw) == unknownStyle
	return value, currency, unit, ambiguous, ""
}

func (n numbers) mismatch(cell, s string, other *regexp.Regexp) string {
	if other.MatchString(s) && n.decided {
		return "is written in another way than the rest of the file, which has the " + n.style.String() + "; write all numbers alike"
	}
	return notANumber(cell)
}

func notANumber(cell string) string {
	switch folded := strings.ToLower(strings.TrimSpace(cell)); {
	case folded == "nan" || strings.HasSuffix(folded, "inf") || strings.HasSuffix(folded, "infinity"):
		return "is not a finite number; write a number such as 12.5, or delete the row"
	case strings.HasPrefix(folded, "#"):
		return "is an error of the spreadsheet; correct the formula and export again"
	case strings.HasPrefix(folded, "="):
		return "is a formula; export the values, not the formulas"
	case strings.HasSuffix(folded, "%"):
		return "is a percentage; write a plain number"
	case strings.HasPrefix(folded, "(") && strings.HasSuffix(folded, ")"):
		return "is a negative number in brackets; write a number of 0 or more"
	}
	return "is not a number; write digits such as 12 or 12.5"
}
