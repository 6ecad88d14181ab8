package replenish

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// wording writes numbers as a shop owner reads them and remembers where each one
// comes from. Texts have no other numbers.
type wording struct {
	currency   string
	periodDays int
}

// money of a path of the Result.
func (w wording) money(path string, v float64) Fact {
	return Fact{Path: path, Value: v, Unit: w.currency, Text: w.amount(v)}
}

// amount with its currency: cents below a hundred only.
func (w wording) amount(v float64) string {
	digits := 0
	if math.Abs(v) < 100 && math.Abs(v-math.Round(v)) > 0.004 {
		digits = 2
	}
	text := grouped(math.Abs(v), digits)
	sign := ""
	if v < 0 && strings.Trim(text, "0.,") != "" {
		sign = "-"
	}
	switch w.currency {
	case "":
		return sign + text
	case "EUR":
		return sign + "€" + text
	case "USD":
		return sign + "$" + text
	case "GBP":
		return sign + "£" + text
	}
	return sign + text + " " + w.currency
}

// units of an article.
func (w wording) units(path string, v float64, unit string) Fact {
	return Fact{Path: path, Value: v, Unit: unit, Text: quantity(v, unit)}
}

func (w wording) share(path string, v float64) Fact {
	return Fact{Path: path, Value: v, Unit: "share", Text: percent(v)}
}

// count of things with their noun: "1 order", "2 orders".
func (w wording) count(path string, n int, noun string) Fact {
	return Fact{Path: path, Value: float64(n), Unit: noun, Text: plural(n, noun)}
}

// period is a date, by the index of its period.
func (w wording) period(r *Result, t int) Fact {
	return Fact{Path: fmt.Sprintf("/periods/%d/index", t), Value: float64(t), Unit: "period", Text: r.Periods[t].Label}
}

// noun of a period.
func (w wording) noun() string {
	switch {
	case w.periodDays == 1:
		return "day"
	case w.periodDays == 7:
		return "week"
	case w.periodDays >= 28:
		return "month"
	}
	return "period"
}

// label of the period that starts on a day.
func (w wording) label(start time.Time) string {
	switch w.noun() {
	case "day":
		return start.Format("Mon 2 Jan")
	case "week":
		return "week of " + start.Format("2 Jan")
	case "month":
		return "month from " + start.Format("2 Jan")
	}
	return "period from " + start.Format("2 Jan")
}

// number has as many digits as its size deserves.
func number(v float64) string {
	digits := 0
	switch size := math.Abs(v); {
	case size < 10:
		digits = 2
	case size < 100:
		digits = 1
	}
	text := grouped(v, digits)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// percent never rounds up to a whole hundred that was not reached, nor down to
// nothing.
func percent(v float64) string {
	p := v * 100
	digits := 0
	if math.Abs(p-math.Round(p)) > 0.05 {
		digits = 1
	}
	text := strconv.FormatFloat(p, 'f', digits, 64)
	switch {
	case p < 100 && strings.HasPrefix(text, "100"):
		text = "99.9"
	case p > 0 && strings.Trim(text, "0.") == "":
		return "under 0.1 %"
	}
	return strings.TrimSuffix(text, ".0") + " %"
}

func plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "x"):
		noun += "es"
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ay"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return grouped(float64(n), 0) + " " + noun
}

// grouped writes thousands separators.
func grouped(v float64, digits int) string {
	text := strconv.FormatFloat(v, 'f', digits, 64)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, rest, found := strings.Cut(text, ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if found {
		return sign + b.String() + "." + rest
	}
	return sign + b.String()
}

// sentence puts facts into a text: each %s takes the next part, a Fact or a
// string without numbers of its own.
func sentence(topic, format string, parts ...any) Sentence {
	s := Sentence{Topic: topic, Facts: []Fact{}}
	words := make([]any, len(parts))
	for i, part := range parts {
		switch p := part.(type) {
		case Fact:
			s.Facts = append(s.Facts, p)
			words[i] = p.Text
		case Sentence:
			s.Facts = append(s.Facts, p.Facts...)
			words[i] = p.Text
		default:
			words[i] = p
		}
	}
	s.Text = fmt.Sprintf(format, words...)
	return s
}

// listed joins names: "a", "a and b", "a, b and c".
func listed(parts []Sentence) Sentence {
	out := Sentence{}
	for i, p := range parts {
		switch {
		case i == 0:
		case i == len(parts)-1:
			out.Text += " and "
		default:
			out.Text += ", "
		}
		out.Text += p.Text
		out.Facts = append(out.Facts, p.Facts...)
	}
	return out
}
