// Package billingstripe speaks to Stripe for billing.
//
// It owns the translation between billing's words and stripe-go v76 (API version
// 2023-10-16): requests, answers, failures, signatures. It does not own any
// decision. It keeps no global state: key, address and transport are the caller's,
// so that the sandbox is reached through the same code.
package billingstripe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/shared/id"
)

// Config says which Stripe is spoken to, and how.
type Config struct {
	Key string // sk_test_... or sk_live_...
	// URL is Stripe's address; "" is the real one.
	URL string
	// HTTP carries the requests; it must have a timeout.
	HTTP *http.Client
	// Tax lets Stripe reckon taxes; Stripe Tax must be set up in the account.
	Tax bool
	Log *slog.Logger
}

// Client implements billing.Provider. All methods may be called from many
// goroutines.
type Client struct {
	api  *client.API
	live bool
	tax  bool
	log  *slog.Logger

	mu            sync.Mutex
	prices        map[string]string // lookup key -> price
	configuration string            // of the portal
	metered       bool              // the meters are there
}

// retries of one request, with the same idempotency key.
const retries = 2

// metadataTenant marks our objects at Stripe.
const metadataTenant = "dyocense_tenant"

// New checks the configuration. It does not connect.
func New(c Config) (*Client, error) {
	live := strings.HasPrefix(c.Key, "sk_live_") || strings.HasPrefix(c.Key, "rk_live_")
	if !live && !strings.HasPrefix(c.Key, "sk_test_") && !strings.HasPrefix(c.Key, "rk_test_") {
		return nil, errors.New("the Stripe key must begin with sk_test_, sk_live_, rk_test_ or rk_live_")
	}
	if c.HTTP == nil || c.HTTP.Timeout == 0 {
		return nil, errors.New("the HTTP client for Stripe needs a timeout")
	}
	config := &stripe.BackendConfig{
		HTTPClient: c.HTTP, MaxNetworkRetries: stripe.Int64(retries), EnableTelemetry: stripe.Bool(false),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}, // failures are returned, and logged where they stop
	}
	if c.URL != "" {
		config.URL = stripe.String(c.URL)
	}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, config)
	api := &client.API{}
	api.Init(c.Key, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
	return &Client{api: api, live: live, tax: c.Tax, log: c.Log, prices: map[string]string{}}, nil
}

// Live says whether real money moves.
func (c *Client) Live() bool { return c.live }

// Customer implements billing.Provider. Stripe forgets idempotency keys after a
// day, so it looks for the customer before it makes one.
func (c *Client) Customer(ctx context.Context, t id.Tenant, p billing.Payer, once string) (string, error) {
	list := &stripe.CustomerListParams{Email: stripe.String(p.Email)}
	list.Context = ctx
	found := c.api.Customers.List(list)
	for found.Next() {
		if found.Customer().Metadata[metadataTenant] == string(t) {
			return found.Customer().ID, nil
		}
	}
	if err := found.Err(); err != nil {
		return "", failure("look for customer", err)
	}
	params := &stripe.CustomerParams{Email: stripe.String(p.Email), Name: stripe.String(p.Company)}
	params.Context = ctx
	params.AddMetadata(metadataTenant, string(t))
	params.SetIdempotencyKey(once)
	customer, err := c.api.Customers.New(params)
	if err != nil {
		return "", failure("make customer", err)
	}
	return customer.ID, nil
}

// StartCheckout implements billing.Provider.
func (c *Client) StartCheckout(ctx context.Context, o billing.Order) (billing.Hosted, error) {
	price, err := c.price(ctx, billing.LookupKey(o.Plan, o.Interval))
	if err != nil {
		return billing.Hosted{}, err
	}
	params := &stripe.CheckoutSessionParams{
		Mode:              stripe.String(string(stripe.CheckoutSessionModeSubscription)),
		Customer:          stripe.String(o.Customer),
		ClientReferenceID: stripe.String(string(o.Tenant)),
		SuccessURL:        stripe.String(o.SuccessURL),
		CancelURL:         stripe.String(o.CancelURL),
		ExpiresAt:         stripe.Int64(o.Expires.Unix()),
		LineItems:         []*stripe.CheckoutSessionLineItemParams{{Price: stripe.String(price), Quantity: stripe.Int64(1)}},
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{
			Metadata: map[string]string{metadataTenant: string(o.Tenant)},
		},
		TaxIDCollection: &stripe.CheckoutSessionTaxIDCollectionParams{Enabled: stripe.Bool(true)},
		CustomerUpdate: &stripe.CheckoutSessionCustomerUpdateParams{
			Address: stripe.String("auto"), Name: stripe.String("auto"), // a tax number is collected with the name it belongs to
		},
	}
	if c.tax {
		params.AutomaticTax = &stripe.CheckoutSessionAutomaticTaxParams{Enabled: stripe.Bool(true)}
	}
	if o.TrialDays > 0 {
		// Without a card the trial ends in a pause: nothing is owed and nothing is lost.
		params.PaymentMethodCollection = stripe.String("if_required")
		params.SubscriptionData.TrialPeriodDays = stripe.Int64(int64(o.TrialDays))
		params.SubscriptionData.TrialSettings = &stripe.CheckoutSessionSubscriptionDataTrialSettingsParams{
			EndBehavior: &stripe.CheckoutSessionSubscriptionDataTrialSettingsEndBehaviorParams{MissingPaymentMethod: stripe.String("pause")},
		}
	}
	params.Context = ctx
	params.SetIdempotencyKey(o.Once)
	session, err := c.api.CheckoutSessions.New(params)
	if err != nil {
		return billing.Hosted{}, failure("open checkout", err)
	}
	return billing.Hosted{ID: session.ID, URL: session.URL}, nil
}

// ExpireCheckout implements billing.Provider.
func (c *Client) ExpireCheckout(ctx context.Context, checkout string) error {
	params := &stripe.CheckoutSessionExpireParams{}
	params.Context = ctx
	_, err := c.api.CheckoutSessions.Expire(checkout, params)
	var refused *stripe.Error
	if errors.As(err, &refused) && refused.Type == stripe.ErrorTypeInvalidRequest {
		return billing.ErrCheckoutOver.Because(err)
	}
	if err != nil {
		return failure("expire checkout", err)
	}
	return nil
}

// price finds the price of a lookup key; prices never change, so it asks once. In
// test mode a catalogue that is not there yet is made first.
func (c *Client) price(ctx context.Context, key string) (string, error) {
	c.mu.Lock()
	price, ok := c.prices[key]
	c.mu.Unlock()
	if ok {
		return price, nil
	}
	price, err := c.findPrice(ctx, key)
	if price == "" && err == nil && !c.live {
		if err := c.EnsureCatalogue(ctx); err != nil {
			return "", err
		}
		price, err = c.findPrice(ctx, key)
	}
	if err != nil {
		return "", err
	}
	if price == "" {
		return "", billing.ErrProvider.Because(fmt.Errorf("there is no active price with lookup key %s at Stripe", key))
	}
	c.mu.Lock()
	c.prices[key] = price
	c.mu.Unlock()
	return price, nil
}

// findPrice is "" when there is none.
func (c *Client) findPrice(ctx context.Context, key string) (string, error) {
	params := &stripe.PriceListParams{LookupKeys: stripe.StringSlice([]string{key}), Active: stripe.Bool(true)}
	params.Context = ctx
	found := c.api.Prices.List(params)
	if found.Next() {
		return found.Price().ID, nil
	}
	if err := found.Err(); err != nil {
		return "", failure("look for price", err)
	}
	return "", nil
}

// failure hides Stripe's words from customers and keeps them for the log.
func failure(doing string, err error) error {
	return billing.ErrProvider.Because(fmt.Errorf("%s: %w", doing, err))
}
