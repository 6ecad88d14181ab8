package billingsandbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/shared/docstore"
)

// call is one request that is understood.
type call struct {
	id      string // from the path
	form    form
	request string // Request-Id
	key     string // Idempotency-Key, "" without one
}

// seed names what the call makes: the same for each repetition under one key.
func (c call) seed() string {
	if c.key == "" {
		return ""
	}
	return "key " + c.key
}

// operation answers a call with an object.
type operation func(ctx context.Context, c call) (any, error)

// endpoint is one line of the package comment.
type endpoint struct {
	pattern string
	params  []string
	do      operation
}

func (b *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	paging := []string{"limit", "starting_after"}
	with := func(params ...string) []string { return append(params, paging...) }
	for _, e := range []endpoint{
		{"POST /v1/customers", []string{"email", "name", "description", "metadata[*]"}, b.createCustomer},
		{"GET /v1/customers", with("email"), b.listCustomers},
		{"GET /v1/customers/{id}", nil, get[customer](b, kindCustomer)},
		{"POST /v1/customers/{id}", []string{"email", "name", "description", "metadata[*]"}, b.updateCustomer},
		{"POST /v1/products", []string{"name", "description", "metadata[*]"}, b.createProduct},
		{"POST /v1/customers/{id}/balance_transactions", []string{"amount", "currency", "description", "metadata[*]"}, b.createBalanceTransaction},
		{"GET /v1/customers/{id}/balance_transactions", with(), b.listBalanceTransactions},
		{"GET /v1/products", with(), b.listAll(kindProduct, "/v1/products")},
		{"GET /v1/products/{id}", nil, get[product](b, kindProduct)},
		{"POST /v1/prices", []string{"product", "currency", "unit_amount", "recurring[interval]", "lookup_key", "metadata[*]"}, b.createPrice},
		{"GET /v1/prices", with("lookup_keys[]", "active", "product"), b.listPrices},
		{"GET /v1/prices/{id}", nil, get[price](b, kindPrice)},
		{"POST /v1/checkout/sessions", []string{
			"mode", "customer", "client_reference_id", "success_url", "cancel_url", "expires_at",
			"line_items[][price]", "line_items[][quantity]", "subscription_data[metadata][*]", "metadata[*]",
		}, b.createCheckout},
		{"GET /v1/checkout/sessions", with("customer"), b.listOfCustomer(kindCheckout, "/v1/checkout/sessions")},
		{"GET /v1/checkout/sessions/{id}", nil, b.getCheckout},
		{"POST /v1/checkout/sessions/{id}/expire", nil, b.expireCheckout},
		{"GET /v1/subscriptions", with("customer", "status"), b.listSubscriptions},
		{"GET /v1/subscriptions/{id}", nil, get[subscription](b, kindSubscription)},
		{"POST /v1/subscriptions/{id}", []string{
			"items[][id]", "items[][price]", "items[][quantity]", "proration_behavior", "proration_date",
			"payment_behavior", "default_payment_method", "metadata[*]",
		}, b.updateSubscription},
		{"DELETE /v1/subscriptions/{id}", nil, b.cancelSubscription},
		{"GET /v1/invoices", with("customer", "subscription"), b.listInvoices},
		{"GET /v1/invoices/upcoming", []string{
			"customer", "subscription", "subscription_items[][id]", "subscription_items[][price]", "subscription_items[][quantity]",
			"subscription_proration_behavior", "subscription_proration_date",
		}, b.upcomingInvoice},
		{"GET /v1/invoices/{id}", nil, get[invoice](b, kindInvoice)},
		{"GET /v1/charges", with("customer"), b.listOfCustomer(kindCharge, "/v1/charges")},
		{"GET /v1/charges/{id}", nil, get[cardCharge](b, kindCharge)},
		{"POST /v1/credit_notes", []string{"invoice", "amount", "refund_amount", "reason", "memo", "metadata[*]"}, b.createCreditNote},
		{"GET /v1/credit_notes", with("customer", "invoice"), b.listCreditNotes},
		{"GET /v1/credit_notes/{id}", nil, get[creditNote](b, kindCreditNote)},
		{"GET /v1/refunds", with("charge"), b.listRefunds},
		{"GET /v1/refunds/{id}", nil, get[refund](b, kindRefund)},
		{"GET /v1/payment_methods", with("customer", "type"), b.listPaymentMethods},
		{"GET /v1/payment_methods/{id}", nil, get[paymentMethod](b, kindPaymentMethod)},
		{"POST /v1/payment_methods/{id}/attach", []string{"customer"}, b.attachPaymentMethod},
		{"GET /v1/events", with("type"), b.listEvents},
		{"GET /v1/events/{id}", nil, get[event](b, kindEvent)},
	} {
		mux.Handle(e.pattern, b.serve(e))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		f := invalid("", "", "Unrecognized request URL (%s: %s).", r.Method, r.URL.Path) //nolint:misspell // Stripe spells it so
		f.Status = http.StatusNotFound
		write(w, f.Status, f.body())
	})
	return mux
}

// serve gives an operation what all of them share: the key check, the parameters,
// idempotency, and errors in Stripe's form.
func (b *Sandbox) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Request-Id", identifier("req_", ""))
		w.Header().Set("Stripe-Version", stripe.APIVersion)
		status, body, replayed, err := b.answer(r, e, w.Header().Get("Request-Id"))
		if err != nil {
			var f *failure
			if !errors.As(err, &f) {
				b.log.ErrorContext(r.Context(), "sandbox", "endpoint", e.pattern, "err", err)
				f = ourFault()
			}
			status, body = f.Status, f.body()
		}
		if replayed {
			w.Header().Set("Idempotent-Replayed", "true")
		}
		write(w, status, body)
	})
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away reads nothing
}

// answer is what was answered under an idempotency key.
type answer struct {
	Fingerprint string          `json:"fingerprint"`
	Status      int             `json:"status,omitempty"` // 0 is 200
	Body        json.RawMessage `json:"body"`
}

// keyMax is the longest idempotency key.
const keyMax = 255

func (b *Sandbox) answer(r *http.Request, e endpoint, request string) (status int, body []byte, replayed bool, err error) {
	if err := authorize(r); err != nil {
		return 0, nil, false, err
	}
	f, err := readForm(r, e.params)
	if err != nil {
		return 0, nil, false, err
	}
	c := call{id: r.PathValue("id"), form: f, request: request}
	if r.Method == http.MethodGet {
		status, body, err = reply(e.do(r.Context(), c))
		return status, body, false, err
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	ctx, cancel := steady(r.Context())
	defer cancel()
	if c.key = r.Header.Get("Idempotency-Key"); c.key == "" {
		status, body, err = reply(e.do(ctx, c))
		return status, body, false, err
	}
	if len(c.key) > keyMax {
		return 0, nil, false, invalid("", "", "Idempotency keys have at most %d characters.", keyMax)
	}
	fingerprint, id := fingerprintOf(r, f), hash(c.key)
	switch before, err := b.answers.Get(ctx, id); {
	case err == nil && before.Value.Fingerprint != fingerprint:
		return 0, nil, false, &failure{
			Status: http.StatusBadRequest, Type: "idempotency_error",
			Message: "Keys for idempotent requests can only be used with the same parameters they were first used with.",
		}
	case err == nil:
		return cmp.Or(before.Value.Status, http.StatusOK), before.Value.Body, true, nil
	case !errors.Is(err, docstore.ErrNotFound):
		return 0, nil, false, err
	}
	status, body, err = reply(e.do(ctx, c))
	var declined *failure
	if errors.As(err, &declined) && declined.Status == http.StatusPaymentRequired {
		// The bank was asked, and its answer stands for this key: whoever wants to
		// ask it again takes another.
		status, body, err = declined.Status, declined.body(), nil
	}
	if err != nil {
		return 0, nil, false, err // what was refused may be tried again under the key
	}
	// Dying before this line is harmless: what the call made is named after the
	// key, so the repetition finds it.
	if err := b.answers.Insert(ctx, id, answer{Fingerprint: fingerprint, Status: status, Body: body}); err != nil {
		return 0, nil, false, err
	}
	return status, body, false, nil
}

func reply(object any, err error) (status int, body []byte, _ error) {
	if err != nil {
		return 0, nil, err
	}
	body, err = json.Marshal(object)
	return http.StatusOK, body, err
}

func authorize(r *http.Request) error {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		key, _, ok = r.BasicAuth()
	}
	switch {
	case !ok || key == "":
		return wrongKey("You did not provide an API key.")
	case isLive(key):
		return wrongKey("This is a sandbox. It refuses live keys.")
	case !strings.HasPrefix(key, "sk_test_") || len(key) == len("sk_test_"):
		return wrongKey("Invalid API Key provided.")
	}
	return nil
}

// fingerprintOf tells two requests under one key apart.
func fingerprintOf(r *http.Request, f form) string {
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.URL.Path + "\n")
	raw, err := json.Marshal(f) // keys come sorted
	if err != nil {             // a map of strings always encodes
		return r.URL.Path
	}
	b.Write(raw)
	return hash(b.String())
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// get answers with one object.
func get[T any](b *Sandbox, k kind) operation {
	return func(ctx context.Context, c call) (any, error) {
		var v T
		_, err := b.load(ctx, k, c.id, &v)
		return v, err
	}
}
