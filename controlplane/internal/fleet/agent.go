package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/state"
)

// State of an agent in the registry. Whether it is alive is not a state: nobody
// decides it.
type State string

// The states.
const (
	Enrolled State = "enrolled"
	Revoked  State = "revoked"
)

// Event moves an agent.
type Event string

// RevokeAsked ends an agent for good.
const RevokeAsked Event = "revoke_asked"

// Lifecycle of an agent.
var Lifecycle = state.New(Enrolled, state.Table[State, Event]{
	Enrolled: {RevokeAsked: Revoked},
	Revoked:  {},
})

// Agent is one enrolled process, as the control plane knows it.
type Agent struct {
	ID          id.Agent
	Environment id.Environment
	Name        string // of its host, for people
	Program     string // version
	Mode        features.Mode
	State       State
	Enrolled    time.Time
	Alive       bool           // it has told so within three beats, to this process
	Heard       time.Time      // its last beat; zero when this process has heard none
	Beat        *contract.Beat // nil when this process has heard none
}

// Agents are all agents of env, revoked ones too, oldest first.
func (s *Service) Agents(ctx context.Context, env id.Environment) ([]Agent, error) {
	rows, err := s.agents.All(ctx, docstore.Query{Index: byEnvironment, Equal: []any{string(env)}, Limit: 1000})
	if err != nil {
		return nil, fmt.Errorf("list agents of %s: %w", env, err)
	}
	now := time.Now()
	agents := make([]Agent, 0, len(rows))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rows {
		a := Agent{
			ID: id.Agent(r.ID), Environment: r.Value.Environment, Name: r.Value.Name, Program: r.Value.Program,
			Mode: r.Value.Mode, State: r.Value.State, Enrolled: r.Value.Enrolled,
		}
		if b, ok := s.seen[a.ID]; ok {
			a.Heard, a.Beat, a.Program = b.at, &b.beat, b.beat.Program
			a.Alive = a.State == Enrolled && b.alive(now)
		}
		agents = append(agents, a)
	}
	return agents, nil
}

// Alive are the ids of env's agents that live, as this process has heard, in
// order. It costs no look into the store.
func (s *Service) Alive(env id.Environment) []id.Agent {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var alive []id.Agent
	for a, b := range s.seen {
		if b.env == env && b.alive(now) {
			alive = append(alive, a)
		}
	}
	slices.Sort(alive)
	return alive
}

// Revoke ends an agent for good: its connections close now, and its key is never
// accepted again. When it fails it may have half happened; call it again.
func (s *Service) Revoke(ctx context.Context, agent id.Agent) error {
	row, err := s.agents.Update(ctx, string(agent), func(d *agentDoc) error {
		if d.State == Revoked {
			return nil
		}
		next, err := Lifecycle.Next(d.State, RevokeAsked)
		d.State = next
		return err
	})
	if errors.Is(err, docstore.ErrNotFound) {
		return ErrNoneSuch
	}
	if err != nil {
		return fmt.Errorf("revoke %s: %w", agent, err)
	}
	if err := s.authority.Revoke(ctx, row.Value.Environment, row.Value.PublicKey); err != nil {
		return fmt.Errorf("cut off %s: %w", agent, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seen, agent)
	return nil
}

// speaker is the enrolled agent that sent a message on subject.
func (s *Service) speaker(ctx context.Context, subject string) (id.Environment, docstore.Row[agentDoc], error) {
	var none docstore.Row[agentDoc]
	account, name, ok := contract.Speaker(subject)
	if !ok {
		return "", none, ErrStranger
	}
	env, err := s.environmentOn(ctx, account)
	if err != nil {
		return "", none, err
	}
	row, err := s.agents.Get(ctx, string(name))
	switch {
	case errors.Is(err, docstore.ErrNotFound), errors.Is(err, docstore.ErrInvalid):
		return "", none, ErrStranger
	case err != nil:
		return "", none, fmt.Errorf("read agent %s: %w", name, err)
	case row.Value.Environment != env:
		return "", none, ErrStranger
	case row.Value.State != Enrolled:
		return "", none, ErrRevoked
	}
	return env, row, nil
}

// beat is the last sign of life of an agent.
type beat struct {
	env  id.Environment
	beat contract.Beat
	at   time.Time
}

func (b beat) alive(now time.Time) bool { return now.Sub(b.at) <= 3*contract.BeatEvery }
