package tenantstore

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Shelf holds the stores of all tenants of this agent: those in use, and the most
// recently used others up to a limit. All methods may be called from many
// goroutines.
type Shelf struct {
	factory Factory
	limit   int
	self    atomic.Pointer[id.Environment] // this agent's; nil until it is known

	mu      sync.Mutex
	closed  bool
	handles map[id.Tenant]*handle
	refused map[refusal]bool // moves that may not begin a copy any more
	idle    *list.List       // of *handle, most recently used first
}

// handle is one tenant's place on the shelf. While busy, one goroutine opens,
// closes, creates or removes it and all others wait.
type handle struct {
	tenant id.Tenant
	docs   docstore.Store // nil unless open
	store  *Store         // over docs, of an owner
	copied *Replica       // over docs, of any other
	users  int
	place  *list.Element // in idle, or nil
	busy   bool
	// changed is closed, and replaced, whenever one of the above changes.
	changed chan struct{}
}

// NewShelf opens tenants through f and keeps up to limit of them open; those in
// use may be more.
func NewShelf(f Factory, limit int) *Shelf {
	return &Shelf{factory: f, limit: max(limit, 1), handles: map[id.Tenant]*handle{}, refused: map[refusal]bool{}, idle: list.New()}
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

// Belong says in which environment this agent is: a tenant that was handed over
// is served only by an agent of the environment that it was handed over to.
func (s *Shelf) Belong(env id.Environment) { s.self.Store(&env) }

// Self is what Belong was told, "" before.
func (s *Shelf) Self() id.Environment {
	if env := s.self.Load(); env != nil {
		return *env
	}
	return ""
}

// Open returns the tenant's store and a function that gives it back; call it once
// the store is no longer used. It fails with ErrNoTenant for an unknown tenant,
// with a MovedError when another environment owns it, and with ErrStandby for a
// copy in the making.
func (s *Shelf) Open(ctx context.Context, tenant id.Tenant) (*Store, func(), error) {
	var store *Store
	release, err := s.use(ctx, tenant, func(h *handle) error {
		if h.copied != nil {
			return s.notServed(ctx, h)
		}
		store = h.store
		return nil
	})
	return store, release, err
}

// Follow returns the tenant's documents as those of a copy, like Open. It fails
// with ErrOwner where the tenant is served.
func (s *Shelf) Follow(ctx context.Context, tenant id.Tenant) (*Replica, func(), error) {
	var copied *Replica
	release, err := s.use(ctx, tenant, func(h *handle) error {
		if h.copied == nil {
			return ErrOwner
		}
		copied = h.copied
		return nil
	})
	return copied, release, err
}

// Look returns the tenant's documents as they are stored, whatever they are, like
// Open.
func (s *Shelf) Look(ctx context.Context, tenant id.Tenant) (*Raw, Standing, func(), error) {
	var raw *Raw
	var is Standing
	release, err := s.use(ctx, tenant, func(h *handle) (err error) {
		raw = &Raw{docs: h.docs, collections: s.factory.Collections()}
		is, err = standing(ctx, h.docs, s.Self())
		return err
	})
	return raw, is, release, err
}

// Prepare makes an empty copy of the tenant that begins at mark.Base, and returns
// it like Follow. A copy that the same move made before is kept; one of the move
// replaces, or what a former owner has left, is deleted first. It fails with
// ErrOwner where the tenant is served, and with ErrClaim when something else is
// here than the caller saw, or when the move is refused: a request that was long on
// its way must neither delete a later copy nor bring one back.
func (s *Shelf) Prepare(ctx context.Context, tenant id.Tenant, mark Standby, replaces string) (*Replica, func(), error) {
	h, err := s.claim(ctx, tenant, func(*handle) bool { return true })
	if err != nil {
		return nil, nil, err
	}
	if err := s.prepare(ctx, h, mark, replaces); err != nil {
		s.settle(h, nil)
		return nil, nil, fmt.Errorf("prepare copy: %w", err)
	}
	s.settle(h, nil)
	return s.Follow(ctx, tenant)
}

func (s *Shelf) prepare(ctx context.Context, h *handle, mark Standby, replaces string) error {
	err := s.load(ctx, h)
	if err == nil {
		is, err := standing(ctx, h.docs, s.Self())
		switch {
		case err != nil:
			return err
		case is.Role == RoleOwner && is.Applied.Slot > 0:
			return ErrOwner
		case is.Role == RoleStandby && is.Standby.Move == mark.Move:
			return nil
		case s.refuses(h.tenant, mark.Move), is.Standby == nil && replaces != "", is.Standby != nil && is.Standby.Move != replaces:
			return ErrClaim
		case h.users > 0:
			return ErrBusy
		}
		if err := s.unload(h); err != nil {
			return err
		}
		if err := s.factory.Remove(ctx, h.tenant); err != nil {
			return err
		}
	} else if !errors.Is(err, ErrNoTenant) {
		return err
	} else if replaces != "" || s.refuses(h.tenant, mark.Move) {
		return ErrClaim
	}
	first, err := beginning(mark)
	if err != nil {
		return err
	}
	if err := s.factory.Create(ctx, h.tenant, first...); err != nil {
		return err
	}
	if err := s.open(ctx, h); err != nil {
		return err
	}
	h.copied = s.replica(h.docs)
	return nil
}

// notServed says why a tenant that is here as a copy cannot be used.
func (s *Shelf) notServed(ctx context.Context, h *handle) error {
	is, err := standing(ctx, h.docs, s.Self())
	switch {
	case err != nil:
		return err
	case is.Role == RoleMoved:
		return &MovedError{To: is.Last.To}
	}
	return ErrStandby
}

// use opens the tenant, lets take look at it, and counts a user if take does not
// fail.
func (s *Shelf) use(ctx context.Context, tenant id.Tenant, take func(*handle) error) (func(), error) {
	h, err := s.claim(ctx, tenant, func(*handle) bool { return true })
	if err != nil {
		return nil, err
	}
	err = s.load(ctx, h)
	if err == nil {
		err = take(h)
	}
	if err != nil {
		s.settle(h, func() {
			if h.docs != nil && h.users == 0 && h.place == nil {
				h.place = s.idle.PushFront(h)
			}
		})
		return nil, err
	}
	s.settle(h, func() {
		h.users++
		s.unlist(h)
	})
	var once sync.Once
	return func() { once.Do(func() { s.giveBack(h) }) }, nil
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
	if h.docs != nil || s.open(ctx, h) == nil {
		s.noteRemoved(ctx, h)
	}
	if err := s.unload(h); err != nil {
		return fmt.Errorf("close tenant to remove it: %w", err)
	}
	return s.factory.Remove(ctx, tenant)
}

// Drop deletes the tenant's documents if they are a copy, or what is left of an
// owner that handed the tenant over; it does nothing when there are none. It waits
// like Remove, and fails with ErrOwner where the tenant is owned. With moves it
// deletes only what one of them has left: a wish that comes late must not delete the
// copy of the next move.
func (s *Shelf) Drop(ctx context.Context, tenant id.Tenant, moves ...string) error {
	h, err := s.claim(ctx, tenant, func(h *handle) bool { return h.users == 0 })
	if err != nil {
		return err
	}
	defer s.settle(h, nil)
	switch err := s.load(ctx, h); {
	case errors.Is(err, ErrNoTenant):
		return s.factory.Remove(ctx, tenant) // a removal may have been cut off
	case err != nil:
		return err
	}
	is, err := standing(ctx, h.docs, s.Self())
	if err != nil {
		return err
	}
	if is.Role == RoleOwner && is.Applied.Slot > 0 {
		return ErrOwner
	}
	if is.Later(moves) {
		return nil
	}
	s.noteRemoved(ctx, h)
	if err := s.unload(h); err != nil {
		return fmt.Errorf("close copy to drop it: %w", err)
	}
	return s.factory.Remove(ctx, tenant)
}

// noteRemoved refuses the move whose copy is about to be removed.
func (s *Shelf) noteRemoved(ctx context.Context, h *handle) {
	is, err := standing(ctx, h.docs, s.Self())
	if err != nil || is.Standby == nil {
		return
	}
	s.Refuse(h.tenant, is.Standby.Move)
}

// refusal is a move that may not begin a copy of a tenant any more.
type refusal struct {
	tenant id.Tenant
	move   string
}

// Refuse lets the move begin no copy of the tenant from now on. It is kept in
// memory, a few bytes a move that was given up: a request on its way does not
// outlive the program it is sent to.
func (s *Shelf) Refuse(tenant id.Tenant, move string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[refusal{tenant, move}] = true
}

func (s *Shelf) refuses(tenant id.Tenant, move string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused[refusal{tenant, move}]
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
	if !h.busy && h.docs == nil && s.handles[h.tenant] == h {
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

// load opens the claimed handle as what its documents are now. A store that has
// handed its tenant over stays with those who use it, and refuses them; a copy
// that was promoted is opened as the owner's store.
func (s *Shelf) load(ctx context.Context, h *handle) error {
	if h.docs == nil {
		if err := s.open(ctx, h); err != nil {
			return err
		}
	}
	switch {
	case h.store != nil && h.store.refusal() == nil:
		return nil
	case h.store != nil:
		if err := h.store.Close(); err != nil {
			return fmt.Errorf("close store that was handed over: %w", err)
		}
		h.store = nil
	}
	is, err := standing(ctx, h.docs, s.Self())
	if err == nil && is.Role == RoleOwner {
		h.copied = nil
		h.store, err = Open(ctx, h.docs, s.factory.Collections(), s.Self())
	} else if err == nil && h.copied == nil {
		h.copied = s.replica(h.docs)
	}
	if err != nil && h.users == 0 {
		return errors.Join(err, s.unload(h))
	}
	return err
}

// open opens the claimed handle's documents.
func (s *Shelf) open(ctx context.Context, h *handle) error {
	docs, err := s.factory.Open(ctx, h.tenant)
	if err != nil {
		return err
	}
	if err := docs.Ensure(ctx, withOwn(s.factory.Collections())...); err != nil {
		return errors.Join(fmt.Errorf("declare collections of tenant: %w", err), docs.Close())
	}
	h.docs = docs
	return nil
}

func (s *Shelf) replica(docs docstore.Store) *Replica {
	return &Replica{docs: docs, raw: &Raw{docs: docs, collections: s.factory.Collections()}, self: s.Self()}
}

// unload closes what the claimed handle has open.
func (s *Shelf) unload(h *handle) error {
	if h.docs == nil {
		return nil
	}
	var err error
	if h.store != nil {
		err = h.store.Close()
	}
	err = errors.Join(err, h.docs.Close())
	s.mu.Lock()
	h.store, h.copied, h.docs = nil, nil, nil
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
