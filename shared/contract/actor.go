package contract

import (
	"context"

	"github.com/dyocense/dyocense/shared/id"
)

// Actor is who did something: a person, in a browser's session or with an API key.
type Actor struct {
	Person id.Person `json:"person"`
	Email  string    `json:"email"`
	// Via is the session or the key that the person came with.
	Via string `json:"via,omitempty"`
	// Staff is the member of our staff who acted in the person's name.
	Staff string `json:"staff,omitempty"`
	// Origin is the network that the request came from.
	Origin string `json:"origin,omitempty"`
}

type actorKey struct{}

// WithActor puts who acts into the context of a request; the edge does it.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom is who acts, or nil when the product does by itself.
func ActorFrom(ctx context.Context) *Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return &a
	}
	return nil
}
