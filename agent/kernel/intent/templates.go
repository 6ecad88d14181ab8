package intent

import "github.com/dyocense/dyocense/agent/kernel/replenish"

// Template is a kind of decision, with the fields of its form.
type Template struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Examples    []string `json:"examples"` // texts that Find understands whole
	Fields      []Field  `json:"fields"`
}

// Field of a form; Name is the field of the goal.
type Field struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Kind    string   `json:"kind"` // "integer", "number", "percent" (a share), "money", "choice", "articles"
	Unit    string   `json:"unit"`
	Default any      `json:"default"` // nil when it starts empty
	Min     *float64 `json:"min,omitempty"`
	Max     *float64 `json:"max,omitempty"`
	Options []Option `json:"options,omitempty"`
	Help    string   `json:"help"`
}

// Option of a choice.
type Option struct {
	Value string `json:"value"`
	Title string `json:"title"`
}

// Templates are all there are. The caller may change what it gets.
func Templates() []Template {
	standard := replenish.Goal{}.Filled()
	at := func(v float64) *float64 { return &v }
	return []Template{{
		ID: Replenishment, Name: "Inventory replenishment",
		Description: "What to order, how much, when and from whom, so that shelves stay filled at the lowest cost.",
		Examples: []string{
			"Order stock for the next 8 weeks, at most 3,000 a week, 95 % service level",
			"Replenish for two months with a total budget of 20k and rarely run out of stock",
			"Cheapest orders for the next quarter, storage up to 900, if possible 97 % service",
		},
		Fields: []Field{
			{
				Name: "horizon", Title: "Plan ahead", Kind: "integer", Unit: "weeks", Default: standard.Horizon, Min: at(1), Max: at(replenish.MaxHorizon),
				Help: "How many weeks of orders to plan. Only the first weeks are acted on; plan again when they have passed.",
			},
			{
				Name: "serviceLevel", Title: "Service level", Kind: "percent", Unit: "%", Default: standard.ServiceLevel, Min: at(0.5), Max: at(0.99),
				Help: "How often stock should be enough until the next delivery. More needs more safety stock.",
			},
			{
				Name: "serviceRule", Title: "When not everything fits", Kind: "choice", Default: string(standard.ServiceRule),
				Options: []Option{
					{string(replenish.ServiceRequired), "Keep the service level, or say why that cannot be"},
					{string(replenish.ServicePreferred), "Keep the limits, and give up the service that is worth least"},
				}, Help: "What counts more when budget or storage are too small for the service level.",
			},
			{
				Name: "budgetPerPeriod", Title: "Budget per week", Kind: "money", Min: at(0), Max: at(1e9),
				Help: "Most to spend on goods and order costs in a week. Leave empty for no limit.",
			},
			{
				Name: "budgetTotal", Title: "Budget in total", Kind: "money", Min: at(0), Max: at(1e9),
				Help: "Most to spend over the whole plan. Leave empty for no limit.",
			},
			{
				Name: "storageCapacity", Title: "Storage", Kind: "number", Unit: "storage units", Min: at(0), Max: at(1e9),
				Help: "Most room at the end of a week, in the unit of the volume column. Leave empty for no limit.",
			},
			{
				Name: "holdingRate", Title: "Cost of holding stock", Kind: "percent", Unit: "% a year", Default: standard.HoldingRate, Min: at(0.001), Max: at(5),
				Help: "What a year in stock costs, as a share of the unit cost: money tied up, space, spoilage.",
			},
			{
				Name: "shortageCost", Title: "Cost of a lost sale", Kind: "number", Unit: "x unit cost", Default: standard.ShortageCost, Min: at(1), Max: at(1000),
				Help: "What losing the sale of one unit is worth, as a multiple of its unit cost.",
			},
			{Name: "skus", Title: "Articles", Kind: "articles", Help: "Plan only these. Leave empty for all."},
			{
				Name: "timeLimitSec", Title: "Time to search", Kind: "integer", Unit: "seconds", Default: standard.TimeLimitSec, Min: at(1), Max: at(600),
				Help: "The search ends earlier when the plan is good enough.",
			},
			{
				Name: "gap", Title: "Good enough", Kind: "percent", Unit: "%", Default: standard.Gap, Min: at(0), Max: at(0.2),
				Help: "Stop when no plan can be cheaper by more than this share.",
			},
		},
	}}
}
