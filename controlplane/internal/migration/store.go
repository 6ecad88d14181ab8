package migration

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// LogCollection holds the logs of all moves. Its documents carry an outbox.
const LogCollection = "move_log"

const (
	ordersCollection     = "moves"
	activeCollection     = "move_active" // one document a tenant that is being moved
	preflightsCollection = "move_preflights"

	byTenant = "tenant"
	byExpiry = "expiry"
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: ordersCollection, Indexes: []docstore.Index{{Name: byTenant, Fields: []string{"tenant"}}}},
		{Name: LogCollection, Indexes: []docstore.Index{outbox.Index()}},
		{Name: activeCollection},
		{Name: preflightsCollection, Indexes: []docstore.Index{{Name: byExpiry, Fields: []string{"expiry"}}, {Name: byTenant, Fields: []string{"tenant"}}}},
	}
}

// active says that a tenant is being moved, by whom, and how far it is. Its
// insert is what lets one move of a tenant be under way at a time; the rest of it
// is a hint.
type active struct {
	Move     id.Move  `json:"move"`
	Worker   string   `json:"worker,omitempty"`
	Beat     int64    `json:"beat"` // changes while the worker lives
	Progress progress `json:"progress"`
}

// progress is how far copying and comparing are.
type progress struct {
	Copied     map[string]int64 `json:"copied,omitempty"` // documents, by collection
	Verified   map[string]int64 `json:"verified,omitempty"`
	Bytes      int64            `json:"bytes"` // copied
	Cursor     string           `json:"cursor,omitempty"`
	Cursored   string           `json:"cursored,omitempty"` // collection of Cursor
	Lag        int64            `json:"lag"`                // entries
	Eta        *float64         `json:"eta"`                // seconds
	EtaAt      time.Time        `json:"etaAt"`              // when Eta was so much
	WaitingFor string           `json:"waitingFor"`
	State      State            `json:"state"` // in which it waits
}

// books keeps the moves.
type books struct {
	orders     docstore.Table[Order]
	log        docstore.Table[record]
	active     docstore.Table[active]
	preflights docstore.Table[keptPreflight]
}

func newBooks(s docstore.Store) books {
	return books{
		orders:     docstore.TableOf[Order](s, ordersCollection),
		log:        docstore.TableOf[record](s, LogCollection),
		active:     docstore.TableOf[active](s, activeCollection),
		preflights: docstore.TableOf[keptPreflight](s, preflightsCollection),
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// logID sorts like its number, so that the log of a move lies in order.
func logID(m id.Move, n int64) string { return fmt.Sprintf("%s/%06d", m, n) }

// open makes a move: its order, its first record, and, as the decision, the
// tenant's place. A crash in between leaves an order that nobody drives.
func (b books) open(ctx context.Context, o Order) error {
	if err := b.orders.Insert(ctx, string(o.ID), o); err != nil {
		return fmt.Errorf("keep order: %w", err)
	}
	if err := b.append(ctx, o.ID, first(o)); err != nil {
		return err
	}
	err := b.active.Insert(ctx, string(o.Tenant), active{Move: o.ID})
	if errors.Is(err, docstore.ErrExists) {
		return ErrActive
	}
	if err != nil {
		return fmt.Errorf("begin move of %s: %w", o.Tenant, err)
	}
	return nil
}

// append adds a record, or fails with docstore.ErrExists when somebody was faster.
func (b books) append(ctx context.Context, m id.Move, r record) error {
	if err := b.log.Insert(ctx, logID(m, r.N), r); err != nil {
		return fmt.Errorf("append record %d of %s: %w", r.N, m, err)
	}
	return nil
}

// last is the newest record of a move.
func (b books) last(ctx context.Context, m id.Move) (record, error) {
	rows, _, err := b.log.Find(ctx, docstore.Query{From: logID(m, 0), To: string(m) + "0", Desc: true, Limit: 1}) // '0' follows '/'
	if err != nil {
		return record{}, fmt.Errorf("read log of %s: %w", m, err)
	}
	if len(rows) == 0 {
		return record{}, ErrNone
	}
	return rows[0].Value, nil
}

// whole is the log of a move from its beginning.
func (b books) whole(ctx context.Context, m id.Move) ([]record, error) {
	rows, err := b.log.All(ctx, docstore.Query{From: logID(m, 0), To: string(m) + "0", Limit: 1000})
	if err != nil {
		return nil, fmt.Errorf("read log of %s: %w", m, err)
	}
	records := make([]record, len(rows))
	for i, r := range rows {
		records[i] = r.Value
	}
	return records, nil
}

// close frees the tenant for its next move. It may be repeated.
func (b books) close(ctx context.Context, o Order) error {
	for {
		row, err := b.active.Get(ctx, string(o.Tenant))
		if errors.Is(err, docstore.ErrNotFound) || err == nil && row.Value.Move != o.ID {
			return nil
		}
		if err == nil {
			err = b.active.Delete(ctx, row.ID, row.Rev)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, docstore.ErrStale) && fault.KindOf(err) != fault.NotFound {
			return fmt.Errorf("close move of %s: %w", o.Tenant, err)
		}
	}
}

// of is the tenant's present or last move.
func (b books) of(ctx context.Context, t id.Tenant) (Order, error) {
	row, err := b.active.Get(ctx, string(t))
	if err == nil {
		o, err := b.orders.Get(ctx, string(row.Value.Move))
		if err != nil {
			return Order{}, fmt.Errorf("read order: %w", err)
		}
		return o.Value, nil
	}
	if !errors.Is(err, docstore.ErrNotFound) {
		return Order{}, fmt.Errorf("look for move of %s: %w", t, err)
	}
	all, err := b.all(ctx, t, listed)
	if err != nil {
		return Order{}, err
	}
	for _, o := range all {
		// Without a place of its own, what is not over was never begun: another was
		// faster, or a crash came first.
		if last, err := b.last(ctx, o.ID); err == nil && last.over() {
			return o, nil
		} else if err != nil && !errors.Is(err, ErrNone) {
			return Order{}, err
		}
	}
	return Order{}, ErrNone
}

// all are the tenant's moves, newest first. Ids sort by time.
func (b books) all(ctx context.Context, t id.Tenant, limit int) ([]Order, error) {
	rows, _, err := b.orders.Find(ctx, docstore.Query{Index: byTenant, Equal: []any{string(t)}, Desc: true, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("list moves of %s: %w", t, err)
	}
	orders := make([]Order, len(rows))
	for i, r := range rows {
		orders[i] = r.Value
	}
	return orders, nil
}

// keptPreflight is what a customer was shown, to be confirmed by its hash.
type keptPreflight struct {
	Tenant id.Tenant `json:"tenant"`
	Shown  Preflight `json:"shown"`
	Order  Order     `json:"order"`
	Expiry int64     `json:"expiry"` // Unix seconds
}

func (k keptPreflight) expired(now time.Time) bool { return now.Unix() >= k.Expiry }
