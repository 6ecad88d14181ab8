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
// Every call to the provider is named in our store before it is made, so that a
// crash in between leads to the same customer and the same page.
func (b *Books) Checkout(ctx context.Context, t id.Tenant, email string, p PlanID, i Interval) (url string, err error) {
	plan, err := PlanOf(p)
	switch {
	case err != nil:
		return "", err
	case !plan.SelfServe:
		return "", ErrContactSales
	case !i.valid():
		return "", ErrInterval
	}
	a, err := b.customer(ctx, t, email)
	if err != nil {
		return "", err
	}
	// Ask before selling: a subscription may have begun that no notice told of.
	if a, err = b.SyncCustomer(ctx, t); err != nil {
		return "", err
	}
	if a.Snapshot.Live() {
		return "", ErrSubscribed.Saying("Your company has the %s plan already.", a.Snapshot.Plan.name())
	}
	if err := b.closeOther(ctx, a, p, i); err != nil {
		return "", err
	}
	a, err = b.store.change(ctx, t, func(a *Account) (bool, error) {
		if a.Snapshot.Live() {
			return false, ErrSubscribed
		}
		if a.Checkout.serves(p, i, b.now()) {
			return false, nil
		}
		a.begin(p, i, b.now())
		return true, nil
	})
	if err != nil {
		return "", err
	}
	c := *a.Checkout
	if c.URL != "" {
		return c.URL, nil
	}
	hosted, err := b.provider.StartCheckout(ctx, Order{
		Tenant: t, Customer: a.Customer, Plan: p, Interval: i,
		SuccessURL: b.site + "/welcome?checkout=done", CancelURL: b.site + "/plans",
		Expires: c.Begun.Add(checkoutLife), Once: fmt.Sprintf("dyocense/%s/checkout/%d", t, c.Number),
	})
	if err != nil {
		return "", fmt.Errorf("start checkout of %s: %w", t, err)
	}
	a, err = b.store.change(ctx, t, func(a *Account) (bool, error) {
		if a.Checkout == nil || a.Checkout.Number != c.Number {
			return false, nil // somebody chose another plan meanwhile
		}
		a.Checkout.ID, a.Checkout.URL = hosted.ID, hosted.URL
		return true, nil
	})
	if err != nil {
		return "", err
	}
	if a.Checkout == nil || a.Checkout.Number != c.Number {
		// Two colleagues, two wishes: only the later page may stay open.
		if err := b.provider.ExpireCheckout(ctx, hosted.ID); err != nil && !errors.Is(err, ErrCheckoutOver) {
			return "", fmt.Errorf("close the earlier checkout: %w", err)
		}
		return "", ErrBusy
	}
	return hosted.URL, nil
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
func (b *Books) closeOther(ctx context.Context, a Account, p PlanID, i Interval) error {
	if a.Checkout == nil || a.Checkout.ID == "" || a.Checkout.serves(p, i, b.now()) {
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
