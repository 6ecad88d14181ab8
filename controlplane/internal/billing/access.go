package billing

import "time"

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

// grace is how long an unpaid invoice leaves access as it was.
const grace = 14 * 24 * time.Hour

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
}

// AccessAt is what the snapshot allows at a moment. A status we do not know
// allows reading only.
func (s Snapshot) AccessAt(now time.Time) Access {
	switch s.Status {
	case StatusTrialing, StatusActive:
		return Active
	case StatusPastDue:
		if now.Sub(s.PastDueSince) < grace {
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
