package billingstripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
)

// metadataChange holds, on a subscription, the mark of the last change, and on what
// an undo makes, the mark of the change it undoes.
const metadataChange = "dyocense_change"

// item is a subscription with its one item and what that costs.
type item struct {
	*stripe.Subscription
	id       string
	plan     billing.PlanID
	interval billing.Interval
}

func (c *Client) item(ctx context.Context, subscription string) (item, error) {
	s, err := c.subscription(ctx, subscription)
	if err != nil {
		return item{}, err
	}
	known, err := snapshot(s)
	if err != nil {
		return item{}, err
	}
	return item{s, s.Items.Data[0].ID, known.Plan, known.Interval}, nil
}

// Preview implements billing.Provider.
func (c *Client) Preview(ctx context.Context, t billing.Terms) (billing.Quote, error) {
	price, err := c.price(ctx, t.TargetKey())
	if err != nil {
		return billing.Quote{}, err
	}
	s, err := c.item(ctx, t.Subscription)
	if err != nil {
		return billing.Quote{}, err
	}
	// Stripe refuses a second outside of the period, and our clocks may differ.
	at := min(max(t.ProratedAt.Unix(), s.CurrentPeriodStart), s.CurrentPeriodEnd-1)
	params := &stripe.InvoiceUpcomingParams{
		Customer: stripe.String(t.Customer), Subscription: stripe.String(t.Subscription),
		SubscriptionItems:             []*stripe.SubscriptionItemsParams{{ID: stripe.String(s.id), Price: stripe.String(price), Quantity: stripe.Int64(1)}},
		SubscriptionProrationBehavior: stripe.String("always_invoice"),
		SubscriptionProrationDate:     stripe.Int64(at),
	}
	params.Context = ctx
	invoice, err := c.api.Invoices.Upcoming(params)
	if err != nil {
		return billing.Quote{}, failure("preview invoice", err)
	}
	return quote(invoice, price, at, t.OtherInterval())
}

// quote reads the preview of the invoice that a change makes at once. Should it
// show the renewal as well, that is left out. A change to another interval begins a
// new period, whose line is no proration and belongs to it.
func quote(i *stripe.Invoice, price string, at int64, begins bool) (billing.Quote, error) {
	q := billing.Quote{Currency: string(i.Currency), ProratedAt: time.Unix(at, 0).UTC(), TaxToday: billing.Cents(i.Tax)}
	if i.Lines == nil || i.Lines.HasMore {
		return q, billing.ErrProvider.Because(errors.New("the preview does not show all of its lines"))
	}
	total, renewal := i.Total, false
	for _, l := range i.Lines.Data {
		ours := l.Price != nil && l.Price.ID == price && l.Period != nil
		if l.Type == stripe.InvoiceLineItemTypeSubscription && !l.Proration && !(begins && ours && q.RenewsAt.IsZero()) {
			total, renewal = total-l.Amount, true
			continue
		}
		q.Lines = append(q.Lines, billing.QuoteLine{Text: l.Description, Cents: billing.Cents(l.Amount)})
		if ours && (l.Proration || begins) {
			q.AtRenewal = billing.Cents(l.Price.UnitAmount * l.Quantity)
			q.RenewsAt = time.Unix(l.Period.End, 0).UTC()
		}
	}
	if q.RenewsAt.IsZero() {
		return q, billing.ErrProvider.Because(fmt.Errorf("the preview has no line for price %s", price))
	}
	due := i.AmountDue
	if renewal {
		due = total + i.StartingBalance
	}
	q.DueToday, q.CreditToday = billing.Cents(max(0, due)), billing.Cents(max(0, -total))
	return q, nil
}

// Switch implements billing.Provider. The mark travels with the change, in one
// request, so that Switched finds it whenever it is asked.
func (c *Client) Switch(ctx context.Context, t billing.Terms) (billing.Receipt, error) {
	price, err := c.price(ctx, billing.LookupKey(t.To, t.Interval))
	if err != nil {
		return billing.Receipt{}, err
	}
	s, err := c.item(ctx, t.Subscription)
	if err != nil {
		return billing.Receipt{}, err
	}
	switch {
	case s.marked(t):
		return c.receipt(ctx, t)
	case s.plan != t.From || s.interval != t.Interval:
		return billing.Receipt{}, billing.ErrQuoteChanged.Because(fmt.Errorf("subscription %s has plan %s a %s", s.ID, s.plan, s.interval))
	}
	params := &stripe.SubscriptionParams{
		Items:             []*stripe.SubscriptionItemsParams{{ID: stripe.String(s.id), Price: stripe.String(price), Quantity: stripe.Int64(1)}},
		ProrationBehavior: stripe.String("always_invoice"),
		ProrationDate:     stripe.Int64(t.ProratedAt.Unix()),
		PaymentBehavior:   stripe.String("error_if_incomplete"),
	}
	params.Context = ctx
	params.AddMetadata(metadataChange, t.Mark)
	params.SetIdempotencyKey(t.Once)
	if _, err := c.api.Subscriptions.Update(t.Subscription, params); err != nil {
		return billing.Receipt{}, declined(err)
	}
	return c.receipt(ctx, t)
}

// marked says whether the subscription's last change is t.
func (s item) marked(t billing.Terms) bool {
	return s.Metadata[metadataChange] == t.Mark && s.plan == t.To && s.interval == t.Interval
}

// Switched implements billing.Provider.
func (c *Client) Switched(ctx context.Context, t billing.Terms) (billing.Receipt, bool, error) {
	s, err := c.item(ctx, t.Subscription)
	if err != nil || !s.marked(t) {
		return billing.Receipt{}, false, err
	}
	r, err := c.receipt(ctx, t)
	return r, true, err
}

// receipt finds the invoice of a change that has happened: the one whose prorations
// begin at the second of the quote. There is none when nothing was to be reckoned.
func (c *Client) receipt(ctx context.Context, t billing.Terms) (billing.Receipt, error) {
	params := &stripe.InvoiceListParams{Subscription: stripe.String(t.Subscription)}
	params.Context = ctx
	found := c.api.Invoices.List(params)
	for found.Next() {
		if i := found.Invoice(); prorated(i, t.ProratedAt) {
			return billing.Receipt{Invoice: i.ID, Number: i.Number, Paid: billing.Cents(i.AmountPaid), At: time.Unix(i.Created, 0).UTC()}, nil
		}
	}
	if err := found.Err(); err != nil {
		return billing.Receipt{}, failure("look for invoice", err)
	}
	return billing.Receipt{At: t.ProratedAt}, nil
}

func prorated(i *stripe.Invoice, at time.Time) bool {
	if i.Lines == nil {
		return false
	}
	for _, l := range i.Lines.Data {
		if l.Proration && l.Period != nil && l.Period.Start == at.Unix() {
			return true
		}
	}
	return false
}

// Revert implements billing.Provider. Stripe forgets idempotency keys after a day,
// so each part is looked for before it is done.
func (c *Client) Revert(ctx context.Context, t billing.Terms, r billing.Receipt) error {
	if err := c.putBack(ctx, t); err != nil {
		return err
	}
	if r.Invoice == "" {
		return nil
	}
	params := &stripe.InvoiceParams{}
	params.Context = ctx
	i, err := c.api.Invoices.Get(r.Invoice, params)
	if err != nil {
		return failure("read invoice", err)
	}
	if i.AmountPaid > 0 {
		if err := c.refund(ctx, t.Mark, t.Once+"/undo/money", "order_change", "The change of plan was taken back.", i); err != nil {
			return err
		}
	}
	if used := i.StartingBalance - i.EndingBalance; used != 0 {
		return c.rebalance(ctx, t, i, used)
	}
	return nil
}

// putBack gives the subscription its earlier price, from now on, without reckoning:
// what the change took is given back whole.
func (c *Client) putBack(ctx context.Context, t billing.Terms) error {
	s, err := c.item(ctx, t.Subscription)
	switch {
	case err != nil:
		return err
	case s.Status == stripe.SubscriptionStatusCanceled, s.Status == stripe.SubscriptionStatusIncompleteExpired:
		return nil
	case s.plan == t.From && s.interval == t.Interval:
		return nil // put back by an earlier run
	case s.plan != t.To || s.interval != t.Interval:
		return billing.ErrChangedSince.Because(fmt.Errorf("subscription %s has plan %s a %s, changed last by %q", s.ID, s.plan, s.interval, s.Metadata[metadataChange]))
	}
	price, err := c.price(ctx, billing.LookupKey(t.From, t.Interval))
	if err != nil {
		return err
	}
	params := &stripe.SubscriptionParams{
		Items:             []*stripe.SubscriptionItemsParams{{ID: stripe.String(s.id), Price: stripe.String(price), Quantity: stripe.Int64(1)}},
		ProrationBehavior: stripe.String("none"),
	}
	params.Context = ctx
	params.AddMetadata(metadataChange, "undone "+t.Mark)
	params.SetIdempotencyKey(t.Once + "/undo/price")
	if _, err := c.api.Subscriptions.Update(t.Subscription, params); err != nil {
		return failure("put price back", err)
	}
	return nil
}

// refund gives the money of an invoice back to the card that paid it. The credit
// note makes the refund and keeps the customer's papers right.
func (c *Client) refund(ctx context.Context, mark, once, reason, memo string, i *stripe.Invoice) error {
	list := &stripe.CreditNoteListParams{Invoice: stripe.String(i.ID)}
	list.Context = ctx
	found := c.api.CreditNotes.List(list)
	for found.Next() {
		if found.CreditNote().Metadata[metadataChange] == mark {
			return nil
		}
	}
	if err := found.Err(); err != nil {
		return failure("look for credit note", err)
	}
	params := &stripe.CreditNoteParams{
		Invoice: stripe.String(i.ID), Amount: stripe.Int64(i.AmountPaid), RefundAmount: stripe.Int64(i.AmountPaid),
		Reason: stripe.String(reason), Memo: stripe.String(memo),
	}
	params.Context = ctx
	params.AddMetadata(metadataChange, mark)
	params.SetIdempotencyKey(once)
	if _, err := c.api.CreditNotes.New(params); err != nil {
		return failure("give money back", err)
	}
	return nil
}

// rebalance books credit back that the invoice used (below 0) or gave.
func (c *Client) rebalance(ctx context.Context, t billing.Terms, i *stripe.Invoice, used int64) error {
	list := &stripe.CustomerBalanceTransactionListParams{Customer: stripe.String(t.Customer)}
	list.Context = ctx
	found := c.api.CustomerBalanceTransactions.List(list)
	for found.Next() {
		if found.CustomerBalanceTransaction().Metadata[metadataChange] == t.Mark {
			return nil
		}
	}
	if err := found.Err(); err != nil {
		return failure("look for balance transaction", err)
	}
	params := &stripe.CustomerBalanceTransactionParams{
		Customer: stripe.String(t.Customer), Amount: stripe.Int64(used), Currency: stripe.String(string(i.Currency)),
		Description: stripe.String("The change of plan was taken back: invoice " + i.Number),
	}
	params.Context = ctx
	params.AddMetadata(metadataChange, t.Mark)
	params.SetIdempotencyKey(t.Once + "/undo/credit")
	if _, err := c.api.CustomerBalanceTransactions.New(params); err != nil {
		return failure("book credit back", err)
	}
	return nil
}

// requiresAction is an error code that stripe-go does not name.
const requiresAction = "subscription_payment_intent_requires_action"

// declined tells a card that was refused, in our words, from any other failure.
func declined(err error) error {
	var refused *stripe.Error
	if !errors.As(err, &refused) || refused.HTTPStatusCode != http.StatusPaymentRequired {
		return failure("change subscription", err)
	}
	because := billing.ErrPayment.Because(err)
	why := ""
	switch cmp.Or(string(refused.DeclineCode), string(refused.Code)) {
	case string(stripe.DeclineCodeInsufficientFunds):
		why = "Your card has insufficient funds."
	case string(stripe.DeclineCodeExpiredCard):
		why = "Your card has expired."
	case string(stripe.DeclineCodeAuthenticationRequired), requiresAction:
		why = "Your bank wants you to confirm the payment yourself."
	default:
		return because
	}
	return because.Saying("%s Nothing was charged and nothing has changed. Write to support to pay with another card, then try again.", why)
}
