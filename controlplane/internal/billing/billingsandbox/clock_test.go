package billingsandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
)

// timed is a sandbox with one price, and customers who live by a test clock.
type timed struct {
	*subscriber
	frozen *stripe.TestHelpersTestClock
}

// byTestClock makes a customer, with a card unless that is "".
func byTestClock(t *testing.T, card string) *timed {
	t.Helper()
	s := &timed{subscriber: shop(t)}
	var err error
	if s.frozen, err = s.api().TestHelpersTestClocks.New(&stripe.TestHelpersTestClockParams{FrozenTime: stripe.Int64(s.clock.Now().Unix()), Name: stripe.String("Renewals")}); err != nil {
		t.Fatal(err)
	}
	c, err := s.api().Customers.New(&stripe.CustomerParams{Email: stripe.String("ada@example.com"), TestClock: stripe.String(s.frozen.ID)})
	if err != nil || c.TestClock.ID != s.frozen.ID {
		t.Fatalf("customer = %+v, %v", c, err)
	}
	s.customer = c.ID
	if card != "" {
		s.pays(t, card)
	}
	return s
}

// pays makes a card the one that pays.
func (s *subscriber) pays(t *testing.T, card string) {
	t.Helper()
	m, err := s.api().PaymentMethods.Attach(card, &stripe.PaymentMethodAttachParams{Customer: stripe.String(s.customer)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.api().Customers.Update(s.customer, &stripe.CustomerParams{
		InvoiceSettings: &stripe.CustomerInvoiceSettingsParams{DefaultPaymentMethod: stripe.String(m.ID)},
	}); err != nil {
		t.Fatal(err)
	}
}

func (s *timed) begin(t *testing.T, p *stripe.SubscriptionParams) *stripe.Subscription {
	t.Helper()
	p.Customer, p.Items = stripe.String(s.customer), []*stripe.SubscriptionItemsParams{{Price: stripe.String(s.small)}}
	sub, err := s.api().Subscriptions.New(p)
	if err != nil {
		t.Fatal(err)
	}
	s.id, s.item, s.start, s.end = sub.ID, sub.Items.Data[0].ID, sub.CurrentPeriodStart, sub.CurrentPeriodEnd
	return sub
}

func (s *timed) advance(t *testing.T, d time.Duration) *stripe.Subscription {
	t.Helper()
	to := s.frozen.FrozenTime + int64(d/time.Second)
	asked, err := s.api().TestHelpersTestClocks.Advance(s.frozen.ID, &stripe.TestHelpersTestClockAdvanceParams{FrozenTime: stripe.Int64(to)})
	if err != nil || asked.Status != "advancing" {
		t.Fatalf("advance: %+v, %v", asked, err)
	}
	if s.frozen, err = s.api().TestHelpersTestClocks.Get(s.frozen.ID, nil); err != nil || s.frozen.Status != "ready" || s.frozen.FrozenTime != to {
		t.Fatalf("clock = %+v, %v; want it at %d", s.frozen, err, to)
	}
	return s.subscription(t)
}

func (s *subscriber) subscription(t *testing.T) *stripe.Subscription {
	t.Helper()
	sub, err := s.api().Subscriptions.Get(s.id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// told are the types of all events so far, the oldest first.
func (s *subscriber) told(t *testing.T) []string {
	t.Helper()
	var all []string
	p := &stripe.EventListParams{}
	p.Limit = stripe.Int64(100)
	list := s.api().Events.List(p)
	for list.Next() {
		all = append(all, string(list.Event().Type))
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

func times(all []string, of string) int {
	n := 0
	for _, x := range all {
		if x == of {
			n++
		}
	}
	return n
}

const days = 24 * time.Hour

func TestTimeRenewsASubscription(t *testing.T) {
	t.Parallel()
	s := byTestClock(t, "pm_card_visa")
	s.begin(t, &stripe.SubscriptionParams{})
	sub := s.advance(t, time.Unix(s.end, 0).Sub(time.Unix(s.start, 0))+30*time.Minute)
	if sub.CurrentPeriodStart != s.end || sub.Status != "active" {
		t.Fatalf("subscription = %+v", sub)
	}
	if i := s.invoices(t)[0]; i.Status != "draft" || i.BillingReason != "subscription_cycle" || i.PeriodEnd != s.end || i.Lines.Data[0].Period.Start != s.end {
		t.Fatalf("invoice in its first hour = %+v", i)
	}
	s.advance(t, time.Hour)
	if i := s.invoices(t)[0]; i.Status != "paid" || i.AmountPaid != 1000 || i.Charge == nil || i.Number == "" || i.StatusTransitions.PaidAt != s.end+3600 {
		t.Errorf("invoice after it = %+v", i)
	}
	all := s.told(t)
	for _, want := range []string{"invoice.upcoming", "invoice.created", "invoice.finalized", "invoice.paid", "customer.subscription.updated", "test_helpers.test_clock.ready"} {
		if !slices.Contains(all, want) {
			t.Errorf("nobody was told of %s: %v", want, all)
		}
	}
	s.advance(t, 365*days)
	if n := len(s.invoices(t)); n != 14 {
		t.Errorf("%d invoices after a year and a month; want 14", n)
	}
}

func TestASubscriptionOfThe31stRenewsOnTheLastOfShorterMonths(t *testing.T) {
	t.Parallel()
	s := byTestClock(t, "pm_card_visa")
	from := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	if _, err := s.api().TestHelpersTestClocks.Advance(s.frozen.ID, &stripe.TestHelpersTestClockAdvanceParams{FrozenTime: stripe.Int64(from.Unix())}); err != nil {
		t.Fatal(err)
	}
	s.frozen.FrozenTime = from.Unix()
	s.begin(t, &stripe.SubscriptionParams{})
	s.advance(t, 100*days)
	var ends []string
	for _, i := range slices.Backward(s.invoices(t)) {
		ends = append(ends, time.Unix(i.Lines.Data[0].Period.End, 0).UTC().Format("01-02"))
	}
	if diff := cmp.Diff([]string{"02-28", "03-31", "04-30", "05-31"}, ends); diff != "" {
		t.Error(diff)
	}
}

func TestARenewalIsTriedFourTimesAndThenLeftUnpaid(t *testing.T) {
	t.Parallel()
	s := byTestClock(t, "pm_card_visa")
	s.begin(t, &stripe.SubscriptionParams{})
	s.pays(t, "pm_card_chargeCustomerFail")
	sub := s.advance(t, time.Unix(s.end, 0).Sub(time.Unix(s.start, 0))+time.Hour)
	first := s.end + 3600
	i := s.invoices(t)[0]
	if sub.Status != "past_due" || i.Status != "open" || i.AttemptCount != 1 || i.NextPaymentAttempt != first+3*86400 {
		t.Fatalf("after the first: %s, %+v", sub.Status, i)
	}
	for n, wait := range []time.Duration{3 * days, 5 * days, 7 * days} {
		sub = s.advance(t, wait)
		if i = s.invoices(t)[0]; i.AttemptCount != int64(n+2) {
			t.Fatalf("after %d attempts: %+v", n+2, i)
		}
	}
	if sub.Status != "unpaid" || i.NextPaymentAttempt != 0 || times(s.told(t), "invoice.payment_failed") != 4 {
		t.Errorf("at the end: %s, %+v, %d failures told", sub.Status, i, times(s.told(t), "invoice.payment_failed"))
	}
	if s.advance(t, 31*days); s.invoices(t)[0].Status != "draft" {
		t.Errorf("an unpaid subscription is asked for more: %+v", s.invoices(t)[0])
	}
	s.pays(t, "pm_card_visa")
	if _, err := s.api().Invoices.Pay(s.subscription(t).LatestInvoice.ID, nil); err != nil {
		t.Fatal(err)
	}
	if sub := s.subscription(t); sub.Status != "active" {
		t.Errorf("after the debt is paid it is %s", sub.Status)
	}
}

func TestPayingAnOpenInvoiceEndsPastDue(t *testing.T) {
	t.Parallel()
	s := byTestClock(t, "pm_card_visa")
	s.begin(t, &stripe.SubscriptionParams{})
	s.pays(t, "pm_card_chargeCustomerFail")
	s.advance(t, 32*days)
	open := s.invoices(t)[0]
	var refused *stripe.Error
	if _, err := s.api().Invoices.Pay(open.ID, nil); !errors.As(err, &refused) || refused.HTTPStatusCode != 402 || refused.DeclineCode != "generic_decline" {
		t.Fatalf("Pay = %v", err)
	}
	if again, err := s.api().Invoices.Get(open.ID, nil); err != nil || again.AttemptCount != open.AttemptCount+1 {
		t.Errorf("a refused attempt is forgotten: %+v, %v", again, err)
	}
	paid, err := s.api().Invoices.Pay(open.ID, &stripe.InvoicePayParams{PaymentMethod: stripe.String("pm_card_mastercard")})
	if err != nil || !paid.Paid || s.subscription(t).Status != "active" {
		t.Errorf("paid = %+v, %v; %s", paid, err, s.subscription(t).Status)
	}
	if _, err := s.api().Invoices.Pay(open.ID, nil); !errors.As(err, &refused) || refused.Code != "invoice_already_paid" {
		t.Errorf("a second time: %v", err)
	}
}

func TestTheEndOfRetriesCanCancel(t *testing.T) {
	t.Parallel()
	clock := tenancytest.NewClock()
	b := open(t, openStore(t), clock, billingsandbox.Options{RetryDays: []int{1}, AfterRetries: billingsandbox.Cancel})
	s := shopOn(t, b, clock)
	s.pays(t, "pm_card_visa")
	sub, err := s.api().Subscriptions.New(&stripe.SubscriptionParams{Customer: &s.customer, Items: []*stripe.SubscriptionItemsParams{{Price: &s.small}}})
	if err != nil {
		t.Fatal(err)
	}
	s.id = sub.ID
	s.pays(t, "pm_card_chargeCustomerFail")
	if err := b.Advance(t.Context(), 40*days); err != nil {
		t.Fatal(err)
	}
	if sub := s.subscription(t); sub.Status != "canceled" || sub.CancellationDetails.Reason != "payment_failed" {
		t.Errorf("subscription = %+v", sub)
	}
}

func TestTheSandboxsOwnClock(t *testing.T) {
	t.Parallel()
	t.Run("is followed by everybody without a test clock, and survives a restart", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		if err := s.sandbox.Advance(t.Context(), 60*days); err != nil {
			t.Fatal(err)
		}
		after := start(t, s.store, s.clock)
		if got := after.Now().Sub(s.clock.Now()); got != 60*days {
			t.Errorf("after a restart it is %v ahead", got)
		}
		if sub := s.subscription(t); sub.Status != "active" || len(s.invoices(t)) != 3 || s.invoices(t)[0].Status != "paid" {
			t.Errorf("%s, %d invoices", sub.Status, len(s.invoices(t)))
		}
	})
	t.Run("does not go back, nor too far", func(t *testing.T) {
		t.Parallel()
		b := start(t, openStore(t), tenancytest.NewClock())
		for _, d := range []time.Duration{0, -time.Hour, 3 * 366 * days} {
			if err := b.Advance(t.Context(), d); !errors.Is(err, billingsandbox.ErrAdvance) {
				t.Errorf("Advance(%v) = %v", d, err)
			}
		}
	})
	t.Run("renews by itself while it runs", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		s.clock.Move(40 * days)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		news := s.store.Watch(ctx, "sandbox_objects")
		go func() { ended <- s.sandbox.Run(ctx) }()
		for len(s.invoices(t)) < 2 || s.invoices(t)[0].Status != "paid" {
			select {
			case <-news:
			case <-time.After(10 * time.Second):
				t.Fatal("nothing was renewed")
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestATestClockTakesItsCustomersAlong(t *testing.T) {
	t.Parallel()
	s := byTestClock(t, "pm_card_visa")
	s.begin(t, &stripe.SubscriptionParams{})
	for _, wrong := range []int64{s.frozen.FrozenTime, s.frozen.FrozenTime - 1, s.frozen.FrozenTime + 4*366*86400} {
		if _, err := s.api().TestHelpersTestClocks.Advance(s.frozen.ID, &stripe.TestHelpersTestClockAdvanceParams{FrozenTime: stripe.Int64(wrong)}); err == nil {
			t.Errorf("it went to %d", wrong)
		}
	}
	gone, err := s.api().TestHelpersTestClocks.Del(s.frozen.ID, nil)
	if err != nil || !gone.Deleted {
		t.Fatalf("%+v, %v", gone, err)
	}
	if _, err := s.api().Subscriptions.Get(s.id, nil); err == nil {
		t.Error("the subscription is still there")
	}
	if _, err := s.api().Customers.Get(s.customer, nil); err == nil {
		t.Error("the customer is still there")
	}
	if err := s.sandbox.Advance(t.Context(), 40*days); err != nil {
		t.Errorf("what the clock left behind: %v", err)
	}
}

func TestTrials(t *testing.T) {
	t.Parallel()
	trial := func(missing string) *stripe.SubscriptionParams {
		return &stripe.SubscriptionParams{TrialPeriodDays: stripe.Int64(14), TrialSettings: &stripe.SubscriptionTrialSettingsParams{
			EndBehavior: &stripe.SubscriptionTrialSettingsEndBehaviorParams{MissingPaymentMethod: stripe.String(missing)},
		}}
	}
	t.Run("end in a paid period, and are announced three days before", func(t *testing.T) {
		t.Parallel()
		s := byTestClock(t, "pm_card_visa")
		sub := s.begin(t, trial("pause"))
		if sub.Status != "trialing" || sub.TrialEnd-sub.TrialStart != 14*86400 || sub.CurrentPeriodEnd != sub.TrialEnd || s.invoices(t)[0].AmountPaid != 0 || !s.invoices(t)[0].Paid {
			t.Fatalf("subscription = %+v", sub)
		}
		if s.advance(t, 11*days-time.Second); slices.Contains(s.told(t), "customer.subscription.trial_will_end") {
			t.Error("told too early")
		}
		if s.advance(t, time.Second); times(s.told(t), "customer.subscription.trial_will_end") != 1 {
			t.Error("not told three days before")
		}
		if sub := s.advance(t, 3*days+time.Hour); sub.Status != "active" || s.invoices(t)[0].AmountPaid != 1000 || sub.BillingCycleAnchor != sub.TrialEnd {
			t.Errorf("after it: %+v", sub)
		}
	})
	for missing, want := range map[string]stripe.SubscriptionStatus{"pause": "paused", "cancel": "canceled", "create_invoice": "past_due"} {
		t.Run("without a card end as they were told: "+missing, func(t *testing.T) {
			t.Parallel()
			s := byTestClock(t, "")
			s.begin(t, trial(missing))
			if sub := s.advance(t, 14*days+time.Hour); sub.Status != want || string(sub.TrialSettings.EndBehavior.MissingPaymentMethod) != missing {
				t.Errorf("it is %s; want %s", sub.Status, want)
			}
		})
	}
	t.Run("that are paused resume when they are paid", func(t *testing.T) {
		t.Parallel()
		s := byTestClock(t, "")
		s.begin(t, trial("pause"))
		s.advance(t, 20*days)
		if sub, err := s.api().Subscriptions.Resume(s.id, nil); err != nil || sub.Status != "paused" || s.invoices(t)[0].Status != "open" {
			t.Fatalf("without a card: %+v, %v", sub, err)
		}
		s.pays(t, "pm_card_visa")
		if _, err := s.api().Invoices.Pay(s.invoices(t)[0].ID, nil); err != nil {
			t.Fatal(err)
		}
		if sub := s.subscription(t); sub.Status != "active" || sub.CurrentPeriodStart != s.frozen.FrozenTime || !slices.Contains(s.told(t), "customer.subscription.resumed") {
			t.Errorf("subscription = %+v", sub)
		}
	})
	t.Run("give up a resumption that nobody pays within 23 hours", func(t *testing.T) {
		t.Parallel()
		s := byTestClock(t, "")
		s.begin(t, trial("pause"))
		s.advance(t, 20*days)
		if _, err := s.api().Subscriptions.Resume(s.id, nil); err != nil {
			t.Fatal(err)
		}
		if sub := s.advance(t, 23*time.Hour); sub.Status != "paused" || s.invoices(t)[0].Status != "void" {
			t.Errorf("%s, %s", sub.Status, s.invoices(t)[0].Status)
		}
		s.pays(t, "pm_card_visa")
		if sub, err := s.api().Subscriptions.Resume(s.id, nil); err != nil || sub.Status != "active" {
			t.Errorf("again: %+v, %v", sub, err)
		}
	})
	t.Run("can be ended at once", func(t *testing.T) {
		t.Parallel()
		s := byTestClock(t, "pm_card_visa")
		s.begin(t, trial("cancel"))
		s.advance(t, days)
		sub, err := s.api().Subscriptions.Update(s.id, &stripe.SubscriptionParams{TrialEndNow: stripe.Bool(true)})
		if err != nil || sub.Status != "active" || sub.CurrentPeriodStart != s.frozen.FrozenTime || s.invoices(t)[0].AmountPaid != 1000 {
			t.Errorf("%+v, %v", sub, err)
		}
	})
	t.Run("need no card at a checkout that does not require one", func(t *testing.T) {
		t.Parallel()
		s := shop(t)
		session, err := s.api().CheckoutSessions.New(&stripe.CheckoutSessionParams{
			Mode: stripe.String("subscription"), Customer: &s.customer, SuccessURL: stripe.String(site), PaymentMethodCollection: stripe.String("if_required"),
			LineItems: []*stripe.CheckoutSessionLineItemParams{{Price: &s.small, Quantity: stripe.Int64(1)}},
			SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{TrialPeriodDays: stripe.Int64(14), TrialSettings: &stripe.CheckoutSessionSubscriptionDataTrialSettingsParams{
				EndBehavior: &stripe.CheckoutSessionSubscriptionDataTrialSettingsEndBehaviorParams{MissingPaymentMethod: stripe.String("pause")},
			}},
		})
		if err != nil || session.AmountTotal != 0 {
			t.Fatalf("%+v, %v", session, err)
		}
		payOn(t, s.sandbox, session.URL, "")
		if session, err = s.api().CheckoutSessions.Get(session.ID, nil); err != nil || session.PaymentStatus != "no_payment_required" {
			t.Fatalf("%+v, %v", session, err)
		}
		s.id = session.Subscription.ID
		if sub := s.subscription(t); sub.Status != "trialing" || sub.DefaultPaymentMethod != nil || sub.TrialSettings.EndBehavior.MissingPaymentMethod != "pause" {
			t.Errorf("subscription = %+v", sub)
		}
	})
}

func TestWhatIsNotPaidInTimeIsOver(t *testing.T) {
	t.Parallel()
	t.Run("a first payment after 23 hours", func(t *testing.T) {
		t.Parallel()
		s := byTestClock(t, "pm_card_chargeCustomerFail")
		if sub := s.begin(t, &stripe.SubscriptionParams{}); sub.Status != "incomplete" {
			t.Fatalf("it is %s", sub.Status)
		}
		if sub := s.advance(t, 23*time.Hour); sub.Status != "incomplete_expired" || s.invoices(t)[0].Status != "void" {
			t.Errorf("%s, %s", sub.Status, s.invoices(t)[0].Status)
		}
	})
	t.Run("a first payment that comes in time", func(t *testing.T) {
		t.Parallel()
		s := byTestClock(t, "")
		s.begin(t, &stripe.SubscriptionParams{PaymentBehavior: stripe.String("default_incomplete")})
		if _, err := s.api().Invoices.Pay(s.invoices(t)[0].ID, &stripe.InvoicePayParams{PaymentMethod: stripe.String("pm_card_visa")}); err != nil {
			t.Fatal(err)
		}
		if sub := s.advance(t, 2*days); sub.Status != "active" {
			t.Errorf("it is %s", sub.Status)
		}
	})
	t.Run("a checkout", func(t *testing.T) {
		t.Parallel()
		s := shop(t)
		session := s.must(t, "/v1/checkout/sessions", s.order(), "")
		s.clock.Move(25 * time.Hour)
		if err := s.sandbox.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := s.api().CheckoutSessions.Get(session["id"].(string), nil); err != nil || got.Status != "expired" || !slices.Contains(s.told(t), "checkout.session.expired") {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("a period that was to be the last", func(t *testing.T) {
		t.Parallel()
		s := byTestClock(t, "pm_card_visa")
		s.begin(t, &stripe.SubscriptionParams{})
		sub, err := s.api().Subscriptions.Update(s.id, &stripe.SubscriptionParams{CancelAtPeriodEnd: stripe.Bool(true), CancellationDetails: &stripe.SubscriptionCancellationDetailsParams{Feedback: stripe.String("too_expensive")}})
		if err != nil || sub.CancelAt != s.end || !sub.CancelAtPeriodEnd || sub.CanceledAt == 0 || sub.CancellationDetails.Feedback != "too_expensive" {
			t.Fatalf("%+v, %v", sub, err)
		}
		if sub := s.advance(t, 32*days); sub.Status != "canceled" || sub.EndedAt != s.end || len(s.invoices(t)) != 1 {
			t.Errorf("%+v", sub)
		}
	})
	t.Run("but not a cancellation that was taken back", func(t *testing.T) {
		t.Parallel()
		s := byTestClock(t, "pm_card_visa")
		s.begin(t, &stripe.SubscriptionParams{})
		for _, leave := range []bool{true, false} {
			if _, err := s.api().Subscriptions.Update(s.id, &stripe.SubscriptionParams{CancelAtPeriodEnd: stripe.Bool(leave)}); err != nil {
				t.Fatal(err)
			}
		}
		if sub := s.advance(t, 32*days); sub.Status != "active" || sub.CancelAt != 0 || sub.CanceledAt != 0 {
			t.Errorf("%+v", sub)
		}
	})
}

func TestAnEventIsWhatStripeGoReads(t *testing.T) {
	t.Parallel()
	s := byTestClock(t, "pm_card_visa")
	s.begin(t, &stripe.SubscriptionParams{})
	s.advance(t, 32*days)
	list := s.api().Events.List(&stripe.EventListParams{Type: stripe.String("customer.subscription.updated")})
	if !list.Next() {
		t.Fatal("no event", list.Err())
	}
	var sub stripe.Subscription
	e := list.Event()
	if err := json.Unmarshal(e.Data.Raw, &sub); err != nil || sub.ID != s.id || e.Data.PreviousAttributes["current_period_end"] != float64(s.end) || e.APIVersion != stripe.APIVersion {
		t.Errorf("event = %+v, %v", e, err)
	}
}
