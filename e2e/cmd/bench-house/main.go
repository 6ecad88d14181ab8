// Command bench-house measures the house: sign-up to first decision,
// provisioning, the gateway, start and memory of the control plane, and the
// document stores. Ratios are taken in one run on one machine, with the thing and
// what it is compared with in turns.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dyocense/dyocense/e2e/figures"
)

// bench is what all measurements share.
type bench struct {
	ctx       context.Context
	program   string // dyocense-controlplane
	dir       string // scratch
	customers int
	report    *figures.Report
}

func main() {
	out := flag.String("out", "out/bench/house.json", "where the figures go")
	program := flag.String("program", "../bin/dyocense-controlplane", "the built control plane, with the agent beside it")
	customers := flag.Int("n", 100, "customers that go from sign-up to a decision")
	only := flag.String("only", "", "measure only the part with this word: start, sign-up, gateway or stores")
	flag.Parse()
	if err := run(*program, *out, *only, *customers); err != nil {
		fmt.Fprintln(os.Stderr, "bench-house:", err)
		os.Exit(1)
	}
}

func run(program, out, only string, customers int) error {
	if customers < 1 {
		return fmt.Errorf("-n is %d: at least one customer is needed", customers)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("the product is not built (make build): %w", err)
	}
	dir, err := os.MkdirTemp("", "bench-house-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{ctx: ctx, program: program, dir: dir, customers: customers, report: &figures.Report{}}
	measured := false
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"start and memory", b.start},
		{"sign-up to first decision, provisioning", b.journey},
		{"gateway against raw NATS", b.gateway},
		{"document stores", b.stores},
	} {
		if !strings.Contains(part.name, only) {
			continue
		}
		measured = true
		fmt.Fprintln(os.Stderr, "measuring", part.name)
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if !measured {
		return fmt.Errorf("there is no part %q", only)
	}
	if err := b.report.Print(os.Stdout); err != nil {
		return err
	}
	return b.report.Write(out)
}
