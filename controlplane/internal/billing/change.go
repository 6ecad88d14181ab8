package billing

import (
	"fmt"
	"slices"
	"time"

	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/state"
)

// ChangeState is how far a change of plan is.
type ChangeState string

// The states of a change.
const (
	ChangeBegun    ChangeState = "begun"    // noted; whether money moved is for the provider to say
	ChangeSwitched ChangeState = "switched" // the receipt is noted
	ChangeRefused  ChangeState = "refused"  // nothing was taken; it may be tried again
	ChangeUndoing  ChangeState = "undoing"
	ChangeUndone   ChangeState = "undone" // nothing was taken, or all of it is given back
)

// ChangeEvent is what happens to a change.
type ChangeEvent string

// The events of a change.
const (
	ChangeCharged    ChangeEvent = "charged"
	ChangeDeclined   ChangeEvent = "declined" // or it lapsed before it was carried out
	ChangeRetried    ChangeEvent = "tried again"
	ChangeRevoked    ChangeEvent = "revoked before anything was taken"
	ChangeUndoBegun  ChangeEvent = "undo begun"
	ChangeGivenBack  ChangeEvent = "given back"
	ChangeChargeLate ChangeEvent = "charged late" // a Switch was in flight when it was revoked
)

// ChangeLifecycle is the life of a change of plan.
var ChangeLifecycle = state.New(ChangeBegun, state.Table[ChangeState, ChangeEvent]{
	ChangeBegun:    {ChangeCharged: ChangeSwitched, ChangeDeclined: ChangeRefused, ChangeRevoked: ChangeUndone},
	ChangeRefused:  {ChangeRetried: ChangeBegun, ChangeRevoked: ChangeUndone},
	ChangeSwitched: {ChangeUndoBegun: ChangeUndoing},
	ChangeUndoing:  {ChangeGivenBack: ChangeUndone},
	ChangeUndone:   {ChangeChargeLate: ChangeUndoing},
})

// Change is one switch of a running subscription to another plan. It is written
// before the provider is asked, and completed with what the provider answers.
type Change struct {
	Once         string      `json:"once"` // the caller's name for it
	Attempt      int         `json:"attempt"`
	Subscription string      `json:"subscription,omitempty"`
	Quote        Quote       `json:"quote"`
	State        ChangeState `json:"state"`
	Receipt      Receipt     `json:"receipt,omitzero"`
	At           time.Time   `json:"at"` // of the last step
}

// Receipt is what a change took.
type Receipt struct {
	Invoice string    `json:"invoice,omitempty"` // at the provider; "" when there is none
	Number  string    `json:"number,omitempty"`  // on the invoice
	Paid    Cents     `json:"paid"`
	At      time.Time `json:"at,omitzero"`
}

// step lets an event happen to the change.
func (c *Change) step(e ChangeEvent, now time.Time) error {
	next, err := ChangeLifecycle.Next(c.State, e)
	if err != nil {
		return fmt.Errorf("change %s: %w", c.Once, err)
	}
	c.State, c.At = next, now.UTC()
	return nil
}

// lapsed says whether the quote holds no more.
func (q Quote) lapsed(now time.Time) bool { return !now.Before(q.Expires) }

// terms are the change in the provider's hands. The attempt is part of Once since a
// provider remembers a decline under it.
func (c *Change) terms(t id.Tenant, customer string) Terms {
	return Terms{
		Customer: customer, Subscription: c.Subscription, From: c.Quote.From, To: c.Quote.To, Interval: c.Quote.Interval, ToInterval: c.Quote.ToInterval,
		ProratedAt: c.Quote.ProratedAt, Mark: c.Once, Once: fmt.Sprintf("dyocense/%s/change/%s/%d", t, c.Once, c.Attempt),
	}
}

// change finds a change by its once, or nil.
func (a *Account) change(once string) *Change {
	i := slices.IndexFunc(a.Changes, func(c Change) bool { return c.Once == once })
	if i < 0 {
		return nil
	}
	return &a.Changes[i]
}

// underWay says whether a change other than once has an open end.
func (a *Account) underWay(once string) bool {
	return slices.ContainsFunc(a.Changes, func(c Change) bool {
		return c.Once != once && (c.State == ChangeBegun || c.State == ChangeUndoing)
	})
}

// followed says whether a later change built on the one with this once.
func (a *Account) followed(once string) bool {
	i := slices.IndexFunc(a.Changes, func(c Change) bool { return c.Once == once })
	return slices.ContainsFunc(a.Changes[i+1:], func(c Change) bool {
		return c.State == ChangeBegun || c.State == ChangeSwitched || c.State == ChangeUndoing
	})
}

// intend notes a change, or the next attempt of one that was refused. It moves to
// the end of the list.
func (a *Account) intend(once string, q Quote, now time.Time) error {
	c := Change{Once: once, State: ChangeLifecycle.First(), At: now.UTC()}
	if before := a.change(once); before != nil {
		c = *before
		if err := c.step(ChangeRetried, now); err != nil {
			return err
		}
	}
	c.Attempt++
	c.Subscription, c.Quote = a.Snapshot.Subscription, q
	a.Changes = append(slices.DeleteFunc(a.Changes, func(c Change) bool { return c.Once == once }), c)
	return nil
}
