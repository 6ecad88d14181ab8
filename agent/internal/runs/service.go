package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Decider makes decisions; replenish.Decider is the real one.
type Decider interface {
	Decide(ctx context.Context, data replenish.Data, goal replenish.Goal, observe replenish.Observe) (replenish.Result, error)
}

// Caller is who asks.
type Caller struct {
	Tenant id.Tenant
	Person id.Person
	Limits contract.Limits // what the plan allows; the zero value allows all
}

// Config of a Service.
type Config struct {
	Shelf   *tenantstore.Shelf
	Decider Decider
	Slots   int // runs worked on at a time in this agent; at least 1
	Log     *slog.Logger
	Now     func() time.Time // nil means time.Now
	// Self is the environment of this agent, "" while it is not known; nil means
	// that it never is.
	Self func() id.Environment
	// Patience is how long a run that another environment works on may be without
	// news before it is taken for interrupted; 0 means 15 seconds.
	Patience time.Duration
}

// Service keeps goals and runs, and works on them. It is safe for many
// goroutines.
type Service struct {
	shelf   *tenantstore.Shelf
	decider Decider
	slots   int
	log     *slog.Logger
	clock   func() time.Time
	self    func() id.Environment

	queue    *queue
	board    *board
	carrier  *carrier
	patience time.Duration
	news     chan struct{} // wakes awaitNews; one waiting is enough
	unread   []id.Tenant   // passed over by Recover; Work's from then on

	mu       sync.Mutex
	active   map[job]*inWork
	expected map[job]*expectation
}

// inWork is a run that a worker of this program has.
type inWork struct {
	end     context.CancelCauseFunc
	attempt int // 0 until it is begun
}

// New makes a Service that works on nothing yet: call Recover, then Work.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Self == nil {
		c.Self = func() id.Environment { return "" }
	}
	if c.Patience == 0 {
		c.Patience = patience
	}
	return &Service{
		shelf: c.Shelf, decider: c.Decider, slots: max(1, c.Slots), log: c.Log, clock: c.Now, self: c.Self,
		queue: newQueue(), board: newBoard(), carrier: newCarrier(), patience: c.Patience, news: make(chan struct{}, 1),
		active: map[job]*inWork{}, expected: map[job]*expectation{},
	}
}

func (s *Service) now() time.Time { return s.clock().UTC() }

// Running is how many runs are worked on now.
func (s *Service) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.active)
}

// Start asks for a decision of a goal on the tables as they are now. once, if
// not "", makes a repeated request answer with the run of the first. It fails
// with ErrNoGoal, ErrTooMany, ErrDecisionsUsed, or tables.ErrNotReady. Used is how many
// decisions of the period are used with this one; 0 for a repeated request.
func (s *Service) Start(ctx context.Context, who Caller, goal id.Goal, once string) (r Run, used int, err error) {
	store, release, err := s.shelf.Open(ctx, who.Tenant)
	if err != nil {
		return Run{}, 0, err
	}
	defer release()
	refusal := s.refusal(ctx, store, who.Tenant)
	if refusal != nil && once == "" {
		return Run{}, 0, refusal
	}
	command := tenantstore.Command{Kind: "runs.start", Actor: string(who.Person)}
	if once != "" {
		command.ID = "runs.start/" + once
	}
	receipt, err := store.Do(ctx, command, func(tx *tenantstore.Tx) error {
		if refusal != nil {
			return refusal // unless the same request was granted before: then this is not called
		}
		var g SavedGoal
		err := tx.Get(goals, string(goal), &g)
		if errors.Is(err, docstore.ErrNotFound) {
			return ErrNoGoal
		}
		if err != nil {
			return err
		}
		data, err := tables.Snap(tx)
		if err != nil {
			return err
		}
		now := s.now()
		if used, err = spend(tx, who.Limits, now); err != nil {
			return err
		}
		r := record{
			Run: Run{
				ID: id.NewRun(), GoalID: goal, Title: g.Title, Goal: g.Goal, State: lifecycle.First(), Stages: freshStages(), CreatedAt: now,
			},
			Data: data, Actor: string(who.Person),
		}
		if err := tx.Put(runs, string(r.ID), r); err != nil {
			return err
		}
		return tx.Return(r.Run)
	})
	if err != nil {
		return Run{}, 0, err
	}
	if err := json.Unmarshal(receipt.Result, &r); err != nil {
		return Run{}, 0, fmt.Errorf("read the run that was started: %w", err)
	}
	if receipt.Replayed {
		r, err = s.view(ctx, store, job{who.Tenant, r.ID})
		return r, 0, err
	}
	s.queue.push(job{who.Tenant, r.ID})
	return r, used, nil
}

// refusal says why no run may be started now.
func (s *Service) refusal(ctx context.Context, store *tenantstore.Store, tenant id.Tenant) error {
	if s.queue.depth(tenant) >= maxWaiting {
		return ErrTooMany
	}
	_, notes, err := tables.Data(ctx, store)
	if err != nil {
		return err
	}
	return notes.Err()
}

// Cancel asks a run to stop. A plan that was found by then is kept, so it may
// still end as Done. Cancelling a run that is being cancelled is no failure; one
// that has ended gives ErrEnded.
func (s *Service) Cancel(ctx context.Context, who Caller, run id.Run) (Run, error) {
	store, release, err := s.shelf.Open(ctx, who.Tenant)
	if err != nil {
		return Run{}, err
	}
	defer release()
	j := job{who.Tenant, run}
	command := tenantstore.Command{Kind: "runs.cancel", Actor: string(who.Person)}
	r, err := s.change(ctx, store, run, command, func(r *record) error {
		if r.State.Final() {
			return ErrEnded
		}
		if err := r.step(cancel); err != nil {
			return err
		}
		if r.State.Final() {
			r.FinishedAt = ptr(s.now())
		}
		return nil
	})
	if err != nil {
		return Run{}, err
	}
	if r.State == Canceling {
		s.mu.Lock()
		if w := s.active[j]; w != nil {
			w.end(errCancelled)
		}
		s.mu.Unlock() // a run that another environment works on is told in the answer to its next news
	}
	s.board.alter(j, func(live *Run) { live.State, live.FinishedAt = r.State, r.FinishedAt })
	return s.view(ctx, store, j)
}

// change reads a run, alters it and writes it, as one command. A repeated command
// gives the run as it is now.
func (s *Service) change(ctx context.Context, store *tenantstore.Store, run id.Run, command tenantstore.Command, alter func(*record) error) (Run, error) {
	var r record
	receipt, err := store.Do(ctx, command, func(tx *tenantstore.Tx) error {
		r = record{}
		err := tx.Get(runs, string(run), &r)
		if errors.Is(err, docstore.ErrNotFound) {
			return ErrNoRun
		}
		if err != nil {
			return err
		}
		before := r.State
		if err := alter(&r); err != nil {
			return err
		}
		if r.State == Failed && before != Failed && ours(r.Error) {
			if err := giveBack(tx, r.CreatedAt); err != nil {
				return err
			}
		}
		return tx.Put(runs, string(run), r)
	})
	if err == nil && receipt.Replayed {
		r, err = s.stored(ctx, store, run)
	}
	return r.Run, err
}

// Find reads a run as it is this moment, or fails with ErrNoRun.
func (s *Service) Find(ctx context.Context, who Caller, run id.Run) (Run, error) {
	store, release, err := s.shelf.Open(ctx, who.Tenant)
	if err != nil {
		return Run{}, err
	}
	defer release()
	return s.view(ctx, store, job{who.Tenant, run})
}

func (s *Service) view(ctx context.Context, store *tenantstore.Store, j job) (Run, error) {
	if live, ok := s.board.latest(j); ok {
		return live, nil
	}
	r, err := s.stored(ctx, store, j.run)
	return r.Run, err
}

func (s *Service) stored(ctx context.Context, store *tenantstore.Store, run id.Run) (record, error) {
	var r record
	err := store.Get(ctx, runs, string(run), &r)
	if errors.Is(err, docstore.ErrNotFound) {
		return r, ErrNoRun
	}
	if err != nil {
		return r, fmt.Errorf("read run %s: %w", run, err)
	}
	return r, nil
}

// List lists runs, newest first; next continues the list.
func (s *Service) List(ctx context.Context, who Caller, after string, limit int) (list []Run, next string, err error) {
	store, release, err := s.shelf.Open(ctx, who.Tenant)
	if err != nil {
		return nil, "", err
	}
	defer release()
	page, err := store.Find(ctx, runs, docstore.Query{Desc: true, Limit: limit, After: after})
	if err != nil {
		return nil, "", fmt.Errorf("list runs: %w", err)
	}
	list = make([]Run, 0, len(page.Docs))
	for _, doc := range page.Docs {
		var r record
		if err := json.Unmarshal(doc.Body, &r); err != nil {
			return nil, "", fmt.Errorf("decode run %s: %w", doc.ID, err)
		}
		if live, ok := s.board.latest(job{who.Tenant, r.ID}); ok {
			r.Run = live
		}
		list = append(list, r.Run)
	}
	return list, page.Next, nil
}

// Result is the whole result of a run. It fails with ErrNotYet before the end
// and with ErrNoResult when the run ended without one.
func (s *Service) Result(ctx context.Context, who Caller, run id.Run) (Run, replenish.Result, error) {
	store, release, err := s.shelf.Open(ctx, who.Tenant)
	if err != nil {
		return Run{}, replenish.Result{}, err
	}
	defer release()
	r, err := s.stored(ctx, store, run)
	switch {
	case err != nil:
		return Run{}, replenish.Result{}, err
	case !r.State.Final():
		return r.Run, replenish.Result{}, ErrNotYet
	case r.Result == nil:
		return r.Run, replenish.Result{}, ErrNoResult
	}
	body, err := store.GetBlob(ctx, *r.Result)
	if err != nil {
		return r.Run, replenish.Result{}, fmt.Errorf("read the result of run %s: %w", run, err)
	}
	var result replenish.Result
	if err := json.Unmarshal(body, &result); err != nil {
		return r.Run, replenish.Result{}, fmt.Errorf("decode the result of run %s: %w", run, err)
	}
	return r.Run, result, nil
}

// Follow tells the run at once and then whenever it has changed, at most ten
// times a second, until it has ended, ctx ends or tell fails. Every pause
// without a change tell is called with a nil run, so that a dead listener is
// found.
func (s *Service) Follow(ctx context.Context, who Caller, run id.Run, pause time.Duration, tell func(*Run) error) error {
	j := job{who.Tenant, run}
	woken, end := s.board.watch(j)
	defer end()
	quiet := time.NewTimer(pause)
	defer quiet.Stop()
	for {
		r, err := s.Find(ctx, who, run)
		if err != nil {
			return err
		}
		if err := tell(&r); err != nil || r.State.Final() {
			return err
		}
		quiet.Reset(pause)
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-woken:
				waiting = false
			case <-quiet.C:
				if err := tell(nil); err != nil {
					return err
				}
				quiet.Reset(pause)
			}
		}
		breath := time.NewTimer(tellEvery)
		select {
		case <-ctx.Done():
			breath.Stop()
			return ctx.Err()
		case <-breath.C:
		}
	}
}

// tellEvery is the least time between two tellings: what a person can follow.
const tellEvery = 100 * time.Millisecond

// Forget ends all work for a tenant that is leaving and returns when nothing of
// it is in work any more, or with the error of ctx.
func (s *Service) Forget(ctx context.Context, tenant id.Tenant) error {
	s.queue.forget(tenant)
	for {
		var busy bool
		s.mu.Lock()
		for j, w := range s.active {
			if j.tenant == tenant {
				busy = true
				w.end(errStopping)
			}
		}
		s.mu.Unlock()
		if !busy {
			s.carrier.forget(tenant)
			s.unexpect(tenant)
			return nil
		}
		if err := s.queue.idle(ctx, tenant); err != nil {
			return err
		}
	}
}

func ptr[T any](v T) *T { return &v }
