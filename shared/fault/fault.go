// Package fault gives every error that leaves a capability a kind, a code and a
// sentence a customer may read.
//
// It owns the kinds of failure and what follows from them: the HTTP status, and
// whether a message is worth delivering again. It does not own the faults
// themselves; each slice declares its own as package variables.
//
// Two faults with one code are equal under errors.Is, so callers compare with
// the declared variable and never with text.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Kind says what the caller can do about a failure.
type Kind string

// The kinds. Adding one means adding its row to statuses.
const (
	Invalid         Kind = "invalid"         // the request is wrong; change it
	Unauthenticated Kind = "unauthenticated" // sign in first
	Forbidden       Kind = "forbidden"       // not with this role or plan
	NotFound        Kind = "not_found"       // there is no such thing for this caller
	Conflict        Kind = "conflict"        // someone was faster; read again
	Exhausted       Kind = "exhausted"       // a limit of the plan is used up
	TooLarge        Kind = "too_large"       // send less
	RateLimited     Kind = "rate_limited"    // slow down
	Unavailable     Kind = "unavailable"     // try again later
	Internal        Kind = "internal"        // our mistake
)

var statuses = map[Kind]int{
	Invalid:         http.StatusUnprocessableEntity,
	Unauthenticated: http.StatusUnauthorized,
	Forbidden:       http.StatusForbidden,
	NotFound:        http.StatusNotFound,
	Conflict:        http.StatusConflict,
	Exhausted:       http.StatusPaymentRequired,
	TooLarge:        http.StatusRequestEntityTooLarge,
	RateLimited:     http.StatusTooManyRequests,
	Unavailable:     http.StatusServiceUnavailable,
	Internal:        http.StatusInternalServerError,
}

// Status is the HTTP status of k; an unknown kind is an internal failure.
func (k Kind) Status() int {
	if s, ok := statuses[k]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Retryable says whether the same request may succeed later, unchanged. Message
// consumers deliver again what is retryable and give up on the rest.
func (k Kind) Retryable() bool {
	return k == Unavailable || k == Internal || k == RateLimited
}

// Detail points at one wrong part of a request.
type Detail struct {
	Location string `json:"location"`         // e.g. "body.email" or "demand.csv line 17, column quantity"
	Message  string `json:"message"`          // what is wrong and what would be right
	Line     int    `json:"line,omitempty"`   // 1-based line of an uploaded file
	Column   string `json:"column,omitempty"` // column name of an uploaded file
}

// Error is a failure with a meaning. The zero value is not useful; use New.
type Error struct {
	Kind    Kind
	Code    string        // stable, dotted: "billing.card_declined"
	Message string        // one sentence, safe to show to a customer
	Details []Detail      // where it is wrong, when the request has parts
	Present any           // what there is instead of what the caller thought
	cause   error         // for the log only
	wait    time.Duration // before the next attempt; 0 when nothing is known of it
}

// New declares a fault. Code is "<slice>.<what>".
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Error implements error. It includes the cause and so belongs in logs only.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.cause)
	}
	return e.Code + ": " + e.Message
}

// Unwrap gives the hidden cause.
func (e *Error) Unwrap() error { return e.cause }

// Is makes two faults with one code equal.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// Because is a copy of e with a cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// With is a copy of e that points at the wrong parts of the request.
func (e *Error) With(details ...Detail) *Error {
	c := *e
	c.Details = append(append([]Detail(nil), e.Details...), details...)
	return &c
}

// Saying is a copy of e with another sentence, for facts known only at run time.
func (e *Error) Saying(format string, args ...any) *Error {
	c := *e
	c.Message = fmt.Sprintf(format, args...)
	return &c
}

// Presenting is a copy of e that shows what there is instead of what the caller
// thought, to be looked at and confirmed. Present must marshal to JSON and be fit to
// show.
func (e *Error) Presenting(present any) *Error {
	c := *e
	c.Present = present
	return &c
}

// After is a copy of e that asks to be tried again after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.wait = d
	return &c
}

// RetryAfter is how long err asks to wait before the next attempt; 0 when it
// does not say.
func RetryAfter(err error) time.Duration {
	var f *Error
	if errors.As(err, &f) {
		return f.wait
	}
	return 0
}

// KindOf is the kind of err: Internal for errors that carry none, "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var f *Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return Internal
}

// Problem is the JSON body of every error response (RFC 9457, with our code,
// kind and retry hint as extension members).
type Problem struct {
	Type      string   `json:"type"`
	Title     string   `json:"title"`
	Status    int      `json:"status"`
	Detail    string   `json:"detail"`
	Code      string   `json:"code"`
	Kind      Kind     `json:"kind"`
	Retryable bool     `json:"retryable"`
	Errors    []Detail `json:"errors,omitempty"`
	Present   any      `json:"present,omitempty" doc:"with some conflicts, what there is now"`
}

// ProblemOf is what a customer may see of err: a fault's own words, and for
// every other error only that something went wrong on our side.
func ProblemOf(err error) Problem {
	f := New(Internal, "internal", "Something went wrong on our side. Try again; if it stays, tell support.")
	_ = errors.As(err, &f)
	return Problem{
		Type:      "about:blank",
		Title:     http.StatusText(f.Kind.Status()),
		Status:    f.Kind.Status(),
		Detail:    f.Message,
		Code:      f.Code,
		Kind:      f.Kind,
		Retryable: f.Kind.Retryable(),
		Errors:    f.Details,
		Present:   f.Present,
	}
}
