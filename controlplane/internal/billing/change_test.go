package billing_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// failsLater pays at the checkout and is declined from then on.
const failsLater = "4000 0000 0000 0341"

// subscribed is a shop whose tenant bought the plan ten days ago.
func subscribed(t *testing.T, p billing.PlanID, card string) *shop {
	t.Helper()
	s := open(t)
	s.subscribe(t, p, card)
	return s
}

func (s *shop) subscribe(t *testing.T, p billing.PlanID, card string) {
	t.Helper()
	s.pay(t, s.checkout(t, p), card)
	s.settle(t)
	s.clock.Move(10 * 24 * time.Hour)
}

func (s *shop) quote(t *testing.T, to billing.PlanID) billing.Quote {
	t.Helper()
	q, err := s.books.Quote(t.Context(), s.tenant, to, "")
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// reach moves the tenant to a plan.
func (s *shop) reach(t *testing.T, to billing.PlanID, once string) billing.Receipt {
	t.Helper()
	r, err := s.books.Switch(t.Context(), s.tenant, s.quote(t, to), once)
	if err != nil {
		t.Fatal(err)
	}
	s.clock.Move(time.Minute)
	return r
}

func (s *shop) plan(t *testing.T) billing.PlanID {
	t.Helper()
	st, err := s.books.Standing(t.Context(), s.tenant)
	if err != nil {
		t.Fatal(err)
	}
	return st.Plan.ID
}

// priced is the plan that the provider has.
func (s *shop) priced(t *testing.T) billing.PlanID {
	t.Helper()
	p, _, err := billing.ReadLookupKey(subscriptions(t, s)[0].Items.Data[0].Price.LookupKey)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// money is what the customer paid by card, less what came back, and what is in
// credit.
func (s *shop) money(t *testing.T) (charged, credit billing.Cents) {
	t.Helper()
	list := api(s).Charges.List(nil)
	for list.Next() {
		if list.Charge().Paid {
			charged += billing.Cents(list.Charge().Amount - list.Charge().AmountRefunded)
		}
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	c, err := api(s).Customers.Get(s.account(t).Customer, nil)
	if err != nil {
		t.Fatal(err)
	}
	return charged, -billing.Cents(c.Balance)
}

// changesAnnounced are the announced changes of plan, in order.
func (s *shop) changesAnnounced(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, e := range s.account(t).Outbox {
		if e.Type != billing.EventPlanChanged {
			continue
		}
		var d billing.PlanChangedData
		if err := json.Unmarshal(e.Data, &d); err != nil || e.Tenant != s.tenant {
			t.Fatalf("event %+v, %v", e, err)
		}
		all = append(all, fmt.Sprintf("%s to %s", d.From, d.To))
	}
	return all
}

// useCard puts a card of Stripe's for tests behind the subscription.
func (s *shop) useCard(t *testing.T, token string) {
	t.Helper()
	m, err := api(s).PaymentMethods.Attach(token, &stripe.PaymentMethodAttachParams{Customer: stripe.String(s.account(t).Customer)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api(s).Subscriptions.Update(subscriptions(t, s)[0].ID, &stripe.SubscriptionParams{DefaultPaymentMethod: stripe.String(m.ID)}); err != nil {
		t.Fatal(err)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	t.Run("says what an upgrade costs today and from the renewal on, to the cent", func(t *testing.T) {
		t.Parallel()
		for _, from := range []billing.PlanID{billing.Starter, billing.Growth, billing.Business} {
			s := subscribed(t, from, good)
			before := s.account(t).Snapshot
			q := s.quote(t, billing.Enterprise)
			want := billing.Quote{
				From: from, To: billing.Enterprise, Interval: billing.Month, Currency: "usd", AtRenewal: 199900,
				RenewsAt: before.CurrentPeriodEnd, ProratedAt: s.clock.Now(), Expires: s.clock.Now().Add(time.Hour),
			}
			bought := s.clock.Now().AddDate(0, 0, -10)
			left := float64(before.CurrentPeriodEnd.Sub(s.clock.Now())) / float64(before.CurrentPeriodEnd.Sub(bought))
			want.Lines = []billing.QuoteLine{
				{Text: "Unused time on Dyocense " + strings.ToUpper(string(from[:1])) + string(from[1:]) + " after " + s.clock.Now().Format("2 Jan 2006"), Cents: -cents(t, from, left)},
				{Text: "Remaining time on Dyocense Enterprise after " + s.clock.Now().Format("2 Jan 2006"), Cents: cents(t, billing.Enterprise, left)},
			}
			want.DueToday = want.Lines[0].Cents + want.Lines[1].Cents
			if diff := cmp.Diff(want, q); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	})
	t.Run("turns a downgrade into credit and charges nothing today", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		s.reach(t, billing.Enterprise, "up")
		q := s.quote(t, billing.Business)
		if q.DueToday != 0 || q.CreditToday <= 0 || q.CreditToday != -(q.Lines[0].Cents+q.Lines[1].Cents) || q.AtRenewal != 49900 {
			t.Errorf("quote = %+v", q)
		}
	})
	t.Run("changes nothing", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		chargedBefore, _ := s.money(t)
		s.quote(t, billing.Enterprise)
		if charged, credit := s.money(t); charged != chargedBefore || credit != 0 || s.priced(t) != billing.Business {
			t.Errorf("charged %d, credit %d, plan %s", charged, credit, s.priced(t))
		}
	})
	t.Run("says why there is none", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		if _, err := s.books.Quote(t.Context(), s.tenant, billing.Enterprise, ""); !errors.Is(err, billing.ErrNotSubscribed) {
			t.Errorf("never came near a checkout: %v; want ErrNotSubscribed", err)
		}
		s.subscribe(t, billing.Business, good)
		for _, c := range []struct {
			to       billing.PlanID
			interval billing.Interval
			want     error
		}{
			{billing.Business, billing.Month, billing.ErrSamePlan},
			{"platinum", billing.Month, billing.ErrPlan},
			{billing.Enterprise, "week", billing.ErrInterval},
			{billing.Enterprise, billing.Year, billing.ErrOtherInterval},
		} {
			if _, err := s.books.Quote(t.Context(), s.tenant, c.to, c.interval); !errors.Is(err, c.want) {
				t.Errorf("Quote(%s, %q) = %v; want %v", c.to, c.interval, err, c.want)
			}
		}
		if _, err := api(s).Subscriptions.Cancel(subscriptions(t, s)[0].ID, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := s.books.Quote(t.Context(), s.tenant, billing.Enterprise, ""); !errors.Is(err, billing.ErrNotSubscribed) || !strings.Contains(fault.ProblemOf(err).Detail, "has ended") {
			t.Errorf("cancelled: %v; want ErrNotSubscribed", err)
		}
	})
	t.Run("asks for an unpaid invoice first", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Starter, failsLater)
		sub, price := subscriptions(t, s)[0], enterprisePrice(t, s)
		// As somebody in Stripe's dashboard might do it.
		if _, err := api(s).Subscriptions.Update(sub.ID, &stripe.SubscriptionParams{
			Items:             []*stripe.SubscriptionItemsParams{{ID: stripe.String(sub.Items.Data[0].ID), Price: stripe.String(price)}},
			ProrationBehavior: stripe.String("always_invoice"),
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.books.Quote(t.Context(), s.tenant, billing.Business, ""); !errors.Is(err, billing.ErrUnpaid) {
			t.Errorf("err = %v; want ErrUnpaid", err)
		}
	})
	t.Run("does not change a subscription that is about to end", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		ending := s.account(t).Snapshot
		ending.CancelAtPeriodEnd = true
		books := billing.New(s.store, scripted{s.stripe, func() (billing.Snapshot, error) { return ending, nil }}, company("x"), site, s.clock.Now, quiet())
		if _, err := books.Quote(t.Context(), s.tenant, billing.Enterprise, ""); !errors.Is(err, billing.ErrNotSubscribed) || !strings.Contains(fault.ProblemOf(err).Detail, "ends on") {
			t.Errorf("err = %v; want ErrNotSubscribed", err)
		}
	})
}

// cents is a plan's monthly price for a part of the month.
func cents(t *testing.T, p billing.PlanID, part float64) billing.Cents {
	t.Helper()
	plan, err := billing.PlanOf(p)
	if err != nil {
		t.Fatal(err)
	}
	return billing.Cents(float64(plan.Monthly)*part + 0.5)
}

func enterprisePrice(t *testing.T, s *shop) string {
	t.Helper()
	list := api(s).Prices.List(&stripe.PriceListParams{LookupKeys: stripe.StringSlice([]string{billing.LookupKey(billing.Enterprise, billing.Month)})})
	if !list.Next() {
		t.Fatal("the catalogue has no Enterprise", list.Err())
	}
	return list.Price().ID
}

func TestSwitch(t *testing.T) {
	t.Parallel()
	t.Run("charges exactly what was quoted, and access never stops", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		before, _ := s.money(t)
		q := s.quote(t, billing.Enterprise)
		s.clock.Move(50 * time.Minute) // the quote is for its second, not for now
		r, err := s.books.Switch(t.Context(), s.tenant, q, "move 1")
		if err != nil {
			t.Fatal(err)
		}
		charged, credit := s.money(t)
		if r.Paid != q.DueToday || charged-before != q.DueToday || credit != 0 || r.Invoice == "" || r.Number == "" || !r.At.Equal(s.clock.Now()) {
			t.Errorf("receipt = %+v, charged %d; want %d", r, charged-before, q.DueToday)
		}
		st, err := s.books.Standing(t.Context(), s.tenant)
		if err != nil || st.Access != billing.Active || st.Plan.ID != billing.Enterprise || !st.CurrentPeriodEnd.Equal(q.RenewsAt) {
			t.Errorf("standing = %+v, %v", st, err)
		}
		s.clock.Move(time.Minute)
		s.settle(t) // and its webhooks say nothing new
		if diff := cmp.Diff([]string{"business to enterprise"}, s.changesAnnounced(t)); diff != "" || s.activations(t) != 1 {
			t.Errorf("activated %d times, changes (-want +got):\n%s", s.activations(t), diff)
		}
	})
	t.Run("goes down as it goes up, and the credit pays the next way up", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		s.reach(t, billing.Enterprise, "up")
		charged, _ := s.money(t)
		down := s.quote(t, billing.Growth)
		if r := s.reach(t, billing.Growth, "down"); r.Paid != 0 || r.Invoice == "" {
			t.Errorf("receipt of the downgrade = %+v", r)
		}
		after, credit := s.money(t)
		if after != charged || credit != down.CreditToday || s.plan(t) != billing.Growth || s.access(t) != billing.Active {
			t.Errorf("charged %d, credit %d, plan %s; want %d, %d, growth", after, credit, s.plan(t), charged, down.CreditToday)
		}
		up := s.quote(t, billing.Business)
		if up.DueToday != 0 || up.CreditToday != 0 {
			t.Errorf("the credit of %d does not pay %+v", credit, up)
		}
		s.reach(t, billing.Business, "up again")
		if last, left := s.money(t); last != charged || left != credit-up.Lines[0].Cents-up.Lines[1].Cents {
			t.Errorf("charged %d, credit %d", last, left)
		}
	})
	t.Run("charges once, however often and from how many places it is called", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		before, _ := s.money(t)
		q := s.quote(t, billing.Enterprise)
		// Fetches are told apart by when they began.
		ticking := func() time.Time { s.clock.Move(time.Microsecond); return s.clock.Now() }
		books := billing.New(s.store, s.stripe, company("x"), site, ticking, quiet())
		var mu sync.Mutex
		receipts := map[billing.Receipt]bool{}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				r, err := books.Switch(t.Context(), s.tenant, q, "move 1")
				mu.Lock()
				defer mu.Unlock()
				if receipts[r] = true; err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		s.clock.Move(3 * time.Hour) // an expired quote makes no difference to what is done
		if r, err := s.books.Switch(t.Context(), s.tenant, q, "move 1"); err != nil || !receipts[r] {
			t.Errorf("again: %+v, %v", r, err)
		}
		if charged, _ := s.money(t); charged-before != q.DueToday || len(receipts) != 1 {
			t.Errorf("charged %d, receipts %v; want %d, one", charged-before, receipts, q.DueToday)
		}
		if n := len(s.changesAnnounced(t)); n != 1 {
			t.Errorf("announced %d times; want once", n)
		}
	})
	t.Run("takes nothing from a card that is declined, and may be tried again", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, failsLater)
		before, _ := s.money(t)
		q := s.quote(t, billing.Enterprise)
		for range 2 {
			_, err := s.books.Switch(t.Context(), s.tenant, q, "move 1")
			if !errors.Is(err, billing.ErrPayment) || fault.KindOf(err) != fault.Exhausted || !strings.Contains(fault.ProblemOf(err).Detail, "Nothing was charged") {
				t.Fatalf("err = %v; want ErrPayment", err)
			}
		}
		s.settle(t)
		if charged, _ := s.money(t); charged != before || s.priced(t) != billing.Business || s.plan(t) != billing.Business || s.access(t) != billing.Active || len(s.changesAnnounced(t)) != 0 {
			t.Errorf("charged %d, plan %s, access %s", charged-before, s.priced(t), s.access(t))
		}
		s.useCard(t, "pm_card_visa")
		if r, err := s.books.Switch(t.Context(), s.tenant, q, "move 1"); err != nil || r.Paid != q.DueToday || s.plan(t) != billing.Enterprise {
			t.Errorf("with another card: %+v, %v", r, err)
		}
	})
	t.Run("wants a new quote after an hour, and takes it under the same once", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		q := s.quote(t, billing.Enterprise)
		s.clock.Move(time.Hour)
		if _, err := s.books.Switch(t.Context(), s.tenant, q, "move 1"); !errors.Is(err, billing.ErrQuoteExpired) {
			t.Fatalf("err = %v; want ErrQuoteExpired", err)
		}
		if s.priced(t) != billing.Business {
			t.Error("the plan changed")
		}
		if r := s.reach(t, billing.Enterprise, "move 1"); r.Paid >= q.DueToday {
			t.Errorf("paid %d; want less than an hour ago, %d", r.Paid, q.DueToday)
		}
	})
	t.Run("takes no other amount than the quoted one", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		q := s.quote(t, billing.Enterprise)
		for name, spoil := range map[string]func(*billing.Quote){
			"cheaper":            func(q *billing.Quote) { q.DueToday = 1 },
			"from another plan":  func(q *billing.Quote) { q.From = billing.Starter },
			"of another period":  func(q *billing.Quote) { q.RenewsAt = q.RenewsAt.AddDate(0, 1, 0) },
			"of another moment":  func(q *billing.Quote) { q.ProratedAt = q.ProratedAt.Add(-time.Hour) },
			"cheaper from later": func(q *billing.Quote) { q.AtRenewal = 1 },
		} {
			wrong := q
			spoil(&wrong)
			if _, err := s.books.Switch(t.Context(), s.tenant, wrong, "move 1"); !errors.Is(err, billing.ErrQuoteChanged) {
				t.Errorf("%s: %v; want ErrQuoteChanged", name, err)
			}
		}
		if s.priced(t) != billing.Business {
			t.Error("the plan changed")
		}
	})
	t.Run("notices credit that came after the quote", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		q := s.quote(t, billing.Enterprise)
		if _, err := api(s).CustomerBalanceTransactions.New(&stripe.CustomerBalanceTransactionParams{
			Customer: stripe.String(s.account(t).Customer), Amount: stripe.Int64(-500), Currency: stripe.String("usd"),
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.books.Switch(t.Context(), s.tenant, q, "move 1"); !errors.Is(err, billing.ErrQuoteChanged) {
			t.Errorf("err = %v; want ErrQuoteChanged", err)
		}
		if again := s.quote(t, billing.Enterprise); again.DueToday != q.DueToday-500 {
			t.Errorf("due %d; want %d", again.DueToday, q.DueToday-500)
		}
	})
	t.Run("does one change at a time", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Growth, good)
		q := s.quote(t, billing.Enterprise)
		mortal := tenancytest.DyingAfter(s.store, 2) // the sync and the intent
		dying := billing.New(mortal, lost{s.stripe}, company("x"), site, s.clock.Now, quiet())
		if _, err := dying.Switch(t.Context(), s.tenant, q, "move 1"); !errors.Is(err, billing.ErrProvider) {
			t.Fatalf("err = %v; want ErrProvider", err)
		}
		s.clock.Move(time.Minute)
		if _, err := s.books.Switch(t.Context(), s.tenant, s.quote(t, billing.Business), "move 2"); !errors.Is(err, billing.ErrChanging) {
			t.Errorf("err = %v; want ErrChanging", err)
		}
		// What nobody finishes does not stand in the way for ever.
		s.clock.Move(time.Hour)
		s.reach(t, billing.Business, "move 2")
		if _, err := s.books.Switch(t.Context(), s.tenant, q, "move 1"); !errors.Is(err, billing.ErrQuoteExpired) {
			t.Errorf("err = %v; want ErrQuoteExpired", err)
		}
	})
	t.Run("lets one once stand for one plan", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Growth, good)
		s.reach(t, billing.Enterprise, "move 1")
		if _, err := s.books.Switch(t.Context(), s.tenant, s.quote(t, billing.Business), "move 1"); err == nil || s.priced(t) != billing.Enterprise {
			t.Errorf("err = %v, plan %s", err, s.priced(t))
		}
		for _, once := range []string{"", strings.Repeat("x", 121)} {
			if _, err := s.books.Switch(t.Context(), s.tenant, s.quote(t, billing.Business), once); err == nil {
				t.Errorf("once %q is taken", once)
			}
		}
	})
}

// lost is a provider whose Switch never arrives.
type lost struct{ billing.Provider }

func (lost) Switch(context.Context, billing.Terms) (billing.Receipt, error) {
	return billing.Receipt{}, billing.ErrProvider
}

// unanswered is a provider that switches and whose answer never arrives.
type unanswered struct{ billing.Provider }

func (p unanswered) Switch(ctx context.Context, s billing.Terms) (billing.Receipt, error) {
	if _, err := p.Provider.Switch(ctx, s); err != nil {
		return billing.Receipt{}, err
	}
	return billing.Receipt{}, billing.ErrProvider
}

func TestUndo(t *testing.T) {
	t.Parallel()
	t.Run("puts the plan back and gives back exactly what was charged, once", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		before, _ := s.money(t)
		renews := s.account(t).Snapshot.CurrentPeriodEnd
		r := s.reach(t, billing.Enterprise, "move 1")
		for range 3 {
			s.clock.Move(25 * time.Hour) // Stripe has forgotten the keys by now
			if err := s.books.Undo(t.Context(), s.tenant, "move 1"); err != nil {
				t.Fatal(err)
			}
		}
		charged, credit := s.money(t)
		if charged != before || credit != 0 || s.priced(t) != billing.Business || s.plan(t) != billing.Business || s.access(t) != billing.Active {
			t.Errorf("charged %d, credit %d, plan %s; want all back", charged-before, credit, s.priced(t))
		}
		if !s.account(t).Snapshot.CurrentPeriodEnd.Equal(renews) {
			t.Error("the renewal moved")
		}
		notes := api(s).CreditNotes.List(&stripe.CreditNoteListParams{Invoice: stripe.String(r.Invoice)})
		if !notes.Next() || notes.CreditNote().Amount != int64(r.Paid) || notes.Next() {
			t.Errorf("want one credit note of %d on invoice %s, %v", r.Paid, r.Invoice, notes.Err())
		}
		if diff := cmp.Diff([]string{"business to enterprise", "enterprise to business"}, s.changesAnnounced(t)); diff != "" || s.activations(t) != 1 {
			t.Errorf("activated %d times, changes (-want +got):\n%s", s.activations(t), diff)
		}
		if _, err := s.books.Switch(t.Context(), s.tenant, s.quote(t, billing.Enterprise), "move 1"); !errors.Is(err, billing.ErrChangeUndone) {
			t.Errorf("the same once again: %v; want ErrChangeUndone", err)
		}
		if r := s.reach(t, billing.Enterprise, "move 2"); r.Paid == 0 {
			t.Error("the next move is free")
		}
	})
	t.Run("takes back the credit of a downgrade", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		s.reach(t, billing.Enterprise, "up")
		before, _ := s.money(t)
		s.reach(t, billing.Business, "down")
		for range 2 {
			if err := s.books.Undo(t.Context(), s.tenant, "down"); err != nil {
				t.Fatal(err)
			}
		}
		if charged, credit := s.money(t); charged != before || credit != 0 || s.plan(t) != billing.Enterprise {
			t.Errorf("charged %d, credit %d, plan %s", charged-before, credit, s.plan(t))
		}
	})
	t.Run("gives money back as money and credit as credit", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		s.reach(t, billing.Growth, "down")
		before, saved := s.money(t)
		if r := s.reach(t, billing.Enterprise, "up"); r.Paid == 0 || saved == 0 {
			t.Fatalf("receipt = %+v, credit %d", r, saved)
		}
		if err := s.books.Undo(t.Context(), s.tenant, "up"); err != nil {
			t.Fatal(err)
		}
		if charged, credit := s.money(t); charged != before || credit != saved {
			t.Errorf("charged %d, credit %d; want %d, %d", charged, credit, before, saved)
		}
	})
	t.Run("does nothing when nothing happened, and then nothing can happen", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, failsLater)
		q := s.quote(t, billing.Enterprise)
		if _, err := s.books.Switch(t.Context(), s.tenant, q, "declined"); !errors.Is(err, billing.ErrPayment) {
			t.Fatal(err)
		}
		s.useCard(t, "pm_card_visa")
		before, _ := s.money(t)
		for _, once := range []string{"never begun", "declined"} {
			for range 2 {
				if err := s.books.Undo(t.Context(), s.tenant, once); err != nil {
					t.Errorf("%s: %v", once, err)
				}
			}
			if _, err := s.books.Switch(t.Context(), s.tenant, q, once); !errors.Is(err, billing.ErrChangeUndone) {
				t.Errorf("%s: a late switch: %v; want ErrChangeUndone", once, err)
			}
		}
		if charged, _ := s.money(t); charged != before || s.priced(t) != billing.Business {
			t.Errorf("charged %d, plan %s", charged-before, s.priced(t))
		}
		if err := s.books.Undo(t.Context(), id.NewTenant(), "move 1"); err != nil {
			t.Errorf("somebody who never bought anything: %v", err)
		}
	})
	t.Run("finds a charge whose answer was lost", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		before, _ := s.money(t)
		deaf := billing.New(s.store, unanswered{s.stripe}, company("x"), site, s.clock.Now, quiet())
		if _, err := deaf.Switch(t.Context(), s.tenant, s.quote(t, billing.Enterprise), "move 1"); !errors.Is(err, billing.ErrProvider) {
			t.Fatal(err)
		}
		if charged, _ := s.money(t); charged == before {
			t.Fatal("nothing was charged")
		}
		if err := s.books.Undo(t.Context(), s.tenant, "move 1"); err != nil {
			t.Fatal(err)
		}
		if charged, _ := s.money(t); charged != before || s.plan(t) != billing.Business {
			t.Errorf("charged %d, plan %s", charged-before, s.plan(t))
		}
	})
	t.Run("is found by a charge that comes after it", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Business, good)
		before, _ := s.money(t)
		slow := billing.New(s.store, overtaken{s.stripe, func() error { return s.books.Undo(t.Context(), s.tenant, "move 1") }}, company("x"), site, s.clock.Now, quiet())
		if _, err := slow.Switch(t.Context(), s.tenant, s.quote(t, billing.Enterprise), "move 1"); !errors.Is(err, billing.ErrChangeUndone) {
			t.Fatalf("err = %v; want ErrChangeUndone", err)
		}
		if charged, _ := s.money(t); charged != before || s.priced(t) != billing.Business {
			t.Errorf("charged %d, plan %s", charged-before, s.priced(t))
		}
	})
	t.Run("refuses when the plan was changed again since", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Growth, good)
		s.reach(t, billing.Enterprise, "first")
		s.reach(t, billing.Business, "second")
		if err := s.books.Undo(t.Context(), s.tenant, "first"); !errors.Is(err, billing.ErrChangedSince) {
			t.Errorf("err = %v; want ErrChangedSince", err)
		}
		for _, once := range []string{"second", "first"} { // in this order it works
			if err := s.books.Undo(t.Context(), s.tenant, once); err != nil {
				t.Error(err)
			}
		}
		if s.plan(t) != billing.Growth {
			t.Errorf("plan %s", s.plan(t))
		}
	})
	t.Run("gives the money back when the subscription has ended", func(t *testing.T) {
		t.Parallel()
		s := subscribed(t, billing.Growth, good)
		before, _ := s.money(t)
		s.reach(t, billing.Enterprise, "move 1")
		if _, err := api(s).Subscriptions.Cancel(subscriptions(t, s)[0].ID, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.books.Undo(t.Context(), s.tenant, "move 1"); err != nil {
			t.Fatal(err)
		}
		if charged, _ := s.money(t); charged != before || s.access(t) != billing.Canceled {
			t.Errorf("charged %d, access %s", charged-before, s.access(t))
		}
	})
}

// overtaken is a provider before whose Switch something else happens.
type overtaken struct {
	billing.Provider
	first func() error
}

func (p overtaken) Switch(ctx context.Context, s billing.Terms) (billing.Receipt, error) {
	if err := p.first(); err != nil {
		return billing.Receipt{}, err
	}
	return p.Provider.Switch(ctx, s)
}

func TestChangeSurvivesDeath(t *testing.T) {
	t.Parallel()
	// Each does all of it, from wherever an earlier attempt stopped.
	switching := func(ctx context.Context, s *shop, q billing.Quote) error {
		_, err := s.books.Switch(ctx, s.tenant, q, "move 1")
		return err
	}
	undoing := func(ctx context.Context, s *shop, _ billing.Quote) error {
		return s.books.Undo(ctx, s.tenant, "move 1")
	}
	for _, c := range []struct {
		name         string
		ours, theirs int // writes
		do           func(context.Context, *shop, billing.Quote) error
		switched     bool // in the end
	}{
		{"switch", 4, 2, switching, true},
		{"undo", 3, 6, undoing, false},
	} {
		// Whose store dies, and after how many writes.
		try := func(t *testing.T, n, of int, dying func(ours, theirs docstore.Store) (*tenancytest.Mortal, docstore.Store, docstore.Store)) {
			t.Helper()
			ours, theirs, clock, tenant := openStore(t), openStore(t), tenancytest.NewClock(), id.NewTenant()
			s := start(t, ours, theirs, clock, tenant)
			// With credit, so that there is something to book on each side.
			s.subscribe(t, billing.Business, good)
			s.reach(t, billing.Growth, "down")
			before, saved := s.money(t)
			q := s.quote(t, billing.Enterprise)
			if !c.switched {
				if err := switching(t.Context(), s, q); err != nil {
					t.Fatal(err)
				}
			}
			clock.Move(time.Minute)
			mortal, mortalOurs, mortalTheirs := dying(ours, theirs)
			_ = c.do(t.Context(), start(t, mortalOurs, mortalTheirs, clock, tenant), q) // it dies, or it does not
			if died := n < of; mortal.Died() != died {
				t.Fatalf("died: %v, after %d writes", mortal.Died(), mortal.Writes())
			}
			clock.Move(time.Minute)
			s = start(t, ours, theirs, clock, tenant)
			if got := s.access(t); got != billing.Active {
				t.Errorf("access in between = %s", got)
			}
			for range 2 {
				if err := c.do(t.Context(), s, q); err != nil {
					t.Fatal(err)
				}
				clock.Move(time.Minute)
			}
			s.settle(t)
			wantPlan, wantCharged, wantCredit, changes := billing.Enterprise, before+q.DueToday, billing.Cents(0), 2
			if !c.switched {
				wantPlan, wantCharged, wantCredit, changes = billing.Growth, before, saved, 3
			}
			charged, credit := s.money(t)
			if charged != wantCharged || credit != wantCredit || s.priced(t) != wantPlan || s.plan(t) != wantPlan {
				t.Errorf("charged %d, credit %d, plan %s, shown %s; want %d, %d, %s", charged, credit, s.priced(t), s.plan(t), wantCharged, wantCredit, wantPlan)
			}
			if got := s.changesAnnounced(t); len(got) != changes || s.activations(t) != 1 || s.access(t) != billing.Active {
				t.Errorf("announced %v, activated %d times, access %s", got, s.activations(t), s.access(t))
			}
		}
		for n := range c.ours + 1 {
			t.Run(fmt.Sprintf("%s, after %d of our writes", c.name, n), func(t *testing.T) {
				t.Parallel()
				try(t, n, c.ours, func(ours, theirs docstore.Store) (*tenancytest.Mortal, docstore.Store, docstore.Store) {
					m := tenancytest.DyingAfter(ours, n)
					return m, m, theirs
				})
			})
		}
		for n := range c.theirs + 1 {
			t.Run(fmt.Sprintf("%s, after %d of the sandbox's writes", c.name, n), func(t *testing.T) {
				t.Parallel()
				try(t, n, c.theirs, func(ours, theirs docstore.Store) (*tenancytest.Mortal, docstore.Store, docstore.Store) {
					m := tenancytest.DyingAfter(theirs, n)
					return m, ours, m
				})
			})
		}
	}
}

func TestEveryCentIsAccountedFor(t *testing.T) {
	t.Parallel()
	// Whatever way a tenant goes through the plans, and whatever it takes back, what
	// is charged is what was quoted, and an undo leaves no trace in the money.
	rapid.Check(t, func(rt *rapid.T) {
		s := subscribed(t, billing.Business, good)
		var total, credit billing.Cents = 49900, 0
		check := func(did string) {
			if gotTotal, gotCredit := s.money(t); gotTotal != total || gotCredit != credit {
				rt.Fatalf("%s: charged %d, credit %d; want %d, %d", did, gotTotal, gotCredit, total, credit)
			}
		}
		for n := range rapid.IntRange(1, 5).Draw(rt, "changes") {
			s.clock.Move(time.Duration(rapid.IntRange(1, 3*24*3600).Draw(rt, "seconds")) * time.Second)
			to := rapid.SampledFrom([]billing.PlanID{billing.Starter, billing.Growth, billing.Business, billing.Enterprise}).Draw(rt, "to")
			q, err := s.books.Quote(t.Context(), s.tenant, to, billing.Month)
			if errors.Is(err, billing.ErrSamePlan) {
				continue
			}
			if err != nil {
				rt.Fatal(err)
			}
			from, once := q.From, fmt.Sprint("change ", n)
			s.clock.Move(time.Duration(rapid.IntRange(0, 3599).Draw(rt, "hesitation")) * time.Second)
			r, err := s.books.Switch(t.Context(), s.tenant, q, once)
			if err != nil || r.Paid != q.DueToday {
				rt.Fatalf("receipt = %+v, %v; want %d", r, err, q.DueToday)
			}
			beforeTotal, beforeCredit := total, credit
			reckoned := q.Lines[0].Cents + q.Lines[1].Cents
			total, credit = total+q.DueToday, credit+q.DueToday-reckoned
			check(fmt.Sprintf("%s to %s", from, to))
			if rapid.Bool().Draw(rt, "undo") {
				s.clock.Move(time.Second)
				if err := s.books.Undo(t.Context(), s.tenant, once); err != nil {
					rt.Fatal(err)
				}
				total, credit = beforeTotal, beforeCredit
				check(fmt.Sprintf("%s to %s and back", from, to))
				if s.plan(t) != from {
					rt.Fatalf("plan %s; want %s", s.plan(t), from)
				}
			}
		}
	})
}
