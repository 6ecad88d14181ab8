package billingstripe

import (
	"context"
	"fmt"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
)

// Step is one thing of the catalogue and what had to be done about it.
type Step struct {
	Thing string // "price dyocense_growth_month"
	Did   string // "" when it was as it should be
}

// String is the step as operators read it.
func (s Step) String() string {
	if s.Did == "" {
		return s.Thing + ": as it should be"
	}
	return s.Thing + ": " + s.Did
}

// catalogue brings Stripe to our price list, or only compares.
type catalogue struct {
	*Client
	check bool
	steps []Step
}

// note adds a step. Wrong is "" for what is as it should be; did is what is done
// about it, and do does it unless everything is only compared.
func (c *catalogue) note(thing, wrong, did string, do func() error) error {
	switch {
	case wrong == "":
		c.steps = append(c.steps, Step{Thing: thing})
		return nil
	case c.check:
		c.steps = append(c.steps, Step{thing, wrong})
		return nil
	}
	if err := do(); err != nil {
		return err
	}
	c.steps = append(c.steps, Step{thing, did})
	return nil
}

// Apply makes products, prices, meters and the portal's settings at Stripe what our
// price list says, found by lookup key and by mark, and returns what it did. It may be
// repeated. With check it changes nothing and returns what it would. A price that has
// another amount gets a successor, to which the lookup key moves; who bought the
// earlier one keeps it.
func (c *Client) Apply(ctx context.Context, check bool) ([]Step, error) {
	work := &catalogue{Client: c, check: check}
	for _, plan := range billing.Plans() {
		product, err := work.product(ctx, plan)
		if err != nil {
			return work.steps, err
		}
		for _, interval := range []billing.Interval{billing.Month, billing.Year} {
			if err := work.onePrice(ctx, plan, interval, product); err != nil {
				return work.steps, err
			}
		}
	}
	if err := work.meter(ctx, billing.MeterDecisions); err != nil {
		return work.steps, err
	}
	err := work.portalSettings(ctx)
	if !check {
		c.mu.Lock()
		c.prices, c.configuration = map[string]string{}, "" // they may have moved
		c.mu.Unlock()
	}
	return work.steps, err
}

// EnsureCatalogue makes sure that every price of the price list is at Stripe, for
// the amount we show; what is not sold at the checkout is reached by a change of
// plan. In test mode it makes what is missing; in live mode it makes nothing and
// fails, since people look after a live catalogue.
func (c *Client) EnsureCatalogue(ctx context.Context) error {
	steps, err := c.Apply(ctx, c.live)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if c.live && s.Did != "" && strings.HasPrefix(s.Thing, "price ") {
			return fmt.Errorf("the live Stripe account differs from our price list (%s); run: dyocense-controlplane billing apply", s)
		}
	}
	return nil
}

// product finds the product of a plan by its mark, or makes it. It is "" when only
// compared and missing.
func (c *catalogue) product(ctx context.Context, plan billing.Plan) (string, error) {
	thing, name := "product "+string(plan.ID), "Dyocense "+plan.Name
	list := &stripe.ProductListParams{Active: stripe.Bool(true)}
	list.Context, list.Limit = ctx, stripe.Int64(100)
	found := c.api.Products.List(list)
	for found.Next() {
		p := found.Product()
		if p.Metadata[metadataPlan] != string(plan.ID) {
			continue
		}
		wrong := ""
		if p.Name != name {
			wrong = fmt.Sprintf("is called %q", p.Name)
		}
		return p.ID, c.note(thing, wrong, "renamed", func() error {
			params := &stripe.ProductParams{Name: stripe.String(name)}
			params.Context = ctx
			if _, err := c.api.Products.Update(p.ID, params); err != nil {
				return failure("rename product", err)
			}
			return nil
		})
	}
	if err := found.Err(); err != nil {
		return "", failure("list products", err)
	}
	id := ""
	err := c.note(thing, "missing", "made", func() error {
		params := &stripe.ProductParams{Name: stripe.String(name)}
		params.Context = ctx
		params.AddMetadata(metadataPlan, string(plan.ID))
		params.SetIdempotencyKey("dyocense/catalogue/" + string(plan.ID))
		made, err := c.api.Products.New(params)
		if err != nil {
			return failure("make product", err)
		}
		id = made.ID
		return nil
	})
	return id, err
}

func (c *catalogue) onePrice(ctx context.Context, plan billing.Plan, interval billing.Interval, product string) error {
	key := billing.LookupKey(plan.ID, interval)
	list := &stripe.PriceListParams{LookupKeys: stripe.StringSlice([]string{key}), Active: stripe.Bool(true)}
	list.Context = ctx
	found := c.api.Prices.List(list)
	if !found.Next() {
		if err := found.Err(); err != nil {
			return failure("look for price", err)
		}
		return c.note("price "+key, "missing", "made", func() error { return c.makePrice(ctx, plan, interval, product, nil) })
	}
	p := found.Price()
	wrong := ""
	if p.UnitAmount != int64(plan.Price(interval)) || string(p.Currency) != plan.Currency || p.Recurring == nil || string(p.Recurring.Interval) != string(interval) {
		wrong = fmt.Sprintf("is %d %s, not %d %s a %s", p.UnitAmount, p.Currency, plan.Price(interval), plan.Currency, interval)
	}
	return c.note("price "+key, wrong, fmt.Sprintf("succeeded by one of %d %s a %s", plan.Price(interval), plan.Currency, interval),
		func() error { return c.makePrice(ctx, plan, interval, product, p) })
}

// makePrice makes a price, which takes the lookup key from the one before.
func (c *catalogue) makePrice(ctx context.Context, plan billing.Plan, interval billing.Interval, product string, before *stripe.Price) error {
	key := billing.LookupKey(plan.ID, interval)
	once := fmt.Sprintf("dyocense/catalogue/%s/%d", key, plan.Price(interval))
	if before != nil {
		// First: those who have it must be understood when it has lost its key.
		params := &stripe.PriceParams{}
		params.Context = ctx
		params.AddMetadata(metadataPlan, string(plan.ID))
		params.AddMetadata(metadataInterval, string(interval))
		if _, err := c.api.Prices.Update(before.ID, params); err != nil {
			return failure("mark price", err)
		}
		once += "/after/" + before.ID
	}
	params := &stripe.PriceParams{
		Product: stripe.String(product), Currency: stripe.String(plan.Currency),
		UnitAmount: stripe.Int64(int64(plan.Price(interval))), LookupKey: stripe.String(key),
		Recurring: &stripe.PriceRecurringParams{Interval: stripe.String(string(interval))},
	}
	if before != nil {
		params.TransferLookupKey = stripe.Bool(true)
	}
	params.Context = ctx
	params.AddMetadata(metadataPlan, string(plan.ID))
	params.AddMetadata(metadataInterval, string(interval))
	params.SetIdempotencyKey(once)
	if _, err := c.api.Prices.New(params); err != nil {
		return failure("make price", err)
	}
	return nil
}

func (c *catalogue) meter(ctx context.Context, m billing.Meter) error {
	list := &stripe.BillingMeterListParams{Status: stripe.String("active")}
	list.Context, list.Limit = ctx, stripe.Int64(100)
	found := c.api.BillingMeters.List(list)
	for found.Next() {
		if found.BillingMeter().EventName == m.EventName() {
			return c.note("meter "+string(m), "", "", nil)
		}
	}
	if err := found.Err(); err != nil {
		return failure("list meters", err)
	}
	return c.note("meter "+string(m), "missing", "made", func() error {
		params := &stripe.BillingMeterParams{
			DisplayName: stripe.String("Dyocense " + string(m)), EventName: stripe.String(m.EventName()),
			DefaultAggregation: &stripe.BillingMeterDefaultAggregationParams{Formula: stripe.String("sum")},
			CustomerMapping:    &stripe.BillingMeterCustomerMappingParams{Type: stripe.String("by_id"), EventPayloadKey: stripe.String("stripe_customer_id")},
			ValueSettings:      &stripe.BillingMeterValueSettingsParams{EventPayloadKey: stripe.String("value")},
		}
		params.Context = ctx
		if _, err := c.api.BillingMeters.New(params); err != nil {
			return failure("make meter", err)
		}
		return nil
	})
}

// onceMetered makes sure in test mode that the meters are there.
func (c *Client) onceMetered(ctx context.Context) error {
	c.mu.Lock()
	done := c.metered
	c.mu.Unlock()
	if done {
		return nil
	}
	if err := (&catalogue{Client: c}).meter(ctx, billing.MeterDecisions); err != nil {
		return err
	}
	c.mu.Lock()
	c.metered = true
	c.mu.Unlock()
	return nil
}

// metadataPortal marks our settings of the portal.
const metadataPortal = "dyocense_portal"

// portalSettings sees to it that customers can change their card and their address
// at Stripe, and see invoices, but not their plan: that would go past the preview,
// and past the move that Enterprise needs.
func (c *catalogue) portalSettings(ctx context.Context) error {
	known, err := c.findPortal(ctx)
	if err != nil {
		return err
	}
	if known == nil {
		return c.note("portal", "missing", "made", func() error {
			params := portalParams()
			params.Context = ctx
			if _, err := c.api.BillingPortalConfigurations.New(params); err != nil {
				return failure("make portal settings", err)
			}
			return nil
		})
	}
	wrong := ""
	if f := known.Features; f == nil || f.SubscriptionUpdate != nil && f.SubscriptionUpdate.Enabled || f.SubscriptionCancel != nil && f.SubscriptionCancel.Enabled ||
		f.PaymentMethodUpdate == nil || !f.PaymentMethodUpdate.Enabled {
		wrong = "offers what it must not, or too little"
	}
	return c.note("portal", wrong, "set right", func() error {
		params := portalParams()
		params.Context = ctx
		if _, err := c.api.BillingPortalConfigurations.Update(known.ID, params); err != nil {
			return failure("change portal settings", err)
		}
		return nil
	})
}

func portalParams() *stripe.BillingPortalConfigurationParams {
	p := &stripe.BillingPortalConfigurationParams{
		BusinessProfile: &stripe.BillingPortalConfigurationBusinessProfileParams{Headline: stripe.String("Dyocense")},
		Features: &stripe.BillingPortalConfigurationFeaturesParams{
			CustomerUpdate: &stripe.BillingPortalConfigurationFeaturesCustomerUpdateParams{
				Enabled: stripe.Bool(true), AllowedUpdates: stripe.StringSlice([]string{"address", "name", "tax_id"}),
			},
			InvoiceHistory:      &stripe.BillingPortalConfigurationFeaturesInvoiceHistoryParams{Enabled: stripe.Bool(true)},
			PaymentMethodUpdate: &stripe.BillingPortalConfigurationFeaturesPaymentMethodUpdateParams{Enabled: stripe.Bool(true)},
			SubscriptionCancel:  &stripe.BillingPortalConfigurationFeaturesSubscriptionCancelParams{Enabled: stripe.Bool(false)},
			SubscriptionUpdate:  &stripe.BillingPortalConfigurationFeaturesSubscriptionUpdateParams{Enabled: stripe.Bool(false)},
		},
	}
	p.AddMetadata(metadataPortal, "1")
	return p
}

// findPortal is nil when there are no settings of ours.
func (c *Client) findPortal(ctx context.Context) (*stripe.BillingPortalConfiguration, error) {
	list := &stripe.BillingPortalConfigurationListParams{Active: stripe.Bool(true)}
	list.Context, list.Limit = ctx, stripe.Int64(100)
	found := c.api.BillingPortalConfigurations.List(list)
	for found.Next() {
		if p := found.BillingPortalConfiguration(); p.Metadata[metadataPortal] != "" {
			return p, nil
		}
	}
	if err := found.Err(); err != nil {
		return nil, failure("list portal settings", err)
	}
	return nil, nil
}

// portal is the name of our settings, made first in test mode; "" are the account's
// own.
func (c *Client) portal(ctx context.Context) (string, error) {
	c.mu.Lock()
	known := c.configuration
	c.mu.Unlock()
	if known != "" {
		return known, nil
	}
	found, err := c.findPortal(ctx)
	if found == nil && err == nil && !c.live {
		if err := (&catalogue{Client: c}).portalSettings(ctx); err != nil {
			return "", err
		}
		found, err = c.findPortal(ctx)
	}
	if err != nil || found == nil {
		return "", err
	}
	c.mu.Lock()
	c.configuration = found.ID
	c.mu.Unlock()
	return found.ID, nil
}
