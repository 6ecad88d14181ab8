package identity

import (
	"context"

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
	// Restricted is why only reading is allowed for now, nil when it is not so.
	Restricted error
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

// Require is who asks, or ErrSignedOut.
func Require(ctx context.Context) (Who, error) {
	who, ok := From(ctx)
	if !ok {
		return Who{}, ErrSignedOut
	}
	return who, nil
}
