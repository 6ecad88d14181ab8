// Package workercmd is the hidden command `dyocense-agent worker`: the child
// process in which one solve runs.
//
// It owns the choice of the engine in the child and its standard streams; the
// protocol is worker's and the engine is highs'. People do not call it.
package workercmd

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
	"github.com/dyocense/dyocense/agent/kernel/solve/worker"
)

// New makes the command.
func New() *cobra.Command {
	var cacheDir string
	c := &cobra.Command{
		Use:    "worker",
		Short:  "Solve one model for a parent process",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return Run(c.Context(), cacheDir)
		},
	}
	c.Flags().StringVar(&cacheDir, "cache-dir", "-", "where compiled engines are kept; - is nowhere")
	return c
}

// Run serves one solve on the standard streams of this process.
func Run(ctx context.Context, cacheDir string) error {
	out, err := worker.ClaimStdout()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	return worker.Serve(ctx, os.Stdin, out, func(ctx context.Context, log *slog.Logger) (worker.Engine, error) {
		engine, err := highs.Load(ctx, highs.Options{CacheDir: cacheDir, Log: log})
		if err != nil {
			return worker.Engine{}, err
		}
		// The instance is made now, before there is a model: that is what is warm.
		instance, err := engine.Prepare(ctx)
		if err != nil {
			return worker.Engine{}, err
		}
		return worker.Engine{Name: highs.Name, Version: highs.Version(), Solver: instance}, nil
	})
}
