package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// The collections. Entries and heads are named after tenant and slot, so that two
// processes cannot fill one slot; proofs after the tenant.
const (
	entriesCollection = "audit_entries"
	headsCollection   = "audit_heads"
	proofsCollection  = "audit_proofs"

	byEvent  = "event"
	byTime   = "time"
	byActor  = "actor"
	byAction = "action"
	byBoth   = "both"
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: entriesCollection, Indexes: []docstore.Index{
			{Name: byEvent, Fields: []string{"event"}, Unique: true},
			{Name: byTime, Fields: []string{"tenant", "at"}},
			{Name: byActor, Fields: []string{"tenant", "actor", "at"}},
			{Name: byAction, Fields: []string{"tenant", "action", "at"}},
			{Name: byBoth, Fields: []string{"tenant", "actor", "action", "at"}},
		}},
		{Name: headsCollection},
		{Name: proofsCollection},
	}
}

// row is how an entry is stored: its line, and by what it is found. The line is the
// entry; the rest follows from it, and the check compares the two.
type row struct {
	Tenant id.Tenant `json:"tenant"`
	Event  string    `json:"event"`
	At     int64     `json:"at"` // Unix milliseconds
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	Line   string    `json:"line"`
}

func rowOf(e Entry, line string) row {
	return row{Tenant: e.Tenant, Event: e.Event, At: e.At.UnixMilli(), Actor: e.who(), Action: e.Action, Line: line}
}

// signedRow is how a head or a proof is stored.
type signedRow struct {
	Line string `json:"line"`
}

type store struct {
	entries docstore.Table[row]
	heads   docstore.Table[signedRow]
	proofs  docstore.Table[signedRow]
}

func newStore(s docstore.Store) store {
	return store{
		entries: docstore.TableOf[row](s, entriesCollection),
		heads:   docstore.TableOf[signedRow](s, headsCollection),
		proofs:  docstore.TableOf[signedRow](s, proofsCollection),
	}
}

// last is the newest entry of a tenant; the zero Entry when there is none.
func (s store) last(ctx context.Context, t id.Tenant) (Entry, error) {
	from, to := ofTenant(t)
	rows, _, err := s.entries.Find(ctx, docstore.Query{From: from, To: to, Desc: true, Limit: 1})
	if err != nil {
		return Entry{}, fmt.Errorf("find the last entry of %s: %w", t, err)
	}
	if len(rows) == 0 {
		return Entry{Hash: genesis}, nil
	}
	e, err := openEntry(rows[0].Value.Line)
	if err != nil {
		// The log goes on behind a damaged entry, or nothing could be noted any more;
		// the check tells of the damage for ever.
		e = Entry{Hash: digest([]byte(rows[0].Value.Line))}
		if e.Slot, err = slotOf(t, rows[0].ID); err != nil {
			return Entry{}, err
		}
	}
	return e, nil
}

// lastHead is the newest head of a tenant; the zero Head when there is none.
func (s store) lastHead(ctx context.Context, t id.Tenant) (Head, error) {
	from, to := ofTenant(t)
	rows, _, err := s.heads.Find(ctx, docstore.Query{From: from, To: to, Desc: true, Limit: 1})
	if err != nil || len(rows) == 0 {
		return Head{}, err
	}
	h, err := openHead(rows[0].Value.Line)
	if err != nil {
		return Head{}, nil //nolint:nilerr // a damaged head is told by the check; a new one is signed
	}
	return h, nil
}

// has says whether an event has its entry.
func (s store) has(ctx context.Context, event string) (bool, error) {
	rows, _, err := s.entries.Find(ctx, docstore.Query{Index: byEvent, Equal: []any{event}, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("find event %s: %w", event, err)
	}
	return len(rows) > 0, nil
}

// proof is that of a deleted log; nil when the log was not deleted.
func (s store) proof(ctx context.Context, t id.Tenant) (*docstore.Row[signedRow], error) {
	r, err := s.proofs.Get(ctx, string(t))
	if errors.Is(err, docstore.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read proof of %s: %w", t, err)
	}
	return &r, nil
}
