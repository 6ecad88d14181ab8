package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// This file is the new owner's side of a hand-over: runs that the former owner
// works on are expected from there. carry.go is the other side.

// patience is how long an expected run may be without news.
const patience = 15 * time.Second

// ErrDelivery refuses news that cannot be understood.
var ErrDelivery = fault.New(fault.Invalid, "runs.bad_delivery", "What was delivered of a decision cannot be understood.")

// expectation is a run of a tenant served here that another environment works on.
type expectation struct {
	attempt  int
	version  int64 // of the latest news
	deadline time.Time
}

// elsewhere says whether another environment works on r.
func (s *Service) elsewhere(r *record) bool { return r.Where != "" && r.Where != s.self() }

// attends says whether a worker of this program has that attempt at the run. It
// hands a cancel on that was asked for while the tenant was elsewhere, and ends
// an attempt that another took the place of.
func (s *Service) attends(j job, r *record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.active[j]
	switch {
	case w == nil:
		return false
	case w.attempt != 0 && w.attempt < r.Begun:
		w.end(errUnwanted)
		return false
	case w.attempt == r.Begun && r.State == Canceling:
		w.end(errCancelled)
	}
	return true
}

// supersede ends the attempt that a worker still has at a run that was put back
// without it. One that was begun since r was read goes on.
func (s *Service) supersede(j job, r *record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.active[j]; w != nil && w.attempt != 0 && w.attempt <= r.Begun {
		w.end(errUnwanted)
	}
}

// hear notes a sign of life of an expected run, and says whether none later was
// heard.
func (s *Service) hear(j job, attempt int, version int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.expected[j]
	if e == nil || e.attempt < attempt {
		e = &expectation{attempt: attempt}
		s.expected[j] = e
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
	if e.attempt != attempt {
		return false
	}
	e.deadline = time.Now().Add(s.patience)
	if e.version > version {
		return false
	}
	e.version = version
	return true
}

// settled ends the expectation of an attempt: the stored run is the latest again.
func (s *Service) settled(j job, attempt int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.expected[j]; e != nil && e.attempt <= attempt {
		delete(s.expected, j)
	}
	if s.active[j] == nil { // a worker shows its own
		s.board.remove(j)
	}
}

// unexpect ends all expectations of a tenant that leaves.
func (s *Service) unexpect(tenant id.Tenant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for j := range s.expected {
		if j.tenant == tenant {
			delete(s.expected, j)
			s.board.remove(j)
		}
	}
}

// overdue gives the runs without news for too long, and how long until the next
// may be one. They are given another while, in case they cannot be put back now.
func (s *Service) overdue() (lost map[job]int, next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lost, next = map[job]int{}, time.Hour
	now := time.Now()
	for j, e := range s.expected {
		if !e.deadline.After(now) {
			lost[j] = e.attempt
			e.deadline = now.Add(s.patience)
		}
		next = min(next, e.deadline.Sub(now))
	}
	return lost, next
}

// awaitNews puts expected runs back of which nothing is heard, as after a crash,
// until ctx ends.
func (s *Service) awaitNews(ctx context.Context) {
	for {
		lost, next := s.overdue()
		for j, attempt := range lost {
			if err := s.giveUp(ctx, j, attempt); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "a decision that was lost with another agent cannot be put back yet", "tenant", j.tenant, "run", j.run, "error", err)
			}
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.news:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (s *Service) giveUp(ctx context.Context, j job, attempt int) error {
	store, release, err := s.shelf.Open(ctx, j.tenant)
	if err == nil {
		defer release()
		err = s.interrupted(ctx, store, j, attempt)
	}
	if err == nil || fault.KindOf(err) == fault.NotFound || tenantstore.Elsewhere(err) {
		s.settled(j, attempt)
		return nil
	}
	return err
}

// Adopt takes up a tenant that was just handed over to this environment: what
// waits is worked on, and what the former owner works on is expected from there.
// Of a tenant that comes home, attempts that are still in work here go on as if
// nothing had been. It may be called any number of times, and fails with
// tenantstore.ErrMoved or ErrStandby where the tenant is not served.
func (s *Service) Adopt(ctx context.Context, tenant id.Tenant) error {
	if err := s.recoverTenant(ctx, tenant); err != nil {
		return fmt.Errorf("take up the runs of %s: %w", tenant, err)
	}
	return nil
}

// Deliver takes news in of runs that the former owner works on, in any order and
// any number of times, and answers each: progress is shown, and an end is stored
// once. News of an attempt that is not in work any more changes nothing. Where it
// fails nothing is lost: deliver again.
func (s *Service) Deliver(ctx context.Context, tenant id.Tenant, news []contract.CarriedRun) ([]contract.CarriedAnswer, error) {
	store, release, err := s.shelf.Open(ctx, tenant)
	if err != nil {
		return nil, err
	}
	defer release()
	answers := make([]contract.CarriedAnswer, 0, len(news))
	for _, one := range news {
		answer, err := s.deliver(ctx, store, tenant, one)
		if err != nil {
			return nil, fmt.Errorf("deliver run %s: %w", one.Run, err)
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

func (s *Service) deliver(ctx context.Context, store *tenantstore.Store, tenant id.Tenant, news contract.CarriedRun) (contract.CarriedAnswer, error) {
	j := job{tenant, news.Run}
	answer := contract.CarriedAnswer{Run: news.Run, Attempt: news.Attempt}
	var seen glimpse
	if err := json.Unmarshal(news.Live, &seen); err != nil {
		return answer, ErrDelivery.Because(err)
	}
	if news.Ended != nil {
		e, err := unpacked(*news.Ended, seen)
		if err != nil {
			return answer, err
		}
		run, err := s.conclude(ctx, store, j, news.Attempt, e)
		if err = notOver(err); err != nil {
			return answer, err
		}
		s.settled(j, news.Attempt)
		if run.State == Queued {
			s.queue.push(j)
		}
		answer.Settled = true
		return answer, nil
	}
	r, err := s.stored(ctx, store, j.run)
	if err == nil && r.inWork(news.Attempt) {
		if s.elsewhere(&r) && s.hear(j, news.Attempt, news.Version) {
			shown := r.Run
			shown.Stage, shown.Stages, shown.Progress = seen.Stage, seen.Stages, seen.Progress
			s.board.show(j, shown)
		}
		// Looked at again: whoever ended the run before it was shown cannot have
		// taken it off the board.
		r, err = s.stored(ctx, store, j.run)
	}
	switch {
	case err != nil && !errors.Is(err, ErrNoRun):
		return answer, err
	case err == nil && r.inWork(news.Attempt):
		answer.Cancel = r.State == Canceling
		return answer, nil
	}
	s.settled(j, news.Attempt)
	answer.Settled = true
	return answer, nil
}

// unpacked is an end as it was before it travelled.
func unpacked(c contract.CarriedEnd, seen glimpse) (ending, error) {
	e := ending{
		how: event(c.How), status: solve.Status(c.Status), headline: c.Headline, problem: c.Problem, result: c.Result, stages: seen.Stages,
	}
	switch e.how {
	case finish:
		if !json.Valid(e.result) {
			return e, ErrDelivery.Because(errors.New("it is done and has no result"))
		}
	case fail, stop, interrupt:
		if len(e.result) > 0 && !json.Valid(e.result) {
			return e, ErrDelivery.Because(errors.New("its result is not readable"))
		}
	case start, cancel:
		fallthrough
	default:
		return e, ErrDelivery.Because(fmt.Errorf("it came out as %q", c.How))
	}
	return e, nil
}

// notOver is err, unless it says that nobody waits for the attempt any more.
func notOver(err error) error {
	if errors.Is(err, errOver) || errors.Is(err, ErrNoRun) {
		return nil
	}
	return err
}
