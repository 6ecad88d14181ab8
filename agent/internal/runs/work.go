package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// Why a run in work is told to end.
var (
	errCancelled = errors.New("cancelled by the customer")
	errStopping  = errors.New("the agent is stopping")
)

// settleTime bounds the last writes of a run while the agent is stopping.
const settleTime = 10 * time.Second

// Recover puts every run that is not ended back into the queue: what waited
// waits again; what was in work when the program died is attempted again, or
// given up after three attempts; what was being cancelled is cancelled. Call it
// once, before Work and before requests are served. Tenants that cannot be read
// are passed over, which the result says; Work tries them again.
func (s *Service) Recover(ctx context.Context) error {
	tenants, err := s.shelf.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("list tenants: %w", err)
	}
	s.unread, err = s.recoverAll(ctx, tenants)
	return err
}

// recoverAll gives back the tenants that could not be recovered, and why.
func (s *Service) recoverAll(ctx context.Context, tenants []id.Tenant) (left []id.Tenant, err error) {
	var all []error
	for _, t := range tenants {
		err := s.recoverTenant(ctx, t)
		if err == nil || fault.KindOf(err) == fault.NotFound { // gone meanwhile
			continue
		}
		left = append(left, t)
		all = append(all, fmt.Errorf("recover the runs of %s: %w", t, err))
	}
	return left, errors.Join(all...)
}

// recoverAgain is the pause between attempts to read tenants that could not be.
const recoverAgain = 5 * time.Second

// recoverRest goes on with the tenants that Recover passed over, until none is
// left or ctx ends.
func (s *Service) recoverRest(ctx context.Context) {
	for left := s.unread; len(left) > 0; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(recoverAgain):
		}
		var err error
		if left, err = s.recoverAll(ctx, left); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "some interrupted decisions still cannot be recovered", "error", err)
		}
	}
}

func (s *Service) recoverTenant(ctx context.Context, tenant id.Tenant) error {
	store, release, err := s.shelf.Open(ctx, tenant)
	if err != nil {
		return err
	}
	defer release()
	var open []id.Run
	for _, state := range []State{Running, Canceling, Queued} {
		q := docstore.Query{Index: byState, Equal: []any{string(state)}, Limit: 1000}
		for {
			page, err := store.Find(ctx, runs, q)
			if err != nil {
				return fmt.Errorf("find runs that are %s: %w", state, err)
			}
			for _, doc := range page.Docs {
				open = append(open, id.Run(doc.ID))
			}
			if q.After = page.Next; q.After == "" {
				break
			}
		}
	}
	for _, run := range open {
		r, err := s.change(ctx, store, run, "agent", "runs.recover", func(r *record) error {
			switch {
			case r.State == Queued, r.State.Final(), s.working(job{tenant, run}):
				return nil // nothing to put right, or begun meanwhile in this life
			case r.State == Running && r.Attempts >= maxAttempts:
				r.leave(StageFailed, 0)
				r.FinishedAt, r.Error = ptr(s.now()), problemOf(ErrInterrupted)
				return r.step(fail)
			}
			r.leave(StageWaiting, 0)
			if err := r.step(interrupt); err != nil {
				return err
			}
			if r.State.Final() {
				r.FinishedAt = ptr(s.now())
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("run %s: %w", run, err)
		}
		s.log.InfoContext(ctx, "run recovered", "tenant", tenant, "run", run, "state", r.State, "attempts", r.Attempts)
		if r.State == Queued {
			s.queue.push(job{tenant, run})
		}
	}
	return nil
}

// Work works on runs until ctx ends, then hands back what is in work and
// returns.
func (s *Service) Work(ctx context.Context) error {
	var workers sync.WaitGroup
	workers.Go(func() { s.recoverRest(ctx) })
	for range s.slots {
		workers.Go(func() {
			for {
				j, err := s.queue.next(ctx)
				if err != nil {
					return
				}
				s.workOn(ctx, j)
				s.queue.done(j.tenant)
			}
		})
	}
	workers.Wait()
	return nil
}

// working says whether this program works on the run.
func (s *Service) working(j job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, yes := s.active[j]
	return yes
}

// workOn works on one run; whatever happens stays inside it.
func (s *Service) workOn(ctx context.Context, j job) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	s.mu.Lock()
	s.active[j] = end // before the run is seen running, so that no cancel is missed
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.active, j)
		s.mu.Unlock()
		s.board.remove(j)
	}()
	log := s.log.With("tenant", j.tenant, "run", j.run)

	store, release, err := s.shelf.Open(ctx, j.tenant)
	if errors.Is(err, docstore.ErrNotFound) || fault.KindOf(err) == fault.NotFound {
		return // the tenant has left
	}
	if err != nil {
		log.ErrorContext(ctx, "the store of a run cannot be opened; it is recovered at the next start", "error", err)
		return
	}
	defer release()
	if err := s.carryOut(ctx, store, j); err != nil {
		log.ErrorContext(ctx, "a run cannot be carried on; it is recovered at the next start", "error", err)
	}
}

func (s *Service) carryOut(ctx context.Context, store *tenantstore.Store, j job) error {
	var rec record
	_, err := s.change(ctx, store, j.run, "agent", "runs.begin", func(r *record) error {
		if err := r.step(start); err != nil {
			return err
		}
		r.Attempts++
		r.StartedAt, r.Stages, r.Error = ptr(s.now()), freshStages(), nil
		rec = *r
		return nil
	})
	if fault.KindOf(err) == fault.Conflict || errors.Is(err, ErrNoRun) {
		return nil // cancelled while it waited
	}
	if err != nil {
		return fmt.Errorf("begin run %s: %w", j.run, err)
	}
	a := &attempt{service: s, store: store, job: j, run: rec.Run, began: s.now(), stageBegan: s.now(), stages: make(chan Run, 16)}
	s.board.show(j, a.run)
	persisting := make(chan struct{})
	go func() { // ended by closing stages, waited for below
		defer close(persisting)
		a.persistStages(context.WithoutCancel(ctx))
	}()
	result, err := a.decide(ctx, rec)
	close(a.stages)
	<-persisting
	settle, done := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer done()
	if stoppedByUs(ctx) {
		return a.handBack(settle)
	}
	return a.conclude(settle, context.Cause(ctx), result, err)
}

// stoppedByUs says whether the attempt ended because the agent stops, and not
// because the customer cancelled.
func stoppedByUs(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errCancelled)
}

// attempt is one attempt at a run. The mutex is not needed: the decider observes
// from one goroutine at a time, and ends before the attempt goes on.
type attempt struct {
	service    *Service
	store      *tenantstore.Store
	job        job
	run        Run
	began      time.Time
	stageBegan time.Time
	stages     chan Run // changes of stage, to be kept; 16 is more than there are stages
}

// decide makes the decision; a panic in it is an error of this run only.
func (a *attempt) decide(ctx context.Context, rec record) (result *replenish.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			a.service.log.ErrorContext(ctx, "a decision panicked", "tenant", a.job.tenant, "run", a.job.run, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			result, err = nil, ErrBroken.Because(fmt.Errorf("panic: %v", p))
		}
	}()
	data, notes, err := rec.Data.Data(ctx, a.store)
	if err != nil {
		return nil, err
	}
	if err := notes.Err(); err != nil {
		return nil, err
	}
	made, err := a.service.decider.Decide(ctx, data, rec.Goal, a.observe)
	if err != nil {
		return nil, err
	}
	return &made, nil
}

// observe shows progress and hands changes of stage on to be kept.
func (a *attempt) observe(p replenish.Progress) {
	now := a.service.now()
	changed := a.run.Stage != string(p.Stage)
	if changed {
		a.run.enter(string(p.Stage), now.Sub(a.stageBegan))
		a.stageBegan = now
	}
	shown := Progress{Stage: string(p.Stage), Done: p.Done, Total: p.Total, ElapsedSeconds: now.Sub(a.began).Seconds()}
	if p.Solve != nil {
		shown.Objective, shown.Bound, shown.Gap, shown.Nodes = p.Solve.Objective, p.Solve.Bound, p.Solve.Gap, p.Solve.Nodes
	}
	a.run.Progress = &shown
	a.service.board.show(a.job, a.run)
	if changed {
		select {
		case a.stages <- a.run:
		default: // the store is slow; the next change tells more
		}
	}
}

// persistStages keeps each change of stage. Losing one costs nothing but what a
// restart would show.
func (a *attempt) persistStages(ctx context.Context) {
	for r := range a.stages {
		_, err := a.service.change(ctx, a.store, a.job.run, "agent", "runs.stage", func(kept *record) error {
			kept.Stage, kept.Stages = r.Stage, r.Stages
			return nil
		})
		if err != nil {
			a.service.log.WarnContext(ctx, "the stage of a run cannot be kept", "run", a.job.run, "error", err)
		}
	}
}

// handBack returns the run to the queue of the next start; a stop in good order
// is no failed attempt.
func (a *attempt) handBack(ctx context.Context) error {
	_, err := a.service.change(ctx, a.store, a.job.run, "agent", "runs.hand_back", func(r *record) error {
		r.leave(StageWaiting, 0)
		if err := r.step(interrupt); err != nil {
			return err
		}
		if r.State.Final() {
			r.FinishedAt = ptr(a.service.now())
			return nil
		}
		r.Attempts--
		return nil
	})
	if errors.Is(err, ErrNoRun) || fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}

// conclude keeps the result and the final state in one command.
func (a *attempt) conclude(ctx context.Context, cause error, result *replenish.Result, failure error) error {
	var blob *tenantstore.Blob
	if result != nil {
		body, err := json.Marshal(result)
		if err == nil {
			var b tenantstore.Blob
			b, err = a.store.PutBlob(ctx, body)
			blob = &b
		}
		if err != nil {
			failure, result, blob = ErrBroken.Because(err), nil, nil
		}
	}
	end, problem := outcome(result, failure, errors.Is(cause, errCancelled))
	if problem != nil {
		level := a.service.log.InfoContext
		if problem.Kind == fault.Internal {
			level = a.service.log.ErrorContext
		}
		level(ctx, "run failed", "tenant", a.job.tenant, "run", a.job.run, "code", problem.Code, "error", failure)
	}
	run, err := a.service.change(ctx, a.store, a.job.run, "agent", "runs.conclude", func(r *record) error {
		now := a.service.now()
		r.Stages = a.run.Stages
		r.leave(map[event]StageState{finish: StageDone, fail: StageFailed, stop: StageWaiting}[end], now.Sub(a.stageBegan))
		if err := r.step(end); err != nil {
			return err
		}
		r.FinishedAt, r.Error, r.Result = &now, problem, blob
		if result != nil {
			r.Status, r.Headline = result.Status, result.Headline
		} else if end == stop {
			r.Status = solve.Cancelled
		}
		return nil
	})
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return nil // the tenant left meanwhile
		}
		return fmt.Errorf("conclude run %s: %w", a.job.run, err)
	}
	a.service.board.show(a.job, run)
	return nil
}

// outcome says how a run ends.
func outcome(result *replenish.Result, failure error, cancelled bool) (event, *fault.Problem) {
	switch {
	case failure != nil && cancelled && errors.Is(failure, context.Canceled):
		return stop, nil
	case failure != nil:
		return fail, problemOf(failure)
	case result.Status == solve.Cancelled:
		return stop, nil
	case result.Status == solve.EngineUnavailable:
		return fail, problemOf(withReason(ErrEngineGone, result.Solver.Detail))
	case result.Status == solve.EngineCrash:
		return fail, problemOf(withReason(ErrEngineDied, result.Solver.Detail))
	}
	return finish, nil
}

func withReason(f *fault.Error, reason string) *fault.Error {
	if reason == "" {
		return f
	}
	return f.With(fault.Detail{Location: "solver", Message: reason})
}

func problemOf(err error) *fault.Problem {
	p := fault.ProblemOf(err)
	return &p
}
