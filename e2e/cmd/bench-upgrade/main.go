// Command bench-upgrade measures the move of a live tenant: for how long writes
// stand still, as a customer's program sees it; how fast a large tenant is copied
// and compared, next to a plain loop on the same machine; and what the journal
// costs, which makes it possible. Ratios are taken in one run on one machine.
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
	moves     int
	documents int
	report    *figures.Report
}

func main() {
	if os.Getenv(proberMark) != "" {
		if err := probe(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench-upgrade: prober:", err)
			os.Exit(1)
		}
		return
	}
	out := flag.String("out", "out/bench/upgrade.json", "where the figures go")
	program := flag.String("program", "../bin/dyocense-controlplane", "the built control plane, with the agent beside it")
	moves := flag.Int("n", 40, "upgrades, and as many ways back")
	documents := flag.Int("documents", 100_000, "documents of the large tenant")
	only := flag.String("only", "", "measure only the part with this word: pause, copy or journal")
	flag.Parse()
	if err := run(*program, *out, *only, *moves, *documents); err != nil {
		fmt.Fprintln(os.Stderr, "bench-upgrade:", err)
		os.Exit(1)
	}
}

func run(program, out, only string, moves, documents int) error {
	if moves < 1 || documents < 1000 {
		return fmt.Errorf("-n is %d and -documents %d: at least 1 and 1000 are needed", moves, documents)
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
	dir, err := os.MkdirTemp("", "bench-upgrade-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{ctx: ctx, program: program, dir: dir, moves: moves, documents: documents, report: &figures.Report{}}
	measured := false
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"journal of single writes", b.journal},
		{"copy of a large tenant", b.large},
		{"pause of the switch", b.pauses},
	} {
		if !strings.Contains(part.name, only) {
			continue
		}
		measured = true
		fmt.Fprintln(os.Stderr, "measuring", part.name)
		before := load()
		if err := part.run(); err != nil {
			b.complain()
			return fmt.Errorf("%s: %w", part.name, err)
		}
		word, _, _ := strings.Cut(part.name, " ")
		b.report.Info("load average before the "+word, before, "", figures.Lower)
		b.report.Info("load average after the "+word, load(), "", figures.Lower)
	}
	if !measured {
		return fmt.Errorf("there is no part %q", only)
	}
	if err := b.report.Print(os.Stdout); err != nil {
		return err
	}
	return b.report.Write(out)
}

// complain shows the ends of the programs' logs, before they are deleted.
func (b *bench) complain() {
	logs, _ := filepath.Glob(filepath.Join(b.dir, "*.log"))
	for _, path := range logs {
		said, _ := os.ReadFile(path)
		fmt.Fprintf(os.Stderr, "the end of %s:\n%s\n", filepath.Base(path), said[max(0, len(said)-4000):])
	}
}

// load is how many programs wanted to run in the last minute, ours included.
func load() float64 {
	said, _ := os.ReadFile("/proc/loadavg") // where there is none, it is 0
	var one float64
	_, _ = fmt.Sscan(string(said), &one)
	return one
}
