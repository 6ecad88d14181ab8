package billing

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/id"
)

// onceMax is the longest name of a change.
const onceMax = 120

// Switch changes the plan of tenant t now and takes exactly what the quote says: it
// asks for the price again, for the same second, before anything is charged. Under
// one once it happens once, however often, from wherever and after whatever crash it
// is called; a call that finds it done returns the same receipt.
//
// ErrPayment, ErrQuoteExpired and ErrQuoteChanged mean that nothing was taken and
// nothing has changed: the same once may be tried again, with another quote if need
// be. After ErrProvider it is not known; call again. A once that was undone stays
// undone: ErrChangeUndone. While another change is open: ErrChanging.
func (b *Books) Switch(ctx context.Context, t id.Tenant, q Quote, once string) (Receipt, error) {
	if once == "" || len(once) > onceMax {
		return Receipt{}, fmt.Errorf("a change of plan is named with 1 to %d characters, not %q", onceMax, once)
	}
	a, err := b.settled(ctx, t)
	if err != nil {
		return Receipt{}, err
	}
	if c := a.change(once); c == nil || c.State == ChangeRefused {
		if a, err = b.intend(ctx, t, q, once); err != nil {
			return Receipt{}, err
		}
	}
	c := a.change(once)
	if c.State != ChangeUndone && c.State != ChangeUndoing && c.Quote.To != q.To {
		return Receipt{}, fmt.Errorf("change %s of %s is to %s, not to %s", once, t, c.Quote.To, q.To)
	}
	if c.State == ChangeBegun {
		if a, err = b.carryOut(ctx, a, *c); err != nil {
			return Receipt{}, err
		}
		c = a.change(once)
	}
	switch c.State {
	case ChangeSwitched:
		return c.Receipt, b.catchUp(ctx, a, *c)
	case ChangeUndoing: // revoked while the charge was in flight, or not all given back yet
		if err := b.Undo(ctx, t, once); err != nil {
			return Receipt{}, err
		}
		return Receipt{}, ErrChangeUndone
	case ChangeUndone:
		return Receipt{}, ErrChangeUndone
	}
	return Receipt{}, ErrChanging // somebody tries the same once again at this moment
}

// settled reads the account after every change that a crash left open is settled:
// the provider says whether it happened; one that did not, and whose quote has
// expired, is refused.
func (b *Books) settled(ctx context.Context, t id.Tenant) (Account, error) {
	row, err := b.store.account(ctx, t)
	if err != nil {
		return Account{}, err
	}
	a := row.Value
	for _, c := range row.Value.Changes {
		if c.State != ChangeBegun {
			continue
		}
		receipt, happened, err := b.provider.Switched(ctx, c.terms(t, a.Customer))
		if err != nil {
			return Account{}, fmt.Errorf("look for change %s of %s: %w", c.Once, t, err)
		}
		switch {
		case happened:
			a, err = b.note(ctx, t, c, ChangeCharged, receipt)
		case c.Quote.lapsed(b.now()):
			a, err = b.note(ctx, t, c, ChangeDeclined, Receipt{})
		}
		if err != nil {
			return Account{}, err
		}
	}
	return a, nil
}

// intend checks the quote against the present and notes the change. Somebody else
// may carry out the same once meanwhile; then theirs is returned.
func (b *Books) intend(ctx context.Context, t id.Tenant, q Quote, once string) (Account, error) {
	if err := b.check(ctx, t, q); err != nil {
		// The subscription is no longer what was quoted. Is it through this change?
		return b.begunMeanwhile(ctx, t, once, err)
	}
	return b.store.change(ctx, t, func(a *Account) (bool, error) {
		switch c := a.change(once); {
		case c != nil && c.State != ChangeRefused:
			return false, nil
		case a.underWay(once), a.wished("", b.now()):
			return false, ErrChanging
		case a.Snapshot.Plan != q.From:
			return false, ErrQuoteChanged
		}
		return true, a.intend(once, q, b.now())
	})
}

// begunMeanwhile is the account with the change that somebody else has noted, or
// the failure.
func (b *Books) begunMeanwhile(ctx context.Context, t id.Tenant, once string, failure error) (Account, error) {
	row, err := b.store.account(ctx, t)
	if err != nil {
		return Account{}, err
	}
	if c := row.Value.change(once); c == nil || c.State == ChangeRefused {
		return Account{}, failure
	}
	return row.Value, nil
}

// check says whether the quote still holds.
func (b *Books) check(ctx context.Context, t id.Tenant, q Quote) error {
	if q.lapsed(b.now()) {
		return ErrQuoteExpired
	}
	a, err := b.SyncCustomer(ctx, t)
	if err != nil {
		return err
	}
	if err := a.Snapshot.changeable(q.To, q.Interval); err != nil {
		return err
	}
	if a.Snapshot.Plan != q.From || !a.Snapshot.CurrentPeriodEnd.Equal(q.RenewsAt) {
		return ErrQuoteChanged
	}
	now, err := b.preview(ctx, a, q, q.Expires)
	if err != nil {
		return err
	}
	if now.DueToday != q.DueToday || now.CreditToday != q.CreditToday || now.AtRenewal != q.AtRenewal || now.Currency != q.Currency {
		return ErrQuoteChanged
	}
	return nil
}

// carryOut lets the provider switch and notes what it answers. An answer that never
// comes leaves the change begun.
func (b *Books) carryOut(ctx context.Context, a Account, c Change) (Account, error) {
	receipt, err := b.provider.Switch(ctx, c.terms(a.Tenant, a.Customer))
	if errors.Is(err, ErrPayment) || errors.Is(err, ErrQuoteChanged) {
		if _, noted := b.note(ctx, a.Tenant, c, ChangeDeclined, Receipt{}); noted != nil {
			return a, noted
		}
		return a, fmt.Errorf("switch plan of %s: %w", a.Tenant, err)
	}
	if err != nil {
		return a, fmt.Errorf("switch plan of %s: %w", a.Tenant, err)
	}
	return b.note(ctx, a.Tenant, c, ChangeCharged, receipt)
}

// note writes how an attempt came out, unless somebody else did.
func (b *Books) note(ctx context.Context, t id.Tenant, attempt Change, e ChangeEvent, r Receipt) (Account, error) {
	return b.store.change(ctx, t, func(a *Account) (bool, error) {
		c := a.change(attempt.Once)
		switch {
		case c == nil || c.Attempt != attempt.Attempt:
			return false, nil
		case c.State == ChangeUndone && e == ChangeCharged && c.Receipt.At.IsZero():
			e = ChangeChargeLate
		case c.State != ChangeBegun:
			return false, nil
		}
		if e != ChangeDeclined {
			c.Receipt = r
		}
		return true, c.step(e, b.now())
	})
}

// Undo takes a Switch back: the earlier plan and price, and exactly what was taken.
// Money goes back to the card with a credit note on the invoice; credit that was used
// or given is booked back on the customer's balance. It may be called any number of
// times. When the change never happened, nothing is given back and nil is returned;
// the once is closed either way, so that a Switch that comes late finds it undone.
// What a renewal took in between is no part of the change and stays.
//
// It fails with ErrChangedSince when the plan was changed again after the switch, and
// with ErrProvider, after which it has to be called again.
func (b *Books) Undo(ctx context.Context, t id.Tenant, once string) error {
	a, err := b.settled(ctx, t)
	if err != nil {
		return err
	}
	if a.Customer == "" {
		return nil // whoever is no customer has changed no plan
	}
	a, err = b.store.change(ctx, t, func(a *Account) (bool, error) {
		c := a.change(once)
		if c == nil {
			a.Changes = append(a.Changes, Change{Once: once, State: ChangeLifecycle.First()})
			c = a.change(once)
		}
		switch c.State {
		case ChangeBegun, ChangeRefused:
			return true, c.step(ChangeRevoked, b.now())
		case ChangeSwitched:
			if a.followed(once) {
				return false, ErrChangedSince
			}
			return true, c.step(ChangeUndoBegun, b.now())
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	c := *a.change(once)
	if c.State == ChangeUndoing {
		if err := b.provider.Revert(ctx, c.terms(t, a.Customer), c.Receipt); err != nil {
			return fmt.Errorf("undo change %s of %s: %w", once, t, err)
		}
		a, err = b.store.change(ctx, t, func(a *Account) (bool, error) {
			c := a.change(once)
			if c.State != ChangeUndoing {
				return false, nil
			}
			return true, c.step(ChangeGivenBack, b.now())
		})
		if err != nil {
			return err
		}
		c = *a.change(once)
	}
	if c.Receipt.At.IsZero() {
		b.log.InfoContext(ctx, "there was no change of plan to undo", "tenant", t, "once", once)
		return nil
	}
	return b.catchUp(ctx, a, c)
}

// catchUp fetches what a change has led to, unless a fetch since has.
func (b *Books) catchUp(ctx context.Context, a Account, c Change) error {
	if a.Snapshot.FetchStarted.After(c.At) {
		return nil
	}
	_, err := b.SyncCustomer(ctx, a.Tenant)
	return err
}
