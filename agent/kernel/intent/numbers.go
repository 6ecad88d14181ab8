package intent

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// lowered keeps every byte in its place, which strings.ToLower does not promise:
// letters whose lower case has another length stay as they are.
func lowered(text string) string {
	var b strings.Builder
	for _, letter := range text {
		small := unicode.ToLower(letter)
		if len(string(small)) != len(string(letter)) {
			small = letter
		}
		b.WriteRune(small)
	}
	return b.String()
}

var countWords = map[string]float64{
	"a": 1, "an": 1, "one": 1, "two": 2, "a couple of": 2, "three": 3, "four": 4, "five": 5, "six": 6,
	"seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "half a": 0.5,
	"thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
	"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}

// Patterns of numbers in words. Money is at least twenty in words, because "one
// weekly order" says nothing of money.
const (
	lowWords  = `(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)`
	tenWords  = `(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)`
	bigWords  = `(?:hundred|thousand|million)`
	inTens    = tenWords + `(?:[ -]` + lowWords + `)?`
	inBig     = `(?:(?:an? |` + inTens + `[ -]|` + lowWords + `[ -])` + bigWords + `(?:[ -](?:and )?(?:` + bigWords + `|` + inTens + `|` + lowWords + `))*)`
	largeWord = `(?:` + inBig + `|` + inTens + `)`
)

// inWords reads "five hundred", "two thousand and fifty", "ninety-five".
func inWords(text string) (float64, bool) {
	total, part := 0.0, 0.0
	for _, word := range strings.FieldsFunc(text, func(letter rune) bool { return letter == ' ' || letter == '-' }) {
		switch word {
		case "and":
		case "hundred":
			part = max(part, 1) * 100
		case "thousand":
			total, part = total+max(part, 1)*1_000, 0
		case "million":
			total, part = total+max(part, 1)*1_000_000, 0
		default:
			v, ok := countWords[word]
			if !ok {
				return 0, false
			}
			part += v
		}
	}
	return total + part, text != ""
}

// negative says that a number begins with a minus, and takes it off.
func negative(number string) (rest string, below bool) {
	rest = strings.TrimPrefix(number, "minus ")
	rest = strings.NewReplacer("-", "", "−", "").Replace(rest)
	return rest, rest != number
}

func countOf(word string) (float64, bool) {
	if v, ok := countWords[word]; ok {
		return v, true
	}
	if v, ok := inWords(word); ok {
		return v, true
	}
	number, below := negative(word)
	v, err := strconv.ParseFloat(number, 64)
	if below {
		v = -v
	}
	return v, err == nil
}

// amountOf reads "€5,000", "5k", "1.5 thousand", "five hundred", and what is below
// nothing as such.
func amountOf(number, scale string) (float64, bool) {
	if v, ok := inWords(number); ok {
		return v, true
	}
	number, below := negative(number)
	number = strings.TrimLeft(number, "€$£abcdefghijklmnopqrstuvwxyz ")
	v, err := strconv.ParseFloat(strings.ReplaceAll(number, ",", ""), 64)
	if err != nil {
		return 0, false
	}
	switch scale {
	case "k", "thousand":
		v *= 1_000
	case "m", "million":
		v *= 1_000_000
	}
	if below {
		v = -v
	}
	return v, true
}

// weeksOf turns a number of days, months and so on into whole weeks.
func weeksOf(n float64, unit string) int {
	perUnit := map[string]float64{"day": 1.0 / 7, "week": 1, "fortnight": 2, "month": 52.0 / 12, "quarter": 13, "half-year": 26, "half year": 26, "year": 52}[strings.TrimSuffix(unit, "s")]
	weeks := int(math.Round(n * perUnit))
	if n > 0 {
		return max(weeks, 1)
	}
	return min(weeks, 0)
}
