package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dyocense/dyocense/e2e/figures"
	"github.com/dyocense/dyocense/e2e/product"
)

const (
	starts = 10
	idle   = 10 * time.Second // how long the memory is watched
)

// start measures from exec until /health says ready, with the pool agent
// connected, and what the control plane then holds in memory. The first start
// makes keys and files; it is told apart.
func (b *bench) start() error {
	dir := filepath.Join(b.dir, "start")
	var times []time.Duration
	for n := range starts + 1 {
		began := time.Now()
		p, err := product.Start(b.ctx, product.Options{Program: b.program, Data: dir})
		if err != nil {
			return err
		}
		if err := healthy(b, p); err != nil {
			return err
		}
		took := time.Since(began)
		if n == 0 {
			b.report.Info("first start to healthy, on empty data", figures.Quantile([]time.Duration{took}, 1), "ms", figures.Lower)
		} else {
			times = append(times, took)
		}
		if n == starts {
			if err := b.memory(p); err != nil {
				return err
			}
		}
		if err := p.Stop(); err != nil {
			return fmt.Errorf("stop: %w", err)
		}
	}
	b.report.Bar("cold start to healthy, median of 10", figures.Quantile(times, 0.5), "ms", figures.Lower, 300)
	b.report.Info("cold start to healthy, slowest of 10", figures.Quantile(times, 1), "ms", figures.Lower)
	return nil
}

func healthy(b *bench, p *product.Product) error {
	return product.Until(b.ctx, 20*time.Second, func() (bool, string) {
		h, err := p.Health(b.ctx)
		if err != nil {
			return false, err.Error()
		}
		return h.Status == "ready", fmt.Sprint(h.Components)
	})
}

// memory notes the most that a control plane with nothing to do has resident over
// a while: garbage collects slowly when idle, so that one look could be lucky.
func (b *bench) memory(p *product.Product) error {
	most, began := 0.0, time.Now()
	err := product.Until(b.ctx, 2*idle, func() (bool, string) {
		now, err := resident(p.PID())
		if err != nil {
			return false, err.Error()
		}
		most = max(most, now)
		return time.Since(began) > idle, "it is still being watched"
	})
	if err != nil {
		return err
	}
	b.report.Bar(fmt.Sprintf("idle memory of the control plane, most in %s", idle), most, "MB", figures.Lower, 120)
	return nil
}

// resident is a process's resident memory in MB (10^6 bytes).
func resident(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		var kb float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kb); err == nil {
			return kb * 1024 / 1e6, nil
		}
	}
	return 0, fmt.Errorf("no VmRSS for process %d", pid)
}
