package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Address is a normalised e-mail address: Unicode form NFKC, lower case. Dots and
// plus signs stay, because they may be different mailboxes.
type Address string

// The lengths that SMTP allows, in bytes.
const (
	addressMax = 254
	localMax   = 64
	labelMax   = 63
)

// ParseAddress reads what a person typed, or fails with ErrAddress.
func ParseAddress(typed string) (Address, error) {
	if len(typed) > 4*addressMax {
		return "", ErrAddress
	}
	s := strings.TrimSpace(typed)
	// Lower-casing may leave a string that is not in normal form, and the other
	// way round; the second pass reaches the fixed point.
	for range 2 {
		s = norm.NFKC.String(strings.ToLower(norm.NFKC.String(s)))
	}
	local, domain, ok := cutLast(s, '@')
	if !ok || len(s) > addressMax || !validLocal(local) || !validDomain(domain) {
		return "", ErrAddress
	}
	return Address(s), nil
}

// Key names the address in a store without spelling it.
func (a Address) Key() string {
	sum := sha256.Sum256([]byte(a))
	return hex.EncodeToString(sum[:])
}

// Local is the part before the @.
func (a Address) Local() string {
	local, _, _ := cutLast(string(a), '@')
	return local
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// validLocal takes the unquoted form only: quoted local parts are legal, but
// nobody has one and every one of them is a chance to smuggle a header.
func validLocal(s string) bool {
	if s == "" || len(s) > localMax || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return false
	}
	for _, r := range s {
		if !isLetterOrDigit(r) && !strings.ContainsRune(".!#$%&'*+/=?^_`{|}~-", r) {
			return false
		}
	}
	return true
}

func validDomain(s string) bool {
	labels := strings.Split(s, ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > labelMax || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, r := range label {
			if !isLetterOrDigit(r) && r != '-' {
				return false
			}
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != "" // an IP address is no domain
}

// isLetterOrDigit includes the marks that letters of some scripts need.
func isLetterOrDigit(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}
