package tenantstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Replica is a tenant's documents in a place that does not own the tenant: a copy
// in the making, or the former owner. It takes in what the owner sends, in any
// order and any number of times: documents are replaced only by later ones,
// entries are applied one after the other.
//
// Its methods may be called from many goroutines; they take turns, but several
// may Put at once: which version stays does not depend on the order.
type Replica struct {
	docs docstore.Store
	raw  *Raw
	self id.Environment

	mu sync.RWMutex // held by whoever changes the standing or the journal; shared by Put, which needs the standing to stay
}

// Standing is what the replica holds and who may write to it.
func (r *Replica) Standing(ctx context.Context) (Standing, error) {
	return standing(ctx, r.docs, r.self)
}

// Claim lets the worker with that claim of the move write here, and nobody
// before it. A copy is marked as one when it is made; the former owner takes the
// claims of the move that its last hand-over ended. It fails with ErrClaim for an
// older worker or another move.
func (r *Replica) Claim(ctx context.Context, move string, claim int64) (Standing, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := standing(ctx, r.docs, r.self)
	if err != nil {
		return s, err
	}
	if s.Role == RoleOwner {
		return s, ErrOwner
	}
	mark := Standby{Move: move, Claim: claim, Base: s.Applied}
	if s.Role == RoleMoved && s.Last.Move != move {
		return s, ErrClaim
	}
	if s.Standby != nil && s.Standby.Move == move {
		if claim < s.Standby.Claim {
			return s, ErrClaim
		}
		mark.Base = s.Standby.Base
	} else if s.Role == RoleStandby {
		return s, ErrClaim
	}
	if s.Standby != nil && *s.Standby == mark {
		return s, nil
	}
	set, err := marking(mark)
	if err != nil {
		return s, err
	}
	steps := []docstore.Op{set}
	if s.Standby != nil && s.Standby.Move != move { // claims of two moves do not compare
		steps = append([]docstore.Op{unmarking()}, steps...)
	}
	if err := r.docs.Batch(ctx, steps...); err != nil {
		return s, fmt.Errorf("mark as copy: %w", err)
	}
	s.Standby = &mark
	return s, nil
}

// beginning is what an empty copy holds: the mark, without which it would be an
// owner's, and where it starts.
func beginning(mark Standby) ([]docstore.Op, error) {
	set, err := marking(mark)
	if err != nil || mark.Base.Slot == 0 {
		return []docstore.Op{set}, err
	}
	at, err := json.Marshal(mark.Base)
	if err != nil {
		return nil, fmt.Errorf("encode base: %w", err)
	}
	start := docstore.Op{Kind: docstore.OpPut, Collection: checkpointCollection, Doc: docstore.Document{ID: checkpointID, Rev: mark.Base.Slot, Body: at}}
	return []docstore.Op{set, start}, nil
}

// marking sets the mark. Its revision is the claim, so a late writer cannot bring
// an older one back.
func marking(mark Standby) (docstore.Op, error) {
	body, err := json.Marshal(mark)
	if err != nil {
		return docstore.Op{}, fmt.Errorf("encode mark of copy: %w", err)
	}
	return docstore.Op{Kind: docstore.OpPut, Collection: checkpointCollection, Doc: docstore.Document{ID: standbyID, Rev: mark.Claim, Body: body}}, nil
}

// unmarking takes the mark away, whatever it is.
func unmarking() docstore.Op {
	return docstore.Op{Kind: docstore.OpRemove, Collection: checkpointCollection, Doc: docstore.Document{ID: standbyID, Rev: math.MaxInt64}}
}

// admit is the standing of a replica that the worker may write to.
func (r *Replica) admit(ctx context.Context, move string, claim int64) (Standing, error) {
	s, err := standing(ctx, r.docs, r.self)
	switch {
	case err != nil:
		return s, err
	case s.Role == RoleOwner:
		return s, ErrOwner
	case s.Standby == nil || s.Standby.Move != move || s.Standby.Claim != claim:
		return s, ErrClaim
	}
	return s, nil
}

// Copied says what came of a Put.
type Copied struct {
	Written    int   `json:"written"`    // read back as sent
	Superseded int   `json:"superseded"` // a later version was here already
	Bytes      int64 `json:"bytes"`      // of the bodies sent
}

// Put takes documents of one collection in, sorted by id, and reads each back.
// It fails with ErrCopy when one reads back differently.
func (r *Replica) Put(ctx context.Context, move string, claim int64, collection string, docs []docstore.Document) (Copied, error) {
	var done Copied
	if !r.raw.Has(collection) {
		return done, docstore.ErrUndeclared.Saying("A copy has no collection %q.", collection)
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if _, err := r.admit(ctx, move, claim); err != nil || len(docs) == 0 {
		return done, err
	}
	ops := make([]docstore.Op, len(docs))
	for i, d := range docs {
		ops[i] = docstore.Op{Kind: docstore.OpPut, Collection: collection, Doc: d}
		done.Bytes += int64(len(d.Body))
	}
	if err := r.docs.Batch(ctx, ops...); err != nil {
		return done, fmt.Errorf("write copies of %s: %w", collection, err)
	}
	return done, r.readBack(ctx, collection, docs, &done)
}

// readBack compares what is stored with what was sent.
func (r *Replica) readBack(ctx context.Context, collection string, sent []docstore.Document, done *Copied) error {
	q := docstore.Query{From: sent[0].ID, To: sent[len(sent)-1].ID + "\x01", Limit: min(len(sent)+100, docstore.MaxLimit)}
	for i := 0; ; {
		page, err := r.docs.Find(ctx, collection, q)
		if err != nil {
			return fmt.Errorf("read copies of %s back: %w", collection, err)
		}
		for _, d := range page.Docs {
			if i == len(sent) || d.ID != sent[i].ID {
				continue // it came another way, or the comparison below finds what is missing
			}
			switch {
			case d.Rev == sent[i].Rev && string(d.Body) == string(sent[i].Body):
				done.Written++
			case d.Rev > sent[i].Rev:
				done.Superseded++
			default:
				return ErrCopy.Because(fmt.Errorf("%s %s at slot %d", collection, d.ID, d.Rev))
			}
			i++
		}
		if page.Next == "" {
			if i < len(sent) {
				return ErrCopy.Because(fmt.Errorf("%s %s is missing", collection, sent[i].ID))
			}
			return nil
		}
		q.After = page.Next
	}
}

// applyBytes bounds the bodies that one write of Apply takes in, counted with
// those in the journal.
const applyBytes = 16 << 20

// Apply takes entries in that follow what is here, and returns where the copy is
// then; entries that are here already are passed over, and a hand-over ends it.
// Blobs come first, by Put.
// It fails with ErrGap when an entry in between is missing.
func (r *Replica) Apply(ctx context.Context, move string, claim int64, entries []Entry) (Place, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := r.admit(ctx, move, claim)
	if err != nil {
		return s.Applied, err
	}
	at := s.Applied
	var steps []docstore.Op
	size := 0
	reached := at
	flush := func() error {
		if len(steps) == 0 {
			return nil
		}
		if err := r.docs.Batch(ctx, steps...); err != nil {
			return fmt.Errorf("apply up to entry %d: %w", at.Slot, err)
		}
		reached, steps, size = at, steps[:0], 0
		return nil
	}
	for _, one := range entries {
		e, err := openEntry(docstore.Document{ID: one.ID, Body: one.Body})
		if err != nil {
			return reached, err
		}
		if e.Slot <= at.Slot {
			continue
		}
		if e.Slot != at.Slot+1 {
			return reached, errors.Join(flush(), ErrGap.Because(fmt.Errorf("entry %d comes after %d", e.Slot, at.Slot)))
		}
		if err := e.follows(at); err != nil {
			return reached, err
		}
		if e.HandOver != nil {
			break // it is taken in by Promote
		}
		more, err := e.steps(one.Body)
		if err != nil {
			return reached, err
		}
		if size+2*len(one.Body) > applyBytes || len(steps)+len(more) > docstore.MaxBatch {
			if err := flush(); err != nil {
				return reached, err
			}
		}
		steps, size, at = append(steps, more...), size+2*len(one.Body), e.place()
	}
	return reached, errors.Join(flush())
}

// Promote takes in the entry that hands the tenant over to this environment: from
// then on these documents are the owner's. It may be repeated. It fails with
// ErrGap when entries before it are missing.
func (r *Replica) Promote(ctx context.Context, move string, claim int64, commit Entry) (Standing, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := openEntry(docstore.Document{ID: commit.ID, Body: commit.Body})
	if err != nil {
		return Standing{}, err
	}
	if e.HandOver == nil || e.HandOver.To != r.self || e.HandOver.Move != move {
		return Standing{}, ErrClaim.Because(fmt.Errorf("entry %d does not hand the tenant over to %s", e.Slot, r.self))
	}
	s, err := standing(ctx, r.docs, r.self)
	if err != nil {
		return s, err
	}
	if s.Role == RoleOwner {
		if s.LastAt != e.Slot {
			return s, ErrOwner
		}
		if s.Applied.Slot >= e.Slot && s.Standby == nil {
			return s, nil // it was taken in before
		}
		return s, r.takeOver(ctx, &e, commit.Body) // a crash cut it off
	}
	if s.Standby == nil || s.Standby.Move != move || s.Standby.Claim > claim {
		return s, ErrClaim
	}
	if s.Applied.Slot+1 != e.Slot {
		return s, ErrGap.Because(fmt.Errorf("entry %d comes after %d", e.Slot, s.Applied.Slot))
	}
	if err := e.follows(s.Applied); err != nil {
		return s, err
	}
	if err := r.takeOver(ctx, &e, commit.Body); err != nil {
		return s, err
	}
	return standing(ctx, r.docs, r.self)
}

// takeOver writes the hand-over and everything that follows from it.
func (r *Replica) takeOver(ctx context.Context, e *entry, body []byte) error {
	steps, err := e.steps(body)
	if err != nil {
		return err
	}
	// The mark goes last: until then, and until the hand-over stands, this is a copy.
	steps = append(steps, unmarking())
	if err := r.docs.Batch(ctx, steps...); err != nil {
		return fmt.Errorf("take over at entry %d: %w", e.Slot, err)
	}
	return nil
}

// steps are what taking a stored entry in does: the journal first.
func (e *entry) steps(body []byte) ([]docstore.Op, error) {
	applying, err := e.applying()
	if err != nil {
		return nil, err
	}
	insert := docstore.Op{Kind: docstore.OpPut, Collection: journalCollection, Doc: docstore.Document{ID: slotID(e.Generation, e.Slot), Rev: 1, Body: body}}
	return append([]docstore.Op{insert}, applying...), nil
}
