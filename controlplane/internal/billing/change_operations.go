package billing

import (
	"context"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/contract"
)

// manager is who asks, if they may manage billing.
func manager(ctx context.Context) (identity.Who, error) {
	return tenancy.Require(ctx, tenancy.Billing, tenancy.Manage)
}

// OfferRequest is POST /v1/billing/offers.
type OfferRequest struct {
	Body struct {
		Plan     PlanID   `json:"plan" maxLength:"40"`
		Interval Interval `json:"interval" enum:"month,year"`
	}
}

// OfferResponse is a change with its price.
type OfferResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         Offer
}

// Offer says what a change within the pool costs, and what would not fit.
func (o *Operations) Offer(ctx context.Context, r *OfferRequest) (*OfferResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	offer, err := o.books.Offer(ctx, who.Tenant, r.Body.Plan, r.Body.Interval)
	if err != nil {
		return nil, err
	}
	return &OfferResponse{CacheControl: noStore, Body: offer}, nil
}

// AcceptRequest is POST /v1/billing/change.
type AcceptRequest struct {
	Body struct {
		Token string `json:"token" minLength:"1" maxLength:"1200" doc:"of the offer that was looked at"`
	}
}

// Accept carries the offer out, exactly as it was shown.
func (o *Operations) Accept(ctx context.Context, r *AcceptRequest) (*StandingResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	a, err := o.books.Accept(ctx, who.Tenant, r.Body.Token)
	if err != nil {
		return nil, err
	}
	return o.show(ctx, who, a)
}

// NothingRequest has no parameters.
type NothingRequest struct{}

// WithdrawChange takes back a change that is scheduled or waits for its payment.
func (o *Operations) WithdrawChange(ctx context.Context, _ *NothingRequest) (*StandingResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	a, err := o.books.WithdrawChange(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	return o.show(ctx, who, a)
}

// CancelRequest is POST /v1/billing/cancel.
type CancelRequest struct {
	Body struct {
		When   When   `json:"when" enum:"now,period_end"`
		Reason string `json:"reason,omitempty" maxLength:"400" doc:"in your own words, if you like"`
	}
}

// Cancel ends the subscription. At once is for owners only.
func (o *Operations) Cancel(ctx context.Context, r *CancelRequest) (*StandingResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	if r.Body.When == AtOnce && who.Role != contract.RoleOwner {
		return nil, ErrOwnersOnly
	}
	a, err := o.books.Cancel(ctx, who.Tenant, r.Body.When == AtOnce, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return o.show(ctx, who, a)
}

// Resume takes the ending back.
func (o *Operations) Resume(ctx context.Context, _ *NothingRequest) (*StandingResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	a, err := o.books.Resume(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	return o.show(ctx, who, a)
}

// EndTrial ends the trial; the first period is paid now.
func (o *Operations) EndTrial(ctx context.Context, _ *NothingRequest) (*StandingResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	a, err := o.books.EndTrial(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	return o.show(ctx, who, a)
}

// Refresh asks the payment service itself: for who comes back from its pages.
func (o *Operations) Refresh(ctx context.Context, _ *NothingRequest) (*StandingResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Billing, tenancy.Read)
	if err != nil {
		return nil, err
	}
	row, err := o.books.store.account(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	a := row.Value
	if o.books.now().Sub(a.Snapshot.FetchStarted) >= fetchPause {
		if a, err = o.books.SyncCustomer(ctx, who.Tenant); err != nil {
			return nil, err
		}
	}
	return o.show(ctx, who, a)
}
