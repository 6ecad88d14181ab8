package billingsandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/docstore"
)

// received are the customers of whom webhooks told, in order.
type received struct {
	emails  []string
	version string
}

func (r *received) sink(_ context.Context, payload []byte, _ string) error {
	var e stripe.Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return err
	}
	r.version = e.APIVersion
	email, _ := e.Data.Object["email"].(string)
	r.emails = append(r.emails, email)
	return nil
}

func deliver(t *testing.T, d *billingsandbox.Delivery) {
	t.Helper()
	if err := d.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestChaos(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T, c billingsandbox.Chaos) (*billingsandbox.Sandbox, *tenancytest.Clock, *received, *billingsandbox.Delivery) {
		t.Helper()
		clock := tenancytest.NewClock()
		b := open(t, openStore(t), clock, billingsandbox.Options{Chaos: c})
		got := &received{}
		return b, clock, got, b.Delivery(got.sink)
	}
	people := func(t *testing.T, b *billingsandbox.Sandbox, clock *tenancytest.Clock, n int) []string {
		t.Helper()
		var all []string
		for i := range n {
			clock.Move(time.Millisecond)
			all = append(all, customer(t, b, fmt.Sprintf("p%02d@example.com", i)).Email)
		}
		return all
	}
	t.Run("sends twice", func(t *testing.T) {
		t.Parallel()
		b, clock, got, d := begin(t, billingsandbox.Chaos{Duplicate: 100})
		people(t, b, clock, 3)
		if deliver(t, d); len(got.emails) != 6 {
			t.Errorf("%d webhooks; want 6", len(got.emails))
		}
	})
	t.Run("drops, and the list of events shows what was lost", func(t *testing.T) {
		t.Parallel()
		b, clock, got, d := begin(t, billingsandbox.Chaos{Drop: 100})
		people(t, b, clock, 3)
		deliver(t, d)
		clock.Move(time.Hour)
		deliver(t, d)
		lost := func(success bool) int {
			list, n := api(b, billingsandbox.Key).Events.List(&stripe.EventListParams{DeliverySuccess: &success}), 0
			for list.Next() {
				n++
			}
			return n
		}
		if len(got.emails) != 0 || lost(false) != 3 || lost(true) != 0 {
			t.Errorf("%d arrived, %d lost", len(got.emails), lost(false))
		}
		if err := b.SetChaos(t.Context(), billingsandbox.Chaos{}); err != nil {
			t.Fatal(err)
		}
		customer(t, b, "later@example.com")
		if deliver(t, d); len(got.emails) != 1 || lost(true) != 1 {
			t.Errorf("after chaos: %d arrived", len(got.emails))
		}
	})
	t.Run("drops a part of them", func(t *testing.T) {
		t.Parallel()
		b, clock, got, d := begin(t, billingsandbox.Chaos{Drop: 50})
		people(t, b, clock, 60)
		if deliver(t, d); len(got.emails) < 15 || len(got.emails) > 45 {
			t.Errorf("%d of 60 arrived", len(got.emails))
		}
	})
	t.Run("sends in another order", func(t *testing.T) {
		t.Parallel()
		b, clock, got, d := begin(t, billingsandbox.Chaos{Reorder: true})
		want := people(t, b, clock, 20)
		if deliver(t, d); slices.Equal(got.emails, want) || len(got.emails) != len(want) {
			t.Errorf("got %v", got.emails)
		}
		if slices.Sort(got.emails); !slices.Equal(got.emails, want) {
			t.Errorf("got %v", got.emails)
		}
	})
	t.Run("sends late", func(t *testing.T) {
		t.Parallel()
		b, clock, got, d := begin(t, billingsandbox.Chaos{Delay: time.Minute})
		people(t, b, clock, 1)
		clock.Move(59 * time.Second)
		if deliver(t, d); len(got.emails) != 0 {
			t.Error("too early")
		}
		clock.Move(time.Second)
		if deliver(t, d); len(got.emails) != 1 {
			t.Error("never")
		}
	})
	t.Run("holds back until there is a burst", func(t *testing.T) {
		t.Parallel()
		b, clock, got, d := begin(t, billingsandbox.Chaos{Burst: 5})
		people(t, b, clock, 4)
		if deliver(t, d); len(got.emails) != 0 {
			t.Errorf("%d came before the burst", len(got.emails))
		}
		people(t, b, clock, 1)
		if deliver(t, d); len(got.emails) != 5 {
			t.Errorf("%d came; want 5", len(got.emails))
		}
	})
	t.Run("fails first and is tried again", func(t *testing.T) {
		t.Parallel()
		b, clock, got, d := begin(t, billingsandbox.Chaos{FailFirst: 2})
		people(t, b, clock, 1)
		for range 2 {
			if deliver(t, d); len(got.emails) != 0 {
				t.Fatal("it did not fail first")
			}
			clock.Move(10 * time.Second)
		}
		if deliver(t, d); len(got.emails) != 1 {
			t.Errorf("%d arrived; want 1", len(got.emails))
		}
	})
	t.Run("arrives before the call is answered", func(t *testing.T) {
		t.Parallel()
		b, _, got, _ := begin(t, billingsandbox.Chaos{BeforeAnswer: true})
		if customer(t, b, "ada@example.com"); len(got.emails) != 1 {
			t.Errorf("%d had arrived when the call was answered; want 1", len(got.emails))
		}
	})
	t.Run("speaks another version", func(t *testing.T) {
		t.Parallel()
		b, clock, got, d := begin(t, billingsandbox.Chaos{Version: "2030-01-01"})
		people(t, b, clock, 1)
		if deliver(t, d); got.version != "2030-01-01" {
			t.Errorf("version %q", got.version)
		}
	})
	t.Run("keeps within bounds", func(t *testing.T) {
		t.Parallel()
		b, _, _, _ := begin(t, billingsandbox.Chaos{})
		for _, c := range []billingsandbox.Chaos{{Drop: 101}, {Duplicate: -1}, {Delay: 2 * time.Hour}, {Burst: 1001}, {FailFirst: 11}} {
			if err := b.SetChaos(t.Context(), c); !errors.Is(err, billingsandbox.ErrChaos) {
				t.Errorf("%+v: %v", c, err)
			}
		}
	})
}

func TestASecretIsReplacedWithTwoSignatures(t *testing.T) {
	t.Parallel()
	b := start(t, openStore(t), tenancytest.NewClock())
	old := b.Secret()
	fresh := b.RotateSecret()
	customer(t, b, "ada@example.com")
	deliver(t, b.Delivery(func(_ context.Context, payload []byte, signature string) error {
		for _, secret := range []string{old, fresh} {
			if _, err := webhook.ConstructEvent(payload, signature, secret); err != nil {
				t.Errorf("%s: %v", secret, err)
			}
		}
		if strings.Count(signature, "v1=") != 2 || old == fresh {
			t.Errorf("signature = %s", signature)
		}
		return nil
	}))
}

func TestWebhookEndpoints(t *testing.T) {
	t.Parallel()
	var secret string
	var got []stripe.EventType
	status := http.StatusInternalServerError
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		e, err := webhook.ConstructEventWithTolerance(payload, r.Header.Get("Stripe-Signature"), secret, time.Hour)
		if err != nil {
			t.Error(err)
		}
		got = append(got, e.Type)
		w.WriteHeader(status)
	}))
	defer server.Close()
	clock := tenancytest.NewClock()
	b := open(t, openStore(t), clock, billingsandbox.Options{HTTP: &http.Client{Timeout: time.Second}})
	a := api(b, billingsandbox.Key)
	made, err := a.WebhookEndpoints.New(&stripe.WebhookEndpointParams{URL: &server.URL, EnabledEvents: stripe.StringSlice([]string{"customer.created"}), APIVersion: stripe.String(stripe.APIVersion)})
	if err != nil || made.Status != "enabled" {
		t.Fatalf("%+v, %v", made, err)
	}
	if secret = made.Secret; !strings.HasPrefix(secret, "whsec_") {
		t.Fatalf("secret %q", secret)
	}
	if again, err := a.WebhookEndpoints.Get(made.ID, nil); err != nil || again.Secret != "" {
		t.Errorf("the secret is told twice: %+v, %v", again, err)
	}
	d := b.Delivery(func(context.Context, []byte, string) error { return nil })
	c := customer(t, b, "ada@example.com")
	if _, err := a.Customers.Update(c.ID, &stripe.CustomerParams{Name: stripe.String("Ada")}); err != nil {
		t.Fatal(err)
	}
	deliver(t, d)
	status = http.StatusOK
	clock.Move(2 * time.Second)
	deliver(t, d)
	if !slices.Equal(got, []stripe.EventType{"customer.created", "customer.created"}) {
		t.Errorf("got %v", got)
	}
	if _, err := a.WebhookEndpoints.Update(made.ID, &stripe.WebhookEndpointParams{Disabled: stripe.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	customer(t, b, "eve@example.com")
	if deliver(t, d); len(got) != 2 {
		t.Errorf("an endpoint that is off received %v", got)
	}
	if gone, err := a.WebhookEndpoints.Del(made.ID, nil); err != nil || !gone.Deleted {
		t.Errorf("%+v, %v", gone, err)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	t.Run("are forgotten after a day", func(t *testing.T) {
		t.Parallel()
		clock := tenancytest.NewClock()
		b := start(t, openStore(t), clock)
		_, first := ask(t, b, "POST", "/v1/customers", "email=ada@example.com", "once")
		clock.Move(25 * time.Hour)
		if _, again := ask(t, b, "POST", "/v1/customers", "email=ada@example.com", "once"); first["id"] == again["id"] {
			t.Error("the key is remembered")
		}
	})
	t.Run("that are in use say so", func(t *testing.T) {
		t.Parallel()
		s := &slow{Store: openStore(t), started: make(chan struct{}), release: make(chan struct{})}
		b := start(t, s, tenancytest.NewClock())
		s.hold.Store(true)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			ask(t, b, "POST", "/v1/customers", "email=ada@example.com", "once")
		}()
		<-s.started
		status, failure := ask(t, b, "POST", "/v1/customers", "email=ada@example.com", "once")
		close(s.release)
		<-ended
		if status != http.StatusConflict || failure["code"] != "idempotency_key_in_use" {
			t.Errorf("%d %v", status, failure)
		}
	})
	t.Run("echo what they were sent with", func(t *testing.T) {
		t.Parallel()
		b := start(t, openStore(t), tenancytest.NewClock())
		r, err := http.NewRequestWithContext(t.Context(), "POST", billingsandbox.URL+"/v1/customers", strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+billingsandbox.Key)
		r.Header.Set("Stripe-Version", "2023-10-16")
		r.Header.Set("Idempotency-Key", "k1")
		w, err := b.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if h := w.Header; h.Get("Stripe-Version") != "2023-10-16" || h.Get("Idempotency-Key") != "k1" || !strings.HasPrefix(h.Get("Request-Id"), "req_") {
			t.Errorf("header = %v", h)
		}
	})
}

func TestAChargeIsNeverTakenTwice(t *testing.T) {
	t.Parallel()
	// The sandbox dies before its n-th write, while a subscription is upgraded,
	// renewed and paid on the hosted page; the next process goes on.
	journey := func(t *testing.T, s *subscriber, b *billingsandbox.Sandbox) (alive bool) {
		form := s.change(s.large, s.clock.Now())
		form.Del("proration_date")
		if status, _ := ask(t, b, "POST", "/v1/subscriptions/"+s.id, form.Encode(), "upgrade"); status != 200 {
			return false
		}
		return b.Tick(t.Context()) == nil
	}
	for n := range 12 {
		t.Run(fmt.Sprintf("after %d writes", n), func(t *testing.T) {
			t.Parallel()
			s := subscribe(t, "4242424242424242")
			journey(t, s, start(t, tenancytest.DyingAfter(s.store, n), s.clock))
			again := start(t, s.store, s.clock)
			if !journey(t, s, again) {
				t.Fatal("it does not go on")
			}
			s.clock.Move(24 * days)
			journeyEnd := tenancytest.DyingAfter(s.store, n)
			_ = start(t, journeyEnd, s.clock).Tick(t.Context()) // may die on the way
			if err := start(t, s.store, s.clock).Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
			total := map[string]int{}
			list := s.api().Charges.List(&stripe.ChargeListParams{Customer: &s.customer})
			for list.Next() {
				total[list.Charge().Invoice.ID]++
			}
			if all := s.invoices(t); len(all) != 3 || len(total) != 3 {
				t.Fatalf("%d invoices, charged %v", len(all), total)
			}
			for invoice, charges := range total {
				if charges != 1 {
					t.Errorf("%s was charged %d times", invoice, charges)
				}
			}
		})
	}
	t.Run("on the hosted page, which dies at any write", func(t *testing.T) {
		t.Parallel()
		for n := range 3 {
			s := shop(t)
			page := s.must(t, "/v1/checkout/sessions", s.order(), "")["url"].(string)
			form := typed("4242424242424242")
			form.Set("token", tokenField.FindStringSubmatch(look(t, s.sandbox, page).Body.String())[1])
			send(t, start(t, tenancytest.DyingAfter(s.store, n), s.clock), page, form)
			if w := send(t, start(t, s.store, s.clock), page, form); w.Code != http.StatusSeeOther {
				t.Fatalf("after %d writes: %d %s", n, w.Code, w.Body)
			}
			list, charges := s.api().Charges.List(&stripe.ChargeListParams{Customer: &s.customer}), 0
			for list.Next() {
				charges++
			}
			if charges != 1 || times(s.told(t), "checkout.session.completed") != 1 {
				t.Errorf("after %d writes: %d charges", n, charges)
			}
		}
	})
	t.Run("by a store that keeps a part of a change only", func(t *testing.T) {
		t.Parallel()
		for n := range 8 {
			s := subscribe(t, "4242424242424242")
			form := s.change(s.large, s.clock.Now())
			torn := start(t, &tearing{Store: s.store, after: 1, keep: n}, s.clock)
			ask(t, torn, "POST", "/v1/subscriptions/"+s.id, form.Encode(), "once")
			again := start(t, s.store, s.clock)
			if status, answer := ask(t, again, "POST", "/v1/subscriptions/"+s.id, form.Encode(), "once"); status != 200 {
				t.Fatalf("torn after %d steps: %d %v", n, status, answer)
			}
			if all := s.invoices(t); len(all) != 2 || all[0].Status != "paid" || all[0].ID != s.subscription(t).LatestInvoice.ID {
				t.Errorf("torn after %d steps: %d invoices", n, len(all))
			}
		}
	})
}

// slow holds the first read it is told to, until it is let go.
type slow struct {
	docstore.Store
	hold    atomic.Bool
	started chan struct{}
	release chan struct{}
}

func (s *slow) Get(ctx context.Context, collection, id string) (docstore.Document, error) {
	if s.hold.CompareAndSwap(true, false) {
		close(s.started)
		<-s.release
	}
	return s.Store.Get(ctx, collection, id)
}

// tearing keeps only the first steps of a batch, like a store that is cut off.
type tearing struct {
	docstore.Store
	after int // batches that are whole
	keep  int
}

func (s *tearing) Batch(ctx context.Context, ops ...docstore.Op) error {
	if s.after--; s.after >= 0 {
		return s.Store.Batch(ctx, ops...)
	}
	if err := s.Store.Batch(ctx, ops[:min(s.keep, len(ops))]...); err != nil {
		return err
	}
	return tenancytest.ErrDead
}

func TestTheSandboxsPages(t *testing.T) {
	t.Parallel()
	clock := tenancytest.NewClock()
	b := start(t, openStore(t), clock)
	for _, path := range []string{"/sandbox/clock", "/sandbox/chaos", "/sandbox/checkout/none", "/sandbox/invoice/none/x", "/sandbox/portal/none/x", "/sandbox/authenticate/none"} {
		w := look(t, b, path)
		if !strings.Contains(w.Body.String(), "SANDBOX") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if w := send(t, b, path, url.Values{"hours": {"24"}}); w.Code != http.StatusForbidden && w.Code != http.StatusNotFound {
			t.Errorf("%s takes a form from elsewhere: %d", path, w.Code)
		}
	}
	if w := fill(t, b, "/sandbox/clock", url.Values{"hours": {"24"}}); w.Code != 200 || b.Now().Sub(clock.Now()) != 24*time.Hour {
		t.Errorf("the clock: %d, %v", w.Code, b.Now())
	}
	for _, hours := range []string{"0", "-1", "many", "999999"} {
		if w := fill(t, b, "/sandbox/clock", url.Values{"hours": {hours}}); w.Code != http.StatusBadRequest {
			t.Errorf("%s hours: %d", hours, w.Code)
		}
	}
	if w := fill(t, b, "/sandbox/clock", url.Values{"after": {"cancel"}}); w.Code != 200 || !strings.Contains(w.Body.String(), `value="cancel" selected`) {
		t.Errorf("after: %d", w.Code)
	}
	if w := fill(t, b, "/sandbox/chaos", url.Values{"drop": {"100"}, "do": {"save"}}); w.Code != 200 {
		t.Errorf("chaos: %d", w.Code)
	}
	customer(t, b, "ada@example.com")
	deliver(t, b.Delivery(func(context.Context, []byte, string) error { t.Error("it was to be dropped"); return nil }))
	if w := fill(t, b, "/sandbox/chaos", url.Values{"drop": {"101"}, "do": {"save"}}); w.Code != http.StatusBadRequest {
		t.Errorf("chaos out of bounds: %d", w.Code)
	}
	old := b.Secret()
	if fill(t, b, "/sandbox/chaos", url.Values{"do": {"rotate"}}); b.Secret() == old {
		t.Error("the secret was not replaced")
	}
}
