package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// ErrMovingOn is returned when a tenant's new place did not open in time, or when
// a request met the switch and cannot be sent again.
var ErrMovingOn = fault.New(fault.Unavailable, "gateway.moving_on", "Your workspace is being moved; try again in a moment.").After(time.Second)

const (
	// moveWithin is how long a request may look for a tenant that moves. It bounds
	// when the request is sent for the last time, not how long its work takes.
	moveWithin = 5 * time.Second
	// The pauses between two attempts, for what no hint tells of: a copy opens at
	// its agent before the placement says so.
	firstPause = 2 * time.Millisecond
	lastPause  = 25 * time.Millisecond
)

// Route is where a tenant's requests go now.
type Route struct {
	Environment id.Environment // where the tenant lives
	Moving      id.Environment // the other end of a move that may switch any moment; "" when there is none
}

// Routes is what the gateway needs of the placements.
type Routes interface {
	// Route fails with a fault when the tenant has no place yet.
	Route(ctx context.Context, t id.Tenant) (Route, error)
	// Changes receives after a route may have changed, until ctx ends. It may miss
	// changes and may wake for nothing.
	Changes(ctx context.Context) <-chan struct{}
}

// notServedError says that nothing of a request happened in an environment.
type notServedError struct {
	nobody bool   // no agent lives there; else an agent refused
	hint   string // what the agent said: an environment or contract.MovedStandby
}

// Error implements error.
func (e *notServedError) Error() string {
	if e.nobody {
		return "no agent lives there"
	}
	return fmt.Sprintf("an agent says %q", e.hint)
}

// waits says whether the tenant is expected at the very place that was asked.
func (e *notServedError) waits() bool { return e.nobody || e.hint == contract.MovedStandby }

// refused is what an agent's answer says of a move, or nil for an answer that is
// the tenant's.
func refused(r *http.Response) *notServedError {
	values, moved := r.Header[contract.MovedHeader]
	if !moved {
		return nil
	}
	e := &notServedError{}
	if len(values) > 0 {
		e.hint = values[0]
	}
	return e
}

// forward sends r to where its tenant is served, and goes after a tenant that
// moves meanwhile.
//
// The same request is sent again only where nothing of it has happened: no agent
// lived there, or an agent answered with contract.MovedHeader. A tunnel that
// breaks says nothing of what happened, so it ends the request.
func (g *Gateway) forward(ctx context.Context, p contract.Principal, r *http.Request) (*http.Response, error) {
	route, err := g.routes.Route(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	load, err := g.pack(ctx, r, route.Moving != "")
	if err != nil {
		return nil, err
	}
	defer load.letGo()
	at, before := route.Environment, id.Environment("") // where to ask now, and where it was asked before
	var s *search
	for {
		response, err := g.ask(ctx, at, p, load)
		var not *notServedError
		switch {
		case !errors.As(err, &not):
			return response, err
		case not.nobody && s == nil && route.Moving == "":
			return nil, ErrNobody
		case !load.again():
			return nil, ErrMovingOn.Because(not)
		}
		if s == nil {
			s = g.search(ctx)
			defer s.end()
		}
		if not.waits() {
			if err := s.pause(ctx, not); err != nil {
				return nil, err
			}
		}
		now, err := g.routes.Route(ctx, p.Tenant)
		if err != nil {
			return nil, err
		}
		to := now.next(route, at, not)
		if !not.waits() && (to == at || to == before) {
			// The agents contradict the placement or each other.
			if err := s.pause(ctx, not); err != nil {
				return nil, err
			}
		}
		route, before, at = now, at, to
	}
}

// next is where to ask after the tenant was not served at. r is its route read
// since, was the one before. The placement decides: a hint is followed only to
// where the tenant lives, or from there to the other end of its move.
func (r Route) next(was Route, at id.Environment, not *notServedError) id.Environment {
	hinted := id.Environment(not.hint)
	switch {
	case not.waits() && r.Environment == was.Environment && (at == r.Environment || at == r.Moving):
		return at // nothing new is known: the copy will open, or an agent will come
	case hinted != "" && hinted == r.Moving && at == r.Environment:
		return hinted
	}
	return r.Environment
}

// search is one request's search for a tenant that moves.
type search struct {
	within  context.Context
	end     context.CancelFunc
	changes <-chan struct{}
	wait    time.Duration // the next pause
}

func (g *Gateway) search(ctx context.Context) *search {
	within, end := context.WithTimeout(ctx, moveWithin)
	return &search{within: within, end: end, changes: g.routes.Changes(within), wait: firstPause}
}

// pause waits for a change of a placement, but shortly. It fails when the search
// has taken too long, and when ctx ends.
func (s *search) pause(ctx context.Context, why error) error {
	timer := time.NewTimer(s.wait)
	defer timer.Stop()
	s.wait = min(2*s.wait, lastPause)
	select {
	case _, open := <-s.changes:
		if !open {
			s.changes = nil // the store closes; the clock decides
		}
	case <-timer.C:
	case <-s.within.Done():
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.within.Err() != nil {
		return ErrMovingOn.Because(why)
	}
	return nil
}
