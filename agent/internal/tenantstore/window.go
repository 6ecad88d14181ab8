package tenantstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// move is the journaled document of the move that is under way. Beginning,
// claiming and ending it take slots, so a hand-over that was decided on an older
// state of it collides with whatever changed it.
type move struct {
	ID    string         `json:"id"`
	Claim int64          `json:"claim"`
	From  id.Environment `json:"from"`
	To    id.Environment `json:"to"`
	Open  bool           `json:"open"`
}

// BeginMove lets the move hand this tenant over to another environment, on behalf
// of the worker with that claim. Repeating it with a higher claim replaces the
// worker. It fails with ErrClaim for an older worker, while another move is open,
// and for a move that has ended.
func (s *Store) BeginMove(ctx context.Context, moveID string, claim int64, from, to id.Environment) (Place, error) {
	return s.changeMove(ctx, "move.begin", func(m *move) error {
		switch {
		case m.ID != moveID && m.Open, m.ID == moveID && (claim < m.Claim || !m.Open):
			return ErrClaim
		}
		*m = move{ID: moveID, Claim: claim, From: from, To: to, Open: true}
		return nil
	})
}

// EndMove forbids the move to hand the tenant over, whoever still tries. It does
// nothing for a move that is not the present one.
func (s *Store) EndMove(ctx context.Context, moveID string) (Place, error) {
	return s.changeMove(ctx, "move.end", func(m *move) error {
		if m.ID == moveID {
			m.Open = false
		}
		return nil
	})
}

// changeMove alters the present move, if alter changes it, and says where the
// journal is then.
func (s *Store) changeMove(ctx context.Context, kind string, alter func(*move) error) (Place, error) {
	_, err := s.Do(ctx, Command{Kind: kind, Actor: "control plane"}, func(tx *Tx) error {
		var m move
		if err := tx.Get(movesCollection, currentMove, &m); err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return err
		}
		before := m
		if err := alter(&m); err != nil || m == before {
			return err
		}
		return tx.Put(movesCollection, currentMove, m)
	})
	if err != nil {
		return Place{}, err
	}
	return checkpoint(ctx, s.docs)
}

// Window is a pause of all writes of a tenant. While it is open, commands wait in
// line; when its time is over they go on as if nothing had been.
type Window struct {
	// Tail is the end of the journal while the window is open.
	Tail Place

	store *Store
	calls chan func(context.Context) error
	over  chan struct{} // closed when writes go on, or were handed over
}

// Cut opens a window for at most budget, after the entry in the making. It waits
// in line like a command. Call Release when done.
func (s *Store) Cut(ctx context.Context, budget time.Duration) (*Window, error) {
	w := &Window{store: s, calls: make(chan func(context.Context) error), over: make(chan struct{})}
	r := &request{window: w, budget: budget, done: make(chan struct{})}
	if err := s.submit(ctx, r); err != nil {
		return nil, err
	}
	select {
	case <-r.done:
		return w, r.err
	case <-ctx.Done():
	}
	if !r.state.CompareAndSwap(waiting, abandoned) {
		<-r.done // it opened at the same moment
		w.Release()
	}
	return nil, docstore.ErrUnavailable.Because(ctx.Err())
}

// Release lets writes go on. It may be called any number of times.
func (w *Window) Release() {
	select {
	case w.calls <- nil:
	case <-w.over:
	}
}

// HandOver makes another environment the owner of the tenant, at the slot behind
// Tail, and ends the window for good. The move must be open with this claim and
// lead away from here, which is self, and reached must be Tail: what the copy is
// known to hold. It fails with ErrClaim,
// ErrBehind or ErrLapsed, and then nothing was handed over; with
// ErrUnknownOutcome the journal has to be read. The entry comes back as it is
// stored.
func (w *Window) HandOver(ctx context.Context, self id.Environment, moveID string, claim int64, reached Place) (Entry, error) {
	var stored Entry
	answer := make(chan error, 1)
	call := func(writing context.Context) error {
		var err error
		stored, err = w.store.handOver(writing, self, moveID, claim, reached)
		answer <- err
		return err
	}
	select {
	case w.calls <- call:
	case <-w.over:
		return Entry{}, ErrLapsed
	case <-ctx.Done():
		return Entry{}, ErrLapsed.Because(ctx.Err())
	}
	return stored, <-answer
}

// hold keeps the window open on the writer, until it is released, its time is
// over, or the tenant was handed over.
func (s *Store) hold(ctx context.Context, r *request) {
	if !r.state.CompareAndSwap(waiting, takenUp) {
		return
	}
	defer close(r.window.over)
	r.err = s.refusal()
	if r.err == nil && s.doubt {
		caughtUp, cancel := context.WithTimeout(ctx, r.budget)
		r.err = s.catchUp(caughtUp)
		cancel()
	}
	r.window.Tail = s.tail
	close(r.done)
	if r.err != nil {
		return
	}
	budget := time.NewTimer(r.budget)
	defer budget.Stop()
	for {
		select {
		case <-budget.C:
			return
		case call := <-r.window.calls:
			if call == nil || call(ctx) == nil {
				return
			}
		}
	}
}

// handOver writes the entry that gives the tenant away. It runs on the writer.
func (s *Store) handOver(ctx context.Context, self id.Environment, moveID string, claim int64, reached Place) (Entry, error) {
	if reached != s.tail {
		return Entry{}, ErrBehind.Because(fmt.Errorf("the copy holds slot %d, the journal ends at %d", reached.Slot, s.tail.Slot))
	}
	var m move
	if err := s.Get(ctx, movesCollection, currentMove, &m); err != nil && !errors.Is(err, docstore.ErrNotFound) {
		return Entry{}, fmt.Errorf("read the present move: %w", err)
	}
	if m.ID != moveID || !m.Open || m.Claim != claim || m.From != self {
		return Entry{}, ErrClaim
	}
	e := newEntry(kindHandOver, s.tail)
	e.HandOver = &HandOver{Move: m.ID, From: m.From, To: m.To}
	won, err := s.offer(ctx, &e)
	if err != nil {
		return Entry{}, err
	}
	if !won {
		return Entry{}, ErrBehind.Because(fmt.Errorf("slot %d was taken", e.Slot))
	}
	s.yielded(e.HandOver)
	return stored(&e)
}
