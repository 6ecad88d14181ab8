package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
)

// pollEvery finds what another replica, or a crash, left in a box without waking
// this relay.
const pollEvery = time.Second

// Relay carries events from boxes to core. Several relays may run on one store:
// they publish the same event twice at worst, and core drops the second by id.
type Relay struct {
	store       docstore.Store
	collections []string
	publish     func(context.Context, contract.Event) error
	log         *slog.Logger
}

// NewRelay relays the boxes in the named collections, each of which declares
// Index.
func NewRelay(store docstore.Store, publish func(context.Context, contract.Event) error, log *slog.Logger, collections ...string) *Relay {
	return &Relay{store: store, collections: collections, publish: publish, log: log}
}

// Run relays until ctx ends. An event that cannot be published stays in its box
// and is tried again.
func (r *Relay) Run(ctx context.Context) error {
	wake := make(chan struct{}, 1)
	for _, c := range r.collections {
		hints := r.store.Watch(ctx, c)
		go func() { // ends with ctx, when Watch closes its channel or sends no more
			for {
				select {
				case <-ctx.Done():
					return
				case _, open := <-hints:
					if !open {
						return
					}
					select {
					case wake <- struct{}{}:
					default:
					}
				}
			}
		}()
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		for _, c := range r.collections {
			if err := r.Sweep(ctx, c); err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "outbox waits", "collection", c, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-tick.C:
		}
	}
}

// Sweep publishes all that is in the boxes of one collection now.
func (r *Relay) Sweep(ctx context.Context, collection string) error {
	q := docstore.Query{Index: indexName, Limit: 200}
	for {
		page, err := r.store.Find(ctx, collection, q)
		if err != nil {
			return fmt.Errorf("find boxes of %s: %w", collection, err)
		}
		for _, d := range page.Docs {
			if err := r.empty(ctx, collection, d); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}

// empty publishes what is in d's box and then removes exactly that.
func (r *Relay) empty(ctx context.Context, collection string, d docstore.Document) error {
	var box Box
	if err := json.Unmarshal(d.Body, &box); err != nil {
		return fmt.Errorf("read box of %s %s: %w", collection, d.ID, err)
	}
	for _, e := range box.Outbox {
		if err := r.publish(ctx, e); err != nil {
			return fmt.Errorf("publish %s: %w", e.Type, err)
		}
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(d.Body, &fields); err != nil {
		return fmt.Errorf("read %s %s: %w", collection, d.ID, err)
	}
	delete(fields, "outbox")
	delete(fields, "outboxSince")
	body, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("encode %s %s: %w", collection, d.ID, err)
	}
	_, err = r.store.Replace(ctx, collection, docstore.Document{ID: d.ID, Rev: d.Rev, Body: body})
	if errors.Is(err, docstore.ErrStale) || errors.Is(err, docstore.ErrNotFound) {
		return nil // changed meanwhile: the next sweep sees the new box; a second publish is dropped by id
	}
	return err
}
