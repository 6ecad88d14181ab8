package migration

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/failpoint"
	"github.com/dyocense/dyocense/shared/fault"
)

const (
	cutEntries = 20 // that may be missing in the copy when writes are paused
	cutBytes   = 1 << 20
	// calmWithin is how long one attempt waits for the copy to be that near.
	calmWithin = 2 * time.Second
	// betweenCut is about how long writes go on after the first attempt. They have
	// gathered in it, so it grows with each attempt: writes that stand still more
	// often than not would never be done.
	betweenCut = 50 * time.Millisecond
	cutGrowth  = 10 // times, at most
)

// switchOver hands the tenant from the source to the target.
func (w *worker) switchOver(ctx context.Context, rec record) error {
	source, target := w.source(), w.target(rec.Facts)
	if err := w.places.BeginSwitch(ctx, w.order.Tenant, string(w.order.ID), source.env, target.env); err != nil && !w.switchedBefore(ctx, target) {
		return err
	}
	failpoint.Here("migration.after-begin-switch")
	took, err := w.handOver(ctx, rec, source, target)
	switch {
	case errors.Is(err, errHalted) && rec.Facts.Halt.Code == ErrBusyTenant.Code:
		return w.advance(ctx, SwitchPutOff, func(r *record) {
			r.Facts.Asked = true
			r.Facts.Error, r.Facts.Halt = r.Facts.Halt, nil
			r.Text = "There was no quiet moment; the switch is put off"
		})
	case errors.Is(err, errHalted):
		return w.advance(ctx, StepFailed, func(r *record) {
			r.Facts.Error, r.Facts.Halt = r.Facts.Halt, nil
			r.Text, r.Detail = "Stopped", r.Facts.Error.Detail
		})
	case err != nil:
		return err
	}
	failpoint.Here("migration.before-route")
	if err := w.places.Switched(ctx, w.order.Tenant, string(w.order.ID), w.claim, source.env, target.env); err != nil {
		return err
	}
	failpoint.Here("migration.after-route")
	if err := w.tell(ctx, target.env, w.order.ToPlan); err != nil {
		return err
	}
	until := w.now().Add(w.times.Soak)
	return w.advance(ctx, HandedOver, func(r *record) {
		r.Facts.SoakUntil, r.Facts.Error, r.Facts.Halt, r.Facts.Soaked = &until, nil, nil, false
		if took != nil {
			r.Facts.Pause = took
		}
		r.Text = "Switched"
		if p := r.Facts.Pause; p != nil {
			r.Text = fmt.Sprintf("Switched; writes waited %.0f ms", p.Millis)
		}
	})
}

// switchedBefore says whether an earlier worker got as far as the route.
func (w *worker) switchedBefore(ctx context.Context, target node) bool {
	env, err := w.places.Environment(ctx, w.order.Tenant)
	return err == nil && env == target.env
}

// rollBack hands the tenant back to the source.
func (w *worker) rollBack(ctx context.Context, rec record) error {
	source, target := w.source(), w.target(rec.Facts)
	took, err := w.handOver(ctx, rec, target, source)
	switch {
	case errors.Is(err, errHalted):
		return w.advance(ctx, RollBackPutOff, func(r *record) {
			r.Facts.Error, r.Facts.Halt = r.Facts.Halt, nil
			r.Text = "Going back is put off"
		})
	case err != nil:
		return err
	}
	failpoint.Here("migration.before-route")
	if err := w.places.Switched(ctx, w.order.Tenant, string(w.order.ID), w.claim, target.env, source.env); err != nil {
		return err
	}
	failpoint.Here("migration.after-route")
	return w.advance(ctx, HandedBack, func(r *record) {
		r.Facts.Halt, r.Facts.PauseBack = nil, took
		r.Text = "Back where it was"
		if p := took; p != nil {
			r.Text = fmt.Sprintf("Back where it was; writes waited %.0f ms", p.Millis)
		}
	})
}

// errHalted says that there was no hand-over, and that there will be none.
var errHalted = errors.New("the switch is given up")

// handOver makes the copy the owner. What has happened already, by this worker or
// another, is found in the owner's journal and gone on from. The pause is nil when
// it was somebody else's.
func (w *worker) handOver(ctx context.Context, rec record, owner, copied node) (*pause, error) {
	move := w.order.agentMove(rec.Facts)
	is, err := owner.status(ctx, contract.TransferStatus{})
	if err != nil {
		return nil, err
	}
	if is.Role == "moved" && is.HandedTo == copied.env {
		return nil, w.openCopy(ctx, move, owner, copied)
	}
	_, _, err = ask[contract.TransferReached](ctx, owner, "begin", contract.TransferBegin{
		V: contract.Version, Move: move, Claim: w.claim, From: owner.env, To: copied.env,
	})
	if has(err, codeMoved) {
		return nil, w.openCopy(ctx, move, owner, copied)
	}
	if err != nil {
		return nil, err
	}
	if rec.Facts.Halt != nil {
		// The owner has taken our claim, so no attempt of before can succeed any more.
		return nil, errHalted
	}
	var took *pause
	err = w.following(ctx, owner, copied, move, func(ctx context.Context, f *follower) error {
		f.unclear = w.unclear()
		var err error
		took, err = w.attempts(ctx, f)
		return err
	})
	if has(err, codeMoved) {
		return nil, w.openCopy(ctx, move, owner, copied)
	}
	return took, err
}

// attempts tries to switch until it succeeds or there were enough tries.
func (w *worker) attempts(ctx context.Context, f *follower) (*pause, error) {
	for n := 1; ; n++ {
		took, err := w.attempt(ctx, f)
		if err == nil {
			return &pause{Millis: float64(took.Microseconds()) / 1000, Attempts: n, At: w.now()}, nil
		}
		if has(err, codeMoved) || ctx.Err() != nil || final(err) {
			return nil, err
		}
		w.log.InfoContext(ctx, "attempt to switch", "attempt", n, "err", err)
		w.report(func(p *progress) { p.WaitingFor = "a quiet moment for the switch" })
		if n >= w.times.Attempts {
			return nil, ErrBusyTenant.Because(err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(min(n, cutGrowth)) * (betweenCut/2 + rand.N(betweenCut))):
		}
	}
}

// attempt pauses the writes, brings the copy the last entries, and hands over. If
// it takes too long, the owner lets writes go on by itself.
func (w *worker) attempt(ctx context.Context, f *follower) (time.Duration, error) {
	if err := f.near(ctx); err != nil {
		return 0, err
	}
	ctx, done := context.WithTimeout(ctx, callWithin)
	defer done()
	began := time.Now()
	window, entries, err := ask[contract.TransferWindow](ctx, f.from, "cut", contract.TransferCut{
		V: contract.Version, Move: f.move, Claim: f.claim, BudgetMillis: int(w.times.Budget.Milliseconds()), Have: f.at(), Most: cutEntries,
	})
	if err != nil {
		return 0, err
	}
	commit, err := w.inPause(ctx, f, window, entries)
	if err != nil {
		w.release(ctx, f)
		return 0, err
	}
	failpoint.Here("migration.before-open")
	if err := w.promote(ctx, f.move, f.to, commit); err != nil {
		return 0, err
	}
	took := time.Since(began)
	failpoint.Here("migration.after-open")
	return took, nil
}

// inPause does what has to be done while writes wait, and gives the entry that
// hands the tenant over.
func (w *worker) inPause(ctx context.Context, f *follower, window contract.TransferWindow, entries []docstore.Document) ([]docstore.Document, error) {
	size := 0
	for _, b := range window.Blobs {
		size += int(b.Size)
	}
	if size > cutBytes {
		return nil, errors.New("a file is too large for the pause")
	}
	if len(entries) > 0 {
		if err := f.take(ctx, window.Blobs, entries); err != nil {
			return nil, err
		}
	}
	reached := f.at()
	if reached != window.Tail {
		return nil, fmt.Errorf("the copy is at entry %d, the journal ends at %d", reached.Slot, window.Tail.Slot)
	}
	if err := w.clear(ctx, f); err != nil {
		return nil, err
	}
	failpoint.Here("migration.before-commit")
	_, commit, err := ask[contract.TransferReached](ctx, f.from, "commit", contract.TransferCommit{
		V: contract.Version, Move: f.move, Claim: f.claim, Reached: reached,
	})
	if err == nil && len(commit) != 1 {
		err = fmt.Errorf("the hand-over came with %d entries", len(commit))
	}
	failpoint.Here("migration.after-commit")
	return commit, err
}

// clear compares, while nothing changes, the rows that changed whenever they were
// looked at before.
func (w *worker) clear(ctx context.Context, f *follower) error {
	for _, group := range byCollection(f.unclear) {
		q := contract.TransferRead{V: contract.Version, Collection: group[0].collection}
		for _, d := range group {
			q.IDs = append(q.IDs, d.id)
		}
		var here, there contract.TransferRows
		var one, other error
		var asking sync.WaitGroup
		asking.Go(func() { here, _, one = ask[contract.TransferRows](ctx, f.from, "rows", q) })
		there, _, other = ask[contract.TransferRows](ctx, f.to, "rows", q)
		asking.Wait()
		if err := errors.Join(one, other); err != nil {
			return err
		}
		for i := range here.Rows {
			if i >= len(there.Rows) || here.Rows[i] != there.Rows[i] {
				return ErrDiffers.Because(fmt.Errorf("%s %s", q.Collection, here.Rows[i].ID))
			}
		}
	}
	return nil
}

// release lets writes go on after an attempt that failed. When it does not
// arrive, the owner does it by itself a moment later.
func (w *worker) release(ctx context.Context, f *follower) {
	_, _, err := ask[contract.Ack](ctx, f.from, "release", contract.TransferRelease{V: contract.Version, Move: f.move})
	if err != nil && ctx.Err() == nil {
		w.log.WarnContext(ctx, "writes go on by themselves", "err", err)
	}
}

// promote opens the copy as the owner, again and again until it is said to be.
func (w *worker) promote(ctx context.Context, move string, copied node, commit []docstore.Document) error {
	pause := 5 * time.Millisecond
	for {
		_, _, err := ask[contract.TransferStand](ctx, copied, "open", contract.TransferOpen{V: contract.Version, Move: move, Claim: w.claim}, commit...)
		if err == nil || !fault.KindOf(err).Retryable() {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, backOffAt)
	}
}

// openCopy goes on from a hand-over that stands in the owner's journal: the copy
// takes in what it lacks and is opened.
func (w *worker) openCopy(ctx context.Context, move string, owner, copied node) error {
	is, err := copied.status(ctx, contract.TransferStatus{Move: move, Claim: w.claim})
	if err != nil {
		return err
	}
	if is.Role == "owner" {
		return nil
	}
	page, entries, err := ask[contract.TransferPage](ctx, owner, "entries", contract.TransferEntries{V: contract.Version, After: is.Applied, Limit: 2})
	if err != nil {
		return err
	}
	// The owner handed over only because the copy held everything before.
	if len(entries) != 1 || page.Tail.Slot != is.Applied.Slot+1 {
		return ErrBlocked.Because(fmt.Errorf("the copy is at entry %d, the hand-over at %d", is.Applied.Slot, page.Tail.Slot))
	}
	return w.promote(ctx, move, copied, entries)
}

// near waits until the copy lacks few entries.
func (f *follower) near(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, calmWithin)
	defer done()
	for {
		f.mu.Lock()
		lag, moved := f.tail.Slot-f.applied.Slot, f.moved
		f.mu.Unlock()
		if lag <= cutEntries {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the copy is %d entries behind", lag)
		case <-f.broken:
			if f.err != nil {
				return f.err
			}
			return errStopped
		case <-moved:
		}
	}
}

// unclear are rows left over from the comparison; they live with this process and
// another worker compares anew.
func (w *worker) unclear() []doubtful {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left
}
