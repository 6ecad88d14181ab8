package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	inboxPoll     = time.Second      // finds what other replicas received
	awaitingEvery = 30 * time.Second // for open checkouts whose notice never came
	lettersEvery  = time.Minute
	sweepEvery    = 5 * time.Minute // for notices that never came, and use to be told

	// nightlyHour is when all accounts are compared, in UTC.
	nightlyHour = 2
	// undeliveredFirst is how far the first look for notices goes back: as long as
	// the provider tries to deliver one.
	undeliveredFirst = 3 * day
	// undeliveredOverlap covers clocks that differ and notices that appear late.
	undeliveredOverlap = 15 * time.Minute

	markUndelivered = "undelivered"
	markNightly     = "nightly"
)

// Run handles notices as they come and reconciles: everything at the start and every
// night, open checkouts every half minute, notices that were never delivered every
// five minutes. It runs until ctx ends.
func (x *Inbox) Run(ctx context.Context) error {
	received := x.books.store.notices.Watch(ctx)
	poll, awaiting := time.NewTicker(inboxPoll), time.NewTicker(awaitingEvery)
	letters, sweep := time.NewTicker(lettersEvery), time.NewTicker(sweepEvery)
	for _, t := range []*time.Ticker{poll, awaiting, letters, sweep} {
		defer t.Stop()
	}
	x.attempt(ctx, "reconcile accounts", x.books.Reconcile)
	x.sweep(ctx)
	for {
		x.attempt(ctx, "handle notices", x.Handle)
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-received:
			if !open {
				received = nil
			}
		case <-poll.C:
		case <-awaiting.C:
			x.attempt(ctx, "look after open checkouts", x.books.reconcileAwaiting)
		case <-letters.C:
			x.attempt(ctx, "write letters", x.books.WriteLetters)
		case <-sweep.C:
			x.sweep(ctx)
		}
	}
}

// sweep does what is done every few minutes.
func (x *Inbox) sweep(ctx context.Context) {
	x.attempt(ctx, "look for undelivered notices", x.FetchUndelivered)
	x.attempt(ctx, "tell what was used", x.books.TellUsage)
	x.attempt(ctx, "compare accounts", x.nightly)
}

// FetchUndelivered takes in the notices that the provider could not deliver since the
// last time, as if they had come.
func (x *Inbox) FetchUndelivered(ctx context.Context) error {
	b := x.books
	began := b.now().UTC()
	row, err := b.store.marks.Get(ctx, markUndelivered)
	since := row.Value.At.Add(-undeliveredOverlap)
	if errors.Is(err, docstore.ErrNotFound) {
		since = began.Add(-undeliveredFirst)
	} else if err != nil {
		return fmt.Errorf("read watermark: %w", err)
	}
	if err := b.provider.Undelivered(ctx, since, func(n Notice) error { return x.keep(ctx, n) }); err != nil {
		return fmt.Errorf("fetch undelivered notices: %w", err)
	}
	// Only now: dying before it looks at the same span again.
	if row.Rev == 0 {
		err = b.store.marks.Insert(ctx, markUndelivered, mark{At: began})
	} else {
		row.Value.At = began
		_, err = b.store.marks.Replace(ctx, row)
	}
	if err != nil && !errors.Is(err, docstore.ErrExists) && !errors.Is(err, docstore.ErrStale) {
		return fmt.Errorf("note watermark: %w", err)
	}
	return nil
}

// nightly compares all accounts once a night, on one replica.
func (x *Inbox) nightly(ctx context.Context) error {
	b := x.books
	now := b.now().UTC()
	tonight := time.Date(now.Year(), now.Month(), now.Day(), nightlyHour, 0, 0, 0, time.UTC)
	row, err := b.store.marks.Get(ctx, markNightly)
	switch {
	case errors.Is(err, docstore.ErrNotFound):
		// The start has just looked at all of them.
		if err := b.store.marks.Insert(ctx, markNightly, mark{At: now}); err != nil && !errors.Is(err, docstore.ErrExists) {
			return fmt.Errorf("note comparison: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("read last comparison: %w", err)
	case now.Before(tonight), !row.Value.At.Before(tonight):
		return nil
	}
	row.Value.At = now
	if _, err := b.store.marks.Replace(ctx, row); errors.Is(err, docstore.ErrStale) {
		return nil // another replica compares
	} else if err != nil {
		return fmt.Errorf("claim comparison: %w", err)
	}
	return errors.Join(b.Compare(ctx), x.forget(ctx))
}

// Compare fetches every customer and repairs what differs from what we know. A
// difference that no waiting notice explains counts as drift: an account had gone
// wrong without anybody noticing.
func (b *Books) Compare(ctx context.Context) error {
	rows, err := b.store.accounts.All(ctx, docstore.Query{Index: byCustomer})
	if err != nil {
		return fmt.Errorf("list accounts: %w", err)
	}
	var failed []error
	for _, row := range rows {
		failed = append(failed, b.compare(ctx, row.Value))
		for _, w := range row.Value.Warnings {
			if w.Open {
				failed = append(failed, b.Warned(ctx, w.Object, w.ID))
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(failed...)
}

func (b *Books) compare(ctx context.Context, a Account) error {
	_, err := b.lanes.do(ctx, a.Tenant, func() (Account, error) {
		row, err := b.store.account(ctx, a.Tenant)
		if err != nil {
			return a, err
		}
		after, err := b.sync(ctx, a.Tenant)
		if err != nil || !row.Value.Snapshot.differs(after.Snapshot) {
			return after, err
		}
		waiting, _, err := b.store.notices.Find(ctx, docstore.Query{Index: byWaiting, Equal: []any{a.Customer, string(Received)}, Limit: 1})
		if err != nil {
			return after, fmt.Errorf("look for waiting notices: %w", err)
		}
		if len(waiting) == 0 {
			b.drift.Inc()
			b.log.ErrorContext(ctx, "an account had drifted from the payment service and is repaired", "tenant", a.Tenant, "customer", a.Customer,
				"was", row.Value.Snapshot.Status, "is", after.Snapshot.Status, "plan_was", row.Value.Snapshot.Plan, "plan_is", after.Snapshot.Plan)
		}
		return after, nil
	})
	return err
}

func (x *Inbox) attempt(ctx context.Context, what string, do func(context.Context) error) {
	if err := do(ctx); err != nil && ctx.Err() == nil {
		x.books.log.WarnContext(ctx, "billing will try again", "what", what, "err", err)
	}
}

// Reconcile syncs every account that has a customer. One that fails does not keep
// the others from it.
func (b *Books) Reconcile(ctx context.Context) error {
	return b.syncAll(ctx, docstore.Query{Index: byCustomer})
}

// reconcileAwaiting syncs the accounts with an open checkout.
func (b *Books) reconcileAwaiting(ctx context.Context) error {
	return b.syncAll(ctx, docstore.Query{Index: byAwaiting})
}

func (b *Books) syncAll(ctx context.Context, q docstore.Query) error {
	rows, err := b.store.accounts.All(ctx, q)
	if err != nil {
		return fmt.Errorf("list accounts: %w", err)
	}
	var failed []error
	for _, row := range rows {
		if _, err := b.SyncCustomer(ctx, id.Tenant(row.ID)); err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(failed...)
}

// EachActive calls visit for every tenant whose access is active now, with its
// plan. It walks all accounts: what is derived from them can be rebuilt without
// any event.
func (b *Books) EachActive(ctx context.Context, visit func(ctx context.Context, t id.Tenant, p PlanID) error) error {
	q := docstore.Query{Limit: 500}
	for {
		rows, next, err := b.store.accounts.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("walk accounts: %w", err)
		}
		for _, row := range rows {
			standing, err := row.Value.standing(b.now())
			if err != nil {
				return err
			}
			if standing.Access != Active || standing.Plan == nil {
				continue
			}
			if err := visit(ctx, row.Value.Tenant, standing.Plan.ID); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		q.After = next
	}
}
