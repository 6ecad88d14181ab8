package billing

import (
	"context"
	"time"

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
		Plans []Plan `json:"plans"`
	}
}

// Plans shows the price list to anybody.
func (o *Operations) Plans(context.Context, *PlansRequest) (*PlansResponse, error) {
	var r PlansResponse
	r.Body.Plans = Plans()
	return &r, nil
}

// CheckoutRequest is POST /v1/billing/checkout.
type CheckoutRequest struct {
	Body struct {
		Plan     PlanID   `json:"plan" maxLength:"40"`
		Interval Interval `json:"interval" enum:"month,year"`
	}
}

// CheckoutResponse says where to pay.
type CheckoutResponse struct {
	Body struct {
		URL string `json:"url" doc:"the hosted page; send the browser there"`
	}
}

// Checkout opens a hosted page to pay on.
func (o *Operations) Checkout(ctx context.Context, r *CheckoutRequest) (*CheckoutResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Billing, tenancy.Manage)
	if err != nil {
		return nil, err
	}
	url, err := o.books.Checkout(ctx, who.Tenant, who.Email, r.Body.Plan, r.Body.Interval)
	if err != nil {
		return nil, err
	}
	var answer CheckoutResponse
	answer.Body.URL = url
	return &answer, nil
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
	Body         struct {
		Plan             *BoughtPlan `json:"plan" doc:"null before the first payment"`
		Interval         Interval    `json:"interval"`
		Status           Status      `json:"status" doc:"in the payment service's words; empty without a subscription"`
		CurrentPeriodEnd *time.Time  `json:"currentPeriodEnd"`
		Access           Access      `json:"access" enum:"none,active,past_due,canceled"`
	}
}

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
	s, err := a.standing(now)
	if err != nil {
		return nil, err
	}
	r := &StandingResponse{CacheControl: "no-store"}
	r.Body.Interval, r.Body.Status, r.Body.Access = s.Interval, s.Status, s.Access
	if s.Plan != nil {
		r.Body.Plan = &BoughtPlan{Plan: *s.Plan}
	}
	if !s.CurrentPeriodEnd.IsZero() {
		r.Body.CurrentPeriodEnd = &s.CurrentPeriodEnd
	}
	return r, nil
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
