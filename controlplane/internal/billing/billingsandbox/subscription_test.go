package billingsandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/docstore"
)

// subscriber is a customer with a running subscription, ten days old.
type subscriber struct {
	store              docstore.Store
	clock              *tenancytest.Clock
	sandbox            *billingsandbox.Sandbox
	id, customer, item string
	small, large, year string // prices of 10, 100 a month, 1000 a year
	start, end         int64
}

// shop is a sandbox with prices and a customer who has bought nothing yet.
func shop(t *testing.T) *subscriber {
	t.Helper()
	store, clock := openStore(t), tenancytest.NewClock()
	s := shopOn(t, start(t, store, clock), clock)
	s.store = store
	return s
}

func shopOn(t *testing.T, b *billingsandbox.Sandbox, clock *tenancytest.Clock) *subscriber {
	t.Helper()
	s := &subscriber{clock: clock, sandbox: b}
	price := func(name string, amount int, interval string) string {
		product := s.must(t, "/v1/products", url.Values{"name": {name}}, "")
		return s.must(t, "/v1/prices", url.Values{
			"product": {product["id"].(string)}, "currency": {"usd"}, "unit_amount": {fmt.Sprint(amount)}, "recurring[interval]": {interval},
		}, "")["id"].(string)
	}
	s.small, s.large, s.year = price("Small", 1000, "month"), price("Large", 10000, "month"), price("Year", 100000, "year")
	s.customer = customer(t, s.sandbox, "ada@example.com").ID
	return s
}

func (s *subscriber) api() *client.API { return api(s.sandbox, billingsandbox.Key) }

// order is the form of a checkout.
func (s *subscriber) order() url.Values {
	return url.Values{"mode": {"subscription"}, "customer": {s.customer}, "line_items[0][price]": {s.small}, "success_url": {site}, "cancel_url": {site}}
}

func subscribe(t *testing.T, card string) *subscriber {
	t.Helper()
	s := shop(t)
	session := s.must(t, "/v1/checkout/sessions", s.order(), "")
	payOn(t, s.sandbox, session["url"].(string), card)
	s.bought(t)
	s.clock.Move(10 * 24 * time.Hour)
	return s
}

// bought reads what the customer has.
func (s *subscriber) bought(t *testing.T) *stripe.Subscription {
	t.Helper()
	list := s.api().Subscriptions.List(&stripe.SubscriptionListParams{Customer: stripe.String(s.customer)})
	if !list.Next() {
		t.Fatal("no subscription", list.Err())
	}
	sub := list.Subscription()
	s.id, s.item, s.start, s.end = sub.ID, sub.Items.Data[0].ID, sub.CurrentPeriodStart, sub.CurrentPeriodEnd
	return sub
}

// must sends a request that has to work.
func (s *subscriber) must(t *testing.T, path string, form url.Values, once string) map[string]any {
	t.Helper()
	status, object := ask(t, s.sandbox, "POST", path, form.Encode(), once)
	if status != 200 {
		t.Fatalf("%s: %d %v", path, status, object)
	}
	return object
}

// change is the form that changes the price at a second.
func (s *subscriber) change(price string, at time.Time) url.Values {
	return url.Values{
		"items[0][id]": {s.item}, "items[0][price]": {price}, "proration_behavior": {"always_invoice"},
		"proration_date": {fmt.Sprint(at.Unix())}, "payment_behavior": {"error_if_incomplete"},
	}
}

func (s *subscriber) upcoming(t *testing.T, price string, at time.Time) *stripe.Invoice {
	t.Helper()
	i, err := api(s.sandbox, billingsandbox.Key).Invoices.Upcoming(&stripe.InvoiceUpcomingParams{
		Subscription: stripe.String(s.id), SubscriptionProrationBehavior: stripe.String("always_invoice"), SubscriptionProrationDate: stripe.Int64(at.Unix()),
		SubscriptionItems: []*stripe.SubscriptionItemsParams{{ID: stripe.String(s.item), Price: stripe.String(price)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (s *subscriber) invoices(t *testing.T) []*stripe.Invoice {
	t.Helper()
	var all []*stripe.Invoice
	list := api(s.sandbox, billingsandbox.Key).Invoices.List(&stripe.InvoiceListParams{Subscription: stripe.String(s.id)})
	for list.Next() {
		all = append(all, list.Invoice())
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestChangeOfPrice(t *testing.T) {
	t.Parallel()
	t.Run("bills what the upcoming invoice says, by the second", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		at := s.clock.Now()
		preview := s.upcoming(t, s.large, at)
		left, whole := s.end-at.Unix(), s.end-s.start
		if want := (2*10000*left+whole)/(2*whole) - (2*1000*left+whole)/(2*whole); preview.AmountDue != want || preview.Total != want || len(preview.Lines.Data) != 2 ||
			preview.Lines.Data[0].Period.Start != at.Unix() || !preview.Lines.Data[0].Proration || preview.BillingReason != "upcoming" {
			t.Errorf("preview = %+v; want %d", preview, want)
		}
		s.clock.Move(time.Hour)
		changed := s.must(t, "/v1/subscriptions/"+s.id, s.change(s.large, at), "")
		last := s.invoices(t)[0]
		if last.ID != changed["latest_invoice"] || last.AmountPaid != preview.AmountDue || last.Status != "paid" || last.BillingReason != "subscription_update" || last.Charge == nil {
			t.Errorf("invoice = %+v", last)
		}
		if changed["status"] != "active" || changed["current_period_end"] != float64(s.end) {
			t.Errorf("subscription = %v", changed)
		}
		renewal, err := api(s.sandbox, billingsandbox.Key).Invoices.Upcoming(&stripe.InvoiceUpcomingParams{Subscription: stripe.String(s.id)})
		if err != nil || renewal.AmountDue != 10000 || renewal.Lines.Data[0].Period.Start != s.end {
			t.Errorf("renewal = %+v, %v", renewal, err)
		}
	})
	t.Run("turns what is owed to the customer into credit, which pays first", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		at := s.clock.Now()
		s.must(t, "/v1/subscriptions/"+s.id, s.change(s.large, at), "")
		s.clock.Move(24 * time.Hour)
		s.must(t, "/v1/subscriptions/"+s.id, s.change(s.small, s.clock.Now()), "")
		down := s.invoices(t)[0]
		if down.Total >= 0 || down.AmountDue != 0 || down.EndingBalance != down.Total || down.Status != "paid" || down.Charge != nil {
			t.Errorf("invoice of the downgrade = %+v", down)
		}
		up := s.upcoming(t, s.large, s.clock.Now())
		if up.StartingBalance != down.Total || up.AmountDue != 0 || up.Total != -down.Total {
			t.Errorf("preview of the way up = %+v", up)
		}
		moves := api(s.sandbox, billingsandbox.Key).CustomerBalanceTransactions.List(&stripe.CustomerBalanceTransactionListParams{Customer: stripe.String(s.customer)})
		if !moves.Next() || moves.CustomerBalanceTransaction().Amount != down.Total || moves.CustomerBalanceTransaction().Type != "applied_to_invoice" {
			t.Errorf("balance transaction = %+v, %v", moves.CustomerBalanceTransaction(), moves.Err())
		}
	})
	t.Run("changes nothing when the card is declined, and says so again under the key", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4000000000000341")
		form := s.change(s.large, s.clock.Now())
		for range 2 {
			status, failure := ask(t, s.sandbox, "POST", "/v1/subscriptions/"+s.id, form.Encode(), "once")
			if status != 402 || failure["type"] != "card_error" || failure["code"] != "card_declined" || failure["decline_code"] != "generic_decline" {
				t.Fatalf("%d %v", status, failure)
			}
		}
		if _, sub := ask(t, s.sandbox, "GET", "/v1/subscriptions/"+s.id, "", ""); sub["status"] != "active" || len(s.invoices(t)) != 1 {
			t.Errorf("subscription = %v, %d invoices", sub, len(s.invoices(t)))
		}
		card := s.must(t, "/v1/payment_methods/pm_card_visa/attach", url.Values{"customer": {s.customer}}, "")
		s.must(t, "/v1/subscriptions/"+s.id, url.Values{"default_payment_method": {card["id"].(string)}}, "")
		if status, _ := ask(t, s.sandbox, "POST", "/v1/subscriptions/"+s.id, form.Encode(), "once"); status != 402 {
			t.Errorf("the bank was asked again under the same key: %d", status)
		}
		s.must(t, "/v1/subscriptions/"+s.id, form, "twice")
	})
	t.Run("leaves the invoice open when it is allowed to", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4000000000000341")
		form := s.change(s.large, s.clock.Now())
		form.Del("payment_behavior")
		if sub := s.must(t, "/v1/subscriptions/"+s.id, form, ""); sub["status"] != "past_due" || s.invoices(t)[0].Status != "open" || s.invoices(t)[0].AmountPaid != 0 {
			t.Errorf("subscription = %v", sub)
		}
	})
	t.Run("bills once under a key, also when it dies between the invoice and the answer", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		form := s.change(s.large, s.clock.Now())
		dying := start(t, tenancytest.DyingAfter(s.store, 1), s.clock)
		if status, _ := ask(t, dying, "POST", "/v1/subscriptions/"+s.id, form.Encode(), "once"); status != 500 {
			t.Fatalf("status = %d; want 500", status)
		}
		first := s.must(t, "/v1/subscriptions/"+s.id, form, "once")
		again := s.must(t, "/v1/subscriptions/"+s.id, form, "once")
		if diff := cmp.Diff(first, again); diff != "" || len(s.invoices(t)) != 2 {
			t.Errorf("%d invoices, answers differ:\n%s", len(s.invoices(t)), diff)
		}
		form.Set("proration_date", fmt.Sprint(s.clock.Now().Unix()-1))
		if status, failure := ask(t, s.sandbox, "POST", "/v1/subscriptions/"+s.id, form.Encode(), "once"); status != 400 || failure["type"] != "idempotency_error" {
			t.Errorf("another request under the key: %d %v", status, failure)
		}
	})
	t.Run("says what is wrong with a change", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		for _, c := range [][2]string{
			{"proration_mode", "x"},
			{"items[0][plan]", "x"},
			{"items[1][price]", s.large},
			{"items[0][id]", "si_other"},
			{"items[0][price]", "price_none"},
			{"items[0][quantity]", "0"},
			{"proration_behavior", "sometimes"},
			{"proration_behavior", "none"}, // with a proration date
			{"proration_date", fmt.Sprint(s.start - 1)},
			{"proration_date", fmt.Sprint(s.end)},
			{"payment_behavior", "hope"},
			{"default_payment_method", s.customer},
			{"default_payment_method", "pm_none"},
		} {
			form := s.change(s.large, s.clock.Now())
			form.Set(c[0], c[1])
			if status, failure := ask(t, s.sandbox, "POST", "/v1/subscriptions/"+s.id, form.Encode(), ""); status < 400 || status >= 500 {
				t.Errorf("%s=%s: %d %v", c[0], c[1], status, failure)
			}
		}
		for _, path := range []string{"/v1/invoices/upcoming", "/v1/invoices/upcoming?subscription=sub_none", "/v1/invoices/upcoming?subscription=" + s.id + "&proration_date=1", "/v1/invoices/upcoming?customer=cus_none&subscription=" + s.id} {
			if status, failure := ask(t, s.sandbox, "GET", path, "", ""); status < 400 || status >= 500 {
				t.Errorf("%s: %d %v", path, status, failure)
			}
		}
		if len(s.invoices(t)) != 1 {
			t.Error("something was billed")
		}
		if _, err := api(s.sandbox, billingsandbox.Key).Subscriptions.Cancel(s.id, nil); err != nil {
			t.Fatal(err)
		}
		if status, failure := ask(t, s.sandbox, "POST", "/v1/subscriptions/"+s.id, s.change(s.large, s.clock.Now()).Encode(), ""); status != 400 {
			t.Errorf("a cancelled subscription: %d %v", status, failure)
		}
		if status, failure := ask(t, s.sandbox, "GET", "/v1/invoices/upcoming?subscription="+s.id, "", ""); status != 404 || failure["code"] != "invoice_upcoming_none" {
			t.Errorf("the next invoice of a cancelled subscription: %d %v", status, failure)
		}
	})
	t.Run("changes metadata and card without an invoice", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		s.must(t, "/v1/subscriptions/"+s.id, url.Values{"metadata[a]": {"1"}, "metadata[b]": {"2"}}, "")
		sub := s.must(t, "/v1/subscriptions/"+s.id, url.Values{"metadata[a]": {""}}, "")
		if diff := cmp.Diff(map[string]any{"b": "2"}, sub["metadata"]); diff != "" || len(s.invoices(t)) != 1 {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
		form := url.Values{"items[0][id]": {s.item}, "items[0][price]": {s.large}, "proration_behavior": {"none"}}
		if s.must(t, "/v1/subscriptions/"+s.id, form, ""); len(s.invoices(t)) != 1 {
			t.Error("a change without proration was billed")
		}
	})
}

func TestMoneyBack(t *testing.T) {
	t.Parallel()
	t.Run("goes to the card with a credit note, once and never more than was paid", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		paid := s.invoices(t)[0]
		form := url.Values{"invoice": {paid.ID}, "amount": {"600"}, "refund_amount": {"600"}, "reason": {"order_change"}}
		note := s.must(t, "/v1/credit_notes", form, "once")
		if again := s.must(t, "/v1/credit_notes", form, "once"); again["id"] != note["id"] {
			t.Errorf("two credit notes under one key: %v, %v", note["id"], again["id"])
		}
		charge, err := api(s.sandbox, billingsandbox.Key).Charges.Get(paid.Charge.ID, nil)
		if err != nil || charge.AmountRefunded != 600 || charge.Refunded || charge.Amount != 1000 {
			t.Errorf("charge = %+v, %v", charge, err)
		}
		if _, refund := ask(t, s.sandbox, "GET", "/v1/refunds/"+note["refund"].(string), "", ""); refund["amount"] != 600.0 || refund["status"] != "succeeded" {
			t.Errorf("refund = %v", refund)
		}
		for name, wrong := range map[string][2]string{"more than is left": {"401", "401"}, "unequal sums": {"400", "300"}, "nothing": {"0", "0"}} {
			form.Set("amount", wrong[0])
			form.Set("refund_amount", wrong[1])
			if status, failure := ask(t, s.sandbox, "POST", "/v1/credit_notes", form.Encode(), ""); status != 400 {
				t.Errorf("%s: %d %v", name, status, failure)
			}
		}
		if _, list := ask(t, s.sandbox, "GET", "/v1/credit_notes?invoice="+paid.ID, "", ""); len(list["data"].([]any)) != 1 {
			t.Errorf("credit notes = %v", list["data"])
		}
	})
	t.Run("moves the balance as it is told", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		path := "/v1/customers/" + s.customer + "/balance_transactions"
		s.must(t, path, url.Values{"amount": {"-500"}, "currency": {"usd"}}, "")
		if moved := s.must(t, path, url.Values{"amount": {"200"}, "currency": {"usd"}}, ""); moved["ending_balance"] != -300.0 {
			t.Errorf("balance transaction = %v", moved)
		}
		if _, payer := ask(t, s.sandbox, "GET", "/v1/customers/"+s.customer, "", ""); payer["balance"] != -300.0 {
			t.Errorf("customer = %v", payer)
		}
		for _, wrong := range []url.Values{{"currency": {"usd"}}, {"amount": {"5"}}, {"amount": {"many"}, "currency": {"usd"}}} {
			if status, _ := ask(t, s.sandbox, "POST", path, wrong.Encode(), ""); status != 400 {
				t.Errorf("%v: %d; want 400", wrong, status)
			}
		}
	})
	t.Run("and every change is told by webhooks", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		var kinds []string
		listen := s.sandbox.Delivery(func(_ context.Context, payload []byte, _ string) error {
			var e stripe.Event
			if err := json.Unmarshal(payload, &e); err != nil {
				return err
			}
			kinds = append(kinds, string(e.Type))
			return nil
		})
		deliver := func() {
			t.Helper()
			if kinds = nil; listen.Deliver(t.Context()) != nil {
				t.Fatal("not delivered")
			}
			slices.Sort(kinds)
		}
		deliver()
		s.must(t, "/v1/subscriptions/"+s.id, s.change(s.large, s.clock.Now()), "")
		deliver()
		if diff := cmp.Diff([]string{"charge.succeeded", "customer.subscription.updated", "invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded", "payment_intent.created", "payment_intent.succeeded"}, kinds); diff != "" {
			t.Errorf("after a change (-want +got):\n%s", diff)
		}
		s.must(t, "/v1/credit_notes", url.Values{"invoice": {s.invoices(t)[0].ID}, "amount": {"1"}, "refund_amount": {"1"}}, "")
		deliver()
		if diff := cmp.Diff([]string{"charge.refunded", "credit_note.created"}, kinds); diff != "" {
			t.Errorf("after a credit note (-want +got):\n%s", diff)
		}
	})
}
