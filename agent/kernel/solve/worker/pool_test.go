package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/internal/command/workercmd"
	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
	"github.com/dyocense/dyocense/agent/kernel/solve/worker"
)

// TestMain makes the test binary a worker when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if run, ok := roles()[os.Args[1]]; ok {
			if err := run(os.Args[len(os.Args)-1]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// roles are what a child may be: the real worker, and children that go wrong.
func roles() map[string]func(cacheDir string) error {
	serve := func(solver solverFunc) error {
		out, err := worker.ClaimStdout()
		if err != nil {
			return err
		}
		return worker.Serve(context.Background(), os.Stdin, out, func(context.Context, *slog.Logger) (worker.Engine, error) {
			return worker.Engine{Name: "fake", Version: "0", Solver: solver}, nil
		})
	}
	return map[string]func(string) error{
		"worker": func(cacheDir string) error { return workercmd.Run(context.Background(), cacheDir) },
		"noisy": func(string) error {
			return serve(func(context.Context, func(solve.Progress)) solve.Outcome {
				_, _ = syscall.Write(1, []byte("a native library prints a banner\n"))
				return solve.Outcome{Status: solve.InfeasibleProven}
			})
		},
		"leaves": func(string) error {
			return serve(func(context.Context, func(solve.Progress)) solve.Outcome {
				os.Exit(0)
				return solve.Outcome{}
			})
		},
		"panics": func(string) error {
			return serve(func(context.Context, func(solve.Progress)) solve.Outcome {
				panic("boom in " + "/var/lib/secret/place.go")
			})
		},
		"hangs": func(string) error {
			return serve(func(_ context.Context, observe func(solve.Progress)) solve.Outcome {
				observe(solve.Progress{Nodes: 1})
				select {}
			})
		},
		"short": func(string) error {
			return serve(func(context.Context, func(solve.Progress)) solve.Outcome {
				return solve.Outcome{Status: solve.Optimal, X: []float64{}}
			})
		},
		"missing": func(string) error {
			return worker.Serve(context.Background(), os.Stdin, os.Stdout, func(context.Context, *slog.Logger) (worker.Engine, error) {
				return worker.Engine{}, fmt.Errorf("no library at /opt/engine/lib.so")
			})
		},
		"garbage": func(string) error {
			_, err := os.Stdout.WriteString("Welcome to the solver!\n")
			return err
		},
		"env": func(string) error {
			return serve(func(context.Context, func(solve.Progress)) solve.Outcome {
				return solve.Outcome{Status: solve.InvalidInput, Detail: strings.Join(os.Environ(), ",")}
			})
		},
		"pid": func(string) error {
			return serve(func(_ context.Context, observe func(solve.Progress)) solve.Outcome {
				observe(solve.Progress{Nodes: int64(os.Getpid())})
				select {}
			})
		},
	}
}

type solverFunc func(context.Context, func(solve.Progress)) solve.Outcome

func (f solverFunc) Solve(ctx context.Context, _ *model.Model, _ solve.Options, observe func(solve.Progress)) (solve.Outcome, error) {
	return f(ctx, observe), nil
}

var quiet = slog.New(slog.DiscardHandler)

func pool(t *testing.T, role string, warm int) *worker.Pool {
	t.Helper()
	if role == "worker" {
		if err := highs.Available(); err != nil {
			t.Skipf("the solver engine is not in the tree (deploy/engine/fetch.sh brings it): %v", err)
		}
	}
	o := worker.Options{Args: []string{role}, Warm: warm, Log: quiet, KillAfter: 30 * time.Second}
	if role != "worker" { // what never stops by itself is stopped soon
		o.Overrun, o.TermAfter, o.KillAfter = 300*time.Millisecond, 200*time.Millisecond, 500*time.Millisecond
	}
	p := worker.New(o)
	t.Cleanup(p.Close)
	return p
}

// blend is min x + 2y, x + y >= 3.5, x <= 2 whole: 5.0 at (2, 1.5).
func blend() *model.Model {
	var b model.Builder
	x := b.Col("x", 0, 2, 1, true)
	y := b.Col("y", 0, model.Inf, 2, false)
	b.Row("", "need", 3.5, model.Inf, model.Term{Col: x, Coef: 1}, model.Term{Col: y, Coef: 1})
	return b.Build("blend")
}

// split is a market split model: always a plan, no proof within patience.
func split() *model.Model {
	var b model.Builder
	state := uint64(11)
	var x [40]int32
	for j := range x {
		x[j] = b.Col("x"+strconv.Itoa(j), 0, 1, 0, true)
	}
	for i := range 5 {
		terms, sum := []model.Term{}, 0.0
		for _, j := range x {
			state = state*6364136223846793005 + 1442695040888963407
			a := float64(state >> 33 % 100)
			sum += a
			terms = append(terms, model.Term{Col: j, Coef: a})
		}
		over := b.Col(fmt.Sprintf("over%d", i), 0, model.Inf, 1, false)
		under := b.Col(fmt.Sprintf("under%d", i), 0, model.Inf, 1, false)
		half := math.Floor(sum / 2)
		b.Row("", fmt.Sprintf("half%d", i), half, half, append(terms, model.Term{Col: over, Coef: 1}, model.Term{Col: under, Coef: -1})...)
	}
	return b.Build("split")
}

// bomb is a model whose matrix does not fit into little memory.
func bomb() *model.Model {
	const rows, cols = 300, 4000
	m := &model.Model{Start: []int32{0}}
	for range cols {
		m.Cost, m.ColLower = append(m.Cost, 1), append(m.ColLower, 0)
		m.ColUpper, m.Integer = append(m.ColUpper, model.Inf), append(m.Integer, true)
	}
	for i := range rows {
		for j := range cols {
			m.Index, m.Value = append(m.Index, int32(j)), append(m.Value, float64((i*j)%17+1))
		}
		m.Start = append(m.Start, int32(len(m.Index)))
		m.RowLower, m.RowUpper = append(m.RowLower, 100), append(m.RowUpper, model.Inf)
	}
	return m
}

func solved(t *testing.T, p *worker.Pool, m *model.Model, o solve.Options) solve.Outcome {
	t.Helper()
	out, err := p.Solve(t.Context(), m, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRealWorker(t *testing.T) {
	t.Run("solves in a child process", func(t *testing.T) {
		out := solved(t, pool(t, "worker", 0), blend(), solve.Options{Engine: highs.Name})
		if out.Status != solve.Optimal || math.Abs(out.Objective-5) > 1e-9 || len(out.X) != 2 || out.Engine != highs.Name || out.EngineVersion == "" {
			t.Errorf("got %+v", out)
		}
	})
	t.Run("solves many at once, each alone", func(t *testing.T) {
		p := pool(t, "worker", 2)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				out, err := p.Solve(t.Context(), blend(), solve.Options{}, nil)
				if err != nil || out.Status != solve.Optimal {
					t.Errorf("got %+v, %v", out, err)
				}
			})
		}
		all.Wait()
	})
	t.Run("keeps the incumbent when it is cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out, err := pool(t, "worker", 0).Solve(ctx, split(), solve.Options{}, func(p solve.Progress) {
			if p.Objective != nil {
				cancel()
			}
		})
		if err != nil || out.Status != solve.Feasible || out.Stopped != "cancelled" || len(out.X) != 50 {
			t.Errorf("got %+v, %v", out, err)
		}
	})
	t.Run("fails only the solve that needs too much memory", func(t *testing.T) {
		p := pool(t, "worker", 1)
		out := solved(t, p, bomb(), solve.Options{MemoryMiB: 32})
		if out.Status != solve.NoSolutionFound || out.Stopped != "memory_limit" {
			t.Errorf("the bomb gave %+v", out)
		}
		if out := solved(t, p, blend(), solve.Options{}); out.Status != solve.Optimal {
			t.Errorf("its neighbour gave %+v", out)
		}
	})
	t.Run("has no engine of another name", func(t *testing.T) {
		out := solved(t, pool(t, "worker", 0), blend(), solve.Options{Engine: "gurobi"})
		if out.Status != solve.EngineUnavailable || !strings.Contains(out.Detail, "gurobi") {
			t.Errorf("got %+v", out)
		}
	})
}

func TestTrouble(t *testing.T) {
	cases := map[string]struct {
		role   string
		status solve.Status
		detail string
	}{
		"does not mind noise on standard output":           {"noisy", solve.InfeasibleProven, ""},
		"takes no success from exit code 0":                {"leaves", solve.EngineCrash, "ended without a result"},
		"reports a panic with its last words":              {"panics", solve.EngineCrash, "boom in (path)"},
		"refuses a plan of the wrong length":               {"short", solve.EngineCrash, "cannot be read"},
		"says why there is no engine, without paths":       {"missing", solve.EngineUnavailable, "no library at (path)"},
		"refuses a child that does not speak the protocol": {"garbage", solve.EngineCrash, "protocol"},
		"gives the child an empty environment":             {"env", solve.InvalidInput, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out := solved(t, pool(t, c.role, 0), blend(), solve.Options{})
			if out.Status != c.status || !strings.Contains(out.Detail, c.detail) || strings.Contains(out.Detail, "/") {
				t.Errorf("got %+v", out)
			}
			if c.role == "env" && out.Detail != "" {
				t.Errorf("the child sees %s", out.Detail)
			}
		})
	}
	t.Run("ends a child that does not stop when cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out, err := pool(t, "hangs", 0).Solve(ctx, blend(), solve.Options{}, func(solve.Progress) { cancel() })
		if err != nil || out.Status != solve.Cancelled || out.Stopped != "cancelled" {
			t.Errorf("got %+v, %v", out, err)
		}
	})
	t.Run("ends a child that overruns its time", func(t *testing.T) {
		out := solved(t, pool(t, "hangs", 0), blend(), solve.Options{TimeLimit: 100 * time.Millisecond})
		if out.Status != solve.NoSolutionFound || out.Stopped != "time_limit" {
			t.Errorf("got %+v", out)
		}
	})
	t.Run("fails only the solve whose child is killed", func(t *testing.T) {
		p := pool(t, "pid", 1)
		var once sync.Once
		out, err := p.Solve(t.Context(), blend(), solve.Options{}, func(pr solve.Progress) {
			once.Do(func() { _ = syscall.Kill(int(pr.Nodes), syscall.SIGKILL) })
		})
		if err != nil || out.Status != solve.EngineCrash || !strings.Contains(out.Detail, "killed") {
			t.Errorf("got %+v, %v", out, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out, err = p.Solve(ctx, blend(), solve.Options{}, func(solve.Progress) { cancel() })
		if err != nil || out.Status != solve.Cancelled {
			t.Errorf("the next solve gave %+v, %v", out, err)
		}
	})
	t.Run("says that a program is not there", func(t *testing.T) {
		p := worker.New(worker.Options{Program: "/nowhere/dyocense-agent", Warm: 1, Log: quiet})
		t.Cleanup(p.Close)
		out := solved(t, p, blend(), solve.Options{})
		if out.Status != solve.EngineUnavailable || strings.Contains(out.Detail, "nowhere") {
			t.Errorf("got %+v", out)
		}
	})
	t.Run("refuses a broken model without starting anything", func(t *testing.T) {
		m := blend()
		m.Cost = m.Cost[:1]
		if out := solved(t, pool(t, "garbage", 0), m, solve.Options{}); out.Status != solve.InvalidInput {
			t.Errorf("got %+v", out)
		}
	})
}

func TestClose(t *testing.T) {
	t.Run("ends running solves and leaves no child", func(t *testing.T) {
		p := pool(t, "pid", 2)
		pid := make(chan int, 1)
		var once sync.Once
		finished := make(chan solve.Outcome, 1)
		go func() {
			out, _ := p.Solve(context.Background(), blend(), solve.Options{}, func(pr solve.Progress) {
				once.Do(func() { pid <- int(pr.Nodes) })
			})
			finished <- out
		}()
		child := <-pid
		p.Close()
		if out := <-finished; out.Status != solve.Cancelled {
			t.Errorf("got %+v", out)
		}
		if err := syscall.Kill(child, 0); err == nil {
			t.Errorf("the child %d is still there", child)
		}
		if out := solved(t, p, blend(), solve.Options{}); out.Status != solve.EngineUnavailable {
			t.Errorf("a closed pool gave %+v", out)
		}
	})
	t.Run("a child ends when its parent's end of the pipe does", func(t *testing.T) {
		if err := highs.Available(); err != nil {
			t.Skipf("the solver engine is not in the tree: %v", err)
		}
		c := exec.Command(os.Args[0], "worker", "--cache-dir", "-")
		stdin, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		_ = stdin.Close()
		if err := c.Wait(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
}
