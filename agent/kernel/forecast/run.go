package forecast

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/dyocense/dyocense/shared/fault"
)

const (
	// fitWindow bounds what is fitted: older values say nothing about next week
	// and cost time. At least windowSeasons seasons are always kept.
	fitWindow     = 1_000
	windowSeasons = 10

	// minimumSpread is the fewest one-step errors that count as a measurement.
	minimumSpread = 3
	// guessedSpread stands in for it, as a fraction of the size of the values.
	guessedSpread = 0.5
)

// Run forecasts the next horizon steps of s. Errors are faults (see Err...), or
// the context's. It is safe for concurrent use.
func Run(ctx context.Context, s Series, horizon int, o Options) (Forecast, error) {
	if err := check(s, horizon, o); err != nil {
		return Forecast{}, err
	}
	if err := ctx.Err(); err != nil {
		return Forecast{}, fmt.Errorf("forecast series %s: %w", s.ID, err)
	}
	c := choose(s, o)
	r := run{
		values: c.values, period: c.period, horizon: horizon, floor: o.NonNegative,
		method: c.method, note: c.note,
	}
	if err := r.do(ctx); err != nil {
		return Forecast{}, fmt.Errorf("forecast series %s: %w", s.ID, err)
	}
	if o.NonNegative {
		for i, v := range r.mean {
			r.mean[i] = max(0, v)
		}
	}
	return Forecast{
		ID: s.ID, Method: r.method, Mean: r.mean,
		Quantiles: r.bands.single, Cumulative: r.bands.cumulative, Note: r.note,
	}, nil
}

// run is one forecast in the making.
type run struct {
	values  []float64
	period  int
	horizon int
	floor   bool
	method  Method // may fall back, with a note
	note    string

	mean  []float64
	bands bands
}

func (r *run) do(ctx context.Context) error {
	switch r.method {
	case Croston, SBA, TSB:
		r.intermittent()
		return nil
	case SeasonalNaive:
		r.naive()
		return nil
	}
	if window := max(fitWindow, windowSeasons*r.period); len(r.values) > window {
		r.note += fmt.Sprintf("; fitted to the newest %d of %d values", window, len(r.values))
		r.values = r.values[len(r.values)-window:]
	}
	out, adjusted := adjust(r.values, r.period)
	if r.period >= longSeason && out.kind == noSeason {
		r.note += fmt.Sprintf("; they do not repeat every %d, so no season is assumed", r.period)
		r.period = 1
	}
	if r.method == ETS || r.method == Mean {
		fitted, err := r.exponential(ctx, out, adjusted)
		if err != nil {
			return err
		}
		if !fitted {
			r.note += "; no exponential smoothing form fits these values within reason, so Theta alone"
			r.method = Theta
		}
		if r.method == ETS {
			return nil
		}
	}
	return r.theta(ctx, out, adjusted)
}

// exponential fits ETS to the values with their season, or, where the season is
// long, to what is left without it.
func (r *run) exponential(ctx context.Context, out adjustment, adjusted []float64) (fitted bool, err error) {
	values, period := adjusted, 1
	if r.period < longSeason {
		out, values, period = adjustment{}, r.values, r.period
	}
	m, err := chooseETS(ctx, values, period, r.horizon)
	if err != nil || m == nil {
		return false, err
	}
	r.mean, r.bands = r.outlook(m, out)
	return true, nil
}

// theta fits Theta, or the second half of Mean.
func (r *run) theta(ctx context.Context, out adjustment, adjusted []float64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mean, bands := r.outlook(fitTheta(adjusted, r.method == Mean), out)
	if r.method == Mean {
		for i := range mean {
			mean[i] = (mean[i] + r.mean[i]) / 2
		}
		bands = r.bands.average(bands)
	}
	r.mean, r.bands = mean, bands
	return nil
}

func (r *run) naive() {
	m := fitNaive(r.values, r.period)
	if len(m.residuals) < minimumSpread {
		m.guessSpread(r.values, guessedSpread)
		r.note += fmt.Sprintf("; its uncertainty is a guess (%.0f %% of the values), not a measurement", 100*guessedSpread)
	}
	r.mean, r.bands = r.outlook(m, adjustment{})
}

// outlook runs a fitted model forward and puts its season back.
func (r *run) outlook(m model, season adjustment) ([]float64, bands) {
	mean := make([]float64, r.horizon)
	m.point(mean)
	season.apply(mean, len(r.values))
	paths := newFutures(r.horizon)
	simulate(m, seeded(r.values, r.period), paths)
	paths.reseason(season, len(r.values))
	return mean, paths.bands(r.floor)
}

func (r *run) intermittent() {
	r.mean = make([]float64, r.horizon)
	p := profile(r.values)
	if len(p.sizes) == 0 {
		r.bands = bands{newGrid(r.horizon), newGrid(r.horizon)}
		return
	}
	rate := intermittentRate(r.method, r.values, p).mean
	for i := range r.mean {
		r.mean[i] = rate
	}
	paths := newFutures(r.horizon)
	bootstrap(p.sizes, rate, seeded(r.values, 1), paths)
	r.bands = paths.bands(true)
}

// RunAll forecasts every series with the same horizon and options, in the order
// given, on all processors. observe, when not nil, hears how many are done, in
// order and never twice at once. The first series in order that cannot be
// forecast decides the error; the result does not depend on the number of
// processors.
func RunAll(ctx context.Context, all []Series, horizon int, o Options, observe func(done int)) ([]Forecast, error) {
	if len(all) > MaxSeries {
		return nil, ErrTooMany.With(fault.Detail{Location: "series", Message: fmt.Sprintf("%d series", len(all))})
	}
	forecasts, errs := make([]Forecast, len(all)), make([]error, len(all))
	var (
		mutex      sync.Mutex
		next, done int
		stopped    bool
		workers    sync.WaitGroup
	)
	take := func() (int, bool) {
		mutex.Lock()
		defer mutex.Unlock()
		if stopped || next == len(all) {
			return 0, false
		}
		next++
		return next - 1, true
	}
	finish := func(failed bool) {
		mutex.Lock()
		defer mutex.Unlock()
		stopped = stopped || failed
		if done++; observe != nil && !failed {
			observe(done)
		}
	}
	for range min(max(2, runtime.GOMAXPROCS(0)), len(all)) {
		workers.Go(func() {
			for {
				i, ok := take()
				if !ok {
					return
				}
				forecasts[i], errs[i] = Run(ctx, all[i], horizon, o)
				finish(errs[i] != nil)
			}
		})
	}
	workers.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	return forecasts, nil
}
