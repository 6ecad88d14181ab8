// Package secret holds text that must not be shown.
//
// It owns the one type that configuration uses for passwords, tokens and keys.
// It does not encrypt: it keeps a value out of logs, errors and encodings.
package secret

import "log/slog"

// Text is a secret. Every way of printing or encoding it gives a placeholder;
// only Reveal gives the value.
type Text string

const hidden = "[secret]"

// Reveal is the value itself, for the one call that needs it.
func (t Text) Reveal() string { return string(t) }

// Set says whether there is a value.
func (t Text) Set() bool { return t != "" }

// String implements fmt.Stringer.
func (t Text) String() string { return hidden }

// GoString keeps %#v from showing it.
func (t Text) GoString() string { return hidden }

// MarshalText keeps encodings, slog's JSON among them, from showing it.
func (t Text) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue keeps structured logs from showing it.
func (t Text) LogValue() slog.Value { return slog.StringValue(hidden) }
