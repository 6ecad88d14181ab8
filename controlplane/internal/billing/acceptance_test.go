package billing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingtest"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// Billing is accepted when these hold, one test a sentence.

func TestTheSameEventFiftyTimesInParallelIsOneStateChangeAndOneEmail(t *testing.T) {
	t.Parallel()
	s := subscribed(t, billing.Growth, failsLater)
	s.clock.Move(25 * 24 * time.Hour) // the renewal fails
	if err := s.sandbox.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := capture(t, s)
	i := slices.IndexFunc(all, func(n notice) bool { return bytes.Contains(n.payload, []byte(`"invoice.payment_failed"`)) })
	if i < 0 {
		t.Fatalf("no failed payment among %d notices", len(all))
	}
	before := inboxSize(t, s.store)
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			r := billing.WebhookRequest{Signature: all[i].signature, RawBody: all[i].payload}
			if _, err := s.ops.Webhook(t.Context(), &r); err != nil {
				t.Error(err)
			}
			if err := s.inbox.Handle(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := inboxSize(t, s.store) - before; n != 1 {
		t.Errorf("%d notices kept; want 1", n)
	}
	if got := s.account(t).Snapshot; got.Status != billing.StatusPastDue || s.activations(t) != 1 {
		t.Errorf("status %s, activated %d times", got.Status, s.activations(t))
	}
	if diff := cmp.Diff([]string{"Your payment did not come through"}, s.letters(t)); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
}

func TestAnyPermutationOfARecordedSignUpOfFourteenEventsEndsInTheSameSnapshot(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.checkout(t, billing.Growth)
	begun := s.account(t) // before anything was heard
	s.try(t, billing.Growth)
	s.give(t, "pm_card_visa")
	if _, err := s.books.EndTrial(t.Context(), s.tenant); err != nil {
		t.Fatal(err)
	}
	recorded := events(t, s)
	if len(recorded) < 14 {
		t.Fatalf("only %d events recorded", len(recorded))
	}
	recorded = recorded[:14]
	indexes := make([]int, len(recorded))
	for i := range indexes {
		indexes[i] = i
	}
	want := s.sync(t).Snapshot
	rapid.Check(t, func(rt *rapid.T) {
		fresh := start(t, openStore(t), s.store, s.clock, s.tenant)
		if err := docstore.TableOf[billing.Account](fresh.store, billing.AccountsCollection).Insert(t.Context(), string(s.tenant), begun); err != nil {
			rt.Fatal(err)
		}
		for _, i := range rapid.Permutation(indexes).Draw(rt, "order") {
			payload := recorded[i]
			if err := fresh.inbox.Receive(t.Context(), payload, sign(payload, fresh.sandbox.Secret(), s.clock.Now())); err != nil {
				rt.Fatal(err)
			}
			if rapid.Bool().Draw(rt, "handle") {
				if err := fresh.inbox.Handle(t.Context()); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if err := fresh.inbox.Handle(t.Context()); err != nil {
			rt.Fatal(err)
		}
		got := fresh.account(t).Snapshot
		got.FetchStarted = want.FetchStarted
		if diff := cmp.Diff(stored(t, want), stored(t, got)); diff != "" || fresh.activations(t) != 1 {
			rt.Fatalf("activated %d times (-want +got):\n%s", fresh.activations(t), diff)
		}
	})
}

// stored is a snapshot as it is kept.
func stored(t *testing.T, s billing.Snapshot) billing.Snapshot {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var kept billing.Snapshot
	if err := json.Unmarshal(raw, &kept); err != nil {
		t.Fatal(err)
	}
	return kept
}

// events are all that the sandbox has told, as they travel.
func events(t *testing.T, s *shop) [][]byte {
	t.Helper()
	var all [][]byte
	list := api(s).Events.List(nil)
	for list.Next() {
		raw, err := json.Marshal(list.Event())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw)
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEventsThatAreWithheldEntirelyAreMadeUpForByTheReconciler(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.pay(t, s.checkout(t, billing.Growth), good)
	if s.access(t) != billing.None {
		t.Fatal("heard of without any notice")
	}
	sweep := func() {
		t.Helper()
		if err := s.inbox.FetchUndelivered(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.inbox.Handle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	if got := s.access(t); got != billing.Active {
		t.Errorf("access = %s; want active", got)
	}
	s.clock.Move(5 * time.Minute)
	if _, err := api(s).Subscriptions.Cancel(subscriptions(t, s)[0].ID, nil); err != nil {
		t.Fatal(err)
	}
	s.clock.Move(5 * time.Minute)
	sweep()
	if got := s.access(t); got != billing.Canceled {
		t.Errorf("access = %s; want canceled", got)
	}
}

func TestACrashAtEveryStepOfTheWorkerLosesNothingAndDoesNothingTwice(t *testing.T) {
	t.Parallel()
	for step := 0; ; step++ {
		ours, theirs, clock := openStore(t), openStore(t), tenancytest.NewClock()
		first := start(t, ours, theirs, clock, id.NewTenant())
		first.try(t, billing.Growth)
		first.give(t, "pm_card_visa")
		first.settle(t)
		// The second company tries with the same card: claims, a trial that ends, a
		// payment and a letter are in the worker's hands.
		s := start(t, ours, theirs, clock, id.NewTenant())
		address, _, err := s.books.Checkout(t.Context(), s.tenant, "bob@example.com", billing.Growth, billing.Month, true)
		if err != nil {
			t.Fatal(err)
		}
		s.pay(t, address, good)
		s.give(t, "pm_card_visa")
		mortal := tenancytest.DyingAfter(ours, step)
		doomed := start(t, mortal, theirs, clock, s.tenant)
		tap := doomed.sandbox.Delivery(doomed.inbox.Receive)
		_ = tap.Deliver(t.Context())
		_ = doomed.inbox.Handle(t.Context())
		survived := !mortal.Died()

		after := start(t, ours, theirs, clock, s.tenant)
		clock.Move(2 * time.Hour) // what was refused is sent again
		after.settle(t)
		clock.Move(time.Hour)
		after.settle(t)
		got := after.account(t)
		if got.Snapshot.Status != billing.StatusActive || after.activations(t) != 1 || got.Refused == nil || !got.Refused.Card {
			t.Fatalf("step %d: %+v, refused %+v, activated %d times", step, got.Snapshot, got.Refused, after.activations(t))
		}
		if charged, _ := after.money(t); charged != 199_00 {
			t.Fatalf("step %d: charged %d", step, charged)
		}
		if diff := cmp.Diff([]string{"Your subscription began without a trial"}, after.letters(t)); diff != "" {
			t.Fatalf("step %d: letters (-want +got):\n%s", step, diff)
		}
		if survived {
			if step < 8 {
				t.Errorf("the worker wrote %d times only", step)
			}
			return
		}
	}
}

func TestAnEmptyWrongOldFutureTruncatedOrReEncodedNoticeIsRefusedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.pay(t, s.checkout(t, billing.Growth), good)
	n := capture(t, s)[0]
	before, now, secret := inboxSize(t, s.store), s.clock.Now(), s.sandbox.Secret()
	var again bytes.Buffer
	if err := json.Indent(&again, n.payload, "", "  "); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]billing.WebhookRequest{
		"empty secret": {RawBody: n.payload, Signature: sign(n.payload, "", now)},
		"wrong secret": {RawBody: n.payload, Signature: sign(n.payload, "whsec_somebody_else_knows_it", now)},
		"old":          {RawBody: n.payload, Signature: sign(n.payload, secret, now.Add(-6*time.Minute))},
		"future":       {RawBody: n.payload, Signature: sign(n.payload, secret, now.Add(6*time.Minute))},
		"truncated":    {RawBody: n.payload[:len(n.payload)-1], Signature: n.signature},
		"re-encoded":   {RawBody: again.Bytes(), Signature: n.signature},
	} {
		_, err := s.ops.Webhook(t.Context(), &c)
		if status := fault.KindOf(err).Status(); err == nil || status < 400 || status > 499 {
			t.Errorf("%s: %v; want a 4xx", name, err)
		}
	}
	if n := inboxSize(t, s.store); n != before {
		t.Errorf("%d notices kept", n-before)
	}
}

func TestBothSecretsAreTakenWhileOneReplacesTheOther(t *testing.T) {
	t.Parallel()
	s := open(t)
	old := s.sandbox.Secret()
	next := s.sandbox.RotateSecret()
	s.pay(t, s.checkout(t, billing.Growth), good)
	n := capture(t, s)[0]
	both, err := billingstripe.NewSignatures(false, s.clock.Now, next, old)
	if err != nil {
		t.Fatal(err)
	}
	for name, signature := range map[string]string{
		"as it travels": n.signature, "by the old": sign(n.payload, old, s.clock.Now()), "by the next": sign(n.payload, next, s.clock.Now()),
	} {
		if got, err := both.Read(n.payload, signature); err != nil || got.ID == "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAnEventOfTestModeIsRefusedAtALiveEndpoint(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.pay(t, s.checkout(t, billing.Growth), good)
	n := capture(t, s)[0]
	live, err := billingstripe.NewSignatures(true, s.clock.Now, s.sandbox.Secret())
	if err != nil {
		t.Fatal(err)
	}
	x := billing.NewInbox(s.books, live)
	before := inboxSize(t, s.store)
	if err := x.Receive(t.Context(), n.payload, n.signature); !errors.Is(err, billing.ErrNoticeMode) || inboxSize(t, s.store) != before {
		t.Errorf("Receive = %v; want ErrNoticeMode and nothing kept", err)
	}
}

func TestAnUnknownPriceLeavesAccessUnchangedAndRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	s := subscribed(t, billing.Growth, good)
	foreign, err := api(s).Prices.New(&stripe.PriceParams{
		Product: stripe.String(subscriptions(t, s)[0].Items.Data[0].Price.Product.ID), Currency: stripe.String("usd"),
		UnitAmount: stripe.Int64(100), Recurring: &stripe.PriceRecurringParams{Interval: stripe.String("month")},
	})
	if err != nil {
		t.Fatal(err)
	}
	item := subscriptions(t, s)[0]
	if _, err := api(s).Subscriptions.Update(item.ID, &stripe.SubscriptionParams{
		Items: []*stripe.SubscriptionItemsParams{{ID: stripe.String(item.Items.Data[0].ID), Price: stripe.String(foreign.ID)}}, ProrationBehavior: stripe.String("none"),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.books.SyncCustomer(t.Context(), s.tenant); !errors.Is(err, billing.ErrUnknownPrice) {
		t.Errorf("SyncCustomer = %v; want ErrUnknownPrice", err)
	}
	if s.access(t) != billing.Active || s.plan(t) != billing.Growth {
		t.Errorf("access %s, plan %s; want both as before", s.access(t), s.plan(t))
	}
	if n := s.metric(t, "dyocense_billing_alarms_total"); n != 1 {
		t.Errorf("%v alarms; want 1", n)
	}
}

func TestTwoCheckoutsInTwoTabsAreOneSubscription(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := s.checkout(t, billing.Growth)
	second := s.checkout(t, billing.Business) // closes the first
	s.pay(t, second, good)
	if status, page := s.visit(t, first); strings.Contains(page, `name="number"`) {
		t.Errorf("the first tab can still be paid: %d", status)
	}
	s.settle(t)
	if _, _, err := s.books.Checkout(t.Context(), s.tenant, "ada@example.com", billing.Growth, billing.Month, false); !errors.Is(err, billing.ErrSubscribed) {
		t.Errorf("a third: %v; want ErrSubscribed", err)
	}
	// Should there be two all the same, the later one is taken back with its money.
	s.clock.Move(time.Hour)
	a := s.account(t)
	if _, err := api(s).Subscriptions.New(&stripe.SubscriptionParams{
		Customer: stripe.String(a.Customer), DefaultPaymentMethod: stripe.String(a.Snapshot.Method.ID),
		Items: []*stripe.SubscriptionItemsParams{{Price: stripe.String(subscriptions(t, s)[0].Items.Data[0].Price.ID)}},
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s.settle(t)
		s.sync(t)
	}
	live := slices.DeleteFunc(subscriptions(t, s), func(x *stripe.Subscription) bool { return x.Status == stripe.SubscriptionStatusCanceled })
	if len(live) != 1 || live[0].ID != a.Snapshot.Subscription {
		t.Errorf("%d live subscriptions; want the older one", len(live))
	}
	if charged, _ := s.money(t); charged != 499_00 {
		t.Errorf("charged %d; want one subscription's", charged)
	}
	if diff := cmp.Diff([]string{"A second subscription was taken back"}, s.letters(t)); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
}

func TestThePreviewIsTheInvoiceToTheCentOverAThousandDatesAndPlans(t *testing.T) {
	t.Parallel()
	pairs := []struct {
		from, to billing.PlanID
		fi, ti   billing.Interval
	}{
		{billing.Starter, billing.Growth, billing.Month, billing.Month}, {billing.Starter, billing.Business, billing.Month, billing.Year},
		{billing.Growth, billing.Business, billing.Month, billing.Month}, {billing.Growth, billing.Growth, billing.Month, billing.Year},
		{billing.Growth, billing.Business, billing.Year, billing.Year}, {billing.Starter, billing.Growth, billing.Year, billing.Month},
	}
	// A company's cards and papers do not last for a thousand changes.
	const companies, dates = 25, 40
	for company := range companies {
		t.Run(fmt.Sprintf("company %d", company), func(t *testing.T) {
			t.Parallel()
			chance := rand.New(rand.NewPCG(20261126, uint64(company)))
			s := subscribed(t, billing.Starter, good)
			s.offer(t, billing.Growth, billing.Month) // the catalogue is there now
			prices := map[string]string{}
			list := api(s).Prices.List(nil)
			for list.Next() {
				prices[list.Price().LookupKey] = list.Price().ID
			}
			if err := list.Err(); err != nil {
				t.Fatal(err)
			}
			for n := range dates {
				pair := pairs[chance.IntN(len(pairs))]
				// From here to the pair's beginning, without reckoning.
				item := subscriptions(t, s)[0]
				if _, err := api(s).Subscriptions.Update(item.ID, &stripe.SubscriptionParams{
					Items:             []*stripe.SubscriptionItemsParams{{ID: stripe.String(item.Items.Data[0].ID), Price: stripe.String(prices[billing.LookupKey(pair.from, pair.fi)])}},
					ProrationBehavior: stripe.String("none"),
				}); err != nil {
					t.Fatal(err)
				}
				s.clock.Move(time.Duration(chance.Int64N(int64(27 * 24 * time.Hour))).Truncate(time.Second))
				if err := s.sandbox.Tick(t.Context()); err != nil {
					t.Fatal(err)
				}
				o, before := s.offer(t, pair.to, pair.ti), s.credit(t)
				s.accept(t, o)
				page, err := s.books.Invoices(t.Context(), s.tenant, "", 1)
				if err != nil {
					t.Fatal(err)
				}
				i := page.Invoices[0]
				given := max(0, -i.Total)
				if i.Paid != o.DueToday || given != o.CreditToday || s.credit(t)-before != o.CreditToday-max(0, i.Total-i.Paid) {
					t.Fatalf("date %d, %+v at %s: shown %d due and %d in credit; invoice %+v, credit %d before and %d after",
						n, pair, s.clock.Now(), o.DueToday, o.CreditToday, i, before, s.credit(t))
				}
			}
		})
	}
}

// credit is what the customer has in favour.
func (s *shop) credit(t *testing.T) billing.Cents {
	t.Helper()
	c, err := api(s).Customers.Get(s.account(t).Customer, nil)
	if err != nil {
		t.Fatal(err)
	}
	return -billing.Cents(c.Balance)
}

func TestACardThatIsDeclinedAtAnUpgradeLeavesThePlanShowsThePendingChangeAndItsExpiryCleansUp(t *testing.T) {
	t.Parallel()
	s := subscribed(t, billing.Starter, failsLater)
	o := s.offer(t, billing.Growth, billing.Month)
	a := s.accept(t, o)
	if a.Snapshot.Plan != billing.Starter || a.Snapshot.Status != billing.StatusActive || a.Snapshot.Pending == nil || a.Snapshot.Pending.Plan != billing.Growth {
		t.Fatalf("%+v, pending %+v", a.Snapshot, a.Snapshot.Pending)
	}
	shown, err := s.ops.Billing(s.as(t.Context(), contract.RoleOwner), &billing.StandingRequest{})
	if err != nil || shown.Body.Pending == nil || shown.Body.Plan.ID != billing.Starter || shown.Body.Plan.Locations != 1 {
		t.Errorf("Billing = %+v, %v", shown, err)
	}
	links, err := s.books.InvoiceLinks(t.Context(), s.tenant, a.Snapshot.Pending.Invoice)
	if err != nil || !strings.HasPrefix(links.Page, site) {
		t.Errorf("InvoiceLinks = %+v, %v", links, err)
	}
	if again := s.accept(t, o); again.Snapshot.Pending == nil {
		t.Error("confirmed again: the pending change is gone")
	}
	s.pass(t, 24*time.Hour)
	got := s.account(t)
	if got.Snapshot.Pending != nil || got.Snapshot.Plan != billing.Starter || s.access(t) != billing.Active || got.Wish != nil {
		t.Errorf("after a day: %+v, pending %+v", got.Snapshot, got.Snapshot.Pending)
	}
	if charged, credit := s.money(t); charged != 49_00 || credit != 0 {
		t.Errorf("charged %d, credit %d; want the first month only", charged, credit)
	}
}

func TestAPaymentThatTheBankWantsConfirmedComesIntoForceWithTheConfirmation(t *testing.T) {
	t.Parallel()
	s := subscribed(t, billing.Starter, good)
	s.useCard(t, "pm_card_authenticationRequired")
	o := s.offer(t, billing.Growth, billing.Month)
	a := s.accept(t, o)
	if a.Snapshot.Plan != billing.Starter || a.Snapshot.Pending == nil {
		t.Fatalf("%+v", a.Snapshot)
	}
	links, err := s.books.InvoiceLinks(t.Context(), s.tenant, a.Snapshot.Pending.Invoice)
	if err != nil {
		t.Fatal(err)
	}
	r := s.pay(t, strings.TrimPrefix(links.Page, site), "4000 0027 6000 3184")
	where := r.Header.Get("Location")
	if !strings.Contains(where, "authenticate") {
		t.Fatalf("led to %q, %d", where, r.StatusCode)
	}
	_, page := s.visit(t, strings.TrimPrefix(where, site))
	token := tokenField.FindStringSubmatch(page)
	if token == nil {
		t.Fatalf("no form in %s", page)
	}
	s.submit(t, strings.TrimPrefix(where, site), url.Values{"token": {token[1]}, "step": {"authenticate"}, "answer": {"complete"}})
	s.settle(t)
	got := s.account(t).Snapshot
	if got.Plan != billing.Growth || got.Pending != nil || s.access(t) != billing.Active {
		t.Errorf("%+v, pending %+v", got, got.Pending)
	}
	if charged, _ := s.money(t); charged != 49_00+o.DueToday {
		t.Errorf("charged %d; want %d", charged, 49_00+o.DueToday)
	}
}

func TestTimeGoesThroughTrialEndRenewalFourFailuresRecoveryAndTheEnd(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.try(t, billing.Growth)
	s.give(t, "pm_card_visa")
	s.pass(t, 12*24*time.Hour)
	if got := s.account(t).Snapshot; got.Status != billing.StatusTrialing || s.access(t) != billing.Active {
		t.Fatalf("in the trial: %+v", got)
	}
	s.pass(t, 3*24*time.Hour) // it ends, and is paid
	if charged, _ := s.money(t); s.account(t).Snapshot.Status != billing.StatusActive || charged != 199_00 {
		t.Fatalf("after the trial: %s, charged %d", s.account(t).Snapshot.Status, charged)
	}
	s.pass(t, 31*24*time.Hour) // it renews
	if charged, _ := s.money(t); charged != 2*199_00 {
		t.Fatalf("after the renewal: charged %d", charged)
	}
	s.give(t, "pm_card_chargeCustomerFail")
	s.useCard(t, "pm_card_chargeCustomerFail")
	s.pass(t, 32*24*time.Hour) // it fails
	if got := s.account(t).Snapshot; got.Status != billing.StatusPastDue || s.access(t) != billing.PastDue {
		t.Fatalf("unpaid: %+v", got)
	}
	s.pass(t, 16*24*time.Hour) // and three times more
	if got := s.access(t); got != billing.Canceled {
		t.Fatalf("after the grace: %s, %s; want read-only", got, s.account(t).Snapshot.Status)
	}
	s.give(t, "pm_card_visa")
	s.pass(t, time.Hour) // the open invoice is paid with it at once
	if got := s.account(t).Snapshot; got.Status != billing.StatusActive || s.access(t) != billing.Active {
		t.Fatalf("recovered: %+v", got)
	}
	if _, err := s.books.Cancel(t.Context(), s.tenant, false, "we close the shop"); err != nil {
		t.Fatal(err)
	}
	s.pass(t, 32*24*time.Hour)
	if got := s.account(t).Snapshot; got.Status != billing.StatusCanceled || s.access(t) != billing.Canceled {
		t.Fatalf("ended: %+v", got)
	}
	letters := s.letters(t)
	for _, want := range []string{"Your trial ends on", "Your payment did not come through", "Your payment is still open", "Last call", "Your workspace is read-only"} {
		n := 0
		for _, l := range letters {
			if strings.HasPrefix(l, want) {
				n++
			}
		}
		wanted := 1
		if want == "Your payment is still open" {
			wanted = 2 // on the third day and on the seventh
		}
		if n != wanted {
			t.Errorf("%d letters %q; want %d, in %q", n, want, wanted, letters)
		}
	}
	if n := s.metric(t, "dyocense_billing_drift_total"); n != 0 {
		t.Errorf("%v accounts drifted in a healthy run", n)
	}
}

func TestAFailureAtEveryStepOfTheEnterpriseUpgradeLeavesMoneyAndDataConsistent(t *testing.T) {
	t.Parallel()
	for step := 0; ; step++ {
		s := subscribed(t, billing.Business, good)
		mortal := tenancytest.DyingAfter(s.store, step)
		q := s.quote(t, billing.Enterprise)
		dying := billing.New(mortal, s.stripe, company("x"), site, s.clock.Now, quiet())
		_, switched := dying.Switch(t.Context(), s.tenant, q, "move")
		undone := dying.Undo(t.Context(), s.tenant, "move")
		survived := switched == nil && undone == nil && !mortal.Died()
		// Whoever comes after completes the undoing, whatever happened.
		for range 2 {
			if err := s.books.Undo(t.Context(), s.tenant, "move"); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
		}
		if charged, credit := s.money(t); charged != 499_00 || credit != 0 || s.priced(t) != billing.Business || s.sync(t).Snapshot.Plan != billing.Business {
			t.Fatalf("step %d: charged %d, credit %d, priced %s, plan %s", step, charged, credit, s.priced(t), s.plan(t))
		}
		if survived {
			if step < 3 {
				t.Errorf("it wrote %d times only", step)
			}
			return
		}
	}
}

func TestAViewerAndAnotherTenantCannotOpenPortalInvoicesOrOffers(t *testing.T) {
	t.Parallel()
	s := subscribed(t, billing.Growth, good)
	page, err := s.books.Invoices(t.Context(), s.tenant, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	invoice, token := page.Invoices[0].ID, s.offer(t, billing.Business, billing.Month).Token
	calls := map[string]func(context.Context) error{
		"portal": func(ctx context.Context) error {
			r := billing.PortalRequest{}
			r.Body.Purpose = billing.Overview
			_, err := s.ops.Portal(ctx, &r)
			return err
		},
		"invoices": func(ctx context.Context) error {
			_, err := s.ops.Invoices(ctx, &billing.InvoicesRequest{Limit: 5})
			return err
		},
		"invoice": func(ctx context.Context) error {
			_, err := s.ops.Invoice(ctx, &billing.InvoiceRequest{ID: invoice})
			return err
		},
		"offer": func(ctx context.Context) error {
			r := billing.OfferRequest{}
			r.Body.Plan, r.Body.Interval = billing.Business, billing.Month
			_, err := s.ops.Offer(ctx, &r)
			return err
		},
		"change": func(ctx context.Context) error {
			r := billing.AcceptRequest{}
			r.Body.Token = token
			_, err := s.ops.Accept(ctx, &r)
			return err
		},
		"payer": func(ctx context.Context) error { _, err := s.ops.Details(ctx, &billing.NothingRequest{}); return err },
		"cancel": func(ctx context.Context) error {
			r := billing.CancelRequest{}
			r.Body.When = billing.AtPeriodEnd
			_, err := s.ops.Cancel(ctx, &r)
			return err
		},
		"resume": func(ctx context.Context) error { _, err := s.ops.Resume(ctx, &billing.NothingRequest{}); return err },
		"withdraw": func(ctx context.Context) error {
			_, err := s.ops.WithdrawChange(ctx, &billing.NothingRequest{})
			return err
		},
	}
	elsewhere := identity.With(t.Context(), identity.Who{Person: id.NewPerson(), Email: "eve@example.com", Tenant: id.NewTenant(), Role: contract.RoleOwner})
	for name, call := range calls {
		for _, role := range []contract.Role{contract.RoleViewer, contract.RoleAnalyst} {
			if err := call(s.as(t.Context(), role)); !errors.Is(err, tenancy.ErrForbidden) {
				t.Errorf("%s as %s: %v; want ErrForbidden", name, role, err)
			}
		}
		if err := call(t.Context()); !errors.Is(err, identity.ErrSignedOut) {
			t.Errorf("%s by nobody: %v; want ErrSignedOut", name, err)
		}
		if name == "invoices" {
			r, err := s.ops.Invoices(elsewhere, &billing.InvoicesRequest{Limit: 5})
			if err != nil || len(r.Body.Invoices) != 0 {
				t.Errorf("invoices by another tenant: %+v, %v; want none", r, err)
			}
			continue
		}
		if err := call(elsewhere); err == nil {
			t.Errorf("%s by another tenant works", name)
		}
	}
	if a := s.sync(t); a.Snapshot.Plan != billing.Growth || a.Snapshot.CancelAtPeriodEnd {
		t.Errorf("something happened: %+v", a.Snapshot)
	}
	// The address of an invoice is there for its owner.
	if err := calls["invoice"](s.as(t.Context(), contract.RoleAdmin)); err != nil {
		t.Error(err)
	}
}

func TestNoLineOfTheLogHoldsAPortalAddressCardDataOrTheWebhookSecret(t *testing.T) {
	t.Parallel()
	var said syncBuffer
	log := slog.New(slog.NewJSONHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	store := openStore(t)
	s := startLogged(t, store, store, tenancytest.NewClock(), id.NewTenant(), log)
	s.subscribe(t, billing.Growth, failsLater)
	secrets := []string{s.sandbox.Secret(), "4000000000000341", "4000 0000 0000 0341", "4242424242424242"}
	for _, purpose := range []billing.Purpose{billing.Overview, billing.PaymentMethod} {
		url, err := s.books.Portal(t.Context(), s.tenant, purpose)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, url, strings.TrimPrefix(url, site))
	}
	page, err := s.books.Invoices(t.Context(), s.tenant, "", 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range page.Invoices {
		links, err := s.books.InvoiceLinks(t.Context(), s.tenant, i.ID)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, links.Page, links.PDF)
	}
	s.accept(t, s.offer(t, billing.Business, billing.Month)) // declined
	// Notices that are not taken, and a second subscription, are worth a line.
	if err := s.sandbox.SetChaos(t.Context(), billingsandbox.Chaos{FailFirst: 1}); err != nil {
		t.Fatal(err)
	}
	customer := s.account(t).Customer
	m, err := api(s).PaymentMethods.Attach("pm_card_visa", &stripe.PaymentMethodAttachParams{Customer: stripe.String(customer)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api(s).Subscriptions.New(&stripe.SubscriptionParams{
		Customer: stripe.String(customer), DefaultPaymentMethod: stripe.String(m.ID),
		Items: []*stripe.SubscriptionItemsParams{{Price: stripe.String(subscriptions(t, s)[0].Items.Data[0].Price.ID)}},
	}); err != nil {
		t.Fatal(err)
	}
	s.sync(t)
	s.pass(t, 40*24*time.Hour)
	_ = s.inbox.Receive(t.Context(), []byte(`{"id":"evt_1"}`), "t=1,v1=00")
	if _, err := s.books.Offer(t.Context(), s.tenant, billing.Business, billing.Month); err == nil {
		t.Error("an unpaid subscription can be changed")
	}
	if card := s.account(t).Snapshot.Method; card == nil || said.Len() == 0 {
		t.Fatalf("card %+v, %d bytes said", card, said.Len())
	}
	for _, secret := range append(secrets, billingsandbox.Key) {
		if secret != "" && strings.Contains(said.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// syncBuffer may be written to from many goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *syncBuffer) Len() int { return len(b.String()) }

func TestTheProviderKeepsItsPromisesInTheSandboxAndInStripesTestMode(t *testing.T) {
	t.Parallel()
	t.Run("sandbox", func(t *testing.T) {
		s := open(t)
		billingtest.Run(t, billingtest.NewRig(t, billingstripe.Config{
			Key: billingsandbox.Key, URL: billingsandbox.URL, HTTP: s.sandbox.Client(), Log: quiet(),
		}, s.clock.Now))
	})
	t.Run("Stripe's test mode", func(t *testing.T) { billingtest.Run(t, billingtest.Stripe(t)) })
}
