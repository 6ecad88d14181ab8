// Package doorway counts the calls inside a store and the watchers at its door.
//
// It owns two things that both adapters need alike: refusing calls after Close
// while waiting for those inside, and the hint channels of Watch. It knows
// nothing of documents.
package doorway

import (
	"context"
	"sync"

	"github.com/dyocense/dyocense/shared/docstore"
)

// Door lets calls in until it is closed. The zero value is open.
type Door struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// Enter admits one call, or fails with docstore.ErrClosed. Leave must follow.
func (d *Door) Enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return docstore.ErrClosed
	}
	d.inside.Add(1)
	return nil
}

// Leave ends a call that Enter admitted.
func (d *Door) Leave() { d.inside.Done() }

// Close admits nobody any more and waits until all have left. It says whether
// this call was the one that closed the door.
func (d *Door) Close() bool {
	d.mu.Lock()
	first := !d.closed
	d.closed = true
	d.mu.Unlock()
	d.inside.Wait()
	return first
}

// Hints are the watchers of a store. The zero value has none.
type Hints struct {
	mu       sync.Mutex
	closed   bool
	watchers map[string]map[chan struct{}]struct{}
}

// Watch returns a channel that receives after Tell(collection), at most one
// value waiting; it is closed when ctx ends or Close is called.
func (h *Hints) Watch(ctx context.Context, collection string) <-chan struct{} {
	ch := make(chan struct{}, 1) // one waiting hint says all there is to say
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(ch)
		return ch
	}
	if h.watchers == nil {
		h.watchers = map[string]map[chan struct{}]struct{}{}
	}
	if h.watchers[collection] == nil {
		h.watchers[collection] = map[chan struct{}]struct{}{}
	}
	h.watchers[collection][ch] = struct{}{}
	context.AfterFunc(ctx, func() { h.forget(collection, ch) })
	return ch
}

// Tell wakes the watchers of collection.
func (h *Hints) Tell(collection string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.watchers[collection] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Close ends every watch.
func (h *Hints) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, chans := range h.watchers {
		for ch := range chans {
			close(ch)
		}
	}
	h.watchers = nil
}

func (h *Hints) forget(collection string, ch chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.watchers[collection][ch]; ok {
		delete(h.watchers[collection], ch)
		close(ch)
	}
}
