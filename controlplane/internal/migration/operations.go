package migration

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Operations are the HTTP operations of this slice. The tenant is always the
// caller's.
type Operations struct{ service *Service }

// NewOperations serves s.
func NewOperations(s *Service) *Operations { return &Operations{s} }

// PreflightRequest is POST /v1/moves/preflight.
type PreflightRequest struct {
	Body struct {
		Plan     billing.PlanID   `json:"plan" maxLength:"40"`
		Interval billing.Interval `json:"interval" enum:"month,year"`
	}
}

// PreflightResponse is what a move would be.
type PreflightResponse struct{ Body Preflight }

// Preflight shows what a move to another plan would change and cost.
func (o *Operations) Preflight(ctx context.Context, r *PreflightRequest) (*PreflightResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Moves, tenancy.Manage)
	if err != nil {
		return nil, err
	}
	p, err := o.service.Preflight(ctx, who, r.Body.Plan, r.Body.Interval)
	if err != nil {
		return nil, err
	}
	return &PreflightResponse{p}, nil
}

// StartRequest is POST /v1/moves.
type StartRequest struct {
	Body struct {
		Plan     billing.PlanID   `json:"plan" maxLength:"40"`
		Interval billing.Interval `json:"interval" enum:"month,year"`
		Confirm  string           `json:"confirm" minLength:"64" maxLength:"64" doc:"hash of the pre-flight"`
		When     When             `json:"when" enum:"ready,asked" doc:"when to switch"`
	}
}

// MoveResponse is a move.
type MoveResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         Move
}

// Start begins the move whose pre-flight is confirmed. A move changes the plan, so who
// starts one has to be allowed to pay as well.
func (o *Operations) Start(ctx context.Context, r *StartRequest) (*MoveResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Moves, tenancy.Manage)
	if err != nil {
		return nil, err
	}
	if _, err := tenancy.Require(ctx, tenancy.Billing, tenancy.Manage); err != nil {
		return nil, err
	}
	return answer(o.service.Start(ctx, who, r.Body.Plan, r.Body.Interval, r.Body.Confirm, r.Body.When))
}

func answer(m Move, err error) (*MoveResponse, error) {
	if err != nil {
		return nil, err
	}
	return &MoveResponse{CacheControl: "no-store", Body: m}, nil
}

// Nothing is a request without parameters.
type Nothing struct{}

// MovesResponse are a tenant's moves.
type MovesResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Moves []Move `json:"moves"`
	}
}

const listed = 20

// List shows the tenant's moves, newest first.
func (o *Operations) List(ctx context.Context, _ *Nothing) (*MovesResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Moves, tenancy.Read)
	if err != nil {
		return nil, err
	}
	orders, err := o.service.books.all(ctx, who.Tenant, listed)
	if err != nil {
		return nil, err
	}
	r := &MovesResponse{CacheControl: "no-store"}
	r.Body.Moves = []Move{}
	current, err := o.service.books.of(ctx, who.Tenant)
	if errors.Is(err, ErrNone) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	for _, order := range orders {
		m, err := o.service.view(ctx, order)
		if errors.Is(err, ErrNone) {
			continue // it was never begun
		}
		if err != nil {
			return nil, err
		}
		if m.Over || m.ID == current.ID { // any other was never begun
			r.Body.Moves = append(r.Body.Moves, m)
		}
	}
	return r, nil
}

// Current shows the move that is under way, or the last one.
func (o *Operations) Current(ctx context.Context, _ *Nothing) (*MoveResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Moves, tenancy.Read)
	if err != nil {
		return nil, err
	}
	return answer(o.service.current(ctx, who.Tenant))
}

func (s *Service) current(ctx context.Context, t id.Tenant) (Move, error) {
	order, err := s.books.of(ctx, t)
	if err != nil {
		return Move{}, err
	}
	return s.view(ctx, order)
}

// ActRequest is POST /v1/moves/{id}/actions.
type ActRequest struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Action string `json:"action" enum:"pause,resume,switch,abort,roll_back,accept,retry,clean"`
	}
}

// Act asks for something that the move offers now.
func (o *Operations) Act(ctx context.Context, r *ActRequest) (*MoveResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Moves, tenancy.Manage)
	if err != nil {
		return nil, err
	}
	move, err := id.ParseMove(r.ID)
	if err != nil {
		return nil, err
	}
	return answer(o.service.Act(ctx, who.Tenant, move, r.Body.Action))
}

// Act notes the wish in the log; the worker that drives the move does it. It fails
// with ErrNotOffered when the move does not offer it now.
func (s *Service) Act(ctx context.Context, t id.Tenant, m id.Move, action string) (Move, error) {
	row, err := s.books.orders.Get(ctx, string(m))
	if errors.Is(err, docstore.ErrNotFound) || err == nil && row.Value.Tenant != t {
		return Move{}, ErrNone
	}
	if err != nil {
		return Move{}, err
	}
	for {
		last, err := s.books.last(ctx, m)
		if err != nil {
			return Move{}, err
		}
		offered := false
		for _, a := range actions(row.Value, last) {
			offered = offered || a.Name == action
		}
		if !offered {
			return Move{}, ErrNotOffered
		}
		n := last.note(s.now())
		n.Worker = ""
		switch action {
		case "pause":
			n.Paused, n.Text = true, "You paused it"
		case "resume":
			n.Paused, n.Text = false, "You resumed it"
		default:
			n.Wish, n.Paused, n.Text = Wish(action), false, asked[Wish(action)]
		}
		err = s.books.append(ctx, m, n)
		if errors.Is(err, docstore.ErrExists) {
			continue
		}
		if err != nil {
			return Move{}, err
		}
		s.wake()
		return s.view(ctx, row.Value)
	}
}

var asked = map[Wish]string{
	WishSwitch: "You asked for the switch", WishAbort: "You asked to give the move up", WishRollBack: "You asked to go back",
	WishAccept: "You asked to keep it", WishRetry: "You asked to try again", WishClean: "You asked to delete the old copy",
}

// Watch tells the current move at once and after each change, until it is over or
// ctx ends.
func (o *Operations) Watch(ctx context.Context, _ *Nothing) (<-chan Move, error) {
	who, err := tenancy.Require(ctx, tenancy.Moves, tenancy.Read)
	if err != nil {
		return nil, err
	}
	s := o.service
	if _, err := s.books.of(ctx, who.Tenant); err != nil {
		return nil, err
	}
	values := make(chan Move)
	log, beats := s.books.log.Watch(ctx), s.books.active.Watch(ctx)
	go func() { // ends with ctx
		defer close(values)
		round := time.NewTicker(watchEvery) // a hint misses what another replica wrote
		defer round.Stop()
		var last Move
		for {
			m, err := s.current(ctx, who.Tenant)
			if err != nil {
				return
			}
			if !reflect.DeepEqual(still(m), still(last)) {
				select {
				case values <- m:
				case <-ctx.Done():
					return
				}
				last = m
			}
			if m.Over {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-log:
			case <-beats:
			case <-round.C:
			}
		}
	}()
	return values, nil
}

const watchEvery = time.Second

// still is m without its running clocks.
func still(m Move) Move {
	stages := make([]MoveStage, len(m.Stages))
	for i, s := range m.Stages {
		s.Millis = 0
		stages[i] = s
	}
	m.Stages, m.Progress.EtaSeconds = stages, nil
	return m
}
