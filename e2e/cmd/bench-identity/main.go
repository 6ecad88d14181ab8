// Command bench-identity measures signing in, the verification of tokens, and the
// taking-in of payment notices: ratios in one run on one machine, with the thing
// and what it is compared with in turns.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dyocense/dyocense/e2e/figures"
)

// bench is what all measurements share.
type bench struct {
	ctx     context.Context
	program string // dyocense-controlplane
	dir     string // scratch
	tenants int
	report  *figures.Report
}

func main() {
	out := flag.String("out", "out/bench/identity.json", "where the figures go")
	program := flag.String("program", "../bin/dyocense-controlplane", "the built control plane, with the agent beside it")
	tenants := flag.Int("n", 10_000, "tenants that are reconciled")
	only := flag.String("only", "", "measure only the part with this word: sign-in, tokens, notices or reconcile")
	flag.Parse()
	if err := run(*program, *out, *only, *tenants); err != nil {
		fmt.Fprintln(os.Stderr, "bench-identity:", err)
		os.Exit(1)
	}
}

func run(program, out, only string, tenants int) error {
	if tenants < 1 {
		return fmt.Errorf("-n is %d: at least one tenant is needed", tenants)
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
	dir, err := os.MkdirTemp("", "bench-identity-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{ctx: ctx, program: program, dir: dir, tenants: tenants, report: &figures.Report{}}
	measured := false
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"sign-in against argon2 alone", b.signIn},
		{"tokens against golang-jwt alone", b.tokens},
		{"payment notices", b.notices},
		{"reconcile", b.reconcile},
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

// rate is how often callers at once do something in a second, over n times each.
func rate(callers, n int, do func(caller, i int) error) (float64, error) {
	failed := make(chan error, callers)
	var all sync.WaitGroup
	began := time.Now()
	for caller := range callers {
		all.Go(func() {
			for i := range n {
				if err := do(caller, i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		return 0, err
	default:
		return float64(callers*n) / took.Seconds(), nil
	}
}
