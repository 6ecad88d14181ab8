package billingsandbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/dyocense/dyocense/shared/docstore"
)

const (
	objectsCollection    = "sandbox_objects"
	answersCollection    = "sandbox_answers"
	deliveriesCollection = "sandbox_deliveries"

	byKind     = "kind"
	byCustomer = "customer"
	byEmail    = "email"
	byLookup   = "lookup"
	byDue      = "due"
)

// Collections declares what the sandbox stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: objectsCollection, Indexes: []docstore.Index{
			{Name: byKind, Fields: []string{"kind", "order"}},
			{Name: byCustomer, Fields: []string{"kind", "customer", "order"}},
			{Name: byEmail, Fields: []string{"kind", "email", "order"}},
			{Name: byLookup, Fields: []string{"lookup"}, Unique: true},
		}},
		{Name: answersCollection},
		{Name: deliveriesCollection, Indexes: []docstore.Index{{Name: byDue, Fields: []string{"state", "next"}}}},
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
	kindInvoice       kind = "invoice"
	kindPaymentMethod kind = "payment_method"
	kindCharge        kind = "charge"
	kindCreditNote    kind = "credit_note"
	kindRefund        kind = "refund"
	kindBalanceChange kind = "customer_balance_transaction"
	kindEvent         kind = "event"
)

// prefixes of identifiers.
func (k kind) prefix() string {
	switch k {
	case kindCustomer:
		return "cus_"
	case kindProduct:
		return "prod_"
	case kindPrice:
		return "price_"
	case kindCheckout:
		return "cs_test_"
	case kindSubscription:
		return "sub_"
	case kindInvoice:
		return "in_"
	case kindPaymentMethod:
		return "pm_"
	case kindCharge:
		return "ch_"
	case kindCreditNote:
		return "cn_"
	case kindRefund:
		return "re_"
	case kindBalanceChange:
		return "cbtxn_"
	default:
		return "evt_"
	}
}

// record is an object with what it is found by. Object is exactly what the API
// shows; Bought and PageToken it never shows.
type record struct {
	Kind      kind            `json:"kind"`
	Order     int64           `json:"order"` // later objects have higher numbers
	Customer  string          `json:"customer,omitempty"`
	Email     string          `json:"email,omitempty"`
	Lookup    string          `json:"lookup,omitempty"`
	Object    json.RawMessage `json:"object"`
	Bought    *order          `json:"bought,omitempty"` // of a checkout session
	PageToken string          `json:"pageToken,omitempty"`
}

// load reads an object into v. It fails like Stripe when there is none.
func (b *Sandbox) load(ctx context.Context, k kind, id string, v any) (docstore.Row[record], error) {
	row, err := b.objects.Get(ctx, id)
	if errors.Is(err, docstore.ErrNotFound) || errors.Is(err, docstore.ErrInvalid) || err == nil && row.Value.Kind != k {
		return row, missing(k, id)
	}
	if err != nil {
		return row, fmt.Errorf("read %s: %w", id, err)
	}
	if err := json.Unmarshal(row.Value.Object, v); err != nil {
		return row, fmt.Errorf("decode %s: %w", id, err)
	}
	return row, nil
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
