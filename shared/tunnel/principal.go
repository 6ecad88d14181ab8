package tunnel

import (
	"context"

	"github.com/dyocense/dyocense/shared/contract"
)

type principalKey struct{}

// PrincipalFrom is who asks, in the context of a request that Serve gave to its
// handler. ok is false for every other context.
func PrincipalFrom(ctx context.Context) (p contract.Principal, ok bool) {
	p, ok = ctx.Value(principalKey{}).(contract.Principal)
	return p, ok
}

// WithPrincipal is ctx with p as the one who asks, for other doors to the same
// handler that know their caller.
func WithPrincipal(ctx context.Context, p contract.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}
