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

// What a price means is written on it, too: a lookup key moves to the next price when
// the price list changes, and those who bought the earlier one keep it.
const (
	metadataPlan     = "dyocense_plan"
	metadataInterval = "dyocense_interval"
)

// Fetch implements billing.Provider.
func (c *Client) Fetch(ctx context.Context, customer string) (billing.Snapshot, error) {
	params := &stripe.SubscriptionListParams{Customer: stripe.String(customer), Status: stripe.String("all")}
	params.Context = ctx
	params.Limit = stripe.Int64(100)
	for _, part := range []string{"default_payment_method", "latest_invoice", "schedule", "customer.invoice_settings.default_payment_method"} {
		params.AddExpand("data." + part)
	}
	var all []*stripe.Subscription
	list := c.api.Subscriptions.List(params)
	for list.Next() {
		all = append(all, list.Subscription())
	}
	if err := list.Err(); err != nil {
		return billing.Snapshot{}, failure("list subscriptions", err)
	}
	chosen, doubles := pick(all)
	if chosen == nil {
		return billing.Snapshot{}, nil
	}
	s, err := snapshot(chosen)
	if err != nil {
		return s, err
	}
	s.Doubles = doubles
	s.Scheduled, err = c.scheduled(ctx, chosen)
	return s, err
}

// pick is the live subscription, else the latest. More than one live subscription
// bills twice: the oldest counts, the others are named.
func pick(all []*stripe.Subscription) (chosen *stripe.Subscription, doubles []string) {
	if len(all) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(all, func(a, b *stripe.Subscription) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID))
	})
	for _, s := range all {
		switch live := (billing.Snapshot{Status: billing.Status(s.Status)}).Live(); {
		case live && chosen == nil:
			chosen = s
		case live:
			doubles = append(doubles, s.ID)
		}
	}
	if chosen == nil {
		chosen = all[len(all)-1]
	}
	return chosen, doubles
}

// meaning is the plan and interval of a price.
func meaning(p *stripe.Price) (billing.PlanID, billing.Interval, error) {
	if plan, interval, err := billing.ReadLookupKey(p.LookupKey); err == nil {
		return plan, interval, nil
	}
	key := billing.LookupKey(billing.PlanID(p.Metadata[metadataPlan]), billing.Interval(p.Metadata[metadataInterval]))
	plan, interval, err := billing.ReadLookupKey(key)
	if err != nil {
		return "", "", billing.ErrUnknownPrice.Because(fmt.Errorf("price %s, lookup key %q", p.ID, p.LookupKey))
	}
	return plan, interval, nil
}

func snapshot(s *stripe.Subscription) (billing.Snapshot, error) {
	if s.Items == nil || len(s.Items.Data) != 1 || s.Items.Data[0].Price == nil {
		return billing.Snapshot{}, billing.ErrUnknownPrice.Because(fmt.Errorf("subscription %s has not exactly one price", s.ID))
	}
	plan, interval, err := meaning(s.Items.Data[0].Price)
	if err != nil {
		return billing.Snapshot{}, fmt.Errorf("subscription %s: %w", s.ID, err)
	}
	known := billing.Snapshot{
		Subscription: s.ID, Status: billing.Status(s.Status), Plan: plan, Interval: interval,
		CurrentPeriodEnd: moment(s.CurrentPeriodEnd), CancelAtPeriodEnd: s.CancelAtPeriodEnd, TrialEnd: moment(s.TrialEnd),
		CurrentPeriodStart: moment(s.CurrentPeriodStart),
		Method:             method(s),
	}
	unpaid := s.LatestInvoice != nil && s.LatestInvoice.Status == stripe.InvoiceStatusOpen
	if unpaid && (known.Status == billing.StatusPastDue || known.Status == billing.StatusUnpaid) {
		known.OpenInvoice = s.LatestInvoice.ID
	}
	if !unpaid {
		return known, nil // an update whose invoice was voided comes to nothing, even while it is still shown
	}
	if known.Pending, err = pending(s.PendingUpdate); err != nil {
		return billing.Snapshot{}, fmt.Errorf("subscription %s, pending update: %w", s.ID, err)
	}
	if known.Pending != nil {
		known.Pending.Invoice = s.LatestInvoice.ID
	}
	return known, nil
}

func pending(u *stripe.SubscriptionPendingUpdate) (*billing.Pending, error) {
	if u == nil || len(u.SubscriptionItems) != 1 || u.SubscriptionItems[0].Price == nil {
		return nil, nil
	}
	plan, interval, err := meaning(u.SubscriptionItems[0].Price)
	if err != nil {
		return nil, err
	}
	return &billing.Pending{Plan: plan, Interval: interval, Expires: moment(u.ExpiresAt)}, nil
}

// method is the card of the next payment. The subscription's own comes first at
// Stripe; but a customer who gave another one since, on the customer's page, means
// that one.
func method(s *stripe.Subscription) *billing.Method {
	m := s.DefaultPaymentMethod
	if s.Customer != nil && s.Customer.InvoiceSettings != nil {
		if newer := s.Customer.InvoiceSettings.DefaultPaymentMethod; newer != nil && (m == nil || newer.Created > m.Created) {
			m = newer
		}
	}
	switch {
	case m == nil || m.ID == "":
		return nil
	case m.Card == nil:
		return &billing.Method{ID: m.ID, Brand: string(m.Type)}
	}
	return &billing.Method{
		ID: m.ID, Brand: string(m.Card.Brand), Last4: m.Card.Last4, ExpMonth: int(m.Card.ExpMonth), ExpYear: int(m.Card.ExpYear),
		Fingerprint: m.Card.Fingerprint,
	}
}

// scheduled is the next phase of the subscription's schedule, unless that changes
// nothing.
func (c *Client) scheduled(ctx context.Context, s *stripe.Subscription) (*billing.Scheduled, error) {
	if s.Schedule == nil || s.Schedule.Status != stripe.SubscriptionScheduleStatusActive {
		return nil, nil
	}
	for _, phase := range s.Schedule.Phases {
		if phase.StartDate < s.CurrentPeriodEnd || len(phase.Items) != 1 || phase.Items[0].Price == nil {
			continue
		}
		price := phase.Items[0].Price.ID
		if price == s.Items.Data[0].Price.ID {
			continue
		}
		params := &stripe.PriceParams{}
		params.Context = ctx
		of, err := c.api.Prices.Get(price, params)
		if err != nil {
			return nil, failure("read price", err)
		}
		plan, interval, err := meaning(of)
		if err != nil {
			return nil, fmt.Errorf("schedule of subscription %s: %w", s.ID, err)
		}
		return &billing.Scheduled{Plan: plan, Interval: interval, At: moment(phase.StartDate)}, nil
	}
	return nil, nil
}

// moment is the zero time for 0.
func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
