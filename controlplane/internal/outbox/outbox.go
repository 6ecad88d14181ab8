// Package outbox makes a change and its announcement one write, and carries the
// announcements to core.
//
// It owns the Box that an aggregate embeds, and the Relay that publishes what is
// in boxes and then empties them. It does not own the aggregates, nor what
// anybody does on an event.
//
// Invariants: an event that is in a box is published at least once, with its id
// as Nats-Msg-Id, before it leaves the box; events of one document are published
// in the order they were announced; a box is emptied only at the revision at
// which it was read, so nothing that was added meanwhile is lost.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Box is embedded in an aggregate's document.
type Box struct {
	// Outbox holds what is announced but not yet published, oldest first.
	Outbox []contract.Event `json:"outbox,omitempty"`
	// OutboxSince is when the oldest was announced, absent when the box is empty;
	// Index finds the documents by it.
	OutboxSince string `json:"outboxSince,omitempty"`
}

// Announce puts an event into the box. It is published after the document that
// holds the box is written. data must marshal to JSON; nil means none.
func (b *Box) Announce(kind string, tenant id.Tenant, data any) error {
	return b.announce(nil, kind, tenant, data)
}

// AnnounceBy is Announce with who did it, from the context of the request.
func (b *Box) AnnounceBy(ctx context.Context, kind string, tenant id.Tenant, data any) error {
	return b.announce(contract.ActorFrom(ctx), kind, tenant, data)
}

func (b *Box) announce(by *contract.Actor, kind string, tenant id.Tenant, data any) error {
	e := contract.Event{V: contract.Version, ID: id.NewEvent(), Type: kind, Tenant: tenant, At: time.Now().UTC(), By: by}
	if data != nil {
		raw, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("encode event %s: %w", kind, err)
		}
		e.Data = raw
	}
	b.Outbox = append(b.Outbox, e)
	if b.OutboxSince == "" {
		b.OutboxSince = e.At.Format(timeFormat)
	}
	return nil
}

// Index must be declared by every collection whose documents embed a Box.
func Index() docstore.Index {
	return docstore.Index{Name: indexName, Fields: []string{"outboxSince"}}
}

const (
	indexName  = "outbox"
	timeFormat = "2006-01-02T15:04:05.000000000Z" // fixed width, so that it sorts as text
)
