package replenish

import (
	"fmt"
	"math"
	"strings"

	"github.com/dyocense/dyocense/shared/fault"
)

// The faults of this package.
var (
	// ErrData says that the tables cannot be planned from.
	ErrData = fault.New(fault.Invalid, "replenish.data", "The data cannot be planned from; see what to correct.")
	// ErrGoal says that the goal makes no sense.
	ErrGoal = fault.New(fault.Invalid, "replenish.goal", "The goal cannot be planned for; see what to correct.")
)

// The limits of one decision.
const (
	MaxItems          = 2000
	MaxHorizon        = 26
	MaxHistory        = 2000 // periods of one SKU
	MaxLeadPeriods    = 90
	maxDetails        = 50  // problems told at once
	maxAmount         = 1e9 // units, currency
	maxPacksPerOrder  = 1e7 // more packs than this cannot be counted exactly by an engine
	daysInYear        = 365.0
	maxOnOrder        = 1000 // arrivals of one SKU
	maxNameCharacters = 200
)

// Filled is g with the defaults of the zero values.
func (g Goal) Filled() Goal {
	fill := func(v *float64, standard float64) {
		if *v == 0 {
			*v = standard
		}
	}
	fill(&g.ServiceLevel, 0.95)
	fill(&g.HoldingRate, 0.25)
	fill(&g.ShortageCost, 5)
	fill(&g.Gap, 0.01)
	if g.Horizon == 0 {
		g.Horizon = 8
	}
	if g.TimeLimitSec == 0 {
		g.TimeLimitSec = 30
	}
	if g.ServiceRule == "" {
		g.ServiceRule = ServiceRequired
	}
	return g
}

// Validate says what is wrong with a goal, as a fault whose details point at the
// fields; nil when nothing is. Zero values are valid.
func (g Goal) Validate() error {
	g = g.Filled()
	var p problems
	p.within("goal.horizon", float64(g.Horizon), 1, MaxHorizon, "periods")
	p.within("goal.serviceLevel", g.ServiceLevel, 0.5, 0.99, "as a share, so 0.95 for 95 %")
	p.within("goal.budgetPerPeriod", g.BudgetPerPeriod, 0, maxAmount, "0 means no limit")
	p.within("goal.budgetTotal", g.BudgetTotal, 0, maxAmount, "0 means no limit")
	p.within("goal.storageCapacity", g.StorageCapacity, 0, maxAmount, "0 means no limit")
	p.within("goal.holdingRate", g.HoldingRate, 0.001, 5, "a year, of the unit cost")
	p.within("goal.shortageCost", g.ShortageCost, 1, 1000, "times the unit cost")
	p.within("goal.timeLimitSec", float64(g.TimeLimitSec), 1, 600, "seconds")
	p.within("goal.gap", g.Gap, 0, 0.2, "as a share, so 0.01 for 1 %")
	if g.ServiceRule != ServiceRequired && g.ServiceRule != ServicePreferred {
		p.add("goal.serviceRule", "must be %q or %q, not %q", ServiceRequired, ServicePreferred, g.ServiceRule)
	}
	if len(g.SKUs) > MaxItems {
		p.add("goal.skus", "names %d articles; at most %d can be planned at once", len(g.SKUs), MaxItems)
	}
	return p.fault(ErrGoal)
}

// Validate says what is wrong with the data, as a fault whose details name the
// item; nil when nothing is.
func (d Data) Validate() error {
	var p problems
	switch {
	case len(d.Items) == 0:
		p.add("stock", "there is no article to plan; add lines to the stock table")
	case len(d.Items) > MaxItems:
		p.add("stock", "there are %d articles; at most %d can be planned at once", len(d.Items), MaxItems)
	case d.PeriodDays < 1 || d.PeriodDays > 31:
		p.add("demand", "a period must have 1 to 31 days, not %d", d.PeriodDays)
	case d.Start.IsZero():
		p.add("demand", "the first day to plan is missing")
	}
	if p.count > 0 {
		return p.fault(ErrData)
	}
	seen := make(map[string]bool, len(d.Items))
	for i := range d.Items {
		item := &d.Items[i]
		at := "stock, " + item.SKU
		switch {
		case strings.TrimSpace(item.SKU) == "":
			p.add(fmt.Sprintf("stock, line %d", i+1), "the SKU is missing")
			continue
		case len(item.SKU) > maxNameCharacters || len(item.Name) > maxNameCharacters:
			p.add(fmt.Sprintf("stock, line %d", i+1), "the SKU or name is longer than %d bytes", maxNameCharacters)
			continue
		case seen[item.SKU]:
			p.add(at, "this SKU is there twice; keep one line")
		}
		seen[item.SKU] = true
		p.item(at, item, d.PeriodDays)
	}
	seen = make(map[string]bool, len(d.History))
	for _, h := range d.History {
		at := "demand, " + h.SKU
		if seen[h.SKU] {
			p.add(at, "this SKU has two histories")
		}
		seen[h.SKU] = true
		if len(h.Values) > MaxHistory {
			p.add(at, "the history has %d periods; at most %d can be used", len(h.Values), MaxHistory)
		}
		for k, v := range h.Values {
			if !(v >= 0 && v <= maxAmount) {
				p.add(at, "period %d has the quantity %v; it must be between 0 and %.0f", k+1, v, maxAmount)
				break
			}
		}
	}
	return p.fault(ErrData)
}

func (p *problems) item(at string, item *Item, periodDays int) {
	p.within(at+", current stock", item.OnHand, 0, maxAmount, "units")
	if !(item.UnitCost > 0 && item.UnitCost <= maxAmount) {
		p.add(at+", unit cost", "is %v; it must be above 0, or stock has no cost to weigh", item.UnitCost)
	}
	p.within(at+", volume", item.Volume, 0, maxAmount, "storage units; 0 means none")
	p.within(at+", max stock", item.MaxStock, 0, maxAmount, "units; 0 means no limit")
	p.within(at+", holding cost", item.HoldingCost, 0, maxAmount, "a unit and period")
	p.within(at+", order cost", item.OrderCost, 0, maxAmount, "an order")
	p.within(at+", minimum order", item.MinOrder, 0, maxAmount, "units; 0 means none")
	if item.PackSize != 0 {
		p.within(at+", pack size", item.PackSize, 0.001, maxAmount, "units")
	}
	if most := MaxLeadPeriods * periodDays; item.LeadTimeDays < 0 || item.LeadTimeDays > most {
		p.add(at+", lead time", "is %d days; it must be between 0 and %d", item.LeadTimeDays, most)
	}
	if item.MinOrder > 0 && item.MinOrder/packOf(item) > maxPacksPerOrder {
		p.add(at+", pack size", "a minimum order of %v in packs of %v is too many packs to count", item.MinOrder, packOf(item))
	}
	if len(item.OnOrder) > maxOnOrder {
		p.add(at+", on order", "has %d arrivals; at most %d can be used", len(item.OnOrder), maxOnOrder)
		return
	}
	for _, a := range item.OnOrder {
		p.within(at+", on order", a.Quantity, 0, maxAmount, "units")
		if a.Date.IsZero() && a.Quantity > 0 {
			p.add(at+", on order", "the date of arrival is missing")
		}
	}
}

// problems collects what is wrong, up to a number a person can read.
type problems struct {
	details []fault.Detail
	count   int
}

func (p *problems) add(where, format string, args ...any) {
	p.count++
	if len(p.details) < maxDetails {
		p.details = append(p.details, fault.Detail{Location: where, Message: fmt.Sprintf(format, args...)})
	}
}

// within also refuses NaN, which no comparison accepts.
func (p *problems) within(where string, v, low, high float64, unit string) {
	if !(v >= low && v <= high) || math.IsInf(v, 0) {
		p.add(where, "is %v; it must be between %v and %v (%s)", v, low, high, unit)
	}
}

func (p *problems) fault(f *fault.Error) error {
	switch {
	case p.count == 0:
		return nil
	case p.count > len(p.details):
		return f.Saying("%s The first %d of %d problems are listed.", f.Message, len(p.details), p.count).With(p.details...)
	}
	return f.With(p.details...)
}

// packOf is the quantity that orders of an item are multiples of.
func packOf(item *Item) float64 {
	if item.PackSize > 0 {
		return item.PackSize
	}
	return 1
}
