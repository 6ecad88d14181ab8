package storetest

import (
	"context"
	"sync"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

// ErrDead is why nothing works in a program that was killed.
var ErrDead = fault.New(fault.Unavailable, "storetest.dead", "The program was killed.")

// Death is what is stored of the write in which a program is killed.
type Death int

// The deaths.
const (
	BeforeWrite Death = iota // nothing of it
	AfterWrite               // all of it, and nobody hears of it
	MidWrite                 // its first half, as on a server without transactions
)

// Life is one run of a program in the test process that can be killed. What it
// stores through Mortal stays, up to the kill and no further.
type Life struct {
	killed func() // called once, by whoever kills

	writes sync.RWMutex // held for reading by a write, for writing by the kill

	mu   sync.Mutex
	dead bool
	fuse int // writes until death; 0 is none
	how  Death
}

// NewLife begins a life. killed is called once when it is killed, after the last
// write has ended; it may be nil.
func NewLife(killed func()) *Life { return &Life{killed: killed} }

// Kill ends the life: every later write and read fails.
func (l *Life) Kill() {
	l.mu.Lock()
	was := l.dead
	l.dead = true
	l.mu.Unlock()
	if was {
		return
	}
	l.writes.Lock()   // what is being written is written to its end
	l.writes.Unlock() //nolint:staticcheck // the wait is what it is for
	if l.killed != nil {
		l.killed()
	}
}

// KillAfter kills in the nth write from now.
func (l *Life) KillAfter(n int, how Death) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fuse, l.how = n, how
}

// Dead says whether it was killed.
func (l *Life) Dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// Alive is err, or ErrDead in a dead program.
func (l *Life) Alive(err error) error {
	if l.Dead() {
		return ErrDead
	}
	return err
}

// Write does one write, which may be the last. half stores the first half of it;
// nil when there are no halves.
func (l *Life) Write(half, whole func() error) error {
	l.writes.RLock()
	err, last := l.write(half, whole)
	l.writes.RUnlock()
	if last {
		l.Kill()
	}
	return err
}

func (l *Life) write(half, whole func() error) (_ error, last bool) {
	l.mu.Lock()
	if l.dead {
		l.mu.Unlock()
		return ErrDead, false
	}
	last = l.fuse == 1
	l.fuse = max(0, l.fuse-1)
	how := l.how
	l.mu.Unlock()
	if !last {
		return l.Alive(whole()), false
	}
	switch {
	case how == AfterWrite:
		_ = whole()
	case how == MidWrite && half != nil:
		_ = half()
	}
	return ErrDead, true
}

// Guard does something that a kill waits for, and that a dead program does not do.
func (l *Life) Guard(do func() error) error {
	l.writes.RLock()
	defer l.writes.RUnlock()
	if l.Dead() {
		return ErrDead
	}
	return do()
}

// Mortal is docs as the program of this life has them open.
func (l *Life) Mortal(docs docstore.Store) docstore.Store { return &mortal{docs, l} }

type mortal struct {
	docstore.Store
	life *Life
}

// Batch implements docstore.Store.
func (m *mortal) Batch(ctx context.Context, ops ...docstore.Op) error {
	var half func() error
	if len(ops) > 1 {
		half = func() error { return m.Store.Batch(ctx, ops[:len(ops)/2]...) }
	}
	return m.life.Write(half, func() error { return m.Store.Batch(ctx, ops...) })
}

// Insert implements docstore.Store.
func (m *mortal) Insert(ctx context.Context, c string, d docstore.Document) error {
	return m.life.Write(nil, func() error { return m.Store.Insert(ctx, c, d) })
}

// Replace implements docstore.Store.
func (m *mortal) Replace(ctx context.Context, c string, d docstore.Document) (rev int64, err error) {
	err = m.life.Write(nil, func() (err error) {
		rev, err = m.Store.Replace(ctx, c, d)
		return err
	})
	return rev, err
}

// Delete implements docstore.Store.
func (m *mortal) Delete(ctx context.Context, c, id string, rev int64) error {
	return m.life.Write(nil, func() error { return m.Store.Delete(ctx, c, id, rev) })
}

// Get implements docstore.Store.
func (m *mortal) Get(ctx context.Context, c, id string) (docstore.Document, error) {
	if m.life.Dead() {
		return docstore.Document{}, ErrDead
	}
	d, err := m.Store.Get(ctx, c, id)
	return d, m.life.Alive(err)
}

// Find implements docstore.Store.
func (m *mortal) Find(ctx context.Context, c string, q docstore.Query) (docstore.Page, error) {
	if m.life.Dead() {
		return docstore.Page{}, ErrDead
	}
	page, err := m.Store.Find(ctx, c, q)
	return page, m.life.Alive(err)
}

// Size implements docstore.Store.
func (m *mortal) Size(ctx context.Context, c string) (docstore.Size, error) {
	if m.life.Dead() {
		return docstore.Size{}, ErrDead
	}
	n, err := m.Store.Size(ctx, c)
	return n, m.life.Alive(err)
}
