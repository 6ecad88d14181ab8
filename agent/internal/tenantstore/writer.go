package tenantstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
)

const (
	entryCommands = 256     // commands of one entry
	entryBytes    = 5 << 20 // bytes of one entry's bodies; an encoded entry stays below docstore.MaxBody
	entryOps      = 6000    // documents of one entry

	// roundTime bounds one attempt to read, run and commit a batch.
	roundTime = 30 * time.Second
)

// request is one caller's command on its way.
type request struct {
	cmd     Command
	change  func(*Tx) error
	window  *Window       // instead of a change: hold all others up
	budget  time.Duration // for how long at most
	state   atomic.Int32  // waiting, then takenUp or abandoned
	receipt Receipt
	err     error
	done    chan struct{} // closed after receipt and err are set
}

const (
	waiting int32 = iota
	takenUp
	abandoned
)

// batch is an entry in the making.
type batch struct {
	slot     int64
	images   map[key]image // documents read or written so far
	written  map[key]bool
	bytes    int
	commands []done
	known    map[string]Receipt // by command id: what this batch did
	kinds    map[string]string
	outcomes []outcome
}

// outcome is what a request gets once the batch is committed.
type outcome struct {
	request *request
	receipt Receipt
	err     error
	durable bool // it stands whatever becomes of this batch
}

// run is the writer goroutine: it takes all commands that wait and commits them
// together, until the queue is closed.
func (s *Store) run(ctx context.Context) {
	defer close(s.ended)
	for first := range s.queue {
		// Callers that were just answered are about to come back; letting them run
		// first makes the next entry carry them all.
		runtime.Gosched()
		todo, pause := s.gather(first)
		for len(todo) > 0 {
			todo = s.round(ctx, todo)
		}
		if pause != nil {
			s.hold(ctx, pause)
		}
	}
}

// gather takes what waits, up to a request for a pause, which comes after it.
func (s *Store) gather(first *request) (todo []*request, pause *request) {
	for r := first; ; {
		if r.window != nil {
			return todo, r
		}
		if r.state.CompareAndSwap(waiting, takenUp) {
			todo = append(todo, r)
		}
		if len(todo) >= entryCommands {
			return todo, nil
		}
		select {
		case next, ok := <-s.queue:
			if !ok {
				return todo, nil
			}
			r = next
		default:
			return todo, nil
		}
	}
}

// round commits as many of todo as one entry holds, answers them, and returns the
// rest. When another agent takes the slot, its entry is replayed and everything
// is run again on what it left, deduplication included.
func (s *Store) round(ctx context.Context, todo []*request) (rest []*request) {
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	for {
		if s.doubt {
			if err := s.catchUp(ctx); err != nil {
				fail(todo, err)
				return nil
			}
		}
		if err := s.refusal(); err != nil {
			fail(todo, err)
			return nil
		}
		b := newBatch(s.tail.Slot + 1)
		rest = s.fill(ctx, b, todo)
		if len(b.commands) == 0 {
			b.answer(nil)
			return rest
		}
		won, err := s.commit(ctx, b)
		if won || err != nil {
			b.answer(err)
			return rest
		}
	}
}

func fail(todo []*request, err error) {
	for _, r := range todo {
		r.err = err
		close(r.done)
	}
}

func newBatch(slot int64) *batch {
	return &batch{slot: slot, images: map[key]image{}, written: map[key]bool{}, known: map[string]Receipt{}, kinds: map[string]string{}}
}

// fill runs commands until the entry is full and returns those left over.
func (s *Store) fill(ctx context.Context, b *batch, todo []*request) []*request {
	for i, r := range todo {
		tx := &Tx{ctx: ctx, store: s, batch: b, writes: map[key]json.RawMessage{}}
		o, repeated := s.repeated(ctx, b, r)
		if !repeated {
			o = outcome{request: r, err: tx.run(r.change)}
			full := b.bytes+tx.bytes > entryBytes || len(b.written)+len(tx.writes) > entryOps
			if o.err == nil && full && len(b.commands) > 0 {
				return todo[i:]
			}
			if o.err == nil {
				o.receipt = b.accept(tx, r.cmd)
			}
		}
		b.outcomes = append(b.outcomes, o)
	}
	return nil
}

// repeated answers a command whose id is known. An id serves one kind of command.
func (s *Store) repeated(ctx context.Context, b *batch, r *request) (outcome, bool) {
	o := outcome{request: r}
	if r.cmd.ID == "" {
		return o, false
	}
	kind := b.kinds[r.cmd.ID]
	receipt, inBatch := b.known[r.cmd.ID]
	if !inBatch {
		d, err := s.docs.Get(ctx, commandsCollection, r.cmd.ID)
		if errors.Is(err, docstore.ErrNotFound) {
			return o, false
		}
		var was remembered
		if err == nil {
			err = json.Unmarshal(d.Body, &was)
		}
		if err != nil {
			o.err = fmt.Errorf("look up command %q: %w", r.cmd.ID, err)
			return o, true
		}
		kind, receipt = was.Kind, Receipt{Slot: was.Slot, Result: was.Result}
		o.durable = true
	}
	if kind != r.cmd.Kind {
		o.err = ErrReused
		return o, true
	}
	receipt.Replayed = true
	o.receipt = receipt
	return o, true
}

// run calls change; its panic is the command's failure and nobody else's.
func (tx *Tx) run(change func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("command panicked: %v\n%s", p, debug.Stack())
		}
		if tx.broken != nil {
			err = tx.broken
		}
	}()
	return change(tx)
}

// accept takes the writes of a command into the batch. A command that wrote
// nothing and need not be remembered leaves no trace.
func (b *batch) accept(tx *Tx, cmd Command) Receipt {
	if len(tx.writes) == 0 && cmd.ID == "" {
		return Receipt{Slot: b.slot - 1, Result: tx.result}
	}
	for k, body := range tx.writes {
		im := b.images[k] // every written document was read first
		im.body = body
		b.images[k] = im
		b.written[k] = true
	}
	b.bytes += tx.bytes
	b.commands = append(b.commands, done{ID: cmd.ID, Kind: cmd.Kind, Actor: cmd.Actor, Result: tx.result})
	receipt := Receipt{Slot: b.slot, Result: tx.result}
	if cmd.ID != "" {
		b.known[cmd.ID], b.kinds[cmd.ID] = receipt, cmd.Kind
	}
	return receipt
}

// answer gives each request its outcome, or err to those that depended on the
// commit. Only then do callers hear of anything.
func (b *batch) answer(err error) {
	for _, o := range b.outcomes {
		o.request.receipt, o.request.err = o.receipt, o.err
		if err != nil && o.err == nil && !o.durable {
			o.request.receipt, o.request.err = Receipt{}, err
		}
		close(o.request.done)
	}
}

// newEntry is an entry for the slot behind a place.
func newEntry(kind string, after Place) entry {
	return entry{
		Format: entryFormat, Kind: kind, Generation: after.Generation, Slot: after.Slot + 1,
		Time: time.Now().UTC(), Nonce: rand.Text(),
	}
}

// entry is the batch as it goes into the journal.
func (b *batch) entry(after Place) entry {
	e := newEntry(kindWrite, after)
	e.Commands = b.commands
	for k := range b.written {
		im := b.images[k]
		o := op{Collection: k.collection, ID: k.id, Type: opPut, Body: im.body, Digest: digest(im.body), Previous: im.rev}
		if isTombstone(im.body) {
			o.Type, o.Body = opDelete, nil
		}
		e.Ops = append(e.Ops, o)
		e.Blobs = append(e.Blobs, references(o.Body)...)
	}
	e.Blobs = distinct(e.Blobs)
	slices.SortFunc(e.Ops, func(a, b op) int {
		return cmp.Or(cmp.Compare(a.Collection, b.Collection), cmp.Compare(a.ID, b.ID))
	})
	return e
}
