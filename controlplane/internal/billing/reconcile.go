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
	reconcileAll  = 6 * time.Hour
)

// Run handles notices as they come and reconciles: everything at the start and
// every six hours, open checkouts every half minute. It runs until ctx ends.
func (x *Inbox) Run(ctx context.Context) error {
	received := x.books.store.notices.Watch(ctx)
	poll := time.NewTicker(inboxPoll)
	defer poll.Stop()
	awaiting := time.NewTicker(awaitingEvery)
	defer awaiting.Stop()
	all := time.NewTicker(reconcileAll)
	defer all.Stop()
	x.attempt(ctx, "reconcile accounts", x.books.Reconcile)
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
		case <-all.C:
			x.attempt(ctx, "reconcile accounts", x.books.Reconcile)
			x.attempt(ctx, "forget old notices", x.forget)
		}
	}
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
