package session

import (
	"context"
	"time"

	"github.com/dyocense/dyocense/shared/bus"
	"github.com/dyocense/dyocense/shared/contract"
)

// beat tells at once, and then regularly, that the agent lives.
func (w *watch) beat(ctx context.Context) {
	tick := time.NewTicker(contract.BeatEvery)
	defer tick.Stop()
	for {
		w.beatOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-w.beatNow:
		case <-tick.C:
		}
	}
}

func (w *watch) beatOnce(ctx context.Context) {
	var load Load
	if w.cfg.Load != nil {
		load = w.cfg.Load()
	}
	ctx, cancel := context.WithTimeout(ctx, contract.BeatEvery)
	defer cancel()
	_, err := bus.Ask[contract.Ack](ctx, w.nc, contract.Ask(w.me, contract.VerbBeat), contract.Beat{
		V: contract.Version, Program: w.cfg.Program, Mode: w.cfg.Mode, Started: w.started,
		Have: w.who.have(), Tenants: load.Tenants, Runs: load.Runs, Components: load.Components,
	})
	if err != nil && ctx.Err() == nil {
		w.log.WarnContext(ctx, "beat not heard", "err", err)
	}
}

// renew gets a new token at half the life of the present one. The connection
// keeps living on the old one; when that ends, the server closes it and it comes
// back with the new.
func (w *watch) renew(ctx context.Context) {
	const again = time.Minute
	wait := time.Until(w.who.halfLife())
	for rest(ctx, max(wait, time.Millisecond)) {
		if time.Until(w.who.halfLife()) > 0 { // rest is not exact
			wait = time.Until(w.who.halfLife())
			continue
		}
		wait = again
		r, err := bus.Ask[contract.Renewed](ctx, w.nc, contract.Ask(w.me, contract.VerbRenew), contract.Renew{V: contract.Version, PublicKey: w.who.public})
		if err == nil {
			err = w.who.renew(r)
		}
		if err != nil {
			if ctx.Err() == nil {
				w.log.WarnContext(ctx, "token not renewed", "err", err, "again", again)
			}
			continue
		}
		wait = time.Until(w.who.halfLife())
	}
}
