package provisioning

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	roundEvery   = time.Second      // finds what nothing woke: after a start, a crash, or a lost nudge
	probeTimeout = 2 * time.Second  // of one attempt
	stepTimeout  = 10 * time.Second // of one step, so that one stuck tenant holds up no other
	movers       = 8                // placements moved at once
)

// Run moves placements until ctx ends. Start-up and recovery are the same code.
func (s *Service) Run(ctx context.Context) error {
	var moving sync.WaitGroup
	defer moving.Wait()
	slots := make(chan struct{}, movers)
	start := func(t id.Tenant) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.active[t] {
			return
		}
		select {
		case slots <- struct{}{}:
		default:
			return // the next round takes it
		}
		s.active[t] = true
		moving.Add(1)
		go func() {
			defer moving.Done()
			defer func() { <-slots }()
			s.advance(ctx, t)
			s.mu.Lock()
			delete(s.active, t)
			s.mu.Unlock()
		}()
	}
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		rows, err := s.placements.All(ctx, docstore.Query{Index: "unfinished"})
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "placements cannot be read", "err", err)
		}
		for _, r := range rows {
			start(r.Value.Tenant)
		}
	waiting:
		for {
			select {
			case <-ctx.Done():
				return nil
			case t := <-s.kick:
				start(t)
			case <-tick.C:
				break waiting
			}
		}
	}
}

// advance takes steps until the placement is ready, failed, or waits for somebody.
func (s *Service) advance(ctx context.Context, t id.Tenant) {
	for {
		step, cancel := context.WithTimeout(ctx, stepTimeout)
		again, err := s.Step(step, t)
		cancel()
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "placement waits", "tenant", t, "err", err)
		}
		if err != nil || !again {
			return
		}
	}
}

// Step brings one placement one step nearer to ready and says whether another
// step can follow at once. It reads the present state each time, so it may be
// called twice, late, or after a crash.
func (s *Service) Step(ctx context.Context, t id.Tenant) (again bool, err error) {
	r, err := s.placements.Get(ctx, string(t))
	if err != nil {
		return false, fmt.Errorf("read placement of %s: %w", t, err)
	}
	p := r.Value
	switch p.State {
	case Requested:
		env, err := s.fleet.Pool(ctx)
		if err != nil {
			return false, fmt.Errorf("find the pool: %w", err)
		}
		return s.moved(ctx, t, Requested, func(p *placement) error {
			p.Environment = env
			return p.move(EnvironmentChosen)
		})
	case Placed:
		revision, err := s.tell(ctx, p)
		if err != nil {
			return false, err
		}
		_, err = s.moved(ctx, t, Placed, func(p *placement) error {
			p.Revision = revision
			return p.move(AgentTold)
		})
		return false, err // the agent's report wakes the next step
	case Creating:
		// Nothing to do but wait: the desired state is written, an agent that was
		// away asks for it when it connects, and one that missed the nudge within
		// half a minute.
		return false, nil
	case Verifying:
		attempt, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		if err := s.probe(attempt, t, p.Environment); err != nil {
			if !fault.KindOf(err).Retryable() {
				return s.moved(ctx, t, Verifying, func(p *placement) error {
					p.Error = fault.ProblemOf(err).Detail
					return p.move(StepFailed)
				})
			}
			return false, fmt.Errorf("probe %s: %w", t, err)
		}
		return s.moved(ctx, t, Verifying, func(p *placement) error { return p.move(ProbeAnswered) })
	case Ready, Failed:
		return false, nil
	default:
		return false, fmt.Errorf("placement of %s: unknown state %q", t, p.State)
	}
}

func (s *Service) tell(ctx context.Context, p placement) (int64, error) {
	revision, err := s.fleet.Want(ctx, p.Environment, contract.WantedTenant{
		Tenant: p.Tenant, State: contract.TenantServing, Plan: p.Plan, Name: p.Name,
	})
	if err != nil {
		return 0, fmt.Errorf("want %s in %s: %w", p.Tenant, p.Environment, err)
	}
	return revision, nil
}

// moved writes a change of a placement that is still in from; if somebody else
// has moved it meanwhile, there is nothing left to do here.
func (s *Service) moved(ctx context.Context, t id.Tenant, from State, change func(*placement) error) (bool, error) {
	_, err := s.placements.Update(ctx, string(t), func(p *placement) error {
		if p.State != from {
			return nil
		}
		return change(p)
	})
	if err != nil {
		return false, fmt.Errorf("move placement of %s: %w", t, err)
	}
	return true, nil
}
