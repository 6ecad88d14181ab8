package billing

import (
	"cmp"
	"context"
	"time"

	"github.com/dyocense/dyocense/shared/id"
)

// Provider is what billing needs of a payment service. Calls with the same Once
// have one effect; calls without one say how things shall be and may be repeated.
// Failures of the service are ErrProvider.
type Provider interface {
	Checkouts
	Switches
	Subscriptions
	Papers
	Repairs
	Meters
}

// Checkouts sell.
type Checkouts interface {
	// Customer finds the tenant's customer or makes it.
	Customer(ctx context.Context, t id.Tenant, p Payer, once string) (customer string, err error)
	// StartCheckout opens a hosted page on which the customer pays.
	StartCheckout(ctx context.Context, o Order) (Hosted, error)
	// ExpireCheckout closes a hosted page, or fails with ErrCheckoutOver.
	ExpireCheckout(ctx context.Context, checkout string) error
	// Fetch says what the customer has now: the live subscription, else the latest
	// one, else the zero Snapshot. FetchStarted is left to the caller. It fails with
	// ErrUnknownPrice when the live subscription is not of our price list.
	Fetch(ctx context.Context, customer string) (Snapshot, error)
}

// Switches change a plan at once and can take that back.
type Switches interface {
	// Preview reckons what Switch, or Change, would charge or credit. A ProratedAt
	// outside of the running period is moved into it. From, To, Interval, ToInterval
	// and Expires are left to the caller.
	Preview(ctx context.Context, s Terms) (Quote, error)
	// Switch changes the price of a subscription now and charges or credits what
	// Preview reckons for the same ProratedAt. It fails with ErrPayment when the
	// charge fails and with ErrQuoteChanged when the subscription has another price
	// than From; then nothing has changed.
	Switch(ctx context.Context, s Terms) (Receipt, error)
	// Switched says whether a Switch with this Mark has happened, and what it took.
	Switched(ctx context.Context, s Terms) (r Receipt, happened bool, err error)
	// Revert puts the price of From back without reckoning, and gives back what the
	// Switch took: money to the card with a credit note, credit to the balance. It may
	// be repeated, also much later. A subscription that ended meanwhile stays ended.
	// It fails with ErrChangedSince when the subscription has a third price.
	Revert(ctx context.Context, s Terms, r Receipt) error
	// End ends a subscription now, without giving anything back. One that has ended
	// stays so, without failing.
	End(ctx context.Context, subscription string) error
}

// Subscriptions change what runs.
type Subscriptions interface {
	// Change asks for another price now, for what Preview reckons for the same
	// ProratedAt. A payment that does not come through leaves the present price and a
	// pending change, which Fetch shows until it is paid or lapses. What was scheduled
	// is dropped. It fails with ErrQuoteChanged when the subscription has another
	// price than From.
	Change(ctx context.Context, s Terms) error
	// Schedule changes the price at the end of the period instead of what was
	// scheduled before.
	Schedule(ctx context.Context, s Terms) error
	// Unschedule drops what is scheduled, if anything is.
	Unschedule(ctx context.Context, subscription string) error
	// Abandon gives up a pending change by voiding its invoice.
	Abandon(ctx context.Context, invoice string) error
	// EndTrial ends the trial now, so that the first period is paid.
	EndTrial(ctx context.Context, subscription, once string) error
	// Cancel ends the subscription, now or at the end of the period, and drops what
	// is scheduled. Reason is the customer's own, or "".
	Cancel(ctx context.Context, subscription string, now bool, reason string) error
	// Resume takes a Cancel at the end of the period back.
	Resume(ctx context.Context, subscription string) error
	// Continue lets a paused subscription run again, paid with a method from now on.
	// It fails with ErrPayment.
	Continue(ctx context.Context, subscription, method, once string) error
	// Pay pays an open invoice with a method and keeps that for the next ones. It
	// fails with ErrPayment.
	Pay(ctx context.Context, subscription, invoice, method, once string) error
}

// Papers are what a customer sees and corrects.
type Papers interface {
	// Portal opens a hosted page of the customer's own. Its address is a secret.
	Portal(ctx context.Context, customer string, p Purpose, back string) (url string, err error)
	// Invoices lists the customer's invoices, newest first. After is the id of the
	// last one seen.
	Invoices(ctx context.Context, customer, after string, limit int) (InvoicePage, error)
	// InvoiceLinks are the addresses of one invoice, which are secrets. It fails with
	// ErrNoInvoice when the customer has no such one.
	InvoiceLinks(ctx context.Context, customer, invoice string) (InvoiceLinks, error)
	// Details are who the invoices are made out to.
	Details(ctx context.Context, customer string) (PayerDetails, error)
	// SetDetails changes all but the tax ids. It fails with ErrDetails.
	SetDetails(ctx context.Context, customer string, d PayerDetails) error
	// AddTaxID fails with ErrTaxID when it is not one.
	AddTaxID(ctx context.Context, customer string, t TaxID) error
	// RemoveTaxID does nothing when there is no such one.
	RemoveTaxID(ctx context.Context, customer, taxID string) error
}

// Repairs put right what went wrong.
type Repairs interface {
	// TakeBack ends a subscription now and refunds all that was paid for it. It may
	// be repeated.
	TakeBack(ctx context.Context, subscription, once string) error
	// Warning reads a dispute or an early fraud warning. What is none is the zero
	// Warning.
	Warning(ctx context.Context, object, name string) (Warning, error)
	// Undelivered shows every notice since then that we have not taken, or not yet.
	Undelivered(ctx context.Context, since time.Time, visit func(Notice) error) error
}

// Meters tell what was used.
type Meters interface {
	// Meter reports use. The same Identifier counts once.
	Meter(ctx context.Context, r Reading) error
}

// Terms say which change of a subscription is meant.
type Terms struct {
	Customer     string
	Subscription string
	From, To     PlanID
	Interval     Interval
	ToInterval   Interval // "" means the same
	ProratedAt   time.Time
	Mark         string // names the change, and stays with the subscription
	Once         string // names the attempt
}

// Target is the interval after the change.
func (t Terms) Target() Interval { return cmp.Or(t.ToInterval, t.Interval) }

// TargetKey is the lookup key of the price after the change.
func (t Terms) TargetKey() string { return LookupKey(t.To, t.Target()) }

// OtherInterval says whether the change begins a new period.
func (t Terms) OtherInterval() bool { return t.Target() != t.Interval }

// Order is what a hosted page is opened for.
type Order struct {
	Tenant     id.Tenant
	Customer   string
	Plan       PlanID
	Interval   Interval
	TrialDays  int // 0 is none
	SuccessURL string
	CancelURL  string
	Expires    time.Time
	Once       string
}

// Hosted is an open hosted page.
type Hosted struct {
	ID  string
	URL string
}

// Notice is a message of the provider whose signature was good.
type Notice struct {
	ID       string
	Type     string
	Customer string // "" when it is about no customer
	Object   string // what kind of thing it is about, "dispute"
	ObjectID string
	Created  time.Time
	Body     []byte // as it was sent
}

// Notices reads messages of the provider.
type Notices interface {
	// Read checks the signature, its time and the mode, or fails with one of the
	// ErrNotice faults.
	Read(payload []byte, signature string) (Notice, error)
}
