package replenish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/samples"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/shared/fault"
)

func TestEverySampleHasACheckedPlan(t *testing.T) {
	d := decider(t)
	for _, sample := range samples.All() {
		t.Run(sample.ID, func(t *testing.T) {
			_, data := business(t, sample.ID)
			r, err := d.Decide(t.Context(), data, sample.SuggestedGoal, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !r.Status.HasPlan() || !r.Check.Passed || r.Solver.Gap == nil {
				t.Fatalf("status %s, check %+v, solver %+v", r.Status, r.Check, r.Solver)
			}
			if r.Plan.Total >= r.DoNothing.Total || len(r.Orders) == 0 || r.Plan.Orders != len(r.Orders) {
				t.Errorf("%d orders, plan %+v against %+v", len(r.Orders), r.Plan, r.DoNothing)
			}
			t.Logf("%s: %d x %d, gap %.4f, %.2f s", r.Status, r.Solver.Rows, r.Solver.Columns, *r.Solver.Gap, r.Solver.Seconds)
			wordsRestOnFacts(t, r)
		})
	}
}

// wordsRestOnFacts finds every fact of a text in the result, and every number of
// a text in its facts.
func wordsRestOnFacts(t *testing.T, r replenish.Result) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, item := range r.Items {
		names = append(names, item.Name)
	}
	checked := 0
	check := func(said string, facts []replenish.Fact) {
		for _, f := range facts {
			if v, err := resolve(tree, f.Path); err != nil || math.Abs(v-f.Value) > 1e-9*(1+math.Abs(v)) {
				t.Errorf("%q: %s is %v in the result, not %v (%v)", said, f.Path, v, f.Value, err)
			}
			if !strings.Contains(said, f.Text) {
				t.Errorf("%q does not say %q", said, f.Text)
			}
			said = strings.Replace(said, f.Text, "", 1)
			checked++
		}
		for _, name := range names {
			said = strings.ReplaceAll(said, name, "")
		}
		if left := regexp.MustCompile(`\d[\d.,]*`).FindString(said); left != "" {
			t.Errorf("%q has the number %s without a fact", said, left)
		}
	}
	for _, s := range r.Explanation.Sentences {
		check(s.Text, s.Facts)
	}
	for _, o := range r.Orders {
		check(o.Why, o.Facts)
	}
	if checked == 0 && r.Status.HasPlan() {
		t.Error("the texts have no facts at all")
	}
}

func resolve(tree any, path string) (float64, error) {
	for _, step := range strings.Split(path, "/")[1:] {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[step]
		case []any:
			k, err := strconv.Atoi(step)
			if err != nil || k >= len(node) {
				return 0, fmt.Errorf("no element %s", step)
			}
			tree = node[k]
		default:
			return 0, fmt.Errorf("nothing at %s", step)
		}
	}
	v, ok := tree.(float64)
	if !ok {
		return 0, fmt.Errorf("%v is no number", tree)
	}
	return v, nil
}

func TestTooSmallBudgetIsDiagnosed(t *testing.T) {
	d := decider(t)
	sample, data := business(t, "cafe")
	goal := sample.SuggestedGoal
	goal.BudgetPerPeriod = 700
	r, err := d.Decide(t.Context(), data, goal, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != solve.InfeasibleProven || len(r.Orders) != 0 || r.Plan != nil || r.Diagnosis == nil {
		t.Fatalf("status %s, %d orders, plan %v, diagnosis %v", r.Status, len(r.Orders), r.Plan, r.Diagnosis)
	}
	t.Log(r.Headline, "|", r.Diagnosis.Summary)
	wordsRestOnFacts(t, r)
	verified := 0
	for _, change := range r.Diagnosis.Changes {
		if !change.Verified {
			continue
		}
		verified++
		changed := goal
		changed.Gap = 0.2
		switch {
		case change.Value != "":
			changed.ServiceRule = replenish.ServiceRule(change.Value)
		case change.Field == "budgetPerPeriod":
			changed.BudgetPerPeriod = change.To
		case change.Field == "serviceLevel":
			changed.ServiceLevel = change.To
		default:
			t.Fatalf("a change of %q cannot help here", change.Field)
		}
		again, err := d.Decide(t.Context(), data, changed, nil)
		if err != nil || !again.Status.HasPlan() {
			t.Errorf("%s: status %s, %v", change.Text, again.Status, err)
		}
	}
	if verified == 0 {
		t.Errorf("no verified change in %+v", r.Diagnosis)
	}
}

// shelf is one article whose best plan can be worked out by hand.
func shelf(history float64) replenish.Data {
	values := make([]float64, 30)
	for k := range values {
		values[k] = history
	}
	return replenish.Data{
		PeriodDays: 7, Start: samples.FirstWeek(loaded), Currency: "EUR",
		Items:   []replenish.Item{{SKU: "A", Name: "Sugar", Unit: "kg", OnHand: 20, UnitCost: 5.2, HoldingCost: 1, LeadTimeDays: 7, OrderCost: 45}},
		History: []replenish.History{{SKU: "A", Values: values}},
	}
}

func TestKnownPlans(t *testing.T) {
	d := decider(t)
	t.Run("buys for three weeks at once when that is the best balance", func(t *testing.T) {
		// 10 a week without error: an order of 3 weeks costs 45 + 10 + 20 of holding,
		// 25 a week; 2 weeks 27.50, 4 weeks 26.25.
		r, err := d.Decide(t.Context(), shelf(10), replenish.Goal{Horizon: 12, Gap: 1e-6}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Orders) == 0 || r.Status != solve.Optimal {
			t.Fatalf("status %s, orders %v", r.Status, r.Orders)
		}
		for _, o := range r.Orders[:2] {
			if math.Abs(o.Quantity-30) > 10 {
				t.Errorf("orders %v, want about three weeks of 10", o.Quantity)
			}
		}
	})
	t.Run("says what no order can save", func(t *testing.T) {
		data := shelf(10)
		data.Items[0].OnHand = 4
		r, err := d.Decide(t.Context(), data, replenish.Goal{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(r.Items[0].Unavoidable-6) > 0.5 || math.Abs(r.Items[0].Shortage[0]-r.Items[0].Unavoidable) > 1e-9 {
			t.Errorf("unavoidable %v, shortage %v", r.Items[0].Unavoidable, r.Items[0].Shortage)
		}
		if !strings.Contains(r.Explanation.Summary, "before anything ordered now can arrive") {
			t.Errorf("the summary hides it: %s", r.Explanation.Summary)
		}
		wordsRestOnFacts(t, r)
	})
	t.Run("orders nothing when there is enough", func(t *testing.T) {
		data := shelf(10)
		data.Items[0].OnHand = 5000
		r, err := d.Decide(t.Context(), data, replenish.Goal{}, nil)
		if err != nil || r.Status != solve.Optimal || len(r.Orders) != 0 {
			t.Fatalf("%s, %v, %v", r.Status, r.Orders, err)
		}
		wordsRestOnFacts(t, r)
	})
	t.Run("gives up what is worth least when service is only preferred", func(t *testing.T) {
		r, err := d.Decide(t.Context(), shelf(10), replenish.Goal{BudgetPerPeriod: 90, ServiceRule: replenish.ServicePreferred}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Status.HasPlan() || !r.Check.Passed || r.Plan.UnitsShort == 0 || r.Plan.OverBudget > 0 {
			t.Fatalf("%s, %+v, %+v", r.Status, r.Plan, r.Check)
		}
	})
}

// stopping ends the context once the engine has been asked a number of times.
type stopping struct {
	solve.Solver
	after int
	stop  context.CancelFunc
}

func (s *stopping) Solve(ctx context.Context, m *model.Model, o solve.Options, observe func(solve.Progress)) (solve.Outcome, error) {
	out, err := s.Solver.Solve(ctx, m, o, observe)
	if s.after--; s.after == 0 {
		s.stop()
	}
	return out, err
}

func TestCancelling(t *testing.T) {
	d := decider(t)
	sample, data := business(t, "cafe")
	goal := sample.SuggestedGoal
	goal.Gap = 1e-9
	t.Run("keeps the best plan so far", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		cut := d
		cut.Solver = &stopping{d.Solver, 2, stop}
		r, err := cut.Decide(ctx, data, goal, nil)
		if err != nil || r.Status != solve.Feasible || !r.Check.Passed || r.Solver.Stopped != "cancelled" {
			t.Fatalf("status %s, check %v, stopped %q, %v", r.Status, r.Check.Passed, r.Solver.Stopped, err)
		}
	})
	t.Run("is an error before there is a plan", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		cut := d
		cut.Solver = &stopping{d.Solver, 1, stop}
		if r, err := cut.Decide(ctx, data, goal, nil); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %s and %v", r.Status, err)
		}
	})
}

func TestDiagnosisMovesAndIsQuick(t *testing.T) {
	d := decider(t)
	sample, data := business(t, "cafe")
	goal := sample.SuggestedGoal
	goal.BudgetPerPeriod = 700
	var told []replenish.Progress
	r, err := d.Decide(t.Context(), data, goal, func(p replenish.Progress) {
		if p.Stage == replenish.StageDiagnose && p.Total > 0 {
			told = append(told, p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("tells how far it is, and ends at the whole", func(t *testing.T) {
		if len(told) < 5 || told[len(told)-1].Done != told[len(told)-1].Total {
			t.Fatalf("told %v", told)
		}
		for k := 1; k < len(told); k++ {
			if told[k].Done < told[k-1].Done || told[k].Total != told[0].Total {
				t.Fatalf("%v comes after %v", told[k], told[k-1])
			}
		}
	})
	t.Run("offers a budget with which there is a plan", func(t *testing.T) {
		for _, change := range r.Diagnosis.Changes {
			if change.Field == "budgetPerPeriod" && change.Verified && change.To > 700 && change.To < 2600 {
				return
			}
		}
		t.Errorf("changes %+v", r.Diagnosis.Changes)
	})
	t.Run("offers the highest service level that was found to fit", func(t *testing.T) {
		data := shelf(10)
		for k := range data.History[0].Values {
			data.History[0].Values[k] += []float64{-6, 3, 7, -4}[k%4]
		}
		r, err := d.Decide(t.Context(), data, replenish.Goal{}, nil)
		if err != nil || !r.Status.HasPlan() {
			t.Fatalf("%s, %v", r.Status, err)
		}
		for budget := r.Plan.Purchase + r.Plan.Ordering; r.Status.HasPlan(); budget *= 0.97 {
			if r, err = d.Decide(t.Context(), data, replenish.Goal{BudgetTotal: budget}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if r.Diagnosis == nil {
			t.Fatalf("%s: %s", r.Status, r.Headline)
		}
		for _, change := range r.Diagnosis.Changes {
			if change.Field == "serviceLevel" {
				if !change.Verified || change.To >= 0.95 || change.To < 0.5 {
					t.Errorf("change %+v", change)
				}
				return
			}
		}
		t.Errorf("no change of the service level in %+v", r.Diagnosis.Changes)
	})
	t.Run("ends when it is told to", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		_, err := d.Decide(ctx, data, goal, func(p replenish.Progress) {
			if p.Stage == replenish.StageDiagnose {
				stop()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestPreferredServiceUnderAHardBudget(t *testing.T) {
	d := decider(t)
	sample, data := business(t, "cafe")
	goal := sample.SuggestedGoal
	goal.ServiceRule, goal.BudgetPerPeriod, goal.TimeLimitSec = replenish.ServicePreferred, sample.SuggestedGoal.BudgetPerPeriod/2, 8
	r, err := d.Decide(t.Context(), data, goal, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Status.HasPlan() || !r.Check.Passed || r.Solver.Gap == nil || r.Plan.OverBudget > 0 {
		t.Fatalf("%s, check %+v, solver %+v", r.Status, r.Check, r.Solver)
	}
	if r.Plan.Managed > r.DoNothing.Managed/5 {
		t.Errorf("the plan costs %v, doing nothing %v", r.Plan.Managed, r.DoNothing.Managed)
	}
	wordsRestOnFacts(t, r)
}

// absent is an engine that is not there, or that breaks off.
type absent solve.Status

func (a absent) Solve(context.Context, *model.Model, solve.Options, func(solve.Progress)) (solve.Outcome, error) {
	return solve.Outcome{Status: solve.Status(a), Engine: "none"}, nil
}

func TestNoPlanIsEverInvented(t *testing.T) {
	t.Parallel()
	for _, status := range []solve.Status{solve.EngineUnavailable, solve.EngineCrash, solve.NoSolutionFound, solve.Unbounded} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			r, err := replenish.Decider{Solver: absent(status)}.Decide(t.Context(), shelf(10), replenish.Goal{}, nil)
			if err != nil || r.Status != status || len(r.Orders) != 0 || r.Plan != nil || r.Headline == "" {
				t.Fatalf("got %s with %d orders, %q, %v", r.Status, len(r.Orders), r.Headline, err)
			}
		})
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*replenish.Data, *replenish.Goal){
		"a stock that is no number":       func(d *replenish.Data, _ *replenish.Goal) { d.Items[0].OnHand = math.NaN() },
		"a negative stock":                func(d *replenish.Data, _ *replenish.Goal) { d.Items[0].OnHand = -1 },
		"a unit cost of nothing":          func(d *replenish.Data, _ *replenish.Goal) { d.Items[0].UnitCost = 0 },
		"an endless cost":                 func(d *replenish.Data, _ *replenish.Goal) { d.Items[0].OrderCost = math.Inf(1) },
		"an article that is there twice":  func(d *replenish.Data, _ *replenish.Goal) { d.Items = append(d.Items, d.Items[0]) },
		"a lead time of years":            func(d *replenish.Data, _ *replenish.Goal) { d.Items[0].LeadTimeDays = 4000 },
		"a negative demand":               func(d *replenish.Data, _ *replenish.Goal) { d.History[0].Values[3] = -2 },
		"no history at all":               func(d *replenish.Data, _ *replenish.Goal) { d.History = nil },
		"no article at all":               func(d *replenish.Data, _ *replenish.Goal) { d.Items = nil },
		"an arrival without a date":       func(d *replenish.Data, _ *replenish.Goal) { d.Items[0].OnOrder = []replenish.Arrival{{Quantity: 1}} },
		"a horizon beyond half a year":    func(_ *replenish.Data, g *replenish.Goal) { g.Horizon = 27 },
		"a service level in percent":      func(_ *replenish.Data, g *replenish.Goal) { g.ServiceLevel = 95 },
		"a budget below nothing":          func(_ *replenish.Data, g *replenish.Goal) { g.BudgetTotal = -1 },
		"a rule that does not exist":      func(_ *replenish.Data, g *replenish.Goal) { g.ServiceRule = "maybe" },
		"an article that is not in stock": func(_ *replenish.Data, g *replenish.Goal) { g.SKUs = []string{"B"} },
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			data, goal := shelf(10), replenish.Goal{}
			spoil(&data, &goal)
			_, err := replenish.Decider{Solver: absent(solve.EngineUnavailable)}.Decide(t.Context(), data, goal, nil)
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("got %v, want a fault that says what is wrong", err)
			}
		})
	}
}

func TestProgressGoesThroughTheStages(t *testing.T) {
	d := decider(t)
	var stages []replenish.Stage
	_, err := d.Decide(t.Context(), shelf(10), replenish.Goal{}, func(p replenish.Progress) {
		if len(stages) == 0 || stages[len(stages)-1] != p.Stage {
			stages = append(stages, p.Stage)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []replenish.Stage{replenish.StageForecast, replenish.StageCompile, replenish.StageSolve, replenish.StageCheck, replenish.StageExplain}
	if fmt.Sprint(stages) != fmt.Sprint(want) {
		t.Errorf("stages %v, want %v", stages, want)
	}
}

func TestSameInputSamePlan(t *testing.T) {
	d := decider(t)
	sample, data := business(t, "cafe")
	texts := make([]string, 2)
	for k := range texts {
		r, err := d.Decide(t.Context(), data, sample.SuggestedGoal, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Evidence.Stages, r.Solver.Seconds = nil, 0
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		texts[k] = string(text)
	}
	if texts[0] != texts[1] {
		t.Error("two decisions on the same data differ")
	}
}

func TestOrderingNothingIsNotCalledEnough(t *testing.T) {
	d := decider(t)
	r, err := d.Decide(t.Context(), shelf(10), replenish.Goal{BudgetPerPeriod: 1, ServiceRule: replenish.ServicePreferred}, nil)
	if err != nil || !r.Status.HasPlan() || len(r.Orders) != 0 || r.Plan.UnitsShort == 0 {
		t.Fatalf("%s, %d orders, %v", r.Status, len(r.Orders), err)
	}
	for _, text := range []string{r.Headline, r.Explanation.Sentences[0].Text} {
		if !strings.Contains(text, "of demand served") && !strings.Contains(text, "of expected demand is served") || !strings.Contains(text, "short") {
			t.Errorf("%q does not say first that demand is lost", text)
		}
	}
	for _, s := range r.Explanation.Sentences {
		if strings.Contains(s.Text, "enough") {
			t.Errorf("%q calls the stock enough", s.Text)
		}
	}
	wordsRestOnFacts(t, r)
}

func TestPreferredServiceIsOfferedLast(t *testing.T) {
	d := decider(t)
	for name, budget := range map[string]float64{"a budget that buys something": 90, "a budget that buys nothing": 1} {
		t.Run(name, func(t *testing.T) {
			r, err := d.Decide(t.Context(), shelf(10), replenish.Goal{BudgetPerPeriod: budget}, nil)
			if err != nil || r.Status != solve.InfeasibleProven {
				t.Fatalf("%s, %v", r.Status, err)
			}
			offered := false
			for k, change := range r.Diagnosis.Changes {
				if change.Field == "serviceRule" {
					offered = true
					if k == 0 || k != len(r.Diagnosis.Changes)-1 {
						t.Errorf("it is number %d of %+v", k+1, r.Diagnosis.Changes)
					}
				}
			}
			if offered != (budget == 90) {
				t.Errorf("offered: %v, in %+v", offered, r.Diagnosis.Changes)
			}
			if first := r.Diagnosis.Changes[0]; first.Field != "budgetPerPeriod" || !first.Verified {
				t.Errorf("the first change is %+v", first)
			}
			for _, s := range r.Explanation.Sentences {
				if strings.Contains(s.Text, "given up") {
					t.Errorf("without a plan it says %q", s.Text)
				}
			}
			wordsRestOnFacts(t, r)
		})
	}
}

func TestOneSentenceHasOneKindOfMoney(t *testing.T) {
	d := decider(t)
	r, err := d.Decide(t.Context(), shelf(10), replenish.Goal{Horizon: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, p := range r.Periods {
		total += p.Spend
	}
	if math.Abs(total-r.Plan.Spend) > 1e-9 || math.Abs(r.Plan.Spend-r.Plan.Purchase-r.Plan.Ordering) > 1e-9 {
		t.Errorf("weeks spend %v, the plan %+v", total, r.Plan)
	}
	for _, f := range r.Explanation.Sentences[0].Facts {
		if f.Path == "/plan/purchase" {
			t.Errorf("%q mixes goods with spending", r.Explanation.Sentences[0].Text)
		}
	}
}

func TestStorageLimitWithoutVolumesIsTold(t *testing.T) {
	d := decider(t)
	r, err := d.Decide(t.Context(), shelf(10), replenish.Goal{StorageCapacity: 5}, nil)
	if err != nil || !r.Status.HasPlan() {
		t.Fatalf("%s, %v", r.Status, err)
	}
	if !strings.Contains(r.Explanation.Summary, "no article has a volume") {
		t.Errorf("the summary does not tell: %s", r.Explanation.Summary)
	}
	wordsRestOnFacts(t, r)
}
