package billingsandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"math/big"

	"github.com/dyocense/dyocense/shared/docstore"
)

const (
	objectsCollection    = "sandbox_objects"
	answersCollection    = "sandbox_answers"
	deliveriesCollection = "sandbox_deliveries"
	settingsCollection   = "sandbox_settings"

	byKind     = "kind"
	byCustomer = "customer"
	byEmail    = "email"
	byLookup   = "lookup"
	byTimer    = "timer"
	byDue      = "due"
	byEvent    = "event"
)

// Collections declares what the sandbox stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: objectsCollection, Indexes: []docstore.Index{
			{Name: byKind, Fields: []string{"kind", "order"}},
			{Name: byCustomer, Fields: []string{"kind", "customer", "order"}},
			{Name: byEmail, Fields: []string{"kind", "email", "order"}},
			{Name: byLookup, Fields: []string{"lookup"}, Unique: true},
			{Name: byTimer, Fields: []string{"clock", "due"}},
		}},
		{Name: answersCollection},
		{Name: deliveriesCollection, Indexes: []docstore.Index{
			{Name: byDue, Fields: []string{"state", "next"}},
			{Name: byEvent, Fields: []string{"event"}},
		}},
		{Name: settingsCollection},
	}
}

// kind is Stripe's name for a sort of object.
type kind string

const (
	kindCustomer      kind = "customer"
	kindProduct       kind = "product"
	kindPrice         kind = "price"
	kindCheckout      kind = "checkout.session"
	kindSubscription  kind = "subscription"
	kindSchedule      kind = "subscription_schedule"
	kindInvoice       kind = "invoice"
	kindInvoiceItem   kind = "invoiceitem"
	kindPaymentMethod kind = "payment_method"
	kindPaymentIntent kind = "payment_intent"
	kindSetupIntent   kind = "setup_intent"
	kindCharge        kind = "charge"
	kindCreditNote    kind = "credit_note"
	kindRefund        kind = "refund"
	kindDispute       kind = "dispute"
	kindFraudWarning  kind = "radar.early_fraud_warning"
	kindBalanceChange kind = "customer_balance_transaction"
	kindTaxID         kind = "tax_id"
	kindMeter         kind = "billing.meter"
	kindMeterEvent    kind = "billing.meter_event"
	kindPortal        kind = "billing_portal.session"
	kindPortalConfig  kind = "billing_portal.configuration"
	kindTestClock     kind = "test_helpers.test_clock"
	kindEndpoint      kind = "webhook_endpoint"
	kindEvent         kind = "event"
)

// prefixes of identifiers.
func (k kind) prefix() string {
	return map[kind]string{
		kindCustomer: "cus_", kindProduct: "prod_", kindPrice: "price_", kindCheckout: "cs_test_", kindSubscription: "sub_",
		kindSchedule: "sub_sched_", kindInvoice: "in_", kindInvoiceItem: "ii_", kindPaymentMethod: "pm_", kindPaymentIntent: "pi_",
		kindSetupIntent: "seti_", kindCharge: "ch_", kindCreditNote: "cn_", kindRefund: "re_", kindDispute: "du_",
		kindFraudWarning: "issfr_", kindBalanceChange: "cbtxn_", kindTaxID: "txi_", kindMeter: "mtr_test_", kindMeterEvent: "mtre_",
		kindPortal: "bps_", kindPortalConfig: "bpc_", kindTestClock: "clock_", kindEndpoint: "we_", kindEvent: "evt_",
	}[k]
}

// record is an object with what it is found by. Object is exactly what the API
// shows; what memo holds it never shows.
type record struct {
	Kind     kind            `json:"kind"`
	Order    int64           `json:"order"` // later objects have higher numbers
	Customer string          `json:"customer,omitempty"`
	Email    string          `json:"email,omitempty"`
	Lookup   string          `json:"lookup,omitempty"`
	Clock    string          `json:"clock,omitempty"` // by which clock it lives, when time does something to it
	Due      int64           `json:"due,omitempty"`   // and when, in Unix seconds
	Object   json.RawMessage `json:"object"`
	memo
}

// sandboxClock is the clock of whatever has no test clock.
const sandboxClock = "sandbox"

// memo is what the sandbox remembers of an object besides what the API shows.
type memo struct {
	Bought        *order `json:"bought,omitempty"` // of a checkout session
	PageToken     string `json:"pageToken,omitempty"`
	Behavior      string `json:"behavior,omitempty"`      // of a card: the end of its number
	Authenticated bool   `json:"authenticated,omitempty"` // a card that was set up with its bank
	Reminded      bool   `json:"reminded,omitempty"`      // the trial's reminder was sent
	Foretold      int64  `json:"foretold,omitempty"`      // the period end of which invoice.upcoming told
	Pending       string `json:"pending,omitempty"`       // the invoice that a pending update or a resumption waits for
	GivesUp       int64  `json:"givesUp,omitempty"`       // when an unpaid first invoice or resumption is over
	Unborn        bool   `json:"unborn,omitempty"`        // a subscription of which nobody was told yet
	Advancing     int64  `json:"advancing,omitempty"`     // of a test clock: where it is going
	Goal          string `json:"goal,omitempty"`          // what an authentication page returns to
	Secret        string `json:"secret,omitempty"`        // of a webhook endpoint
	Canceled      bool   `json:"canceled,omitempty"`      // a meter event that was taken back
	UsedUntil     int64  `json:"usedUntil,omitempty"`     // metered use before this second is billed
}

// name makes an identifier: from the seed, so that what is made again is the same
// thing, or at random without one.
func name(k kind, seed string) string { return identifier(k.prefix(), seed) }

func identifier(prefix, seed string) string {
	var sum [32]byte
	if seed == "" {
		_, _ = rand.Read(sum[:]) // crypto/rand never fails since Go 1.24
	} else {
		sum = sha256.Sum256([]byte(prefix + " " + seed))
	}
	return prefix + new(big.Int).SetBytes(sum[:18]).Text(62)
}
