package billing

import (
	"context"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
)

// Operations are the HTTP operations of this slice.
type Operations struct {
	books *Books
	inbox *Inbox
}

// NewOperations serves books and inbox.
func NewOperations(b *Books, x *Inbox) *Operations { return &Operations{books: b, inbox: x} }

// PlansRequest is GET /v1/plans.
type PlansRequest struct{}

// PlansResponse is the price list.
type PlansResponse struct {
	Body struct {
		Plans     []Plan `json:"plans"`
		TrialDays int    `json:"trialDays" doc:"for which a plan can be tried, once"`
	}
}

// Plans shows the price list to anybody.
func (o *Operations) Plans(context.Context, *PlansRequest) (*PlansResponse, error) {
	var r PlansResponse
	r.Body.Plans, r.Body.TrialDays = Plans(), TrialDays
	return &r, nil
}

// CheckoutRequest is POST /v1/billing/checkout.
type CheckoutRequest struct {
	Body struct {
		Plan     PlanID   `json:"plan" maxLength:"40"`
		Interval Interval `json:"interval" enum:"month,year"`
		Trial    bool     `json:"trial,omitempty" doc:"begin with a trial, if the company may have one; else it is paid at once"`
	}
}

// CheckoutResponse says where to pay.
type CheckoutResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		URL       string `json:"url" doc:"the hosted page; send the browser there"`
		TrialDays int    `json:"trialDays" doc:"0 when it is paid at once"`
	}
}

// Checkout opens a hosted page to pay on.
func (o *Operations) Checkout(ctx context.Context, r *CheckoutRequest) (*CheckoutResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Billing, tenancy.Manage)
	if err != nil {
		return nil, err
	}
	url, days, err := o.books.Checkout(ctx, who.Tenant, who.Email, r.Body.Plan, r.Body.Interval, r.Body.Trial)
	if err != nil {
		return nil, err
	}
	answer := &CheckoutResponse{CacheControl: noStore}
	answer.Body.URL, answer.Body.TrialDays = url, days
	return answer, nil
}

// BoughtPlan is a Plan, or null.
type BoughtPlan struct {
	_ struct{} `nullable:"true"`

	Plan
}

// StandingRequest is GET /v1/billing.
type StandingRequest struct{}

// StandingResponse is what the tenant has.
type StandingResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         StandingView
}

// StandingView is what the tenant has, and what is under way.
type StandingView struct {
	Plan              *BoughtPlan    `json:"plan" doc:"null before the first payment"`
	Interval          Interval       `json:"interval"`
	Status            Status         `json:"status" doc:"in the payment service's words; empty without a subscription"`
	CurrentPeriodEnd  *time.Time     `json:"currentPeriodEnd"`
	Access            Access         `json:"access" enum:"none,active,past_due,canceled"`
	TrialDays         int            `json:"trialDays" doc:"that a first purchase may begin with; 0 when there is none for this company"`
	TrialEnd          *time.Time     `json:"trialEnd" doc:"while it is tried"`
	TrialRefused      string         `json:"trialRefused,omitempty" doc:"why the subscription began without the trial"`
	CancelAtPeriodEnd bool           `json:"cancelAtPeriodEnd"`
	Pending           *PendingView   `json:"pending" doc:"a change that waits for its payment"`
	Scheduled         *ScheduledView `json:"scheduled" doc:"a change at the end of the period"`
	Method            *MethodView    `json:"method" doc:"how the next invoice is paid; null without a card, and for who may not manage billing"`
	Unpaid            *UnpaidView    `json:"unpaid" doc:"while an invoice is open"`
	Disputed          bool           `json:"disputed" doc:"a payment is disputed: nothing is moved or deleted"`
}

// PendingView is a Pending, or null.
type PendingView struct {
	_ struct{} `nullable:"true"`

	Plan     PlanID    `json:"plan"`
	Interval Interval  `json:"interval"`
	Expires  time.Time `json:"expires"`
	Invoice  string    `json:"invoice" doc:"to be paid for it; ask for its address"`
}

// ScheduledView is a Scheduled, or null.
type ScheduledView struct {
	_ struct{} `nullable:"true"`

	Plan     PlanID    `json:"plan"`
	Interval Interval  `json:"interval"`
	At       time.Time `json:"at"`
}

// MethodView is a card as people know it again, or null.
type MethodView struct {
	_ struct{} `nullable:"true"`

	Brand    string `json:"brand"`
	Last4    string `json:"last4"`
	ExpMonth int    `json:"expMonth"`
	ExpYear  int    `json:"expYear"`
}

// UnpaidView is since when an invoice is unpaid, or null.
type UnpaidView struct {
	_ struct{} `nullable:"true"`

	Since   time.Time `json:"since"`
	Until   time.Time `json:"until" doc:"then the workspace is read-only"`
	Invoice string    `json:"invoice"`
}

// view is the account as who may see it.
func (b *Books) view(ctx context.Context, who identity.Who, a Account) (StandingView, error) {
	now := b.now()
	st, err := a.standing(now)
	if err != nil {
		return StandingView{}, err
	}
	s := a.Snapshot
	v := StandingView{
		Interval: st.Interval, Status: st.Status, Access: st.Access, CurrentPeriodEnd: momentOf(st.CurrentPeriodEnd),
		CancelAtPeriodEnd: s.CancelAtPeriodEnd && s.Live(), Disputed: a.openWarning() != nil,
	}
	if st.Plan != nil {
		v.Plan = &BoughtPlan{Plan: *st.Plan}
	}
	if s.Status == StatusTrialing {
		v.TrialEnd = momentOf(s.TrialEnd)
	}
	if a.Refused != nil {
		v.TrialRefused = a.Refused.sentence()
	}
	if p := s.Pending; p != nil && p.Expires.After(now) {
		v.Pending = &PendingView{Plan: p.Plan, Interval: p.Interval, Expires: p.Expires, Invoice: p.Invoice}
	}
	if c := s.Scheduled; c != nil && s.Live() {
		v.Scheduled = &ScheduledView{Plan: c.Plan, Interval: c.Interval, At: c.At}
	}
	if m := s.Method; m != nil && tenancy.May(who.Role, tenancy.Billing, tenancy.Manage) {
		v.Method = &MethodView{Brand: m.Brand, Last4: m.Last4, ExpMonth: m.ExpMonth, ExpYear: m.ExpYear}
	}
	if s.Status == StatusPastDue {
		v.Unpaid = &UnpaidView{Since: s.PastDueSince, Until: s.PastDueSince.Add(Grace), Invoice: s.OpenInvoice}
	}
	if s.Subscription == "" {
		if a.Payer.Email == "" {
			a.Payer.Email = who.Email // as it will be at the checkout
		}
		may, err := b.mayTry(ctx, a)
		if err != nil {
			return v, err
		}
		if may {
			v.TrialDays = TrialDays
		}
	}
	return v, nil
}

// momentOf is nil for the zero time.
func momentOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// noStore keeps addresses and amounts out of every cache.
const noStore = "no-store"

const (
	// returnBudget is how long somebody who comes back from the hosted page waits
	// for the payment service before the last snapshot is shown.
	returnBudget = 2 * time.Second
	// fetchPause keeps a page that asks again and again off the payment service.
	fetchPause = time.Second
)

// Billing says what the tenant has. While a checkout is open it asks the payment
// service itself, so that nobody who has just paid waits for a notice.
func (o *Operations) Billing(ctx context.Context, _ *StandingRequest) (*StandingResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Billing, tenancy.Read)
	if err != nil {
		return nil, err
	}
	row, err := o.books.store.account(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	a, now := row.Value, o.books.now()
	if a.Checkout != nil && now.Sub(a.Snapshot.FetchStarted) >= fetchPause {
		limited, cancel := context.WithTimeout(ctx, returnBudget)
		defer cancel()
		if synced, err := o.books.SyncCustomer(limited, who.Tenant); err == nil {
			a = synced
		} else {
			o.books.log.WarnContext(ctx, "billing shows the last snapshot", "tenant", who.Tenant, "err", err)
		}
	}
	return o.show(ctx, who, a)
}

// show answers with what the tenant has now.
func (o *Operations) show(ctx context.Context, who identity.Who, a Account) (*StandingResponse, error) {
	v, err := o.books.view(ctx, who, a)
	if err != nil {
		return nil, err
	}
	return &StandingResponse{CacheControl: noStore, Body: v}, nil
}

// WebhookRequest is POST /v1/webhooks/stripe. The signature is over the bytes of
// the body, which therefore is not decoded on the way.
type WebhookRequest struct {
	Signature string `header:"Stripe-Signature" maxLength:"4096"`
	RawBody   []byte `contentType:"application/json"`
}

// WebhookResponse is empty: 200 says that the notice is durable.
type WebhookResponse struct{}

// Webhook takes a notice of the payment service in. It needs no session: the
// signature says who sends it.
func (o *Operations) Webhook(ctx context.Context, r *WebhookRequest) (*WebhookResponse, error) {
	if err := o.inbox.Receive(ctx, r.RawBody, r.Signature); err != nil {
		return nil, err
	}
	return &WebhookResponse{}, nil
}
