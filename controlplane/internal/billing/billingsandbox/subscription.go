package billingsandbox

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// update is what a request asks of a subscription.
type update struct {
	price    price
	quantity int64
	at       int64 // the second for which is reckoned
	invoice  bool  // what it costs is billed at once
}

// readUpdate reads the one item that is changed. Prefix stands before the
// parameters: "" when a subscription is changed, "subscription_" when it is asked
// what that would cost.
func (b *Sandbox) readUpdate(ctx context.Context, f form, prefix string, s subscription) (update, error) {
	item := s.Items.Data[0]
	u := update{price: item.Price, quantity: item.Quantity, at: b.now().Unix()}
	items := prefix + "items[0]"
	for key := range f {
		if strings.HasPrefix(key, prefix+"items[") && !strings.HasPrefix(key, items) {
			return u, invalid("", key, "The sandbox sells one item at a time.")
		}
	}
	behaviour := f.text(prefix + "proration_behavior")
	to := f.text(items + "[price]")
	if to == "" {
		return u, nil
	}
	if f.text(items+"[id]") != item.ID {
		return u, invalid("", items+"[id]", "The sandbox changes the item of a subscription and adds none: name it, %s.", item.ID)
	}
	if _, err := b.load(ctx, kindPrice, to, &u.price); err != nil {
		return u, err
	}
	var err error
	// A price that is given sets the quantity to one unless that is given, too.
	if u.quantity, err = f.number(items+"[quantity]", 1); err != nil {
		return u, err
	}
	if u.at, err = f.number(prefix+"proration_date", u.at); err != nil {
		return u, err
	}
	u.invoice = behaviour == "always_invoice"
	switch {
	case !u.invoice && behaviour != "none":
		return u, invalid("", prefix+"proration_behavior", "The sandbox speaks always_invoice and none, not %q.", behaviour)
	case !u.invoice && f.text(prefix+"proration_date") != "":
		return u, invalid("", prefix+"proration_date", "You cannot set `proration_date` when `proration_behavior` is none.")
	case !u.price.Active || u.quantity < 1 || u.price.Currency != s.Currency:
		return u, invalid("", items, "The price must be active and in %s, the quantity at least 1.", s.Currency)
	case u.price.Recurring.Interval != item.Price.Recurring.Interval:
		return u, invalid("", items+"[price]", "The sandbox keeps the interval of a subscription.")
	case u.at < s.CurrentPeriodStart || u.at >= s.CurrentPeriodEnd:
		return u, invalid("", prefix+"proration_date", "Cannot specify a proration date outside of the current billing period.")
	}
	return u, nil
}

// reckon makes the lines of an update: what is left of the old price is given
// back, what is left of the new one charged, by the second, each to the cent.
func (b *Sandbox) reckon(ctx context.Context, s subscription, u update, seed string) ([]invoiceLine, error) {
	item := s.Items.Data[0]
	if item.Price.ID == u.price.ID && item.Quantity == u.quantity {
		return nil, nil
	}
	on := time.Unix(u.at, 0).UTC().Format("2 Jan 2006")
	lines := make([]invoiceLine, 0, 2)
	for _, part := range []struct {
		words    string
		price    price
		quantity int64
		sign     int64
	}{
		{"Unused time on", item.Price, item.Quantity, -1},
		{"Remaining time on", u.price, u.quantity, 1},
	} {
		var of product
		if _, err := b.load(ctx, kindProduct, part.price.Product, &of); err != nil {
			return nil, err
		}
		lines = append(lines, invoiceLine{
			ID: identifier("il_", seedOf(seed, part.words)), Object: "line_item", Type: "invoiceitem",
			Amount:   part.sign * share(part.price.UnitAmount*part.quantity, s.CurrentPeriodEnd-u.at, s.CurrentPeriodEnd-s.CurrentPeriodStart),
			Currency: s.Currency, Description: fmt.Sprintf("%s %s after %s", part.words, of.Name, on), Proration: true,
			Quantity: part.quantity, Price: part.price, Period: period{Start: u.at, End: s.CurrentPeriodEnd},
		})
	}
	return lines, nil
}

// seedOf keeps a random name random.
func seedOf(seed, part string) string {
	if seed == "" {
		return ""
	}
	return seed + " " + part
}

// share is amount * left / whole, halves rounded up.
func share(amount, left, whole int64) int64 { return (2*amount*left + whole) / (2 * whole) }

// bill draws up an invoice of lines: credit of the payer is used first, and what
// is owed to the payer becomes credit.
func bill(s subscription, payer customer, now time.Time, reason string, lines []invoiceLine) invoice {
	i := invoice{
		Object: kindInvoice, Created: now.Unix(), Status: "draft", BillingReason: reason, Customer: s.Customer,
		CustomerEmail: payer.Email, Subscription: s.ID, Currency: s.Currency, StartingBalance: payer.Balance,
		PeriodStart: now.Unix(), PeriodEnd: now.Unix(),
	}
	for _, l := range lines {
		i.Total += l.Amount
	}
	i.Subtotal, i.AmountDue = i.Total, max(0, i.Total+payer.Balance)
	i.Lines = listOf("/v1/invoices/upcoming/lines", append([]invoiceLine{}, lines...)...)
	return i
}

func (b *Sandbox) upcomingInvoice(ctx context.Context, c call) (any, error) {
	of, err := c.form.need("subscription")
	if err != nil {
		return nil, err
	}
	var s subscription
	if _, err := b.load(ctx, kindSubscription, of, &s); err != nil {
		return nil, err
	}
	if named := c.form.text("customer"); named != "" && named != s.Customer {
		return nil, missing(kindSubscription, of)
	}
	if s.Status == "canceled" {
		f := invalid("invoice_upcoming_none", "", "No upcoming invoices for customer: %s", s.Customer)
		f.Status = http.StatusNotFound
		return nil, f
	}
	var payer customer
	if _, err := b.load(ctx, kindCustomer, s.Customer, &payer); err != nil {
		return nil, err
	}
	u, err := b.readUpdate(ctx, c.form, "subscription_", s)
	if err != nil {
		return nil, err
	}
	if u.invoice {
		lines, err := b.reckon(ctx, s, u, "")
		return bill(s, payer, b.now(), "upcoming", lines), err
	}
	var product product
	if _, err := b.load(ctx, kindProduct, u.price.Product, &product); err != nil {
		return nil, err
	}
	renewal := time.Unix(s.CurrentPeriodEnd, 0)
	return bill(s, payer, renewal, "upcoming", []invoiceLine{{
		ID: identifier("il_", ""), Object: "line_item", Type: "subscription", Amount: u.price.UnitAmount * u.quantity, Currency: s.Currency,
		Description: fmt.Sprintf("%d × %s", u.quantity, product.Name), Quantity: u.quantity, Price: u.price,
		Period: period{Start: renewal.Unix(), End: periodEnd(renewal, u.price.Recurring.Interval).Unix()},
	}}), nil
}

func (b *Sandbox) updateSubscription(ctx context.Context, c call) (any, error) {
	var s subscription
	row, err := b.load(ctx, kindSubscription, c.id, &s)
	if err != nil {
		return nil, err
	}
	if _, err := b.load(ctx, kindInvoice, name(kindInvoice, c.seed()), &invoice{}); c.key != "" && err == nil {
		return s, nil // billed by an earlier run of the same call
	}
	if s.Status == "canceled" {
		return nil, invalid("", "", "A canceled subscription can only update its cancellation_details and metadata.")
	}
	behaviour := c.form.text("payment_behavior")
	if behaviour != "" && behaviour != "allow_incomplete" && behaviour != "error_if_incomplete" {
		return nil, invalid("", "payment_behavior", "The sandbox speaks allow_incomplete and error_if_incomplete, not %s.", behaviour)
	}
	metadata, err := c.form.metadata("metadata")
	if err != nil {
		return nil, err
	}
	s.Metadata = merge(s.Metadata, metadata)
	if method := c.form.text("default_payment_method"); method != "" {
		var of paymentMethod
		if _, err := b.load(ctx, kindPaymentMethod, method, &of); err != nil {
			return nil, err
		}
		if of.Customer != s.Customer {
			return nil, invalid("", "default_payment_method", "The customer does not have a payment method with the ID %s.", method)
		}
		s.DefaultPaymentMethod = method
	}
	u, err := b.readUpdate(ctx, c.form, "", s)
	if err != nil {
		return nil, err
	}
	ch := b.change(c)
	if u.invoice {
		if err := b.collect(ctx, ch, c, &s, u, behaviour == "error_if_incomplete"); err != nil {
			return nil, err
		}
	}
	s.Items.Data[0].Price, s.Items.Data[0].Quantity = u.price, u.quantity
	ch.replace(row, s)
	ch.announce("customer.subscription.updated", s.ID, s)
	return s, ch.commit(ctx)
}

// merge changes metadata as Stripe does: "" takes a key away.
func merge(old, with map[string]string) map[string]string {
	for key, value := range with {
		if value == "" {
			delete(old, key)
			continue
		}
		if old == nil {
			old = map[string]string{}
		}
		old[key] = value
	}
	return old
}

// collect bills an update and charges the card. A card that fails ends the call
// when strict, and else leaves the invoice open and the subscription past due.
func (b *Sandbox) collect(ctx context.Context, ch *change, c call, s *subscription, u update, strict bool) error {
	seed := c.seed()
	lines, err := b.reckon(ctx, *s, u, seed)
	if err != nil || len(lines) == 0 {
		return err
	}
	var payer customer
	payerRow, err := b.load(ctx, kindCustomer, s.Customer, &payer)
	if err != nil {
		return err
	}
	i := bill(*s, payer, b.now(), "subscription_update", lines)
	i.ID = name(kindInvoice, seed)
	i.Number = numberOf(i.ID)
	i.Lines.URL = "/v1/invoices/" + i.ID + "/lines"
	ending := min(0, i.Total+payer.Balance)
	i.EndingBalance = &ending
	var method paymentMethod
	if _, err := b.load(ctx, kindPaymentMethod, s.DefaultPaymentMethod, &method); err != nil {
		return err
	}
	declined := i.AmountDue > 0 && !method.Card.paysAgain()
	switch {
	case declined && strict:
		return cardDeclined()
	case declined:
		i.Status, s.Status = "open", "past_due"
	default:
		i.Status, i.Paid, i.AmountPaid = "paid", true, i.AmountDue
	}
	if i.AmountPaid > 0 {
		paid := cardCharge{
			ID: name(kindCharge, seed), Object: kindCharge, Created: i.Created, Amount: i.AmountPaid, Currency: i.Currency,
			Customer: i.Customer, Invoice: i.ID, PaymentMethod: method.ID, Paid: true, Status: "succeeded",
		}
		i.Charge = &paid.ID
		ch.add(paid.ID, paid, record{Kind: kindCharge, Customer: i.Customer})
		ch.announce("charge.succeeded", paid.ID, paid)
	}
	s.LatestInvoice = i.ID
	ch.add(i.ID, i, record{Kind: kindInvoice, Customer: i.Customer})
	ch.announce("invoice.created", i.ID, i)
	if declined {
		ch.announce("invoice.payment_failed", i.ID, i)
	} else {
		ch.announce("invoice.paid", i.ID, i)
	}
	if moved := ending - payer.Balance; moved != 0 {
		ch.move(payerRow, payer, balanceTransaction{
			ID: name(kindBalanceChange, seed), Type: "applied_to_invoice", Amount: moved, Currency: i.Currency, Invoice: &i.ID,
			Metadata: map[string]string{},
		})
	}
	return nil
}

func numberOf(id string) string { return "SANDBOX-" + strings.ToUpper(identifier("", id)[:8]) }

func (b *Sandbox) cancelSubscription(ctx context.Context, c call) (any, error) {
	var s subscription
	row, err := b.load(ctx, kindSubscription, c.id, &s)
	if err != nil {
		return nil, err
	}
	if s.Status == "canceled" {
		return nil, missing(kindSubscription, c.id)
	}
	now := b.now().Unix()
	s.Status, s.CanceledAt, s.EndedAt = "canceled", &now, &now
	ch := b.change(c)
	ch.replace(row, s)
	ch.announce("customer.subscription.deleted", s.ID, s)
	return s, ch.commit(ctx)
}

// attachPaymentMethod gives a customer one of Stripe's cards for tests.
func (b *Sandbox) attachPaymentMethod(ctx context.Context, c call) (any, error) {
	id, before, err := made[paymentMethod](ctx, b, kindPaymentMethod, c)
	if before != nil || err != nil {
		return before, err
	}
	last4, known := map[string]string{"pm_card_visa": "4242", "pm_card_chargeCustomerFail": failsLater}[c.id]
	if !known {
		return nil, missing(kindPaymentMethod, c.id)
	}
	of, err := c.form.need("customer")
	if err != nil {
		return nil, err
	}
	if _, err := b.load(ctx, kindCustomer, of, &customer{}); err != nil {
		return nil, err
	}
	now := b.now()
	v := paymentMethod{
		ID: id, Object: kindPaymentMethod, Created: now.Unix(), Type: "card", Customer: of,
		Card: card{Brand: "visa", Last4: last4, ExpMonth: 12, ExpYear: int64(now.Year() + 3)},
	}
	ch := b.change(c)
	ch.add(id, v, record{Kind: kindPaymentMethod, Customer: of})
	ch.announce("payment_method.attached", id, v)
	return v, ch.commit(ctx)
}
