package highs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

var (
	errStarved = errors.New("the engine may not have more memory")
	errUsed    = errors.New("an engine instance solves one model only; prepare another")
)

// The states in which HiGHS can leave a model, by its own numbers.
const (
	stateLoadError             = 1
	stateModelError            = 2
	stateEmpty                 = 6
	stateOptimal               = 7
	stateInfeasible            = 8
	stateUnboundedOrInfeasible = 9
	stateUnbounded             = 10
	stateTimeLimit             = 13
	stateIterationLimit        = 14
	stateUnknown               = 15
	stateSolutionLimit         = 16
	stateInterrupted           = 17
	stateMemoryLimit           = 18
)

// solutionFeasible is HiGHS' word for a point that keeps all constraints.
const solutionFeasible = 2

// Solve runs one model; an instance can do it once. It implements solve.Solver.
func (i *Instance) Solve(ctx context.Context, m *model.Model, o solve.Options, observe func(solve.Progress)) (out solve.Outcome, err error) {
	if i.used {
		return solve.Outcome{}, errUsed
	}
	i.used = true
	o = o.Filled()
	out = solve.Outcome{Engine: Name, EngineVersion: engineVersion}
	if err := m.Validate(); err != nil {
		out.Status, out.Detail = solve.InvalidInput, err.Error()
		return out, nil
	}
	if empty := m.EmptyDomain(); empty != "" {
		out.Status, out.Detail = solve.InfeasibleProven, empty
		return out, nil
	}

	started := time.Now()
	i.host.started = started
	i.host.maxBytes = min(uint64(o.MemoryMiB)<<20, 2<<30)
	if observe != nil {
		i.host.line = func(line string) {
			if p, ok := parseProgress(line); ok {
				p.Elapsed = time.Since(started)
				observe(p)
			}
		}
	}
	stop := context.AfterFunc(ctx, func() { i.host.cancelled.Store(true) })
	defer stop()

	// The engine's own calls must outlive ctx: that is how the incumbent survives.
	err = i.run(i.host.into(context.WithoutCancel(ctx)), m, o, &out)
	out.Seconds = time.Since(started).Seconds()
	if err != nil {
		i.failed(err, o, &out)
	}
	return out, nil
}

// failed says what a trap or a refusal of the engine means.
func (i *Instance) failed(err error, o solve.Options, out *solve.Outcome) {
	out.X, out.Objective, out.Bound, out.Gap = nil, 0, nil, nil
	if i.host.starved {
		out.Status, out.Stopped = solve.NoSolutionFound, "memory_limit"
		out.Detail = fmt.Sprintf("the engine needed more than the allowed %d MiB", o.MemoryMiB)
		return
	}
	out.Status = solve.EngineCrash
	// Only the first line: the rest is a stack of WebAssembly frames.
	out.Detail, _, _ = strings.Cut(err.Error(), "\n")
	if len(i.host.tail) > 0 {
		out.Detail += "; last words: " + strings.TrimSpace(i.host.tail[len(i.host.tail)-1])
	}
}

func (i *Instance) run(ctx context.Context, m *model.Model, o solve.Options, out *solve.Outcome) error {
	if err := i.configure(ctx, o); err != nil {
		return err
	}
	if readable, err := i.pass(ctx, m); err != nil {
		return err
	} else if !readable {
		out.Status = solve.InvalidInput
		out.Detail = "the engine cannot read the model: " + strings.Join(i.host.tail, "; ")
		return nil
	}
	state, err := i.search(ctx)
	if err != nil {
		return err
	}
	if state == stateUnboundedOrInfeasible {
		// Presolve knows only that it is one of the two; the simplex knows which.
		if err := i.setOption(ctx, "presolve", "off"); err != nil {
			return err
		}
		if _, err := i.call(ctx, exportClearSolver, i.highs); err != nil {
			return err
		}
		if state, err = i.search(ctx); err != nil {
			return err
		}
	}
	return i.report(ctx, m, state, out)
}

func (i *Instance) configure(ctx context.Context, o solve.Options) error {
	options := []struct {
		name  string
		value any
	}{
		{"output_flag", true}, // its log is our progress
		{"log_to_console", true},
		{"time_limit", o.TimeLimit.Seconds()},
		{"mip_rel_gap", o.RelativeGap},
		{"mip_abs_gap", min(1e-6, o.RelativeGap)}, // an exact answer was asked for: give one
		{"random_seed", int(uint32(o.Seed) & math.MaxInt32)},
		{"threads", 1},
		{"parallel", "off"},
		{"mip_min_logging_interval", 1.0},
	}
	for _, option := range options {
		if err := i.setOption(ctx, option.name, option.value); err != nil {
			return err
		}
	}
	return nil
}

// pass hands the arrays over; false means that HiGHS does not accept them.
func (i *Instance) pass(ctx context.Context, m *model.Model) (bool, error) {
	var err error
	var args []uint64
	floats := func(values []float64) {
		if err == nil {
			var at uint32
			at, err = i.putFloats(ctx, values)
			args = append(args, uint64(at))
		}
	}
	ints := func(values []int32) {
		if err == nil {
			var at uint32
			at, err = i.putInts(ctx, values)
			args = append(args, uint64(at))
		}
	}
	const rowWise, minimise, maximise = 2, 1, -1
	sense := api.EncodeI32(minimise)
	if m.Maximize {
		sense = api.EncodeI32(maximise)
	}
	args = []uint64{i.highs, uint64(m.Cols()), uint64(m.Rows()), uint64(m.NonZeros()), rowWise, sense, api.EncodeF64(m.Constant)}
	floats(m.Cost)
	floats(m.ColLower)
	floats(m.ColUpper)
	floats(m.RowLower)
	floats(m.RowUpper)
	ints(m.Start)
	ints(m.Index)
	floats(m.Value)
	whole := make([]int32, m.Cols())
	for j, integer := range m.Integer {
		if integer {
			whole[j] = 1
		}
	}
	ints(whole)
	if err != nil {
		return false, err
	}
	rc, err := i.call(ctx, exportPassMip, args...)
	return int32(rc) >= 0, err
}

// search runs the engine and gives the state it leaves the model in.
func (i *Instance) search(ctx context.Context) (int, error) {
	if _, err := i.call(ctx, exportRun, i.highs); err != nil {
		return 0, err
	}
	state, err := i.call(ctx, exportModelStatus, i.highs)
	return int(int32(state)), err
}

// report turns the engine's state into an outcome.
func (i *Instance) report(ctx context.Context, m *model.Model, state int, out *solve.Outcome) error {
	switch state {
	case stateInfeasible:
		out.Status = solve.InfeasibleProven
		return nil
	case stateUnbounded:
		out.Status = solve.Unbounded
		return nil
	case stateUnboundedOrInfeasible:
		out.Status = solve.NoSolutionFound
		out.Detail = "the model has no solution or no end; the engine could not tell which"
		return nil
	case stateLoadError, stateModelError:
		out.Status, out.Detail = solve.InvalidInput, "the engine cannot read the model: "+strings.Join(i.host.tail, "; ")
		return nil
	case stateOptimal, stateEmpty:
		out.Status = solve.Optimal
	case stateTimeLimit, stateInterrupted:
		out.Status, out.Stopped = solve.Feasible, "time_limit"
		if i.host.cancelled.Load() {
			out.Stopped = "cancelled"
		}
	case stateMemoryLimit:
		out.Status, out.Stopped = solve.Feasible, "memory_limit"
	case stateIterationLimit, stateUnknown, stateSolutionLimit:
		out.Status, out.Detail = solve.Feasible, fmt.Sprintf("the engine stopped early (state %d)", state)
	default:
		return fmt.Errorf("the engine ended in state %d", state)
	}
	if err := i.readPlan(ctx, m, out); err != nil {
		return err
	}
	i.readProof(ctx, m, state, out)
	return nil
}

// readPlan fetches the incumbent. Without one, a search that was cut short has
// found nothing, and says so.
func (i *Instance) readPlan(ctx context.Context, m *model.Model, out *solve.Outcome) error {
	found, ok := i.info(ctx, exportIntInfo, "primal_solution_status")
	if m.Cols() > 0 && (!ok || int32(found) != solutionFeasible) {
		if out.Status == solve.Optimal {
			return errors.New("the engine says optimal and has no solution")
		}
		out.Status = solve.NoSolutionFound
		if out.Stopped == "cancelled" {
			out.Status = solve.Cancelled
		}
		return nil
	}
	n, rows := m.Cols(), m.Rows()
	at, err := i.allocate(ctx, 8*(2*n+2*rows))
	if err != nil {
		return err
	}
	value, dual := uint64(at), uint64(at)+uint64(8*n)
	rowValue, rowDual := dual+uint64(8*n), dual+uint64(8*n+8*rows)
	if rc, err := i.call(ctx, exportSolution, i.highs, value, dual, rowValue, rowDual); err != nil || int32(rc) < 0 {
		return errors.Join(errors.New("the engine does not hand over its solution"), err)
	}
	if out.X, err = i.getFloats(at, n); err != nil {
		return err
	}
	objective, err := i.call(ctx, exportObjective, i.highs)
	if err != nil {
		return err
	}
	out.Objective = api.DecodeF64(objective)
	return nil
}

// readProof fetches what the engine proved: the bound, the gap, the nodes.
func (i *Instance) readProof(ctx context.Context, m *model.Model, state int, out *solve.Outcome) {
	if !m.HasIntegers() {
		// For a linear problem the engine proves the optimum and nothing before it.
		if state == stateOptimal || state == stateEmpty {
			bound := out.Objective
			out.Bound, out.Gap = &bound, solve.GapOf(bound, bound)
		}
		return
	}
	if bits, ok := i.info(ctx, exportDoubleInfo, "mip_dual_bound"); ok {
		out.Bound = finiteValue(math.Float64frombits(bits))
	}
	if nodes, ok := i.info(ctx, exportInt64Info, "mip_node_count"); ok {
		out.Nodes = max(0, int64(nodes))
	}
	if out.Bound != nil && out.Status.HasPlan() {
		out.Gap = solve.GapOf(out.Objective, *out.Bound)
	}
}
