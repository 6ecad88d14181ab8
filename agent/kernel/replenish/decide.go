package replenish

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/forecast"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// decision is one Decide on its way through the stages.
type decision struct {
	Decider
	data      Data // only the items that are planned
	goal      Goal // with defaults
	observe   Observe
	left      leftOut
	forecasts []forecast.Forecast
	needs     []need
	classic   [][]float64 // units ordered by reorder points, an item and period
	form      formulation
	room      float64     // share by which limits are drawn closer
	gaveUp    bool        // service was preferred and could not be kept
	orders    [][]float64 // units, an item and period
	result    Result
}

// Decide makes the plan that costs least among those that keep the goal, proves
// how good it is, checks it, and says why; or it says why there is none.
//
// An error is a fault.Invalid whose details say what to correct, or the end of
// ctx before a plan was found; every other outcome is a Result with its status.
// When ctx ends while the engine works, the best plan so far is kept. It is safe
// for concurrent use when the Solver is.
func (d Decider) Decide(ctx context.Context, data Data, goal Goal, observe Observe) (Result, error) {
	if observe == nil {
		observe = func(Progress) {}
	}
	run := &decision{Decider: d, goal: goal.Filled(), observe: observe}
	if err := errors.Join(goal.Validate(), data.Validate()); err != nil {
		return Result{}, err
	}
	started := run.now()
	var err error
	if run.data, run.left, err = planned(data, run.goal); err != nil {
		return Result{}, err
	}
	run.result = Result{Currency: data.Currency, Orders: []Order{}}
	run.evidence(data, started)
	if err := run.stages(ctx); err != nil {
		return Result{}, err
	}
	run.result.Evidence.FinishedAt = run.now()
	return run.result, nil
}

func (d *decision) now() time.Time {
	if d.Now != nil {
		return d.Now().UTC()
	}
	return time.Now().UTC()
}

// stages runs one after the other and keeps their times.
func (d *decision) stages(ctx context.Context) error {
	if err := d.stage(StageForecast, func() error { return d.forecast(ctx) }); err != nil {
		return err
	}
	if err := d.stage(StageCompile, func() error { return d.compile(ctx) }); err != nil {
		return err
	}
	if err := d.plan(ctx); err != nil {
		return err
	}
	if d.result.Status == solve.InfeasibleProven {
		if err := d.stage(StageDiagnose, func() error { return d.diagnose(ctx) }); err != nil {
			return err
		}
	}
	return d.stage(StageExplain, func() error { d.explain(); return nil })
}

// closer is by which share the limits are drawn closer, when rounding whole packs
// has put the engine's plan beyond one.
var closer = [...]float64{0, 4e-6, 4e-5}

// plan solves and checks. A plan that is a hair beyond a limit is no plan, and no
// reason to give up: one that is a hair within it is looked for.
func (d *decision) plan(ctx context.Context) error {
	var bound *float64
	for k, share := range closer {
		d.room = share
		d.form, d.gaveUp = d.formulated(""), false
		var outcome solve.Outcome
		if err := d.stage(StageSolve, func() (err error) {
			outcome, err = d.solveGoal(ctx)
			return err
		}); err != nil {
			return err
		}
		if outcome.Status == solve.Cancelled {
			return fmt.Errorf("decide on orders: %w", cmpErr(ctx.Err(), context.Canceled))
		}
		if k == 0 {
			bound = outcome.Bound
		} else if outcome.Status == solve.InfeasibleProven { // of closer limits only
			outcome.Status, outcome.Detail = solve.NoSolutionFound, "every plan found is beyond a limit by less than can be told apart"
		}
		outcome.Bound = bound // that of the limits as they are
		d.take(outcome)
		if !outcome.Status.HasPlan() {
			return nil
		}
		if err := d.stage(StageCheck, func() error { d.check(outcome.X); return nil }); err != nil {
			return err
		}
		far := d.result.Check.MaxViolation > 1e-3*math.Max(1, d.goal.largest()) // that is no rounding
		if d.result.Check.Passed || far || !d.goal.coupled() || stopped(ctx) {
			break
		}
	}
	return nil
}

// formulated is the model of the goal, with limits as close as they have to be.
func (d *decision) formulated(relax string) formulation {
	goal := d.goal
	goal.BudgetPerPeriod *= 1 - d.room
	goal.BudgetTotal *= 1 - d.room
	goal.StorageCapacity *= 1 - d.room
	f := formulate(d.data, goal, d.needs, relax)
	f.classic = d.classic
	return f
}

// largest is the largest limit.
func (g Goal) largest() float64 {
	return max(g.BudgetPerPeriod, g.BudgetTotal, g.StorageCapacity)
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func (d *decision) stage(s Stage, do func() error) error {
	d.observe(Progress{Stage: s})
	begin := time.Now()
	err := do()
	d.result.Evidence.Stages = append(d.result.Evidence.Stages, StageTime{Stage: s, Seconds: time.Since(begin).Seconds()})
	return err
}

// season is the number of periods after which demand repeats.
func season(periodDays int) int {
	switch {
	case periodDays == 1:
		return 7
	case periodDays == 7:
		return 52
	case periodDays >= 28:
		return 12
	}
	return 1
}

func (d *decision) forecast(ctx context.Context) error {
	series := make([]forecast.Series, len(d.data.Items))
	lead := 0
	for i, h := range d.data.History {
		series[i] = forecast.Series{ID: h.SKU, Values: h.Values, Period: season(d.data.PeriodDays)}
		lead = max(lead, d.data.Items[i].LeadTimeDays/d.data.PeriodDays)
	}
	// Safety stock at the end of the window looks a lead time and two periods
	// further.
	horizon := d.goal.span() + 2*lead + 2
	total := len(series)
	var err error
	d.forecasts, err = forecast.RunAll(ctx, series, horizon, forecast.Options{NonNegative: true}, func(done int) {
		d.observe(Progress{Stage: StageForecast, Done: done, Total: total})
	})
	if err != nil {
		return fmt.Errorf("forecast demand: %w", err)
	}
	return nil
}

func (d *decision) compile(ctx context.Context) error {
	d.needs = needsOf(d.data, d.goal, d.forecasts)
	d.classic = reorderPoint(d.data, d.goal, d.forecasts, d.goal.span())
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("decide on orders: %w", err)
	}
	d.form = d.formulated("")
	d.describe()
	return nil
}

// describe keeps the size and the hash of the model.
func (d *decision) describe() {
	m, s := d.form.model, &d.result.Solver
	s.Columns, s.Rows, s.NonZeros, s.Integers = m.Cols(), m.Rows(), m.NonZeros(), 0
	for _, whole := range m.Integer {
		if whole {
			s.Integers++
		}
	}
	d.result.Evidence.ModelHash = hashModel(m)
}

func needsOf(data Data, goal Goal, forecasts []forecast.Forecast) []need {
	needs := make([]need, len(data.Items))
	for i := range needs {
		needs[i] = needOf(&data.Items[i], forecasts[i], data, goal)
	}
	return needs
}

func (d *decision) options() solve.Options {
	gap := d.goal.Gap
	if gap == 0 {
		gap = -1 // the engine's way to say none
	}
	return solve.Options{
		Engine: d.Engine, TimeLimit: time.Duration(d.goal.TimeLimitSec) * time.Second,
		RelativeGap: gap, Seed: d.goal.Seed,
	}
}

// solve runs a model. A model without columns needs no engine: the only plan is
// to order nothing, and it stands or falls with its constant rows.
func (d *decision) solve(ctx context.Context, f formulation, o solve.Options, how depth, show bool) (solve.Outcome, error) {
	if f.model.Cols() == 0 {
		zero := 0.0
		bound := f.model.Constant
		return solve.Outcome{
			Status: solve.Optimal, X: []float64{}, Objective: bound, Bound: &bound, Gap: &zero,
			Detail: "nothing has to be ordered",
		}, nil
	}
	var watch func(solve.Progress)
	if show {
		watch = func(p solve.Progress) { d.observe(Progress{Stage: StageSolve, Solve: &p}) }
	}
	outcome, err := seek(ctx, d.Solver, f, o, how, watch)
	if err != nil {
		return outcome, fmt.Errorf("solve for orders: %w", err)
	}
	return outcome, nil
}

// take keeps what the engine says of itself.
func (d *decision) take(o solve.Outcome) {
	d.result.Status = o.Status
	s := &d.result.Solver
	s.Engine, s.EngineVersion, s.Seconds, s.Nodes = o.Engine, o.EngineVersion, o.Seconds, o.Nodes
	s.Stopped, s.Detail, s.Bound = o.Stopped, o.Detail, o.Bound
	if o.Status.HasPlan() {
		s.Objective, s.Gap = &o.Objective, o.Gap
	}
}

// check reads the orders out of the engine's answer and believes nothing else:
// the business audit works from the orders, the model check from a solution
// rebuilt from them. A plan that fails either is not a plan.
func (d *decision) check(x []float64) {
	d.orders = d.form.orders(x)
	a := auditPlan(d.data, d.goal, d.forecasts, d.orders)
	facts := CheckFacts{
		Constraints: a.checked, Tolerance: tolerance, MaxViolation: a.worst,
		Objective: a.objective, Failures: a.failures,
	}
	rebuilt := d.form.solution(d.orders)
	report := check.Solution(d.form.model, rebuilt, a.objective)
	facts.Constraints += d.form.model.Rows()
	facts.MaxViolation = max(facts.MaxViolation, report.MaxViolation)
	if !report.Passed {
		facts.Failures = append(facts.Failures, fmt.Sprintf("the model: %v", report.Violations))
	}
	facts.Passed = len(facts.Failures) == 0
	d.result.Check = facts
	if !facts.Passed {
		d.reject()
		return
	}
	d.settle(facts.Objective)
}

// reject takes a plan back that failed the check.
func (d *decision) reject() {
	d.orders = nil
	d.result.Status = solve.EngineCrash
	d.result.Solver.Objective, d.result.Solver.Gap = nil, nil
	d.result.Solver.Detail = "the engine's plan did not pass the check: " + d.result.Check.Failures[0]
}

// settle states objective and gap for the plan as it was checked. It can only be
// cheaper than the engine's solution: a rebuilt one loses no sale for nothing.
func (d *decision) settle(objective float64) {
	s := &d.result.Solver
	s.Objective = &objective
	if s.Bound == nil {
		s.Gap = nil
		d.result.Status = solve.Feasible
		return
	}
	gap := gapOf(objective, *s.Bound)
	s.Gap = &gap
	if gap <= d.goal.Gap+tolerance {
		d.result.Status = solve.Optimal
	} else {
		d.result.Status = solve.Feasible
	}
}

// leftOut names what is not planned, for the explanation.
type leftOut struct {
	withoutHistory []Item
	withoutStock   []string // SKUs
}

// planned joins items and history and keeps what the goal names.
func planned(data Data, goal Goal) (Data, leftOut, error) {
	var left leftOut
	wanted := make(map[string]bool, len(goal.SKUs))
	for _, sku := range goal.SKUs {
		wanted[sku] = true
	}
	values := make(map[string][]float64, len(data.History))
	for _, h := range data.History {
		values[h.SKU] = h.Values
	}
	out := data
	out.Items, out.History = nil, nil
	known := make(map[string]bool, len(data.Items))
	for _, item := range data.Items {
		known[item.SKU] = true
		switch {
		case len(wanted) > 0 && !wanted[item.SKU]:
		case len(values[item.SKU]) == 0:
			left.withoutHistory = append(left.withoutHistory, item)
		default:
			out.Items = append(out.Items, item)
			out.History = append(out.History, History{SKU: item.SKU, Values: values[item.SKU]})
		}
	}
	var p problems
	for _, sku := range slices.Sorted(slices.Values(goal.SKUs)) {
		if !known[sku] {
			p.add("goal.skus", "%s is not in the stock table", sku)
		}
	}
	if err := p.fault(ErrGoal); err != nil {
		return Data{}, left, err
	}
	for _, h := range data.History {
		if !known[h.SKU] && len(wanted) == 0 {
			left.withoutStock = append(left.withoutStock, h.SKU)
		}
	}
	if len(out.Items) == 0 {
		return Data{}, left, ErrData.Saying("None of the articles has a demand history, so there is nothing to forecast. Add their past demand.")
	}
	return out, left, nil
}
