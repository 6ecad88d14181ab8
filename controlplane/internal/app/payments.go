package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/process"
)

const stripeTimeout = 30 * time.Second // of one request

// payments is whom billing pays through: Stripe, or the sandbox that speaks like it.
type payments struct {
	provider billing.Provider
	notices  billing.Notices
	sandbox  *billingsandbox.Sandbox // nil with Stripe
}

func openPayments(ctx context.Context, c Config, store docstore.Store, site string, log *slog.Logger) (payments, error) {
	config := billingstripe.Config{Key: c.Stripe.Key.Reveal(), HTTP: &http.Client{Timeout: stripeTimeout}, Log: log}
	secrets := []string{c.Stripe.WebhookSecret.Reveal()}
	if next := c.Stripe.WebhookSecret2; next.Set() {
		secrets = append(secrets, next.Reveal())
	}
	p := payments{}
	if !c.Stripe.Key.Set() {
		environment := "development"
		if c.Production {
			environment = "production"
		}
		sandbox, err := billingsandbox.New(store, billingsandbox.Options{Site: site, Environment: environment, Now: time.Now, Log: log})
		if err != nil {
			return p, err
		}
		p.sandbox = sandbox
		config = billingstripe.Config{Key: billingsandbox.Key, URL: billingsandbox.URL, HTTP: sandbox.Client(), Log: log}
		secrets = []string{sandbox.Secret()}
	}
	client, err := billingstripe.New(config)
	if err != nil {
		return p, fmt.Errorf("set up payments: %w", err)
	}
	if client.Live() {
		// A price that is missing is found now, not by the first customer.
		if err := client.EnsureCatalogue(ctx); err != nil {
			return p, fmt.Errorf("compare the price list with Stripe's: %w", err)
		}
	}
	p.provider = client
	p.notices, err = billingstripe.NewSignatures(client.Live(), time.Now, secrets...)
	if err != nil {
		return p, fmt.Errorf("set up payment notices: %w", err)
	}
	return p, nil
}

// deliver hands the sandbox's notices to inbox, as Stripe's come over HTTP.
func (p payments) deliver(inbox *billing.Inbox) []process.Part {
	if p.sandbox == nil {
		return nil
	}
	delivery := p.sandbox.Delivery(func(ctx context.Context, payload []byte, signature string) error {
		return inbox.Receive(ctx, payload, signature)
	})
	return []process.Part{{Name: "sandbox notices", Run: delivery.Run}}
}
