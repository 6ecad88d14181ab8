package billing

import (
	"context"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/id"
)

// quoteLife is how long a quote holds.
const quoteLife = time.Hour

// Quote is what a change of plan costs when it is reckoned for the second
// ProratedAt, as the provider reckons it.
type Quote struct {
	From        PlanID      `json:"from"`
	To          PlanID      `json:"to"`
	Interval    Interval    `json:"interval"`
	ToInterval  Interval    `json:"toInterval,omitempty" doc:"when the change is to another interval"`
	Currency    string      `json:"currency"`
	DueToday    Cents       `json:"dueToday" doc:"charged to the card at the switch"`
	CreditToday Cents       `json:"creditToday" doc:"put on the balance at the switch; pays the next invoices"`
	TaxToday    Cents       `json:"taxToday,omitempty" doc:"part of dueToday"`
	AtRenewal   Cents       `json:"atRenewal" doc:"the price from the renewal on, before any credit"`
	RenewsAt    time.Time   `json:"renewsAt"`
	ProratedAt  time.Time   `json:"proratedAt"`
	Lines       []QuoteLine `json:"lines"`
	Expires     time.Time   `json:"expires"`
}

// FromCredit is how much of the lines is paid from what the customer has in favour.
func (q Quote) FromCredit() Cents {
	var sum Cents
	for _, l := range q.Lines {
		sum += l.Cents
	}
	return max(0, sum-q.DueToday)
}

// QuoteLine is one line of the invoice that the switch would make.
type QuoteLine struct {
	Text  string `json:"text"`
	Cents Cents  `json:"cents" doc:"below 0 is in the customer's favour"`
}

// Quote says what it costs tenant t to change to another plan now, up or down. The
// interval is the present one; "" means the same. It fails with ErrNotSubscribed,
// ErrUnpaid, ErrSamePlan, ErrOtherInterval, ErrPlan, ErrFrozen or ErrProvider. The
// quote holds for an hour.
func (b *Books) Quote(ctx context.Context, t id.Tenant, to PlanID, interval Interval) (Quote, error) {
	if _, err := PlanOf(to); err != nil {
		return Quote{}, err
	}
	if interval != "" && !interval.valid() {
		return Quote{}, ErrInterval
	}
	a, err := b.SyncCustomer(ctx, t)
	if err != nil {
		return Quote{}, err
	}
	if a.openWarning() != nil {
		return Quote{}, ErrFrozen
	}
	if err := a.Snapshot.changeable(to, interval); err != nil {
		return Quote{}, err
	}
	now := b.now().UTC()
	q := Quote{From: a.Snapshot.Plan, To: to, Interval: a.Snapshot.Interval, ProratedAt: now.Truncate(time.Second)}
	return b.preview(ctx, a, q, now.Add(quoteLife))
}

// preview lets the provider reckon q.
func (b *Books) preview(ctx context.Context, a Account, q Quote, expires time.Time) (Quote, error) {
	reckoned, err := b.provider.Preview(ctx, Terms{
		Customer: a.Customer, Subscription: a.Snapshot.Subscription,
		From: q.From, To: q.To, Interval: q.Interval, ToInterval: q.ToInterval, ProratedAt: q.ProratedAt,
	})
	if err != nil {
		return Quote{}, fmt.Errorf("preview change of %s: %w", a.Tenant, err)
	}
	reckoned.From, reckoned.To, reckoned.Interval, reckoned.ToInterval, reckoned.Expires = q.From, q.To, q.Interval, q.ToInterval, expires
	return reckoned, nil
}

// changeable says whether the subscription can be changed to the plan now.
func (s Snapshot) changeable(to PlanID, interval Interval) error {
	switch {
	case s.Status == StatusPastDue, s.Status == StatusUnpaid, s.Status == StatusPaused:
		return ErrUnpaid
	case s.Status == StatusCanceled:
		return ErrNotSubscribed.Saying("Your subscription has ended. Choose a plan first.")
	case s.Status == StatusTrialing:
		return ErrNotSubscribed.Saying("Your trial runs until %s. End it and pay for the present plan first, under Plan and usage.", date(s.TrialEnd))
	case s.Status != StatusActive:
		return ErrNotSubscribed
	case s.Pending != nil:
		return ErrChanging.Saying("A change to %s waits for its payment. Pay it or take it back first.", s.Pending.Plan.name())
	case s.CancelAtPeriodEnd:
		return ErrNotSubscribed.Saying("Your subscription ends on %s. Resume it first, under Plan and usage.", date(s.CurrentPeriodEnd))
	case s.Plan == to:
		return ErrSamePlan.Saying("Your company has the %s plan already.", to.name())
	case interval != "" && interval != s.Interval:
		return ErrOtherInterval.Saying("A change of plan keeps how often you pay: by the %s.", s.Interval)
	}
	return nil
}
