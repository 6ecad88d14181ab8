package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// Token is 256 random bits that prove something by being known. It is shown once
// and never stored; it prints as a placeholder.
type Token struct{ secret string }

// NewToken makes a fresh one.
func NewToken() Token {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails since Go 1.24
	return Token{secret: base64.RawURLEncoding.EncodeToString(b[:])}
}

// ReadToken takes what a browser sent. Ok is false for what cannot be a token.
func ReadToken(s string) (Token, bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return Token{secret: s}, err == nil && len(b) == 32
}

// Reveal is the token itself, for the cookie or the link that carries it.
func (t Token) Reveal() string { return t.secret }

// Key names what the token proves in a store, and does not lead back to it.
func (t Token) Key() string {
	sum := sha256.Sum256([]byte(t.secret))
	return hex.EncodeToString(sum[:])
}

// String hides the token.
func (Token) String() string { return "[token]" }

// GoString hides the token.
func (Token) GoString() string { return "[token]" }

// MarshalText hides the token.
func (Token) MarshalText() ([]byte, error) { return []byte("[token]"), nil }
