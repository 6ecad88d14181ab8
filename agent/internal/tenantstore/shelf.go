package tenantstore

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Shelf holds the stores of all tenants of this agent: those in use, and the most
// recently used others up to a limit. All methods may be called from many
// goroutines.
type Shelf struct {
	factory Factory
	limit   int

	mu      sync.Mutex
	closed  bool
	handles map[id.Tenant]*handle
	idle    *list.List // of *handle, most recently used first
}

// handle is one tenant's place on the shelf. While busy, one goroutine opens,
// closes, creates or removes it and all others wait.
type handle struct {
	tenant id.Tenant
	store  *Store         // nil unless open
	docs   docstore.Store // under store
	users  int
	place  *list.Element // in idle, or nil
	busy   bool
	// changed is closed, and replaced, whenever one of the above changes.
	changed chan struct{}
}

// NewShelf opens tenants through f and keeps up to limit of them open; those in
// use may be more.
func NewShelf(f Factory, limit int) *Shelf {
	return &Shelf{factory: f, limit: max(limit, 1), handles: map[id.Tenant]*handle{}, idle: list.New()}
}

// Create makes the tenant exist; it does nothing when it does. Only provisioning
// calls it.
func (s *Shelf) Create(ctx context.Context, tenant id.Tenant) error {
	h, err := s.claim(ctx, tenant, func(*handle) bool { return true })
	if err != nil {
		return err
	}
	defer s.settle(h, nil)
	return s.factory.Create(ctx, tenant)
}

// Open returns the tenant's store and a function that gives it back; call it once
// the store is no longer used. It fails with ErrNoTenant for an unknown tenant.
func (s *Shelf) Open(ctx context.Context, tenant id.Tenant) (*Store, func(), error) {
	h, err := s.claim(ctx, tenant, func(*handle) bool { return true })
	if err != nil {
		return nil, nil, err
	}
	if h.store == nil {
		if err := s.load(ctx, h); err != nil {
			s.settle(h, nil)
			return nil, nil, err
		}
	}
	s.settle(h, func() {
		h.users++
		s.unlist(h)
	})
	var once sync.Once
	return h.store, func() { once.Do(func() { s.giveBack(h) }) }, nil
}

// Remove deletes the tenant with all its data; it does nothing when there is no
// such tenant. It waits until nobody uses the store, and fails with ErrBusy when
// ctx ends before.
func (s *Shelf) Remove(ctx context.Context, tenant id.Tenant) error {
	h, err := s.claim(ctx, tenant, func(h *handle) bool { return h.users == 0 })
	if err != nil {
		return err
	}
	defer s.settle(h, nil)
	if err := s.unload(h); err != nil {
		return fmt.Errorf("close tenant to remove it: %w", err)
	}
	return s.factory.Remove(ctx, tenant)
}

// Tenants are those that exist, in order.
func (s *Shelf) Tenants(ctx context.Context) ([]id.Tenant, error) { return s.factory.Tenants(ctx) }

// Close refuses new users, waits until all stores were given back, finishes their
// commands and closes them and the factory.
func (s *Shelf) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	var errs []error
	for len(s.handles) > 0 {
		var h *handle
		for _, h = range s.handles {
			break
		}
		if h.busy || h.users > 0 {
			changed := h.changed
			s.mu.Unlock()
			<-changed
			s.mu.Lock()
			continue
		}
		h.busy = true
		s.mu.Unlock()
		errs = append(errs, s.unload(h))
		s.settle(h, nil)
		s.mu.Lock()
	}
	s.mu.Unlock()
	return errors.Join(append(errs, s.factory.Close())...)
}

// claim makes the caller the one who changes the tenant's handle, as soon as it
// is free and ready. settle must follow.
func (s *Shelf) claim(ctx context.Context, tenant id.Tenant, ready func(*handle) bool) (*handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.closed {
			return nil, ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, ErrBusy.Because(err)
		}
		h := s.handles[tenant]
		if h == nil {
			h = &handle{tenant: tenant, changed: make(chan struct{})}
			s.handles[tenant] = h
		}
		if !h.busy && ready(h) {
			h.busy = true
			return h, nil
		}
		changed := h.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		s.mu.Lock()
	}
}

// settle ends a claim: it applies change, forgets the handle when nothing is open
// in it, and closes what the shelf holds too much of.
func (s *Shelf) settle(h *handle, change func()) {
	s.mu.Lock()
	if change != nil {
		change()
	}
	h.busy = false
	s.wake(h)
	evicted := s.surplus()
	s.mu.Unlock()
	s.evict(evicted)
}

func (s *Shelf) giveBack(h *handle) {
	s.mu.Lock()
	h.users--
	if h.users == 0 {
		h.place = s.idle.PushFront(h)
	}
	s.wake(h)
	evicted := s.surplus()
	s.mu.Unlock()
	s.evict(evicted)
}

// wake tells those who wait for h that it changed, and forgets an empty one.
func (s *Shelf) wake(h *handle) {
	close(h.changed)
	h.changed = make(chan struct{})
	if !h.busy && h.store == nil && s.handles[h.tenant] == h {
		delete(s.handles, h.tenant)
	}
}

// surplus claims the least recently used idle stores beyond the limit.
func (s *Shelf) surplus() []*handle {
	var out []*handle
	for e := s.idle.Back(); e != nil && len(s.handles)-len(out) > s.limit; {
		h := e.Value.(*handle)
		e = e.Prev()
		if h.busy {
			continue
		}
		h.busy = true
		out = append(out, h)
	}
	return out
}

// evict closes claimed stores. A store that cannot be closed cleanly has lost
// nothing: what was acknowledged is durable, and the next Open replays.
func (s *Shelf) evict(handles []*handle) {
	for _, h := range handles {
		_ = s.unload(h)
		s.settle(h, nil)
	}
}

// load opens the claimed handle's store.
func (s *Shelf) load(ctx context.Context, h *handle) error {
	docs, err := s.factory.Open(ctx, h.tenant)
	if err != nil {
		return err
	}
	store, err := Open(ctx, docs, s.factory.Collections())
	if err != nil {
		return errors.Join(err, docs.Close())
	}
	h.docs, h.store = docs, store
	return nil
}

// unload closes the claimed handle's store, if it is open.
func (s *Shelf) unload(h *handle) error {
	if h.store == nil {
		return nil
	}
	err := errors.Join(h.store.Close(), h.docs.Close())
	s.mu.Lock()
	h.store, h.docs = nil, nil
	s.unlist(h)
	s.mu.Unlock()
	return err
}

func (s *Shelf) unlist(h *handle) {
	if h.place != nil {
		s.idle.Remove(h.place)
		h.place = nil
	}
}
