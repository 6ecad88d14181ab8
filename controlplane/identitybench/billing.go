package identitybench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Billing is the accounts and the inbox of notices, with the sandbox as the
// payment provider. Its two sides have a store each.
type Billing struct {
	ours, theirs docstore.Store
	sandbox      *billingsandbox.Sandbox
	books        *billing.Books
	inbox        *billing.Inbox
	pages        http.Handler
}

type company struct{}

func (company) Name(context.Context, id.Tenant) (string, error) { return "Herons Ltd", nil }

// OpenBilling starts both sides in dir.
func OpenBilling(ctx context.Context, dir string) (*Billing, error) {
	b, quiet := &Billing{}, slog.New(slog.DiscardHandler)
	var err error
	if b.ours, err = openStore(ctx, filepath.Join(dir, "billing.db"), billing.Collections()); err != nil {
		return nil, err
	}
	if b.theirs, err = openStore(ctx, filepath.Join(dir, "sandbox.db"), billingsandbox.Collections()); err != nil {
		return nil, err
	}
	if b.sandbox, err = billingsandbox.New(b.theirs, billingsandbox.Options{Site: site, Now: time.Now, Log: quiet}); err != nil {
		return nil, err
	}
	client, err := billingstripe.New(billingstripe.Config{Key: billingsandbox.Key, URL: billingsandbox.URL, HTTP: b.sandbox.Client(), Log: quiet})
	if err != nil {
		return nil, err
	}
	signatures, err := billingstripe.NewSignatures(false, time.Now, b.sandbox.Secret())
	if err != nil {
		return nil, err
	}
	b.books = billing.New(b.ours, client, company{}, site, time.Now, quiet)
	b.inbox = billing.NewInbox(b.books, signatures)
	b.pages, err = b.sandbox.Pages()
	return b, err
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// Buy takes a fresh tenant through the checkout to a paid subscription.
func (b *Billing) Buy(ctx context.Context) error {
	t := id.NewTenant()
	address, _, err := b.books.Checkout(ctx, t, string(t)+"@example.com", billing.Growth, billing.Month, false)
	if err != nil {
		return err
	}
	page := b.page(ctx, http.MethodGet, address, nil)
	token := tokenField.FindStringSubmatch(page.Body.String())
	if token == nil {
		return fmt.Errorf("the checkout page has no form: %d", page.Code)
	}
	form := url.Values{"token": {token[1]}, "number": {"4242 4242 4242 4242"}, "expiry": {"12 / 34"}, "cvc": {"123"}}
	if paid := b.page(ctx, http.MethodPost, address, strings.NewReader(form.Encode())); paid.Code != http.StatusSeeOther {
		return fmt.Errorf("the payment answers %d", paid.Code)
	}
	return nil
}

func (b *Billing) page(ctx context.Context, method, address string, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, method, address, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.pages.ServeHTTP(w, r)
	return w
}

// Notice is one of n notices about a handful of customers, signed as the provider
// signs it.
func (b *Billing) Notice(n int) (payload []byte, signature string) {
	now := time.Now().Unix()
	payload = fmt.Appendf(nil, `{"id":"evt_bench_%d","object":"event","type":"customer.subscription.updated","created":%d,"livemode":false,`+
		`"data":{"object":{"id":"sub_bench_%d","object":"subscription","customer":"cus_bench_%d"}}}`, n, now, n%100, n%100)
	sum := hmac.New(sha256.New, []byte(b.sandbox.Secret()))
	_, _ = fmt.Fprintf(sum, "%d.%s", now, payload)
	return payload, fmt.Sprintf("t=%d,v1=%s", now, hex.EncodeToString(sum.Sum(nil)))
}

// Receive takes a notice in: when it returns, the notice is on disk.
func (b *Billing) Receive(ctx context.Context, payload []byte, signature string) error {
	return b.inbox.Receive(ctx, payload, signature)
}

// Reconcile compares every tenant that ever came near a checkout with the provider.
func (b *Billing) Reconcile(ctx context.Context) error { return b.books.Reconcile(ctx) }

// Active counts the tenants with an active plan.
func (b *Billing) Active(ctx context.Context) (n int, err error) {
	err = b.books.EachActive(ctx, func(context.Context, id.Tenant, billing.PlanID) error { n++; return nil })
	return n, err
}

// Close closes both stores.
func (b *Billing) Close() error {
	if err := b.ours.Close(); err != nil {
		return err
	}
	return b.theirs.Close()
}
