// Package billingtest holds what every payment provider promises to billing, as tests.
//
// It owns the suite and nothing that runs in production. The sandbox passes it with
// each build; Stripe's test mode passes it where a key is set. What both do is what
// billing may rely on.
package billingtest

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/dyocense/dyocense/shared/id"
)

// Rig is a provider, and the raw API behind it for what only a hosted page does.
type Rig struct {
	Provider billing.Provider
	Apply    func(t *testing.T, check bool) []billingstripe.Step
	API      *client.API
	Now      func() time.Time
}

// Stripe is the rig of Stripe's test mode, with the key in STRIPE_API_KEY. Without one
// it skips, by name.
func Stripe(t *testing.T) Rig {
	t.Helper()
	key := os.Getenv("STRIPE_API_KEY")
	if !strings.HasPrefix(key, "sk_test_") && !strings.HasPrefix(key, "rk_test_") {
		t.Skip("Stripe's test mode is not asked: set STRIPE_API_KEY to a key that begins with sk_test_")
	}
	return NewRig(t, billingstripe.Config{Key: key, HTTP: &http.Client{Timeout: 30 * time.Second}}, time.Now)
}

// NewRig speaks to whatever c leads to.
func NewRig(t *testing.T, c billingstripe.Config, now func() time.Time) Rig {
	t.Helper()
	provider, err := billingstripe.New(c)
	if err != nil {
		t.Fatal(err)
	}
	config := &stripe.BackendConfig{HTTPClient: c.HTTP, LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}}
	if c.URL != "" {
		config.URL = stripe.String(c.URL)
	}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, config)
	api := &client.API{}
	api.Init(c.Key, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
	return Rig{
		Provider: provider, API: api, Now: now,
		Apply: func(t *testing.T, check bool) []billingstripe.Step {
			t.Helper()
			steps, err := provider.Apply(t.Context(), check)
			if err != nil {
				t.Fatal(err)
			}
			return steps
		},
	}
}

// good and failing are cards of Stripe's for tests, by name.
const (
	good    = "pm_card_visa"
	failing = "pm_card_chargeCustomerFail"
)

// buyer is a customer with a subscription.
type buyer struct {
	Rig
	tenant       id.Tenant
	customer     string
	subscription string
}

// visitor is a customer who bought nothing.
func (r Rig) visitor(t *testing.T) buyer {
	t.Helper()
	b := buyer{Rig: r, tenant: id.NewTenant()}
	var err error
	b.customer, err = r.Provider.Customer(t.Context(), b.tenant, billing.Payer{Email: string(b.tenant) + "@example.com", Company: "Herons Ltd"}, "customer/"+string(b.tenant))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// attach gives the customer a card.
func (b buyer) attach(t *testing.T, card string) string {
	t.Helper()
	m, err := b.API.PaymentMethods.Attach(card, &stripe.PaymentMethodAttachParams{Customer: stripe.String(b.customer)})
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// buyer is a customer who bought the plan by the month, and pays with a good card.
func (r Rig) buyer(t *testing.T, p billing.PlanID, trialDays int64) buyer {
	t.Helper()
	b := r.visitor(t)
	b.subscription = b.subscribe(t, p, trialDays)
	return b
}

func (b buyer) subscribe(t *testing.T, p billing.PlanID, trialDays int64) string {
	t.Helper()
	b.Apply(t, false)
	price := b.price(t, p, billing.Month)
	params := &stripe.SubscriptionParams{
		Customer: stripe.String(b.customer), DefaultPaymentMethod: stripe.String(b.attach(t, good)),
		Items: []*stripe.SubscriptionItemsParams{{Price: stripe.String(price)}},
	}
	if trialDays > 0 {
		params.TrialPeriodDays = stripe.Int64(trialDays)
	}
	s, err := b.API.Subscriptions.New(params)
	if err != nil {
		t.Fatal(err)
	}
	return s.ID
}

func (r Rig) price(t *testing.T, p billing.PlanID, i billing.Interval) string {
	t.Helper()
	list := r.API.Prices.List(&stripe.PriceListParams{LookupKeys: stripe.StringSlice([]string{billing.LookupKey(p, i)})})
	if !list.Next() {
		t.Fatalf("no price of %s a %s: %v", p, i, list.Err())
	}
	return list.Price().ID
}

func (b buyer) fetch(t *testing.T) billing.Snapshot {
	t.Helper()
	s, err := b.Provider.Fetch(t.Context(), b.customer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b buyer) terms(from, to billing.PlanID) billing.Terms {
	return billing.Terms{
		Customer: b.customer, Subscription: b.subscription, From: from, To: to, Interval: billing.Month,
		ProratedAt: b.Now().UTC().Truncate(time.Second), Mark: "suite", Once: "suite/" + b.subscription,
	}
}

// newest is the newest invoice.
func (b buyer) newest(t *testing.T) billing.Invoice {
	t.Helper()
	page, err := b.Provider.Invoices(t.Context(), b.customer, "", 1)
	if err != nil || len(page.Invoices) != 1 {
		t.Fatalf("Invoices = %+v, %v", page, err)
	}
	return page.Invoices[0]
}

// Run checks the promises.
func Run(t *testing.T, r Rig) {
	t.Run("a customer is made once for each tenant", func(t *testing.T) {
		b := r.visitor(t)
		again, err := r.Provider.Customer(t.Context(), b.tenant, billing.Payer{Email: string(b.tenant) + "@example.com", Company: "Herons Ltd"}, "another key")
		if err != nil || again != b.customer {
			t.Errorf("Customer = %q, %v; want %q", again, err, b.customer)
		}
		if s := b.fetch(t); !cmp.Equal(s, billing.Snapshot{}) {
			t.Errorf("Fetch = %+v; want nothing", s)
		}
	})
	t.Run("a checkout can be closed once, with a trial or without", func(t *testing.T) { checkouts(t, r) })
	t.Run("a fetch tells plan, card and period", func(t *testing.T) {
		b := r.buyer(t, billing.Growth, 0)
		s := b.fetch(t)
		if s.Subscription != b.subscription || s.Status != billing.StatusActive || s.Plan != billing.Growth || s.Interval != billing.Month ||
			s.CurrentPeriodEnd.Before(b.Now()) || s.Method == nil || s.Method.Last4 != "4242" || s.Method.Fingerprint == "" {
			t.Errorf("Fetch = %+v, method %+v", s, s.Method)
		}
	})
	t.Run("a preview is what a change bills", func(t *testing.T) { previews(t, r) })
	t.Run("a change that is not paid stays pending until it is given up", func(t *testing.T) { pendings(t, r) })
	t.Run("a scheduled change waits for the end of the period and can be dropped", func(t *testing.T) { schedules(t, r) })
	t.Run("an ending can be taken back until it is there", func(t *testing.T) { endings(t, r) })
	t.Run("a trial can be ended and is paid then", func(t *testing.T) {
		b := r.buyer(t, billing.Growth, 14)
		if s := b.fetch(t); s.Status != billing.StatusTrialing || s.TrialEnd.Before(b.Now().AddDate(0, 0, 13)) {
			t.Fatalf("Fetch = %+v; want a trial", s)
		}
		for range 2 {
			if err := r.Provider.EndTrial(t.Context(), b.subscription, "end/"+b.subscription); err != nil {
				t.Fatal(err)
			}
		}
		if s := b.fetch(t); s.Status != billing.StatusActive || b.newest(t).Paid != 199_00 {
			t.Errorf("status %s, invoice %+v", s.Status, b.newest(t))
		}
	})
	t.Run("a switch is charged or nothing, and reverted to the cent", func(t *testing.T) { switches(t, r) })
	t.Run("a second subscription is named, and taken back with its money", func(t *testing.T) { doubles(t, r) })
	t.Run("invoices and their addresses are the customer's own", func(t *testing.T) { papers(t, r) })
	t.Run("the payer can be corrected", func(t *testing.T) { payers(t, r) })
	t.Run("use is counted once under one identifier", func(t *testing.T) {
		b := r.buyer(t, billing.Growth, 0)
		for range 2 {
			err := r.Provider.Meter(t.Context(), billing.Reading{
				Customer: b.customer, Meter: billing.MeterDecisions, Identifier: "suite:" + string(b.tenant), Value: 3, At: b.Now().Add(-time.Minute),
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("the catalogue is applied once", func(t *testing.T) {
		r.Apply(t, false)
		for _, s := range r.Apply(t, true) {
			if s.Did != "" {
				t.Errorf("after it was applied: %s", s)
			}
		}
	})
}

func checkouts(t *testing.T, r Rig) {
	for _, days := range []int{0, billing.TrialDays} {
		b := r.visitor(t)
		page, err := r.Provider.StartCheckout(t.Context(), billing.Order{
			Tenant: b.tenant, Customer: b.customer, Plan: billing.Growth, Interval: billing.Year, TrialDays: days,
			SuccessURL: "https://example.com/done", CancelURL: "https://example.com/back", Expires: b.Now().Add(time.Hour), Once: "checkout/" + string(b.tenant),
		})
		if err != nil || page.URL == "" {
			t.Fatalf("StartCheckout = %+v, %v", page, err)
		}
		if err := r.Provider.ExpireCheckout(t.Context(), page.ID); err != nil {
			t.Error(err)
		}
		if err := r.Provider.ExpireCheckout(t.Context(), page.ID); !errors.Is(err, billing.ErrCheckoutOver) {
			t.Errorf("closed twice: %v; want ErrCheckoutOver", err)
		}
	}
}

func previews(t *testing.T, r Rig) {
	for _, to := range []billing.Interval{billing.Month, billing.Year} {
		b := r.buyer(t, billing.Starter, 0)
		terms := b.terms(billing.Starter, billing.Business)
		terms.ToInterval = to
		q, err := r.Provider.Preview(t.Context(), terms)
		if err != nil {
			t.Fatal(err)
		}
		terms.ProratedAt = q.ProratedAt
		for range 2 {
			if err := r.Provider.Change(t.Context(), terms); err != nil {
				t.Fatal(err)
			}
		}
		if s := b.fetch(t); s.Plan != billing.Business || s.Interval != to || s.Pending != nil || !s.CurrentPeriodEnd.Equal(q.RenewsAt) {
			t.Errorf("by the %s: Fetch = %+v; want business until %s", to, s, q.RenewsAt)
		}
		if i := b.newest(t); i.Paid != q.DueToday || q.DueToday == 0 {
			t.Errorf("by the %s: paid %d, shown %d", to, i.Paid, q.DueToday)
		}
		wrong := b.terms(billing.Growth, billing.Starter)
		if err := r.Provider.Change(t.Context(), wrong); !errors.Is(err, billing.ErrQuoteChanged) {
			t.Errorf("from a plan that it has not: %v; want ErrQuoteChanged", err)
		}
	}
}

func pendings(t *testing.T, r Rig) {
	b := r.buyer(t, billing.Starter, 0)
	if _, err := r.API.Subscriptions.Update(b.subscription, &stripe.SubscriptionParams{DefaultPaymentMethod: stripe.String(b.attach(t, failing))}); err != nil {
		t.Fatal(err)
	}
	if err := r.Provider.Change(t.Context(), b.terms(billing.Starter, billing.Growth)); err != nil {
		t.Fatal(err)
	}
	s := b.fetch(t)
	if s.Status != billing.StatusActive || s.Plan != billing.Starter || s.Pending == nil || s.Pending.Plan != billing.Growth ||
		s.Pending.Invoice == "" || !s.Pending.Expires.After(b.Now()) {
		t.Fatalf("Fetch = %+v, pending %+v", s, s.Pending)
	}
	links, err := r.Provider.InvoiceLinks(t.Context(), b.customer, s.Pending.Invoice)
	if err != nil || links.Page == "" {
		t.Errorf("InvoiceLinks = %+v, %v", links, err)
	}
	for range 2 {
		if err := r.Provider.Abandon(t.Context(), s.Pending.Invoice); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.fetch(t); s.Plan != billing.Starter || s.Pending != nil || s.Status != billing.StatusActive {
		t.Errorf("given up: Fetch = %+v", s)
	}
}

func schedules(t *testing.T, r Rig) {
	b := r.buyer(t, billing.Business, 0)
	before := b.fetch(t)
	for range 2 {
		if err := r.Provider.Schedule(t.Context(), b.terms(billing.Business, billing.Growth)); err != nil {
			t.Fatal(err)
		}
	}
	s := b.fetch(t)
	want := &billing.Scheduled{Plan: billing.Growth, Interval: billing.Month, At: before.CurrentPeriodEnd}
	if s.Plan != billing.Business || !cmp.Equal(s.Scheduled, want) {
		t.Fatalf("Fetch = %+v, scheduled %+v; want %+v", s, s.Scheduled, want)
	}
	for range 2 {
		if err := r.Provider.Unschedule(t.Context(), b.subscription); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.fetch(t); s.Scheduled != nil || s.Plan != billing.Business {
		t.Errorf("dropped: Fetch = %+v", s)
	}
	// What is scheduled gives way to what is changed now.
	if err := r.Provider.Schedule(t.Context(), b.terms(billing.Business, billing.Starter)); err != nil {
		t.Fatal(err)
	}
	yearly := b.terms(billing.Business, billing.Business)
	yearly.ToInterval = billing.Year
	if err := r.Provider.Change(t.Context(), yearly); err != nil {
		t.Fatal(err)
	}
	if s := b.fetch(t); s.Scheduled != nil || s.Interval != billing.Year {
		t.Errorf("changed: Fetch = %+v, scheduled %+v", s, s.Scheduled)
	}
}

func endings(t *testing.T, r Rig) {
	b := r.buyer(t, billing.Growth, 0)
	if err := r.Provider.Schedule(t.Context(), b.terms(billing.Growth, billing.Starter)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Provider.Cancel(t.Context(), b.subscription, false, "too expensive"); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.fetch(t); !s.CancelAtPeriodEnd || s.Status != billing.StatusActive || s.Scheduled != nil {
		t.Errorf("Fetch = %+v; want one that ends", s)
	}
	if err := r.Provider.Resume(t.Context(), b.subscription); err != nil {
		t.Fatal(err)
	}
	if s := b.fetch(t); s.CancelAtPeriodEnd {
		t.Error("it still ends")
	}
	for range 2 {
		if err := r.Provider.Cancel(t.Context(), b.subscription, true, ""); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.fetch(t); s.Status != billing.StatusCanceled || s.Live() {
		t.Errorf("Fetch = %+v; want one that has ended", s)
	}
}

func switches(t *testing.T, r Rig) {
	b := r.buyer(t, billing.Business, 0)
	terms := b.terms(billing.Business, billing.Enterprise)
	q, err := r.Provider.Preview(t.Context(), terms)
	if err != nil {
		t.Fatal(err)
	}
	terms.ProratedAt = q.ProratedAt
	receipt, err := r.Provider.Switch(t.Context(), terms)
	if err != nil || receipt.Paid != q.DueToday {
		t.Fatalf("Switch = %+v, %v; shown %d", receipt, err, q.DueToday)
	}
	if found, happened, err := r.Provider.Switched(t.Context(), terms); err != nil || !happened || found.Invoice != receipt.Invoice {
		t.Errorf("Switched = %+v, %v, %v", found, happened, err)
	}
	for range 2 {
		if err := r.Provider.Revert(t.Context(), terms, receipt); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.fetch(t); s.Plan != billing.Business {
		t.Errorf("plan %s", s.Plan)
	}
	if i := b.newest(t); i.Refunded != receipt.Paid {
		t.Errorf("refunded %d of %d", i.Refunded, receipt.Paid)
	}
}

func doubles(t *testing.T, r Rig) {
	b := r.buyer(t, billing.Growth, 0)
	second := b.subscribe(t, billing.Growth, 0)
	s := b.fetch(t)
	older, younger := b.subscription, second
	if s.Subscription == second { // both were made within one second
		older, younger = second, b.subscription
	}
	if s.Subscription != older || !cmp.Equal(s.Doubles, []string{younger}) {
		t.Fatalf("Fetch = %s, doubles %v; want %s and %s", s.Subscription, s.Doubles, older, younger)
	}
	for range 2 {
		if err := r.Provider.TakeBack(t.Context(), younger, "double/"+younger); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.fetch(t); s.Subscription != older || len(s.Doubles) != 0 {
		t.Errorf("Fetch = %s, doubles %v", s.Subscription, s.Doubles)
	}
	page, err := r.Provider.Invoices(t.Context(), b.customer, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	var paid, back billing.Cents
	for _, i := range page.Invoices {
		paid, back = paid+i.Paid, back+i.Refunded
	}
	if paid != 2*199_00 || back != 199_00 {
		t.Errorf("paid %d, given back %d", paid, back)
	}
}

func papers(t *testing.T, r Rig) {
	b, other := r.buyer(t, billing.Starter, 0), r.visitor(t)
	terms := b.terms(billing.Starter, billing.Growth)
	if err := r.Provider.Change(t.Context(), terms); err != nil {
		t.Fatal(err)
	}
	first, err := r.Provider.Invoices(t.Context(), b.customer, "", 1)
	if err != nil || len(first.Invoices) != 1 || first.Next == "" {
		t.Fatalf("Invoices = %+v, %v", first, err)
	}
	rest, err := r.Provider.Invoices(t.Context(), b.customer, first.Next, 10)
	if err != nil || len(rest.Invoices) != 1 || rest.Next != "" || rest.Invoices[0].Total != 49_00 || rest.Invoices[0].Status != "paid" {
		t.Errorf("the rest: %+v, %v", rest, err)
	}
	links, err := r.Provider.InvoiceLinks(t.Context(), b.customer, first.Invoices[0].ID)
	if err != nil || links.Page == "" || links.PDF == "" {
		t.Errorf("InvoiceLinks = %+v, %v", links, err)
	}
	for _, name := range []string{first.Invoices[0].ID, "in_none", "../customers"} {
		if _, err := r.Provider.InvoiceLinks(t.Context(), other.customer, name); !errors.Is(err, billing.ErrNoInvoice) {
			t.Errorf("%s of somebody else: %v; want ErrNoInvoice", name, err)
		}
	}
	for _, purpose := range []billing.Purpose{billing.Overview, billing.PaymentMethod} {
		if url, err := r.Provider.Portal(t.Context(), b.customer, purpose, "https://example.com/back"); err != nil || url == "" {
			t.Errorf("Portal %s = %q, %v", purpose, url, err)
		}
	}
}

func payers(t *testing.T, r Rig) {
	b := r.visitor(t)
	want := billing.PayerDetails{
		Name: "Reiher GmbH", Email: "books@example.com", TaxIDs: []billing.TaxID{},
		Address: billing.PostalAddress{Line1: "Am Teich 1", City: "Berlin", PostalCode: "10115", Country: "DE"},
	}
	if err := r.Provider.SetDetails(t.Context(), b.customer, want); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Provider.Details(t.Context(), b.customer); err != nil || !cmp.Equal(got, want) {
		t.Errorf("Details %v: %s", err, cmp.Diff(want, got))
	}
	if err := r.Provider.AddTaxID(t.Context(), b.customer, billing.TaxID{Type: "eu_vat", Value: "nonsense"}); !errors.Is(err, billing.ErrTaxID) {
		t.Errorf("a number that is none: %v; want ErrTaxID", err)
	}
	if err := r.Provider.AddTaxID(t.Context(), b.customer, billing.TaxID{Type: "eu_vat", Value: "DE123456789"}); err != nil {
		t.Fatal(err)
	}
	got, err := r.Provider.Details(t.Context(), b.customer)
	if err != nil || len(got.TaxIDs) != 1 || got.TaxIDs[0].Value != "DE123456789" {
		t.Fatalf("Details = %+v, %v", got, err)
	}
	for range 2 {
		if err := r.Provider.RemoveTaxID(t.Context(), b.customer, got.TaxIDs[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := r.Provider.Details(t.Context(), b.customer); err != nil || len(got.TaxIDs) != 0 {
		t.Errorf("Details = %+v, %v; want no number", got, err)
	}
}
