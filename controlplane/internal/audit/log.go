package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	// signEvery is after how many entries a head is signed.
	signEvery = 100
	// roundEvery is how long an entry waits at most for a head that covers it.
	roundEvery = time.Hour
)

// Log keeps the logs of all tenants. It may be used from many goroutines and many
// replicas.
type Log struct {
	store  store
	signer *Signer
	now    func() time.Time
	log    *slog.Logger
}

// New keeps logs in s; now is time.Now outside tests.
func New(s docstore.Store, signer *Signer, now func() time.Time, log *slog.Logger) *Log {
	return &Log{store: newStore(s), signer: signer, now: now, log: log}
}

// Note gives an event its entry. Noting it again does nothing. What comes after the
// log was deleted is not kept.
func (l *Log) Note(ctx context.Context, e contract.Event) error {
	target, before, after := lift(e.Data)
	return l.append(ctx, Entry{
		Tenant: e.Tenant, Event: string(e.ID), At: e.At.UTC(), Actor: e.By, Action: e.Type,
		Target: target, Result: Done, Before: before, After: after, Data: e.Data,
	})
}

// Happening is something that no document tells of: a sign-in, an export, a
// refusal.
type Happening struct {
	Tenant id.Tenant
	Action string // "<slice>.<past tense>", with a row in the table of words
	Target string
	Result Result // "" is Done
	// By is who did it; nil takes the actor of the context.
	By *contract.Actor
	// Before, After and Data must marshal to JSON; nil means none.
	Before, After, Data any
	// Once names what happened, so that recording it again does nothing; "" is
	// something new each time.
	Once string
}

// Record gives h its entry before it returns.
func (l *Log) Record(ctx context.Context, h Happening) error {
	e := Entry{Tenant: h.Tenant, Event: h.Once, At: l.now().UTC(), Actor: h.By, Action: h.Action, Target: h.Target, Result: h.Result}
	if e.Event == "" {
		e.Event = string(id.NewEvent())
	}
	if e.Actor == nil {
		e.Actor = contract.ActorFrom(ctx)
	}
	if e.Result == "" {
		e.Result = Done
	}
	for _, part := range []struct {
		from any
		to   *json.RawMessage
	}{{h.Before, &e.Before}, {h.After, &e.After}, {h.Data, &e.Data}} {
		if part.from == nil {
			continue
		}
		raw, err := json.Marshal(part.from)
		if err != nil {
			return fmt.Errorf("encode %s: %w", h.Action, err)
		}
		*part.to = raw
	}
	return l.append(ctx, e)
}

// append puts e into the next free slot. Whoever loses the slot to another tries
// the next one; one of them always gets on.
func (l *Log) append(ctx context.Context, e Entry) error {
	e.Kind, e.Noted = kindEntry, l.now().UTC()
	deleted, err := l.store.proof(ctx, e.Tenant)
	if err != nil {
		return err
	}
	if deleted != nil {
		l.log.InfoContext(ctx, "not kept: the log is deleted", "tenant", e.Tenant, "action", e.Action)
		return nil
	}
	for {
		last, err := l.store.last(ctx, e.Tenant)
		if err != nil {
			return err
		}
		e.Slot, e.Previous = last.Slot+1, last.Hash
		line, err := e.seal()
		if err != nil {
			return err
		}
		err = l.store.entries.Insert(ctx, slotID(e.Tenant, e.Slot), rowOf(e, line))
		if err == nil {
			break
		}
		if !errors.Is(err, docstore.ErrExists) {
			return fmt.Errorf("note %s of %s: %w", e.Action, e.Tenant, err)
		}
		known, err := l.store.has(ctx, e.Event)
		if err != nil || known {
			return err
		}
	}
	if e.Slot%signEvery == 0 {
		if err := l.signHead(ctx, e); err != nil {
			l.log.WarnContext(ctx, "a head will be signed in the next round", "tenant", e.Tenant, "err", err)
		}
	}
	return nil
}

// signHead signs the hash of e, which is stored.
func (l *Log) signHead(ctx context.Context, e Entry) error {
	h := Head{Kind: kindHead, Tenant: e.Tenant, Slot: e.Slot, Hash: e.Hash, At: l.now().UTC()}
	line, err := l.signer.sign(&h.Key, &h.Signature, &h)
	if err != nil {
		return err
	}
	err = l.store.heads.Insert(ctx, slotID(e.Tenant, e.Slot), signedRow{Line: line})
	if err != nil && !errors.Is(err, docstore.ErrExists) { // another replica was faster
		return fmt.Errorf("keep head %d of %s: %w", e.Slot, e.Tenant, err)
	}
	return nil
}

// Run signs heads every hour until ctx ends, the first time at once.
func (l *Log) Run(ctx context.Context) error {
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		if err := l.Round(ctx); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "audit heads wait", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Round signs a head for every log that has entries behind its last one, and deletes
// what arrived behind a deletion.
func (l *Log) Round(ctx context.Context) error {
	from := ""
	for {
		q := docstore.Query{Limit: 1}
		if from != "" {
			q.From = from
		}
		rows, _, err := l.store.entries.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("find the next log: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		t := rows[0].Value.Tenant
		if err := l.round(ctx, t); err != nil {
			return err
		}
		_, from = ofTenant(t)
	}
}

func (l *Log) round(ctx context.Context, t id.Tenant) error {
	deleted, err := l.store.proof(ctx, t)
	if err != nil {
		return err
	}
	if deleted != nil {
		_, err := l.Delete(ctx, t)
		return err
	}
	last, err := l.store.last(ctx, t)
	if err != nil || last.Slot == 0 {
		return err
	}
	head, err := l.store.lastHead(ctx, t)
	if err != nil {
		return err
	}
	if head.Slot >= last.Slot {
		return nil
	}
	return l.signHead(ctx, last)
}

// Holds is how many entries and heads the log of a tenant has.
func (l *Log) Holds(ctx context.Context, t id.Tenant) (int, error) {
	entries, err := count(ctx, l.store.entries, t)
	if err != nil {
		return 0, err
	}
	heads, err := count(ctx, l.store.heads, t)
	return entries + heads, err
}

func count[T any](ctx context.Context, table docstore.Table[T], t id.Tenant) (int, error) {
	from, to := ofTenant(t)
	rows, err := table.All(ctx, docstore.Query{From: from, To: to})
	if err != nil {
		return 0, fmt.Errorf("count what there is of %s: %w", t, err)
	}
	return len(rows), nil
}

// Forget deletes the log of a tenant that is being erased; its proof stays.
func (l *Log) Forget(ctx context.Context, t id.Tenant) error {
	_, err := l.Delete(ctx, t)
	return err
}

// Delete deletes the log of a tenant, which must be gone itself, and proves it. It
// may be called again after a crash, and then gives the same proof.
func (l *Log) Delete(ctx context.Context, t id.Tenant) (Proof, error) {
	kept, err := l.store.proof(ctx, t)
	if err != nil {
		return Proof{}, err
	}
	if kept == nil {
		if kept, err = l.prove(ctx, t); err != nil {
			return Proof{}, err
		}
	}
	var p Proof
	if err := json.Unmarshal([]byte(kept.Value.Line), &p); err != nil {
		return Proof{}, fmt.Errorf("read proof of %s: %w", t, err)
	}
	// The newest last: what is left of a deletion that a crash cut is found by its
	// first slot, and none of it can be taken for a whole log.
	if err := erase(ctx, l.store.entries, t); err != nil {
		return Proof{}, err
	}
	if err := erase(ctx, l.store.heads, t); err != nil {
		return Proof{}, err
	}
	return p, nil
}

// prove keeps the proof of a deletion that is about to begin.
func (l *Log) prove(ctx context.Context, t id.Tenant) (*docstore.Row[signedRow], error) {
	last, err := l.store.last(ctx, t)
	if err != nil {
		return nil, err
	}
	p := Proof{Kind: kindProof, Tenant: t, Entries: last.Slot, Hash: last.Hash, At: l.now().UTC()}
	line, err := l.signer.sign(&p.Key, &p.Signature, &p)
	if err != nil {
		return nil, err
	}
	err = l.store.proofs.Insert(ctx, string(t), signedRow{Line: line})
	if err != nil && !errors.Is(err, docstore.ErrExists) {
		return nil, fmt.Errorf("keep proof of %s: %w", t, err)
	}
	return l.store.proof(ctx, t) // another replica may have been faster: its proof counts
}

func erase[T any](ctx context.Context, table docstore.Table[T], t id.Tenant) error {
	from, to := ofTenant(t)
	for {
		rows, _, err := table.Find(ctx, docstore.Query{From: from, To: to, Limit: 500})
		if err != nil {
			return fmt.Errorf("find what is left of %s: %w", t, err)
		}
		if len(rows) == 0 {
			return nil
		}
		for _, r := range rows {
			if err := table.Delete(ctx, r.ID, r.Rev); err != nil && !errors.Is(err, docstore.ErrNotFound) {
				return fmt.Errorf("delete %s: %w", r.ID, err)
			}
		}
	}
}
