package billing

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/id"
)

// Checkout opens a hosted page on which tenant t buys the plan, and returns its
// address. The same wish within 25 minutes leads to the same page; another wish
// closes the page of the earlier one.
//
// With try the plan begins with a trial, if the tenant may have one; what was noted
// is returned as trialDays.
//
// Every call to the provider is named in our store before it is made, so that a
// crash in between leads to the same customer and the same page.
func (b *Books) Checkout(ctx context.Context, t id.Tenant, email string, p PlanID, i Interval, try bool) (url string, trialDays int, err error) {
	plan, err := PlanOf(p)
	switch {
	case err != nil:
		return "", 0, err
	case !plan.SelfServe:
		return "", 0, ErrContactSales
	case !i.valid():
		return "", 0, ErrInterval
	}
	a, err := b.customer(ctx, t, email)
	if err != nil {
		return "", 0, err
	}
	// Ask before selling: a subscription may have begun that no notice told of.
	if a, err = b.SyncCustomer(ctx, t); err != nil {
		return "", 0, err
	}
	if a.Snapshot.Live() {
		return "", 0, ErrSubscribed.Saying("Your company has the %s plan already.", a.Snapshot.Plan.name())
	}
	days := 0
	if try {
		may, err := b.mayTry(ctx, a)
		if err != nil {
			return "", 0, err
		}
		if may {
			days = TrialDays
		}
	}
	if err := b.closeOther(ctx, a, p, i, days); err != nil {
		return "", 0, err
	}
	a, err = b.store.change(ctx, t, func(a *Account) (bool, error) {
		if a.Snapshot.Live() {
			return false, ErrSubscribed
		}
		if a.Checkout.serves(p, i, days, b.now()) {
			return false, nil
		}
		a.begin(p, i, days, b.now())
		return true, nil
	})
	if err != nil {
		return "", 0, err
	}
	c := *a.Checkout
	if c.URL != "" {
		return c.URL, c.TrialDays, nil
	}
	hosted, err := b.provider.StartCheckout(ctx, Order{
		Tenant: t, Customer: a.Customer, Plan: p, Interval: i, TrialDays: c.TrialDays,
		SuccessURL: b.site + "/welcome?checkout=done", CancelURL: b.site + "/plans",
		Expires: c.Begun.Add(checkoutLife), Once: fmt.Sprintf("dyocense/%s/checkout/%d", t, c.Number),
	})
	if err != nil {
		return "", 0, fmt.Errorf("start checkout of %s: %w", t, err)
	}
	a, err = b.store.change(ctx, t, func(a *Account) (bool, error) {
		if a.Checkout == nil || a.Checkout.Number != c.Number {
			return false, nil // somebody chose another plan meanwhile
		}
		a.Checkout.ID, a.Checkout.URL = hosted.ID, hosted.URL
		return true, nil
	})
	if err != nil {
		return "", 0, err
	}
	if a.Checkout == nil || a.Checkout.Number != c.Number {
		// Two colleagues, two wishes: only the later page may stay open.
		if err := b.provider.ExpireCheckout(ctx, hosted.ID); err != nil && !errors.Is(err, ErrCheckoutOver) {
			return "", 0, fmt.Errorf("close the earlier checkout: %w", err)
		}
		return "", 0, ErrBusy
	}
	return hosted.URL, c.TrialDays, nil
}

// customer gives the account its customer, once.
func (b *Books) customer(ctx context.Context, t id.Tenant, email string) (Account, error) {
	company, err := b.companies.Name(ctx, t)
	if err != nil {
		return Account{}, fmt.Errorf("name of %s: %w", t, err)
	}
	a, err := b.store.change(ctx, t, func(a *Account) (bool, error) {
		if a.Payer != (Payer{}) {
			return false, nil
		}
		a.Payer = Payer{Email: email, Company: company}
		return true, nil
	})
	if err != nil || a.Customer != "" {
		return a, err
	}
	customer, err := b.provider.Customer(ctx, t, a.Payer, fmt.Sprintf("dyocense/%s/customer", t))
	if err != nil {
		return Account{}, fmt.Errorf("make customer of %s: %w", t, err)
	}
	return b.store.change(ctx, t, func(a *Account) (bool, error) {
		if a.Customer != "" {
			return false, nil
		}
		a.Customer = customer
		return true, nil
	})
}

// closeOther closes the page of an earlier wish. If that page was paid meanwhile,
// the tenant is subscribed.
func (b *Books) closeOther(ctx context.Context, a Account, p PlanID, i Interval, days int) error {
	if a.Checkout == nil || a.Checkout.ID == "" || a.Checkout.serves(p, i, days, b.now()) {
		return nil
	}
	err := b.provider.ExpireCheckout(ctx, a.Checkout.ID)
	if !errors.Is(err, ErrCheckoutOver) {
		return err
	}
	after, err := b.SyncCustomer(ctx, a.Tenant)
	if err != nil {
		return err
	}
	if after.Snapshot.Live() {
		return ErrSubscribed.Saying("Your company has the %s plan already.", after.Snapshot.Plan.name())
	}
	return nil
}

func (p PlanID) name() string {
	plan, err := PlanOf(p)
	if err != nil {
		return string(p)
	}
	return plan.Name
}
