package replenish

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/forecast"
	"github.com/dyocense/dyocense/agent/kernel/model"
)

// shownHistory is how many past periods an item's chart gets.
const shownHistory = 52

const isoDate = "2006-01-02"

// periods of the horizon, before anything is ordered in them.
func periods(data Data, goal Goal) []Period {
	w := wording{currency: data.Currency, periodDays: data.PeriodDays}
	out := make([]Period, goal.Horizon)
	for t := range out {
		start := data.Start.AddDate(0, 0, t*data.PeriodDays)
		out[t] = Period{
			Index: t, Label: w.label(start), Start: start.Format(isoDate),
			End: start.AddDate(0, 0, data.PeriodDays-1).Format(isoDate),
		}
	}
	return out
}

// assemble fills the result's tables. Without a plan the items show what happens
// when nothing is ordered.
func (d *decision) assemble() {
	r := &d.result
	r.Periods = periods(d.data, d.goal)
	none := nothing(d.data, d.goal)
	if d.orders != nil {
		costs := costsOf(d.data, d.goal, d.forecasts, d.orders)
		r.Plan = &costs
	}
	idle := costsOf(d.data, d.goal, d.forecasts, none)
	classic := costsOf(d.data, d.goal, d.forecasts, d.classic)
	r.DoNothing, r.ReorderPoint = &idle, &classic

	orders := d.orders
	if orders == nil {
		orders = none
	}
	r.Items = make([]ItemPlan, len(d.data.Items))
	for i := range d.data.Items {
		r.Items[i] = d.itemPlan(i, orders[i])
	}
	if d.orders != nil {
		d.assembleOrders()
		d.assembleUses()
	}
}

func (d *decision) itemPlan(i int, orders []float64) ItemPlan {
	item, f, n, horizon := &d.data.Items[i], d.forecasts[i], &d.needs[i], d.goal.Horizon
	past := d.data.History[i].Values
	came := underway(item, d.data.Start, d.data.PeriodDays, n.window)
	c := replay(item.OnHand, f.Mean[:n.window], append(deliveriesOf(item, d.data.PeriodDays, orders), came...))
	lead, phase := leadOf(item, d.data.PeriodDays)
	rescue := delivery{lead, phase, sum(f.Mean[:n.window]) + 1}
	p := ItemPlan{
		SKU: item.SKU, Name: nameOf(item), Unit: item.Unit, Supplier: item.Supplier,
		OnHand: item.OnHand, UnitCost: item.UnitCost, PackSize: item.PackSize, MinOrder: item.MinOrder,
		OrderCost: item.OrderCost, MaxStock: item.MaxStock, LeadTimeDays: item.LeadTimeDays, LeadPeriods: lead,
		Weeks: len(past), History: slices.Clone(past[max(0, len(past)-shownHistory):]),
		SafetyStock: n.safety[:horizon], Forecast: f.Mean[:horizon],
		ForecastLow:  f.Quantiles[levelIndex(0.1)][:horizon],
		ForecastHigh: f.Quantiles[levelIndex(0.9)][:horizon],
		Method:       string(f.Method), MethodNote: f.Note,
		Arrivals: c.arrived[:horizon], Ordered: orders[:horizon], Stock: c.stock[:horizon], Shortage: c.lost[:horizon],
		StockLow: make([]float64, horizon), StockHigh: make([]float64, horizon),
		Unavoidable: sum(replay(item.OnHand, f.Mean[:n.window], append([]delivery{rescue}, came...)).lost[:min(lead+1, horizon)]),
	}
	expected := 0.0
	for t := range horizon {
		expected += f.Mean[t]
		p.StockLow[t] = math.Max(0, c.stock[t]-(f.Cumulative[levelIndex(0.9)][t]-expected))
		p.StockHigh[t] = math.Max(c.stock[t], c.stock[t]+expected-f.Cumulative[levelIndex(0.1)][t])
	}
	for _, a := range item.OnOrder {
		if daysBetween(d.data.Start, a.Date) < 0 {
			p.LateArrival += a.Quantity
		}
	}
	return p
}

func levelIndex(level float64) int {
	return slices.IndexFunc(forecast.Levels, func(l float64) bool { return math.Abs(l-level) < 1e-9 })
}

func nameOf(item *Item) string {
	if item.Name != "" {
		return item.Name
	}
	return item.SKU
}

// assembleOrders lists the orders by period, then as the items are.
func (d *decision) assembleOrders() {
	r := &d.result
	for o := range d.goal.Horizon {
		placed := d.data.Start.AddDate(0, 0, o*d.data.PeriodDays)
		for i := range d.data.Items {
			item, quantity := &d.data.Items[i], d.orders[i][o]
			if quantity <= 0 {
				continue
			}
			order := Order{
				SKU: item.SKU, Name: nameOf(item), Supplier: item.Supplier, Unit: item.Unit, Period: o,
				OrderDate: placed.Format(isoDate), Arrives: placed.AddDate(0, 0, item.LeadTimeDays).Format(isoDate),
				Quantity: quantity, UnitCost: item.UnitCost, Cost: quantity*item.UnitCost + item.OrderCost,
			}
			if item.PackSize > 0 {
				order.Packs = math.Round(quantity / item.PackSize)
			}
			d.reason(&order, i, o)
			r.Periods[o].Orders++
			r.Periods[o].Spend += order.Cost
			r.Orders = append(r.Orders, order)
			d.explainOrder(len(r.Orders)-1, i)
		}
	}
}

// reason works out what would happen without an order and those after it.
func (d *decision) reason(order *Order, i, o int) {
	item, n := &d.data.Items[i], &d.needs[i]
	earlier := slices.Clone(d.orders[i])
	for t := o; t < len(earlier); t++ {
		earlier[t] = 0
	}
	came := underway(item, d.data.Start, d.data.PeriodDays, n.window)
	c := replay(item.OnHand, d.forecasts[i].Mean[:n.window], append(deliveriesOf(item, d.data.PeriodDays, earlier), came...))
	order.NeededIn, order.LastsUntil = -1, -1
	for t := n.lead + o; t < d.goal.Horizon; t++ {
		if c.stock[t] < n.safety[t]-tolerance || c.lost[t] > 0 {
			order.NeededIn, order.StockWithout = t, c.stock[t]
			break
		}
	}
	for t := o + 1; t < d.goal.Horizon; t++ {
		if d.orders[i][t] > 0 && t+n.lead < d.goal.Horizon {
			order.LastsUntil = t + n.lead
			break
		}
	}
}

func (d *decision) assembleUses() {
	r := &d.result
	for t := range d.goal.Horizon {
		if d.goal.BudgetPerPeriod > 0 {
			r.Budget = append(r.Budget, Use{Period: t, Used: r.Periods[t].Spend, Limit: d.goal.BudgetPerPeriod})
		}
		if d.goal.StorageCapacity > 0 {
			used := 0.0
			for i := range r.Items {
				used += r.Items[i].Stock[t] * d.data.Items[i].Volume
			}
			r.Room = append(r.Room, Use{Period: t, Used: used, Limit: d.goal.StorageCapacity})
		}
	}
}

// evidence names the inputs, all of the data and not only what is planned.
func (d *decision) evidence(data Data, started time.Time) {
	e := &d.result.Evidence
	e.DataHash, e.GoalHash = hashJSON(data), hashJSON(d.goal)
	e.Seed, e.Program, e.Goal, e.StartedAt, e.Items = d.goal.Seed, d.Program, d.goal, started, len(d.data.Items)
	for _, h := range d.data.History {
		e.Weeks = max(e.Weeks, len(h.Values))
	}
}

// hashJSON is the SHA-256 of the JSON form. Data and Goal have no maps, so it is
// the same for the same values.
func hashJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // only for NaN and the like, which Validate refuses
		return fmt.Sprintf("unreadable: %v", err)
	}
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:])
}

// hashModel covers every array that a solution depends on.
func hashModel(m *model.Model) string {
	h := sha256.New()
	for _, part := range []any{
		m.Maximize, m.Constant, m.Cost, m.ColLower, m.ColUpper, m.Integer,
		m.RowLower, m.RowUpper, m.Start, m.Index, m.Value,
	} {
		// Fixed-size values into a hash cannot go wrong.
		_ = binary.Write(h, binary.LittleEndian, part)
	}
	return hex.EncodeToString(h.Sum(nil))
}
