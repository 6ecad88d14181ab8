package identity

import (
	"context"
	"net/http"

	"github.com/dyocense/dyocense/shared/fault"
)

// Operations are the HTTP operations of this slice.
type Operations struct {
	people   *People
	jar      Jar
	describe []Describe
}

// NewOperations serves people; each of describe adds its part to the answer.
func NewOperations(people *People, jar Jar, describe ...Describe) *Operations {
	return &Operations{people: people, jar: jar, describe: describe}
}

// SignInRequest is POST /v1/session.
type SignInRequest struct {
	Cookies
	Body struct {
		Email    string `json:"email" maxLength:"254" doc:"the address of the account"`
		Password string `json:"password" doc:"at most 128 characters"`
	}
}

// SignedIn answers with the session and the cookie that holds it.
type SignedIn struct {
	SetCookie    http.Cookie `header:"Set-Cookie"`
	CacheControl string      `header:"Cache-Control"`
	Body         View
}

// SignIn opens a session.
func (o *Operations) SignIn(ctx context.Context, r *SignInRequest) (*SignedIn, error) {
	who, token, session, err := o.people.SignIn(ctx, r.Body.Email, r.Body.Password, o.jar.token(r.Cookies))
	if err != nil {
		return nil, err
	}
	return o.answer(ctx, who, token, session)
}

// Open answers like SignIn for a person who proved to be one in another way; the
// session of the browser's cookie, if any, ends.
func (o *Operations) Open(ctx context.Context, p Person, browser Cookies) (*SignedIn, error) {
	if err := o.people.SignOut(ctx, o.jar.token(browser)); err != nil {
		return nil, err
	}
	who, token, session, err := o.people.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	return o.answer(ctx, who, token, session)
}

func (o *Operations) answer(ctx context.Context, who Who, token Token, session Session) (*SignedIn, error) {
	view, err := o.view(ctx, who)
	if err != nil {
		return nil, err
	}
	return &SignedIn{SetCookie: o.jar.holding(token, session.last()), CacheControl: noStore, Body: view}, nil
}

// SessionRequest is GET /v1/session.
type SessionRequest struct{}

// SessionResponse tells a browser about itself.
type SessionResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         View
}

// Session answers who is signed in, or fails with ErrSignedOut. A program may ask
// too: it tells in whose name it asks.
func (o *Operations) Session(ctx context.Context, _ *SessionRequest) (*SessionResponse, error) {
	who, err := RequireAny(ctx)
	if err != nil {
		return nil, err
	}
	view, err := o.view(ctx, who)
	if err != nil {
		return nil, err
	}
	return &SessionResponse{CacheControl: noStore, Body: view}, nil
}

// SignOutRequest is DELETE /v1/session.
type SignOutRequest struct{ Cookies }

// SignedOut answers with a cookie that removes the session's.
type SignedOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

// SignOut ends the session. Without one it does nothing and succeeds.
func (o *Operations) SignOut(ctx context.Context, r *SignOutRequest) (*SignedOut, error) {
	if err := o.people.SignOut(ctx, o.jar.token(r.Cookies)); err != nil {
		return nil, err
	}
	return &SignedOut{SetCookie: o.jar.empty()}, nil
}

// noStore keeps personal answers out of every cache.
const noStore = "no-store"

func (o *Operations) view(ctx context.Context, who Who) (View, error) {
	v := View{
		Person: PersonView{ID: who.Person, Email: who.Email}, Role: who.Role,
		Access: "none", Provisioning: "none", Features: FeaturesView{Flags: map[string]bool{}},
	}
	if who.Restricted != nil {
		problem := fault.ProblemOf(who.Restricted)
		v.Restriction = &Restriction{Code: problem.Code, Detail: problem.Detail}
	}
	for _, describe := range o.describe {
		if err := describe(ctx, who, &v); err != nil {
			return View{}, err
		}
	}
	return v, nil
}
