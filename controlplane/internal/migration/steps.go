package migration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/failpoint"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// step does what rec's state is there for, and moves the move on. It may be taken
// again from its beginning, by this worker or another.
func (w *worker) step(ctx context.Context, rec record) error {
	switch rec.State {
	case Requested:
		return w.choose(ctx, rec)
	case Provisioning:
		return w.provision(ctx, rec)
	case Copying:
		return w.forward(ctx, rec, w.copyAll)
	case Verifying:
		return w.forward(ctx, rec, w.verify)
	case Rehearsing:
		return w.forward(ctx, rec, w.rehearse)
	case ReadyToGo:
		return w.forward(ctx, rec, w.ready)
	case Charging:
		return w.forward(ctx, rec, w.charge)
	case Cutting:
		return w.switchOver(ctx, rec)
	case Switched:
		return w.soak(ctx, rec)
	case RollingBack:
		return w.rollBack(ctx, rec)
	case Discarding:
		return w.discard(ctx, rec)
	case Accepted:
		return w.cleanUp(ctx, rec)
	case Aborting:
		return w.abort(ctx, rec)
	case Failed:
		<-ctx.Done() // a person decides
		return ctx.Err()
	case Cleaned, Aborted, RolledBack:
		return nil
	}
	return fmt.Errorf("move %s: unknown state %q", w.order.ID, rec.State)
}

// choose finds the target, or asks for one.
func (w *worker) choose(ctx context.Context, rec record) error {
	if f := rec.Facts; f.Attempt > 1 { // what an earlier attempt left on its way must not count
		if err := w.end(ctx, w.source(), facts{Attempt: f.Attempt - 1}); err != nil {
			return err
		}
	}
	if rec.Facts.Target != "" {
		return w.advance(ctx, TargetWanted, func(r *record) { r.Text = "The place to move to was chosen" })
	}
	if !rec.Facts.Made { // noted first, so that what a crash leaves is found
		return w.note(ctx, func(r *record) { r.Facts.Made, r.Text = true, "New infrastructure is needed" })
	}
	target, err := w.dedicated.Request(ctx, w.order.Tenant, string(w.order.ID))
	if err != nil {
		return err
	}
	failpoint.Here("migration.after-request")
	return w.advance(ctx, TargetWanted, func(r *record) {
		r.Facts.Target, r.Text = target, "Infrastructure of your own was asked for"
	})
}

// provision waits until the target can be asked.
func (w *worker) provision(ctx context.Context, rec record) error {
	w.report(func(p *progress) { p.WaitingFor = "the new place to answer" })
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ready, reason := true, ""
		if rec.Facts.Made {
			var err error
			if ready, reason, err = w.dedicated.Ready(ctx, rec.Facts.Target); err != nil {
				return err
			}
		}
		if ready {
			is, err := w.target(rec.Facts).status(ctx, contract.TransferStatus{})
			switch {
			case err == nil && is.Role == "owner":
				return w.fail(ctx, ErrBlocked.Saying("The place to move to serves this workspace already."))
			case err == nil:
				return w.advance(ctx, TargetReady, func(r *record) { r.Text = "The place is up" })
			case !fault.KindOf(err).Retryable():
				return err
			}
			reason = fault.ProblemOf(err).Detail
		}
		if w.now().Sub(rec.Facts.Entered[Provisioning]) > w.times.Provision {
			return w.fail(ctx, fault.New(fault.Unavailable, "move.provisioning", "The new infrastructure did not come up in time: "+reason))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// forward opens the move at the source, readies the copy, and runs do while the
// copy follows the source.
func (w *worker) forward(ctx context.Context, rec record, do func(context.Context, record, *follower) error) error {
	source, target := w.source(), w.target(rec.Facts)
	move := w.order.agentMove(rec.Facts)
	begun, _, err := ask[contract.TransferReached](ctx, source, "begin", contract.TransferBegin{
		V: contract.Version, Move: move, Claim: w.claim, From: source.env, To: target.env,
	})
	if err != nil {
		return err
	}
	if rec.Facts.Base == nil {
		totals, err := source.totals(ctx)
		if err != nil {
			return err
		}
		if err := w.note(ctx, func(r *record) {
			r.Facts.Base = &begun.Place
			r.Facts.Totals = totals
			r.Text = fmt.Sprintf("Copying begins at entry %d of the journal", begun.Place.Slot)
		}); err != nil {
			return err
		}
		failpoint.Here("migration.after-base")
		if rec, err = w.reload(ctx); err != nil {
			return err
		}
	}
	if !rec.Facts.Prepared {
		if err := w.prepare(ctx, target, move, *rec.Facts.Base); err != nil {
			return err
		}
	}
	return w.following(ctx, source, target, move, func(ctx context.Context, f *follower) error { return do(ctx, rec, f) })
}

// prepare begins the copy. Once that is noted it is never begun again: a copy that
// is not there any more would come back without what was copied.
func (w *worker) prepare(ctx context.Context, target node, move string, base contract.Place) error {
	is, err := target.status(ctx, contract.TransferStatus{})
	if err != nil {
		return err
	}
	_, _, err = ask[contract.TransferStand](ctx, target, "prepare", contract.TransferPrepare{
		V: contract.Version, Move: move, Claim: w.claim, Base: base, Replaces: is.Move,
	})
	if err != nil {
		return err
	}
	failpoint.Here("migration.before-prepared")
	w.report(func(p *progress) { *p = progress{} })
	return w.note(ctx, func(r *record) { r.Facts.Prepared, r.Text = true, "The copy was begun" })
}

// rehearse makes the last decisions again on the copy.
func (w *worker) rehearse(ctx context.Context, rec record, _ *follower) error {
	target := w.target(rec.Facts)
	w.report(func(p *progress) { p.WaitingFor = "the last decisions, which are made again on the copy" })
	for {
		p, _, err := ask[contract.TransferParity](ctx, target, "rehearse", contract.TransferRehearse{
			V: contract.Version, Move: w.order.agentMove(rec.Facts), Claim: w.claim, Last: w.times.Rehearse, WaitMillis: 10_000,
		})
		if err != nil {
			return err
		}
		if !p.Done {
			continue
		}
		same := true
		for _, d := range p.Decisions {
			same = same && d.Same
		}
		if !same {
			if err := w.note(ctx, func(r *record) {
				r.Facts.Parity = p.Decisions
				r.Text = "A decision came out differently"
			}); err != nil {
				return err
			}
			return ErrParity
		}
		return w.advance(ctx, Rehearsed, func(r *record) {
			r.Facts.Parity = p.Decisions
			r.Text = "Made again on the copy, with the same outcome: " + counted(len(p.Decisions), "decision")
			if len(p.Decisions) == 0 {
				r.Text = "There was no decision to make again"
			}
		})
	}
}

// ready waits until the switch may come.
func (w *worker) ready(ctx context.Context, rec record, f *follower) error {
	if !rec.Facts.Asked {
		return w.advance(ctx, SwitchBegun, func(r *record) { r.Text = "The switch begins" })
	}
	w.report(func(p *progress) { p.WaitingFor = "you to press the button" })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-f.broken:
		return f.err
	}
}

// quote is the price that the customer agreed to last.
func (o Order) quote(f facts) *billing.Quote {
	if f.Quote != nil {
		return f.Quote
	}
	return o.Quote
}

// once names the payment of a move at the payment service; a payment that was
// given back is never made again under its name.
func (w *worker) onceFor(f facts) string { return string(w.order.ID) + "/" + itoa(f.Charge) }

// charge takes the money, or puts the switch off.
func (w *worker) charge(ctx context.Context, rec record, _ *follower) error {
	q := w.order.quote(rec.Facts)
	if q == nil {
		return w.advance(ctx, Charged, func(r *record) { r.Text = "There is nothing to pay" })
	}
	if _, err := w.reload(ctx); err != nil { // nobody pays for a worker that has lost its claim
		return err
	}
	failpoint.Here("migration.before-pay")
	receipt, err := w.money.Switch(ctx, w.order.Tenant, *q, w.onceFor(rec.Facts))
	failpoint.Here("migration.after-pay")
	switch {
	case err == nil:
		return w.advance(ctx, Charged, func(r *record) {
			r.Facts.Paid = true
			r.Text = "The plan is changed"
			if q.DueToday > 0 {
				r.Text += fmt.Sprintf("; %s is paid", money(q.DueToday, q.Currency))
			}
			if c := q.FromCredit(); c > 0 {
				r.Text += fmt.Sprintf("; %s is paid from your credit", money(c, q.Currency))
			}
			if q.CreditToday > 0 {
				r.Text += fmt.Sprintf("; %s is put to your credit", money(q.CreditToday, q.Currency))
			}
			if receipt.Number != "" {
				r.Detail = "Invoice " + receipt.Number
			}
		})
	case errors.Is(err, billing.ErrQuoteExpired), errors.Is(err, billing.ErrQuoteChanged):
		fresh, err := w.money.Quote(ctx, w.order.Tenant, w.order.ToPlan, w.order.Interval)
		if err != nil {
			return err
		}
		if fresh.DueToday <= q.DueToday && fresh.AtRenewal <= q.AtRenewal {
			if err := w.note(ctx, func(r *record) { r.Facts.Quote, r.Text = &fresh, "The price was looked up again; it is not higher" }); err != nil {
				return err
			}
			return errWish // take the step again with the new price
		}
		return w.advance(ctx, PaymentFailed, func(r *record) {
			r.Facts.Quote, r.Facts.Asked = &fresh, true
			r.Text = "The price is higher than what you agreed to; nothing was paid"
			r.Facts.Error = &problem{Code: "move.price_changed", Detail: r.Text + ". Look at the new price, and press the button if you agree."}
		})
	case fault.KindOf(err) == fault.Exhausted, fault.KindOf(err) == fault.Conflict:
		p := fault.ProblemOf(err)
		return w.advance(ctx, PaymentFailed, func(r *record) {
			r.Facts.Asked, r.Facts.Error = true, &problem{Code: p.Code, Detail: p.Detail}
			r.Text, r.Detail = "The payment did not go through; nothing was switched", p.Detail
		})
	}
	return err
}

// unpaid gives the money back and the plan too. It may be repeated.
func (w *worker) unpaid(ctx context.Context, rec record) error {
	if w.order.quote(rec.Facts) == nil {
		return nil
	}
	if err := w.money.Undo(ctx, w.order.Tenant, w.onceFor(rec.Facts)); err != nil {
		return fmt.Errorf("give the payment back: %w", err)
	}
	failpoint.Here("migration.after-unpaid")
	return nil
}

// remove deletes the tenant's copy in env and says whether it is gone. It must
// only be called when env does not own the tenant and cannot come to.
func (w *worker) remove(ctx context.Context, f facts, env id.Environment, again bool) (bool, error) {
	owns, err := w.dedicated.Owns(ctx, env)
	if err != nil {
		return false, err
	}
	if owns {
		return w.dedicated.Remove(ctx, env)
	}
	shared := node{w.carry, w.order.Tenant, env}
	if !again {
		if err := w.refuse(ctx, shared, f); err != nil {
			return false, err
		}
	}
	is, err := shared.status(ctx, contract.TransferStatus{})
	if err != nil {
		return false, err
	}
	switch is.Role {
	case "none":
		return true, nil
	case "owner":
		return false, ErrBlocked.Saying("The copy to be deleted is the one in use.")
	}
	if again {
		return false, nil // it was told; deleting takes a moment
	}
	_, err = w.fleet.Want(ctx, env, contract.WantedTenant{
		Tenant: w.order.Tenant, State: contract.TenantDropped, Plan: string(w.order.FromPlan), Name: w.order.Company, Moves: w.order.agentMoves(f),
	})
	return false, err
}

// removeAll is remove until the copy is gone.
func (w *worker) removeAll(ctx context.Context, rec record, env id.Environment) error {
	pause := backOff
	for again := false; ; again = true {
		failpoint.Here("migration.before-remove")
		gone, err := w.remove(ctx, rec.Facts, env, again)
		failpoint.Here("migration.after-remove")
		if err != nil || gone {
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

// refuse makes sure that no request to begin a copy, which may still be on its way,
// does so after the copy was removed.
func (w *worker) refuse(ctx context.Context, at node, f facts) error {
	q := contract.TransferRefuse{V: contract.Version, Moves: w.order.agentMoves(f)}
	_, _, err := ask[contract.Ack](ctx, at, "refuse", q)
	return err
}

// end forbids the copying attempt, and the one before it, to hand the tenant over,
// whoever still tries.
func (w *worker) end(ctx context.Context, owner node, f facts) error {
	for n := max(1, f.Attempt-1); n <= f.Attempt; n++ {
		move := w.order.agentMove(facts{Attempt: n})
		if _, _, err := ask[contract.TransferReached](ctx, owner, "end", contract.TransferEnd{V: contract.Version, Move: move}); err != nil {
			return err
		}
	}
	return nil
}

// abort gives the move up: first nobody can switch any more, then the target goes.
func (w *worker) abort(ctx context.Context, rec record) error {
	w.report(func(p *progress) { p.WaitingFor = "the copy to be deleted" })
	target := rec.Facts.Target
	switch {
	case target == "" && !rec.Facts.Made:
	case target == "": // it may have been asked for, and nobody noted which it is
		env, err := w.dedicated.Request(ctx, w.order.Tenant, string(w.order.ID))
		switch {
		case err == nil:
			target = env
		case fault.KindOf(err).Retryable() && w.now().Sub(rec.Facts.Entered[Aborting]) < w.times.Provision:
			return err
		}
	default:
		if err := w.end(ctx, w.source(), rec.Facts); err != nil {
			return err
		}
	}
	if err := w.places.EndSwitch(ctx, w.order.Tenant, string(w.order.ID)); err != nil {
		return err
	}
	if err := w.unpaid(ctx, rec); err != nil {
		return err
	}
	if target != "" {
		if err := w.removeAll(ctx, rec, target); err != nil {
			return err
		}
	}
	return w.advance(ctx, GivenUp, func(r *record) {
		r.Text, r.Detail = "Given up; your workspace is as it was", strings.TrimSpace(w.order.givenBack(r.Facts))
	})
}

// discard deletes the target's copy after the tenant went back.
func (w *worker) discard(ctx context.Context, rec record) error {
	w.report(func(p *progress) { p.WaitingFor = "the other copy to be deleted" })
	if err := w.end(ctx, w.source(), rec.Facts); err != nil {
		return err
	}
	if err := w.unpaid(ctx, rec); err != nil {
		return err
	}
	if err := w.tell(ctx, w.order.From, w.order.FromPlan); err != nil {
		return err
	}
	if err := w.places.EndSwitch(ctx, w.order.Tenant, string(w.order.ID)); err != nil {
		return err
	}
	if err := w.removeAll(ctx, rec, rec.Facts.Target); err != nil {
		return err
	}
	return w.advance(ctx, TargetDiscarded, func(r *record) {
		r.Text, r.Detail = "The other copy is deleted; everything is as before", strings.TrimSpace(w.order.givenBack(r.Facts))
	})
}

// tell lets the tenant's environment know that it serves the tenant, on which plan.
func (w *worker) tell(ctx context.Context, env id.Environment, plan billing.PlanID) error {
	if _, err := w.fleet.Want(ctx, env, contract.WantedTenant{Tenant: w.order.Tenant, State: contract.TenantServing, Plan: string(plan), Name: w.order.Company}); err != nil {
		return err
	}
	return w.places.SetPlan(ctx, w.order.Tenant, string(plan))
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// carriedWithin is longer than any decision takes.
const carriedWithin = time.Hour

// cleanUp waits for its time and deletes the old copy.
func (w *worker) cleanUp(ctx context.Context, rec record) error {
	if err := w.places.EndSwitch(ctx, w.order.Tenant, string(w.order.ID)); err != nil {
		return err
	}
	if rec.Facts.DeleteAt == nil {
		at := w.now().Add(w.times.Keep)
		return w.note(ctx, func(r *record) { r.Facts.DeleteAt, r.Text = &at, "The old copy is kept for a while" })
	}
	if !rec.Facts.Deleting {
		return w.beforeDeleting(ctx, rec)
	}
	w.report(func(p *progress) { p.WaitingFor = "the old copy to be deleted" })
	owner, err := w.target(rec.Facts).status(ctx, contract.TransferStatus{Count: true})
	if err != nil {
		return err
	}
	if owner.Role != "owner" {
		return ErrBlocked.Saying("The new infrastructure does not serve the workspace; the old copy is kept.")
	}
	proof := Proof{Environment: w.order.From, Chain: owner.Applied.Chain, Entries: owner.Applied.Slot}
	for _, c := range owner.Collections {
		if !c.Journal {
			proof.Documents += c.Documents
		}
	}
	if err := w.removeAll(ctx, rec, w.order.From); err != nil {
		return err
	}
	if err := w.end(ctx, w.target(rec.Facts), rec.Facts); err != nil {
		return err
	}
	return w.advance(ctx, OldCopyGone, func(r *record) {
		proof.DeletedAt = r.At
		r.Facts.Proof, r.Text = &proof, "The old copy is deleted"
	})
}

// beforeDeleting waits for the time, and for the last decision that is worked on
// at the old place. Its end is noted before anything is deleted there: afterwards
// there may be nobody left to ask.
func (w *worker) beforeDeleting(ctx context.Context, rec record) error {
	var carried <-chan struct{} = closed // what is lost works on nothing
	if !rec.Facts.Lost {
		none, stop := w.carryRuns(ctx, w.source(), w.target(rec.Facts))
		defer stop()
		carried = none
	}
	w.report(func(p *progress) { p.WaitingFor = "the time at which the old copy is deleted" })
	if wait := rec.Facts.DeleteAt.Sub(w.now()); wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
	w.report(func(p *progress) { p.WaitingFor = "decisions that are still worked on at the old place" })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-carried:
	case <-time.After(carriedWithin): // its engine has long stopped; the new place begins it again
	}
	return w.note(ctx, func(r *record) { r.Facts.Deleting, r.Text = true, "The old copy is being deleted" })
}
