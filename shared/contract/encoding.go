package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/dyocense/dyocense/shared/fault"
)

// The faults of reading a message.
var (
	ErrMalformed = fault.New(fault.Invalid, "contract.malformed", "This message cannot be read.")
	ErrTooLarge  = fault.New(fault.TooLarge, "contract.too_large", "This message is larger than 1 MiB; send less at a time.")
	ErrNewer     = fault.New(fault.Invalid, "contract.newer", "This message is of a newer version; wait until this side is upgraded, then send it again.")
)

// Message is any message of this package that crosses NATS, or goes as the body of
// a request, on its own.
type Message interface {
	version() int
}

// long is a message with a limit of its own instead of MaxPayload.
type long interface{ limit() int }

func limitOf(m Message) int {
	if l, ok := m.(long); ok {
		return l.limit()
	}
	return MaxPayload
}

func (m DesiredRequest) version() int   { return m.V }
func (m Desired) version() int          { return m.V }
func (m Report) version() int           { return m.V }
func (m Ack) version() int              { return m.V }
func (m Beat) version() int             { return m.V }
func (m Renew) version() int            { return m.V }
func (m Renewed) version() int          { return m.V }
func (m Changed) version() int          { return m.V }
func (m ChallengeRequest) version() int { return m.V }
func (m Challenge) version() int        { return m.V }
func (m EnrolRequest) version() int     { return m.V }
func (m Enrolled) version() int         { return m.V }
func (e Event) version() int            { return e.V }
func (m CarriedRuns) version() int      { return m.V }
func (m CarriedRuns) limit() int        { return MaxCarried }
func (m CarriedAnswers) version() int   { return m.V }

func tooLarge(limit int) error {
	return ErrTooLarge.Saying("This message is larger than %d MiB; send less at a time.", limit>>20)
}

// Encode writes m. It fails with ErrMalformed when m does not carry Version, and
// with ErrTooLarge when it would not fit into one message.
func Encode(m Message) ([]byte, error) {
	if m.version() != Version {
		return nil, ErrMalformed.Saying("A %T of version %d cannot be sent; this program speaks version %d.", m, m.version(), Version)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", m, err)
	}
	if limit := limitOf(m); len(b) > limit {
		return nil, tooLarge(limit)
	}
	return b, nil
}

// Decode reads one message, of at most MaxPayload bytes for nearly all of them. A
// field it does not know is an error, because every change of a shape has a
// version of its own.
func Decode[T Message](b []byte) (T, error) {
	var m, none T
	if limit := limitOf(m); len(b) > limit {
		return none, tooLarge(limit)
	}
	var head struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return none, ErrMalformed.Because(err)
	}
	switch {
	case head.V < 1:
		return none, ErrMalformed.Saying("This message does not say its version.")
	case head.V > Version:
		return none, ErrNewer.Because(fmt.Errorf("%T of version %d, this side speaks %d", m, head.V, Version))
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return none, ErrMalformed.Because(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return none, ErrMalformed.Because(errors.New("more than one value"))
	}
	return m, nil
}

// FaultHeader marks an answer that is a fault.Problem instead of a message. Its
// value is the kind.
const FaultHeader = "Dyocense-Fault"

// EncodeFault writes what the other side may know of err.
func EncodeFault(err error) (kind fault.Kind, body []byte) {
	p := fault.ProblemOf(err)
	body, encodeErr := json.Marshal(p)
	if encodeErr != nil { // plain strings only: cannot happen
		body = nil
	}
	return p.Kind, body
}

// maxFault bounds the bytes of a fault that another side sends.
const maxFault = 64 << 10

// DecodeFault reads a fault that EncodeFault wrote. Whatever it is given, the
// result is a fault: bytes that are none become an internal one.
func DecodeFault(body []byte) *fault.Error {
	var p fault.Problem
	if len(body) > maxFault || json.Unmarshal(body, &p) != nil || p.Code == "" {
		return fault.New(fault.Internal, "contract.unreadable_fault", "The other side failed and did not say how.")
	}
	if p.Kind.Status() == fault.Internal.Status() {
		p.Kind = fault.Internal
	}
	return fault.New(p.Kind, p.Code, p.Detail).With(p.Errors...)
}
