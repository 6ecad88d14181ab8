package billingstripe_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/fault"
)

func open(t *testing.T) *billingstripe.Client {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	b, err := billingsandbox.New(tenancytest.Open(t, billingsandbox.Collections()), billingsandbox.Options{Site: "http://x", Now: time.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	c, err := billingstripe.New(billingstripe.Config{Key: billingsandbox.Key, URL: billingsandbox.URL, HTTP: b.Client(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClient(t *testing.T) {
	t.Parallel()
	payer := billing.Payer{Email: "ada@example.com", Company: "Herons Ltd"}
	t.Run("makes the catalogue once, and sees that it is ours", func(t *testing.T) {
		t.Parallel()
		c := open(t)
		for range 2 {
			if err := c.EnsureCatalogue(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("finds the customer it made, even when the key is forgotten", func(t *testing.T) {
		t.Parallel()
		c := open(t)
		first, err := c.Customer(t.Context(), "ten_1", payer, "a")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := c.Customer(t.Context(), "ten_1", payer, "b"); again != first || err != nil {
			t.Errorf("Customer = %s, %v; want %s", again, err, first)
		}
		if other, err := c.Customer(t.Context(), "ten_2", payer, "c"); other == first || err != nil {
			t.Errorf("another tenant of the same payer has the same customer (%v)", err)
		}
	})
	t.Run("says nothing of a customer who bought nothing", func(t *testing.T) {
		t.Parallel()
		c := open(t)
		customer, err := c.Customer(t.Context(), "ten_1", payer, "a")
		if err != nil {
			t.Fatal(err)
		}
		if s, err := c.Fetch(t.Context(), customer); s.Subscription != "" || s.Status != billing.StatusNone || err != nil {
			t.Errorf("Fetch = %+v, %v", s, err)
		}
	})
	t.Run("tells a checkout that is over from one that fails", func(t *testing.T) {
		t.Parallel()
		c := open(t)
		if err := c.ExpireCheckout(t.Context(), "cs_test_none"); !errors.Is(err, billing.ErrCheckoutOver) {
			t.Errorf("err = %v; want ErrCheckoutOver", err)
		}
	})
	t.Run("turns every failure into one that may be tried again, without Stripe's words", func(t *testing.T) {
		t.Parallel()
		var mu sync.Mutex
		keys := map[string]int{}
		down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			keys[r.Header.Get("Idempotency-Key")]++
			mu.Unlock()
			if r.Method == http.MethodGet {
				_, _ = w.Write([]byte(`{"object":"list","data":[],"has_more":false}`))
				return
			}
			http.Error(w, `{"error":{"type":"api_error","message":"secret words"}}`, http.StatusServiceUnavailable)
		}))
		defer down.Close()
		c, err := billingstripe.New(billingstripe.Config{Key: "sk_test_x", URL: down.URL, HTTP: &http.Client{Timeout: 5 * time.Second}, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Customer(t.Context(), "ten_1", payer, "the key")
		if !errors.Is(err, billing.ErrProvider) || strings.Contains(fault.ProblemOf(err).Detail, "secret") {
			t.Errorf("err = %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		if keys["the key"] != 3 {
			t.Errorf("requests by key: %v; want three under one key", keys)
		}
	})
	t.Run("refuses keys and transports that cannot be meant", func(t *testing.T) {
		t.Parallel()
		for _, wrong := range []billingstripe.Config{
			{Key: "", HTTP: &http.Client{Timeout: time.Second}},
			{Key: "pk_test_1", HTTP: &http.Client{Timeout: time.Second}},
			{Key: "sk_test_1"},
			{Key: "sk_test_1", HTTP: &http.Client{}},
		} {
			if _, err := billingstripe.New(wrong); err == nil {
				t.Errorf("New(%q) works", wrong.Key)
			}
		}
	})
}
