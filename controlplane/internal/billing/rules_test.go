package billing_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/features"
)

// switchable is a store that can be out of reach for a while.
type switchable struct {
	docstore.Store
	off atomic.Bool
}

func (s *switchable) Find(ctx context.Context, collection string, q docstore.Query) (docstore.Page, error) {
	if s.off.Load() {
		return docstore.Page{}, docstore.ErrUnavailable
	}
	return s.Store.Find(ctx, collection, q)
}

func TestPlans(t *testing.T) {
	t.Parallel()
	r, err := (*billing.Operations)(nil).Plans(t.Context(), &billing.PlansRequest{})
	if err != nil || len(r.Body.Plans) != 4 {
		t.Fatalf("Plans = %+v, %v", r, err)
	}
	for i, want := range []struct {
		id                          billing.PlanID
		month, year                 billing.Cents
		locations, decisions, seats int
		api, from, selfServe        bool
		mode                        features.Mode
	}{
		{billing.Starter, 4900, 49000, 1, 10, 3, false, false, true, features.SMB},
		{billing.Growth, 19900, 199000, 3, 50, 10, true, false, true, features.SMB},
		{billing.Business, 49900, 499000, 10, 200, 25, true, false, true, features.SMB},
		{billing.Enterprise, 199900, 1999000, 0, 0, 0, true, true, false, features.Platform},
	} {
		p := r.Body.Plans[i]
		if p.ID != want.id || p.Monthly != want.month || p.Yearly != want.year || p.Locations != want.locations ||
			p.Decisions != want.decisions || p.Seats != want.seats || p.API != want.api || p.From != want.from ||
			p.SelfServe != want.selfServe || p.Mode != want.mode || p.Currency != "usd" || p.Support == "" {
			t.Errorf("plan %d = %+v; want %+v", i, p, want)
		}
		for _, interval := range []billing.Interval{billing.Month, billing.Year} {
			plan, back, err := billing.ReadLookupKey(billing.LookupKey(p.ID, interval))
			if plan != p.ID || back != interval || err != nil {
				t.Errorf("the lookup key of %s a %s reads as %s a %s, %v", p.ID, interval, plan, back, err)
			}
		}
	}
	for _, key := range []string{"", "dyocense_", "dyocense_starter", "dyocense_starter_week", "starter_month", "dyocense_platinum_month", "dyocense_starter_month_"} {
		if _, _, err := billing.ReadLookupKey(key); !errors.Is(err, billing.ErrUnknownPrice) {
			t.Errorf("ReadLookupKey(%q) = %v; want ErrUnknownPrice", key, err)
		}
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		status billing.Status
		since  time.Time
		want   billing.Access
		live   bool
	}{
		{billing.StatusNone, time.Time{}, billing.None, false},
		{billing.StatusTrialing, time.Time{}, billing.Active, true},
		{billing.StatusActive, time.Time{}, billing.Active, true},
		{billing.StatusPastDue, now.AddDate(0, 0, -13), billing.PastDue, true},
		{billing.StatusPastDue, now.AddDate(0, 0, -14), billing.Canceled, true},
		{billing.StatusUnpaid, time.Time{}, billing.Canceled, true},
		{billing.StatusPaused, time.Time{}, billing.Canceled, true},
		{billing.StatusCanceled, time.Time{}, billing.Canceled, false},
		{billing.StatusIncomplete, time.Time{}, billing.None, false},
		{billing.StatusIncompleteExpired, time.Time{}, billing.None, false},
		{"a status of next year", time.Time{}, billing.Canceled, false},
	} {
		s := billing.Snapshot{Status: c.status, PastDueSince: c.since}
		if got := s.AccessAt(now); got != c.want || s.Live() != c.live {
			t.Errorf("%q since %v: %s, live %v; want %s, %v", c.status, c.since, got, s.Live(), c.want, c.live)
		}
	}
}

// scripted is a provider that says what the test wants.
type scripted struct {
	billing.Provider
	fetch func() (billing.Snapshot, error)
}

func (p scripted) Fetch(context.Context, string) (billing.Snapshot, error) { return p.fetch() }

func TestSyncCustomer(t *testing.T) {
	t.Parallel()
	// customerOf gives the tenant a customer, then lets the test speak for Stripe.
	speaking := func(t *testing.T) (*shop, func(billing.Snapshot, error)) {
		s := open(t)
		s.checkout(t, billing.Starter)
		var say billing.Snapshot
		var sayErr error
		books := billing.New(s.store, scripted{s.stripe, func() (billing.Snapshot, error) { return say, sayErr }}, company("x"), site, s.clock.Now, quiet())
		s.books = books
		return s, func(next billing.Snapshot, err error) { say, sayErr = next, err }
	}
	t.Run("lets no fetch that began earlier replace a later one", func(t *testing.T) {
		t.Parallel()
		s, _ := speaking(t)
		active := billing.Snapshot{Subscription: "sub_1", Status: billing.StatusActive, Plan: billing.Growth, Interval: billing.Month}
		canceled := active
		canceled.Status = billing.StatusCanceled
		// The slow fetch begins first and answers last.
		slow := billing.New(s.store, scripted{s.stripe, func() (billing.Snapshot, error) {
			s.clock.Move(time.Second)
			fast := billing.New(s.store, scripted{s.stripe, func() (billing.Snapshot, error) { return canceled, nil }}, company("x"), site, s.clock.Now, quiet())
			_, err := fast.SyncCustomer(t.Context(), s.tenant)
			return active, err
		}}, company("x"), site, s.clock.Now, quiet())
		if _, err := slow.SyncCustomer(t.Context(), s.tenant); err != nil {
			t.Fatal(err)
		}
		if got := s.access(t); got != billing.Canceled || s.activations(t) != 0 {
			t.Errorf("access = %s; want what was fetched last", got)
		}
	})
	t.Run("changes nothing for a price that is not ours", func(t *testing.T) {
		t.Parallel()
		s, say := speaking(t)
		say(billing.Snapshot{Subscription: "sub_1", Status: billing.StatusActive, Plan: billing.Growth, Interval: billing.Month}, nil)
		if _, err := s.books.SyncCustomer(t.Context(), s.tenant); err != nil {
			t.Fatal(err)
		}
		s.clock.Move(time.Second)
		say(billing.Snapshot{}, billing.ErrUnknownPrice)
		if _, err := s.books.SyncCustomer(t.Context(), s.tenant); !errors.Is(err, billing.ErrUnknownPrice) {
			t.Errorf("err = %v; want ErrUnknownPrice", err)
		}
		if got := s.access(t); got != billing.Active {
			t.Errorf("access = %s; want it unchanged", got)
		}
	})
	t.Run("counts the grace from when the invoice was first unpaid, and announces no recovery", func(t *testing.T) {
		t.Parallel()
		s, say := speaking(t)
		snapshot := billing.Snapshot{Subscription: "sub_1", Status: billing.StatusActive, Plan: billing.Growth, Interval: billing.Month}
		want := func(status billing.Status, access billing.Access) {
			t.Helper()
			snapshot.Status = status
			say(snapshot, nil)
			if _, err := s.books.SyncCustomer(t.Context(), s.tenant); err != nil {
				t.Fatal(err)
			}
			if got := s.access(t); got != access {
				t.Errorf("%s: access = %s; want %s", status, got, access)
			}
			s.clock.Move(8 * 24 * time.Hour)
		}
		want(billing.StatusActive, billing.Active)
		want(billing.StatusPastDue, billing.PastDue)
		want(billing.StatusPastDue, billing.PastDue)
		if got := s.access(t); got != billing.Canceled { // time alone ends it
			t.Errorf("access after 16 days = %s; want canceled", got)
		}
		want(billing.StatusActive, billing.Active)
		want(billing.StatusPastDue, billing.PastDue) // a new grace for a new invoice
		if n := s.activations(t); n != 1 {
			t.Errorf("announced %d times; want once", n)
		}
	})
	t.Run("finds a price of somebody else in a subscription", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		s.checkout(t, billing.Starter)
		a := s.account(t)
		product, err := api(s).Products.New(&stripe.ProductParams{Name: stripe.String("Other")})
		if err != nil {
			t.Fatal(err)
		}
		price, err := api(s).Prices.New(&stripe.PriceParams{
			Product: stripe.String(product.ID), Currency: stripe.String("usd"), UnitAmount: stripe.Int64(100),
			Recurring: &stripe.PriceRecurringParams{Interval: stripe.String("month")},
		})
		if err != nil {
			t.Fatal(err)
		}
		session, err := api(s).CheckoutSessions.New(&stripe.CheckoutSessionParams{
			Mode: stripe.String("subscription"), Customer: stripe.String(a.Customer), SuccessURL: stripe.String(site), CancelURL: stripe.String(site),
			LineItems: []*stripe.CheckoutSessionLineItemParams{{Price: stripe.String(price.ID), Quantity: stripe.Int64(1)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.pay(t, session.URL, good)
		if _, err := s.books.SyncCustomer(t.Context(), s.tenant); !errors.Is(err, billing.ErrUnknownPrice) {
			t.Errorf("err = %v; want ErrUnknownPrice", err)
		}
		if got := s.access(t); got != billing.None {
			t.Errorf("access = %s; want none", got)
		}
	})
}
