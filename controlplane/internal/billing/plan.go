package billing

import (
	"slices"
	"strings"

	"github.com/dyocense/dyocense/shared/features"
)

// SalesContact is where Enterprise customers write to.
const SalesContact = "sales@dyocense.com"

// PlanID names a plan.
type PlanID string

// The plans.
const (
	Starter    PlanID = "starter"
	Growth     PlanID = "growth"
	Business   PlanID = "business"
	Enterprise PlanID = "enterprise"
)

// Interval is how often a plan is paid.
type Interval string

// The intervals.
const (
	Month Interval = "month"
	Year  Interval = "year"
)

// Currency of all prices.
const Currency = "usd"

// Cents is money in the smallest unit of Currency.
type Cents int64

// Plan is one line of the price list. Limits: 0 is unlimited.
type Plan struct {
	ID        PlanID        `json:"id"`
	Name      string        `json:"name"`
	Monthly   Cents         `json:"monthlyCents"`
	Yearly    Cents         `json:"yearlyCents" doc:"for the whole year"`
	Currency  string        `json:"currency"`
	Locations int           `json:"locations" doc:"0 is unlimited"`
	Decisions int           `json:"decisions" doc:"a month; 0 is unlimited"`
	Seats     int           `json:"seats" doc:"0 is unlimited"`
	API       bool          `json:"api"`
	Mode      features.Mode `json:"mode"`
	Support   string        `json:"support"`
	From      bool          `json:"from" doc:"the price is where it begins"`
	SelfServe bool          `json:"selfServe" doc:"can be bought at the checkout"`
}

// monthsAYear is what a year costs: two months are free.
const monthsAYear = 10

// Plans is the price list, cheapest first.
func Plans() []Plan {
	plans := []Plan{
		{ID: Starter, Name: "Starter", Monthly: 49_00, Locations: 1, Decisions: 10, Seats: 3, Mode: features.SMB, Support: "E-mail", SelfServe: true},
		{ID: Growth, Name: "Growth", Monthly: 199_00, Locations: 3, Decisions: 50, Seats: 10, API: true, Mode: features.SMB, Support: "Priority", SelfServe: true},
		{ID: Business, Name: "Business", Monthly: 499_00, Locations: 10, Decisions: 200, Seats: 25, API: true, Mode: features.SMB, Support: "Success manager", SelfServe: true},
		{ID: Enterprise, Name: "Enterprise", Monthly: 1999_00, API: true, Mode: features.Platform, Support: "24/7 and an architect", From: true},
	}
	for i := range plans {
		plans[i].Currency = Currency
		plans[i].Yearly = plans[i].Monthly * monthsAYear
	}
	return plans
}

// PlanOf finds a plan, or fails with ErrPlan.
func PlanOf(p PlanID) (Plan, error) {
	plans := Plans()
	i := slices.IndexFunc(plans, func(plan Plan) bool { return plan.ID == p })
	if i < 0 {
		return Plan{}, ErrPlan
	}
	return plans[i], nil
}

// Price is what the plan costs each interval.
func (p Plan) Price(i Interval) Cents {
	if i == Year {
		return p.Yearly
	}
	return p.Monthly
}

// lookupPrefix begins the lookup key of every price of ours at the provider.
const lookupPrefix = "dyocense_"

// LookupKey names the price of a plan at the provider, so that no price
// identifier is in any configuration.
func LookupKey(p PlanID, i Interval) string { return lookupPrefix + string(p) + "_" + string(i) }

// ReadLookupKey is the plan and interval of a price, or ErrUnknownPrice.
func ReadLookupKey(key string) (PlanID, Interval, error) {
	plan, interval, _ := strings.Cut(strings.TrimPrefix(key, lookupPrefix), "_")
	if _, err := PlanOf(PlanID(plan)); err != nil || LookupKey(PlanID(plan), Interval(interval)) != key || !Interval(interval).valid() {
		return "", "", ErrUnknownPrice
	}
	return PlanID(plan), Interval(interval), nil
}

func (i Interval) valid() bool { return i == Month || i == Year }
