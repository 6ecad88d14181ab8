package tables

import (
	"strings"
	"unicode/utf8"
)

// Harmless keeps a spreadsheet from taking text for a formula: data of a
// customer's supplier must not run on the customer's desk. The wide forms of the
// signs are formulas in East Asian spreadsheets.
func Harmless(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + text
	}
	return text
}
