package billing

import (
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/id"
)

// EventActivated is announced when a tenant's access becomes active, with
// ActivatedData. Going past due and recovering does not announce it again.
const EventActivated = "billing.subscription_activated"

// ActivatedData goes with EventActivated.
type ActivatedData struct {
	Plan PlanID `json:"plan"`
}

// EventPlanChanged is announced when a tenant whose access is announced has another
// plan than before, with PlanChangedData.
const EventPlanChanged = "billing.plan_changed"

// PlanChangedData goes with EventPlanChanged.
type PlanChangedData struct {
	From PlanID `json:"from"`
	To   PlanID `json:"to"`
}

// Account is a tenant's side of the bill.
type Account struct {
	Tenant   id.Tenant `json:"tenant"`
	Payer    Payer     `json:"payer"`
	Customer string    `json:"customer,omitempty"` // at the provider; given once, kept for good
	Snapshot Snapshot  `json:"snapshot"`
	// Checkouts counts them; with the tenant it names each to the provider.
	Checkouts int       `json:"checkouts"`
	Checkout  *Checkout `json:"checkout,omitempty"`
	// Announced says whether the present activation was announced.
	Announced bool `json:"announced"`
	// Changes are the changes of plan, in the order in which they began. All are kept:
	// each may be undone, and a tenant has few.
	Changes []Change `json:"changes,omitempty"`
	outbox.Box
}

// Payer is who gets the invoices. It is written before the customer is made, so
// that a repeated call to the provider says the same.
type Payer struct {
	Email   string `json:"email"`
	Company string `json:"company"`
}

// Checkout is one attempt to pay. It is written before the provider is asked, and
// completed with what the provider answers.
type Checkout struct {
	Number   int       `json:"number"`
	Plan     PlanID    `json:"plan"`
	Interval Interval  `json:"interval"`
	Begun    time.Time `json:"begun"`
	Awaiting int64     `json:"awaiting"` // Unix milliseconds of Begun, for the index
	ID       string    `json:"id,omitempty"`
	URL      string    `json:"url,omitempty"`
}

const (
	// checkoutLife is how long a hosted checkout page can be paid.
	checkoutLife = time.Hour
	// checkoutReuse is how long the same wish is sent to the same page;
	// the provider wants at least half an hour left when the page is opened.
	checkoutReuse = 25 * time.Minute
)

// begin notes the intent to check out.
func (a *Account) begin(p PlanID, i Interval, now time.Time) {
	a.Checkouts++
	now = now.UTC().Truncate(time.Second) // what the provider keeps
	a.Checkout = &Checkout{Number: a.Checkouts, Plan: p, Interval: i, Begun: now, Awaiting: now.UnixMilli()}
}

// serves says whether the checkout can be used for this wish.
func (c *Checkout) serves(p PlanID, i Interval, now time.Time) bool {
	return c != nil && c.Plan == p && c.Interval == i && now.Before(c.Begun.Add(checkoutReuse))
}

// clockSlack is how far another replica's clock may run ahead.
const clockSlack = time.Minute

// learn takes a snapshot in, unless the account knows a later one. It announces
// an activation, or another plan, in the same document.
func (a *Account) learn(s Snapshot, now time.Time) (learned bool, err error) {
	known := a.Snapshot.FetchStarted
	if s.FetchStarted.Before(known) && known.Before(now.Add(clockSlack)) {
		return false, nil
	}
	if s.Status == StatusPastDue {
		s.PastDueSince = s.FetchStarted
		if a.Snapshot.Status == StatusPastDue && a.Snapshot.Subscription == s.Subscription {
			s.PastDueSince = a.Snapshot.PastDueSince
		}
	}
	before := a.Snapshot.Plan
	a.Snapshot = s
	switch access := s.AccessAt(now); {
	case access != Active && access != PastDue:
		a.Announced = false
	case a.Announced && before != s.Plan:
		err = a.Announce(EventPlanChanged, a.Tenant, PlanChangedData{From: before, To: s.Plan})
	case access == Active && !a.Announced:
		a.Announced = true
		err = a.Announce(EventActivated, a.Tenant, ActivatedData{Plan: s.Plan})
	}
	if s.Live() || a.Checkout != nil && now.After(a.Checkout.Begun.Add(2*checkoutLife)) {
		a.Checkout = nil
	}
	return true, err
}
