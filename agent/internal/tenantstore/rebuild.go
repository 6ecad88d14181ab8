package tenantstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// restorer is who acts in the entries that a rebuild adds.
const restorer = "restore"

// Rebuild brings a new tenant to where a journal leads: entries are checked and
// applied as recovery does it. Give it entries and blobs in any turn; Owned ends
// it. It is valid inside Shelf.Rebuild, on that goroutine.
type Rebuild struct {
	docs  docstore.Store
	walk  *Walk
	steps []docstore.Op
	size  int
}

// Rebuild makes the tenant anew from what fill gives, whole or not at all. It
// fails with ErrExists where the tenant exists, unless replace says to take its
// place: then it waits until nobody uses it, like Remove, and kept names what is
// left of the one before.
func (s *Shelf) Rebuild(ctx context.Context, tenant id.Tenant, replace bool, fill func(*Rebuild) error) (kept string, err error) {
	h, err := s.claim(ctx, tenant, func(h *handle) bool { return h.users == 0 })
	if err != nil {
		return "", err
	}
	defer s.settle(h, nil)
	if err := s.unload(h); err != nil {
		return "", fmt.Errorf("close tenant to replace it: %w", err)
	}
	return s.factory.Build(ctx, tenant, replace, func(docs docstore.Store) error {
		return fill(&Rebuild{docs: docs, walk: NewWalk()})
	})
}

// At is the place behind the last entry that was taken.
func (r *Rebuild) At() Place { return r.walk.At }

// Blob keeps content that entries refer to.
func (r *Rebuild) Blob(ctx context.Context, content []byte) (Blob, error) {
	if len(content) > MaxBlob {
		return Blob{}, ErrTooLarge
	}
	return putBlob(ctx, r.docs, content)
}

// Take takes the next entry of the journal, as it is stored under its id. It
// fails with ErrDamaged when the entry does not follow.
func (r *Rebuild) Take(ctx context.Context, id string, body []byte) error {
	e, err := r.walk.next(id, body)
	if err != nil {
		return err
	}
	return r.take(ctx, &e, body)
}

func (r *Rebuild) take(ctx context.Context, e *entry, body []byte) error {
	steps, err := e.steps(body)
	if err != nil {
		return err
	}
	if r.size+2*len(body) > applyBytes || len(r.steps)+len(steps) > docstore.MaxBatch {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	r.steps, r.size = append(r.steps, steps...), r.size+2*len(body)
	return nil
}

func (r *Rebuild) flush(ctx context.Context) error {
	if len(r.steps) == 0 {
		return nil
	}
	if err := r.docs.Batch(ctx, r.steps...); err != nil {
		return fmt.Errorf("apply up to entry %d: %w", r.walk.At.Slot, err)
	}
	r.steps, r.size = nil, 0
	return nil
}

// Flush makes everything taken so far readable.
func (r *Rebuild) Flush(ctx context.Context) error { return r.flush(ctx) }

// Owned makes what was rebuilt the store of an owner in environment self, and
// says in words which entries that needed. Where the journal names another owner
// by then, or takeOver says so, a hand-over from the environment from is added;
// and a move that was under way is ended, so that nobody goes on with it. An agent
// of no environment (self "") cannot be handed anything: the tenant then stays
// that of whom the journal names.
func (r *Rebuild) Owned(ctx context.Context, self, from id.Environment, takeOver bool) ([]string, error) {
	if err := r.flush(ctx); err != nil {
		return nil, err
	}
	is, err := standing(ctx, r.docs, self)
	if err != nil {
		return nil, err
	}
	var added []string
	if self != "" && (is.Role == RoleMoved || takeOver && self != from) {
		if from == "" && is.Last != nil {
			from = is.Last.To
		}
		e := newEntry(kindHandOver, r.walk.At)
		e.HandOver = &HandOver{Move: restorer, From: from, To: self}
		if err := r.add(ctx, &e); err != nil {
			return nil, err
		}
		added = append(added, fmt.Sprintf("slot %d hands the tenant over to %s", e.Slot, self))
	}
	d, err := r.docs.Get(ctx, movesCollection, currentMove)
	if errors.Is(err, docstore.ErrNotFound) {
		return added, nil
	}
	var m move
	if err == nil {
		err = json.Unmarshal(d.Body, &m)
	}
	if err != nil {
		return nil, fmt.Errorf("read the present move: %w", err)
	}
	if !m.Open {
		return added, nil
	}
	m.Open = false
	body, err := canonical(m)
	if err != nil {
		return nil, err
	}
	e := newEntry(kindWrite, r.walk.At)
	e.Ops = []op{{Collection: movesCollection, ID: currentMove, Type: opPut, Body: body, Digest: digest(body), Previous: d.Rev}}
	e.Commands = []done{{Kind: "move.end", Actor: restorer}}
	if err := r.add(ctx, &e); err != nil {
		return nil, err
	}
	return append(added, fmt.Sprintf("slot %d ends the move %s", e.Slot, m.ID)), nil
}

// add seals a new entry behind the others and applies it.
func (r *Rebuild) add(ctx context.Context, e *entry) error {
	body, err := e.seal(r.walk.At.Chain)
	if err != nil {
		return err
	}
	if err := r.Take(ctx, slotID(e.Generation, e.Slot), body); err != nil {
		return fmt.Errorf("add entry %d: %w", e.Slot, err)
	}
	return r.flush(ctx)
}

// Verify is Raw.Verify of what was rebuilt, of these collections of the tenant.
func (r *Rebuild) Verify(ctx context.Context, collections []docstore.Collection) (Report, error) {
	if err := r.flush(ctx); err != nil {
		return Report{}, err
	}
	return (&Raw{docs: r.docs, collections: collections}).Verify(ctx)
}

// Open opens what was rebuilt for commands, instead of more entries. Close it
// before the rebuild ends.
func (r *Rebuild) Open(ctx context.Context, collections []docstore.Collection) (*Store, error) {
	if err := r.flush(ctx); err != nil {
		return nil, err
	}
	return Open(ctx, r.docs, collections, "") // everything is applied: no hand-over is met
}
