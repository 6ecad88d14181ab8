package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/state"
)

// noticeMax is the largest notice that is read.
const noticeMax = 256 << 10

// NoticeState is how far a notice is.
type NoticeState string

// The states of a notice.
const (
	Received  NoticeState = "received"
	Handled   NoticeState = "handled"
	Abandoned NoticeState = "abandoned" // the reconciler repairs what it told of
)

// NoticeEvent is what happens to a notice.
type NoticeEvent string

// The events of a notice.
const (
	Synced     NoticeEvent = "synced"
	SyncFailed NoticeEvent = "sync failed"
	GivenUp    NoticeEvent = "given up"
)

// NoticeLifecycle is the life of a notice in the inbox.
var NoticeLifecycle = state.New(Received, state.Table[NoticeState, NoticeEvent]{
	Received:  {Synced: Handled, SyncFailed: Received, GivenUp: Abandoned},
	Handled:   {},
	Abandoned: {},
})

// inboxRow is a notice that we answered for.
type inboxRow struct {
	Type     string      `json:"type"`
	Customer string      `json:"customer"`
	Object   string      `json:"object,omitempty"`
	ObjectID string      `json:"objectId,omitempty"`
	Created  time.Time   `json:"created"`
	Received time.Time   `json:"received"`
	Body     string      `json:"body"` // as it was signed, for the record
	State    NoticeState `json:"state"`
	Attempts int         `json:"attempts"`
	Next     int64       `json:"next"` // Unix milliseconds: of the next attempt, or of the end
	Reason   string      `json:"reason,omitempty"`
}

const (
	noticeAttemptsMax = 20
	noticeRetryFirst  = 2 * time.Second
	noticeRetryMax    = 10 * time.Minute
	noticesKept       = 30 * 24 * time.Hour
	noticesAtOnce     = 500
)

func (r *inboxRow) settle(failure error, now time.Time) error {
	e := Synced
	r.Reason, r.Next = "", now.UnixMilli()
	if failure != nil {
		r.Attempts++
		e, r.Reason = SyncFailed, failure.Error()
		pause := noticeRetryMax
		if shift := r.Attempts - 1; shift < 9 {
			pause = min(noticeRetryMax, noticeRetryFirst<<shift)
		}
		r.Next = now.Add(pause).UnixMilli()
		if r.Attempts >= noticeAttemptsMax {
			e = GivenUp
		}
	}
	next, err := NoticeLifecycle.Next(r.State, e)
	r.State = next
	return err
}

// Inbox takes the provider's notices in and carries out what they ask for. All
// methods may be called from many goroutines.
type Inbox struct {
	books   *Books
	notices Notices
}

// NewInbox reads signatures with n.
func NewInbox(b *Books, n Notices) *Inbox { return &Inbox{books: b, notices: n} }

// Receive takes a notice in. When it returns nil, the notice is durable; one that
// was received before is taken for received. It fails with an ErrNotice fault, or
// with fault.Unavailable, after which the provider sends it again.
func (x *Inbox) Receive(ctx context.Context, payload []byte, signature string) error {
	if len(payload) > noticeMax {
		return ErrNoticeTooLarge
	}
	n, err := x.notices.Read(payload, signature)
	if err != nil {
		return err
	}
	n.Body = payload
	return x.keep(ctx, n)
}

// keep makes a notice durable; one that is there already stays as it is.
func (x *Inbox) keep(ctx context.Context, n Notice) error {
	now := x.books.now().UTC()
	err := x.books.store.notices.Insert(ctx, n.ID, inboxRow{
		Type: n.Type, Customer: n.Customer, Object: n.Object, ObjectID: n.ObjectID, Created: n.Created, Received: now, Body: string(n.Body),
		State: NoticeLifecycle.First(), Next: now.UnixMilli(),
	})
	if err != nil && !errors.Is(err, docstore.ErrExists) {
		return fmt.Errorf("keep notice %s: %w", n.ID, err)
	}
	return nil
}

// Handle carries out the notices that are due: one fetch for each customer,
// however many notices there are.
func (x *Inbox) Handle(ctx context.Context) error {
	rows, _, err := x.books.store.notices.Find(ctx, docstore.Query{
		Index: byDue, Equal: []any{string(Received)}, To: x.books.now().UnixMilli() + 1, Limit: noticesAtOnce,
	})
	if err != nil {
		return fmt.Errorf("find notices: %w", err)
	}
	synced := map[string]error{}
	for _, row := range rows {
		about := row.Value.about()
		failure, done := synced[about]
		if !done {
			failure = x.lookAt(ctx, row.Value)
			if ctx.Err() != nil {
				return ctx.Err() // we stop; the notice stays due
			}
			synced[about] = failure
		}
		if failure != nil {
			x.books.log.WarnContext(ctx, "notice waits", "notice", row.ID, "type", row.Value.Type, "attempt", row.Value.Attempts+1, "err", failure)
		}
		if err := row.Value.settle(failure, x.books.now()); err != nil {
			return err
		}
		// Stale: another replica handled the same notice, to the same effect.
		if _, err := x.books.store.notices.Replace(ctx, row); err != nil && !errors.Is(err, docstore.ErrStale) {
			return fmt.Errorf("settle notice %s: %w", row.ID, err)
		}
	}
	return nil
}

// warns says whether the notice is about a dispute or a warning of the bank.
func (r *inboxRow) warns() bool { return r.Object == objectDispute || r.Object == objectFraud }

// about names what is fetched for the notice.
func (r *inboxRow) about() string {
	if r.warns() {
		return r.Object + " " + r.ObjectID
	}
	return r.Customer
}

// lookAt fetches what the notice is about.
func (x *Inbox) lookAt(ctx context.Context, r inboxRow) error {
	if r.warns() {
		return x.books.Warned(ctx, r.Object, r.ObjectID)
	}
	return x.sync(ctx, r.Customer)
}

func (x *Inbox) sync(ctx context.Context, customer string) error {
	if customer == "" {
		return nil // about no customer
	}
	t, ours, err := x.books.store.tenantOf(ctx, customer)
	if err != nil || !ours {
		return err // the provider's account may serve other products too
	}
	_, err = x.books.SyncCustomer(ctx, t)
	return err
}

// forget deletes the notices that ended long ago.
func (x *Inbox) forget(ctx context.Context) error {
	for _, ended := range []NoticeState{Handled, Abandoned} {
		rows, err := x.books.store.notices.All(ctx, docstore.Query{
			Index: byDue, Equal: []any{string(ended)}, To: x.books.now().Add(-noticesKept).UnixMilli(),
		})
		if err != nil {
			return fmt.Errorf("find old notices: %w", err)
		}
		for _, row := range rows {
			if err := x.books.store.notices.Delete(ctx, row.ID, row.Rev); err != nil && !errors.Is(err, docstore.ErrStale) && !errors.Is(err, docstore.ErrNotFound) {
				return fmt.Errorf("delete notice %s: %w", row.ID, err)
			}
		}
	}
	return nil
}
