package billingstripe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
)

// Fetch implements billing.Provider.
func (c *Client) Fetch(ctx context.Context, customer string) (billing.Snapshot, error) {
	params := &stripe.SubscriptionListParams{Customer: stripe.String(customer), Status: stripe.String("all")}
	params.Context = ctx
	params.Limit = stripe.Int64(100)
	var all []*stripe.Subscription
	list := c.api.Subscriptions.List(params)
	for list.Next() {
		all = append(all, list.Subscription())
	}
	if err := list.Err(); err != nil {
		return billing.Snapshot{}, failure("list subscriptions", err)
	}
	s := c.pick(ctx, customer, all)
	if s == nil {
		return billing.Snapshot{}, nil
	}
	return snapshot(s)
}

// pick is the live subscription, else the latest. More than one live subscription
// bills twice: the oldest counts, and the log asks for a repair.
func (c *Client) pick(ctx context.Context, customer string, all []*stripe.Subscription) *stripe.Subscription {
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b *stripe.Subscription) int { return cmp.Compare(a.Created, b.Created) })
	var live []*stripe.Subscription
	for _, s := range all {
		if (billing.Snapshot{Status: billing.Status(s.Status)}).Live() {
			live = append(live, s)
		}
	}
	if len(live) == 0 {
		return all[len(all)-1]
	}
	if len(live) > 1 {
		c.log.ErrorContext(ctx, "a customer has more than one live subscription", "customer", customer, "count", len(live), "kept", live[0].ID)
	}
	return live[0]
}

func snapshot(s *stripe.Subscription) (billing.Snapshot, error) {
	if s.Items == nil || len(s.Items.Data) != 1 || s.Items.Data[0].Price == nil {
		return billing.Snapshot{}, billing.ErrUnknownPrice.Because(fmt.Errorf("subscription %s has not exactly one price", s.ID))
	}
	price := s.Items.Data[0].Price
	plan, interval, err := billing.ReadLookupKey(price.LookupKey)
	if err != nil {
		return billing.Snapshot{}, billing.ErrUnknownPrice.Because(fmt.Errorf("subscription %s, price %s, lookup key %q", s.ID, price.ID, price.LookupKey))
	}
	return billing.Snapshot{
		Subscription: s.ID, Status: billing.Status(s.Status), Plan: plan, Interval: interval,
		CurrentPeriodEnd: time.Unix(s.CurrentPeriodEnd, 0).UTC(), CancelAtPeriodEnd: s.CancelAtPeriodEnd,
		CurrentPeriodStart: time.Unix(s.CurrentPeriodStart, 0).UTC(),
	}, nil
}
