package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dyocense/dyocense/e2e/figures"
	"github.com/dyocense/dyocense/e2e/product"
)

const (
	probes     = 400.0 // writes a second for the tenant that moves
	noise      = 100.0 // writes a second of each of the others
	noisy      = 3     // of them
	smallDocs  = 500   // of the tenant that moves, at its first move
	movesEach  = 10    // of one tenant; then the next, so that none grows large
	lead       = 1000 * time.Millisecond
	tail       = 500 * time.Millisecond
	settled    = 250 * time.Millisecond // before the button: connections are open by then
	pauseP50   = 25.0
	pauseP99   = 100.0
	pauseMax   = 250.0
	oldCopyFor = "1s" // an old copy is kept after it was accepted
)

// seen are the switches of one direction.
type seen struct {
	outside  []time.Duration // longest gap between two writes
	calm     []time.Duration // the same just before, when nothing is switched
	slowest  []time.Duration // longest that one write took
	inside   []time.Duration // what the product says
	attempts int
	failed   []string
	writes   int
}

// pauses moves tenants there and back while a prober writes, and downgrades a few.
func (b *bench) pauses() (err error) {
	p, err := product.Start(b.ctx, product.Options{Program: b.program, Data: filepath.Join(b.dir, "pause"), Env: []string{"DYOCENSE_MOVE_KEEP=" + oldCopyFor}})
	if err != nil {
		return err
	}
	defer func() { _ = p.Stop() }()
	prober, err := startProber(b.ctx, p.URL)
	if err != nil {
		return err
	}
	defer func() { _ = prober.stop() }()
	s := &switches{b: b, p: p, prober: prober}
	for n := range noisy {
		c, err := s.customer(fmt.Sprintf("noisy%d", n))
		if err != nil {
			return err
		}
		s.noise = append(s.noise, senderOf(c, noise))
	}
	for n := range b.moves {
		if err := s.thereAndBack(n); err != nil {
			return fmt.Errorf("move %d: %w", n, err)
		}
	}
	for n := range max(1, b.moves/10) {
		if err := s.andDown(n); err != nil {
			return fmt.Errorf("downgrade %d: %w", n, err)
		}
	}
	s.print()
	return nil
}

// switches is a run of them.
type switches struct {
	b      *bench
	p      *product.Product
	prober *probing
	noise  []sender
	moving *product.Customer

	up, back, down    seen
	ready, roundTrips []time.Duration
}

// customer is a new one with a space of their own.
func (s *switches) customer(name string) (*product.Customer, error) {
	ctx, done := context.WithTimeout(s.b.ctx, time.Minute)
	defer done()
	c := s.p.NewCustomer(name + "@example.com")
	_, err := c.Become(ctx, name, "business")
	return c, err
}

// prepared is a customer with some documents.
func (s *switches) prepared(name string) (*product.Customer, error) {
	c, err := s.customer(name)
	if err != nil {
		return nil, err
	}
	for range smallDocs {
		if err := c.Call(s.b.ctx, http.MethodPost, "/v1/goals", json.RawMessage(goal), nil); err != nil {
			return nil, fmt.Errorf("write a document: %w", err)
		}
	}
	return c, nil
}

// thereAndBack upgrades a tenant and takes it back.
func (s *switches) thereAndBack(n int) (err error) {
	if n%movesEach == 0 {
		if s.moving, err = s.prepared(fmt.Sprintf("moving%d", n)); err != nil {
			return err
		}
	}
	ctx, began := s.b.ctx, time.Now()
	m, err := s.toReady("enterprise")
	if err != nil {
		return err
	}
	s.ready = append(s.ready, time.Since(began))
	if err := s.probed(&s.up, m, "switch"); err != nil {
		return err
	}
	if m, err = until(ctx, s.moving, canStayOrGo); err != nil {
		return err
	}
	if err := s.probed(&s.back, m, "roll_back"); err != nil {
		return err
	}
	if _, err = until(ctx, s.moving, over); err != nil {
		return err
	}
	s.roundTrips = append(s.roundTrips, time.Since(began))
	return nil
}

// andDown upgrades, accepts, and downgrades a tenant.
func (s *switches) andDown(n int) (err error) {
	if n%movesEach == 0 {
		if s.moving, err = s.prepared(fmt.Sprintf("down%d", n)); err != nil {
			return err
		}
	}
	for _, to := range []struct {
		plan string
		into *seen
	}{{"enterprise", &s.up}, {"business", &s.down}} {
		m, err := s.toReady(to.plan)
		if err != nil {
			return err
		}
		if err := s.probed(to.into, m, "switch"); err != nil {
			return err
		}
		if m, err = until(s.b.ctx, s.moving, canStayOrGo); err != nil {
			return err
		}
		if err := press(s.b.ctx, s.moving, m, "accept"); err != nil {
			return err
		}
		if _, err := until(s.b.ctx, s.moving, over); err != nil {
			return err
		}
	}
	return nil
}

func (s *switches) toReady(plan string) (move, error) {
	if err := begin(s.b.ctx, s.moving, plan); err != nil {
		return move{}, err
	}
	return until(s.b.ctx, s.moving, readyToSwitch)
}

// probed presses the button of a switch while the prober writes, and notes what
// the prober saw from a moment before to a moment after.
func (s *switches) probed(into *seen, m move, action string) error {
	ctx := s.b.ctx
	if err := s.prober.run(append(slices.Clone(s.noise), senderOf(s.moving, probes))...); err != nil {
		return err
	}
	start := time.Now()
	if err := pass(ctx, lead); err != nil {
		return err
	}
	pressed := time.Now()
	from := pressed.Add(-settled)
	if err := press(ctx, s.moving, m, action); err != nil {
		return err
	}
	m, err := until(ctx, s.moving, func(m move) bool {
		if action == "roll_back" {
			return m.State == "discarding" || m.State == "rolled_back"
		}
		return m.State == "switched"
	})
	if err != nil {
		return err
	}
	if err := pass(ctx, tail); err != nil {
		return err
	}
	to := time.Now()
	all, err := s.prober.take()
	if err != nil {
		return err
	}
	took, failed := times(all, func(name string) bool { return name == s.moving.Email }, from, to)
	into.calm = append(into.calm, gap(all, s.moving.Email, start.Add(settled), pressed))
	into.outside = append(into.outside, gap(all, s.moving.Email, from, to))
	into.slowest = append(into.slowest, slices.Max(append(took, 0)))
	into.failed = append(into.failed, failed...)
	into.writes += len(all)
	waited := m.Pause
	if action == "roll_back" {
		waited = m.PauseBack
	}
	if waited == nil {
		return errors.New("the product does not say how long writes waited")
	}
	into.inside = append(into.inside, milliseconds(waited.Millis))
	into.attempts = max(into.attempts, waited.Attempts)
	return nil
}

// pass lets time go by; it is what is measured, not what is waited for.
func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (s *switches) print() {
	r := s.b.report
	failed := 0
	for _, d := range []struct {
		name string
		seen *seen
	}{{"upgrade", &s.up}, {"way back", &s.back}, {"downgrade", &s.down}} {
		of := fmt.Sprintf("%s, %d switches: ", d.name, len(d.seen.outside))
		worst := figures.Quantile(d.seen.outside, 1)
		r.Bar(of+"longest gap between two writes outside, p50", figures.Quantile(d.seen.outside, 0.5), "ms", figures.Lower, pauseP50)
		r.Bar(of+"the same, p99", figures.Quantile(d.seen.outside, 0.99), "ms", figures.Lower, pauseP99)
		r.Bar(of+"the same, max", worst, "ms", figures.Lower, pauseMax)
		r.Info(of+"the same just before, nothing switched, p50", figures.Quantile(d.seen.calm, 0.5), "ms", figures.Lower)
		r.Info(of+"the same just before, nothing switched, max", figures.Quantile(d.seen.calm, 1), "ms", figures.Lower)
		r.Info(of+"slowest write around it, p50", figures.Quantile(d.seen.slowest, 0.5), "ms", figures.Lower)
		r.Info(of+"slowest write around it, max", figures.Quantile(d.seen.slowest, 1), "ms", figures.Lower)
		r.Info(of+"pause that the product reports, p50", figures.Quantile(d.seen.inside, 0.5), "ms", figures.Lower)
		r.Info(of+"pause that the product reports, p99", figures.Quantile(d.seen.inside, 0.99), "ms", figures.Lower)
		r.Info(of+"pause that the product reports, max", figures.Quantile(d.seen.inside, 1), "ms", figures.Lower)
		r.Info(of+"attempts, most", float64(d.seen.attempts), "", figures.Lower)
		failed += len(d.seen.failed)
		for i, why := range d.seen.failed {
			if i == 10 {
				fmt.Fprintf(os.Stderr, "... and %d more\n", len(d.seen.failed)-i)
				break
			}
			fmt.Fprintln(os.Stderr, d.name+": failed:", why)
		}
	}
	r.Bar(fmt.Sprintf("writes of customers that failed, of %d", s.up.writes+s.back.writes+s.down.writes), float64(failed), "", figures.Lower, 0)
	r.Info("click to ready, small tenant, p50", figures.Quantile(s.ready, 0.5)/1000, "s", figures.Lower)
	r.Info("click to ready, small tenant, p99", figures.Quantile(s.ready, 0.99)/1000, "s", figures.Lower)
	r.Info("there and back, probing included, p50", math.Round(figures.Quantile(s.roundTrips, 0.5))/1000, "s", figures.Lower)
}
