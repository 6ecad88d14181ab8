package billingsandbox

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
)

// The states of a checkout session.
const (
	open     = "open"
	complete = "complete"
	expired  = "expired"
)

// How long a checkout session may stay open.
const (
	checkoutMin = 30 * time.Minute
	checkoutMax = 24 * time.Hour
	urlMax      = 5000
)

func (b *Sandbox) createCheckout(ctx context.Context, c call) (any, error) {
	id, before, err := made[checkoutSession](ctx, b, kindCheckout, c)
	if before != nil || err != nil {
		return before, err
	}
	if mode, err := c.form.need("mode"); err != nil {
		return nil, err
	} else if mode != "subscription" {
		return nil, invalid("", "mode", "The sandbox speaks mode subscription only, not %s.", mode)
	}
	of, err := c.form.need("customer")
	if err != nil {
		return nil, err
	}
	if _, err := b.load(ctx, kindCustomer, of, &customer{}); err != nil {
		return nil, err
	}
	o, p, err := b.readOrder(ctx, c.form)
	if err != nil {
		return nil, err
	}
	success, err := readURL(c.form, "success_url")
	if err != nil {
		return nil, err
	}
	cancel, err := readURL(c.form, "cancel_url")
	if err != nil {
		return nil, err
	}
	now := b.now()
	expires, err := c.form.number("expires_at", now.Add(checkoutMax).Unix())
	if err != nil {
		return nil, err
	}
	if life := time.Unix(expires, 0).Sub(now); life < checkoutMin || life > checkoutMax {
		return nil, invalid("", "expires_at", "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.")
	}
	metadata, err := c.form.metadata("metadata")
	if err != nil {
		return nil, err
	}
	v := checkoutSession{
		ID: id, Object: kindCheckout, Created: now.Unix(), Mode: "subscription", Status: open, PaymentStatus: "unpaid",
		Customer: of, ClientReferenceID: optional(c.form.text("client_reference_id")), Currency: p.Currency,
		AmountSubtotal: p.UnitAmount * o.Quantity, AmountTotal: p.UnitAmount * o.Quantity,
		SuccessURL: success, CancelURL: cancel, ExpiresAt: expires,
		URL: optional(b.site + pagePath + id), Metadata: metadata,
	}
	r := record{Kind: kindCheckout, Customer: of, Bought: &o, PageToken: rand.Text()}
	ch := b.change(c)
	ch.add(id, v, r)
	return v, ch.commit(ctx)
}

// readOrder reads the one line that is bought.
func (b *Sandbox) readOrder(ctx context.Context, f form) (o order, p price, err error) {
	if o.Price, err = f.need("line_items[0][price]"); err != nil {
		return o, p, err
	}
	for key := range f {
		if strings.HasPrefix(key, "line_items[") && !strings.HasPrefix(key, "line_items[0]") {
			return o, p, invalid("", key, "The sandbox sells one line at a time.")
		}
	}
	if _, err = b.load(ctx, kindPrice, o.Price, &p); err != nil {
		return o, p, err
	}
	if o.Quantity, err = f.number("line_items[0][quantity]", 1); err != nil {
		return o, p, err
	}
	if !p.Active || o.Quantity < 1 || o.Quantity > 999_999 {
		return o, p, invalid("", "line_items[0]", "The price must be active and the quantity from 1 to 999999.")
	}
	o.Metadata, err = f.metadata("subscription_data[metadata]")
	return o, p, err
}

func readURL(f form, key string) (string, error) {
	raw, err := f.need(key)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(raw)
	if err != nil || len(raw) > urlMax || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", invalid("url_invalid", key, "Not a valid URL")
	}
	return raw, nil
}

// session reads a checkout session as it is now: one that nobody paid in time has
// expired, also when nobody has written that yet.
func (b *Sandbox) session(ctx context.Context, id string) (docstore.Row[record], checkoutSession, error) {
	var v checkoutSession
	row, err := b.load(ctx, kindCheckout, id, &v)
	if v.Status == open && b.now().Unix() >= v.ExpiresAt {
		v.Status, v.URL = expired, nil
	}
	return row, v, err
}

func (b *Sandbox) getCheckout(ctx context.Context, c call) (any, error) {
	_, v, err := b.session(ctx, c.id)
	return v, err
}

func (b *Sandbox) expireCheckout(ctx context.Context, c call) (any, error) {
	row, v, err := b.session(ctx, c.id)
	if err != nil {
		return nil, err
	}
	if v.Status != open {
		return nil, invalid("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of %s.", v.Status)
	}
	v.Status, v.URL = expired, nil
	ch := b.change(c)
	ch.replace(row, v)
	ch.announce("checkout.session.expired", v.ID, v)
	return v, ch.commit(ctx)
}

// pay completes a checkout session with a card that is good. Everything it makes
// is named after the session, so that a payment which a crash cut short is made
// whole, not twice, by paying again. The caller holds writing.
func (b *Sandbox) pay(ctx context.Context, row docstore.Row[record], v checkoutSession, of card) error {
	o := row.Value.Bought
	if o == nil {
		return fmt.Errorf("checkout session %s has no order", v.ID)
	}
	var p price
	if _, err := b.load(ctx, kindPrice, o.Price, &p); err != nil {
		return err
	}
	var payer customer
	if _, err := b.load(ctx, kindCustomer, v.Customer, &payer); err != nil {
		return err
	}
	now := b.now()
	method := paymentMethod{ID: name(kindPaymentMethod, v.ID), Object: kindPaymentMethod, Created: now.Unix(), Type: "card", Customer: v.Customer, Card: of}
	s := subscription{
		ID: name(kindSubscription, v.ID), Object: kindSubscription, Created: now.Unix(), Status: "active",
		Customer: v.Customer, Currency: p.Currency, CollectionMethod: "charge_automatically",
		BillingCycleAnchor: now.Unix(), StartDate: now.Unix(), CurrentPeriodStart: now.Unix(),
		CurrentPeriodEnd: periodEnd(now, p.Recurring.Interval).Unix(), DefaultPaymentMethod: method.ID,
		LatestInvoice: name(kindInvoice, v.ID), Metadata: o.Metadata,
	}
	s.Items = listOf("/v1/subscription_items?subscription="+s.ID, subscriptionItem{
		ID: identifier("si_", v.ID), Object: "subscription_item", Created: now.Unix(), Subscription: s.ID, Quantity: o.Quantity, Price: p,
	})
	i := invoice{
		ID: s.LatestInvoice, Object: kindInvoice, Created: now.Unix(), Number: "SANDBOX-" + strings.ToUpper(identifier("", v.ID)[:8]),
		Status: "paid", Paid: true, BillingReason: "subscription_create", Customer: v.Customer, CustomerEmail: payer.Email,
		Subscription: s.ID, Currency: p.Currency, AmountDue: v.AmountTotal, AmountPaid: v.AmountTotal,
		Subtotal: v.AmountSubtotal, Total: v.AmountTotal, PeriodStart: now.Unix(), PeriodEnd: now.Unix(),
	}
	i.Lines = listOf("/v1/invoices/"+i.ID+"/lines", invoiceLine{
		ID: identifier("il_", v.ID), Object: "line_item", Type: "subscription", Amount: v.AmountTotal, Currency: p.Currency,
		Description: fmt.Sprintf("%d x %s", o.Quantity, p.Product), Quantity: o.Quantity, Price: p,
		Period: period{Start: s.CurrentPeriodStart, End: s.CurrentPeriodEnd},
	})
	paid := cardCharge{
		ID: name(kindCharge, v.ID), Object: kindCharge, Created: now.Unix(), Amount: v.AmountTotal, Currency: p.Currency,
		Customer: v.Customer, Invoice: i.ID, PaymentMethod: method.ID, Paid: true, Status: "succeeded",
	}
	i.Charge, i.EndingBalance = &paid.ID, new(int64)
	v.Status, v.PaymentStatus, v.URL = complete, "paid", nil
	v.Subscription, v.Invoice = &s.ID, &i.ID

	ch := &change{b: b, seed: "paid " + v.ID}
	ch.add(method.ID, method, record{Kind: kindPaymentMethod, Customer: v.Customer})
	ch.add(s.ID, s, record{Kind: kindSubscription, Customer: v.Customer})
	ch.add(i.ID, i, record{Kind: kindInvoice, Customer: v.Customer})
	ch.add(paid.ID, paid, record{Kind: kindCharge, Customer: v.Customer})
	ch.announce("payment_method.attached", method.ID, method)
	ch.announce("customer.subscription.created", s.ID, s)
	ch.announce("invoice.created", i.ID, i)
	ch.announce("invoice.paid", i.ID, i)
	ch.announce("checkout.session.completed", v.ID, v)
	ch.replace(row, v)
	return ch.commit(ctx)
}

func periodEnd(start time.Time, interval string) time.Time {
	switch interval {
	case "day":
		return start.AddDate(0, 0, 1)
	case "week":
		return start.AddDate(0, 0, 7)
	case "year":
		return addMonths(start, 12)
	}
	return addMonths(start, 1)
}

// addMonths stays in the month it aims at: a month after 31 January is the last
// day of February.
func addMonths(t time.Time, n int) time.Time {
	t = t.UTC()
	aim := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	last := aim.AddDate(0, 1, -1).Day()
	return aim.AddDate(0, 0, min(t.Day(), last)-1)
}
