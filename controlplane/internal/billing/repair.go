package billing

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/id"
)

// follow does what a fresh snapshot asks of us, and says whether that changed
// anything at the provider. Each part may be repeated: what was done is not done
// again.
func (b *Books) follow(ctx context.Context, a Account, s Snapshot) (acted bool, err error) {
	if len(s.Doubles) > 0 {
		return true, b.takeDoublesBack(ctx, a, s)
	}
	a.Snapshot.Method = s.Method // with the fingerprint, which is not kept
	if acted, err := b.claimTrial(ctx, a); acted || err != nil {
		return acted, err
	}
	return b.payOpen(ctx, a)
}

// takeDoublesBack ends and refunds the younger of several live subscriptions.
func (b *Books) takeDoublesBack(ctx context.Context, a Account, s Snapshot) error {
	b.alarm(ctx, "double_subscription", "tenant", a.Tenant, "customer", a.Customer, "kept", s.Subscription, "taken_back", len(s.Doubles))
	for _, double := range s.Doubles {
		if err := b.provider.TakeBack(ctx, double, fmt.Sprintf("dyocense/%s/double/%s", a.Tenant, double)); err != nil {
			return fmt.Errorf("take subscription %s of %s back: %w", double, a.Tenant, err)
		}
	}
	_, err := b.store.change(ctx, a.Tenant, func(a *Account) (bool, error) {
		a.Doubled = b.now().UTC()
		a.planLetters()
		return true, nil
	})
	return err
}

// payOpen pays the open invoice when there is another card than the one that was
// tried last. Each card is tried once: the provider tries again by itself.
func (b *Books) payOpen(ctx context.Context, a Account) (acted bool, err error) {
	s := a.Snapshot
	owes := s.Status == StatusPastDue || s.Status == StatusUnpaid || s.Status == StatusPaused
	if !owes || s.Method == nil || a.Tried == s.attempt() || s.OpenInvoice == "" && s.Status != StatusPaused {
		return false, nil
	}
	attempt := s.attempt()
	if s.Status == StatusPaused {
		err = b.provider.Continue(ctx, s.Subscription, s.Method.ID, fmt.Sprintf("dyocense/%s/continue/%s", a.Tenant, sum(attempt)[:32]))
	} else {
		err = b.provider.Pay(ctx, s.Subscription, s.OpenInvoice, s.Method.ID, fmt.Sprintf("dyocense/%s/pay/%s", a.Tenant, sum(attempt)[:32]))
	}
	if err != nil && !errors.Is(err, ErrPayment) {
		return false, fmt.Errorf("pay open invoice of %s: %w", a.Tenant, err)
	}
	if err != nil {
		b.log.InfoContext(ctx, "another card was declined, too", "tenant", a.Tenant, "err", err)
	}
	_, err = b.store.change(ctx, a.Tenant, func(a *Account) (bool, error) {
		a.Tried = attempt
		return true, nil
	})
	return true, err
}

// Warned takes in what a dispute, or a warning of the bank, is now. While one is open
// the account is frozen.
func (b *Books) Warned(ctx context.Context, object, name string) error {
	w, err := b.provider.Warning(ctx, object, name)
	if err != nil {
		return fmt.Errorf("read %s %s: %w", object, name, err)
	}
	if w.Customer == "" {
		return nil
	}
	t, ours, err := b.store.tenantOf(ctx, w.Customer)
	if err != nil || !ours {
		return err
	}
	news := false
	a, err := b.store.change(ctx, t, func(a *Account) (bool, error) {
		news = a.warn(w)
		return news, nil
	})
	if err != nil {
		return err
	}
	if news && w.Open {
		b.alarm(ctx, "disputed", "tenant", t, "object", object, "name", name, "reason", w.Reason, "amount", w.Amount)
	}
	return b.write(ctx, a)
}

// Frozen says whether nothing of the tenant may be moved or deleted: a payment is
// disputed, so that what is there may have to be shown.
func (b *Books) Frozen(ctx context.Context, t id.Tenant) (bool, error) {
	row, err := b.store.account(ctx, t)
	return row.Value.openWarning() != nil, err
}

// alarm tells operators of what must not happen.
func (b *Books) alarm(ctx context.Context, what string, args ...any) {
	b.alarms.WithLabelValues(what).Inc()
	b.log.ErrorContext(ctx, "billing alarm: "+what, args...)
}
