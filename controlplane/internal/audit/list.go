package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// Filter picks entries. Empty fields pick all.
type Filter struct {
	Actor    string // an address, or "product"
	Action   string
	From, To time.Time // From counts, To does not; zero is none
	Cursor   string
	Limit    int
}

// query is the filter over the index that has all of it.
func (f Filter) query(t id.Tenant) docstore.Query {
	q := docstore.Query{Index: byTime, Equal: []any{string(t)}, Desc: true, Limit: f.Limit, After: f.Cursor}
	actor := strings.ToLower(strings.TrimSpace(f.Actor))
	switch {
	case actor != "" && f.Action != "":
		q.Index, q.Equal = byBoth, append(q.Equal, actor, f.Action)
	case actor != "":
		q.Index, q.Equal = byActor, append(q.Equal, actor)
	case f.Action != "":
		q.Index, q.Equal = byAction, append(q.Equal, f.Action)
	}
	if !f.From.IsZero() {
		q.From = f.From.UnixMilli()
	}
	if !f.To.IsZero() {
		q.To = f.To.UnixMilli()
	}
	return q
}

// AuditEntry is an entry for people.
type AuditEntry struct {
	Slot   int64           `json:"slot"`
	Event  string          `json:"event"`
	At     time.Time       `json:"at"`
	Noted  time.Time       `json:"noted" doc:"when the entry was made; later than at when the event arrived late"`
	Actor  *AuditActor     `json:"actor" doc:"null when the product did it by itself"`
	Action string          `json:"action"`
	Title  string          `json:"title" doc:"the action in words"`
	Target string          `json:"target"`
	Result Result          `json:"result" enum:"done,refused,failed"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	Data   json.RawMessage `json:"data,omitempty"`
	Hash   string          `json:"hash"`
}

// AuditActor is an actor, or null.
type AuditActor struct {
	_ struct{} `nullable:"true"`

	contract.Actor
}

// List gives entries of a tenant, the latest first, and the cursor of the next page.
func (l *Log) List(ctx context.Context, t id.Tenant, f Filter) ([]AuditEntry, string, error) {
	rows, next, err := l.store.entries.Find(ctx, f.query(t))
	if fault.KindOf(err) == fault.Invalid {
		return nil, "", ErrFilter.Because(err)
	}
	if err != nil {
		return nil, "", fmt.Errorf("find entries of %s: %w", t, err)
	}
	views := make([]AuditEntry, 0, len(rows))
	for _, r := range rows {
		e, err := openEntry(r.Value.Line)
		if err != nil {
			// It is shown as far as it goes; the check tells of it.
			e = Entry{Action: r.Value.Action, Event: r.Value.Event, At: time.UnixMilli(r.Value.At).UTC(), Target: "this entry was altered", Result: Failed}
		}
		v := AuditEntry{
			Slot: e.Slot, Event: e.Event, At: e.At, Noted: e.Noted, Action: e.Action, Title: title(e.Action), Target: e.Target,
			Result: e.Result, Before: e.Before, After: e.After, Data: e.Data, Hash: e.Hash,
		}
		if e.Actor != nil {
			v.Actor = &AuditActor{Actor: *e.Actor}
		}
		views = append(views, v)
	}
	return views, next, nil
}
