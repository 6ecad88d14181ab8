package billing

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// End makes sure that a tenant that closes pays nothing any more: an open checkout page
// is closed and a running subscription ends now, without giving anything back. It may be
// repeated. It fails with ErrChanging while a change of plan is under way.
func (b *Books) End(ctx context.Context, t id.Tenant) error {
	a, err := b.SyncCustomer(ctx, t)
	if err != nil {
		return err
	}
	if a.Checkout != nil && a.Checkout.ID != "" {
		if err := b.provider.ExpireCheckout(ctx, a.Checkout.ID); err != nil && !errors.Is(err, ErrCheckoutOver) {
			return fmt.Errorf("close checkout of %s: %w", t, err)
		}
		// It may have been paid in the last moment.
		if a, err = b.SyncCustomer(ctx, t); err != nil {
			return err
		}
	}
	if !a.Snapshot.Live() {
		return nil
	}
	if a, err = b.settled(ctx, t); err != nil {
		return err
	}
	if a.underWay("") {
		return ErrChanging
	}
	if err := b.provider.End(ctx, a.Snapshot.Subscription); err != nil {
		return fmt.Errorf("end subscription of %s: %w", t, err)
	}
	if a, err = b.SyncCustomer(ctx, t); err != nil {
		return err
	}
	if a.Snapshot.Live() {
		return ErrProvider.Because(fmt.Errorf("the subscription of %s is still %s", t, a.Snapshot.Status))
	}
	return nil
}

// Holds is how many accounts a tenant has: one or none.
func (b *Books) Holds(ctx context.Context, t id.Tenant) (int, error) {
	row, err := b.store.account(ctx, t)
	return int(min(row.Rev, 1)), err
}

// Forget deletes the account of a tenant that is being erased. What the payment service
// keeps, such as invoices, is kept there for as long as the law says.
func (b *Books) Forget(ctx context.Context, t id.Tenant) error {
	for {
		row, err := b.store.account(ctx, t)
		if err != nil || row.Rev == 0 {
			return err
		}
		err = b.store.accounts.Delete(ctx, row.ID, row.Rev)
		if err == nil || errors.Is(err, docstore.ErrNotFound) {
			return nil
		}
		if !errors.Is(err, docstore.ErrStale) {
			return fmt.Errorf("delete account of %s: %w", t, err)
		}
	}
}

// Told is what is kept about a tenant, for its export. The address of a checkout page is
// not in it: who has it can pay there.
type Told struct {
	Payer    Payer    `json:"payer"`
	Customer string   `json:"customer,omitempty"` // at the payment service
	Snapshot Snapshot `json:"snapshot"`
	Changes  []Change `json:"changes"`
}

// Tell reads it.
func (b *Books) Tell(ctx context.Context, t id.Tenant) (Told, error) {
	row, err := b.store.account(ctx, t)
	a := row.Value
	return Told{Payer: a.Payer, Customer: a.Customer, Snapshot: a.Snapshot, Changes: a.Changes}, err
}
