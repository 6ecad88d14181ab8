package signup

import (
	"context"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
)

// Operations are the HTTP operations of this slice.
type Operations struct {
	desk     *Desk
	sessions *identity.Operations
}

// NewOperations serves the desk; sessions opens the first session of a person.
func NewOperations(d *Desk, sessions *identity.Operations) *Operations {
	return &Operations{desk: d, sessions: sessions}
}

// BeginRequest is POST /v1/signup.
type BeginRequest struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" doc:"15 to 128 characters of any kind"`
		Company  string `json:"company" maxLength:"200"`
	}
}

// BeginResponse is the one answer for known and unknown addresses; its status is
// 202.
type BeginResponse struct {
	Body struct {
		Message string `json:"message"`
	}
}

// SignUp begins a sign-up.
func (o *Operations) SignUp(ctx context.Context, r *BeginRequest) (*BeginResponse, error) {
	if err := o.desk.Begin(ctx, Wish{Email: r.Body.Email, Password: r.Body.Password, Company: r.Body.Company}); err != nil {
		return nil, err
	}
	var answer BeginResponse
	answer.Body.Message = "We have sent you a mail. Open the link in it to confirm your address."
	return &answer, nil
}

// VerifyRequest is POST /v1/signup/verify. The token travels in the body, so that
// it is in no log, and mail scanners that follow links use up nothing.
type VerifyRequest struct {
	identity.Cookies
	Body struct {
		Token string `json:"token" maxLength:"128"`
	}
}

// Verify confirms the address and signs the person in.
func (o *Operations) Verify(ctx context.Context, r *VerifyRequest) (*identity.SignedIn, error) {
	person, err := o.desk.Verify(ctx, r.Body.Token)
	if err != nil {
		return nil, err
	}
	return o.sessions.Open(ctx, person, r.Cookies)
}
