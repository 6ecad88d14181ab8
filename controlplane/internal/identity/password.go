package identity

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The length of a password, in characters. There are no rules of composition:
// they make passwords harder to remember and no harder to guess.
const (
	// MinAlone is the least for a password that opens an account by itself.
	MinAlone = 15
	// MinBeside is the least for one that a second factor stands beside.
	MinBeside   = 8
	passwordMax = 128
)

// CheckPassword says whether password has at least so many characters and is none
// that would be guessed, or fails with ErrPassword and the reason. Context are words
// that anybody would try first for this person: the address, the company. Together
// with our name they are the documented list of words of the context.
func CheckPassword(password string, least int, context ...string) error {
	if !utf8.ValidString(password) || len(password) > 4*passwordMax {
		return ErrPassword.Saying("The password must have at most %d characters.", passwordMax)
	}
	p := normalPassword(password)
	switch n := utf8.RuneCountInString(p); {
	case n < least:
		return ErrPassword.Saying("The password must have at least %d characters; a few words are good.", least)
	case n > passwordMax:
		return ErrPassword.Saying("The password must have at most %d characters.", passwordMax)
	}
	p = strings.ToLower(p)
	if isCommon(p) || isRun(p) {
		return ErrPassword.Saying("This password is one of the first that anybody would guess. Choose another.")
	}
	if breachedPasswords().Has(p) {
		return ErrPassword.Saying("This password is known from a leak of another site. Choose another.")
	}
	for _, c := range append(slices.Clone(context), product) {
		if builtOn(p, strings.ToLower(normalPassword(c))) {
			return ErrPassword.Saying("The password must not be made of your address, your company or our name.")
		}
	}
	return nil
}

// product is our name, which is the first thing people put into a password for us.
const product = "dyocense"

// isShort says whether password cannot stand alone.
func isShort(password string) bool {
	return utf8.RuneCountInString(normalPassword(password)) < MinAlone
}

// normalPassword makes one password typed on two keyboards the same bytes.
func normalPassword(p string) string { return norm.NFKC.String(p) }

// builtOn says whether p is word, repeated or with a few digits and signs around.
func builtOn(p, word string) bool {
	if utf8.RuneCountInString(word) < 4 {
		return false
	}
	rest := strings.ReplaceAll(p, word, "")
	if rest == p {
		return false
	}
	rest = strings.TrimFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) })
	return rest == ""
}

// isCommon finds the listed passwords, also repeated or with digits and signs
// around them: "password2024!" is as common as "password".
func isCommon(p string) bool {
	if _, ok := commonPasswords()[p]; ok {
		return true
	}
	core := strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) })
	if core == "" {
		// Digits and signs alone: few distinct ones are a date, a phone or a pattern.
		return distinct(p) <= 6
	}
	if _, ok := commonPasswords()[core]; ok {
		return true
	}
	for size := 1; size <= len(core)/2; size++ {
		if len(core)%size == 0 && strings.Repeat(core[:size], len(core)/size) == core {
			if _, ok := commonPasswords()[core[:size]]; ok || size < 4 {
				return true
			}
		}
	}
	return false
}

// isRun finds one character over and over, and runs along the alphabet, the
// digits or a keyboard row.
func isRun(p string) bool {
	if distinct(p) <= 2 {
		return true
	}
	for _, row := range []string{
		"01234567890123456789", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
		"qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn",
		"1qaz2wsx3edc4rfv5tgb6yhn7ujm", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0",
	} {
		if strings.Contains(row, p) || strings.Contains(backwards(row), p) {
			return true
		}
	}
	return false
}

func distinct(s string) int {
	seen := map[rune]struct{}{}
	for _, r := range s {
		seen[r] = struct{}{}
	}
	return len(seen)
}

func backwards(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}
