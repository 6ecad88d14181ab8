package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/dyocense/dyocense/e2e/figures"
	"github.com/dyocense/dyocense/e2e/product"
)

// sample is the business that the first decision is made for.
const sample = "cafe"

// journey takes customers, one after another, from sign-up to a result. Between
// them it does the raw writes and messages that provisioning one tenant takes.
func (b *bench) journey() error {
	p, err := product.Start(b.ctx, product.Options{Program: b.program, Data: filepath.Join(b.dir, "journey")})
	if err != nil {
		return err
	}
	defer func() { _ = p.Stop() }()
	if err := healthy(b, p); err != nil {
		return err
	}
	raw, err := newRaw(filepath.Join(b.dir, "raw"))
	if err != nil {
		return err
	}
	defer raw.close()
	var whole, placed, rawPlaced []time.Duration
	steps := map[string][]time.Duration{}
	for n := range b.customers {
		took, place, err := b.one(p, n)
		if err != nil {
			return fmt.Errorf("customer %d: %w", n, err)
		}
		whole, placed = append(whole, took), append(placed, milliseconds(place.TotalMillis))
		for _, s := range place.Steps {
			steps[s.Name] = append(steps[s.Name], milliseconds(s.Millis))
		}
		took, err = raw.provision(b.ctx)
		if err != nil {
			return fmt.Errorf("raw provisioning: %w", err)
		}
		rawPlaced = append(rawPlaced, took)
	}
	b.report.Bar("sign-up to first decision, p50", figures.Quantile(whole, 0.5)/1000, "s", figures.Lower, 2)
	b.report.Bar("sign-up to first decision, p99", figures.Quantile(whole, 0.99)/1000, "s", figures.Lower, 5)
	b.report.Info("provisioning a tenant, p50", figures.Quantile(placed, 0.5), "ms", figures.Lower)
	b.report.Bar("provisioning a tenant, p99", figures.Quantile(placed, 0.99), "ms", figures.Lower, 100)
	for _, s := range []struct{ name, words string }{
		{"requested", "choose a place"}, {"placed", "tell the agent"}, {"creating", "create the store"}, {"verifying", "first request"},
	} {
		b.report.Info("  of it: "+s.words+", p50", figures.Quantile(steps[s.name], 0.5), "ms", figures.Lower)
		b.report.Info("  of it: "+s.words+", p99", figures.Quantile(steps[s.name], 0.99), "ms", figures.Lower)
	}
	b.report.Info("the same raw writes and messages, p50", figures.Quantile(rawPlaced, 0.5), "ms", figures.Lower)
	b.report.Info("the same raw writes and messages, p99", figures.Quantile(rawPlaced, 0.99), "ms", figures.Lower)
	b.report.Bar("provisioning over raw writes and messages, p50", figures.Quantile(placed, 0.5)/figures.Quantile(rawPlaced, 0.5), "x", figures.Lower, 2)
	held, err := resident(p.PID())
	if err != nil {
		return err
	}
	b.report.Info(fmt.Sprintf("memory of the control plane after %d customers", b.customers), held, "MB", figures.Lower)
	return nil
}

func milliseconds(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// one takes one customer the whole way.
func (b *bench) one(p *product.Product, n int) (whole time.Duration, place product.Provisioning, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	c := p.NewCustomer(fmt.Sprintf("owner%d@example.com", n))
	began := time.Now()
	place, err = c.Become(ctx, fmt.Sprintf("Cafe %d", n), "growth")
	if err != nil {
		return 0, place, err
	}
	samples, err := c.Samples(ctx)
	if err != nil {
		return 0, place, err
	}
	for _, s := range samples {
		if s.ID != sample {
			continue
		}
		if err := c.LoadSample(ctx, s.ID); err != nil {
			return 0, place, err
		}
		run, err := c.StartRun(ctx, "First order", s.SuggestedGoal)
		if err != nil {
			return 0, place, err
		}
		run, err = c.AwaitRun(ctx, run.ID)
		if err != nil {
			return 0, place, err
		}
		if run.State != "done" || run.Status != "optimal" {
			return 0, place, fmt.Errorf("the run ended %s %s %s", run.State, run.Status, run.Error)
		}
		if _, err := c.Bytes(ctx, http.MethodGet, "/v1/runs/"+run.ID+"/result", nil); err != nil {
			return 0, place, err
		}
		return time.Since(began), place, nil
	}
	return 0, place, fmt.Errorf("there is no sample %q", sample)
}
