package migration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
)

// soak keeps the old owner up with the new one until the customer decides, or the
// time is over. The first thing it does is to compare them once more, after real
// traffic.
func (w *worker) soak(ctx context.Context, rec record) error {
	if rec.Facts.Lost {
		return w.outlast(ctx, rec, nil)
	}
	err := w.soakWith(ctx, rec)
	if !errors.Is(err, ErrCopyLost) {
		return err
	}
	// Its agent has answered, and has no such copy: waiting does not bring it back.
	w.log.ErrorContext(ctx, "the old copy is lost while a customer could go back", "err", err)
	return w.note(ctx, func(r *record) {
		r.Facts.Soaked, r.Facts.OneWay, r.Facts.Lost = true, true, true
		r.Text = "The old copy is lost, so there is no way back to it"
		r.Facts.Error = &problem{Code: ErrCopyLost.Code, Detail: r.Text + ". Your workspace works at the new place and is whole. The way back is another change of plan."}
	})
}

// soakWith soaks with an old copy that is there.
func (w *worker) soakWith(ctx context.Context, rec record) error {
	owner, old := w.target(rec.Facts), w.source()
	move := w.order.agentMove(rec.Facts)
	_, _, err := ask[contract.TransferReached](ctx, owner, "begin", contract.TransferBegin{
		V: contract.Version, Move: move, Claim: w.claim, From: owner.env, To: old.env,
	})
	if err != nil {
		return err
	}
	return w.following(ctx, owner, old, move, func(ctx context.Context, f *follower) error {
		_, stop := w.carryRuns(ctx, old, owner)
		defer stop()
		if !rec.Facts.Soaked {
			err := w.compare(ctx, rec, f)
			if errors.Is(err, ErrDiffers) {
				return w.note(ctx, func(r *record) {
					r.Facts.Soaked, r.Facts.OneWay = true, true
					r.Text = "The old copy differs, so there is no way back to it"
					r.Facts.Error = &problem{Code: ErrDiffers.Code, Detail: r.Text + ". Your workspace works on the new infrastructure and is whole; keep it, and tell support."}
				})
			}
			if err != nil {
				return err
			}
			at := f.at()
			totals, err := owner.totals(ctx)
			if err != nil {
				return err
			}
			return w.note(ctx, func(r *record) {
				r.Facts.Soaked, r.Facts.Verified, r.Facts.Totals = true, &at, totals
				r.Text = fmt.Sprintf("Both sides were compared after the switch, up to entry %d of the journal; they are the same", at.Slot)
			})
		}
		return w.outlast(ctx, rec, f)
	})
}

// lookAfter is how often somebody looks whether an old copy to which nothing happens
// is still there.
const lookAfter = 15 * time.Second

// outlast waits until the customer has decided, or the time to do so is over. Without
// a follower there is nothing to go back to. It fails with ErrCopyLost.
func (w *worker) outlast(ctx context.Context, rec record, f *follower) error {
	var broken chan struct{}
	waits := "you to keep it"
	if f != nil {
		broken = f.broken
		waits += ", or to go back"
	}
	w.report(func(p *progress) { p.WaitingFor = waits })
	left := time.NewTimer(rec.Facts.SoakUntil.Sub(w.now()))
	defer left.Stop()
	look := time.NewTicker(lookAfter)
	defer look.Stop()
	for over := false; !over; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-broken:
			if f.err != nil {
				return f.err
			}
			return errStopped
		case <-look.C:
			if f == nil {
				continue
			}
			if is, err := f.to.status(ctx, contract.TransferStatus{}); err == nil && is.Role == "none" {
				return ErrCopyLost.Because(fmt.Errorf("%s has no copy", f.to.env))
			}
		case <-left.C:
			over = true
		}
	}
	at := w.now().Add(w.times.Keep)
	return w.advance(ctx, AcceptAsked, func(r *record) {
		r.Facts.DeleteAt = &at
		r.Text = "The time to go back is over"
	})
}

// carryRuns brings what becomes of decisions that are still worked on at the old
// place to the new one, until there are none, which the channel tells, or stop is
// called.
func (w *worker) carryRuns(ctx context.Context, old, owner node) (none <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var carrying sync.WaitGroup
	carrying.Go(func() {
		var after int64
		pause := backOff
		for ctx.Err() == nil {
			more, next, err := carryOnce(ctx, old, owner, after)
			if err == nil && !more {
				close(done)
				return
			}
			if err == nil {
				after, pause = next, backOff
			} else if ctx.Err() == nil {
				w.log.WarnContext(ctx, "decisions are not carried for now", "err", err)
				pause = min(2*pause, backOffAt)
			}
			select { // progress changes more often than anybody looks
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	})
	return done, func() {
		cancel()
		carrying.Wait()
	}
}

// carryWait is how long the old place holds back news that it does not have, in
// milliseconds: each answer is also a sign of life.
const carryWait = 1000

func carryOnce(ctx context.Context, old, owner node, after int64) (more bool, next int64, err error) {
	news, _, err := ask[contract.CarriedRuns](ctx, old, "carried", contract.TransferCarried{V: contract.Version, After: after, WaitMillis: carryWait})
	if err != nil || len(news.Runs) == 0 {
		return news.More, news.Next, err
	}
	answers, _, err := ask[contract.CarriedAnswers](ctx, owner, "deliver", news)
	if err != nil {
		return true, after, err
	}
	_, _, err = ask[contract.Ack](ctx, old, "settle", answers)
	return true, news.Next, err
}
