package intent

import (
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
}

func countOf(word string) (float64, bool) {
	if v, ok := countWords[word]; ok {
		return v, true
	}
	v, err := strconv.ParseFloat(word, 64)
	return v, err == nil
}

// amountOf reads "€5,000", "5k", "1.5 thousand".
func amountOf(number, scale string) (float64, bool) {
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
	return v, true
}

// weeksOf turns a number of days, months and so on into whole weeks.
func weeksOf(n float64, unit string) int {
	perUnit := map[string]float64{"day": 1.0 / 7, "week": 1, "fortnight": 2, "month": 52.0 / 12, "quarter": 13, "half-year": 26, "half year": 26}[strings.TrimSuffix(unit, "s")]
	weeks := int(n*perUnit + 0.5)
	return max(weeks, 1)
}
