package billingsandbox

import "encoding/json"

// The objects, in the shape of API version 2023-10-16. Fields that the sandbox
// never fills are left out.

type customer struct {
	ID          string            `json:"id"`
	Object      kind              `json:"object"`
	Created     int64             `json:"created"`
	Livemode    bool              `json:"livemode"`
	Email       *string           `json:"email"`
	Name        *string           `json:"name"`
	Description *string           `json:"description"`
	Balance     int64             `json:"balance"` // below 0 is credit
	Metadata    map[string]string `json:"metadata"`
}

type product struct {
	ID          string            `json:"id"`
	Object      kind              `json:"object"`
	Created     int64             `json:"created"`
	Livemode    bool              `json:"livemode"`
	Active      bool              `json:"active"`
	Name        string            `json:"name"`
	Description *string           `json:"description"`
	Metadata    map[string]string `json:"metadata"`
}

type price struct {
	ID         string            `json:"id"`
	Object     kind              `json:"object"`
	Created    int64             `json:"created"`
	Livemode   bool              `json:"livemode"`
	Active     bool              `json:"active"`
	Product    string            `json:"product"`
	Currency   string            `json:"currency"`
	UnitAmount int64             `json:"unit_amount"`
	Type       string            `json:"type"`
	LookupKey  *string           `json:"lookup_key"`
	Recurring  recurring         `json:"recurring"`
	Metadata   map[string]string `json:"metadata"`
}

type recurring struct {
	Interval      string `json:"interval"`
	IntervalCount int64  `json:"interval_count"`
	UsageType     string `json:"usage_type"`
}

// checkoutSession is one visit to the hosted page.
type checkoutSession struct {
	ID                string            `json:"id"`
	Object            kind              `json:"object"`
	Created           int64             `json:"created"`
	Livemode          bool              `json:"livemode"`
	Mode              string            `json:"mode"`
	Status            string            `json:"status"`         // open, complete, expired
	PaymentStatus     string            `json:"payment_status"` // unpaid, paid
	Customer          string            `json:"customer"`
	ClientReferenceID *string           `json:"client_reference_id"`
	Currency          string            `json:"currency"`
	AmountSubtotal    int64             `json:"amount_subtotal"`
	AmountTotal       int64             `json:"amount_total"`
	SuccessURL        string            `json:"success_url"`
	CancelURL         string            `json:"cancel_url"`
	ExpiresAt         int64             `json:"expires_at"`
	Subscription      *string           `json:"subscription"`
	Invoice           *string           `json:"invoice"`
	URL               *string           `json:"url"` // only while open
	Metadata          map[string]string `json:"metadata"`
}

// order is what is bought in a checkout session.
type order struct {
	Price    string            `json:"price"`
	Quantity int64             `json:"quantity"`
	Metadata map[string]string `json:"metadata"`
}

type subscription struct {
	ID                   string                 `json:"id"`
	Object               kind                   `json:"object"`
	Created              int64                  `json:"created"`
	Livemode             bool                   `json:"livemode"`
	Status               string                 `json:"status"`
	Customer             string                 `json:"customer"`
	Currency             string                 `json:"currency"`
	CollectionMethod     string                 `json:"collection_method"`
	BillingCycleAnchor   int64                  `json:"billing_cycle_anchor"`
	StartDate            int64                  `json:"start_date"`
	CurrentPeriodStart   int64                  `json:"current_period_start"`
	CurrentPeriodEnd     int64                  `json:"current_period_end"`
	CancelAtPeriodEnd    bool                   `json:"cancel_at_period_end"`
	CanceledAt           *int64                 `json:"canceled_at"`
	EndedAt              *int64                 `json:"ended_at"`
	DefaultPaymentMethod string                 `json:"default_payment_method"`
	LatestInvoice        string                 `json:"latest_invoice"`
	Items                list[subscriptionItem] `json:"items"`
	Metadata             map[string]string      `json:"metadata"`
}

type subscriptionItem struct {
	ID           string `json:"id"`
	Object       string `json:"object"`
	Created      int64  `json:"created"`
	Subscription string `json:"subscription"`
	Quantity     int64  `json:"quantity"`
	Price        price  `json:"price"`
}

type invoice struct {
	ID              string            `json:"id,omitempty"` // an upcoming one has none
	Object          kind              `json:"object"`
	Created         int64             `json:"created"`
	Livemode        bool              `json:"livemode"`
	Number          string            `json:"number"`
	Status          string            `json:"status"` // draft, open, paid
	Paid            bool              `json:"paid"`
	BillingReason   string            `json:"billing_reason"`
	Customer        string            `json:"customer"`
	CustomerEmail   *string           `json:"customer_email"`
	Subscription    string            `json:"subscription"`
	Currency        string            `json:"currency"`
	AmountDue       int64             `json:"amount_due"`
	AmountPaid      int64             `json:"amount_paid"`
	Subtotal        int64             `json:"subtotal"`
	Total           int64             `json:"total"`
	StartingBalance int64             `json:"starting_balance"`
	EndingBalance   *int64            `json:"ending_balance"`
	Charge          *string           `json:"charge"`
	PeriodStart     int64             `json:"period_start"`
	PeriodEnd       int64             `json:"period_end"`
	Lines           list[invoiceLine] `json:"lines"`
}

type invoiceLine struct {
	ID          string `json:"id"`
	Object      string `json:"object"`
	Type        string `json:"type"`
	Amount      int64  `json:"amount"`
	Currency    string `json:"currency"`
	Description string `json:"description"`
	Proration   bool   `json:"proration"`
	Quantity    int64  `json:"quantity"`
	Price       price  `json:"price"`
	Period      period `json:"period"`
}

type period struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

type paymentMethod struct {
	ID       string `json:"id"`
	Object   kind   `json:"object"`
	Created  int64  `json:"created"`
	Livemode bool   `json:"livemode"`
	Type     string `json:"type"`
	Customer string `json:"customer"`
	Card     card   `json:"card"`
}

type card struct {
	Brand    string `json:"brand"`
	Last4    string `json:"last4"`
	ExpMonth int64  `json:"exp_month"`
	ExpYear  int64  `json:"exp_year"`
}

// cardCharge is money that a card paid.
type cardCharge struct {
	ID             string `json:"id"`
	Object         kind   `json:"object"`
	Created        int64  `json:"created"`
	Livemode       bool   `json:"livemode"`
	Amount         int64  `json:"amount"`
	AmountRefunded int64  `json:"amount_refunded"`
	Currency       string `json:"currency"`
	Customer       string `json:"customer"`
	Invoice        string `json:"invoice"`
	PaymentMethod  string `json:"payment_method"`
	Paid           bool   `json:"paid"`
	Refunded       bool   `json:"refunded"` // all of it
	Status         string `json:"status"`
}

type creditNote struct {
	ID       string            `json:"id"`
	Object   kind              `json:"object"`
	Created  int64             `json:"created"`
	Livemode bool              `json:"livemode"`
	Number   string            `json:"number"`
	Status   string            `json:"status"`
	Type     string            `json:"type"`
	Customer string            `json:"customer"`
	Invoice  string            `json:"invoice"`
	Currency string            `json:"currency"`
	Amount   int64             `json:"amount"`
	Subtotal int64             `json:"subtotal"`
	Total    int64             `json:"total"`
	Reason   *string           `json:"reason"`
	Memo     *string           `json:"memo"`
	Refund   string            `json:"refund"`
	Metadata map[string]string `json:"metadata"`
}

type refund struct {
	ID       string  `json:"id"`
	Object   kind    `json:"object"`
	Created  int64   `json:"created"`
	Amount   int64   `json:"amount"`
	Charge   string  `json:"charge"`
	Currency string  `json:"currency"`
	Reason   *string `json:"reason"`
	Status   string  `json:"status"`
}

// balanceTransaction is one change of what a customer has in credit.
type balanceTransaction struct {
	ID            string            `json:"id"`
	Object        kind              `json:"object"`
	Created       int64             `json:"created"`
	Livemode      bool              `json:"livemode"`
	Type          string            `json:"type"` // adjustment, applied_to_invoice
	Amount        int64             `json:"amount"`
	EndingBalance int64             `json:"ending_balance"`
	Currency      string            `json:"currency"`
	Customer      string            `json:"customer"`
	Invoice       *string           `json:"invoice"`
	Description   *string           `json:"description"`
	Metadata      map[string]string `json:"metadata"`
}

type event struct {
	ID              string        `json:"id"`
	Object          kind          `json:"object"`
	APIVersion      string        `json:"api_version"`
	Created         int64         `json:"created"`
	Livemode        bool          `json:"livemode"`
	PendingWebhooks int64         `json:"pending_webhooks"`
	Type            string        `json:"type"`
	Request         *eventRequest `json:"request"`
	Data            eventData     `json:"data"`
}

type eventRequest struct {
	ID             *string `json:"id"`
	IdempotencyKey *string `json:"idempotency_key"`
}

type eventData struct {
	Object json.RawMessage `json:"object"`
}

type list[T any] struct {
	Object  string `json:"object"`
	URL     string `json:"url"`
	HasMore bool   `json:"has_more"`
	Data    []T    `json:"data"`
}

func listOf[T any](url string, data ...T) list[T] {
	return list[T]{Object: "list", URL: url, Data: data}
}

// optional is nil for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
