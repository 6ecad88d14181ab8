package billingsandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/shared/docstore"
)

// object is what the API shows, with what it is found by.
type object interface {
	found() found
	remembers() *memo
}

// found is what an object is found by.
type found struct {
	id       string
	kind     kind
	customer string
	email    string
	lookup   string
	due      int64 // when time does something to it; 0 is never
}

// hidden is embedded in every object that the sandbox stores.
type hidden struct {
	Memo memo `json:"-"`
}

func (h *hidden) remembers() *memo { return &h.Memo }

// tx is what one call, or one step of time, reads and changes. It is written as a
// whole or not at all. Within it there is one value per object, so that what one
// part changes the others see. Whoever has one that writes holds writing.
type tx struct {
	ctx     context.Context
	b       *Sandbox
	now     int64         // Unix seconds, on the clock of whomever it is about
	request *eventRequest // nil for what no request caused
	held    map[string]*held
	order   []string
	ops     []docstore.Op
	after   func(context.Context) error // what follows once it is written and nobody waits
}

type held struct {
	object object
	rec    record
	rev    int64
	dirty  bool
	gone   bool
}

func (b *Sandbox) begin(ctx context.Context, c call) *tx {
	return &tx{
		ctx: ctx, b: b, now: b.Now().Unix(), held: map[string]*held{},
		request: &eventRequest{ID: ref(c.request), IdempotencyKey: ref(c.key)},
	}
}

// stored is a pointer to an object.
type stored[T any] interface {
	*T
	object
}

// get reads an object. It fails like Stripe when there is none.
func get[T any, P stored[T]](t *tx, id string) (P, error) {
	var none T
	k := P(&none).found().kind
	if h, ok := t.held[id]; ok {
		if p, ok := h.object.(P); ok && !h.gone {
			return p, nil
		}
		return nil, missing(k, id)
	}
	row, err := t.b.objects.Get(t.ctx, id)
	if errors.Is(err, docstore.ErrNotFound) || errors.Is(err, docstore.ErrInvalid) || err == nil && row.Value.Kind != k {
		return nil, missing(k, id)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", id, err)
	}
	return hold[T, P](t, row)
}

func hold[T any, P stored[T]](t *tx, row docstore.Row[record]) (P, error) {
	if h, ok := t.held[row.ID]; ok {
		if p, ok := h.object.(P); ok {
			return p, nil
		}
	}
	p := P(new(T))
	if err := json.Unmarshal(row.Value.Object, p); err != nil {
		return nil, fmt.Errorf("decode %s: %w", row.ID, err)
	}
	*p.remembers() = row.Value.memo
	t.held[row.ID] = &held{object: p, rec: row.Value, rev: row.Rev}
	return p, nil
}

// every reads all objects that a query finds, the oldest first.
func every[T any, P stored[T]](t *tx, q docstore.Query) ([]P, error) {
	rows, err := t.b.objects.All(t.ctx, q)
	if err != nil {
		return nil, fmt.Errorf("find objects: %w", err)
	}
	var out []P
	for _, row := range rows {
		p, err := hold[T, P](t, row)
		if err != nil {
			return nil, err
		}
		if !t.held[row.ID].gone {
			out = append(out, p)
		}
	}
	return out, nil
}

// save makes an object or keeps what changed of it.
func (t *tx) save(o object) {
	id := o.found().id
	h, ok := t.held[id]
	if !ok {
		t.b.order = max(t.b.order+1, t.b.real().UnixNano())
		h = &held{object: o, rec: record{Order: t.b.order}}
		t.held[id] = h
	}
	h.object = o
	if !h.dirty {
		h.dirty = true
		t.order = append(t.order, id)
	}
}

// remove deletes an object.
func (t *tx) remove(o object) {
	t.save(o)
	t.held[o.found().id].gone = true
}

// announce adds an event about an object as it is now, and its deliveries. Before
// holds earlier values of what changed, for "*.updated".
func (t *tx) announce(kindOfEvent string, o any, before ...map[string]any) {
	raw, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", o, err)) // our own structs always encode
	}
	e := &event{
		ID: name(kindEvent, ""), Object: kindEvent, APIVersion: stripe.APIVersion, Created: t.now,
		PendingWebhooks: 1, Type: kindOfEvent, Request: t.request, Data: eventData{Object: raw},
	}
	if len(before) > 0 && len(before[0]) > 0 {
		e.Data.PreviousAttributes = before[0]
	}
	t.save(e)
}

// at sets the time to that of whoever it is about.
func (t *tx) at(customerID string) error {
	if customerID == "" {
		return nil
	}
	of, err := get[customer](t, customerID)
	if err != nil || of.TestClock == "" {
		return err
	}
	clock, err := get[testClock](t, string(of.TestClock))
	if err != nil {
		return err
	}
	t.now = clock.FrozenTime
	return nil
}

// time is now.
func (t *tx) time() time.Time { return time.Unix(t.now, 0).UTC() }

// clockOf names the clock by which an object of a customer lives.
func (t *tx) clockOf(customerID string) string {
	if of, err := get[customer](t, customerID); err == nil && of.TestClock != "" {
		return string(of.TestClock)
	}
	return sandboxClock
}

// steps are the writes.
func (t *tx) steps() ([]docstore.Op, error) {
	ops := slices.Clone(t.ops)
	for _, id := range t.order {
		h := t.held[id]
		if h.gone {
			ops = append(ops, docstore.Op{Kind: docstore.OpRemove, Collection: objectsCollection, Doc: docstore.Document{ID: id, Rev: h.rev + 1}})
			continue
		}
		f := h.object.found()
		raw, err := json.Marshal(h.object)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", id, err)
		}
		h.rec = record{
			Kind: f.kind, Order: h.rec.Order, Customer: f.customer, Email: f.email, Lookup: f.lookup,
			Object: raw, memo: *h.object.remembers(),
		}
		if f.due != 0 {
			h.rec.Due, h.rec.Clock = f.due, t.clockOf(f.customer)
		}
		if ops, err = put(ops, objectsCollection, id, h.rev+1, h.rec); err != nil {
			return nil, err
		}
		if f.kind == kindEvent {
			if ops, err = t.deliver(ops, h.object.(*event)); err != nil {
				return nil, err
			}
		}
	}
	return ops, nil
}

func put(ops []docstore.Op, collection, id string, rev int64, body any) ([]docstore.Op, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", id, err)
	}
	return append(ops, docstore.Op{Kind: docstore.OpPut, Collection: collection, Doc: docstore.Document{ID: id, Rev: rev, Body: raw}}), nil
}

// journalID is the one document in which a change is noted before it is made.
const journalID = "journal"

// journal is a change that may have happened in part only.
type journal struct {
	Steps []journalStep `json:"steps"`
}

type journalStep struct {
	Remove     bool            `json:"remove,omitempty"`
	Collection string          `json:"collection"`
	ID         string          `json:"id"`
	Rev        int64           `json:"rev,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"`
}

// commit writes it all. A store may stop in the middle of a batch, so the change
// is noted first; recover makes it whole.
func (t *tx) commit() error {
	ops, err := t.steps()
	if err != nil || len(ops) == 0 {
		return err
	}
	var j journal
	for _, op := range ops {
		j.Steps = append(j.Steps, journalStep{op.Kind == docstore.OpRemove, op.Collection, op.Doc.ID, op.Doc.Rev, op.Doc.Body})
	}
	noted, err := put(nil, settingsCollection, journalID, 1, j)
	if err != nil {
		return err
	}
	t.b.unsure = true
	if err := t.b.store.Batch(t.ctx, noted...); err != nil {
		return fmt.Errorf("note change: %w", err)
	}
	if err := t.b.write(t.ctx, ops); err != nil {
		return fmt.Errorf("keep change: %w", err)
	}
	for _, id := range t.order {
		t.held[id].rev++
		t.held[id].dirty = false
	}
	t.order, t.ops = nil, nil
	return nil
}

func (b *Sandbox) write(ctx context.Context, ops []docstore.Op) error {
	done := docstore.Op{Kind: docstore.OpRemove, Collection: settingsCollection, Doc: docstore.Document{ID: journalID, Rev: 1}}
	if err := b.store.Batch(ctx, append(ops, done)...); err != nil {
		return err
	}
	b.unsure = false
	return nil
}

// recover makes a change whole that was cut short. The caller holds writing.
func (b *Sandbox) recover(ctx context.Context) error {
	if !b.unsure {
		return nil
	}
	d, err := b.store.Get(ctx, settingsCollection, journalID)
	if errors.Is(err, docstore.ErrNotFound) {
		b.unsure = false
		return nil
	}
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	var j journal
	if err := json.Unmarshal(d.Body, &j); err != nil {
		return fmt.Errorf("decode journal: %w", err)
	}
	ops := make([]docstore.Op, 0, len(j.Steps)+1)
	for _, s := range j.Steps {
		op := docstore.Op{Kind: docstore.OpPut, Collection: s.Collection, Doc: docstore.Document{ID: s.ID, Rev: s.Rev, Body: s.Body}}
		if s.Remove {
			op = docstore.Op{Kind: docstore.OpRemove, Collection: s.Collection, Doc: docstore.Document{ID: s.ID, Rev: s.Rev}}
		}
		ops = append(ops, op)
	}
	if err := b.write(ctx, ops); err != nil {
		return fmt.Errorf("finish change: %w", err)
	}
	return nil
}

// saveFirst is save, but before everything else that is written: it gives up what
// another object takes.
func (t *tx) saveFirst(o object) {
	t.save(o)
	id := o.found().id
	t.order = append([]string{id}, slices.DeleteFunc(t.order, func(x string) bool { return x == id })...)
}
