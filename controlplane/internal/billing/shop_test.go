package billing_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
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
}

type company string

func (c company) Name(context.Context, id.Tenant) (string, error) { return string(c), nil }

// quiet logs nothing.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openStore(t *testing.T) docstore.Store {
	return tenancytest.Open(t, billing.Collections(), billingsandbox.Collections())
}

// start starts the slice on ours; Stripe's side lives on theirs.
func start(t *testing.T, ours, theirs docstore.Store, clock *tenancytest.Clock, tenant id.Tenant) *shop {
	t.Helper()
	log := quiet()
	s := &shop{store: ours, clock: clock, tenant: tenant}
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
	s.books = billing.New(ours, s.stripe, company("Herons Ltd"), site, clock.Now, log)
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
