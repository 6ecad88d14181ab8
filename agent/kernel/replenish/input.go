package replenish

import "time"

// Item is one thing that is stocked: a line of the stock table joined with its
// line of the suppliers table.
type Item struct {
	SKU      string  `json:"sku"`
	Name     string  `json:"name"`
	Unit     string  `json:"unit"`     // "pcs", "kg"; for display
	OnHand   float64 `json:"onHand"`   // units, at the start of the first period
	UnitCost float64 `json:"unitCost"` // currency a unit, paid when ordered
	Volume   float64 `json:"volume"`   // storage a unit takes, in storage units; 0 = none
	MaxStock float64 `json:"maxStock"` // most units to hold at the end of a period; 0 = no limit
	// HoldingCost is currency a unit and period; 0 means HoldingRate of the goal
	// times UnitCost.
	HoldingCost float64 `json:"holdingCost"`

	Supplier     string    `json:"supplier"`
	LeadTimeDays int       `json:"leadTimeDays"`
	OrderCost    float64   `json:"orderCost"` // currency an order, whatever its size
	MinOrder     float64   `json:"minOrder"`  // units, if ordered at all; 0 = none
	PackSize     float64   `json:"packSize"`  // order in multiples of this; 0 or 1 = any whole unit
	OnOrder      []Arrival `json:"onOrder"`   // already ordered, not yet here
}

// Arrival is stock on its way.
type Arrival struct {
	Date     time.Time `json:"date"`
	Quantity float64   `json:"quantity"`
}

// History is the demand of one SKU, by period, oldest first, without holes.
type History struct {
	SKU    string    `json:"sku"`
	Values []float64 `json:"values"`
}

// Data is everything the customer gave us, read and checked.
type Data struct {
	Items   []Item    `json:"items"`
	History []History `json:"history"`
	// PeriodDays is the length of a period: 7 for weekly data, 1 for daily.
	PeriodDays int `json:"periodDays"`
	// Start is the first day of the first period to plan: the day after the last
	// period of the history.
	Start    time.Time `json:"start"`
	Currency string    `json:"currency"` // ISO 4217; "" shows none
}

// ServiceRule says what may give when not everything fits.
type ServiceRule string

// The rules.
const (
	// ServiceRequired: safety stock is kept in every period that an order placed
	// now can reach. If that cannot be, the goal is infeasible and the diagnosis
	// says what to change.
	ServiceRequired ServiceRule = "required"
	// ServicePreferred: the same plan where it is possible. Where it is not, the
	// limits hold, and going below safety stock and running out have a price: what
	// costs least of it is given up.
	ServicePreferred ServiceRule = "preferred"
)

// Goal is what the customer wants of a replenishment plan. Zero values mean the
// defaults in the comments.
type Goal struct {
	Horizon         int         `json:"horizon"`                   // periods to plan, 1 to 26; default 8
	ServiceLevel    float64     `json:"serviceLevel"`              // 0.5 to 0.99; default 0.95
	ServiceRule     ServiceRule `json:"serviceRule"`               // default required
	BudgetPerPeriod float64     `json:"budgetPerPeriod,omitempty"` // currency; 0 = no limit
	BudgetTotal     float64     `json:"budgetTotal,omitempty"`     // currency over the horizon; 0 = no limit
	StorageCapacity float64     `json:"storageCapacity,omitempty"` // storage units at any period end; 0 = no limit
	HoldingRate     float64     `json:"holdingRate"`               // a year, of the unit cost; default 0.25
	ShortageCost    float64     `json:"shortageCost"`              // times the unit cost, a unit short; default 5
	SKUs            []string    `json:"skus,omitempty"`            // only these; empty = all
	TimeLimitSec    int         `json:"timeLimitSec"`              // of the solver, 1 to 600; default 30
	Gap             float64     `json:"gap"`                       // relative, 0 to 0.2; default 0.01
	Seed            int         `json:"seed"`
}
