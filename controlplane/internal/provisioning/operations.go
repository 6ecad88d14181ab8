package provisioning

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/dyocense/dyocense/shared/id"
)

// Operations serves a tenant's own placement. Caller finds the tenant of the
// request; there is no other way to name one.
type Operations struct {
	Service *Service
	Caller  func(context.Context) (id.Tenant, error)
}

// Nothing is a request without parameters.
type Nothing struct{}

// PlacementAnswer is the answer of Show.
type PlacementAnswer struct{ Body PlacementView }

// Show tells how far the caller's placement is.
func (o Operations) Show(ctx context.Context, _ *Nothing) (*PlacementAnswer, error) {
	t, err := o.Caller(ctx)
	if err != nil {
		return nil, err
	}
	p, err := o.Service.Of(ctx, t)
	if err != nil {
		return nil, err
	}
	return &PlacementAnswer{Body: p}, nil
}

// Watch tells the same again after every change, first at once, and ends when
// the placement is ready or ctx does. Before the placement exists it waits for it:
// the page that watches is often faster than the event that a payment sends.
func (o Operations) Watch(ctx context.Context, _ *Nothing) (<-chan PlacementView, error) {
	t, err := o.Caller(ctx)
	if err != nil {
		return nil, err
	}
	values := make(chan PlacementView)
	hints := o.Service.placements.Watch(ctx)
	go func() { // ends with ctx
		defer close(values)
		round := time.NewTicker(roundEvery) // a hint misses what another replica wrote
		defer round.Stop()
		var last PlacementView
		for {
			p, err := o.Service.Of(ctx, t)
			if err != nil && !errors.Is(err, ErrNone) {
				return
			}
			if err == nil && !same(p, last) {
				select {
				case values <- p:
				case <-ctx.Done():
					return
				}
				last = p
			}
			if p.State == Ready {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-hints:
			case <-round.C:
			}
		}
	}()
	return values, nil
}

// same says whether two views differ in nothing but the running clock.
func same(a, b PlacementView) bool {
	a.TotalMillis, b.TotalMillis = 0, 0
	return reflect.DeepEqual(a, b)
}
