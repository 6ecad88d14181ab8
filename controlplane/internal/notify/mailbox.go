package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
)

const (
	mailsCollection = "mails"
	byDue           = "due"
	byPosted        = "posted"
	byAddress       = "address"
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{{Name: mailsCollection, Indexes: []docstore.Index{
		{Name: byDue, Fields: []string{"state", "next"}},
		{Name: byPosted, Fields: []string{"posted"}},
		{Name: byAddress, Fields: []string{"to"}},
	}}}
}

// Carrier hands a mail to somebody who delivers it. A *Refusal means for good,
// any other error means not now.
type Carrier interface {
	Carry(ctx context.Context, m Mail) error
}

// Refusal is the answer of a mail server that will never take this mail.
type Refusal struct{ Err error }

// Error implements error.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap gives the server's words.
func (r *Refusal) Unwrap() error { return r.Err }

// Mailbox queues mails and delivers them. All methods may be called from many
// goroutines.
type Mailbox struct {
	mails   docstore.Table[Mail]
	words   words
	carrier Carrier // nil: the built-in outbox
	now     func() time.Time
	log     *slog.Logger
}

// New makes a mailbox that delivers through carrier. A nil carrier keeps mails in
// the built-in outbox, which anybody who reaches the product can read: only for
// products that nobody else reaches.
func New(s docstore.Store, carrier Carrier, now func() time.Time, log *slog.Logger) (*Mailbox, error) {
	w, err := parseWords()
	if err != nil {
		return nil, err
	}
	return &Mailbox{mails: docstore.TableOf[Mail](s, mailsCollection), words: w, carrier: carrier, now: now, log: log}, nil
}

// Shows says whether mails end in the built-in outbox.
func (b *Mailbox) Shows() bool { return b.carrier == nil }

// Post queues the letter, once for each key.
func (b *Mailbox) Post(ctx context.Context, key, to string, l Letter) error {
	text, html, err := b.words.write(l)
	if err != nil {
		return err
	}
	now := b.now().UTC()
	m := Mail{
		ID: mailID(key), To: to, Subject: l.Subject(), Text: text, HTML: html, At: now,
		State: Lifecycle.First(), Next: now.UnixMilli(), Posted: now.UnixMilli(),
	}
	if b.Shows() {
		if err := m.move(Kept); err != nil {
			return err
		}
	}
	if err := b.mails.Insert(ctx, string(m.ID), m); err != nil && !errors.Is(err, docstore.ErrExists) {
		return fmt.Errorf("queue mail: %w", err)
	}
	return nil
}

// pollEvery finds what other replicas posted.
const pollEvery = 5 * time.Second

// Run delivers until ctx ends. With the built-in outbox, it shows what an earlier
// mail server left in the queue and then has nothing to do.
func (b *Mailbox) Run(ctx context.Context) error {
	if b.Shows() {
		if err := b.keepQueued(ctx); err != nil {
			b.log.WarnContext(ctx, "mails queued for a mail server are not shown", "err", err)
		}
		<-ctx.Done()
		return nil
	}
	posted := b.mails.Watch(ctx)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := b.Deliver(ctx); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "mails wait", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-posted:
			if !open {
				posted = nil
			}
		case <-tick.C:
		}
	}
}

// keepQueued moves what waits for a mail server into the built-in outbox.
func (b *Mailbox) keepQueued(ctx context.Context) error {
	rows, err := b.mails.All(ctx, docstore.Query{Index: byDue, Equal: []any{string(Queued)}})
	if err != nil {
		return fmt.Errorf("find mails: %w", err)
	}
	for _, row := range rows {
		if err := row.Value.move(Kept); err != nil {
			return err
		}
		if _, err := b.mails.Replace(ctx, row); err != nil {
			return fmt.Errorf("keep mail %s: %w", row.ID, err)
		}
	}
	return nil
}

// Deliver tries every mail that is due, once.
func (b *Mailbox) Deliver(ctx context.Context) error {
	rows, err := b.mails.All(ctx, docstore.Query{Index: byDue, Equal: []any{string(Queued)}, To: b.now().UnixMilli() + 1})
	if err != nil {
		return fmt.Errorf("find mails: %w", err)
	}
	for _, row := range rows {
		if err := b.deliver(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

func (b *Mailbox) deliver(ctx context.Context, row docstore.Row[Mail]) error {
	row.Value.claim(b.now())
	row, err := b.mails.Replace(ctx, row)
	if errors.Is(err, docstore.ErrStale) {
		return nil // another replica was faster
	}
	if err != nil {
		return fmt.Errorf("claim mail %s: %w", row.ID, err)
	}
	failure := b.carrier.Carry(ctx, row.Value)
	if failure != nil && ctx.Err() != nil {
		return ctx.Err() // we stopped, not the mail server; the lease runs out by itself
	}
	var refusal *Refusal
	if err := row.Value.settle(b.now(), failure, errors.As(failure, &refusal)); err != nil {
		return err
	}
	if row.Value.State != Sent {
		b.log.WarnContext(ctx, "mail not delivered", "mail", row.ID, "attempt", row.Value.Attempts, "state", string(row.Value.State), "err", failure)
	}
	if _, err := b.mails.Replace(ctx, row); err != nil {
		return fmt.Errorf("note delivery of mail %s: %w", row.ID, err)
	}
	return nil
}

// Newest lists at most limit mails, newest first.
func (b *Mailbox) Newest(ctx context.Context, limit int) ([]Mail, error) {
	rows, _, err := b.mails.Find(ctx, docstore.Query{Index: byPosted, Desc: true, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("list mails: %w", err)
	}
	mails := make([]Mail, len(rows))
	for i, row := range rows {
		mails[i] = row.Value
	}
	return mails, nil
}
