package billingsandbox_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// to changes the price of the one item.
func (s *subscriber) to(price, behavior, payment string) *stripe.SubscriptionParams {
	p := &stripe.SubscriptionParams{
		Items:             []*stripe.SubscriptionItemsParams{{ID: stripe.String(s.item), Price: stripe.String(price)}},
		ProrationBehavior: stripe.String(behavior),
	}
	if payment != "" {
		p.PaymentBehavior = stripe.String(payment)
	}
	return p
}

func TestAPendingUpdate(t *testing.T) {
	t.Parallel()
	pending := func(t *testing.T, card string) *timed {
		t.Helper()
		s := byTestClock(t, "pm_card_visa")
		s.begin(t, &stripe.SubscriptionParams{})
		s.pays(t, card)
		s.advance(t, 10*days)
		sub, err := s.api().Subscriptions.Update(s.id, s.to(s.large, "always_invoice", "pending_if_incomplete"))
		if err != nil {
			t.Fatal(err)
		}
		if p := sub.PendingUpdate; p == nil || p.ExpiresAt != s.frozen.FrozenTime+23*3600 || p.SubscriptionItems[0].Price.ID != s.large ||
			sub.Items.Data[0].Price.ID != s.small || sub.Status != "active" || s.invoices(t)[0].Status != "open" || sub.LatestInvoice.ID != s.invoices(t)[0].ID {
			t.Fatalf("subscription = %+v", sub)
		}
		return s
	}
	t.Run("leaves the old plan intact, and expires after 23 hours", func(t *testing.T) {
		t.Parallel()
		s := pending(t, "pm_card_chargeCustomerFail")
		sub := s.advance(t, 23*time.Hour)
		if sub.PendingUpdate != nil || sub.Items.Data[0].Price.ID != s.small || s.invoices(t)[0].Status != "void" ||
			!slices.Contains(s.told(t), "customer.subscription.pending_update_expired") {
			t.Errorf("subscription = %+v", sub)
		}
	})
	t.Run("is applied when its invoice is paid", func(t *testing.T) {
		t.Parallel()
		s := pending(t, "pm_card_chargeCustomerFail")
		s.pays(t, "pm_card_visa")
		if _, err := s.api().Invoices.Pay(s.invoices(t)[0].ID, nil); err != nil {
			t.Fatal(err)
		}
		sub := s.advance(t, 2*days)
		if sub.PendingUpdate != nil || sub.Items.Data[0].Price.ID != s.large || !slices.Contains(s.told(t), "customer.subscription.pending_update_applied") {
			t.Errorf("subscription = %+v", sub)
		}
	})
	t.Run("waits for the holder of a card that asks", func(t *testing.T) {
		t.Parallel()
		s := pending(t, "pm_card_authenticationRequired")
		p := &stripe.InvoiceParams{}
		p.AddExpand("payment_intent")
		i, err := s.api().Invoices.Get(s.invoices(t)[0].ID, p)
		if err != nil || i.PaymentIntent.Status != "requires_action" || i.PaymentIntent.NextAction.RedirectToURL.URL == "" {
			t.Fatalf("invoice = %+v, %v", i, err)
		}
		answerBank(t, s.sandbox, i.PaymentIntent.NextAction.RedirectToURL.URL, "complete")
		if sub := s.subscription(t); sub.PendingUpdate != nil || sub.Items.Data[0].Price.ID != s.large {
			t.Errorf("subscription = %+v", sub)
		}
	})
	t.Run("carries no metadata", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		p := s.to(s.large, "always_invoice", "pending_if_incomplete")
		p.AddMetadata("a", "b")
		var refused *stripe.Error
		if _, err := s.api().Subscriptions.Update(s.id, p); !errors.As(err, &refused) || refused.HTTPStatusCode != 400 || !strings.Contains(refused.Msg, "`metadata` is not supported") {
			t.Errorf("%v; want 400", err)
		}
	})
	t.Run("does not wait when the card pays", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		if sub, err := s.api().Subscriptions.Update(s.id, s.to(s.large, "always_invoice", "pending_if_incomplete")); err != nil || sub.PendingUpdate != nil || sub.Items.Data[0].Price.ID != s.large {
			t.Errorf("%+v, %v", sub, err)
		}
	})
}

func TestThePreviewEqualsTheInvoiceToTheCent(t *testing.T) {
	t.Parallel()
	s := subscribe(t, "4242424242424242")
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 60 {
		s.clock.Move(time.Duration(random.IntN(4*86400)) * time.Second)
		if err := s.sandbox.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.bought(t)
		price := []string{s.small, s.large, s.year}[random.IntN(3)]
		quantity := int64(1 + random.IntN(7))
		at := s.clock.Now().Unix()
		items := []*stripe.SubscriptionItemsParams{{ID: &s.item, Price: &price, Quantity: &quantity}}
		preview, err := s.api().Invoices.Upcoming(&stripe.InvoiceUpcomingParams{
			Subscription: &s.id, SubscriptionItems: items, SubscriptionProrationBehavior: stripe.String("always_invoice"), SubscriptionProrationDate: &at,
		})
		if err != nil {
			t.Fatal(err)
		}
		before := len(s.invoices(t))
		if _, err := s.api().Subscriptions.Update(s.id, &stripe.SubscriptionParams{Items: items, ProrationBehavior: stripe.String("always_invoice"), ProrationDate: &at}); err != nil {
			t.Fatal(err)
		}
		all := s.invoices(t)
		if len(all) == before {
			continue // it was that already
		}
		if got := all[0]; got.Total != preview.Total || got.AmountDue != preview.AmountDue || got.StartingBalance != preview.StartingBalance || got.AmountPaid != preview.AmountDue {
			t.Fatalf("change %d: invoice %d, %d; preview %d, %d", n, got.Total, got.AmountDue, preview.Total, preview.AmountDue)
		}
	}
}

func TestAChangeOfInterval(t *testing.T) {
	t.Parallel()
	s := subscribe(t, "4242424242424242")
	at := s.clock.Now()
	sub, err := s.api().Subscriptions.Update(s.id, s.to(s.year, "create_prorations", ""))
	if err != nil {
		t.Fatal(err)
	}
	if sub.BillingCycleAnchor != at.Unix() || sub.CurrentPeriodStart != at.Unix() || time.Unix(sub.CurrentPeriodEnd, 0).UTC() != at.AddDate(1, 0, 0) {
		t.Errorf("the period did not begin anew: %+v", sub)
	}
	if i := s.invoices(t)[0]; len(i.Lines.Data) != 2 || !i.Lines.Data[0].Proration || i.Lines.Data[0].Amount >= 0 || i.Lines.Data[1].Amount != 100000 || i.AmountPaid != i.Total {
		t.Errorf("invoice = %+v", i)
	}
}

func TestProrationsWaitForTheNextInvoice(t *testing.T) {
	t.Parallel()
	s := subscribe(t, "4242424242424242")
	if _, err := s.api().Subscriptions.Update(s.id, &stripe.SubscriptionParams{Items: []*stripe.SubscriptionItemsParams{{ID: &s.item, Quantity: stripe.Int64(5)}}}); err != nil {
		t.Fatal(err)
	}
	preview, err := s.api().Invoices.Upcoming(&stripe.InvoiceUpcomingParams{Subscription: &s.id})
	if err != nil || len(s.invoices(t)) != 1 || len(preview.Lines.Data) != 3 {
		t.Fatalf("%+v, %v, %d invoices", preview, err, len(s.invoices(t)))
	}
	if err := s.sandbox.Advance(t.Context(), 32*days); err != nil {
		t.Fatal(err)
	}
	if i := s.invoices(t)[0]; i.Total != preview.Total || i.Total <= 5000 || i.Status != "paid" {
		t.Errorf("invoice %d, %s; preview %d", i.Total, i.Status, preview.Total)
	}
}

func TestCancellingAtOnce(t *testing.T) {
	t.Parallel()
	s := subscribe(t, "4242424242424242")
	sub, err := s.api().Subscriptions.Cancel(s.id, &stripe.SubscriptionCancelParams{Prorate: stripe.Bool(true), InvoiceNow: stripe.Bool(true)})
	if err != nil || sub.Status != "canceled" || sub.CancellationDetails.Reason != "cancellation_requested" {
		t.Fatalf("%+v, %v", sub, err)
	}
	if i := s.invoices(t)[0]; i.Total >= 0 || i.EndingBalance != i.Total {
		t.Errorf("what is left was not given back: %+v", i)
	}
	payer, err := s.api().Customers.Get(s.customer, nil)
	if err != nil || payer.Balance >= 0 {
		t.Errorf("customer = %+v, %v", payer, err)
	}
}

func TestASchedule(t *testing.T) {
	t.Parallel()
	planned := func(t *testing.T) (*timed, *stripe.SubscriptionSchedule) {
		t.Helper()
		s := byTestClock(t, "pm_card_visa")
		s.begin(t, &stripe.SubscriptionParams{})
		made, err := s.api().SubscriptionSchedules.New(&stripe.SubscriptionScheduleParams{FromSubscription: &s.id})
		if err != nil || made.Status != "active" || made.CurrentPhase.EndDate != s.end || made.Phases[0].Items[0].Price.ID != s.small || s.subscription(t).Schedule.ID != made.ID {
			t.Fatalf("%+v, %v", made, err)
		}
		v, err := s.api().SubscriptionSchedules.Update(made.ID, &stripe.SubscriptionScheduleParams{
			EndBehavior: stripe.String("release"),
			Phases: []*stripe.SubscriptionSchedulePhaseParams{
				{Items: []*stripe.SubscriptionSchedulePhaseItemParams{{Price: &s.small, Quantity: stripe.Int64(1)}}, StartDate: &s.start, EndDate: &s.end},
				{Items: []*stripe.SubscriptionSchedulePhaseItemParams{{Price: &s.large, Quantity: stripe.Int64(1)}}, Iterations: stripe.Int64(1), Metadata: map[string]string{"why": "later"}},
			},
		})
		if err != nil || len(v.Phases) != 2 || v.Phases[1].StartDate != s.end {
			t.Fatalf("%+v, %v", v, err)
		}
		return s, v
	}
	t.Run("changes the plan with the period, without a proration, and lets go at its end", func(t *testing.T) {
		t.Parallel()
		s, v := planned(t)
		sub := s.advance(t, 32*days)
		if i := s.invoices(t)[0]; sub.Items.Data[0].Price.ID != s.large || sub.Metadata["why"] != "later" || i.Total != 10000 || len(i.Lines.Data) != 1 || i.Status != "paid" || sub.ID != s.id {
			t.Fatalf("%+v, %+v", sub, i)
		}
		sub = s.advance(t, 31*days)
		if v, err := s.api().SubscriptionSchedules.Get(v.ID, nil); err != nil || v.Status != "completed" || v.ReleasedSubscription.ID != s.id || sub.Schedule != nil || sub.Status != "active" {
			t.Errorf("%+v, %v, %+v", v, err, sub)
		}
	})
	t.Run("keeps hands off, and can be released or cancelled", func(t *testing.T) {
		t.Parallel()
		s, v := planned(t)
		if _, err := s.api().Subscriptions.Update(s.id, &stripe.SubscriptionParams{CancelAtPeriodEnd: stripe.Bool(true)}); err == nil {
			t.Error("a subscription with a schedule was set to end")
		}
		if v, err := s.api().SubscriptionSchedules.Release(v.ID, nil); err != nil || v.Status != "released" {
			t.Errorf("%+v, %v", v, err)
		}
		if _, err := s.api().SubscriptionSchedules.Release(v.ID, nil); err == nil {
			t.Error("released twice")
		}
		if sub := s.advance(t, 32*days); sub.Items.Data[0].Price.ID != s.small {
			t.Errorf("a released schedule went on: %+v", sub)
		}
		other, err := s.api().SubscriptionSchedules.New(&stripe.SubscriptionScheduleParams{FromSubscription: &s.id})
		if err != nil {
			t.Fatal(err)
		}
		if other, err = s.api().SubscriptionSchedules.Cancel(other.ID, nil); err != nil || other.Status != "canceled" || s.subscription(t).Status != "canceled" {
			t.Errorf("%+v, %v, %s", other, err, s.subscription(t).Status)
		}
	})
}

func TestExpansion(t *testing.T) {
	t.Parallel()
	s := subscribe(t, "4242424242424242")
	p := &stripe.SubscriptionParams{}
	for _, path := range []string{"latest_invoice.payment_intent.latest_charge", "customer", "default_payment_method", "items.data.price.product"} {
		p.AddExpand(path)
	}
	sub, err := s.api().Subscriptions.Get(s.id, p)
	if err != nil || sub.LatestInvoice.PaymentIntent.LatestCharge.Amount != 1000 || sub.Customer.Email != "ada@example.com" ||
		sub.DefaultPaymentMethod.Card.Last4 != "4242" || sub.Items.Data[0].Price.Product.Name != "Small" {
		t.Errorf("%+v, %v", sub, err)
	}
	list := &stripe.SubscriptionListParams{Customer: &s.customer, Status: stripe.String("all")}
	list.AddExpand("data.latest_invoice")
	if all := s.api().Subscriptions.List(list); !all.Next() || all.Subscription().LatestInvoice.AmountPaid != 1000 {
		t.Errorf("list: %v", all.Err())
	}
	for _, path := range []string{"nothing", "status", "latest_invoice.payment_intent.latest_charge.invoice.customer"} {
		if status, failure := ask(t, s.sandbox, "GET", "/v1/subscriptions/"+s.id+"?expand[]="+url.QueryEscape(path), "", ""); status != 400 || failure["param"] != "expand" {
			t.Errorf("%s: %d %v", path, status, failure)
		}
	}
}

func TestAListIsWalkedBothWays(t *testing.T) {
	t.Parallel()
	s := shop(t)
	var made []string
	for n := range 5 {
		made = append(made, customer(t, s.sandbox, fmt.Sprintf("b%d@example.com", n)).ID)
	}
	p := &stripe.CustomerListParams{}
	p.EndingBefore, p.Limit, p.Single = stripe.String(made[1]), stripe.Int64(2), true
	list := s.api().Customers.List(p)
	var got []string
	for list.Next() {
		got = append(got, list.Customer().ID)
	}
	// stripe-go walks backwards from the object it was given.
	if !slices.Equal(got, []string{made[2], made[3]}) || !list.Meta().HasMore {
		t.Errorf("got %v of %v, %v", got, made, list.Err())
	}
}
