package billingsandbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
)

// Chaos is how webhooks misbehave, as Stripe's may. The zero Chaos is none.
type Chaos struct {
	Duplicate    int           `json:"duplicate,omitempty"` // per cent that are sent twice
	Drop         int           `json:"drop,omitempty"`      // per cent that never arrive
	Reorder      bool          `json:"reorder,omitempty"`
	Delay        time.Duration `json:"delay,omitempty"`        // before the first attempt
	Burst        int           `json:"burst,omitempty"`        // nothing is sent until so many wait
	FailFirst    int           `json:"failFirst,omitempty"`    // attempts that end in 500 before the first that arrives
	BeforeAnswer bool          `json:"beforeAnswer,omitempty"` // webhooks arrive before the call that caused them is answered
	Version      string        `json:"version,omitempty"`      // told instead of the API version
}

// ErrChaos refuses a Chaos out of its bounds.
var ErrChaos = errors.New("per cent are from 0 to 100, the delay at most an hour, a burst at most 1000, failures at most 10, a version at most 40 characters")

// SetChaos changes how webhooks travel from now on, across restarts.
func (b *Sandbox) SetChaos(ctx context.Context, c Chaos) error {
	if c.Duplicate < 0 || c.Duplicate > 100 || c.Drop < 0 || c.Drop > 100 || c.Delay < 0 || c.Delay > time.Hour ||
		c.Burst < 0 || c.Burst > 1000 || c.FailFirst < 0 || c.FailFirst > 10 || len(c.Version) > 40 {
		return ErrChaos
	}
	return b.choose(ctx, func(s *settings) { s.Chaos = c })
}

// lot says whether an event is among so many per cent. It says the same each time,
// so that what is tried again fares alike.
func lot(id, of string, percent int) bool {
	sum := sha256.Sum256([]byte(of + " " + id))
	return int(binary.BigEndian.Uint32(sum[:4])%100) < percent
}
