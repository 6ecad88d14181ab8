package billing

import (
	"context"
	"time"

	"github.com/dyocense/dyocense/shared/id"
)

// Provider is what billing needs of a payment service. Calls with the same Once
// have one effect. Failures of the service are ErrProvider.
type Provider interface {
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
	// Preview reckons what Switch would charge or credit. A ProratedAt outside of the
	// running period is moved into it. From, To, Interval and Expires are left to the
	// caller.
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

// Terms say which change of a subscription is meant.
type Terms struct {
	Customer     string
	Subscription string
	From, To     PlanID
	Interval     Interval
	ProratedAt   time.Time
	Mark         string // names the change, and stays with the subscription
	Once         string // names the attempt
}

// Order is what a hosted page is opened for.
type Order struct {
	Tenant     id.Tenant
	Customer   string
	Plan       PlanID
	Interval   Interval
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
	Created  time.Time
}

// Notices reads messages of the provider.
type Notices interface {
	// Read checks the signature, its time and the mode, or fails with one of the
	// ErrNotice faults.
	Read(payload []byte, signature string) (Notice, error)
}
