package billing

import (
	"reflect"
	"time"
)

// Access is what a tenant may do.
type Access string

// The kinds of access. Reading and exporting stay open in all but None.
const (
	None     Access = "none"     // nothing was ever paid
	Active   Access = "active"   // everything of the plan
	PastDue  Access = "past_due" // everything of the plan, for a while
	Canceled Access = "canceled" // read and export only
)

// Status is a subscription's status in the provider's words.
type Status string

// The statuses.
const (
	StatusNone              Status = ""         // no subscription
	StatusTrialing          Status = "trialing" //nolint:misspell // Stripe spells it so
	StatusActive            Status = "active"
	StatusPastDue           Status = "past_due"
	StatusUnpaid            Status = "unpaid"
	StatusPaused            Status = "paused"
	StatusCanceled          Status = "canceled"
	StatusIncomplete        Status = "incomplete"
	StatusIncompleteExpired Status = "incomplete_expired"
)

// Grace is how long an unpaid invoice leaves access as it was.
const Grace = 14 * 24 * time.Hour

// Snapshot is what the provider said at one moment. The zero value is a customer
// who never bought anything.
type Snapshot struct {
	FetchStarted      time.Time `json:"fetchStarted"` // the moment it is true for
	Subscription      string    `json:"subscription,omitempty"`
	Status            Status    `json:"status"`
	Plan              PlanID    `json:"plan,omitempty"`
	Interval          Interval  `json:"interval,omitempty"`
	CurrentPeriodEnd  time.Time `json:"currentPeriodEnd,omitzero"`
	CancelAtPeriodEnd bool      `json:"cancelAtPeriodEnd,omitempty"`
	// PastDueSince is when we first saw the present unpaid invoice.
	PastDueSince time.Time `json:"pastDueSince,omitzero"`
	// CurrentPeriodStart is zero where it was learned before it was kept.
	CurrentPeriodStart time.Time `json:"currentPeriodStart,omitzero"`
	TrialEnd           time.Time `json:"trialEnd,omitzero"` // zero when there was no trial
	// Pending is a change that waits for its payment; it is not in force.
	Pending *Pending `json:"pending,omitempty"`
	// Scheduled is a change that comes with the end of the period.
	Scheduled *Scheduled `json:"scheduled,omitempty"`
	// Method is how the next invoice is paid; nil when no card is known.
	Method *Method `json:"method,omitempty"`
	// OpenInvoice is the invoice that keeps the subscription from being paid.
	OpenInvoice string `json:"openInvoice,omitempty"`
	// Doubles are younger live subscriptions, which bill twice.
	Doubles []string `json:"-"`
}

// Pending is a change of plan whose payment has not come through.
type Pending struct {
	Plan     PlanID    `json:"plan"`
	Interval Interval  `json:"interval"`
	Expires  time.Time `json:"expires"`
	Invoice  string    `json:"invoice,omitempty"`
}

// Scheduled is a change of plan at the end of the period.
type Scheduled struct {
	Plan     PlanID    `json:"plan"`
	Interval Interval  `json:"interval"`
	At       time.Time `json:"at"`
}

// Method is a card, as far as people need to know it again.
type Method struct {
	ID       string `json:"id"`
	Brand    string `json:"brand"`
	Last4    string `json:"last4"`
	ExpMonth int    `json:"expMonth"`
	ExpYear  int    `json:"expYear"`
	// Fingerprint is the same for the same card wherever it is used. It is kept as a
	// hash only, where a trial is claimed.
	Fingerprint string `json:"-"`
}

// AccessAt is what the snapshot allows at a moment. A status we do not know
// allows reading only.
func (s Snapshot) AccessAt(now time.Time) Access {
	switch s.Status {
	case StatusTrialing, StatusActive:
		return Active
	case StatusPastDue:
		if now.Sub(s.PastDueSince) < Grace {
			return PastDue
		}
		return Canceled
	case StatusNone, StatusIncomplete, StatusIncompleteExpired:
		return None // the first payment never came
	default:
		return Canceled
	}
}

// Live says whether the subscription runs or can come back by itself, so that a
// second one would bill twice.
func (s Snapshot) Live() bool {
	switch s.Status {
	case StatusTrialing, StatusActive, StatusPastDue, StatusUnpaid, StatusPaused:
		return true
	}
	return false
}

// has says whether the subscription has this plan and interval.
func (s Snapshot) has(p PlanID, i Interval) bool { return s.Plan == p && s.Interval == i }

// differs says whether two snapshots say different things; when they were fetched
// and what is ours alone does not count.
func (s Snapshot) differs(from Snapshot) bool {
	a, b := s.bare(), from.bare()
	return !reflect.DeepEqual(a, b)
}

func (s Snapshot) bare() Snapshot {
	s.FetchStarted, s.PastDueSince, s.Doubles = time.Time{}, time.Time{}, nil
	if s.Method != nil {
		m := *s.Method
		m.Fingerprint = ""
		s.Method = &m
	}
	return s
}
