// Package tenancytest gives tests of the slices that deal with people and tenants
// a real store, one that dies on purpose, and a clock.
//
// It owns nothing that runs in production.
package tenancytest

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
)

// Open is a SQLite store in a directory of the test, with the collections.
func Open(tb testing.TB, collections ...[]docstore.Collection) docstore.Store {
	tb.Helper()
	s, err := sqlitestore.Open(filepath.Join(tb.TempDir(), "test.db"), sqlitestore.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close store: %v", err)
		}
	})
	for _, c := range collections {
		if err := s.Ensure(context.Background(), c...); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// ErrDead is the failure of everything that is asked of a dead store.
var ErrDead = errors.New("the process died here")

// Mortal is a store that dies at a chosen write, like a process that is killed:
// that write and every call after it fail and have no effect.
type Mortal struct {
	docstore.Store
	mu     sync.Mutex
	writes int // that still succeed; negative is for ever
	done   int
	dead   bool
}

// DyingAfter lets so many writes succeed; a negative number lets all.
func DyingAfter(s docstore.Store, writes int) *Mortal { return &Mortal{Store: s, writes: writes} }

// Died says whether it came to that.
func (m *Mortal) Died() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

// Writes is how many writes succeeded.
func (m *Mortal) Writes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done
}

func (m *Mortal) alive(write bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead || write && m.writes >= 0 && m.done >= m.writes {
		m.dead = true
		return ErrDead
	}
	if write {
		m.done++
	}
	return nil
}

// Insert implements docstore.Store.
func (m *Mortal) Insert(ctx context.Context, collection string, d docstore.Document) error {
	if err := m.alive(true); err != nil {
		return err
	}
	return m.Store.Insert(ctx, collection, d)
}

// Replace implements docstore.Store.
func (m *Mortal) Replace(ctx context.Context, collection string, d docstore.Document) (int64, error) {
	if err := m.alive(true); err != nil {
		return 0, err
	}
	return m.Store.Replace(ctx, collection, d)
}

// Delete implements docstore.Store.
func (m *Mortal) Delete(ctx context.Context, collection, id string, rev int64) error {
	if err := m.alive(true); err != nil {
		return err
	}
	return m.Store.Delete(ctx, collection, id, rev)
}

// Batch implements docstore.Store.
func (m *Mortal) Batch(ctx context.Context, ops ...docstore.Op) error {
	if err := m.alive(true); err != nil {
		return err
	}
	return m.Store.Batch(ctx, ops...)
}

// Get implements docstore.Store.
func (m *Mortal) Get(ctx context.Context, collection, id string) (docstore.Document, error) {
	if err := m.alive(false); err != nil {
		return docstore.Document{}, err
	}
	return m.Store.Get(ctx, collection, id)
}

// Find implements docstore.Store.
func (m *Mortal) Find(ctx context.Context, collection string, q docstore.Query) (docstore.Page, error) {
	if err := m.alive(false); err != nil {
		return docstore.Page{}, err
	}
	return m.Store.Find(ctx, collection, q)
}

// Clock is a clock that moves only when told. It may be used from many goroutines.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at the present, to the second.
func NewClock() *Clock { return &Clock{now: time.Now().UTC().Truncate(time.Second)} }

// Now is the time it shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move turns it.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
