package replenish

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// namedAtMost is how many articles a sentence names.
const namedAtMost = 3

func (d *decision) wording() wording {
	return wording{currency: d.data.Currency, periodDays: d.data.PeriodDays}
}

// explain assembles the tables and says the result in words.
func (d *decision) explain() {
	d.assemble()
	r := &d.result
	e := &r.Explanation
	e.Sentences = []Sentence{}
	if d.orders == nil {
		d.explainNoPlan()
		return
	}
	first := d.sayFirstOrders()
	costs := d.sayCosts()
	e.Sentences = append(e.Sentences, first)
	e.Sentences = append(e.Sentences, costs...)
	e.Sentences = append(e.Sentences, d.sayService()...)
	e.Sentences = append(e.Sentences, d.sayLimits()...)
	e.Sentences = append(e.Sentences, d.sayRisks()...)
	e.Sentences = append(e.Sentences, d.sayData()...)
	e.Sentences = append(e.Sentences, d.sayProof())
	summary := []string{first.Text, costs[0].Text}
	for _, s := range e.Sentences {
		if s.Topic == "risk" {
			summary = append(summary, s.Text)
			break
		}
	}
	e.Summary = strings.Join(summary, " ")
	r.Headline = d.sayHeadline()
}

func (d *decision) sayHeadline() string {
	r, w := &d.result, d.wording()
	switch {
	case len(r.Orders) == 0 && d.losesDemand():
		return fmt.Sprintf("Only %s of demand served over %s, %s short: nothing is ordered",
			percent(r.Plan.FillRate), plural(d.goal.Horizon, w.noun()), quantity(r.Plan.UnitsShort, "units"))
	case len(r.Orders) == 0:
		return fmt.Sprintf("Nothing to order for %s", plural(d.goal.Horizon, w.noun()))
	}
	return fmt.Sprintf("%s for %s over %s; %s of demand served",
		plural(r.Plan.Orders, "order"), w.amount(r.Plan.Spend), plural(d.goal.Horizon, w.noun()), percent(r.Plan.FillRate))
}

// losesDemand says that the plan is expected to leave demand unserved.
func (d *decision) losesDemand() bool { return d.result.Plan.UnitsShort > tolerance }

// avoidable is the demand lost, in units, that orders could have served.
func (d *decision) avoidable() float64 {
	total := 0.0
	for i := range d.result.Items {
		total += math.Max(0, sum(d.result.Items[i].Shortage)-d.result.Items[i].Unavoidable)
	}
	return total
}

// sayFirstOrders says what to do now, and in all. A plan without orders that
// loses demand says that first: it is no sign of enough stock.
func (d *decision) sayFirstOrders() Sentence {
	r, w := &d.result, d.wording()
	horizon := w.count("/evidence/goal/horizon", d.goal.Horizon, w.noun())
	if len(r.Orders) == 0 && d.losesDemand() {
		because := "no order fits the limits of the goal at a cost that it is worth"
		if d.avoidable() < 1e-4 {
			because = "what is lost is lost before an order could arrive, and the rest is in stock or on its way"
		}
		return sentence("service", "Only %s of expected demand is served and %s are short over %s. Nothing is ordered: "+because+".",
			w.share("/plan/fillRate", r.Plan.FillRate), lostUnits(w, r), horizon)
	}
	if len(r.Orders) == 0 {
		return sentence("cost", "Nothing has to be ordered for the next %s: what is in stock and on its way is enough.", horizon)
	}
	all := sentence("", "%s for %s in all over %s, order costs included",
		w.count("/plan/orders", r.Plan.Orders, "order"), w.money("/plan/spend", r.Plan.Spend), horizon)
	if now := r.Periods[0]; now.Orders > 0 {
		return sentence("cost", "In the %s, place %s for %s; the plan has %s.", w.period(r, 0),
			w.count("/periods/0/orders", now.Orders, "order"), w.money("/periods/0/spend", now.Spend), all)
	}
	return sentence("cost", "Nothing has to be ordered in the %s; the plan has %s.", w.period(r, 0), all)
}

func (d *decision) sayCosts() []Sentence {
	r, w := &d.result, d.wording()
	out := []Sentence{sentence("cost", "Beyond the goods themselves it costs %s for orders and %s to hold stock; %s of demand is lost, worth %s.",
		w.money("/plan/ordering", r.Plan.Ordering), w.money("/plan/holding", r.Plan.Holding),
		lostUnits(w, r), w.money("/plan/shortage", r.Plan.Shortage))}
	if r.Plan.UnitsShort < tolerance {
		out[0] = sentence("cost", "Beyond the goods themselves it costs %s for orders and %s to hold stock, and no demand is expected to be lost.",
			w.money("/plan/ordering", r.Plan.Ordering), w.money("/plan/holding", r.Plan.Holding))
	}
	rule := r.ReorderPoint
	compared := "is cheaper than the plan"
	switch {
	case rule.Managed > r.Plan.Managed*(1+1e-4):
		compared = "costs more than the plan"
	case rule.Managed >= r.Plan.Managed*(1-1e-4):
		compared = "costs the same as the plan"
	}
	also := "also "
	if cheaper := rule.Managed < r.Plan.Managed*(1-1e-4); cheaper && (rule.OverBudget > 0.5 || rule.OverCapacity > tolerance) {
		compared, also = "would cost less but breaks limits", ""
	} else if cheaper && len(auditPlan(d.data, d.goal, d.forecasts, d.classic).failures) > 0 {
		compared = "would cost less but does not keep all rules of the goal"
	}
	text := "Ordering at fixed reorder points %s: %s against %s for orders, stock and lost sales."
	parts := []any{compared, w.money("/reorderPoint/managed", rule.Managed), w.money("/plan/managed", r.Plan.Managed)}
	if rule.OverBudget > 0.5 {
		text += " It would " + also + "spend %s beyond the budget."
		parts = append(parts, w.money("/reorderPoint/overBudget", rule.OverBudget))
	}
	if rule.OverCapacity > tolerance {
		text += " It would need %s more storage than there is."
		parts = append(parts, w.units("/reorderPoint/overCapacity", rule.OverCapacity, "units"))
	}
	out = append(out, sentence("cost", text, parts...))
	if none := r.DoNothing; none.UnitsShort > tolerance {
		out = append(out, sentence("cost", "Without any order only %s of demand could be served, and lost sales would come to %s.",
			w.share("/doNothing/fillRate", none.FillRate), w.money("/doNothing/shortage", none.Shortage)))
	}
	return out
}

func lostUnits(w wording, r *Result) Fact {
	return w.units("/plan/unitsShort", r.Plan.UnitsShort, "units")
}

func (d *decision) sayService() []Sentence {
	r, w := &d.result, d.wording()
	level := w.share("/evidence/goal/serviceLevel", d.goal.ServiceLevel)
	var out []Sentence
	if len(r.Orders) > 0 || !d.losesDemand() { // else it has been said
		out = append(out, sentence("service", "%s of expected demand is served from stock.", w.share("/plan/fillRate", r.Plan.FillRate)))
	}
	if d.goal.ServiceRule == ServiceRequired {
		return append(out, sentence("service",
			"From the moment an order placed now can arrive, safety stock is kept so that demand is met in %s of all cases.", level))
	}
	if !d.gaveUp {
		return append(out, sentence("service", "The limits leave room for all safety stock of a service level of %s.", level))
	}
	return append(out, sentence("service",
		"The limits leave no room for all safety stock of a service level of %s; what costs least is given up.", level))
}

// sayLimits says how close the plan comes to its limits.
func (d *decision) sayLimits() []Sentence {
	r, w := &d.result, d.wording()
	var out []Sentence
	if peak := fullest(r.Budget); peak >= 0 {
		u := r.Budget[peak]
		out = append(out, sentence("budget", "The budget is used most in the %s: %s of %s.", w.period(r, peak),
			w.money(fmt.Sprintf("/budget/%d/used", peak), u.Used), w.money(fmt.Sprintf("/budget/%d/limit", peak), u.Limit)))
	}
	if d.goal.BudgetTotal > 0 {
		out = append(out, sentence("budget", "Goods for %s and order costs of %s stay within the total budget of %s.",
			w.money("/plan/purchase", r.Plan.Purchase), w.money("/plan/ordering", r.Plan.Ordering),
			w.money("/evidence/goal/budgetTotal", d.goal.BudgetTotal)))
	}
	if peak := fullest(r.Room); peak >= 0 && d.volumes() > 0 {
		u := r.Room[peak]
		out = append(out, sentence("storage", "Storage is fullest at the end of the %s: %s of %s.", w.period(r, peak),
			w.units(fmt.Sprintf("/storage/%d/used", peak), u.Used, ""), w.units(fmt.Sprintf("/storage/%d/limit", peak), u.Limit, "")))
	}
	return out
}

// volumes is the number of articles that take storage.
func (d *decision) volumes() int {
	count := 0
	for i := range d.data.Items {
		if d.data.Items[i].Volume > 0 {
			count++
		}
	}
	return count
}

func fullest(uses []Use) int {
	best := -1
	for t, u := range uses {
		if best < 0 || u.Used > uses[best].Used {
			best = t
		}
	}
	return best
}

// pick lists the items that apply, dearest first, and says whether there are more.
func (d *decision) pick(weigh func(i int) float64, say func(i int) Sentence) (Sentence, bool) {
	var found []int
	for i := range d.result.Items {
		if weigh(i) > 0 {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b int) int {
		switch wa, wb := weigh(a), weigh(b); {
		case wa > wb:
			return -1
		case wa < wb:
			return 1
		}
		return 0
	})
	more := len(found) > namedAtMost
	var parts []Sentence
	for _, i := range found[:min(len(found), namedAtMost)] {
		parts = append(parts, say(i))
	}
	if more {
		parts = append(parts, Sentence{Text: "others"})
	}
	return listed(parts), len(found) > 0
}

// sayRisks names what no order can change, and what rests on hope.
func (d *decision) sayRisks() []Sentence {
	r, w := &d.result, d.wording()
	var out []Sentence
	if names, any := d.pick(
		func(i int) float64 {
			if r.Items[i].Unavoidable < tolerance {
				return 0
			}
			return r.Items[i].Unavoidable * r.Items[i].UnitCost
		},
		func(i int) Sentence {
			p := &r.Items[i]
			return sentence("", "%s (%s)", p.Name, w.units(fmt.Sprintf("/items/%d/unavoidable", i), p.Unavoidable, p.Unit))
		}); any {
		out = append(out, sentence("risk", "Some demand is lost before anything ordered now can arrive: %s.", names))
	}
	if names, any := d.pick(
		func(i int) float64 {
			if p := &r.Items[i]; d.orders != nil && sum(p.Shortage)-p.Unavoidable > 1e-4 {
				return (sum(p.Shortage) - p.Unavoidable) * p.UnitCost
			}
			return 0
		},
		func(i int) Sentence { return Sentence{Text: r.Items[i].Name} }); any {
		out = append(out, sentence("risk", "Within the limits of the goal some demand is given up: %s.", names))
	}
	if names, any := d.pick(
		func(i int) float64 { return r.Items[i].LateArrival * r.Items[i].UnitCost },
		func(i int) Sentence {
			p := &r.Items[i]
			return sentence("", "%s (%s)", p.Name, w.units(fmt.Sprintf("/items/%d/lateArrival", i), p.LateArrival, p.Unit))
		}); any {
		out = append(out, sentence("risk", "These deliveries were due before the %s and are counted as arriving at once: %s. Ask the supplier.", w.period(r, 0), names))
	}
	if names, any := d.pick(
		func(i int) float64 {
			p := &r.Items[i]
			if p.MaxStock == 0 || slices.Max(d.needs[i].without[:d.goal.Horizon]) <= p.MaxStock {
				return 0
			}
			return p.UnitCost
		},
		func(i int) Sentence {
			return sentence("", "%s (%s)", r.Items[i].Name, w.units(fmt.Sprintf("/items/%d/maxStock", i), r.Items[i].MaxStock, r.Items[i].Unit))
		}); any {
		out = append(out, sentence("risk", "What is there or on its way is already more than the most stock allowed of %s; nothing can be ordered until it has sold.", names))
	}
	if d.goal.StorageCapacity > 0 && slices.Max(roomTaken(d.needs, d.goal.Horizon)) > d.goal.StorageCapacity+tolerance {
		out = append(out, sentence("risk", "What is there or on its way already takes more than the storage of %s; nothing can be added while that is so.",
			w.units("/evidence/goal/storageCapacity", d.goal.StorageCapacity, "")))
	}
	if d.goal.StorageCapacity > 0 && d.volumes() == 0 {
		out = append(out, sentence("risk", "The storage limit of %s limits nothing: no article has a volume. Add volumes to the stock table.",
			w.units("/evidence/goal/storageCapacity", d.goal.StorageCapacity, "")))
	}
	return out
}

// shortHistory is the number of periods below which a forecast deserves a
// warning.
const shortHistory = 12

// sayData names what the plan could not rest on.
func (d *decision) sayData() []Sentence {
	r, w := &d.result, d.wording()
	var out []Sentence
	if names, any := d.pick(
		func(i int) float64 {
			if r.Items[i].Weeks >= shortHistory {
				return 0
			}
			return r.Items[i].UnitCost * (1 + sum(r.Items[i].Forecast))
		},
		func(i int) Sentence {
			return sentence("", "%s (%s)", r.Items[i].Name, w.count(fmt.Sprintf("/items/%d/historyPeriods", i), r.Items[i].Weeks, w.noun()))
		}); any {
		out = append(out, sentence("data", "Short histories make these forecasts uncertain: %s.", names))
	}
	if d.goal.StorageCapacity > 0 && d.volumes() > 0 {
		if names, any := d.pick(
			func(i int) float64 {
				if d.data.Items[i].Volume > 0 {
					return 0
				}
				return r.Items[i].UnitCost
			},
			func(i int) Sentence { return Sentence{Text: r.Items[i].Name} }); any {
			out = append(out, sentence("data", "These articles have no volume, so the storage limit does not count them: %s.", names))
		}
	}
	if names := firstNames(d.left.withoutHistory, func(item Item) string { return nameOf(&item) }); names != "" {
		out = append(out, Sentence{Topic: "data", Text: fmt.Sprintf("Not planned, because there is no demand history: %s.", names), Facts: []Fact{}})
	}
	if names := firstNames(d.left.withoutStock, func(sku string) string { return sku }); names != "" {
		out = append(out, Sentence{Topic: "data", Text: fmt.Sprintf("Not planned, because the stock table does not have them: %s.", names), Facts: []Fact{}})
	}
	if first := d.data.Start.AddDate(0, 0, 2*d.data.PeriodDays); d.result.Evidence.StartedAt.After(first) {
		out = append(out, sentence("data",
			"The demand history is old: the plan begins where it ends, in the %s, which has passed. Add the newest demand and stock.", w.period(r, 0)))
	}
	return out
}

func firstNames[T any](all []T, name func(T) string) string {
	var parts []Sentence
	for _, one := range all[:min(len(all), namedAtMost)] {
		parts = append(parts, Sentence{Text: name(one)})
	}
	if len(all) > namedAtMost {
		parts = append(parts, Sentence{Text: "others"})
	}
	return listed(parts).Text
}

// sayProof says how good the plan is, and that it was checked.
func (d *decision) sayProof() Sentence {
	r, w := &d.result, d.wording()
	checked := w.count("/check/constraints", r.Check.Constraints, "condition")
	ended := ""
	switch r.Solver.Stopped {
	case "time_limit":
		ended = " The search was stopped by its time limit."
	case "cancelled":
		ended = " The search was stopped by hand."
	case "memory_limit":
		ended = " The search was stopped by its memory limit."
	}
	switch {
	case r.Solver.Gap == nil:
		return sentence("proof", "The plan keeps all %s of an independent check; how far it is from the cheapest is not known.%s", checked, ended)
	case *r.Solver.Gap < 5e-5:
		return sentence("proof", "No plan is cheaper under these rules, and it keeps all %s of an independent check.%s", checked, ended)
	}
	return sentence("proof", "No plan can save more than %s of the costs that orders can change, and it keeps all %s of an independent check.%s",
		w.share("/solver/gap", *r.Solver.Gap), checked, ended)
}

// explainNoPlan says which way there is no plan.
func (d *decision) explainNoPlan() {
	r, w := &d.result, d.wording()
	limit := w.count("/evidence/goal/timeLimitSec", d.goal.TimeLimitSec, "second")
	var s Sentence
	switch r.Status {
	case solve.InfeasibleProven:
		r.Headline = "No plan can keep this goal"
		s = sentence("risk", "No plan can keep all rules of this goal; the diagnosis says what to change.")
		if r.Diagnosis != nil && r.Diagnosis.Summary != "" {
			r.Headline += ": " + strings.TrimSuffix(r.Diagnosis.Headline, ".")
		}
	case solve.NoSolutionFound:
		r.Headline = "No plan was found in the time given"
		s = sentence("risk", "In %s neither a plan was found nor a proof that there is none. Allow more time, or plan fewer articles.", limit)
	case solve.EngineUnavailable:
		r.Headline = "The solver is not available"
		s = sentence("risk", "The solver is not available, so there is no plan. Nothing was made up in its place.")
	case solve.EngineCrash:
		r.Headline = "The solver did not give a usable answer"
		s = sentence("risk", "The solver broke off or its answer did not pass the check, so there is no plan. Run it again; if it stays, tell support.")
	default:
		r.Headline = "The plan could not be computed"
		s = sentence("risk", "The model could not be solved, so there is no plan. Tell support.")
	}
	r.Explanation.Summary = s.Text
	r.Explanation.Sentences = append([]Sentence{s}, append(d.sayRisks(), d.sayData()...)...)
}

// explainOrder says why an order is placed, from the numbers of the result.
func (d *decision) explainOrder(k, i int) {
	r, w := &d.result, d.wording()
	order, p := &r.Orders[k], &r.Items[i]
	at := func(field string) string { return fmt.Sprintf("/orders/%d/%s", k, field) }
	of := func(field string) string { return fmt.Sprintf("/items/%d/%s", i, field) }
	var said []Sentence
	if t := order.NeededIn; t >= 0 {
		safety := w.units(fmt.Sprintf("/items/%d/safetyStock/%d", i, t), p.SafetyStock[t], p.Unit)
		if order.StockWithout < 0.005 {
			said = append(said, sentence("", "Without it, stock would run out in the %s; safety stock is %s.", w.period(r, t), safety))
		} else {
			said = append(said, sentence("", "Without it, stock would fall to %s in the %s, below the safety stock of %s.",
				w.units(at("stockWithout"), order.StockWithout, p.Unit), w.period(r, t), safety))
		}
		if latest := t - p.LeadPeriods; latest > order.Period && latest < len(r.Periods) {
			said = append(said, d.sayEarly(latest))
		}
	} else {
		said = append(said, sentence("", "It keeps the safety stock after the planned %ss, when the next order could not be here in time.", w.noun()))
	}
	switch {
	case order.LastsUntil >= 0:
		said = append(said, sentence("", "It lasts until the next delivery in the %s.", w.period(r, order.LastsUntil)))
	default:
		said = append(said, sentence("", "It lasts to the end of the plan."))
	}
	switch minimum := p.MinOrder > 0 && order.Quantity < p.MinOrder+max(p.PackSize, 1)-tolerance; {
	case minimum:
		said = append(said, sentence("", "The supplier takes no less than %s.", w.units(of("minOrder"), p.MinOrder, p.Unit)))
	case order.LastsUntil != order.Period+p.LeadPeriods+1 && p.OrderCost > 0:
		said = append(said, sentence("", "Buying for several %ss at once saves order costs of %s each time.", w.noun(), w.money(of("orderCost"), p.OrderCost)))
	}
	if p.PackSize > 0 && p.PackSize != 1 {
		said = append(said, sentence("", "%s of %s.", w.count(at("packs"), int(order.Packs), "pack"), w.units(of("packSize"), p.PackSize, p.Unit)))
	}
	var texts []string
	order.Facts = []Fact{}
	for _, s := range said {
		texts = append(texts, s.Text)
		order.Facts = append(order.Facts, s.Facts...)
	}
	order.Why = strings.Join(texts, " ")
}

// sayEarly says why an order is placed before its last moment.
func (d *decision) sayEarly(latest int) Sentence {
	w := d.wording()
	because := ""
	switch {
	case d.goal.BudgetPerPeriod > 0 && d.goal.StorageCapacity > 0:
		because = ", so that budget and storage hold for all articles"
	case d.goal.BudgetPerPeriod > 0:
		because = ", so that the budget holds for all articles"
	}
	return sentence("", "It could wait until the %s but is placed earlier%s.", w.period(&d.result, latest), because)
}
