package billingsandbox

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// The states of invoices that more than one part speaks of.
const (
	draft         = "draft"
	open          = "open"
	paid          = "paid"
	void          = "void"
	uncollectible = "uncollectible"
)

// draftFor is how long, in seconds, the invoice of a renewal stays a draft.
const draftFor = 3600

func invoiceEndpoints() []endpoint {
	return []endpoint{
		{"GET /v1/invoices", paged(append([]string{"customer", "subscription", "status", "collection_method"}, created...)...), listed(map[string]func(*invoice) string{
			"subscription":      func(v *invoice) string { return string(v.Subscription) },
			"status":            func(v *invoice) string { return v.Status },
			"collection_method": func(v *invoice) string { return v.CollectionMethod },
		}, func(v *invoice) int64 { return v.Created })},
		{"GET /v1/invoices/upcoming", upcomingParams, upcomingInvoice},
		{"GET /v1/invoices/upcoming/lines", paged(upcomingParams...), upcomingLines},
		{"GET /v1/invoices/{id}", nil, read[invoice]},
		{"GET /v1/invoices/{id}/lines", paged(), linesOfInvoice},
		{"POST /v1/invoices/{id}", []string{"auto_advance", "metadata[*]"}, updateInvoice},
		{"POST /v1/invoices/{id}/finalize", []string{"auto_advance"}, finalizeInvoice},
		{"POST /v1/invoices/{id}/pay", []string{"payment_method", "off_session", "paid_out_of_band", "forgive"}, payInvoice},
		{"POST /v1/invoices/{id}/void", nil, voidInvoice},
		{"POST /v1/invoices/{id}/mark_uncollectible", nil, markUncollectible},
		{"GET /v1/invoiceitems", paged(append([]string{"customer", "invoice", "pending"}, created...)...), listed(map[string]func(*invoiceItem) string{
			"invoice": func(v *invoiceItem) string { return string(v.Invoice) },
			"pending": func(v *invoiceItem) string { return fmt.Sprint(v.Invoice == "") },
		}, func(v *invoiceItem) int64 { return v.Date })},
		{"GET /v1/invoiceitems/{id}", nil, read[invoiceItem]},
	}
}

// draw draws up an invoice of lines: credit of the payer is used first, and what is
// owed to the payer becomes credit.
func draw(s *subscription, payer *customer, now int64, reason string, lines []invoiceLine) *invoice {
	i := &invoice{
		Object: kindInvoice, Created: now, Status: draft, AutoAdvance: true, BillingReason: reason, CollectionMethod: s.CollectionMethod,
		Customer: s.Customer, CustomerEmail: payer.Email, CustomerName: payer.Name, Subscription: ref(s.ID), Currency: s.Currency,
		SubscriptionDetails: invoiceSubscriptionDetails{Metadata: s.Metadata}, StartingBalance: payer.Balance,
		AutomaticTax: s.AutomaticTax, PeriodStart: now, PeriodEnd: now, TestClock: payer.TestClock, Metadata: map[string]string{},
	}
	if i.AutomaticTax.Enabled {
		i.AutomaticTax.Status = "complete"
		i.Tax = new(int64) // the sandbox is registered nowhere, so there is none
	}
	for _, l := range lines {
		i.Total += l.Amount
	}
	i.Subtotal, i.AmountDue = i.Total, max(0, i.Total+payer.Balance)
	i.AmountRemaining = i.AmountDue
	i.Lines = listOf("/v1/invoices/upcoming/lines", append([]invoiceLine{}, lines...)...)
	return i
}

// bill makes a draft of lines, with what waited for the next invoice.
func (t *tx) bill(s *subscription, reason string, lines []invoiceLine, waiting bool) (*invoice, error) {
	payer, err := get[customer](t, s.Customer)
	if err != nil {
		return nil, err
	}
	id := name(kindInvoice, "")
	if waiting {
		items, err := t.waiting(s)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			item.Invoice = ref(id)
			t.save(item)
			lines = append(lines, lineOfItem(item))
		}
	}
	i := draw(s, payer, t.now, reason, lines)
	i.ID = id
	i.Lines.URL = "/v1/invoices/" + id + "/lines"
	s.LatestInvoice = ref(id)
	if payer.Currency == "" {
		payer.Currency = ref(s.Currency)
		t.save(payer)
	}
	t.save(i)
	t.save(s)
	t.announce("invoice.created", i)
	return i, nil
}

// waiting are the prorations that wait for the subscription's next invoice.
func (t *tx) waiting(s *subscription) ([]*invoiceItem, error) {
	all, err := every[invoiceItem](t, ofCustomer(kindInvoiceItem, s.Customer))
	if err != nil {
		return nil, err
	}
	var out []*invoiceItem
	for _, item := range all {
		if item.Invoice == "" && string(item.Subscription) == s.ID {
			out = append(out, item)
		}
	}
	return out, nil
}

func lineOfItem(v *invoiceItem) invoiceLine {
	return invoiceLine{
		ID: identifier("il_", v.ID), Object: "line_item", Type: "invoiceitem", Amount: v.Amount, Currency: v.Currency, Description: v.Description,
		InvoiceItem: ref(v.ID), Proration: v.Proration, Quantity: v.Quantity, Price: v.Price, Plan: planOf(v.Price), Period: v.Period,
		Subscription: v.Subscription, Metadata: v.Metadata,
	}
}

// wait keeps lines for the next invoice.
func (t *tx) wait(s *subscription, lines []invoiceLine) {
	for _, l := range lines {
		v := &invoiceItem{
			ID: name(kindInvoiceItem, ""), Object: kindInvoiceItem, Date: t.now, Amount: l.Amount, Currency: l.Currency, Customer: s.Customer,
			Description: l.Description, Period: l.Period, Price: l.Price, Proration: l.Proration, Quantity: l.Quantity,
			Subscription: ref(s.ID), Metadata: map[string]string{},
		}
		t.save(v)
		t.announce("invoiceitem.created", v)
	}
}

// finalize makes a draft an invoice that is owed. One that owes nothing is paid.
func (t *tx) finalize(i *invoice) error {
	payer, err := get[customer](t, i.Customer)
	if err != nil {
		return err
	}
	i.StartingBalance = payer.Balance
	ending := min(0, i.Total+payer.Balance)
	i.AmountDue = max(0, i.Total+payer.Balance)
	i.AmountRemaining, i.EndingBalance = i.AmountDue, &ending
	i.Status, i.Number, i.StatusTransitions.FinalizedAt = open, ref(numberOf(i.ID)), stamp(t.now)
	i.Memo.PageToken = identifier("", "")
	i.HostedInvoiceURL = ref(fmt.Sprintf("%s%s%s/%s", t.b.site, invoicePath, i.ID, i.Memo.PageToken))
	i.InvoicePDF = i.HostedInvoiceURL + "/pdf"
	if i.AmountDue > 0 {
		pi := &paymentIntent{
			ID: name(kindPaymentIntent, ""), Object: kindPaymentIntent, Created: t.now, Amount: i.AmountDue, Currency: i.Currency, Customer: ref(i.Customer),
			ConfirmationMethod: "automatic", Invoice: ref(i.ID), Description: "Subscription update", PaymentMethodTypes: []string{"card"},
			SetupFutureUsage: "off_session", Status: "requires_payment_method", Metadata: map[string]string{},
		}
		if i.BillingReason == "subscription_create" {
			pi.Description = "Subscription creation"
		}
		pi.ClientSecret = pi.ID + "_secret_" + identifier("", "")
		i.PaymentIntent = ref(pi.ID)
		t.save(pi)
		t.announce("payment_intent.created", pi)
	}
	t.save(i)
	if moved := ending - payer.Balance; moved != 0 {
		t.move(payer, &balanceTransaction{
			ID: name(kindBalanceChange, ""), Type: "applied_to_invoice", Amount: moved, Currency: i.Currency, Invoice: ref(i.ID), Metadata: map[string]string{},
		})
	}
	t.announce("invoice.finalized", i)
	if i.AmountDue == 0 {
		return t.settled(i)
	}
	return nil
}

// charge tries to collect an open invoice. Nil means paid.
func (t *tx) charge(i *invoice, method *paymentMethod, m manner) *failure {
	pi, err := get[paymentIntent](t, string(i.PaymentIntent))
	if err != nil {
		return invalid("", "", "Invoice %s has nothing to be paid.", i.ID)
	}
	i.Attempted = true
	i.AttemptCount++
	t.save(i)
	f := t.ask(pi, method, m)
	if f == nil {
		i.Charge, i.AmountPaid, i.AmountRemaining = pi.LatestCharge, i.AmountDue, 0
		if err := t.settled(i); err != nil {
			return ourFault()
		}
		return nil
	}
	if i.Charge == "" {
		i.Charge = pi.LatestCharge
	}
	return f
}

// collect is charge with the card that the subscription or its customer has. What
// follows from a failure is told.
func (t *tx) collect(i *invoice, s *subscription) (*failure, error) {
	method, err := t.payer(s)
	if err != nil {
		return nil, err
	}
	var f *failure
	if method == nil {
		i.Attempted = true
		i.AttemptCount++
		f = invalid("resource_missing", "", "This customer has no attached payment source or default payment method. Please consider adding a default payment method.")
	} else {
		f = t.charge(i, method, manner{})
	}
	if f != nil {
		t.save(i)
	}
	return f, nil
}

// unpaidTold tells that an attempt has failed.
func (t *tx) unpaidTold(i *invoice, f *failure) {
	t.save(i)
	t.announce("invoice.payment_failed", i)
	if f.Code == "authentication_required" {
		t.announce("invoice.payment_action_required", i)
	}
}

// payer is the card that pays a subscription, nil when there is none.
func (t *tx) payer(s *subscription) (*paymentMethod, error) {
	id := string(s.DefaultPaymentMethod)
	if id == "" {
		of, err := get[customer](t, s.Customer)
		if err != nil {
			return nil, err
		}
		id = string(of.InvoiceSettings.DefaultPaymentMethod)
	}
	if id == "" {
		return nil, nil
	}
	return get[paymentMethod](t, id)
}

// settled notes that an invoice is paid, and lets its subscription know.
func (t *tx) settled(i *invoice) error {
	i.Status, i.Paid, i.Attempted, i.NextPaymentAttempt, i.StatusTransitions.PaidAt = paid, true, true, 0, stamp(t.now)
	t.save(i)
	t.announce("invoice.paid", i)
	t.announce("invoice.payment_succeeded", i)
	if i.Subscription == "" {
		return nil
	}
	s, err := get[subscription](t, string(i.Subscription))
	var f *failure
	if errors.As(err, &f) {
		return nil // its subscription is being made
	}
	if err != nil {
		return err
	}
	return t.wasPaid(s, i)
}

func numberOf(id string) string { return "SANDBOX-" + strings.ToUpper(identifier("", id)[:8]) }

// dueInvoice finalizes a draft whose hour is over, and tries again to collect what
// is open.
func (t *tx) dueInvoice(i *invoice) error {
	if i.Status == draft {
		if err := t.finalize(i); err != nil || i.Status != open {
			return err
		}
	}
	i.NextPaymentAttempt = 0
	t.save(i)
	s, err := get[subscription](t, string(i.Subscription))
	if err != nil {
		return err
	}
	if s.over() {
		return nil
	}
	f, err := t.collect(i, s)
	if err != nil || f == nil {
		return err
	}
	return t.wasNotPaid(s, i, f)
}

// chosenMethod is the card that a request names, or else the one that is there.
func (t *tx) chosenMethod(i *invoice, f form) (*paymentMethod, error) {
	if id := f.text("payment_method"); id != "" {
		v, err := t.method(id)
		if err != nil {
			return nil, err
		}
		if v.Customer != "" && string(v.Customer) != i.Customer {
			return nil, invalid("", "payment_method", "The payment method does not belong to the customer of this invoice.")
		}
		return v, nil
	}
	s, err := get[subscription](t, string(i.Subscription))
	if err != nil {
		return nil, err
	}
	v, err := t.payer(s)
	if err == nil && v == nil {
		err = invalid("resource_missing", "", "This customer has no attached payment source or default payment method. Please consider adding a default payment method.")
	}
	return v, err
}

func updateInvoice(t *tx, c call) (any, error) {
	i, err := get[invoice](t, c.id)
	if err != nil {
		return nil, err
	}
	if i.AutoAdvance, err = c.form.truth("auto_advance", i.AutoAdvance); err != nil {
		return nil, err
	}
	t.save(i)
	if err := c.form.merge(&i.Metadata); err != nil {
		return nil, err
	}
	t.announce("invoice.updated", i)
	return i, nil
}

func finalizeInvoice(t *tx, c call) (any, error) {
	i, err := get[invoice](t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(i.Customer); err != nil {
		return nil, err
	}
	if i.Status != draft {
		return nil, invalid("invoice_not_editable", "", "This invoice is already finalized, you can't re-finalize a non-draft invoice.")
	}
	if i.AutoAdvance, err = c.form.truth("auto_advance", i.AutoAdvance); err != nil {
		return nil, err
	}
	if err := t.finalize(i); err != nil {
		return nil, err
	}
	if i.Status == open && i.AutoAdvance {
		i.NextPaymentAttempt = stamp(t.now + draftFor)
	}
	return i, nil
}

func payInvoice(t *tx, c call) (any, error) {
	i, err := get[invoice](t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(i.Customer); err != nil {
		return nil, err
	}
	switch i.Status {
	case paid:
		return nil, invalid("invoice_already_paid", "", "Invoice is already paid")
	case void:
		return nil, invalid("", "", "Invoice is voided and can no longer be paid.")
	case draft:
		if err := t.finalize(i); err != nil || i.Status == paid {
			return i, err
		}
	}
	outOfBand, err := c.form.truth("paid_out_of_band", false)
	if err != nil {
		return nil, err
	}
	if outOfBand {
		i.PaidOutOfBand, i.AmountPaid, i.AmountRemaining = true, i.AmountDue, 0
		return i, t.settled(i)
	}
	method, err := t.chosenMethod(i, c.form)
	if err != nil {
		return nil, err
	}
	if f := t.charge(i, method, manner{}); f != nil {
		t.unpaidTold(i, f)
		told := *f
		told.keep = true
		if f.Code == "authentication_required" {
			told.Code, told.DeclineCode = "invoice_payment_intent_requires_action", ""
			told.Message = "Invoice payment requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with the invoice."
		}
		return nil, &told
	}
	return i, nil
}

func voidInvoice(t *tx, c call) (any, error) {
	i, err := get[invoice](t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(i.Customer); err != nil {
		return nil, err
	}
	if i.Status != open && i.Status != uncollectible {
		return nil, invalid("", "", "You can only void open or uncollectible invoices; this one is %s.", i.Status)
	}
	return i, t.void(i)
}

// void ends an open invoice that is not to be paid: it takes what it used of the
// customer's credit back.
func (t *tx) void(i *invoice) error {
	i.Status, i.NextPaymentAttempt, i.StatusTransitions.VoidedAt = void, 0, stamp(t.now)
	t.save(i)
	if err := t.abandon(i); err != nil {
		return err
	}
	if i.EndingBalance != nil && *i.EndingBalance != i.StartingBalance {
		payer, err := get[customer](t, i.Customer)
		if err != nil {
			return err
		}
		t.move(payer, &balanceTransaction{
			ID: name(kindBalanceChange, ""), Type: "unapplied_from_invoice", Amount: i.StartingBalance - *i.EndingBalance, Currency: i.Currency,
			Invoice: ref(i.ID), Metadata: map[string]string{},
		})
	}
	t.announce("invoice.voided", i)
	return t.wasSetAside(i)
}

// abandon ends the payment intent of an invoice.
func (t *tx) abandon(i *invoice) error {
	if i.PaymentIntent == "" {
		return nil
	}
	pi, err := get[paymentIntent](t, string(i.PaymentIntent))
	if err != nil {
		return err
	}
	pi.Status, pi.NextAction, pi.CanceledAt = canceled, nil, stamp(t.now)
	t.save(pi)
	t.announce("payment_intent.canceled", pi)
	return nil
}

func markUncollectible(t *tx, c call) (any, error) {
	i, err := get[invoice](t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(i.Customer); err != nil {
		return nil, err
	}
	if i.Status != open {
		return nil, invalid("", "", "You can only mark open invoices as uncollectible; this one is %s.", i.Status)
	}
	i.Status, i.NextPaymentAttempt, i.StatusTransitions.MarkedUncollectibleAt = uncollectible, 0, stamp(t.now)
	t.save(i)
	t.announce("invoice.marked_uncollectible", i)
	return i, t.wasSetAside(i)
}

func linesOfInvoice(t *tx, c call) (any, error) {
	i, err := get[invoice](t, c.id)
	if err != nil {
		return nil, err
	}
	return pageOfLines(c, i.Lines.Data)
}

func pageOfLines(c call, lines []invoiceLine) (any, error) {
	limit, err := c.form.number("limit", pageDefault)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > pageMax {
		return nil, invalid("parameter_invalid_integer", "limit", "limit must be between 1 and %d", pageMax)
	}
	if after := c.form.text("starting_after"); after != "" {
		for n, l := range lines {
			if l.ID == after {
				lines = lines[n+1:]
				break
			}
		}
	}
	out := listOf(c.path, append([]invoiceLine{}, lines[:min(len(lines), int(limit))]...)...)
	out.HasMore = len(lines) > int(limit)
	return out, nil
}

var upcomingParams = []string{
	"customer", "subscription", "subscription_items[][id]", "subscription_items[][price]", "subscription_items[][quantity]", "subscription_items[][deleted]",
	"subscription_proration_behavior", "subscription_proration_date", "subscription_trial_end", "subscription_billing_cycle_anchor",
	"subscription_cancel_at_period_end", "subscription_cancel_at", "subscription_cancel_now",
}

func upcomingInvoice(t *tx, c call) (any, error) { return t.upcoming(c) }

func upcomingLines(t *tx, c call) (any, error) {
	i, err := t.upcoming(c)
	if err != nil {
		return nil, err
	}
	return pageOfLines(c, i.Lines.Data)
}

// upcoming is the invoice that comes next, or that a change would make.
func (t *tx) upcoming(c call) (*invoice, error) {
	f := c.form
	s, err := t.subscriptionOf(f)
	if err != nil {
		return nil, err
	}
	if err := t.at(s.Customer); err != nil {
		return nil, err
	}
	payer, err := get[customer](t, s.Customer)
	if err != nil {
		return nil, err
	}
	leaving, err := f.truth("subscription_cancel_at_period_end", s.CancelAtPeriodEnd)
	if err != nil {
		return nil, err
	}
	u, err := t.readUpdate(f, "subscription_", s)
	if err != nil {
		return nil, err
	}
	lines, at, err := t.reckon(s, u)
	if err != nil {
		return nil, err
	}
	if at {
		i := draw(s, payer, u.at, "upcoming", lines)
		i.AutoAdvance = false
		return i, nil
	}
	if s.over() || leaving || s.CancelAt != 0 {
		none := invalid("invoice_upcoming_none", "", "No upcoming invoices for customer: %s", s.Customer)
		none.Status = 404
		return nil, none
	}
	waiting, err := t.waiting(s)
	if err != nil {
		return nil, err
	}
	for n := len(waiting) - 1; n >= 0; n-- {
		lines = append([]invoiceLine{lineOfItem(waiting[n])}, lines...)
	}
	next := *s
	next.Items.Data = u.items
	renewal, err := t.cycle(&next, s.CurrentPeriodEnd)
	if err != nil {
		return nil, err
	}
	i := draw(s, payer, s.CurrentPeriodEnd, "upcoming", append(lines, renewal...))
	i.PeriodStart, i.PeriodEnd = s.CurrentPeriodStart, s.CurrentPeriodEnd
	i.NextPaymentAttempt = stamp(s.CurrentPeriodEnd + draftFor)
	return i, nil
}

// subscriptionOf is the subscription that a preview is about.
func (t *tx) subscriptionOf(f form) (*subscription, error) {
	id, of := f.text("subscription"), f.text("customer")
	if id == "" && of == "" {
		return nil, missingParameter("subscription")
	}
	if id != "" {
		s, err := get[subscription](t, id)
		if err == nil && of != "" && of != s.Customer {
			return nil, missing(kindSubscription, id)
		}
		return s, err
	}
	all, err := every[subscription](t, ofCustomer(kindSubscription, of))
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if !s.over() {
			return s, nil
		}
	}
	none := invalid("invoice_upcoming_none", "", "No upcoming invoices for customer: %s", of)
	none.Status = 404
	return nil, none
}

// titled is the name of what a price sells.
func (t *tx) titled(p price) (string, error) {
	of, err := get[product](t, p.Product)
	if err != nil {
		return "", err
	}
	return cmp.Or(of.Name, p.ID), nil
}
