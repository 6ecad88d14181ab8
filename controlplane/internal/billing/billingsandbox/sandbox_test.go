package billingsandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/docstore"
)

const site = "http://127.0.0.1:8080"

func openStore(t *testing.T) docstore.Store {
	return tenancytest.Open(t, billingsandbox.Collections())
}

func start(t *testing.T, s docstore.Store, clock *tenancytest.Clock) *billingsandbox.Sandbox {
	t.Helper()
	return open(t, s, clock, billingsandbox.Options{})
}

func open(t *testing.T, s docstore.Store, clock *tenancytest.Clock, o billingsandbox.Options) *billingsandbox.Sandbox {
	t.Helper()
	o.Site, o.Now, o.Log = site, clock.Now, slog.New(slog.DiscardHandler)
	b, err := billingsandbox.New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func api(b *billingsandbox.Sandbox, key string) *client.API {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(billingsandbox.URL), HTTPClient: b.Client(), MaxNetworkRetries: stripe.Int64(0),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	a := &client.API{}
	a.Init(key, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
	return a
}

// ask sends a request as it is, and returns the status and the error's fields.
func ask(t *testing.T, b *billingsandbox.Sandbox, method, path, form, once string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, billingsandbox.URL+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+billingsandbox.Key)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if once != "" {
		r.Header.Set("Idempotency-Key", once)
	}
	response, err := b.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if response.Header.Get("Stripe-Version") != stripe.APIVersion && response.StatusCode != http.StatusNotFound {
		t.Errorf("version %q", response.Header.Get("Stripe-Version"))
	}
	if failure, ok := object["error"].(map[string]any); ok {
		return response.StatusCode, failure
	}
	return response.StatusCode, object
}

func customer(t *testing.T, b *billingsandbox.Sandbox, email string) *stripe.Customer {
	t.Helper()
	c, err := api(b, billingsandbox.Key).Customers.New(&stripe.CustomerParams{Email: stripe.String(email)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// payOn pays on the hosted page.
func payOn(t *testing.T, b *billingsandbox.Sandbox, address, number string) {
	t.Helper()
	pages, err := b.Pages()
	if err != nil {
		t.Fatal(err)
	}
	shown := httptest.NewRecorder()
	pages.ServeHTTP(shown, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil))
	token := tokenField.FindStringSubmatch(shown.Body.String())
	if token == nil {
		t.Fatalf("no form in %s", shown.Body)
	}
	form := url.Values{"token": {token[1]}, "number": {number}, "expiry": {"12 / 40"}, "cvc": {"123"}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	paid := httptest.NewRecorder()
	if pages.ServeHTTP(paid, r); paid.Code != http.StatusSeeOther {
		t.Fatalf("paid: %d %s", paid.Code, paid.Body)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for name, c := range map[string]struct {
		options billingsandbox.Options
		want    error
	}{
		"production":            {billingsandbox.Options{Environment: "production"}, billingsandbox.ErrProduction},
		"production, shouted":   {billingsandbox.Options{Environment: " PRODUCTION "}, billingsandbox.ErrProduction},
		"a live key":            {billingsandbox.Options{Key: "sk_live_abc"}, billingsandbox.ErrLiveKey},
		"a restricted live key": {billingsandbox.Options{Key: "rk_live_abc"}, billingsandbox.ErrLiveKey},
	} {
		if _, err := billingsandbox.New(s, c.options); !errors.Is(err, c.want) {
			t.Errorf("%s: %v; want %v", name, err, c.want)
		}
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	t.Run("keeps what it is told, across a restart", func(t *testing.T) {
		t.Parallel()
		s, clock := openStore(t), tenancytest.NewClock()
		params := &stripe.CustomerParams{Email: stripe.String("ada@example.com"), Name: stripe.String("Herons & Co")}
		params.AddMetadata("dyocense_tenant", "ten_1")
		made, err := api(start(t, s, clock), billingsandbox.Key).Customers.New(params)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := api(start(t, s, clock), "sk_test_another").Customers.Get(made.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		made.LastResponse, kept.LastResponse = nil, nil
		if diff := cmp.Diff(made, kept); diff != "" {
			t.Errorf("after a restart (-made +kept):\n%s", diff)
		}
		if kept.Email != "ada@example.com" || kept.Name != "Herons & Co" || kept.Metadata["dyocense_tenant"] != "ten_1" || kept.Created != clock.Now().Unix() || kept.Livemode {
			t.Errorf("customer = %+v", kept)
		}
	})
	t.Run("refuses live keys, wrong keys and none", func(t *testing.T) {
		t.Parallel()
		b := start(t, openStore(t), tenancytest.NewClock())
		for _, key := range []string{"sk_live_1234", "pk_test_1234", "sk_test_", ""} {
			_, err := api(b, key).Customers.New(&stripe.CustomerParams{})
			var refused *stripe.Error
			if !errors.As(err, &refused) || refused.HTTPStatusCode != http.StatusUnauthorized {
				t.Errorf("key %q: %v; want 401", key, err)
			}
		}
	})
	t.Run("says in Stripe's form what is wrong with a request", func(t *testing.T) {
		t.Parallel()
		b := start(t, openStore(t), tenancytest.NewClock())
		for _, c := range []struct {
			method, path, form string
			status             int
			code, param        string
		}{
			{"POST", "/v1/customers", "emial=x", 400, "parameter_unknown", "emial"},
			{"POST", "/v1/customers", "expand[0]=subscriptions", 400, "", "expand"},
			{"POST", "/v1/customers", "email=nobody", 400, "email_invalid", "email"},
			{"POST", "/v1/customers", "email=a@b.c&email=d@e.f", 400, "", "email"},
			{"POST", "/v1/customers", "metadata[a][b]=1", 400, "parameter_unknown", "metadata[a][b]"},
			{"POST", "/v1/customers", "name=%zz", 400, "", ""},
			{"POST", "/v1/customers", "name=" + strings.Repeat("x", 300<<10), 400, "", ""},
			{"POST", "/v1/products", "", 400, "parameter_missing", "name"},
			{"POST", "/v1/prices", "product=prod_none&currency=usd&unit_amount=1&recurring[interval]=month", 404, "resource_missing", "id"},
			{"POST", "/v1/checkout/sessions", "mode=payment", 400, "", "mode"},
			{"GET", "/v1/customers/cus_none", "", 404, "resource_missing", "id"},
			{"GET", "/v1/customers?limit=0", "", 400, "parameter_invalid_integer", "limit"},
			{"GET", "/v1/customers?limit=many", "", 400, "parameter_invalid_integer", "limit"},
			{"GET", "/v1/customers?starting_after=cus_none", "", 400, "resource_missing", "starting_after"},
			{"GET", "/v1/payouts", "", 404, "", ""},
			{"DELETE", "/v1/subscriptions/sub_none", "", 404, "resource_missing", "id"},
		} {
			status, failure := ask(t, b, c.method, c.path, c.form, "")
			code, _ := failure["code"].(string)
			param, _ := failure["param"].(string)
			if status != c.status || code != c.code || param != c.param || failure["type"] != "invalid_request_error" || failure["message"] == "" {
				t.Errorf("%s %s %.40s: %d %v; want %d %s %s", c.method, c.path, c.form, status, failure, c.status, c.code, c.param)
			}
		}
	})
	t.Run("honours idempotency keys", func(t *testing.T) {
		t.Parallel()
		s, clock := openStore(t), tenancytest.NewClock()
		b := start(t, s, clock)
		_, first := ask(t, b, "POST", "/v1/customers", "email=ada@example.com", "once")
		_, again := ask(t, start(t, s, clock), "POST", "/v1/customers", "email=ada@example.com", "once")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("the repetition differs:\n%s", diff)
		}
		if status, failure := ask(t, b, "POST", "/v1/customers", "email=eve@example.com", "once"); status != 400 || failure["type"] != "idempotency_error" {
			t.Errorf("another request under the key: %d %v", status, failure)
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { ask(t, b, "POST", "/v1/customers", "email=many@example.com", "at once") })
		}
		all.Wait()
		if _, list := ask(t, b, "GET", "/v1/customers?email=many@example.com", "", ""); len(list["data"].([]any)) != 1 {
			t.Errorf("ten requests under one key made %v", list["data"])
		}
	})
	t.Run("makes a thing once when it dies between the thing and the answer", func(t *testing.T) {
		t.Parallel()
		s, clock := openStore(t), tenancytest.NewClock()
		dying := start(t, tenancytest.DyingAfter(s, 1), clock)
		if status, _ := ask(t, dying, "POST", "/v1/customers", "email=ada@example.com", "once"); status != http.StatusInternalServerError {
			t.Fatalf("status = %d; want 500", status)
		}
		b := start(t, s, clock)
		if status, _ := ask(t, b, "POST", "/v1/customers", "email=ada@example.com", "once"); status != http.StatusOK {
			t.Fatalf("status = %d", status)
		}
		if _, list := ask(t, b, "GET", "/v1/customers", "", ""); len(list["data"].([]any)) != 1 {
			t.Errorf("customers = %v; want one", list["data"])
		}
	})
	t.Run("pages through lists, newest first", func(t *testing.T) {
		t.Parallel()
		b := start(t, openStore(t), tenancytest.NewClock())
		var made []string
		for range 7 {
			made = append([]string{customer(t, b, "ada@example.com").ID}, made...)
		}
		customer(t, b, "eve@example.com")
		params := &stripe.CustomerListParams{Email: stripe.String("ada@example.com")}
		params.Limit = stripe.Int64(3)
		var listed []string
		list := api(b, billingsandbox.Key).Customers.List(params)
		for list.Next() {
			listed = append(listed, list.Customer().ID)
		}
		if diff := cmp.Diff(made, listed); diff != "" || list.Err() != nil {
			t.Errorf("%v, (-made +listed):\n%s", list.Err(), diff)
		}
	})
	t.Run("gives a lookup key to one price", func(t *testing.T) {
		t.Parallel()
		b := start(t, openStore(t), tenancytest.NewClock())
		_, product := ask(t, b, "POST", "/v1/products", "name=Starter", "")
		form := "currency=USD&unit_amount=4900&recurring[interval]=month&lookup_key=starter&product=" + product["id"].(string)
		if status, price := ask(t, b, "POST", "/v1/prices", form, ""); status != 200 || price["currency"] != "usd" {
			t.Fatalf("%d %v", status, price)
		}
		if status, failure := ask(t, b, "POST", "/v1/prices", form, ""); status != 400 || failure["param"] != "lookup_key" {
			t.Errorf("%d %v; want 400", status, failure)
		}
		for query, want := range map[string]int{"lookup_keys[]=starter": 1, "lookup_keys[0]=starter&active=true": 1, "lookup_keys[0]=other": 0, "active=false": 0} {
			if _, list := ask(t, b, "GET", "/v1/prices?"+query, "", ""); len(list["data"].([]any)) != want {
				t.Errorf("%s finds %v; want %d", query, list["data"], want)
			}
		}
	})
	t.Run("opens checkouts that are sound only", func(t *testing.T) {
		t.Parallel()
		clock := tenancytest.NewClock()
		b := start(t, openStore(t), clock)
		_, product := ask(t, b, "POST", "/v1/products", "name=Starter", "")
		_, price := ask(t, b, "POST", "/v1/prices", "currency=usd&unit_amount=4900&recurring[interval]=month&product="+product["id"].(string), "")
		sound := url.Values{
			"mode": {"subscription"}, "customer": {customer(t, b, "ada@example.com").ID}, "line_items[0][price]": {price["id"].(string)},
			"line_items[0][quantity]": {"1"}, "success_url": {site + "/welcome"}, "cancel_url": {site + "/plans"},
		}
		if status, session := ask(t, b, "POST", "/v1/checkout/sessions", sound.Encode(), ""); status != 200 || session["status"] != "open" ||
			session["url"] != site+"/sandbox/checkout/"+session["id"].(string) || session["amount_total"] != 4900.0 {
			t.Fatalf("%d %v", status, session)
		}
		for field, wrong := range map[string]string{
			"customer": "cus_none", "line_items[0][price]": "price_none", "line_items[0][quantity]": "0", "line_items[1][price]": price["id"].(string),
			"success_url": "javascript:alert(1)", "cancel_url": "/plans", "expires_at": "1", "mode": "payment",
		} {
			form := url.Values{}
			for k, v := range sound {
				form[k] = v
			}
			form.Set(field, wrong)
			if status, answer := ask(t, b, "POST", "/v1/checkout/sessions", form.Encode(), ""); status < 400 || status >= 500 {
				t.Errorf("%s=%s: %d %v", field, wrong, status, answer)
			}
		}
	})
	t.Run("reads any form without falling over", func(t *testing.T) {
		t.Parallel()
		b := start(t, openStore(t), tenancytest.NewClock())
		for _, form := range []string{"[]=1", "metadata[=1", "metadata[]=1", "metadata=1", "line_items[0]=1", "line_items[99999999999999999999][price]=1", "%00=1", "=", "a&b&c", "email[]=x"} {
			for _, path := range []string{"/v1/customers", "/v1/checkout/sessions"} {
				if status, answer := ask(t, b, "POST", path, form, ""); status >= 500 {
					t.Errorf("%s %q: %d %v", path, form, status, answer)
				}
			}
		}
	})
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	t.Run("signs what it sends so that stripe-go believes it", func(t *testing.T) {
		t.Parallel()
		b := start(t, openStore(t), tenancytest.NewClock())
		made := customer(t, b, "ada@example.com")
		var got stripe.Event
		err := b.Delivery(func(_ context.Context, payload []byte, signature string) error {
			var err error
			got, err = webhook.ConstructEvent(payload, signature, b.Secret())
			return err
		}).Deliver(t.Context())
		if err != nil || got.Type != "customer.created" || got.Data.Object["id"] != made.ID || got.Livemode {
			t.Errorf("event = %+v, %v", got, err)
		}
	})
	t.Run("sends again what was not taken, later and later, also after a restart", func(t *testing.T) {
		t.Parallel()
		s, clock := openStore(t), tenancytest.NewClock()
		b := start(t, s, clock)
		customer(t, b, "ada@example.com")
		attempts := 0
		refusing := func(context.Context, []byte, string) error { attempts++; return errors.New("not now") }
		deliver := func(d *billingsandbox.Delivery) {
			t.Helper()
			if err := d.Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, wait := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second} {
			clock.Move(wait)
			deliver(b.Delivery(refusing))
			deliver(b.Delivery(refusing)) // nothing is due
		}
		if attempts != 4 {
			t.Fatalf("%d attempts; want 4", attempts)
		}
		clock.Move(8 * time.Second)
		taken := 0
		after := start(t, s, clock).Delivery(func(context.Context, []byte, string) error { taken++; return nil })
		deliver(after)
		clock.Move(time.Hour)
		deliver(after)
		if taken != 1 {
			t.Errorf("taken %d times; want once", taken)
		}
	})
	t.Run("gives up after sixteen attempts", func(t *testing.T) {
		t.Parallel()
		clock := tenancytest.NewClock()
		b := start(t, openStore(t), clock)
		customer(t, b, "ada@example.com")
		attempts := 0
		d := b.Delivery(func(context.Context, []byte, string) error { attempts++; return errors.New("never") })
		for range 40 {
			if err := d.Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.Move(time.Hour)
		}
		if attempts != 16 {
			t.Errorf("%d attempts; want 16", attempts)
		}
	})
	t.Run("runs until it is told to stop", func(t *testing.T) {
		t.Parallel()
		b := start(t, openStore(t), tenancytest.NewClock())
		taken := make(chan struct{}, 1)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- b.Delivery(func(context.Context, []byte, string) error { taken <- struct{}{}; return nil }).Run(ctx)
		}()
		customer(t, b, "ada@example.com")
		<-taken
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}
