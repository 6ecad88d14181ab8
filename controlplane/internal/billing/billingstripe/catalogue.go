package billingstripe

import (
	"context"
	"fmt"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
)

// EnsureCatalogue makes sure that every price of the price list is at Stripe, for
// the amount we show; what is not sold at the checkout is reached by a change of
// plan. In test mode it makes what is missing; in live mode it makes nothing and
// fails, since people look after a live catalogue.
func (c *Client) EnsureCatalogue(ctx context.Context) error {
	for _, plan := range billing.Plans() {
		for _, interval := range []billing.Interval{billing.Month, billing.Year} {
			if err := c.ensurePrice(ctx, plan, interval); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Client) ensurePrice(ctx context.Context, plan billing.Plan, interval billing.Interval) error {
	key := billing.LookupKey(plan.ID, interval)
	list := &stripe.PriceListParams{LookupKeys: stripe.StringSlice([]string{key}), Active: stripe.Bool(true)}
	list.Context = ctx
	found := c.api.Prices.List(list)
	if found.Next() {
		p := found.Price()
		if p.UnitAmount != int64(plan.Price(interval)) || string(p.Currency) != plan.Currency ||
			p.Recurring == nil || string(p.Recurring.Interval) != string(interval) {
			return fmt.Errorf("price %s (%s) at Stripe differs from our price list: want %d %s a %s", p.ID, key, plan.Price(interval), plan.Currency, interval)
		}
		return nil
	}
	if err := found.Err(); err != nil {
		return failure("look for price", err)
	}
	if c.live {
		return fmt.Errorf("there is no active price with lookup key %s in the live Stripe account; make it there first", key)
	}
	product := &stripe.ProductParams{Name: stripe.String("Dyocense " + plan.Name)}
	product.Context = ctx
	product.AddMetadata("dyocense_plan", string(plan.ID))
	product.SetIdempotencyKey("dyocense/catalogue/" + string(plan.ID))
	made, err := c.api.Products.New(product)
	if err != nil {
		return failure("make product", err)
	}
	price := &stripe.PriceParams{
		Product: stripe.String(made.ID), Currency: stripe.String(plan.Currency),
		UnitAmount: stripe.Int64(int64(plan.Price(interval))), LookupKey: stripe.String(key),
		Recurring: &stripe.PriceRecurringParams{Interval: stripe.String(string(interval))},
	}
	price.Context = ctx
	price.SetIdempotencyKey(fmt.Sprintf("dyocense/catalogue/%s/%d", key, plan.Price(interval)))
	if _, err := c.api.Prices.New(price); err != nil {
		return failure("make price", err)
	}
	return nil
}
