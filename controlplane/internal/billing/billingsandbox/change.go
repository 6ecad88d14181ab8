package billingsandbox

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/shared/docstore"
)

// change collects what one call does to the objects, and the events that tell of
// it, into one write. Its steps may be repeated: an object that is there already
// stays as it is. Whoever holds one holds writing.
type change struct {
	b       *Sandbox
	request *eventRequest // nil for what no request caused
	seed    string        // names the events; "" for random names
	ops     []docstore.Op
	err     error // the first
}

func (b *Sandbox) change(c call) *change {
	return &change{b: b, request: &eventRequest{ID: optional(c.request), IdempotencyKey: optional(c.key)}, seed: c.seed()}
}

func (ch *change) put(collection, id string, rev int64, body any) {
	raw, err := json.Marshal(body)
	if err != nil && ch.err == nil {
		ch.err = fmt.Errorf("encode %s: %w", id, err)
	}
	ch.ops = append(ch.ops, docstore.Op{Kind: docstore.OpPut, Collection: collection, Doc: docstore.Document{ID: id, Rev: rev, Body: raw}})
}

func (ch *change) encode(object any) json.RawMessage {
	raw, err := json.Marshal(object)
	if err != nil && ch.err == nil {
		ch.err = fmt.Errorf("encode object: %w", err)
	}
	return raw
}

// add makes a new object; r holds what it is found by.
func (ch *change) add(id string, object any, r record) {
	b := ch.b
	b.order = max(b.order+1, b.now().UnixNano())
	r.Order, r.Object = b.order, ch.encode(object)
	ch.put(objectsCollection, id, 1, r)
}

// replace gives the object of row a new content.
func (ch *change) replace(row docstore.Row[record], object any) {
	row.Value.Object = ch.encode(object)
	ch.put(objectsCollection, row.ID, row.Rev+1, row.Value)
}

// announce adds an event about the object with this id, and its delivery.
func (ch *change) announce(kindOfEvent, id string, object any) {
	seed := seedOf(ch.seed, kindOfEvent+" "+id)
	now := ch.b.now()
	e := event{
		ID: name(kindEvent, seed), Object: kindEvent, APIVersion: stripe.APIVersion, Created: now.Unix(),
		PendingWebhooks: 1, Type: kindOfEvent, Request: ch.request, Data: eventData{Object: ch.encode(object)},
	}
	ch.add(e.ID, e, record{Kind: kindEvent})
	ch.put(deliveriesCollection, e.ID, 1, delivery{State: waiting, Next: now.UnixMilli()})
}

// commit writes it all.
func (ch *change) commit(ctx context.Context) error {
	if ch.err != nil {
		return ch.err
	}
	if err := ch.b.store.Batch(ctx, ch.ops...); err != nil {
		return fmt.Errorf("keep change: %w", err)
	}
	return nil
}
