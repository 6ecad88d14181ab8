package migration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/failpoint"
	"github.com/dyocense/dyocense/shared/fault"
)

// Why a step of a worker is broken off.
var (
	errWish    = errors.New("somebody asked for something")
	errStopped = errors.New("the worker stops")
	errAnew    = errors.New("the move is to be taken anew")
)

const (
	beatEvery = time.Second
	lookEvery = 250 * time.Millisecond // at the log, when no hint came
	backOff   = 100 * time.Millisecond // before a step is tried again; doubles
	backOffAt = 5 * time.Second        // at most
)

// worker drives one move in this process, while its claim stands.
type worker struct {
	*Service
	order Order
	claim int64
	log   *slog.Logger

	mu   sync.Mutex
	rec  record
	prog progress
	left []doubtful // rows that changed whenever they were looked at
}

// take claims the move, or fails with errNotMine when somebody was faster.
func (s *Service) take(ctx context.Context, o Order) (*worker, error) {
	last, err := s.books.last(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	if last.over() {
		return nil, s.books.close(ctx, o)
	}
	n := last.note(s.now())
	n.Worker, n.Claim, n.Text = s.name, n.N, "The move is taken up"
	if last.Claim > 0 {
		n.Text = "The move is taken up again, where it was"
	}
	if err := s.books.append(ctx, o.ID, n); err != nil {
		if errors.Is(err, docstore.ErrExists) {
			return nil, errNotMine
		}
		return nil, err
	}
	w := &worker{Service: s, order: o, claim: n.Claim, rec: n, log: s.log.With("move", o.ID, "tenant", o.Tenant, "claim", n.Claim)}
	row, err := s.books.active.Get(ctx, string(o.Tenant))
	if err == nil && row.Value.Move == o.ID {
		w.prog = row.Value.Progress
	}
	return w, nil
}

// drive takes steps until the move is over, the claim is lost, or ctx ends.
func (w *worker) drive(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	var beating sync.WaitGroup
	beating.Go(func() { w.beat(ctx) })
	defer beating.Wait()
	defer stop(errStopped)
	pause := backOff
	for {
		rec, err := w.reload(ctx)
		if err == nil && rec.over() {
			return w.books.close(ctx, w.order)
		}
		if err == nil {
			var moved bool
			if moved, err = w.obey(ctx, rec); moved && err == nil {
				pause = backOff
				continue
			}
		}
		if err == nil {
			err = w.once(ctx, rec)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errNotMine):
			return errNotMine
		case err == nil, errors.Is(err, errWish):
			pause = backOff
			continue
		case errors.Is(err, errAnew):
			return errAnew
		case (final(err) || errors.Is(err, ErrBusyTenant)) && switching(rec.State):
			if err = w.halt(ctx, err); err == nil {
				return errAnew
			}
		case final(err) && Lifecycle.Allows(rec.State, StepFailed):
			w.log.WarnContext(ctx, "move failed", "state", rec.State, "err", err)
			if err = w.fail(ctx, err); err == nil {
				continue
			}
		}
		w.log.WarnContext(ctx, "move waits", "state", rec.State, "err", err, "again", pause)
		w.report(func(p *progress) { p.WaitingFor = "the next try. " + fault.ProblemOf(err).Detail })
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, backOffAt)
	}
}

// switching says whether, in a state, a hand-over may be on its way to the owner.
func switching(s State) bool { return s == Cutting || s == RollingBack }

// halt notes why there shall be no more attempts to switch. One of those that
// there were may still be on its way, or may have happened unheard: whoever takes
// the move next finds out, and nothing of an older claim can happen after that.
func (w *worker) halt(ctx context.Context, err error) error {
	p := fault.ProblemOf(err)
	w.log.WarnContext(ctx, "no more attempts to switch", "err", err)
	return w.note(ctx, func(r *record) {
		r.Facts.Halt = &problem{Code: p.Code, Detail: p.Detail}
		r.Text = "No more attempts to switch"
	})
}

// fail ends the attempt; the source is as it was.
func (w *worker) fail(ctx context.Context, err error) error {
	p := fault.ProblemOf(err)
	return w.advance(ctx, StepFailed, func(r *record) {
		r.Text, r.Detail = "Stopped", p.Detail
		r.Facts.Error = &problem{Code: p.Code, Detail: p.Detail}
	})
}

// reload reads where the move is and checks that it is still ours.
func (w *worker) reload(ctx context.Context) (record, error) {
	rec, err := w.books.last(ctx, w.order.ID)
	if err != nil {
		return rec, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rec = rec
	if rec.Claim != w.claim {
		return rec, errNotMine
	}
	return rec, nil
}

func (w *worker) now() time.Time { return w.Service.now() }

// advance moves the move on, unless a person has asked for something meanwhile that
// has a place in the present state: that comes first, and advance fails with
// errWish. Nobody who gave up in time is charged.
func (w *worker) advance(ctx context.Context, e Event, alter func(*record)) error {
	return w.proceed(ctx, e, func(last record) error {
		if _, fits := wishes[last.Wish][last.State]; fits {
			return errWish
		}
		return nil
	}, alter)
}

// proceed is advance under a condition of its own.
func (w *worker) proceed(ctx context.Context, e Event, may func(record) error, alter func(*record)) error {
	failpoint.Here("migration.before-" + string(e))
	err := w.write(ctx, func(last record) (record, error) {
		if err := may(last); err != nil {
			return last, err
		}
		n, err := last.next(e, w.now())
		if err != nil {
			return n, err
		}
		if alter != nil {
			alter(&n)
		}
		return n, n.Announce(eventPrefix+string(n.State), w.order.Tenant, contract.MoveChanged{Move: w.order.ID, From: w.order.From, To: n.Facts.Target, Plan: string(w.order.ToPlan)})
	})
	if err != nil {
		return err
	}
	failpoint.Here("migration.after-" + string(e))
	w.mu.Lock()
	rec := w.rec
	w.prog.WaitingFor = ""
	w.mu.Unlock()
	w.log.InfoContext(ctx, "move goes on", "state", rec.State, "text", rec.Text)
	return w.mail(ctx, rec)
}

// note adds a record that moves nothing.
func (w *worker) note(ctx context.Context, alter func(*record)) error {
	return w.write(ctx, func(last record) (record, error) {
		n := last.note(w.now())
		alter(&n)
		return n, nil
	})
}

// write appends what change makes of the last record, while the claim stands. A
// collision with a person's wish is resolved by doing it again behind the wish.
func (w *worker) write(ctx context.Context, change func(record) (record, error)) error {
	for {
		last, err := w.reload(ctx)
		if err != nil {
			return err
		}
		n, err := change(last)
		if err != nil {
			return err
		}
		n.Worker = w.name
		err = w.books.append(ctx, w.order.ID, n)
		if err == nil {
			w.mu.Lock()
			w.rec = n
			w.mu.Unlock()
			return nil
		}
		if !errors.Is(err, docstore.ErrExists) {
			return err
		}
	}
}

// wishes says which event a wish is, in each state where it has a place.
var wishes = map[Wish]map[State]Event{
	WishSwitch:   {ReadyToGo: SwitchBegun},
	WishAccept:   {Switched: AcceptAsked},
	WishRollBack: {Switched: RollBackAsked},
	WishRetry:    {Failed: RetryAsked},
	WishClean:    {Accepted: ""},
	WishAbort: {
		Requested: AbortAsked, Provisioning: AbortAsked, Copying: AbortAsked, Verifying: AbortAsked,
		Rehearsing: AbortAsked, ReadyToGo: AbortAsked, Failed: AbortAsked,
	},
}

// obey does what a person asked for, if it has a place now, and forgets it.
func (w *worker) obey(ctx context.Context, rec record) (moved bool, err error) {
	if rec.Wish == "" {
		return false, nil
	}
	e, fits := wishes[rec.Wish][rec.State]
	forget := func(r *record) {
		r.Wish = ""
		switch rec.Wish {
		case WishClean:
			now := w.now()
			r.Facts.DeleteAt, r.Text = &now, "The old copy is being deleted"
		case WishSwitch:
			r.Facts.Asked, r.Facts.Error, r.Text = false, nil, "The switch begins"
		case WishRetry:
			r.Facts = r.Facts.again()
			r.Text = "Begun again from the start"
		case WishAccept:
			r.Text = "The new place is kept; the old copy waits for its end"
			at := w.now().Add(w.times.Keep)
			r.Facts.DeleteAt = &at
		case WishRollBack:
			r.Text = "Going back begins"
		case WishAbort:
			r.Text = "The move is being given up"
		}
	}
	switch {
	case !fits:
		return true, w.note(ctx, func(r *record) { r.Wish, r.Text = "", "That came too late and was not done" })
	case e == "":
		return true, w.note(ctx, forget)
	}
	return true, w.proceed(ctx, e, func(record) error { return nil }, forget)
}

// again are the facts with which copying begins anew, under another name.
func (f facts) again() facts {
	return facts{Attempt: f.Attempt + 1, Target: f.Target, Made: f.Made, Asked: f.Asked, Quote: f.Quote, Charge: f.Charge, Paid: f.Paid, Entered: f.Entered, Spent: f.Spent}
}

// once takes the step of rec's state. It breaks off when the claim is lost or a
// person asks for something that has a place in this state.
func (w *worker) once(ctx context.Context, rec record) error {
	ctx, stop := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		w.watch(ctx, func(r record) {
			_, fits := wishes[r.Wish][rec.State]
			switch {
			case r.Claim != w.claim:
				stop(errNotMine)
			case r.Wish != "" && fits:
				stop(errWish)
			}
		})
	})
	defer watching.Wait()
	defer stop(errStopped)
	err := w.step(ctx, rec)
	if cause := context.Cause(ctx); err != nil && (errors.Is(cause, errWish) || errors.Is(cause, errNotMine)) {
		return cause
	}
	return err
}

// watch looks at the log after every hint and now and then, until ctx ends.
func (w *worker) watch(ctx context.Context, look func(record)) {
	hints := w.books.log.Watch(ctx)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-hints:
			if !open {
				hints = nil
			}
		case <-tick.C:
		}
		rec, err := w.books.last(ctx, w.order.ID)
		if err != nil {
			continue
		}
		w.mu.Lock()
		if rec.Claim == w.claim && rec.N > w.rec.N {
			w.rec = rec
		}
		w.mu.Unlock()
		look(rec)
	}
}

// paused says whether a person has halted the copying.
func (w *worker) paused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rec.Paused
}

// report changes what people see of the progress; the next beat carries it.
func (w *worker) report(change func(*progress)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.prog)
}

// beat tells other replicas that this worker lives, and people how far it is.
func (w *worker) beat(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		if err := w.beatOnce(ctx); err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "beat not kept", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (w *worker) beatOnce(ctx context.Context) error {
	w.mu.Lock()
	p := w.prog.clone()
	p.State = w.rec.State
	claim := w.claim
	w.mu.Unlock()
	_, err := w.books.active.Update(ctx, string(w.order.Tenant), func(a *active) error {
		if a.Move != w.order.ID {
			return docstore.ErrNotFound
		}
		a.Worker, a.Progress = w.name, p
		a.Beat++
		return nil
	})
	if errors.Is(err, docstore.ErrNotFound) {
		return nil // it is over
	}
	if err != nil {
		return fmt.Errorf("beat of claim %d: %w", claim, err)
	}
	return nil
}

func (p progress) clone() progress {
	copied, verified := map[string]int64{}, map[string]int64{}
	for k, n := range p.Copied {
		copied[k] = n
	}
	for k, n := range p.Verified {
		verified[k] = n
	}
	p.Copied, p.Verified = copied, verified
	return p
}

// source and target are the tenant's agents at both ends.
func (w *worker) source() node { return node{w.carry, w.order.Tenant, w.order.From} }

func (w *worker) target(f facts) node { return node{w.carry, w.order.Tenant, f.Target} }

// eventPrefix begins the type of every event of this slice; the state follows. The
// data is a contract.MoveChanged.
const eventPrefix = "migration."
