package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/bus"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// desiredPage is how many lines one answer holds: with the longest names, each
// character of them escaped, they fit into one message.
const desiredPage = 250

// appendTries bounds how often Want loses a slot to somebody faster.
const appendTries = 1000

// slotID sorts like its slot, so that the lines of an environment lie in order.
func slotID(env id.Environment, slot int64) string {
	return fmt.Sprintf("%s/%012d", env, slot)
}

// Want appends what is wanted of a tenant in env and returns its revision. The
// line is durable when it returns; the nudge to the agents may get lost, and then
// they find the line when they look by themselves. w.Revision is set here.
//
// Calling it twice appends two lines that say the same, which changes nothing
// but makes the agents report again.
func (s *Service) Want(ctx context.Context, env id.Environment, w contract.WantedTenant) (int64, error) {
	if _, err := id.ParseTenant(string(w.Tenant)); err != nil || w.Plan == "" || len(w.Plan) > 50 || len(w.Name) > 400 ||
		w.State != contract.TenantServing && w.State != contract.TenantGone && w.State != contract.TenantDropped {
		return 0, ErrWish
	}
	place, err := s.Environment(ctx, env)
	if err != nil {
		return 0, err
	}
	revision, err := s.appendLine(ctx, env, w)
	if err != nil {
		return 0, err
	}
	s.nudge(ctx, place, revision)
	return revision, nil
}

func (s *Service) appendLine(ctx context.Context, env id.Environment, w contract.WantedTenant) (int64, error) {
	s.mu.Lock()
	tail, known := s.tails[env]
	s.mu.Unlock()
	var err error
	for range appendTries {
		if !known {
			if tail, err = s.tail(ctx, env); err != nil {
				return 0, err
			}
		}
		slot := tail + 1
		w.Revision = slot
		err = s.lines.Insert(ctx, slotID(env, slot), lineDoc{Wanted: w, At: time.Now().UTC()})
		if err == nil {
			s.reached(env, slot)
			return slot, nil
		}
		if !errors.Is(err, docstore.ErrExists) {
			return 0, fmt.Errorf("append to desired state of %s: %w", env, err)
		}
		known = false // somebody was faster: look where the end is now
	}
	return 0, ErrOvertaken
}

// reached remembers that slot is taken.
func (s *Service) reached(env id.Environment, slot int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tails[env] = max(s.tails[env], slot)
}

// tail is the newest slot of env, 0 when there is none.
func (s *Service) tail(ctx context.Context, env id.Environment) (int64, error) {
	rows, _, err := s.lines.Find(ctx, docstore.Query{From: slotID(env, 0), To: string(env) + "0", Desc: true, Limit: 1}) // '0' follows '/'
	if err != nil {
		return 0, fmt.Errorf("find end of desired state of %s: %w", env, err)
	}
	if len(rows) == 0 {
		return 0, nil
	}
	return rows[0].Value.Wanted.Revision, nil
}

// nudge tells env's agents that there is something new. It reaches those that
// are connected.
func (s *Service) nudge(ctx context.Context, env Environment, revision int64) {
	agents, err := s.Agents(ctx, env.ID)
	if err != nil {
		s.log.WarnContext(ctx, "agents not nudged", "environment", env.ID, "err", err)
		return
	}
	for _, a := range agents {
		if a.State != Enrolled {
			continue
		}
		err := bus.Nudge(s.edge, contract.ToChanged(env.Account, a.ID), contract.Changed{V: contract.Version, Revision: revision})
		if err != nil {
			s.log.WarnContext(ctx, "agent not nudged", "agent", a.ID, "err", err)
		}
	}
}

// desired answers what an agent has not carried out yet.
func (s *Service) desired(ctx context.Context, env id.Environment, have int64) (contract.Desired, error) {
	if have < 0 {
		return contract.Desired{}, contract.ErrMalformed.Saying("A revision is never negative.")
	}
	rows, next, err := s.lines.Find(ctx, docstore.Query{From: slotID(env, have+1), To: string(env) + "0", Limit: desiredPage})
	if err != nil {
		return contract.Desired{}, fmt.Errorf("read desired state of %s: %w", env, err)
	}
	d := contract.Desired{V: contract.Version, Revision: have, More: next != "", Tenants: make([]contract.WantedTenant, 0, len(rows))}
	for i, r := range rows {
		if w := r.Value.Wanted; w.Revision != have+int64(i)+1 || !strings.HasPrefix(r.ID, string(env)+"/") {
			return contract.Desired{}, fmt.Errorf("desired state of %s has a gap before %s", env, r.ID)
		}
		d.Tenants = append(d.Tenants, r.Value.Wanted)
		d.Revision = r.Value.Wanted.Revision
	}
	if d.More || len(rows) == 0 {
		// With nothing new this is how an agent sees that the log is shorter than it
		// remembers, as after a restored backup.
		if d.Revision, err = s.tail(ctx, env); err != nil {
			return contract.Desired{}, err
		}
	}
	return d, nil
}

// line is what was wanted at a revision, or ErrReport.
func (s *Service) line(ctx context.Context, env id.Environment, revision int64) (contract.WantedTenant, error) {
	row, err := s.lines.Get(ctx, slotID(env, revision))
	if errors.Is(err, docstore.ErrNotFound) {
		return contract.WantedTenant{}, ErrReport
	}
	if err != nil {
		return contract.WantedTenant{}, fmt.Errorf("read desired state of %s: %w", env, err)
	}
	return row.Value.Wanted, nil
}
