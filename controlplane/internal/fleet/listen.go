package fleet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dyocense/dyocense/shared/bus"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// queue makes one replica answer each request.
const queue = "fleet"

// Listen starts answering agents; when it returns, they are heard. Stop ends it.
func (s *Service) Listen() error {
	voices := []func() (*bus.Answering, error){
		func() (*bus.Answering, error) {
			return bus.Answer(s.edge, contract.Asked(contract.VerbDesired), queue, s.log, s.onDesired)
		},
		func() (*bus.Answering, error) {
			return bus.Answer(s.edge, contract.Asked(contract.VerbReport), queue, s.log, s.onReport)
		},
		func() (*bus.Answering, error) {
			return bus.Answer(s.edge, contract.Asked(contract.VerbRenew), queue, s.log, s.onRenew)
		},
		// Every replica wants to know who lives, so all of them hear the beats.
		func() (*bus.Answering, error) {
			return bus.Answer(s.edge, contract.Asked(contract.VerbBeat), "", s.log, s.onBeat)
		},
	}
	for _, start := range voices {
		v, err := start()
		if err != nil {
			s.Stop()
			return fmt.Errorf("listen to agents: %w", err)
		}
		s.mu.Lock()
		s.voices = append(s.voices, v)
		s.mu.Unlock()
	}
	return nil
}

// Stop stops answering and waits for what is being answered.
func (s *Service) Stop() {
	s.mu.Lock()
	voices := s.voices
	s.voices = nil
	s.mu.Unlock()
	for _, v := range voices {
		v.Stop()
	}
}

func (s *Service) onDesired(ctx context.Context, subject string, q contract.DesiredRequest) (contract.Desired, error) {
	env, _, err := s.speaker(ctx, subject)
	if err != nil {
		return contract.Desired{}, err
	}
	return s.desired(ctx, env, q.Have)
}

func (s *Service) onReport(ctx context.Context, subject string, r contract.Report) (contract.Ack, error) {
	env, agent, err := s.speaker(ctx, subject)
	if err != nil {
		return contract.Ack{}, err
	}
	wanted, err := s.line(ctx, env, r.Revision)
	if err != nil {
		return contract.Ack{}, err
	}
	if wanted.Tenant != r.Tenant || wanted.State != r.State || len(r.Reason) > 1000 || len(r.Steps) > 100 {
		return contract.Ack{}, ErrReport
	}
	s.mu.Lock()
	hooks := slices.Clone(s.hooks)
	s.mu.Unlock()
	if len(hooks) == 0 {
		return contract.Ack{}, ErrNotReady
	}
	for _, h := range hooks {
		if err := h(ctx, env, id.Agent(agent.ID), r); err != nil {
			return contract.Ack{}, fmt.Errorf("keep report of %s about %s: %w", agent.ID, r.Tenant, err)
		}
	}
	return contract.Ack{V: contract.Version}, nil
}

func (s *Service) onRenew(ctx context.Context, subject string, q contract.Renew) (contract.Renewed, error) {
	env, agent, err := s.speaker(ctx, subject)
	if err != nil {
		return contract.Renewed{}, err
	}
	if q.PublicKey != agent.Value.PublicKey {
		return contract.Renewed{}, ErrKey
	}
	jwt, expires, err := s.authority.MintUser(ctx, env, id.Agent(agent.ID), q.PublicKey, contract.UserTTL)
	if err != nil {
		return contract.Renewed{}, fmt.Errorf("renew %s: %w", agent.ID, err)
	}
	return contract.Renewed{V: contract.Version, JWT: jwt, Expires: expires.UTC()}, nil
}

func (s *Service) onBeat(ctx context.Context, subject string, b contract.Beat) (contract.Ack, error) {
	env, agent, err := s.speaker(ctx, subject)
	if err != nil {
		return contract.Ack{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[id.Agent(agent.ID)] = beat{env: env, beat: b, at: time.Now()}
	return contract.Ack{V: contract.Version}, nil
}
