package provisioning

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Route is where a ready tenant's requests go.
type Route struct {
	Environment id.Environment // where the tenant lives
	Moving      id.Environment // the other end of a move that may switch any moment; "" when there is none
}

// Route is the tenant's route now, with one read of the store: every request asks
// for it. It fails with ErrNone or ErrNotReady.
func (s *Service) Route(ctx context.Context, t id.Tenant) (Route, error) {
	r, err := s.placements.Get(ctx, string(t))
	if errors.Is(err, docstore.ErrNotFound) {
		return Route{}, ErrNone
	}
	if err != nil {
		return Route{}, fmt.Errorf("find route of %s: %w", t, err)
	}
	p := r.Value
	if p.State != Ready {
		return Route{}, ErrNotReady
	}
	route := Route{Environment: p.Environment}
	if p.Moving != nil {
		route.Moving = p.Moving.To
	}
	return route, nil
}

// Changes receives after a placement was written here, until ctx ends. It is a
// hint: it may miss what another replica wrote and may wake for nothing.
func (s *Service) Changes(ctx context.Context) <-chan struct{} { return s.placements.Watch(ctx) }

// BeginSwitch notes that the tenant may move from one environment to the other any
// moment; it comes before anything that lets an agent say so. It fails with
// ErrElsewhere when the tenant does not live in from, and with ErrOtherMove when
// another migration, or another target, is noted.
func (s *Service) BeginSwitch(ctx context.Context, t id.Tenant, migration string, from, to id.Environment) error {
	if migration == "" || to == "" || from == to {
		return fmt.Errorf("begin switch of %s: %q from %q to %q is no move", t, migration, from, to)
	}
	wanted := Moving{Migration: migration, To: to}
	return s.alter(ctx, t, "begin switch", func(p *placement) error {
		switch {
		case p.Moving != nil && p.Moving.Migration != migration:
			return ErrOtherMove
		case p.EndedMove == migration: // a call from before its end
			return ErrNoMove
		case p.Environment != from:
			return ErrElsewhere
		case p.Moving == nil:
			p.Moving = &wanted
			return nil
		case p.Moving.To != to:
			return ErrOtherMove
		}
		return errAsItIs
	})
}

// Switched makes to the tenant's environment after the owner of its data has
// changed. The move stays noted, with from as its other end, so that it can switch
// back the same way. It fails with ErrNoMove, ErrOtherMove or ErrElsewhere when
// this is not the switch that is noted; a switch that has happened is left alone.
//
// claim grows with every worker that takes the migration: a call that a replaced
// worker left on its way must not undo what came after it, so a lower claim than
// one that was heard before is refused with ErrOtherMove.
func (s *Service) Switched(ctx context.Context, t id.Tenant, migration string, claim int64, from, to id.Environment) error {
	return s.alter(ctx, t, "switch", func(p *placement) error {
		switch {
		case p.Moving != nil && (p.Moving.Migration != migration || p.Moving.Claim > claim):
			return ErrOtherMove
		case p.Environment == to && (p.Moving == nil || p.Moving.Claim == claim):
			return errAsItIs
		case p.Environment == to: // switched by a worker that was replaced; its calls end here
			p.Moving.Claim = claim
			return nil
		case p.Moving == nil:
			return ErrNoMove
		case p.Environment != from || p.Moving.To != to:
			return ErrElsewhere
		}
		p.Environment, p.Moving.To, p.Moving.Claim = to, from, claim
		p.Switches++
		return nil
	})
}

// EndSwitch takes back that the migration may switch, for good: BeginSwitch refuses
// it from then on. It does nothing when another migration is noted.
func (s *Service) EndSwitch(ctx context.Context, t id.Tenant, migration string) error {
	return s.alter(ctx, t, "end switch", func(p *placement) error {
		if p.Moving != nil && p.Moving.Migration != migration || p.EndedMove == migration {
			return errAsItIs
		}
		p.Moving, p.EndedMove = nil, migration
		return nil
	})
}

// SetPlan notes the plan that a ready tenant has now.
func (s *Service) SetPlan(ctx context.Context, t id.Tenant, plan string) error {
	return s.alter(ctx, t, "set plan", func(p *placement) error {
		if p.Plan == plan {
			return errAsItIs
		}
		p.Plan = plan
		return nil
	})
}

// errAsItIs ends a change that has nothing to write.
var errAsItIs = errors.New("the placement is as it should be")

// alter changes a ready placement at the revision it was read at. Change may
// return errAsItIs.
func (s *Service) alter(ctx context.Context, t id.Tenant, what string, change func(*placement) error) error {
	_, err := s.placements.Update(ctx, string(t), func(p *placement) error {
		if p.State != Ready {
			return ErrNotReady
		}
		return change(p)
	})
	switch {
	case err == nil, errors.Is(err, errAsItIs):
		return nil
	case errors.Is(err, docstore.ErrNotFound):
		return ErrNone
	}
	return fmt.Errorf("%s of %s: %w", what, t, err)
}
