package billingstripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
)

// Change implements billing.Provider. Metadata cannot travel with
// pending_if_incomplete in this API version, so that the change carries no mark: that
// it has happened shows in the price.
func (c *Client) Change(ctx context.Context, t billing.Terms) error {
	price, err := c.price(ctx, t.TargetKey())
	if err != nil {
		return err
	}
	s, err := c.item(ctx, t.Subscription)
	switch {
	case err != nil:
		return err
	case s.plan == t.To && s.interval == t.Target():
		return nil
	case s.plan != t.From || s.interval != t.Interval:
		return billing.ErrQuoteChanged.Because(fmt.Errorf("subscription %s has plan %s a %s", s.ID, s.plan, s.interval))
	}
	if err := c.release(ctx, s.Subscription); err != nil {
		return err
	}
	params := &stripe.SubscriptionParams{
		Items: []*stripe.SubscriptionItemsParams{{ID: stripe.String(s.id), Price: stripe.String(price), Quantity: stripe.Int64(1)}},
	}
	if s.Status == stripe.SubscriptionStatusTrialing {
		params.ProrationBehavior = stripe.String("none") // nothing is paid yet
	} else {
		params.ProrationBehavior, params.PaymentBehavior = stripe.String("always_invoice"), stripe.String("pending_if_incomplete")
		params.ProrationDate = stripe.Int64(t.ProratedAt.Unix())
	}
	params.Context = ctx
	params.SetIdempotencyKey(t.Once)
	if _, err := c.api.Subscriptions.Update(t.Subscription, params); err != nil {
		return declined(err)
	}
	return nil
}

// Schedule implements billing.Provider. It takes two calls; dying between them leaves
// a schedule that changes nothing and is completed by the next one.
func (c *Client) Schedule(ctx context.Context, t billing.Terms) error {
	price, err := c.price(ctx, t.TargetKey())
	if err != nil {
		return err
	}
	s, err := c.item(ctx, t.Subscription)
	if err != nil {
		return err
	}
	if s.plan != t.From || s.interval != t.Interval {
		return billing.ErrQuoteChanged.Because(fmt.Errorf("subscription %s has plan %s a %s", s.ID, s.plan, s.interval))
	}
	schedule, err := c.schedule(ctx, s.Subscription)
	if err != nil {
		return err
	}
	if schedule.CurrentPhase == nil {
		return failure("read schedule", fmt.Errorf("schedule %s has no current phase", schedule.ID))
	}
	one := func(price string) []*stripe.SubscriptionSchedulePhaseItemParams {
		return []*stripe.SubscriptionSchedulePhaseItemParams{{Price: stripe.String(price), Quantity: stripe.Int64(1)}}
	}
	params := &stripe.SubscriptionScheduleParams{
		EndBehavior: stripe.String("release"), ProrationBehavior: stripe.String("none"),
		Phases: []*stripe.SubscriptionSchedulePhaseParams{
			{
				Items: one(s.Items.Data[0].Price.ID), ProrationBehavior: stripe.String("none"),
				StartDate: stripe.Int64(schedule.CurrentPhase.StartDate), EndDate: stripe.Int64(s.CurrentPeriodEnd),
			},
			{Items: one(price), ProrationBehavior: stripe.String("none"), Iterations: stripe.Int64(1)},
		},
	}
	params.Context = ctx
	if _, err := c.api.SubscriptionSchedules.Update(schedule.ID, params); err != nil {
		return failure("schedule change", err)
	}
	return nil
}

// schedule is the one that the subscription has, or a new one.
func (c *Client) schedule(ctx context.Context, s *stripe.Subscription) (*stripe.SubscriptionSchedule, error) {
	params := &stripe.SubscriptionScheduleParams{}
	params.Context = ctx
	if s.Schedule != nil {
		found, err := c.api.SubscriptionSchedules.Get(s.Schedule.ID, params)
		if err != nil {
			return nil, failure("read schedule", err)
		}
		return found, nil
	}
	params.FromSubscription = stripe.String(s.ID)
	made, err := c.api.SubscriptionSchedules.New(params)
	if err != nil {
		return nil, failure("make schedule", err)
	}
	return made, nil
}

// release lets go of the subscription's schedule, if it has one.
func (c *Client) release(ctx context.Context, s *stripe.Subscription) error {
	if s.Schedule == nil {
		return nil
	}
	params := &stripe.SubscriptionScheduleReleaseParams{}
	params.Context = ctx
	if _, err := c.api.SubscriptionSchedules.Release(s.Schedule.ID, params); err != nil {
		return failure("release schedule", err)
	}
	return nil
}

// Unschedule implements billing.Provider.
func (c *Client) Unschedule(ctx context.Context, subscription string) error {
	s, err := c.subscription(ctx, subscription)
	if err != nil {
		return err
	}
	return c.release(ctx, s)
}

func (c *Client) subscription(ctx context.Context, id string) (*stripe.Subscription, error) {
	params := &stripe.SubscriptionParams{}
	params.Context = ctx
	s, err := c.api.Subscriptions.Get(id, params)
	if err != nil {
		return nil, failure("read subscription", err)
	}
	return s, nil
}

// Abandon implements billing.Provider. Without its invoice a pending update cannot
// come into force.
func (c *Client) Abandon(ctx context.Context, invoice string) error {
	i, err := c.invoice(ctx, invoice)
	if err != nil || i.Status != stripe.InvoiceStatusOpen {
		return err
	}
	params := &stripe.InvoiceVoidInvoiceParams{}
	params.Context = ctx
	if _, err := c.api.Invoices.VoidInvoice(invoice, params); err != nil {
		return failure("void invoice", err)
	}
	return nil
}

func (c *Client) invoice(ctx context.Context, id string) (*stripe.Invoice, error) {
	params := &stripe.InvoiceParams{}
	params.Context = ctx
	i, err := c.api.Invoices.Get(id, params)
	if err != nil {
		return nil, failure("read invoice", err)
	}
	return i, nil
}

// EndTrial implements billing.Provider.
func (c *Client) EndTrial(ctx context.Context, subscription, once string) error {
	s, err := c.subscription(ctx, subscription)
	if err != nil || s.Status != stripe.SubscriptionStatusTrialing {
		return err
	}
	params := &stripe.SubscriptionParams{TrialEndNow: stripe.Bool(true), ProrationBehavior: stripe.String("none")}
	params.Context = ctx
	params.SetIdempotencyKey(once)
	if _, err := c.api.Subscriptions.Update(subscription, params); err != nil {
		return failure("end trial", err)
	}
	return nil
}

// reasonMax is how much of a reason Stripe keeps.
const reasonMax = 400

// Cancel implements billing.Provider.
func (c *Client) Cancel(ctx context.Context, subscription string, now bool, reason string) error {
	s, err := c.subscription(ctx, subscription)
	if err != nil || s.Status == stripe.SubscriptionStatusCanceled {
		return err
	}
	if err := c.release(ctx, s); err != nil {
		return err
	}
	for len(reason) > reasonMax || !utf8.ValidString(reason) {
		reason = reason[:len(reason)-1]
	}
	if !now {
		params := &stripe.SubscriptionParams{CancelAtPeriodEnd: stripe.Bool(true)}
		if reason != "" {
			params.CancellationDetails = &stripe.SubscriptionCancellationDetailsParams{Comment: stripe.String(reason)}
		}
		params.Context = ctx
		if _, err := c.api.Subscriptions.Update(subscription, params); err != nil {
			return failure("end subscription at the end of the period", err)
		}
		return nil
	}
	params := &stripe.SubscriptionCancelParams{}
	if reason != "" {
		params.CancellationDetails = &stripe.SubscriptionCancelCancellationDetailsParams{Comment: stripe.String(reason)}
	}
	params.Context = ctx
	if _, err := c.api.Subscriptions.Cancel(subscription, params); err != nil {
		return failure("end subscription", err)
	}
	return nil
}

// Resume implements billing.Provider.
func (c *Client) Resume(ctx context.Context, subscription string) error {
	params := &stripe.SubscriptionParams{CancelAtPeriodEnd: stripe.Bool(false)}
	params.Context = ctx
	if _, err := c.api.Subscriptions.Update(subscription, params); err != nil {
		return failure("resume subscription", err)
	}
	return nil
}

// use makes the method the one of the next payments.
func (c *Client) use(ctx context.Context, subscription, method string) error {
	params := &stripe.SubscriptionParams{DefaultPaymentMethod: stripe.String(method)}
	params.Context = ctx
	if _, err := c.api.Subscriptions.Update(subscription, params); err != nil {
		return failure("use another card", err)
	}
	return nil
}

// Pay implements billing.Provider.
func (c *Client) Pay(ctx context.Context, subscription, invoice, method, once string) error {
	i, err := c.invoice(ctx, invoice)
	if err != nil || i.Status != stripe.InvoiceStatusOpen {
		return err
	}
	if err := c.use(ctx, subscription, method); err != nil {
		return err
	}
	params := &stripe.InvoicePayParams{PaymentMethod: stripe.String(method)}
	params.Context = ctx
	params.SetIdempotencyKey(once)
	if _, err := c.api.Invoices.Pay(invoice, params); err != nil {
		return declined(err)
	}
	return nil
}

// Continue implements billing.Provider.
func (c *Client) Continue(ctx context.Context, subscription, method, once string) error {
	s, err := c.subscription(ctx, subscription)
	if err != nil || s.Status != stripe.SubscriptionStatusPaused {
		return err
	}
	if err := c.use(ctx, subscription, method); err != nil {
		return err
	}
	params := &stripe.SubscriptionResumeParams{BillingCycleAnchor: stripe.String("now")}
	params.Context = ctx
	params.SetIdempotencyKey(once)
	if _, err := c.api.Subscriptions.Resume(subscription, params); err != nil {
		return declined(err)
	}
	return nil
}

// TakeBack implements billing.Provider.
func (c *Client) TakeBack(ctx context.Context, subscription, once string) error {
	if err := c.Cancel(ctx, subscription, true, ""); err != nil {
		return err
	}
	list := &stripe.InvoiceListParams{Subscription: stripe.String(subscription)}
	list.Context = ctx
	found := c.api.Invoices.List(list)
	for found.Next() {
		i := found.Invoice()
		switch {
		case i.Status == stripe.InvoiceStatusOpen:
			if err := c.Abandon(ctx, i.ID); err != nil {
				return err
			}
		case i.AmountPaid > 0:
			if err := c.refund(ctx, "taken back "+subscription, once+"/"+i.ID, "duplicate", "You had two subscriptions; this one was taken back.", i); err != nil {
				return err
			}
		}
	}
	if err := found.Err(); err != nil {
		return failure("list invoices", err)
	}
	return nil
}

// gone says whether Stripe knows no such thing.
func gone(err error) bool {
	var refused *stripe.Error
	return errors.As(err, &refused) && refused.HTTPStatusCode == http.StatusNotFound
}

// refused says whether Stripe does not take what was sent, which is then the sender's
// to correct.
func refused(err error) bool {
	var r *stripe.Error
	return errors.As(err, &r) && r.HTTPStatusCode == http.StatusBadRequest
}
