package notify

import (
	"crypto/sha256"
	"encoding/base32"
	"time"

	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/state"
)

// State is where a mail is on its way.
type State string

// The states of a mail.
const (
	Queued State = "queued" // waits for the mail server
	Sent   State = "sent"   // the mail server took it
	Dead   State = "dead"   // given up; Reason says why
	Shown  State = "shown"  // in the built-in outbox, which is as far as it goes
)

// Event is what happens to a mail.
type Event string

// The events of a mail.
const (
	Accepted Event = "accepted" // by the mail server
	Deferred Event = "deferred" // not now; tried again later
	GivenUp  Event = "given up"
	Kept     Event = "kept" // in the built-in outbox
)

// Lifecycle of a mail.
var Lifecycle = state.New(Queued, state.Table[State, Event]{
	Queued: {Accepted: Sent, Deferred: Queued, GivenUp: Dead, Kept: Shown},
	Sent:   {},
	Dead:   {},
	Shown:  {},
})

// Mail is a letter in words.
type Mail struct {
	ID       id.Mail   `json:"id"`
	To       string    `json:"to"`
	Subject  string    `json:"subject"`
	Text     string    `json:"text,omitempty"` // gone when delivered
	HTML     string    `json:"html,omitempty"` // gone when delivered
	At       time.Time `json:"at"`
	State    State     `json:"state"`
	Attempts int       `json:"attempts"`
	Next     int64     `json:"next"`   // Unix milliseconds of the next attempt while queued
	Posted   int64     `json:"posted"` // Unix milliseconds, for the order
	Reason   string    `json:"reason,omitempty"`
}

const (
	// attemptsMax with the pauses of retryAfter spans about two days.
	attemptsMax = 14
	retryFirst  = 10 * time.Second
	retryMax    = 6 * time.Hour
	// lease keeps other replicas off a mail while one tries to send it.
	lease = 2 * time.Minute
)

// retryAfter is the pause after the n-th attempt, n >= 1.
func retryAfter(n int) time.Duration {
	pause := retryFirst
	for range n - 1 {
		pause *= 3
		if pause >= retryMax {
			return retryMax
		}
	}
	return pause
}

// move takes the mail along its lifecycle.
func (m *Mail) move(e Event) error {
	next, err := Lifecycle.Next(m.State, e)
	m.State = next
	return err
}

// claim counts an attempt and keeps others off until the lease is over.
func (m *Mail) claim(now time.Time) {
	m.Attempts++
	m.Next = now.Add(lease).UnixMilli()
}

// settle notes how an attempt came out.
func (m *Mail) settle(now time.Time, failure error, final bool) error {
	switch {
	case failure == nil:
		m.Text, m.HTML, m.Reason = "", "", ""
		return m.move(Accepted)
	case final || m.Attempts >= attemptsMax:
		m.Text, m.HTML, m.Reason = "", "", failure.Error()
		return m.move(GivenUp)
	default:
		m.Reason = failure.Error()
		m.Next = now.Add(retryAfter(m.Attempts)).UnixMilli()
		return m.move(Deferred)
	}
}

// mailID names the one mail that is posted for a key.
func mailID(key string) id.Mail {
	sum := sha256.Sum256([]byte(key))
	return id.Mail("mail_" + base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}
