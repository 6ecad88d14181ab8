package provisioning

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Fleet is what provisioning needs of the agents.
type Fleet interface {
	// Pool is the environment that tenants of the self-serve plans share.
	Pool(ctx context.Context) (id.Environment, error)
	// Want makes the environment's agents bring the tenant into the wanted state
	// and returns the revision that says so. It may be called twice.
	Want(ctx context.Context, env id.Environment, w contract.WantedTenant) (int64, error)
}

// Probe sends one request the whole way to a tenant's API and back.
type Probe func(ctx context.Context, t id.Tenant, env id.Environment) error

// Service owns the placements. It may be used from many goroutines and many
// replicas.
type Service struct {
	placements docstore.Table[placement]
	fleet      Fleet
	probe      Probe
	log        *slog.Logger

	kick chan id.Tenant // placements of this process that may be able to move now

	mu     sync.Mutex
	active map[id.Tenant]bool // being moved here; another replica may move them too, and loses by revision
}

// New keeps placements in store.
func New(store docstore.Store, fleet Fleet, probe Probe, log *slog.Logger) *Service {
	return &Service{
		placements: docstore.TableOf[placement](store, Collection),
		fleet:      fleet, probe: probe, log: log,
		kick:   make(chan id.Tenant, 256), // more than that waits for the next round, not for a person
		active: map[id.Tenant]bool{},
	}
}

// Request asks for a running tenant. A second request for the same tenant does
// nothing, except after a failure, which it retries.
func (s *Service) Request(ctx context.Context, t id.Tenant, name, plan string) error {
	now := time.Now().UTC()
	err := s.placements.Insert(ctx, string(t), placement{
		Tenant: t, Name: name, Plan: plan, State: Lifecycle.First(), Unfinished: string(Requested),
		Entered: map[State]time.Time{Requested: now}, Attempts: 1,
	})
	if errors.Is(err, docstore.ErrExists) {
		_, err = s.placements.Update(ctx, string(t), func(p *placement) error {
			if p.State != Failed {
				return nil
			}
			p.Plan = plan
			return p.move(RetryAsked)
		})
	}
	if err != nil {
		return fmt.Errorf("request placement of %s: %w", t, err)
	}
	s.wake(t)
	return nil
}

// Reported hears how an agent brought a tenant into its wanted state. A report
// for an older revision, or of a tenant that is not being created, changes
// nothing.
func (s *Service) Reported(ctx context.Context, env id.Environment, r contract.Report) error {
	if r.State != contract.TenantServing {
		return nil
	}
	_, err := s.placements.Update(ctx, string(r.Tenant), func(p *placement) error {
		if p.State == Placed && p.Environment == env {
			// The agent was faster than our own note that it was told.
			p.Revision = r.Revision
			if err := p.move(AgentTold); err != nil {
				return err
			}
		}
		if p.State != Creating || p.Environment != env || r.Revision < p.Revision {
			return errAsItIs
		}
		p.AgentSteps = r.Steps
		if !r.OK {
			p.Error = r.Reason
			return p.move(StepFailed)
		}
		return p.move(StoreCreated)
	})
	if errors.Is(err, docstore.ErrNotFound) || errors.Is(err, errAsItIs) {
		return nil // not ours to place, or about a copy that a move makes, or old
	}
	if err != nil {
		return fmt.Errorf("note report on %s: %w", r.Tenant, err)
	}
	s.wake(r.Tenant)
	return nil
}

// Environment is where a ready tenant lives. It fails with ErrNone or ErrNotReady.
func (s *Service) Environment(ctx context.Context, t id.Tenant) (id.Environment, error) {
	r, err := s.Route(ctx, t)
	return r.Environment, err
}

// Of is how far the tenant's placement is. It fails with ErrNone.
func (s *Service) Of(ctx context.Context, t id.Tenant) (PlacementView, error) {
	r, err := s.placements.Get(ctx, string(t))
	if errors.Is(err, docstore.ErrNotFound) {
		return PlacementView{}, ErrNone
	}
	if err != nil {
		return PlacementView{}, fmt.Errorf("read placement of %s: %w", t, err)
	}
	return r.Value.progress(time.Now()), nil
}

func (s *Service) wake(t id.Tenant) {
	select {
	case s.kick <- t:
	default: // the round finds it
	}
}
