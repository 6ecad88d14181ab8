package billing

import (
	"slices"
	"strings"
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

// EventEnded is announced when access that was announced ends, with EndedData. Data
// stays; going past due does not announce it before the grace is over.
const EventEnded = "billing.subscription_ended"

// EndedData goes with EventEnded.
type EndedData struct {
	Plan   PlanID `json:"plan"`
	Status Status `json:"status"`
}

// EventAsked is announced with who did it when somebody changes or ends the
// subscription, with AskedData. What comes of it is announced by itself.
const EventAsked = "billing.change_asked"

// AskedData goes with EventAsked.
type AskedData struct {
	What     string   `json:"what"` // change, take_back, cancel, cancel_now, resume
	Plan     PlanID   `json:"plan,omitempty"`
	Interval Interval `json:"interval,omitempty"`
	Reason   string   `json:"reason,omitempty"`
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
	// Wish is a change within the pool that is being asked of the provider.
	Wish *Wish `json:"wish,omitempty"`
	// TrialTaken is when a trial began, or was refused; there is no other.
	TrialTaken time.Time `json:"trialTaken,omitzero"`
	// Refused says why the trial was ended at its beginning.
	Refused *RefusedTrial `json:"refusedTrial,omitempty"`
	// Warnings are the disputes and warnings of the bank, the settled ones too.
	Warnings []Warning `json:"warnings,omitempty"`
	// Doubled is when a second subscription was last taken back.
	Doubled time.Time `json:"doubled,omitzero"`
	// Tried is the last invoice and method that were tried together.
	Tried string `json:"tried,omitempty"`
	// Told says of each kind of letter which occasion it was last written for.
	Told map[string]int64 `json:"told,omitempty"`
	// NextLetter is when the next letter is due, in Unix milliseconds, for the index.
	NextLetter int64 `json:"nextLetter,omitempty"`
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
	Number   int      `json:"number"`
	Plan     PlanID   `json:"plan"`
	Interval Interval `json:"interval"`
	// TrialDays is noted with the wish, so that a repeated call says the same.
	TrialDays int       `json:"trialDays,omitempty"`
	Begun     time.Time `json:"begun"`
	Awaiting  int64     `json:"awaiting"` // Unix milliseconds of Begun, for the index
	ID        string    `json:"id,omitempty"`
	URL       string    `json:"url,omitempty"`
}

const (
	// checkoutLife is how long a hosted checkout page can be paid.
	checkoutLife = time.Hour
	// checkoutReuse is how long the same wish is sent to the same page;
	// the provider wants at least half an hour left when the page is opened.
	checkoutReuse = 25 * time.Minute
)

// begin notes the intent to check out.
func (a *Account) begin(p PlanID, i Interval, trialDays int, now time.Time) {
	a.Checkouts++
	now = now.UTC().Truncate(time.Second) // what the provider keeps
	a.Checkout = &Checkout{Number: a.Checkouts, Plan: p, Interval: i, TrialDays: trialDays, Begun: now, Awaiting: now.UnixMilli()}
}

// serves says whether the checkout can be used for this wish.
func (c *Checkout) serves(p PlanID, i Interval, trialDays int, now time.Time) bool {
	return c != nil && c.Plan == p && c.Interval == i && c.TrialDays == trialDays && now.Before(c.Begun.Add(checkoutReuse))
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
	if s.OpenInvoice != "" && !strings.HasPrefix(a.Tried, s.OpenInvoice+"/") {
		a.Tried = s.attempt() // the provider has just tried it
	}
	if s.Status == StatusTrialing && a.TrialTaken.IsZero() {
		a.TrialTaken = s.FetchStarted
	}
	switch access := s.AccessAt(now); {
	case access != Active && access != PastDue:
		if a.Announced {
			err = a.Announce(EventEnded, a.Tenant, EndedData{Plan: before, Status: s.Status})
		}
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
	a.planLetters()
	return true, err
}

// attempt names an open invoice with the card that would pay it.
func (s Snapshot) attempt() string {
	if s.Method == nil {
		return s.OpenInvoice + "/"
	}
	return s.OpenInvoice + "/" + s.Method.ID
}

// openWarning is the newest dispute or warning that is not settled, or nil.
func (a *Account) openWarning() *Warning {
	for i := range slices.Backward(a.Warnings) {
		if a.Warnings[i].Open {
			return &a.Warnings[i]
		}
	}
	return nil
}

// warningsMax is how many warnings are kept of a tenant.
const warningsMax = 50

// warn takes a warning in, as it is now.
func (a *Account) warn(w Warning) (changed bool) {
	i := slices.IndexFunc(a.Warnings, func(known Warning) bool { return known.ID == w.ID })
	switch {
	case i >= 0 && a.Warnings[i].Open == w.Open:
		return false
	case i >= 0:
		a.Warnings[i] = w
	default:
		a.Warnings = append(a.Warnings, w)
	}
	if n := len(a.Warnings); n > warningsMax {
		a.Warnings = a.Warnings[n-warningsMax:]
	}
	a.planLetters()
	return true
}
