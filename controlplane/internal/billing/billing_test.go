package billing_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

func TestCheckout(t *testing.T) {
	t.Parallel()
	t.Run("keeps the page after a declined card and activates after a good one", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		var r billing.CheckoutRequest
		r.Body.Plan, r.Body.Interval = billing.Growth, billing.Month
		answer, err := s.ops.Checkout(s.as(t.Context(), contract.RoleOwner), &r)
		if err != nil {
			t.Fatal(err)
		}
		page := answer.Body.URL
		if status, shown := s.visit(t, page); status != http.StatusOK || !strings.Contains(shown, "Sandbox: no real money") ||
			!strings.Contains(shown, "Dyocense Growth") || !strings.Contains(shown, "$199.00") || !strings.Contains(shown, "a month") {
			t.Fatalf("%d %s", status, shown)
		}

		no := s.pay(t, page, declined)
		if shown := body(t, no); no.StatusCode != http.StatusPaymentRequired || !strings.Contains(shown, "Your card was declined.") || !strings.Contains(shown, `name="number"`) {
			t.Fatalf("declined: %d %s", no.StatusCode, shown)
		}
		s.settle(t)
		if got := s.access(t); got != billing.None {
			t.Fatalf("access after a declined card is %s", got)
		}

		yes := s.pay(t, page, good)
		if yes.StatusCode != http.StatusSeeOther || yes.Header.Get("Location") != site+"/welcome?checkout=done" {
			t.Fatalf("paid: %d to %s", yes.StatusCode, yes.Header.Get("Location"))
		}
		s.settle(t)
		st, err := s.books.Standing(t.Context(), s.tenant)
		if err != nil || st.Access != billing.Active || st.Plan.ID != billing.Growth || st.Interval != billing.Month || st.CurrentPeriodEnd.Before(s.clock.Now().AddDate(0, 0, 27)) {
			t.Errorf("standing = %+v, %v", st, err)
		}
		a := s.account(t)
		if a.Checkout != nil || s.activations(t) != 1 || string(a.Outbox[0].Data) != `{"plan":"growth"}` {
			t.Errorf("account = %+v", a)
		}
		var v identity.View
		if err := s.books.Describe(t.Context(), identity.Who{Tenant: s.tenant}, &v); err != nil || v.Access != "active" || v.Plan == nil || v.Plan.Name != "Growth" {
			t.Errorf("view = %+v, %v", v, err)
		}
	})
	t.Run("shows who returns before the webhook what was paid", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		s.pay(t, s.checkout(t, billing.Starter), good)
		s.clock.Move(2 * time.Second)
		r, err := s.ops.Billing(s.as(t.Context(), contract.RoleViewer), &billing.StandingRequest{})
		if err != nil || r.Body.Access != billing.Active || r.Body.Plan.ID != billing.Starter || r.Body.CurrentPeriodEnd == nil || r.Body.Status != billing.StatusActive {
			t.Errorf("Billing = %+v, %v", r, err)
		}
		s.settle(t)
		if n := s.activations(t); n != 1 {
			t.Errorf("announced %d times; want once", n)
		}
	})
	t.Run("leads the same wish to the same page and closes the page of another", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		first := s.checkout(t, billing.Starter)
		if again := s.checkout(t, billing.Starter); again != first {
			t.Errorf("two pages for one wish: %s and %s", first, again)
		}
		second := s.checkout(t, billing.Business)
		if status, page := s.visit(t, first); status != http.StatusGone || !strings.Contains(page, "expired") {
			t.Errorf("the first page: %d %s", status, page)
		}
		if status, _ := s.visit(t, second); status != http.StatusOK {
			t.Errorf("the second page: %d", status)
		}
	})
	t.Run("sells nothing twice", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		s.pay(t, s.checkout(t, billing.Starter), good)
		// No webhook came: it asks before it sells.
		for _, p := range []billing.PlanID{billing.Starter, billing.Business} {
			if _, _, err := s.books.Checkout(t.Context(), s.tenant, "ada@example.com", p, billing.Month, false); !errors.Is(err, billing.ErrSubscribed) {
				t.Errorf("Checkout(%s) = %v; want ErrSubscribed", p, err)
			}
		}
		if n := len(subscriptions(t, s)); n != 1 {
			t.Errorf("%d subscriptions; want 1", n)
		}
	})
	t.Run("gives many clicks at once one customer and one page", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		var mu sync.Mutex
		pages := map[string]bool{}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				page, _, err := s.books.Checkout(t.Context(), s.tenant, "ada@example.com", billing.Growth, billing.Year, false)
				mu.Lock()
				defer mu.Unlock()
				pages[page] = true
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := count(t, s.store, "customer"); len(pages) != 1 || n != 1 {
			t.Errorf("%d pages, %d customers; want one each", len(pages), n)
		}
	})
	t.Run("refuses what it does not sell", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		for _, c := range []struct {
			plan     billing.PlanID
			interval billing.Interval
			want     error
		}{
			{billing.Enterprise, billing.Month, billing.ErrContactSales},
			{"platinum", billing.Month, billing.ErrPlan},
			{billing.Starter, "week", billing.ErrInterval},
			{"", "", billing.ErrPlan},
		} {
			if _, _, err := s.books.Checkout(t.Context(), s.tenant, "ada@example.com", c.plan, c.interval, false); !errors.Is(err, c.want) {
				t.Errorf("Checkout(%q, %q) = %v; want %v", c.plan, c.interval, err, c.want)
			}
		}
		var r billing.CheckoutRequest
		r.Body.Plan, r.Body.Interval = billing.Starter, billing.Month
		if _, err := s.ops.Checkout(s.as(t.Context(), contract.RoleViewer), &r); !errors.Is(err, tenancy.ErrForbidden) {
			t.Errorf("a viewer: %v; want ErrForbidden", err)
		}
		if _, err := s.ops.Checkout(t.Context(), &r); !errors.Is(err, identity.ErrSignedOut) {
			t.Errorf("nobody: %v; want ErrSignedOut", err)
		}
	})
	t.Run("takes away what was canceled and announces a new beginning", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		s.pay(t, s.checkout(t, billing.Starter), good)
		s.settle(t)
		s.clock.Move(time.Minute)
		if _, err := api(s).Subscriptions.Cancel(subscriptions(t, s)[0].ID, nil); err != nil {
			t.Fatal(err)
		}
		s.settle(t)
		if got := s.access(t); got != billing.Canceled {
			t.Errorf("access = %s; want canceled", got)
		}
		s.clock.Move(time.Minute)
		s.pay(t, s.checkout(t, billing.Business), good)
		s.settle(t)
		if got := s.access(t); got != billing.Active || s.activations(t) != 2 {
			t.Errorf("access = %s, announced %d times; want active, twice", got, s.activations(t))
		}
	})
	t.Run("is told by the reconciler when every webhook is lost", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		s.pay(t, s.checkout(t, billing.Starter), good)
		s.clock.Move(time.Second)
		if err := s.books.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.access(t); got != billing.Active || s.activations(t) != 1 {
			t.Errorf("access = %s; want active", got)
		}
	})
	t.Run("runs by itself: paid, delivered, active", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx, stop := context.WithCancel(t.Context())
		news := s.store.Watch(ctx, billing.AccountsCollection)
		var parts sync.WaitGroup
		for _, run := range []func(context.Context) error{s.inbox.Run, s.webhooks.Run} {
			parts.Go(func() {
				if err := run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		s.pay(t, s.checkout(t, billing.Starter), good)
		s.clock.Move(time.Second)
		for s.access(t) != billing.Active {
			select {
			case <-news:
			case <-time.After(10 * time.Second):
				t.Fatal("nobody activated the tenant")
			}
		}
		stop()
		parts.Wait()
	})
}

func TestActivationSurvivesDeath(t *testing.T) {
	t.Parallel()
	// Ours dies before its n-th write, anywhere from the first click to the last
	// notice; the next process, and a visitor who tries again, complete it.
	ourWrites, theirWrites := writes(t)
	for n := range ourWrites + 1 {
		t.Run(fmt.Sprintf("after %d of our writes", n), func(t *testing.T) {
			t.Parallel()
			ours, theirs, clock, tenant := openStore(t), openStore(t), tenancytest.NewClock(), id.NewTenant()
			mortal := tenancytest.DyingAfter(ours, n)
			journey(t, start(t, mortal, theirs, clock, tenant), false)
			if died := n < ourWrites; mortal.Died() != died {
				t.Fatalf("died: %v, after %d writes", mortal.Died(), mortal.Writes())
			}
			clock.Move(time.Minute)
			s := start(t, ours, theirs, clock, tenant)
			journey(t, s, true)
			if got := s.access(t); got != billing.Active || s.activations(t) != 1 {
				t.Errorf("access = %s, announced %d times; want active, once", got, s.activations(t))
			}
			if subs, customers := len(subscriptions(t, s)), count(t, theirs, "customer"); subs != 1 || customers != 1 {
				t.Errorf("%d subscriptions, %d customers; want one each", subs, customers)
			}
		})
	}
	// The sandbox dies before its n-th write; what it answered is there again.
	for n := range theirWrites + 1 {
		t.Run(fmt.Sprintf("after %d of the sandbox's writes", n), func(t *testing.T) {
			t.Parallel()
			ours, theirs, clock, tenant := openStore(t), openStore(t), tenancytest.NewClock(), id.NewTenant()
			mortal := tenancytest.DyingAfter(theirs, n)
			journey(t, start(t, ours, mortal, clock, tenant), false)
			if died := n < theirWrites; mortal.Died() != died {
				t.Fatalf("died: %v, after %d writes", mortal.Died(), mortal.Writes())
			}
			clock.Move(2 * time.Minute)
			s := start(t, ours, theirs, clock, tenant)
			journey(t, s, true)
			if got := s.access(t); got != billing.Active || s.activations(t) != 1 {
				t.Errorf("access = %s, announced %d times; want active, once", got, s.activations(t))
			}
			if subs, customers := len(subscriptions(t, s)), count(t, theirs, "customer"); subs != 1 || customers != 1 {
				t.Errorf("%d subscriptions, %d customers; want one each", subs, customers)
			}
		})
	}
}

// writes counts those of a whole journey, ours and the sandbox's.
func writes(t *testing.T) (ours, theirs int) {
	t.Helper()
	a, b := tenancytest.DyingAfter(openStore(t), -1), tenancytest.DyingAfter(openStore(t), -1)
	journey(t, start(t, a, b, tenancytest.NewClock(), id.NewTenant()), true)
	if a.Writes() < 10 || b.Writes() < 20 {
		t.Fatalf("%d of our writes, %d of the sandbox's; there is nothing to die at", a.Writes(), b.Writes())
	}
	return a.Writes(), b.Writes()
}

// journey buys Growth, from wherever an earlier attempt stopped. When it must not
// fail, every step has to work.
func journey(t *testing.T, s *shop, must bool) {
	t.Helper()
	page, _, err := s.books.Checkout(t.Context(), s.tenant, "ada@example.com", billing.Growth, billing.Month, false)
	switch {
	case errors.Is(err, billing.ErrSubscribed): // paid already
	case err == nil:
		if _, shown := s.visit(t, page); tokenField.MatchString(shown) {
			s.pay(t, page, good)
		} else if must {
			t.Errorf("no form in %s", shown)
		}
	case must:
		t.Errorf("Checkout = %v", err)
	}
	for _, step := range []func(context.Context) error{s.webhooks.Deliver, s.inbox.Handle} {
		if err := step(t.Context()); err != nil && must {
			t.Error(err)
		}
	}
}

func TestHostedPage(t *testing.T) {
	t.Parallel()
	t.Run("takes no form that is not its own", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		page := s.checkout(t, billing.Starter)
		form := url.Values{"token": {"guessed"}, "number": {good}, "expiry": {"12/40"}, "cvc": {"123"}}
		if r := s.submit(t, page, form); r.StatusCode != http.StatusForbidden {
			t.Errorf("status = %d; want 403", r.StatusCode)
		}
		s.settle(t)
		if got := s.access(t); got != billing.None {
			t.Errorf("access = %s", got)
		}
	})
	t.Run("charges once, however often the form is sent", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		page := s.checkout(t, billing.Starter)
		_, shown := s.visit(t, page)
		form := url.Values{"token": {tokenField.FindStringSubmatch(shown)[1]}, "number": {good}, "expiry": {"12/40"}, "cvc": {"123"}}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if r := s.submit(t, page, form); r.StatusCode != http.StatusSeeOther {
					t.Errorf("status = %d; want 303", r.StatusCode)
				}
			})
		}
		all.Wait()
		if n := len(subscriptions(t, s)); n != 1 {
			t.Errorf("%d subscriptions; want 1", n)
		}
	})
	t.Run("says what is wrong with a card in Stripe's words", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		page := s.checkout(t, billing.Starter)
		_, shown := s.visit(t, page)
		token := tokenField.FindStringSubmatch(shown)[1]
		for _, c := range [][4]string{
			{"4000 0000 0000 9995", "12/40", "123", "insufficient funds"},
			{"4242 4242 4242 4241", "12/40", "123", "card number is invalid"},
			{good, "13/40", "123", "expiration date"},
			{good, "01/20", "123", "in the past"},
			{good, "12/40", "12", "security code"},
			{"4111 1111 1111 1111", "12/40", "123", "non test card"},
			{"", "", "", "card number is invalid"},
			{"<script>", "x", "y", "card number is invalid"},
		} {
			r := s.submit(t, page, url.Values{"token": {token}, "number": {c[0]}, "expiry": {c[1]}, "cvc": {c[2]}})
			if said := strings.ReplaceAll(body(t, r), "&#39;", "'"); r.StatusCode != http.StatusPaymentRequired || !strings.Contains(said, c[3]) || strings.Contains(said, "<script") {
				t.Errorf("card %v: %d %s", c, r.StatusCode, said)
			}
		}
	})
	t.Run("keeps no card number", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		s.pay(t, s.checkout(t, billing.Starter), good)
		for _, c := range billingsandbox.Collections() {
			page, err := s.store.Find(t.Context(), c.Name, docstore.Query{Limit: 1000})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page.Docs {
				if strings.Contains(string(d.Body), "42424242") {
					t.Errorf("%s holds a card number", d.ID)
				}
			}
		}
	})
	t.Run("expires after an hour", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		page := s.checkout(t, billing.Starter)
		s.clock.Move(time.Hour)
		if status, shown := s.visit(t, page); status != http.StatusGone || !strings.Contains(shown, site+"/plans") {
			t.Errorf("%d %s", status, shown)
		}
		if again := s.checkout(t, billing.Starter); again == page {
			t.Error("the expired page is offered again")
		}
	})
	t.Run("knows no page that was never opened", func(t *testing.T) {
		t.Parallel()
		if status, _ := open(t).visit(t, site+"/sandbox/checkout/cs_test_nothing"); status != http.StatusNotFound {
			t.Errorf("status = %d; want 404", status)
		}
	})
}

// api speaks to the sandbox as an operator would to Stripe.
func api(s *shop) *client.API {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(billingsandbox.URL), HTTPClient: s.sandbox.Client(), MaxNetworkRetries: stripe.Int64(0),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	a := &client.API{}
	a.Init(billingsandbox.Key, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
	return a
}

func subscriptions(t *testing.T, s *shop) []*stripe.Subscription {
	t.Helper()
	var all []*stripe.Subscription
	list := api(s).Subscriptions.List(&stripe.SubscriptionListParams{Status: stripe.String("all")})
	for list.Next() {
		all = append(all, list.Subscription())
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// count counts the sandbox's objects of a kind.
func count(t *testing.T, s docstore.Store, kind string) int {
	t.Helper()
	page, err := s.Find(t.Context(), "sandbox_objects", docstore.Query{Index: "kind", Equal: []any{kind}})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Docs)
}
