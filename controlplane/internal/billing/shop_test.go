package billing_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	site     = "http://127.0.0.1:8080"
	good     = "4242 4242 4242 4242"
	declined = "4000 0000 0000 0002"
)

// shop is billing and the sandbox as they are after a start.
type shop struct {
	store    docstore.Store
	clock    *tenancytest.Clock
	sandbox  *billingsandbox.Sandbox
	stripe   *billingstripe.Client
	books    *billing.Books
	inbox    *billing.Inbox
	ops      *billing.Operations
	pages    http.Handler
	webhooks *billingsandbox.Delivery
	tenant   id.Tenant
	mailbox  *notify.Mailbox
	metrics  *prometheus.Registry
	room     *room
}

// room is what a smaller plan has not.
type room struct{ surplus []billing.Surplus }

func (r *room) Excess(context.Context, id.Tenant, billing.Plan) ([]billing.Surplus, error) {
	return r.surplus, nil
}

type company string

func (c company) Name(context.Context, id.Tenant) (string, error) { return string(c), nil }

// quiet logs nothing.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openStore(t *testing.T) docstore.Store {
	return tenancytest.Open(t, billing.Collections(), billingsandbox.Collections(), notify.Collections())
}

// start starts the slice on ours; Stripe's side lives on theirs.
func start(t *testing.T, ours, theirs docstore.Store, clock *tenancytest.Clock, tenant id.Tenant) *shop {
	t.Helper()
	return startLogged(t, ours, theirs, clock, tenant, quiet())
}

func startLogged(t *testing.T, ours, theirs docstore.Store, clock *tenancytest.Clock, tenant id.Tenant, log *slog.Logger) *shop {
	t.Helper()
	s := &shop{store: ours, clock: clock, tenant: tenant, metrics: prometheus.NewRegistry(), room: &room{}}
	var err error
	if s.sandbox, err = billingsandbox.New(theirs, billingsandbox.Options{Site: site, Now: clock.Now, Log: log}); err != nil {
		t.Fatal(err)
	}
	if s.stripe, err = billingstripe.New(billingstripe.Config{Key: billingsandbox.Key, URL: billingsandbox.URL, HTTP: s.sandbox.Client(), Log: log}); err != nil {
		t.Fatal(err)
	}
	signatures, err := billingstripe.NewSignatures(false, clock.Now, s.sandbox.Secret())
	if err != nil {
		t.Fatal(err)
	}
	if s.mailbox, err = notify.New(ours, nil, clock.Now, log); err != nil {
		t.Fatal(err)
	}
	s.books = billing.New(ours, s.stripe, company("Herons Ltd"), site, clock.Now, log,
		billing.WithMailbox(s.mailbox), billing.WithMetrics(s.metrics), billing.WithFit(s.room))
	s.inbox = billing.NewInbox(s.books, signatures)
	s.ops = billing.NewOperations(s.books, s.inbox)
	s.webhooks = s.sandbox.Delivery(s.inbox.Receive)
	if s.pages, err = s.sandbox.Pages(); err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T) *shop {
	t.Helper()
	store := openStore(t)
	return start(t, store, store, tenancytest.NewClock(), id.NewTenant())
}

func (s *shop) as(ctx context.Context, role contract.Role) context.Context {
	return identity.With(ctx, identity.Who{Person: id.NewPerson(), Email: "ada@example.com", Tenant: s.tenant, Role: role})
}

func (s *shop) checkout(t *testing.T, p billing.PlanID) string {
	t.Helper()
	address, _, err := s.books.Checkout(t.Context(), s.tenant, "ada@example.com", p, billing.Month, false)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// visit opens the hosted page.
func (s *shop) visit(t *testing.T, address string) (status int, page string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil))
	return w.Code, w.Body.String()
}

// pay sends the form of the hosted page with this card.
func (s *shop) pay(t *testing.T, address, number string) *http.Response {
	t.Helper()
	_, page := s.visit(t, address)
	token := tokenField.FindStringSubmatch(page)
	if token == nil {
		t.Fatalf("no form in %s", page)
	}
	return s.submit(t, address, url.Values{"token": {token[1]}, "number": {number}, "expiry": {"12 / 40"}, "cvc": {"123"}})
}

func (s *shop) submit(t *testing.T, address string, f url.Values) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.pages.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// settle lets every webhook travel and be handled.
func (s *shop) settle(t *testing.T) {
	t.Helper()
	if err := s.webhooks.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.inbox.Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) access(t *testing.T) billing.Access {
	t.Helper()
	a, err := s.books.Access(t.Context(), s.tenant)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// account is what is stored of the tenant.
func (s *shop) account(t *testing.T) billing.Account {
	t.Helper()
	row, err := docstore.TableOf[billing.Account](s.store, billing.AccountsCollection).Get(t.Context(), string(s.tenant))
	if err != nil {
		t.Fatal(err)
	}
	return row.Value
}

// activations counts the announcements.
func (s *shop) activations(t *testing.T) int {
	t.Helper()
	n := 0
	for _, e := range s.account(t).Outbox {
		if e.Type == billing.EventActivated && e.Tenant == s.tenant {
			n++
		}
	}
	return n
}

// letters are the subjects of the mails, oldest first, without the company.
func (s *shop) letters(t *testing.T) []string {
	t.Helper()
	mails, err := s.mailbox.Newest(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range slices.Backward(mails) {
		all = append(all, strings.TrimSuffix(m.Subject, " (Herons Ltd)"))
	}
	return all
}

// metric is the sum of a counter over its labels.
func (s *shop) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// pass lets time go by at both ends, an hour at a time when it is short and a day
// else, with every notice and letter on the way.
func (s *shop) pass(t *testing.T, d time.Duration) {
	t.Helper()
	for step := 24 * time.Hour; d > 0; d -= step {
		step = min(step, d)
		s.clock.Move(step)
		if err := s.sandbox.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.settle(t)
		if err := s.books.WriteLetters(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// try begins a trial, which asks for no card.
func (s *shop) try(t *testing.T, p billing.PlanID) {
	t.Helper()
	address, days, err := s.books.Checkout(t.Context(), s.tenant, "ada@example.com", p, billing.Month, true)
	if err != nil || days != billing.TrialDays {
		t.Fatalf("Checkout = %d days, %v", days, err)
	}
	s.pay(t, address, good)
	s.settle(t)
	s.clock.Move(time.Minute)
}

// give gives the customer another card, as the payment service's page does.
func (s *shop) give(t *testing.T, token string) {
	t.Helper()
	customer := s.account(t).Customer
	s.clock.Move(time.Second) // it is newer than the one before
	m, err := api(s).PaymentMethods.Attach(token, &stripe.PaymentMethodAttachParams{Customer: stripe.String(customer)})
	if err != nil {
		t.Fatal(err)
	}
	params := &stripe.CustomerParams{InvoiceSettings: &stripe.CustomerInvoiceSettingsParams{DefaultPaymentMethod: stripe.String(m.ID)}}
	if _, err := api(s).Customers.Update(customer, params); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) offer(t *testing.T, p billing.PlanID, i billing.Interval) billing.Offer {
	t.Helper()
	o, err := s.books.Offer(t.Context(), s.tenant, p, i)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (s *shop) accept(t *testing.T, o billing.Offer) billing.Account {
	t.Helper()
	a, err := s.books.Accept(t.Context(), s.tenant, o.Token)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *shop) sync(t *testing.T) billing.Account {
	t.Helper()
	a, err := s.books.SyncCustomer(t.Context(), s.tenant)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
