package dedicated

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	roundEvery  = time.Second           // finds what nothing woke: after a start, a crash, or an agent that ended
	stepTimeout = 30 * time.Second      // of one step: longer than an agent may take to end
	lookFor     = time.Second           // how long one step waits for an agent to come
	lookEvery   = 20 * time.Millisecond // a look costs no query
	startWithin = 2 * time.Minute       // an agent that does not come by then will not come by itself
)

// Run keeps the environments of our home running until ctx ends, and then ends
// what cannot run without this process. Start-up and recovery are the same code.
func (s *Service) Run(ctx context.Context) error {
	defer s.provisioner.Close()
	var moving sync.WaitGroup
	defer moving.Wait()
	var mu sync.Mutex
	active := map[id.Environment]bool{}
	start := func(env id.Environment) {
		mu.Lock()
		defer mu.Unlock()
		if active[env] {
			return
		}
		active[env] = true
		moving.Go(func() {
			s.advance(ctx, env)
			mu.Lock()
			defer mu.Unlock()
			delete(active, env)
		})
	}
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		s.round(ctx, start)
	waiting:
		for {
			select {
			case <-ctx.Done():
				return nil
			case env := <-s.kick:
				start(env)
			case <-tick.C:
				break waiting
			}
		}
	}
}

// round looks at every environment of our home once, and at what runs although
// it shall not.
func (s *Service) round(ctx context.Context, start func(id.Environment)) {
	running := s.provisioner.Running() // before the documents, which may only have become more
	rows, err := s.ours(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.log.WarnContext(ctx, "dedicated environments cannot be read", "err", err)
		}
		return
	}
	for _, r := range rows {
		start(id.Environment(r.ID))
	}
	wanted := wantedOf(rows)
	for _, env := range running {
		if !slices.Contains(wanted, env) {
			start(env)
		}
	}
}

// advance takes steps until the environment runs, is gone, failed, or waits.
func (s *Service) advance(ctx context.Context, env id.Environment) {
	for {
		step, cancel := context.WithTimeout(ctx, stepTimeout)
		again, err := s.Step(step, env)
		cancel()
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "dedicated environment waits", "environment", env, "err", err)
		}
		if err != nil || !again {
			return
		}
	}
}

// Step brings one environment of our home one step nearer to where it shall be
// and says whether another step can follow at once. It reads the present state
// each time, so it may be called twice, late, or after a crash.
func (s *Service) Step(ctx context.Context, env id.Environment) (again bool, err error) {
	done, err := s.turn(ctx, env)
	if err != nil {
		return false, err
	}
	defer done()
	row, err := s.get(ctx, env)
	if err != nil {
		return false, err
	}
	e := row.Value
	if e.Home != s.provisioner.Home() {
		return false, nil // another replica's
	}
	switch e.State {
	case Requested:
		if err := s.provisioner.Start(ctx, env); err != nil {
			if s.overdue(e) {
				return s.fail(ctx, env, e.State, fault.ProblemOf(err).Detail)
			}
			return false, fmt.Errorf("start %s: %w", env, err)
		}
		return s.moved(ctx, env, Requested, func(e *environment) error { return e.move(ProvisionerTold) })
	case Starting:
		return s.await(ctx, env, e)
	case Running:
		// After a start of this process nothing runs yet; later this does nothing.
		if err := s.provisioner.Start(ctx, env); err != nil {
			return false, fmt.Errorf("keep %s running: %w", env, err)
		}
		return false, nil
	case Failed, Removed:
		if err := s.provisioner.Stop(ctx, env); err != nil {
			return false, fmt.Errorf("stop %s: %w", env, err)
		}
		return false, nil
	case Stopping:
		return s.erase(ctx, env)
	default:
		return false, fmt.Errorf("dedicated environment %s: unknown state %q", env, e.State)
	}
}

// await waits a moment for the agent of an environment that is starting.
func (s *Service) await(ctx context.Context, env id.Environment, e environment) (bool, error) {
	if err := s.provisioner.Start(ctx, env); err != nil {
		if s.overdue(e) {
			return s.fail(ctx, env, Starting, fault.ProblemOf(err).Detail)
		}
		return false, fmt.Errorf("start %s: %w", env, err)
	}
	if !s.comes(ctx, env) {
		if s.overdue(e) {
			return s.fail(ctx, env, Starting, fmt.Sprintf("The agent of the dedicated environment has not connected within %s.", startWithin))
		}
		return false, nil
	}
	agents, err := s.fleet.Agents(ctx, env)
	if err != nil {
		return false, fmt.Errorf("look at the agent of %s: %w", env, err)
	}
	for _, a := range agents {
		switch {
		case !a.Alive || a.Heard.Before(e.Entered[Starting]):
			// Nobody, or the last word of an agent that an earlier try has ended.
		case a.Beat.Mode != features.Platform:
			return s.fail(ctx, env, Starting, fmt.Sprintf("The agent of the dedicated environment runs in %s mode.", a.Beat.Mode))
		default:
			return s.moved(ctx, env, Starting, func(e *environment) error { return e.move(AgentCame) })
		}
	}
	return false, nil
}

// comes says whether an agent of env lives, at the latest after lookFor.
func (s *Service) comes(ctx context.Context, env id.Environment) bool {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for !s.alive(env) {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// overdue says whether the environment has had its time to start. While this
// process was not there, nothing could.
func (s *Service) overdue(e environment) bool {
	since := e.Entered[e.State]
	if s.began.After(since) {
		since = s.began
	}
	return time.Since(since) > startWithin
}

// fail stops what was started and then writes the reason, so that nothing runs of
// an environment that failed.
func (s *Service) fail(ctx context.Context, env id.Environment, from State, reason string) (bool, error) {
	if err := s.provisioner.Stop(ctx, env); err != nil {
		return false, fmt.Errorf("stop %s: %w", env, err)
	}
	_, err := s.moved(ctx, env, from, func(e *environment) error {
		e.Error = reason
		return e.move(StepFailed)
	})
	return false, err
}

// erase ends the agent, shuts its key out, and deletes what it kept, in this
// order: nobody writes to what is being deleted.
func (s *Service) erase(ctx context.Context, env id.Environment) (bool, error) {
	if err := s.provisioner.Stop(ctx, env); err != nil {
		return false, fmt.Errorf("stop %s: %w", env, err)
	}
	agents, err := s.fleet.Agents(ctx, env)
	if err != nil {
		return false, fmt.Errorf("find the agents of %s: %w", env, err)
	}
	for _, a := range agents {
		// Also one that is revoked: the last try may have ended half way.
		if err := s.fleet.Revoke(ctx, a.ID); err != nil {
			return false, fmt.Errorf("revoke the agents of %s: %w", env, err)
		}
	}
	if err := s.provisioner.Erase(ctx, env); err != nil {
		return false, fmt.Errorf("erase %s: %w", env, err)
	}
	_, err = s.moved(ctx, env, Stopping, func(e *environment) error { return e.move(AllErased) })
	return false, err
}

// moved writes a change of an environment that is still in from; if somebody else
// has moved it meanwhile, the next step sees where it is.
func (s *Service) moved(ctx context.Context, env id.Environment, from State, change func(*environment) error) (bool, error) {
	_, err := s.environments.Update(ctx, string(env), func(e *environment) error {
		if e.State != from {
			return nil
		}
		return change(e)
	})
	if err != nil {
		return false, fmt.Errorf("move dedicated environment %s: %w", env, err)
	}
	return true, nil
}
