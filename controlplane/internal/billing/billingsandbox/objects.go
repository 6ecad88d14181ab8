package billingsandbox

import "encoding/json"

// The objects, in the shape of API version 2023-10-16. Fields that the sandbox
// never fills are left out.

// ref is a text or an identifier that may be lacking: "" is null.
type ref string

// MarshalJSON implements json.Marshaler.
func (r ref) MarshalJSON() ([]byte, error) {
	if r == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(r))
}

// stamp is a second that may be lacking: 0 is null.
type stamp int64

// MarshalJSON implements json.Marshaler.
func (s stamp) MarshalJSON() ([]byte, error) {
	if s == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(int64(s))
}

type invoiceSettings struct {
	DefaultPaymentMethod ref `json:"default_payment_method"`
}

type address struct {
	City       ref `json:"city"`
	Country    ref `json:"country"`
	Line1      ref `json:"line1"`
	Line2      ref `json:"line2"`
	PostalCode ref `json:"postal_code"`
	State      ref `json:"state"`
}

type customer struct {
	hidden
	ID              string            `json:"id"`
	Object          kind              `json:"object"`
	Created         int64             `json:"created"`
	Livemode        bool              `json:"livemode"`
	Deleted         bool              `json:"deleted,omitempty"`
	Email           ref               `json:"email"`
	Name            ref               `json:"name"`
	Phone           ref               `json:"phone"`
	Description     ref               `json:"description"`
	Address         *address          `json:"address"`
	Currency        ref               `json:"currency"`
	Delinquent      bool              `json:"delinquent"`
	Balance         int64             `json:"balance"` // below 0 is credit
	InvoiceSettings invoiceSettings   `json:"invoice_settings"`
	TaxExempt       string            `json:"tax_exempt"`
	TestClock       ref               `json:"test_clock"`
	Metadata        map[string]string `json:"metadata"`
}

func (v *customer) found() found {
	return found{id: v.ID, kind: kindCustomer, email: string(v.Email), customer: v.ID}
}

type product struct {
	hidden
	ID          string            `json:"id"`
	Object      kind              `json:"object"`
	Created     int64             `json:"created"`
	Updated     int64             `json:"updated"`
	Livemode    bool              `json:"livemode"`
	Active      bool              `json:"active"`
	Type        string            `json:"type"`
	Name        string            `json:"name"`
	Description ref               `json:"description"`
	Metadata    map[string]string `json:"metadata"`
}

func (v *product) found() found { return found{id: v.ID, kind: kindProduct} }

type price struct {
	hidden
	ID            string            `json:"id"`
	Object        kind              `json:"object"`
	Created       int64             `json:"created"`
	Livemode      bool              `json:"livemode"`
	Active        bool              `json:"active"`
	Product       string            `json:"product"`
	Currency      string            `json:"currency"`
	UnitAmount    int64             `json:"unit_amount"`
	BillingScheme string            `json:"billing_scheme"`
	Type          string            `json:"type"`
	LookupKey     ref               `json:"lookup_key"`
	Nickname      ref               `json:"nickname"`
	TaxBehavior   string            `json:"tax_behavior"`
	Recurring     recurring         `json:"recurring"`
	Metadata      map[string]string `json:"metadata"`
}

func (v *price) found() found {
	return found{id: v.ID, kind: kindPrice, lookup: string(v.LookupKey)}
}

type recurring struct {
	Interval       string `json:"interval"`
	IntervalCount  int64  `json:"interval_count"`
	UsageType      string `json:"usage_type"` // licensed, metered
	AggregateUsage ref    `json:"aggregate_usage"`
	Meter          ref    `json:"meter"`
}

type automaticTax struct {
	Enabled bool `json:"enabled"`
	Status  ref  `json:"status,omitempty"`
}

// checkoutSession is one visit to the hosted page.
type checkoutSession struct {
	hidden
	ID                      string            `json:"id"`
	Object                  kind              `json:"object"`
	Created                 int64             `json:"created"`
	Livemode                bool              `json:"livemode"`
	Mode                    string            `json:"mode"`
	Status                  string            `json:"status"`         // open, complete, expired
	PaymentStatus           string            `json:"payment_status"` // unpaid, paid, no_payment_required
	PaymentMethodCollection string            `json:"payment_method_collection"`
	PaymentMethodTypes      []string          `json:"payment_method_types"`
	Customer                ref               `json:"customer"`
	CustomerUpdate          map[string]string `json:"-"`
	ClientReferenceID       ref               `json:"client_reference_id"`
	Currency                ref               `json:"currency"`
	AmountSubtotal          int64             `json:"amount_subtotal"`
	AmountTotal             int64             `json:"amount_total"`
	AutomaticTax            automaticTax      `json:"automatic_tax"`
	TaxIDCollection         automaticTax      `json:"tax_id_collection"`
	SuccessURL              string            `json:"success_url"`
	CancelURL               ref               `json:"cancel_url"`
	ExpiresAt               int64             `json:"expires_at"`
	Subscription            ref               `json:"subscription"`
	SetupIntent             ref               `json:"setup_intent"`
	Invoice                 ref               `json:"invoice"`
	URL                     ref               `json:"url"` // only while open
	Metadata                map[string]string `json:"metadata"`
}

func (v *checkoutSession) found() found {
	f := found{id: v.ID, kind: kindCheckout, customer: string(v.Customer)}
	if v.Status == open {
		f.due = v.ExpiresAt
	}
	return f
}

// order is what is bought in a checkout session.
type order struct {
	Price        string            `json:"price,omitempty"` // what one line was called before there could be more
	Quantity     int64             `json:"quantity,omitempty"`
	Lines        []orderLine       `json:"lines,omitempty"`
	TrialDays    int64             `json:"trialDays,omitempty"`
	TrialEnd     int64             `json:"trialEnd,omitempty"`
	TrialMissing string            `json:"trialMissing,omitempty"`
	Description  string            `json:"description,omitempty"`
	Metadata     map[string]string `json:"metadata"`
	TakesName    bool              `json:"takesName,omitempty"` // customer_update
	TakesAddress bool              `json:"takesAddress,omitempty"`
}

type orderLine struct {
	Price    string `json:"price"`
	Quantity int64  `json:"quantity"`
}

func (o *order) lines() []orderLine {
	if o.Price != "" {
		return []orderLine{{o.Price, o.Quantity}}
	}
	return o.Lines
}

type cancellationDetails struct {
	Comment  ref `json:"comment"`
	Feedback ref `json:"feedback"`
	Reason   ref `json:"reason"`
}

type trialSettings struct {
	EndBehavior struct {
		MissingPaymentMethod string `json:"missing_payment_method"`
	} `json:"end_behavior"`
}

type paymentSettings struct {
	SaveDefaultPaymentMethod string `json:"save_default_payment_method"`
}

type pendingUpdate struct {
	BillingCycleAnchor stamp              `json:"billing_cycle_anchor"`
	ExpiresAt          int64              `json:"expires_at"`
	SubscriptionItems  []subscriptionItem `json:"subscription_items"`
	TrialEnd           stamp              `json:"trial_end"`
}

type subscription struct {
	hidden
	ID                   string                 `json:"id"`
	Object               kind                   `json:"object"`
	Created              int64                  `json:"created"`
	Livemode             bool                   `json:"livemode"`
	Status               string                 `json:"status"`
	Customer             string                 `json:"customer"`
	Currency             string                 `json:"currency"`
	Description          ref                    `json:"description"`
	CollectionMethod     string                 `json:"collection_method"`
	AutomaticTax         automaticTax           `json:"automatic_tax"`
	BillingCycleAnchor   int64                  `json:"billing_cycle_anchor"`
	StartDate            int64                  `json:"start_date"`
	CurrentPeriodStart   int64                  `json:"current_period_start"`
	CurrentPeriodEnd     int64                  `json:"current_period_end"`
	CancelAt             stamp                  `json:"cancel_at"`
	CancelAtPeriodEnd    bool                   `json:"cancel_at_period_end"`
	CanceledAt           stamp                  `json:"canceled_at"`
	CancellationDetails  cancellationDetails    `json:"cancellation_details"`
	EndedAt              stamp                  `json:"ended_at"`
	DefaultPaymentMethod ref                    `json:"default_payment_method"`
	LatestInvoice        ref                    `json:"latest_invoice"`
	PendingSetupIntent   ref                    `json:"pending_setup_intent"`
	PendingUpdate        *pendingUpdate         `json:"pending_update"`
	PaymentSettings      paymentSettings        `json:"payment_settings"`
	Schedule             ref                    `json:"schedule"`
	TestClock            ref                    `json:"test_clock"`
	TrialStart           stamp                  `json:"trial_start"`
	TrialEnd             stamp                  `json:"trial_end"`
	TrialSettings        trialSettings          `json:"trial_settings"`
	Items                list[subscriptionItem] `json:"items"`
	Metadata             map[string]string      `json:"metadata"`
}

func (v *subscription) found() found {
	return found{id: v.ID, kind: kindSubscription, customer: v.Customer, due: v.due()}
}

type subscriptionItem struct {
	ID           string            `json:"id"`
	Object       string            `json:"object"`
	Created      int64             `json:"created"`
	Subscription string            `json:"subscription"`
	Quantity     int64             `json:"quantity,omitempty"` // a metered one has none
	Price        price             `json:"price"`
	Plan         planOfItem        `json:"plan"`
	Metadata     map[string]string `json:"metadata"`
}

// planOfItem is the price in the words of an older API, which 2023-10-16 still
// tells.
type planOfItem struct {
	ID            string `json:"id"`
	Object        string `json:"object"`
	Active        bool   `json:"active"`
	Amount        int64  `json:"amount"`
	Currency      string `json:"currency"`
	Interval      string `json:"interval"`
	IntervalCount int64  `json:"interval_count"`
	Product       string `json:"product"`
	UsageType     string `json:"usage_type"`
}

func planOf(p price) planOfItem {
	return planOfItem{p.ID, "plan", p.Active, p.UnitAmount, p.Currency, p.Recurring.Interval, p.Recurring.IntervalCount, p.Product, p.Recurring.UsageType}
}

type phaseItem struct {
	Price    string            `json:"price"`
	Quantity int64             `json:"quantity,omitempty"`
	Metadata map[string]string `json:"metadata"`
}

type phase struct {
	StartDate         int64             `json:"start_date"`
	EndDate           int64             `json:"end_date"`
	Currency          string            `json:"currency"`
	Items             []phaseItem       `json:"items"`
	ProrationBehavior string            `json:"proration_behavior"`
	TrialEnd          stamp             `json:"trial_end"`
	Metadata          map[string]string `json:"metadata"`
}

type phaseSpan struct {
	StartDate int64 `json:"start_date"`
	EndDate   int64 `json:"end_date"`
}

type schedule struct {
	hidden
	ID                   string            `json:"id"`
	Object               kind              `json:"object"`
	Created              int64             `json:"created"`
	Livemode             bool              `json:"livemode"`
	Status               string            `json:"status"` // active, completed, released, canceled
	Customer             string            `json:"customer"`
	Subscription         ref               `json:"subscription"`
	ReleasedSubscription ref               `json:"released_subscription"`
	EndBehavior          string            `json:"end_behavior"`
	CurrentPhase         *phaseSpan        `json:"current_phase"`
	Phases               []phase           `json:"phases"`
	CanceledAt           stamp             `json:"canceled_at"`
	CompletedAt          stamp             `json:"completed_at"`
	ReleasedAt           stamp             `json:"released_at"`
	TestClock            ref               `json:"test_clock"`
	Metadata             map[string]string `json:"metadata"`
}

func (v *schedule) found() found {
	f := found{id: v.ID, kind: kindSchedule, customer: v.Customer}
	if v.Status == active && v.CurrentPhase != nil {
		f.due = v.CurrentPhase.EndDate
	}
	return f
}

type statusTransitions struct {
	FinalizedAt           stamp `json:"finalized_at"`
	MarkedUncollectibleAt stamp `json:"marked_uncollectible_at"`
	PaidAt                stamp `json:"paid_at"`
	VoidedAt              stamp `json:"voided_at"`
}

type invoiceSubscriptionDetails struct {
	Metadata map[string]string `json:"metadata"`
}

type invoice struct {
	hidden
	ID                  string                     `json:"id,omitempty"` // an upcoming one has none
	Object              kind                       `json:"object"`
	Created             int64                      `json:"created"`
	Livemode            bool                       `json:"livemode"`
	Number              ref                        `json:"number"`
	Status              string                     `json:"status"` // draft, open, paid, void, uncollectible
	Paid                bool                       `json:"paid"`
	PaidOutOfBand       bool                       `json:"paid_out_of_band"`
	Attempted           bool                       `json:"attempted"`
	AttemptCount        int64                      `json:"attempt_count"`
	NextPaymentAttempt  stamp                      `json:"next_payment_attempt"`
	AutoAdvance         bool                       `json:"auto_advance"`
	AutomaticTax        automaticTax               `json:"automatic_tax"`
	BillingReason       string                     `json:"billing_reason"`
	CollectionMethod    string                     `json:"collection_method"`
	Customer            string                     `json:"customer"`
	CustomerEmail       ref                        `json:"customer_email"`
	CustomerName        ref                        `json:"customer_name"`
	Subscription        ref                        `json:"subscription"`
	SubscriptionDetails invoiceSubscriptionDetails `json:"subscription_details"`
	Currency            string                     `json:"currency"`
	AmountDue           int64                      `json:"amount_due"`
	AmountPaid          int64                      `json:"amount_paid"`
	AmountRemaining     int64                      `json:"amount_remaining"`
	Subtotal            int64                      `json:"subtotal"`
	Tax                 *int64                     `json:"tax"`
	Total               int64                      `json:"total"`
	StartingBalance     int64                      `json:"starting_balance"`
	EndingBalance       *int64                     `json:"ending_balance"`
	Charge              ref                        `json:"charge"`
	PaymentIntent       ref                        `json:"payment_intent"`
	PeriodStart         int64                      `json:"period_start"`
	PeriodEnd           int64                      `json:"period_end"`
	HostedInvoiceURL    ref                        `json:"hosted_invoice_url"`
	InvoicePDF          ref                        `json:"invoice_pdf"`
	StatusTransitions   statusTransitions          `json:"status_transitions"`
	TestClock           ref                        `json:"test_clock"`
	Lines               list[invoiceLine]          `json:"lines"`
	Metadata            map[string]string          `json:"metadata"`
}

func (v *invoice) found() found {
	f := found{id: v.ID, kind: kindInvoice, customer: v.Customer}
	switch {
	case v.Status == draft && v.AutoAdvance:
		f.due = v.Created + draftFor
	case v.Status == open:
		f.due = int64(v.NextPaymentAttempt)
	}
	return f
}

type invoiceLine struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	Type             string            `json:"type"` // subscription, invoiceitem
	Amount           int64             `json:"amount"`
	Currency         string            `json:"currency"`
	Description      string            `json:"description"`
	InvoiceItem      ref               `json:"invoice_item,omitempty"`
	Proration        bool              `json:"proration"`
	Quantity         int64             `json:"quantity"`
	Price            price             `json:"price"`
	Plan             planOfItem        `json:"plan"`
	Period           period            `json:"period"`
	Subscription     ref               `json:"subscription"`
	SubscriptionItem ref               `json:"subscription_item"`
	Metadata         map[string]string `json:"metadata"`
}

type period struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// invoiceItem is a line that waits for the next invoice.
type invoiceItem struct {
	hidden
	ID           string            `json:"id"`
	Object       kind              `json:"object"`
	Date         int64             `json:"date"`
	Livemode     bool              `json:"livemode"`
	Amount       int64             `json:"amount"`
	Currency     string            `json:"currency"`
	Customer     string            `json:"customer"`
	Description  string            `json:"description"`
	Invoice      ref               `json:"invoice"`
	Period       period            `json:"period"`
	Price        price             `json:"price"`
	Proration    bool              `json:"proration"`
	Quantity     int64             `json:"quantity"`
	Subscription ref               `json:"subscription"`
	Metadata     map[string]string `json:"metadata"`
}

func (v *invoiceItem) found() found {
	return found{id: v.ID, kind: kindInvoiceItem, customer: v.Customer}
}

type paymentMethod struct {
	hidden
	ID             string            `json:"id"`
	Object         kind              `json:"object"`
	Created        int64             `json:"created"`
	Livemode       bool              `json:"livemode"`
	Type           string            `json:"type"`
	Customer       ref               `json:"customer"`
	Card           card              `json:"card"`
	BillingDetails billingDetails    `json:"billing_details"`
	Metadata       map[string]string `json:"metadata"`
}

type billingDetails struct {
	Name  ref `json:"name"`
	Email ref `json:"email"`
}

func (v *paymentMethod) found() found {
	return found{id: v.ID, kind: kindPaymentMethod, customer: string(v.Customer)}
}

type card struct {
	Brand       string `json:"brand"`
	Country     string `json:"country"`
	Fingerprint string `json:"fingerprint"`
	Funding     string `json:"funding"`
	Last4       string `json:"last4"`
	ExpMonth    int64  `json:"exp_month"`
	ExpYear     int64  `json:"exp_year"`
}

type nextAction struct {
	Type          string         `json:"type"`
	RedirectToURL *redirectToURL `json:"redirect_to_url"`
}

type redirectToURL struct {
	ReturnURL ref    `json:"return_url"`
	URL       string `json:"url"`
}

type paymentIntent struct {
	hidden
	ID                 string            `json:"id"`
	Object             kind              `json:"object"`
	Created            int64             `json:"created"`
	Livemode           bool              `json:"livemode"`
	Amount             int64             `json:"amount"`
	AmountReceived     int64             `json:"amount_received"`
	CanceledAt         stamp             `json:"canceled_at"`
	ClientSecret       string            `json:"client_secret"`
	ConfirmationMethod string            `json:"confirmation_method"`
	Currency           string            `json:"currency"`
	Customer           ref               `json:"customer"`
	Description        ref               `json:"description"`
	Invoice            ref               `json:"invoice"`
	LastPaymentError   *failure          `json:"last_payment_error"`
	LatestCharge       ref               `json:"latest_charge"`
	NextAction         *nextAction       `json:"next_action"`
	PaymentMethod      ref               `json:"payment_method"`
	PaymentMethodTypes []string          `json:"payment_method_types"`
	SetupFutureUsage   ref               `json:"setup_future_usage"`
	Status             string            `json:"status"`
	Metadata           map[string]string `json:"metadata"`
}

func (v *paymentIntent) found() found {
	return found{id: v.ID, kind: kindPaymentIntent, customer: string(v.Customer)}
}

type setupIntent struct {
	hidden
	ID                 string            `json:"id"`
	Object             kind              `json:"object"`
	Created            int64             `json:"created"`
	Livemode           bool              `json:"livemode"`
	ClientSecret       string            `json:"client_secret"`
	Customer           ref               `json:"customer"`
	Description        ref               `json:"description"`
	LastSetupError     *failure          `json:"last_setup_error"`
	NextAction         *nextAction       `json:"next_action"`
	PaymentMethod      ref               `json:"payment_method"`
	PaymentMethodTypes []string          `json:"payment_method_types"`
	Status             string            `json:"status"`
	Usage              string            `json:"usage"`
	Metadata           map[string]string `json:"metadata"`
}

func (v *setupIntent) found() found {
	return found{id: v.ID, kind: kindSetupIntent, customer: string(v.Customer)}
}

// cardCharge is money that a card paid, or was to pay.
type cardCharge struct {
	hidden
	ID                   string               `json:"id"`
	Object               kind                 `json:"object"`
	Created              int64                `json:"created"`
	Livemode             bool                 `json:"livemode"`
	Amount               int64                `json:"amount"`
	AmountCaptured       int64                `json:"amount_captured"`
	AmountRefunded       int64                `json:"amount_refunded"`
	Captured             bool                 `json:"captured"`
	Currency             string               `json:"currency"`
	Customer             string               `json:"customer"`
	Disputed             bool                 `json:"disputed"`
	FailureCode          ref                  `json:"failure_code"`
	FailureMessage       ref                  `json:"failure_message"`
	Invoice              ref                  `json:"invoice"`
	Outcome              *chargeOutcome       `json:"outcome"`
	PaymentIntent        ref                  `json:"payment_intent"`
	PaymentMethod        string               `json:"payment_method"`
	PaymentMethodDetails paymentMethodDetails `json:"payment_method_details"`
	Paid                 bool                 `json:"paid"`
	Refunded             bool                 `json:"refunded"` // all of it
	Status               string               `json:"status"`
	Metadata             map[string]string    `json:"metadata"`
}

type chargeOutcome struct {
	NetworkStatus string `json:"network_status"`
	Reason        ref    `json:"reason"`
	RiskLevel     string `json:"risk_level"`
	SellerMessage string `json:"seller_message"`
	Type          string `json:"type"`
}

type paymentMethodDetails struct {
	Card card   `json:"card"`
	Type string `json:"type"`
}

func (v *cardCharge) found() found {
	return found{id: v.ID, kind: kindCharge, customer: v.Customer}
}

type creditNote struct {
	hidden
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
	Reason   ref               `json:"reason"`
	Memo     ref               `json:"memo"`
	Refund   ref               `json:"refund"`
	Metadata map[string]string `json:"metadata"`
}

func (v *creditNote) found() found {
	return found{id: v.ID, kind: kindCreditNote, customer: v.Customer}
}

type refund struct {
	hidden
	ID            string            `json:"id"`
	Object        kind              `json:"object"`
	Created       int64             `json:"created"`
	Amount        int64             `json:"amount"`
	Charge        string            `json:"charge"`
	PaymentIntent ref               `json:"payment_intent"`
	Currency      string            `json:"currency"`
	Reason        ref               `json:"reason"`
	Status        string            `json:"status"`
	Metadata      map[string]string `json:"metadata"`
}

func (v *refund) found() found { return found{id: v.ID, kind: kindRefund} }

type dispute struct {
	hidden
	ID                 string            `json:"id"`
	Object             kind              `json:"object"`
	Created            int64             `json:"created"`
	Livemode           bool              `json:"livemode"`
	Amount             int64             `json:"amount"`
	Charge             string            `json:"charge"`
	Currency           string            `json:"currency"`
	Evidence           disputeEvidence   `json:"evidence"`
	EvidenceDetails    evidenceDetails   `json:"evidence_details"`
	IsChargeRefundable bool              `json:"is_charge_refundable"`
	PaymentIntent      ref               `json:"payment_intent"`
	Reason             string            `json:"reason"`
	Status             string            `json:"status"`
	Metadata           map[string]string `json:"metadata"`
}

type disputeEvidence struct {
	UncategorizedText ref `json:"uncategorized_text"`
}

type evidenceDetails struct {
	DueBy           int64 `json:"due_by"`
	HasEvidence     bool  `json:"has_evidence"`
	PastDue         bool  `json:"past_due"`
	SubmissionCount int64 `json:"submission_count"`
}

func (v *dispute) found() found { return found{id: v.ID, kind: kindDispute} }

type fraudWarning struct {
	hidden
	ID            string `json:"id"`
	Object        kind   `json:"object"`
	Created       int64  `json:"created"`
	Livemode      bool   `json:"livemode"`
	Actionable    bool   `json:"actionable"`
	Charge        string `json:"charge"`
	FraudType     string `json:"fraud_type"`
	PaymentIntent ref    `json:"payment_intent"`
}

func (v *fraudWarning) found() found { return found{id: v.ID, kind: kindFraudWarning} }

// balanceTransaction is one change of what a customer has in credit.
type balanceTransaction struct {
	hidden
	ID            string            `json:"id"`
	Object        kind              `json:"object"`
	Created       int64             `json:"created"`
	Livemode      bool              `json:"livemode"`
	Type          string            `json:"type"` // adjustment, applied_to_invoice
	Amount        int64             `json:"amount"`
	EndingBalance int64             `json:"ending_balance"`
	Currency      string            `json:"currency"`
	Customer      string            `json:"customer"`
	Invoice       ref               `json:"invoice"`
	Description   ref               `json:"description"`
	Metadata      map[string]string `json:"metadata"`
}

func (v *balanceTransaction) found() found {
	return found{id: v.ID, kind: kindBalanceChange, customer: v.Customer}
}

type event struct {
	hidden
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

func (v *event) found() found { return found{id: v.ID, kind: kindEvent} }

type eventRequest struct {
	ID             ref `json:"id"`
	IdempotencyKey ref `json:"idempotency_key"`
}

type eventData struct {
	Object             json.RawMessage `json:"object"`
	PreviousAttributes map[string]any  `json:"previous_attributes,omitempty"`
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

// removed is what is said of an object that was deleted.
type removed struct {
	ID      string `json:"id"`
	Object  kind   `json:"object"`
	Deleted bool   `json:"deleted"`
}
