package identity

import (
	"context"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// Who asks. Tenant and Role are empty for a person who belongs to no tenant.
type Who struct {
	Person  id.Person
	Email   string
	Session id.Session
	Tenant  id.Tenant
	Role    contract.Role
	// Scopes are what an API key may do, as "resource:action"; nil is everything
	// that the role may.
	Scopes []string
	// Restricted is why only reading is allowed for now, nil when it is not so.
	Restricted error
	// Proved is when the session last proved who holds it, by signing in or by a
	// proof in between. It is zero for what cannot prove anything, such as a key.
	Proved time.Time
}

type whoKey struct{}

// With puts who into the context of a request; the edge does it after
// Authenticate.
func With(ctx context.Context, who Who) context.Context {
	return context.WithValue(ctx, whoKey{}, who)
}

// From is who asks. Ok is false when nobody is signed in.
func From(ctx context.Context) (who Who, ok bool) {
	who, ok = ctx.Value(whoKey{}).(Who)
	return who, ok
}

// Require is who asks, or ErrSignedOut. An API key fails with ErrKey: what has no
// permission of its own, such as a person's sessions, is no key's business.
func Require(ctx context.Context) (Who, error) {
	who, err := RequireAny(ctx)
	if err == nil && who.Scopes != nil {
		return Who{}, ErrKey
	}
	return who, err
}

// RequireAny is who asks, be it with an API key, or ErrSignedOut. The caller looks
// at the scopes.
func RequireAny(ctx context.Context) (Who, error) {
	who, ok := From(ctx)
	if !ok {
		return Who{}, ErrSignedOut
	}
	return who, nil
}

// freshFor is how long a proof counts as fresh.
const freshFor = 10 * time.Minute

type nowKey struct{}

// WithNow gives a context the clock that RequireFresh reads; without one it is the
// system's.
func WithNow(ctx context.Context, now func() time.Time) context.Context {
	return context.WithValue(ctx, nowKey{}, now)
}

// RequireFresh is who asks, if the session proved who holds it within the last ten
// minutes. It fails with ErrSignedOut or ErrStepUp. Operations that change how
// people sign in, or that are worth a thief's while, begin with it.
func RequireFresh(ctx context.Context) (Who, error) {
	who, err := Require(ctx)
	if err != nil {
		return Who{}, err
	}
	now := time.Now
	if given, ok := ctx.Value(nowKey{}).(func() time.Time); ok {
		now = given
	}
	if now().Sub(who.Proved) > freshFor {
		return Who{}, ErrStepUp
	}
	return who, nil
}
