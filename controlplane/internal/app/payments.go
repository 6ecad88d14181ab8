package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/process"
)

const stripeTimeout = 30 * time.Second // of one request

// payments is whom billing pays through: Stripe, or the sandbox that speaks like it.
type payments struct {
	provider billing.Provider
	notices  billing.Notices
	sandbox  *billingsandbox.Sandbox // nil with Stripe
	// now is the time that money goes by: the sandbox has a clock of its own, which
	// people move forward to see what becomes of a subscription.
	now func() time.Time
}

func openPayments(ctx context.Context, c Config, store docstore.Store, site string, log *slog.Logger) (payments, error) {
	secrets := []string{c.Stripe.WebhookSecret.Reveal()}
	if next := c.Stripe.WebhookSecret2; next.Set() {
		secrets = append(secrets, next.Reveal())
	}
	client, sandbox, err := paymentClient(c, store, site, log)
	p := payments{sandbox: sandbox, now: time.Now}
	if err != nil {
		return p, err
	}
	if sandbox != nil {
		secrets, p.now = []string{sandbox.Secret()}, sandbox.Now
	}
	if client.Live() {
		// A price that is missing is found now, not by the first customer.
		if err := client.EnsureCatalogue(ctx); err != nil {
			return p, fmt.Errorf("compare the price list with Stripe's: %w", err)
		}
	}
	p.provider = client
	p.notices, err = billingstripe.NewSignatures(client.Live(), p.now, secrets...)
	if err != nil {
		return p, fmt.Errorf("set up payment notices: %w", err)
	}
	return p, nil
}

// paymentClient speaks to Stripe, or to a sandbox on store, which is returned too.
func paymentClient(c Config, store docstore.Store, site string, log *slog.Logger) (*billingstripe.Client, *billingsandbox.Sandbox, error) {
	config := billingstripe.Config{Key: c.Stripe.Key.Reveal(), HTTP: &http.Client{Timeout: stripeTimeout}, Tax: c.Stripe.Tax, Log: log}
	var sandbox *billingsandbox.Sandbox
	if !c.Stripe.Key.Set() {
		environment := "development"
		if c.Production {
			environment = "production"
		}
		var err error
		sandbox, err = billingsandbox.New(store, billingsandbox.Options{Site: site, Environment: environment, Now: time.Now, Log: log})
		if err != nil {
			return nil, nil, err
		}
		config = billingstripe.Config{Key: billingsandbox.Key, URL: billingsandbox.URL, HTTP: sandbox.Client(), Tax: c.Stripe.Tax, Log: log}
	}
	client, err := billingstripe.New(config)
	if err != nil {
		return nil, nil, fmt.Errorf("set up payments: %w", err)
	}
	return client, sandbox, nil
}

// ErrCatalogueDiffers is the end of a check that found something.
var ErrCatalogueDiffers = errors.New("the catalogue differs from the price list")

// ApplyCatalogue brings the payment service to our price list and writes to out what
// it did. With check it changes nothing and fails with ErrCatalogueDiffers when
// something is to be done.
func ApplyCatalogue(ctx context.Context, c Config, check bool, out io.Writer, log *slog.Logger) (err error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	store, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	client, sandbox, err := paymentClient(c, store, c.OwnURL(), log)
	if err != nil {
		return err
	}
	at := "Stripe, test mode"
	switch {
	case sandbox != nil:
		at = "the sandbox"
	case client.Live():
		at = "Stripe, live mode"
	}
	_, _ = fmt.Fprintf(out, "catalogue at %s\n", at)
	steps, err := client.Apply(ctx, check)
	open := 0
	for _, s := range steps {
		_, _ = fmt.Fprintln(out, s)
		if s.Did != "" {
			open++
		}
	}
	if err == nil && check && open > 0 {
		return fmt.Errorf("%w in %d places; run it without --check", ErrCatalogueDiffers, open)
	}
	return err
}

// fits says what a smaller plan has no room for.
type fits struct {
	tenants *tenancy.Tenants
	ways    *ways
}

// Excess implements billing.Fit.
func (s fits) Excess(ctx context.Context, t id.Tenant, p billing.Plan) ([]billing.Surplus, error) {
	members, err := s.tenants.Members(ctx, t)
	if err != nil {
		return nil, err
	}
	_, locations, err := s.ways.used(ctx, t)
	if err != nil {
		return nil, err
	}
	var all []billing.Surplus
	if p.Seats > 0 && len(members) > p.Seats {
		all = append(all, billing.Surplus{What: "seats", Have: len(members), Allowed: p.Seats, WayOut: "Remove members first, or they can only read from then on."})
	}
	if p.Locations > 0 && locations > p.Locations {
		all = append(all, billing.Surplus{What: "locations", Have: locations, Allowed: p.Locations, WayOut: "Upload a stock table with fewer locations, or the one you have stays as it is and can only be read."})
	}
	return all, nil
}

// deliver hands the sandbox's notices to inbox, as Stripe's come over HTTP.
func (p payments) deliver(inbox *billing.Inbox) []process.Part {
	if p.sandbox == nil {
		return nil
	}
	delivery := p.sandbox.Delivery(func(ctx context.Context, payload []byte, signature string) error {
		return inbox.Receive(ctx, payload, signature)
	})
	return []process.Part{{Name: "sandbox notices", Run: delivery.Run}, {Name: "sandbox time", Run: p.sandbox.Run}}
}
