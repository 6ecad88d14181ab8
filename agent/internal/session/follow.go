package session

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/dyocense/dyocense/shared/bus"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
)

const (
	lookEvery  = 30 * time.Second // at the desired state, when no nudge came
	applyTries = 3
	applyPause = 200 * time.Millisecond
	// followPauseMax is short: a customer waits for what is not carried out.
	followPauseMax = 2 * time.Second
)

// follow carries out the desired state: at once, on every nudge, after every
// reconnection, and now and then.
func (w *watch) follow(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for pause := pauseMin; ; {
		err := w.catchUp(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			w.log.WarnContext(ctx, "desired state not carried out", "err", err, "pause", pause)
			if !rest(ctx, pause) {
				return
			}
			pause = min(2*pause, followPauseMax)
			continue
		}
		pause = pauseMin
		select {
		case <-ctx.Done():
			return
		case <-w.kick:
		case <-tick.C:
		}
	}
}

// catchUp carries out every line that is new, in order.
func (w *watch) catchUp(ctx context.Context) error {
	for {
		have := w.who.have()
		d, err := bus.Ask[contract.Desired](ctx, w.nc, contract.Ask(w.me, contract.VerbDesired), contract.DesiredRequest{V: contract.Version, Have: have})
		if err != nil {
			return fmt.Errorf("ask for desired state: %w", err)
		}
		if d.Revision < have {
			// The control plane's log is shorter than what we have seen: it was
			// restored from a backup. Carrying out a line twice changes nothing.
			w.log.WarnContext(ctx, "desired state begins anew", "have", have, "newest", d.Revision)
			if err := w.who.reached(0); err != nil {
				return err
			}
			continue
		}
		for _, wanted := range d.Tenants {
			if wanted.Revision != w.who.have()+1 {
				return fmt.Errorf("desired state jumps from %d to %d", w.who.have(), wanted.Revision)
			}
			report := w.apply(ctx, wanted)
			if ctx.Err() != nil {
				return ctx.Err() // what was cut off is no outcome
			}
			if err := w.report(ctx, report); err != nil {
				return err
			}
			if err := w.who.reached(wanted.Revision); err != nil {
				return err
			}
		}
		if !d.More {
			return nil
		}
	}
}

// apply carries out one line; trouble becomes a report of trouble, so that one
// tenant never holds up the others.
func (w *watch) apply(ctx context.Context, wanted contract.WantedTenant) contract.Report {
	var report contract.Report
	var err error
	for try := range applyTries {
		if try > 0 && !rest(ctx, applyPause) {
			break
		}
		report, err = w.guarded(ctx, wanted)
		if err == nil || !fault.KindOf(err).Retryable() {
			break
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			w.log.ErrorContext(ctx, "tenant not in the wanted state", "tenant", wanted.Tenant, "state", wanted.State, "err", err)
		}
		report = contract.Report{Reason: fault.ProblemOf(err).Detail}
	}
	report.V, report.Tenant, report.Revision, report.State = contract.Version, wanted.Tenant, wanted.Revision, wanted.State
	return report
}

func (w *watch) guarded(ctx context.Context, wanted contract.WantedTenant) (report contract.Report, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v\n%s", reason, debug.Stack())
		}
	}()
	return w.handler.Apply(ctx, wanted)
}

// report sends r until it is acknowledged. A control plane that says that it
// will never want this report is told no more; one that does not know this agent
// is no reason to go on.
func (w *watch) report(ctx context.Context, r contract.Report) error {
	for pause := pauseMin; ; pause = min(2*pause, followPauseMax) {
		_, err := bus.Ask[contract.Ack](ctx, w.nc, contract.Ask(w.me, contract.VerbReport), r)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch kind := fault.KindOf(err); {
		case kind.Retryable():
		case kind == fault.Forbidden, kind == fault.Unauthenticated:
			return fmt.Errorf("report: %w", err)
		default:
			w.log.ErrorContext(ctx, "report refused", "tenant", r.Tenant, "revision", r.Revision, "err", err)
			return nil
		}
		w.log.WarnContext(ctx, "report not acknowledged", "tenant", r.Tenant, "err", err, "pause", pause)
		if !rest(ctx, pause) {
			return ctx.Err()
		}
	}
}
