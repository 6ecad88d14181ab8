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
	flag.Parse()
	if err := run(*program, *out, *customers); err != nil {
		fmt.Fprintln(os.Stderr, "bench-house:", err)
		os.Exit(1)
	}
}

func run(program, out string, customers int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
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
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"start and memory", b.start},
		{"sign-up to first decision, provisioning", b.journey},
		{"gateway against raw NATS", b.gateway},
		{"document stores", b.stores},
	} {
		fmt.Fprintln(os.Stderr, "measuring", part.name)
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if err := b.report.Print(os.Stdout); err != nil {
		return err
	}
	return b.report.Write(out)
}
