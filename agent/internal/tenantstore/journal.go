package tenantstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
)

const (
	// commitTries is how often an entry is offered to its slot while the store
	// does not answer clearly.
	commitTries = 4
	firstPause  = 20 * time.Millisecond // before the second try; doubles
)

// commit offers the batch to its slot. won says that the entry stands there and
// is applied; without won and err, another entry took the slot and was replayed.
// After an error the entry may or may not stand.
func (s *Store) commit(ctx context.Context, b *batch) (won bool, err error) {
	e := b.entry(s.tail)
	return s.offer(ctx, &e)
}

// offer is commit of an entry that is made for the slot behind tail.
func (s *Store) offer(ctx context.Context, e *entry) (won bool, err error) {
	body, err := e.seal(s.tail.Chain)
	if err != nil {
		return false, err
	}
	if len(body) > docstore.MaxBody {
		return false, ErrTooLarge.Saying("The change has %d bytes in the journal; at most %d are allowed.", len(body), docstore.MaxBody)
	}
	applying, err := e.applying()
	if err != nil {
		return false, err
	}
	insert := docstore.Op{Kind: docstore.OpInsert, Collection: journalCollection, Doc: docstore.Document{ID: slotID(e.Generation, e.Slot), Rev: 1, Body: body}}
	steps := append([]docstore.Op{insert}, applying...)
	pause := firstPause
	for try := 1; ; try++ {
		err = s.docs.Batch(ctx, steps...)
		if err == nil {
			s.tail = e.place()
			return true, nil
		}
		s.doubt = true // until the slot has been read
		standing, readErr := s.slot(ctx, e.Generation, e.Slot)
		switch {
		case readErr == nil && standing != nil:
			// Somebody stands there: the journal says who and what.
			if err := s.catchUp(ctx); err != nil {
				return false, ErrUnknownOutcome.Because(err)
			}
			return standing.Nonce == e.Nonce, nil // the chain hash of e is set, so it is also what it says
		case readErr == nil && !isOutage(err):
			// Refused, and read to be absent: it did not happen.
			return false, fmt.Errorf("write journal: %w", err)
		case readErr != nil && !errors.Is(readErr, docstore.ErrUnavailable):
			return false, readErr
		}
		// Nothing is known, or the slot is free and the entry may still be on its
		// way. The same entry may be offered to the same slot again: only one can
		// ever stand there, and the nonce tells which.
		if try == commitTries || !sleep(ctx, pause) {
			return false, ErrUnknownOutcome.Because(errors.Join(err, readErr))
		}
		pause *= 2
	}
}

// sleep waits, or says that ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// slot reads one entry, nil when there is none.
func (s *Store) slot(ctx context.Context, generation, slot int64) (*entry, error) {
	return slotOf(ctx, s.docs, generation, slot)
}

func slotOf(ctx context.Context, docs docstore.Store, generation, slot int64) (*entry, error) {
	d, err := docs.Get(ctx, journalCollection, slotID(generation, slot))
	if errors.Is(err, docstore.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read slot %d: %w", slot, err)
	}
	e, err := openEntry(d)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// recover finds where the journal ends and where the documents stand, and brings
// the documents up. Ids sort like slots, so the end is one read.
func (s *Store) recover(ctx context.Context) error {
	checkpoint, err := checkpoint(ctx, s.docs)
	if err != nil {
		return err
	}
	last, err := s.docs.Find(ctx, journalCollection, docstore.Query{Desc: true, Limit: 1})
	if err != nil {
		return fmt.Errorf("find end of journal: %w", err)
	}
	s.tail = checkpoint
	if len(last.Docs) == 0 {
		if checkpoint.Slot != 0 {
			return ErrDamaged.Because(fmt.Errorf("the journal is gone; the documents stand at slot %d", checkpoint.Slot))
		}
		return nil
	}
	end, err := openEntry(last.Docs[0])
	if err != nil {
		return err
	}
	switch {
	case end.Slot < checkpoint.Slot:
		return ErrDamaged.Because(fmt.Errorf("the journal ends at slot %d; the documents stand at %d", end.Slot, checkpoint.Slot))
	case end.Slot == checkpoint.Slot:
		if end.Chain != checkpoint.Chain {
			return ErrDamaged.Because(fmt.Errorf("entry %d is not the one that was applied", end.Slot))
		}
		return s.checkLink(ctx, end)
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	if s.tail.Slot < end.Slot {
		return ErrDamaged.Because(fmt.Errorf("slot %d is missing; the journal ends at %d", s.tail.Slot+1, end.Slot))
	}
	return nil
}

// checkLink fails with ErrDamaged unless e chains to the entry before it, which
// shows that e itself is unaltered.
func (s *Store) checkLink(ctx context.Context, e entry) error {
	before := Start()
	if e.Slot > 1 {
		prior, err := s.slot(ctx, e.Generation, e.Slot-1)
		if prior == nil && err == nil && e.Generation > 0 { // e is the first of its generation
			prior, err = s.slot(ctx, e.Generation-1, e.Slot-1)
		}
		if err != nil {
			return err
		}
		if prior == nil {
			return ErrDamaged.Because(fmt.Errorf("slot %d is missing", e.Slot-1))
		}
		before = prior.place()
	}
	return e.follows(before)
}

// checkpoint is the place up to which the documents are known to be applied.
func checkpoint(ctx context.Context, docs docstore.Store) (Place, error) {
	start := Start()
	d, err := docs.Get(ctx, checkpointCollection, checkpointID)
	if errors.Is(err, docstore.ErrNotFound) {
		return start, nil
	}
	if err != nil {
		return start, fmt.Errorf("read checkpoint: %w", err)
	}
	var p Place
	if err := json.Unmarshal(d.Body, &p); err != nil || p.Slot != d.Rev {
		return start, ErrDamaged.Because(fmt.Errorf("the checkpoint is not readable: %s", d.Body))
	}
	return p, nil
}

// catchUp applies the entries behind tail in order. It stops at a gap or a broken
// chain; applying what is applied changes nothing.
func (s *Store) catchUp(ctx context.Context) error {
	q := docstore.Query{From: slotID(s.tail.Generation, s.tail.Slot+1)}
	for {
		page, err := s.docs.Find(ctx, journalCollection, q)
		if err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		for _, d := range page.Docs {
			e, err := openEntry(d)
			if err != nil {
				return err
			}
			if err := e.follows(s.tail); err != nil {
				return err
			}
			steps, err := e.applying()
			if err != nil {
				return err
			}
			if err := s.docs.Batch(ctx, steps...); err != nil {
				return fmt.Errorf("apply entry %d: %w", e.Slot, err)
			}
			s.tail = e.place()
			s.yielded(e.HandOver)
		}
		if page.Next == "" {
			s.doubt = false
			return nil
		}
		q.After = page.Next
	}
}
