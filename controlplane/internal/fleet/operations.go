package fleet

import (
	"context"
	"strings"

	"github.com/dyocense/dyocense/shared/contract"
)

// Operations are the HTTP operations of this slice, for agents that are not on
// the edge yet.
type Operations struct{ fleet *Service }

// NewOperations serves s.
func NewOperations(s *Service) *Operations { return &Operations{s} }

// ChallengeRequest is POST /agent/v1/challenge.
type ChallengeRequest struct {
	Body contract.ChallengeRequest
}

// ChallengeResponse carries the nonce to sign.
type ChallengeResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         contract.Challenge
}

// Challenge gives an agent something fresh to sign.
func (o *Operations) Challenge(ctx context.Context, r *ChallengeRequest) (*ChallengeResponse, error) {
	c, err := o.fleet.Challenge(ctx, r.Body.PublicKey)
	if err != nil {
		return nil, err
	}
	return &ChallengeResponse{CacheControl: "no-store", Body: c}, nil
}

// EnrolRequest is POST /agent/v1/enrol. The join token travels in the header, so
// that it is in no address; an agent that is known already sends none.
type EnrolRequest struct {
	Authorization string `header:"Authorization" doc:"Bearer, and the join token"`
	Body          contract.EnrolRequest
}

// EnrolResponse tells the agent who it is.
type EnrolResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         contract.Enrolled
}

// Enrol makes the caller an agent.
func (o *Operations) Enrol(ctx context.Context, r *EnrolRequest) (*EnrolResponse, error) {
	token, _ := strings.CutPrefix(r.Authorization, "Bearer ")
	e, err := o.fleet.Enrol(ctx, token, r.Body)
	if err != nil {
		return nil, err
	}
	return &EnrolResponse{CacheControl: "no-store", Body: e}, nil
}
