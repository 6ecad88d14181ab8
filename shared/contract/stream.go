package contract

import "time"

// Stream is a JetStream stream of core, as data. It decides nothing: its
// messages come from outboxes and can be published again.
type Stream struct {
	Name       string
	Subjects   []string
	MaxAge     time.Duration // older messages go
	MaxBytes   int64         // the oldest messages go beyond it
	MaxMessage int32         // bytes of one message
	Duplicates time.Duration // window in which one Nats-Msg-Id is stored once
}

// Events is the stream of everything that happened. The window for duplicates
// spares work; consumers remember ids themselves, which is what makes effects
// happen once.
func Events() Stream {
	return Stream{
		Name:       "EVENTS",
		Subjects:   []string{"evt.>"},
		MaxAge:     30 * 24 * time.Hour,
		MaxBytes:   512 << 20,
		MaxMessage: MaxPayload,
		Duplicates: 2 * time.Minute,
	}
}

// Streams are all streams of core.
func Streams() []Stream { return []Stream{Events()} }
