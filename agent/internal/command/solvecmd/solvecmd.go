// Package solvecmd is the command `dyocense-agent solve FILE`.
//
// It owns the reading of problem files by their format, the options, the exit
// codes and the two forms of output, for people and for programs. It does not own
// formats (model/mps, model/nrp, model/trigeiro, routing, ops) nor engines.
//
// Others script against its flags, its JSON and its exit codes.
package solvecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/agent/internal/command"
	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/routing"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
	"github.com/dyocense/dyocense/agent/kernel/solve/worker"
)

// The exit codes.
const (
	exitBadInput    = 2
	exitInfeasible  = 3
	exitUnbounded   = 4
	exitNothing     = 5
	exitUnavailable = 6
)

// longestLimit bounds --time-limit: a day.
const longestLimit = 24 * time.Hour

type settings struct {
	format  string
	engine  string
	seconds float64
	gap     float64
	seed    int
	json    bool
}

// New makes the command.
func New() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "solve FILE",
		Short: "Solve a problem file with a checked result",
		Long: `Solve a problem file and say honestly what came of it.

The format follows from the name: .ops.json is a problem spec, .mps and .mps.gz
are MPS. Others are named by --format: nrp (nurse rostering), trigeiro (lot
sizing), vrplib (vehicle routing). Ctrl-C keeps the best plan found so far.

Exit codes: 0 solved, 2 bad input, 3 infeasible, 4 unbounded, 5 nothing found in
time, 6 engine unavailable.`,
		Example: `  dyocense-agent solve plan.ops.json
  dyocense-agent solve model.mps.gz --time-limit 30 --gap 0.01 --json
  dyocense-agent solve tours.vrp --format vrplib --seed 7`,
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(c, args); err != nil {
				return command.Exit{Code: exitBadInput, Err: err}
			}
			return nil
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, args []string) error {
			return run(c, args[0], s)
		},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return command.Exit{Code: exitBadInput, Err: err} })
	f := c.Flags()
	f.StringVar(&s.format, "format", "auto", "auto, ops, mps, nrp, trigeiro or vrplib")
	f.StringVar(&s.engine, "engine", "", "engine to use (highs-embedded, routing-embedded); empty chooses")
	f.Float64Var(&s.seconds, "time-limit", solve.DefaultTimeLimit.Seconds(), "seconds to search at most")
	f.Float64Var(&s.gap, "gap", solve.DefaultRelativeGap, "relative gap at which a plan counts as optimal; 0 is exact")
	f.IntVar(&s.seed, "seed", 0, "seed of the engine's random numbers")
	f.BoolVar(&s.json, "json", false, "print one JSON object")
	return c
}

// options are the solve options, or what is wrong with the flags.
func (s settings) options() (solve.Options, error) {
	limit := time.Duration(s.seconds * float64(time.Second))
	if !(s.seconds > 0) || s.seconds > longestLimit.Seconds() {
		return solve.Options{}, fmt.Errorf("--time-limit is %v; more than 0 and at most %v seconds are accepted", s.seconds, longestLimit.Seconds())
	}
	if !(s.gap >= 0) || s.gap > 1 {
		return solve.Options{}, fmt.Errorf("--gap is %v; 0 to 1 are accepted", s.gap)
	}
	if s.seed < 0 || s.seed > math.MaxInt32 {
		return solve.Options{}, fmt.Errorf("--seed is %d; 0 to %d are accepted", s.seed, math.MaxInt32)
	}
	gap := s.gap
	if gap == 0 {
		gap = -1 // in solve.Options 0 means the default
	}
	return solve.Options{Engine: s.engine, TimeLimit: limit, RelativeGap: gap, Seed: s.seed}, nil
}

func run(c *cobra.Command, file string, s settings) error {
	out, errs := c.OutOrStdout(), c.ErrOrStderr()
	o, err := s.options()
	if err != nil {
		return bad(out, s, err)
	}
	p, err := open(file, s.format)
	if err != nil {
		return bad(out, s, err)
	}
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	bar := newBar(errs, o.TimeLimit)
	a := answer{problem: p}
	if p.routing != nil {
		a.solveTours(ctx, o, bar.observe)
	} else {
		err = a.solveModel(ctx, o, bar.observe, errs)
	}
	bar.finish()
	if err != nil {
		return command.Exit{Code: 1, Err: err}
	}
	if err := a.print(out, s.json); err != nil {
		return command.Exit{Code: 1, Err: err}
	}
	if code := codeOf(a.outcome.Status); code != 0 {
		return command.Exit{Code: code}
	}
	return nil
}

// bad reports input that cannot be used, in the form the caller asked for.
func bad(out io.Writer, s settings, err error) error {
	if s.json {
		a := answer{outcome: solve.Outcome{Status: solve.InvalidInput, Engine: s.engine, Detail: explain(err)}}
		if err := a.print(out, true); err != nil {
			return command.Exit{Code: 1, Err: err}
		}
		return command.Exit{Code: exitBadInput}
	}
	return command.Exit{Code: exitBadInput, Err: errors.New(explain(err))}
}

// codeOf is the exit code of a status.
func codeOf(s solve.Status) int {
	switch s {
	case solve.Optimal, solve.Feasible:
		return 0
	case solve.InvalidInput:
		return exitBadInput
	case solve.InfeasibleProven:
		return exitInfeasible
	case solve.Unbounded:
		return exitUnbounded
	case solve.NoSolutionFound, solve.Cancelled:
		return exitNothing
	case solve.EngineUnavailable:
		return exitUnavailable
	default:
		return 1
	}
}

func (a *answer) solveTours(ctx context.Context, o solve.Options, observe func(solve.Progress)) {
	if o.Engine != "" && o.Engine != routing.Name {
		a.outcome = solve.Outcome{
			Status: solve.EngineUnavailable, Engine: o.Engine,
			Detail: fmt.Sprintf("the engine %q does not plan tours; %s does", o.Engine, routing.Name),
		}
		return
	}
	r := routing.Solve(ctx, a.problem.routing, o, observe)
	a.outcome, a.tours = r.Outcome, r.Tours
}

func (a *answer) solveModel(ctx context.Context, o solve.Options, observe func(solve.Progress), errs io.Writer) error {
	m := a.problem.model
	if o.Engine != "" && o.Engine != highs.Name {
		a.outcome = solve.Outcome{
			Status: solve.EngineUnavailable, Engine: o.Engine,
			Detail: fmt.Sprintf("the engine %q is not installed; there is %s", o.Engine, highs.Name),
		}
		return nil
	}
	o.Engine = highs.Name
	pool := worker.New(worker.Options{Log: slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	defer pool.Close()
	var err error
	if a.outcome, err = (check.Solver{Inner: pool}).Solve(ctx, m, o, observe); err != nil {
		return err
	}
	if a.outcome.Status == solve.InfeasibleProven {
		if why := m.EmptyDomain(); why != "" {
			a.conflict = []string{why}
		}
	}
	if a.problem.spec != nil && a.outcome.Status.HasPlan() {
		// The document judges the plan as well: a mistake in writing it out as a
		// model would pass the check of that model.
		e := a.problem.spec.Evaluate(a.outcome.X)
		if !e.Holds() {
			a.outcome = solve.Outcome{
				Status: solve.EngineCrash, Engine: a.outcome.Engine, EngineVersion: a.outcome.EngineVersion, Seconds: a.outcome.Seconds,
				Detail: fmt.Sprintf("the plan breaks constraint %s of the spec by %g", e.Broken[0].Constraint, e.Broken[0].Amount),
			}
			return nil
		}
		a.evaluation = &e
	}
	return nil
}
