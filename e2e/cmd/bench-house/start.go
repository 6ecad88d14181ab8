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

const starts = 10

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

// memory waits until the resident memory has stopped growing and notes it.
func (b *bench) memory(p *product.Product) error {
	last, calm := 0.0, 0
	err := product.Until(b.ctx, 15*time.Second, func() (bool, string) {
		now, err := resident(p.PID())
		if err != nil {
			return false, err.Error()
		}
		if now > last {
			last, calm = now, 0
		} else {
			calm++
		}
		return calm > 400, "memory still grows" // 400 looks of 5 ms: two quiet seconds
	})
	if err != nil {
		return err
	}
	b.report.Bar("idle memory of the control plane", last, "MB", figures.Lower, 120)
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
