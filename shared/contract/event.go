package contract

import (
	"encoding/json"
	"time"

	"github.com/dyocense/dyocense/shared/id"
)

// Event is something that happened in the control plane, announced once through
// the outbox of the document that changed.
type Event struct {
	V      int             `json:"v"`
	ID     id.Event        `json:"id"`   // also Nats-Msg-Id; consumers use it to do nothing twice
	Type   string          `json:"type"` // "<slice>.<past tense>", e.g. "billing.subscription_activated"
	Tenant id.Tenant       `json:"tenant"`
	At     time.Time       `json:"at"`
	By     *Actor          `json:"by,omitempty"` // nil when the product did it by itself
	Data   json.RawMessage `json:"data,omitempty"`
}

// Subject is where the event is published on core.
func (e Event) Subject() string { return "evt." + e.Type + "." + string(e.Tenant) }

// MoveChanged is the data of the events "migration.<state>": a tenant's move has
// come to that state.
type MoveChanged struct {
	Move id.Move        `json:"move"`
	From id.Environment `json:"from"`
	To   id.Environment `json:"to,omitempty"` // once it is chosen
	Plan string         `json:"plan"`         // that is moved to
}
