package billing_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// notice is a webhook as it travels.
type notice struct {
	payload   []byte
	signature string
}

// capture lets every webhook travel into a list, instead of into the inbox.
func capture(t *testing.T, s *shop) []notice {
	t.Helper()
	var all []notice
	tap := s.sandbox.Delivery(func(_ context.Context, payload []byte, signature string) error {
		all = append(all, notice{bytes.Clone(payload), signature})
		return nil
	})
	if err := tap.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(n notice) bool {
		return !bytes.Contains(n.payload, []byte(`"cus_`)) // about the price list, or the portal: it says nothing of the tenant
	})
}

func sign(payload []byte, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(webhook.ComputeSignature(at, payload, secret)))
}

func inboxSize(t *testing.T, s docstore.Store) int {
	t.Helper()
	page, err := s.Find(t.Context(), "billing_notices", docstore.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Docs)
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	paid := func(t *testing.T) (*shop, []notice) {
		s := open(t)
		s.pay(t, s.checkout(t, billing.Growth), good)
		all := capture(t, s)
		if len(all) < 5 {
			t.Fatalf("only %d webhooks", len(all))
		}
		return s, all
	}
	t.Run("takes the same notice in once, fifty times at once", func(t *testing.T) {
		t.Parallel()
		s, all := paid(t)
		before := inboxSize(t, s.store)
		var wait sync.WaitGroup
		for range 50 {
			wait.Go(func() {
				r := billing.WebhookRequest{Signature: all[0].signature, RawBody: all[0].payload}
				if _, err := s.ops.Webhook(t.Context(), &r); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if n := inboxSize(t, s.store) - before; n != 1 {
			t.Errorf("%d notices kept; want 1", n)
		}
		for range 3 {
			if err := s.inbox.Handle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if s.activations(t) != 1 {
			t.Errorf("announced %d times; want once", s.activations(t))
		}
	})
	t.Run("ends in the same place whatever the order, the gaps and the repetitions", func(t *testing.T) {
		t.Parallel()
		shared := open(t)
		rapid.Check(t, func(rt *rapid.T) {
			own := *shared
			s := &own
			s.tenant = id.NewTenant()
			s.pay(t, s.checkout(t, billing.Growth), good)
			all := capture(t, s)
			order := rapid.SliceOfN(rapid.IntRange(0, len(all)-1), 1, 12).Draw(rt, "order")
			for _, i := range order {
				if err := s.inbox.Receive(t.Context(), all[i].payload, all[i].signature); err != nil {
					rt.Fatal(err)
				}
				if rapid.Bool().Draw(rt, "handle") {
					if err := s.inbox.Handle(t.Context()); err != nil {
						rt.Fatal(err)
					}
				}
			}
			if err := s.inbox.Handle(t.Context()); err != nil {
				rt.Fatal(err)
			}
			if s.access(t) != billing.Active || s.activations(t) != 1 {
				rt.Fatalf("access %s, announced %d times", s.access(t), s.activations(t))
			}
		})
	})
	t.Run("revives nothing with a notice that comes after the end", func(t *testing.T) {
		t.Parallel()
		s, all := paid(t)
		s.clock.Move(time.Minute)
		if _, err := api(s).Subscriptions.Cancel(subscriptions(t, s)[0].ID, nil); err != nil {
			t.Fatal(err)
		}
		s.settle(t)
		for _, n := range all {
			if err := s.inbox.Receive(t.Context(), n.payload, n.signature); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.inbox.Handle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.access(t); got != billing.Canceled {
			t.Errorf("access = %s; want canceled", got)
		}
	})
	t.Run("refuses what is forged, late, early, torn or too large, and keeps nothing", func(t *testing.T) {
		t.Parallel()
		s, all := paid(t)
		before, now, secret := inboxSize(t, s.store), s.clock.Now(), s.sandbox.Secret()
		body := all[0].payload
		large := append(bytes.Clone(body[:len(body)-1]), append(bytes.Repeat([]byte(" "), 256<<10), '}')...)
		live := bytes.Replace(body, []byte(`"livemode":false`), []byte(`"livemode":true`), -1)
		for name, c := range map[string]struct {
			body      []byte
			signature string
			want      error
		}{
			"no signature":       {body, "", billing.ErrNoticeForged},
			"another secret":     {body, sign(body, "whsec_somebody_else_knows", now), billing.ErrNoticeForged},
			"an empty secret":    {body, sign(body, "", now), billing.ErrNoticeForged},
			"another body":       {append(bytes.Clone(body), ' '), all[0].signature, billing.ErrNoticeForged},
			"a torn body":        {body[:len(body)/2], all[0].signature, billing.ErrNoticeForged},
			"old":                {body, sign(body, secret, now.Add(-6*time.Minute)), billing.ErrNoticeTime},
			"from the future":    {body, sign(body, secret, now.Add(10*24*time.Hour)), billing.ErrNoticeTime},
			"two times":          {body, "t=1," + sign(body, secret, now), billing.ErrNoticeTime},
			"of live mode":       {live, sign(live, secret, now), billing.ErrNoticeMode},
			"no event":           {[]byte(`{"id":"x"}`), sign([]byte(`{"id":"x"}`), secret, now), billing.ErrNoticeShape},
			"no JSON":            {[]byte(`hello`), sign([]byte(`hello`), secret, now), billing.ErrNoticeShape},
			"an id that is none": {[]byte(`{"object":"event","id":"../evt","type":"x"}`), sign([]byte(`{"object":"event","id":"../evt","type":"x"}`), secret, now), billing.ErrNoticeShape},
			"too large":          {large, sign(large, secret, now), billing.ErrNoticeTooLarge},
			"nothing":            {nil, sign(nil, secret, now), billing.ErrNoticeShape},
		} {
			err := s.inbox.Receive(t.Context(), c.body, c.signature)
			if !errors.Is(err, c.want) || fault.KindOf(err).Retryable() {
				t.Errorf("%s: %v; want %v", name, err, c.want)
			}
		}
		if n := inboxSize(t, s.store); n != before {
			t.Errorf("%d notices kept", n-before)
		}
	})
	t.Run("takes both secrets while one is replaced by the other", func(t *testing.T) {
		t.Parallel()
		s, all := paid(t)
		const fresh = "whsec_the_one_that_comes_next"
		both, err := billingstripe.NewSignatures(false, s.clock.Now, fresh, s.sandbox.Secret())
		if err != nil {
			t.Fatal(err)
		}
		for _, signature := range []string{all[0].signature, sign(all[0].payload, fresh, s.clock.Now())} {
			if n, err := both.Read(all[0].payload, signature); err != nil || n.Customer == "" || n.ID == "" {
				t.Errorf("Read = %+v, %v", n, err)
			}
		}
	})
	t.Run("does not start without a secret", func(t *testing.T) {
		t.Parallel()
		for _, secrets := range [][]string{nil, {""}, {"whsec_"}, {"secret"}, {"whsec_the_one_that_comes_next", ""}, {"a", "b", "c"}} {
			if _, err := billingstripe.NewSignatures(false, time.Now, secrets...); err == nil {
				t.Errorf("NewSignatures(%q) works", secrets)
			}
		}
	})
	t.Run("answers only after the notice is durable, and takes it when it is sent again", func(t *testing.T) {
		t.Parallel()
		s, all := paid(t)
		mortal := tenancytest.DyingAfter(s.store, 0)
		signatures, err := billingstripe.NewSignatures(false, s.clock.Now, s.sandbox.Secret())
		if err != nil {
			t.Fatal(err)
		}
		dying := billing.NewInbox(billing.New(mortal, s.stripe, company("x"), site, s.clock.Now, nil), signatures)
		if err := dying.Receive(t.Context(), all[0].payload, all[0].signature); err == nil || !fault.KindOf(err).Retryable() {
			t.Fatalf("err = %v; want one after which it is sent again", err)
		}
		if err := s.inbox.Receive(t.Context(), all[0].payload, all[0].signature); err != nil {
			t.Error(err)
		}
	})
	t.Run("tries again when the payment service does not answer", func(t *testing.T) {
		t.Parallel()
		ours, theirs, clock := openStore(t), openStore(t), tenancytest.NewClock()
		s := start(t, ours, theirs, clock, "ten_1")
		s.pay(t, s.checkout(t, billing.Growth), good)
		if err := s.webhooks.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		deaf := &switchable{Store: theirs}
		down := start(t, ours, deaf, clock, "ten_1")
		deaf.off.Store(true)
		if err := down.inbox.Handle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := down.access(t); got != billing.None {
			t.Errorf("access = %s", got)
		}
		deaf.off.Store(false)
		clock.Move(2 * time.Second)
		if err := down.inbox.Handle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := down.access(t); got != billing.Active {
			t.Errorf("access = %s; want active", got)
		}
	})
}
