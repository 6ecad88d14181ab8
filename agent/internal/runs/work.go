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
	errUnwanted  = errors.New("nobody waits for this attempt any more")
)

// errOver says that another attempt took the place of this one, or that the run
// has ended.
var errOver = errors.New("the attempt is over")

// settleTime bounds the last writes of a run while the agent is stopping.
const settleTime = 10 * time.Second

// Recover puts every run that is not ended back into the queue: what waited
// waits again; what was in work when the program died is attempted again, or
// given up after three attempts; what was being cancelled is cancelled; what
// another environment works on is expected from there. Call it once, before Work
// and before requests are served. Tenants that are owned elsewhere are none of
// its business; those that cannot be read are passed over, which the result says;
// Work tries them again.
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
		if err == nil || fault.KindOf(err) == fault.NotFound || tenantstore.Elsewhere(err) { // gone meanwhile, or not ours
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
	if err := s.unpack(ctx, store, tenant); err != nil {
		return err
	}
	var open []record
	for _, state := range []State{Running, Canceling, Queued} {
		q := docstore.Query{Index: byState, Equal: []any{string(state)}, Limit: 1000}
		for {
			page, err := store.Find(ctx, runs, q)
			if err != nil {
				return fmt.Errorf("find runs that are %s: %w", state, err)
			}
			for _, doc := range page.Docs {
				var r record
				if err := json.Unmarshal(doc.Body, &r); err != nil {
					return fmt.Errorf("decode run %s: %w", doc.ID, err)
				}
				open = append(open, r)
			}
			if q.After = page.Next; q.After == "" {
				break
			}
		}
	}
	for _, r := range open {
		if err := s.recoverRun(ctx, store, tenant, &r); err != nil {
			return fmt.Errorf("run %s: %w", r.ID, err)
		}
	}
	return nil
}

// recoverRun puts one run right that was found open.
func (s *Service) recoverRun(ctx context.Context, store *tenantstore.Store, tenant id.Tenant, r *record) error {
	j := job{tenant, r.ID}
	switch {
	case r.State == Queued:
		s.supersede(j, r)
		s.queue.push(j)
		return nil
	case s.attends(j, r):
		return nil
	case s.elsewhere(r):
		s.hear(j, r.Begun, 0)
		s.log.InfoContext(ctx, "another environment works on a run", "tenant", tenant, "run", r.ID, "environment", r.Where)
		return nil
	}
	return s.interrupted(ctx, store, j, r.Begun)
}

// interrupted puts a run back whose attempt died, unless the run went on
// meanwhile.
func (s *Service) interrupted(ctx context.Context, store *tenantstore.Store, j job, attempt int) error {
	r, err := s.change(ctx, store, j.run, byAgent("runs.recover"), func(r *record) error {
		switch {
		case !r.inWork(attempt):
			return errOver
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
	if errors.Is(err, errOver) {
		return nil
	}
	if err != nil {
		return err
	}
	s.log.InfoContext(ctx, "run recovered", "tenant", j.tenant, "run", j.run, "state", r.State, "attempts", r.Attempts)
	if r.State == Queued {
		s.queue.push(j)
	}
	return nil
}

// Work works on runs until ctx ends, then hands back what is in work and
// returns.
func (s *Service) Work(ctx context.Context) error {
	var workers sync.WaitGroup
	workers.Go(func() { s.recoverRest(ctx) })
	workers.Go(func() { s.awaitNews(ctx) })
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

// workOn works on one run; whatever happens stays inside it.
func (s *Service) workOn(ctx context.Context, j job) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	work := &inWork{end: end}
	s.mu.Lock()
	s.active[j] = work // before the run is seen running, so that no cancel is missed
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.active, j)
		s.mu.Unlock()
		s.carrier.arrived(j, work.attempt)
		s.board.remove(j)
	}()
	log := s.log.With("tenant", j.tenant, "run", j.run)

	store, release, err := s.shelf.Open(ctx, j.tenant)
	if errors.Is(err, docstore.ErrNotFound) || fault.KindOf(err) == fault.NotFound || tenantstore.Elsewhere(err) {
		return // the tenant has left
	}
	if err != nil {
		log.ErrorContext(ctx, "the store of a run cannot be opened; it is recovered at the next start", "error", err)
		return
	}
	defer release()
	if err := s.carryOut(ctx, store, release, j, work); err != nil {
		log.ErrorContext(ctx, "a run cannot be carried on; it is recovered at the next start", "error", err)
	}
}

// carryOut makes one attempt. It gives store back before the decision is made: by
// the time there is something to write, the tenant may have been handed over, and
// even come home again.
func (s *Service) carryOut(ctx context.Context, store *tenantstore.Store, release func(), j job, work *inWork) error {
	var rec record
	_, err := s.change(ctx, store, j.run, byAgent("runs.begin"), func(r *record) error {
		if err := r.step(start); err != nil {
			return err
		}
		r.Attempts++
		r.Begun++
		r.Where = s.self()
		r.StartedAt, r.Stages, r.Error = ptr(s.now()), freshStages(), nil
		rec = *r
		return nil
	})
	if fault.KindOf(err) == fault.Conflict || errors.Is(err, ErrNoRun) || tenantstore.Elsewhere(err) {
		return nil // cancelled while it waited, or it waits elsewhere now
	}
	if err != nil {
		return fmt.Errorf("begin run %s: %w", j.run, err)
	}
	a := &attempt{service: s, job: j, number: rec.Begun, run: rec.Run, end: work.end, began: s.now(), stageBegan: s.now(), stages: make(chan Run, 16)}
	s.board.show(j, a.run)
	s.mu.Lock()
	work.attempt = a.number
	s.mu.Unlock()
	persisting := make(chan struct{})
	go func() { // ended by closing stages, waited for below
		defer close(persisting)
		a.persistStages(context.WithoutCancel(ctx))
	}()
	result, err := a.decide(ctx, store, release, rec)
	close(a.stages)
	<-persisting
	return a.settle(ctx, a.ending(ctx, result, err))
}

// stoppedByUs says whether the attempt ended because the agent stops, and not
// because the customer cancelled.
func stoppedByUs(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errCancelled)
}

// byAgent is a command of nobody in particular.
func byAgent(kind string) tenantstore.Command { return tenantstore.Command{Kind: kind, Actor: "agent"} }

// attempt is one attempt at a run. The mutex is not needed: the decider observes
// from one goroutine at a time, and ends before the attempt goes on.
type attempt struct {
	service    *Service
	job        job
	number     int
	run        Run
	end        context.CancelCauseFunc
	began      time.Time
	stageBegan time.Time
	stages     chan Run // changes of stage, to be kept; 16 is more than there are stages
}

// decide makes the decision; a panic in it is an error of this run only.
func (a *attempt) decide(ctx context.Context, store *tenantstore.Store, release func(), rec record) (result *replenish.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			a.service.log.ErrorContext(ctx, "a decision panicked", "tenant", a.job.tenant, "run", a.job.run, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			result, err = nil, ErrBroken.Because(fmt.Errorf("panic: %v", p))
		}
	}()
	data, notes, err := rec.Data.Data(ctx, store)
	release()
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
	a.service.carrier.show(a.job, a.number, a.run)
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
		err := a.write(ctx, func(store *tenantstore.Store) error {
			_, err := a.service.change(ctx, store, a.job.run, byAgent("runs.stage"), func(kept *record) error {
				if !kept.inWork(a.number) {
					return errOver
				}
				kept.Stage, kept.Stages = r.Stage, r.Stages
				return nil
			})
			return err
		})
		switch {
		case tenantstore.Elsewhere(err):
			a.service.depart(a.job.tenant)
		case err != nil && !errors.Is(err, errOver):
			a.service.log.WarnContext(ctx, "the stage of a run cannot be kept", "run", a.job.run, "error", err)
		}
	}
}

// write lets do write to the tenant's store as it is now.
func (a *attempt) write(ctx context.Context, do func(*tenantstore.Store) error) error {
	store, release, err := a.service.shelf.Open(ctx, a.job.tenant)
	if err != nil {
		return err
	}
	defer release()
	return do(store)
}

// ending is how an attempt came out.
type ending struct {
	how      event // finish, fail, stop or interrupt
	status   solve.Status
	headline string
	problem  *fault.Problem
	result   []byte // whole; nil without
	stages   []Stage
}

// ending says how the attempt came out. An attempt that had to make way, for a
// stop or for a hand-over before it had its data, is interrupted in good order.
func (a *attempt) ending(ctx context.Context, result *replenish.Result, failure error) ending {
	if stoppedByUs(ctx) || tenantstore.Elsewhere(failure) {
		return ending{how: interrupt}
	}
	var body []byte
	if result != nil {
		var err error
		if body, err = json.Marshal(result); err != nil {
			result, failure = nil, ErrBroken.Because(err)
		}
	}
	var e ending
	e.how, e.problem = outcome(result, failure, errors.Is(context.Cause(ctx), errCancelled))
	switch {
	case result != nil:
		e.status, e.headline, e.result = result.Status, result.Headline, body
	case e.how == stop:
		e.status = solve.Cancelled
	}
	ended := a.run
	ended.leave(map[event]StageState{finish: StageDone, fail: StageFailed, stop: StageWaiting}[e.how], a.service.now().Sub(a.stageBegan))
	e.stages = ended.Stages
	if e.problem != nil {
		level := a.service.log.InfoContext
		if e.problem.Kind == fault.Internal {
			level = a.service.log.ErrorContext
		}
		level(ctx, "run failed", "tenant", a.job.tenant, "run", a.job.run, "code", e.problem.Code, "error", failure)
	}
	return e
}

// settleTries is how often the end of an attempt is offered to a store that does
// not take it now; a pause of all writes may last longer than one try.
const settleTries = 3

// settle keeps how the attempt ended, or hands it to the carrier when its tenant
// is owned elsewhere.
func (a *attempt) settle(ctx context.Context, e ending) error {
	for try := 1; ; try++ {
		settle, done := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
		err := a.write(settle, func(store *tenantstore.Store) error {
			run, err := a.service.conclude(settle, store, a.job, a.number, e)
			if err == nil {
				a.service.board.show(a.job, run)
			}
			return err
		})
		if tenantstore.Elsewhere(err) {
			err = a.carry(settle, e)
		}
		done()
		switch {
		case err == nil, errors.Is(err, errOver), errors.Is(err, ErrNoRun), fault.KindOf(err) == fault.NotFound:
			return nil // kept, or nobody waits for it: another attempt took over, or the tenant left
		case fault.KindOf(err) == fault.Unavailable && try < settleTries && !stoppedByUs(ctx):
			continue
		}
		return fmt.Errorf("conclude run %s: %w", a.job.run, err)
	}
}

// conclude keeps how an attempt ended, the result and the final state in one
// command. The command's id is that of the attempt, so it takes effect once,
// whoever calls it, how often and where. It fails with errOver when the run went
// on without the attempt.
func (s *Service) conclude(ctx context.Context, store *tenantstore.Store, j job, attempt int, e ending) (Run, error) {
	var blob *tenantstore.Blob
	if e.result != nil {
		b, err := store.PutBlob(ctx, e.result)
		switch {
		case err == nil:
			blob = &b
		case fault.KindOf(err) == fault.Unavailable:
			return Run{}, fmt.Errorf("keep the result: %w", err)
		default:
			s.log.ErrorContext(ctx, "a result cannot be kept", "tenant", j.tenant, "run", j.run, "error", err)
			e = ending{how: fail, problem: problemOf(ErrBroken), stages: e.stages}
		}
	}
	command := byAgent("runs.conclude")
	if e.how == interrupt {
		command = byAgent("runs.hand_back")
	}
	command.ID = fmt.Sprintf("%s/%s/%d", command.Kind, j.run, attempt)
	return s.change(ctx, store, j.run, command, func(r *record) error {
		if !r.inWork(attempt) {
			return errOver
		}
		if e.how == interrupt {
			return s.handBack(r)
		}
		if err := r.step(e.how); err != nil {
			return err
		}
		r.Stage, r.Stages = "", e.stages
		r.FinishedAt, r.Error, r.Result = ptr(s.now()), e.problem, blob
		r.Status, r.Headline = e.status, e.headline
		return nil
	})
}

// handBack returns a run to the queue; a stop in good order is no failed attempt.
func (s *Service) handBack(r *record) error {
	r.leave(StageWaiting, 0)
	if err := r.step(interrupt); err != nil {
		return err
	}
	if r.State.Final() {
		r.FinishedAt = ptr(s.now())
		return nil
	}
	r.Attempts--
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
