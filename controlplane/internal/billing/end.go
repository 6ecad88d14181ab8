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

// Holds is how many documents about a tenant there are: its account, the claims of its
// trial, and the ledger of what it used.
func (b *Books) Holds(ctx context.Context, t id.Tenant) (int, error) {
	row, err := b.store.account(ctx, t)
	if err != nil {
		return 0, err
	}
	left, err := b.store.besides(ctx, t)
	return int(min(row.Rev, 1)) + len(left), err
}

// Forget deletes what is kept of a tenant that is being erased. What the payment service
// keeps, such as invoices, is kept there for as long as the law says; that an address or
// a card has had its trial stays known, without the tenant.
func (b *Books) Forget(ctx context.Context, t id.Tenant) error {
	left, err := b.store.besides(ctx, t)
	if err != nil {
		return err
	}
	for _, forget := range left {
		if err := forget(ctx); err != nil && !errors.Is(err, docstore.ErrNotFound) && !errors.Is(err, docstore.ErrStale) {
			return fmt.Errorf("forget what %s used: %w", t, err)
		}
	}
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

// besides is what makes each document but the account forget the tenant.
func (s store) besides(ctx context.Context, t id.Tenant) (forget []func(context.Context) error, err error) {
	claims, err := s.trials.All(ctx, docstore.Query{Index: byTenant, Equal: []any{string(t)}})
	if err != nil {
		return nil, fmt.Errorf("find trials of %s: %w", t, err)
	}
	for _, row := range claims {
		forget = append(forget, func(ctx context.Context) error {
			row.Value.Tenant = ""
			_, err := s.trials.Replace(ctx, row)
			return err
		})
	}
	own := docstore.Query{From: string(t) + "/", To: string(t) + "0"} // '0' follows '/'
	lines, err := s.usage.All(ctx, own)
	if err != nil {
		return nil, fmt.Errorf("find use of %s: %w", t, err)
	}
	for _, row := range lines {
		forget = append(forget, func(ctx context.Context) error { return s.usage.Delete(ctx, row.ID, row.Rev) })
	}
	hours, err := s.hours.All(ctx, own)
	if err != nil {
		return nil, fmt.Errorf("find hours of %s: %w", t, err)
	}
	for _, row := range hours {
		forget = append(forget, func(ctx context.Context) error { return s.hours.Delete(ctx, row.ID, row.Rev) })
	}
	return forget, nil
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
