package tenantstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// queueLength is how many commands of one tenant wait before callers wait to get
// in line.
const queueLength = 1024

// Store is one tenant's documents and journal. All methods may be called from
// many goroutines.
type Store struct {
	docs        docstore.Store
	collections map[string]bool
	self        id.Environment

	queue chan *request
	ended chan struct{} // closed when the writer has finished
	stop  context.CancelFunc
	moved atomic.Pointer[MovedError] // set once, when the tenant is handed over

	mu      sync.Mutex // guards closed, and queue against sends after close
	closed  bool
	senders sync.WaitGroup

	// The writer goroutine's own.
	tail  Place // last entry known to be applied
	doubt bool  // an entry of ours may have landed behind tail
}

// Command names a change, for deduplication and for the audit.
type Command struct {
	ID    string // at most 200 bytes; "" means: never repeated
	Kind  string // "runs.start"; 1 to 64 bytes
	Actor string // who; at most 200 bytes
}

// Receipt says where a command took effect.
type Receipt struct {
	Slot     int64           // of the entry; of the first time when Replayed; 0 when the store was empty and nothing changed
	Replayed bool            // the command had taken effect before, with this result
	Result   json.RawMessage // what Tx.Return was given; nil without
}

// Open brings the documents in docs up to the journal and serves them. The
// collections are the tenant's own; self is where this is: a hand-over to anywhere
// else ends the Store. It fails with ErrDamaged when the journal has
// a gap or does not chain. Closing the Store leaves docs open.
func Open(ctx context.Context, docs docstore.Store, collections []docstore.Collection, self id.Environment) (*Store, error) {
	if err := checkCollections(collections); err != nil {
		return nil, err
	}
	if err := docs.Ensure(ctx, withOwn(collections)...); err != nil {
		return nil, fmt.Errorf("declare collections of tenant: %w", err)
	}
	s := &Store{docs: docs, self: self, collections: map[string]bool{}, queue: make(chan *request, queueLength), ended: make(chan struct{})}
	for _, c := range collections {
		s.collections[c.Name] = true
	}
	s.collections[movesCollection] = true
	if err := s.recover(ctx); err != nil {
		return nil, fmt.Errorf("recover tenant: %w", err)
	}
	var running context.Context
	running, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	go s.run(running)
	return s, nil
}

// Do carries out change as cmd: all of its writes, or none. It returns when they
// are durable and readable.
//
// change runs on the store's single writer: it must be quick, must not call the
// Store, and may be run more than once, so it must not have effects of its own.
// Its error, or panic, drops the command alone and comes back from Do.
//
// Do fails with a MovedError once the tenant was handed over to another
// environment; the command has had no effect then. It fails with ErrUnknownOutcome when ctx ends, or the store cannot be reached,
// after the commit began.
func (s *Store) Do(ctx context.Context, cmd Command, change func(*Tx) error) (Receipt, error) {
	if err := cmd.check(); err != nil {
		return Receipt{}, err
	}
	r := &request{cmd: cmd, change: change, done: make(chan struct{})}
	if err := s.submit(ctx, r); err != nil {
		return Receipt{}, err
	}
	select {
	case <-r.done:
		return r.receipt, r.err
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(waiting, abandoned) {
		return Receipt{}, docstore.ErrUnavailable.Because(ctx.Err())
	}
	select {
	case <-r.done: // it ended at the same moment
		return r.receipt, r.err
	default:
		return Receipt{}, ErrUnknownOutcome.Because(ctx.Err())
	}
}

func (s *Store) submit(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return docstore.ErrUnavailable.Because(err)
	}
	if err := s.refusal(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.senders.Add(1)
	s.mu.Unlock()
	defer s.senders.Done()
	select {
	case s.queue <- r:
		return nil
	case <-ctx.Done():
		return docstore.ErrUnavailable.Because(ctx.Err())
	}
}

func (c Command) check() error {
	switch {
	case c.Kind == "" || len(c.Kind) > 64:
		return ErrCommand.Saying("A command needs a kind of at most 64 bytes.")
	case len(c.ID) > 200:
		return ErrCommand.Saying("The command id has %d bytes; at most 200 are allowed.", len(c.ID))
	case len(c.Actor) > 200:
		return ErrCommand.Saying("The actor has %d bytes; at most 200 are allowed.", len(c.Actor))
	case !utf8.ValidString(c.Kind) || !utf8.ValidString(c.Actor):
		return ErrCommand.Saying("The command is not UTF-8 text.")
	case c.ID != "" && docstore.CheckID(c.ID) != nil:
		return ErrCommand.Saying("The command id is not plain UTF-8 text.")
	}
	return nil
}

// Get reads a document into the value that into points at. It fails with
// docstore.ErrNotFound when there is none, and with a MovedError like Do.
func (s *Store) Get(ctx context.Context, collection, id string, into any) error {
	if err := s.declared(collection); err != nil {
		return err
	}
	if err := s.refusal(); err != nil {
		return err
	}
	d, err := s.docs.Get(ctx, collection, id)
	if err != nil {
		return err
	}
	if isTombstone(d.Body) {
		return docstore.ErrNotFound
	}
	if err := json.Unmarshal(d.Body, into); err != nil {
		return fmt.Errorf("decode %s %s: %w", collection, id, err)
	}
	return nil
}

// Find answers q over the documents of collection; Rev is the slot that last
// wrote a document. A page may hold fewer than asked for and still have Next.
func (s *Store) Find(ctx context.Context, collection string, q docstore.Query) (docstore.Page, error) {
	if err := s.declared(collection); err != nil {
		return docstore.Page{}, err
	}
	if err := s.refusal(); err != nil {
		return docstore.Page{}, err
	}
	for {
		page, err := s.docs.Find(ctx, collection, q)
		if err != nil {
			return page, err
		}
		kept := page.Docs[:0]
		for _, d := range page.Docs {
			if !isTombstone(d.Body) {
				kept = append(kept, d)
			}
		}
		page.Docs = kept
		if len(kept) > 0 || page.Next == "" {
			return page, nil
		}
		q.After = page.Next // nothing but tombstones: go on
	}
}

// Watch is docstore.Store.Watch of the collection.
func (s *Store) Watch(ctx context.Context, collection string) <-chan struct{} {
	return s.docs.Watch(ctx, collection)
}

func (s *Store) declared(collection string) error {
	if !s.collections[collection] {
		return docstore.ErrUndeclared.Saying("The collection %q was not declared for tenants.", collection)
	}
	return nil
}

// Close refuses new commands, finishes those that wait and stops the writer. A
// second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.ended
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.senders.Wait()
	close(s.queue)
	<-s.ended
	s.stop()
	return nil
}

// isOutage says that err leaves open what happened to a Batch: it is neither the
// refusal of a step nor of the whole.
func isOutage(err error) bool {
	var b *docstore.BatchError
	refused := errors.As(err, &b) || errors.Is(err, docstore.ErrInvalid) ||
		errors.Is(err, docstore.ErrUndeclared) || errors.Is(err, docstore.ErrClosed)
	return err != nil && !refused
}
