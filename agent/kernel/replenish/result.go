package replenish

import (
	"time"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// Result is one decision, whole: what to do, why, what it costs against doing
// otherwise, or why it cannot be done. Every number a person is shown comes from
// here.
type Result struct {
	Status   solve.Status `json:"status"`
	Headline string       `json:"headline"` // one sentence for a list of runs
	Currency string       `json:"currency"`
	Periods  []Period     `json:"periods"`

	Orders []Order    `json:"orders"` // empty unless Status has a plan
	Items  []ItemPlan `json:"items"`
	Budget []Use      `json:"budget,omitempty"`  // one a period, when there is a limit
	Room   []Use      `json:"storage,omitempty"` // one a period, when there is a limit

	Plan         *Costs `json:"plan,omitempty"`
	DoNothing    *Costs `json:"doNothing,omitempty"`    // only what is on order arrives
	ReorderPoint *Costs `json:"reorderPoint,omitempty"` // classic (s, Q) policy on the same data

	Explanation Explanation `json:"explanation"`
	Diagnosis   *Diagnosis  `json:"diagnosis,omitempty"` // when infeasible
	Solver      SolverFacts `json:"solver"`
	Check       CheckFacts  `json:"check"`
	Evidence    Evidence    `json:"evidence"`
}

// Period is one step of the horizon.
type Period struct {
	Index  int     `json:"index"`
	Start  string  `json:"start"`  // YYYY-MM-DD
	End    string  `json:"end"`    // last day, YYYY-MM-DD
	Label  string  `json:"label"`  // "week of 3 Mar"
	Orders int     `json:"orders"` // placed in this period
	Spend  float64 `json:"spend"`  // currency, on goods and order cost
}

// Order is one line of the orders table.
type Order struct {
	SKU       string  `json:"sku"`
	Name      string  `json:"name"`
	Supplier  string  `json:"supplier"`
	Unit      string  `json:"unit"`
	Period    int     `json:"period"`    // in which it is placed
	OrderDate string  `json:"orderDate"` // YYYY-MM-DD
	Arrives   string  `json:"arrives"`   // YYYY-MM-DD
	Quantity  float64 `json:"quantity"`
	Packs     float64 `json:"packs"` // 0 when there is no pack size
	UnitCost  float64 `json:"unitCost"`
	Cost      float64 `json:"cost"`  // goods and order cost
	Why       string  `json:"why"`   // built from the numbers of this result
	Facts     []Fact  `json:"facts"` // of Why

	// What would happen if this order and the later ones were not placed.
	NeededIn     int     `json:"neededIn"`     // period in which stock would miss its safety stock; -1 after the horizon
	StockWithout float64 `json:"stockWithout"` // units, at the end of that period
	LastsUntil   int     `json:"lastsUntil"`   // period in which the next order comes in; -1 after the horizon
}

// ItemPlan is one SKU over the horizon; slices have one value a period.
type ItemPlan struct {
	SKU          string    `json:"sku"`
	Name         string    `json:"name"`
	Unit         string    `json:"unit"`
	Supplier     string    `json:"supplier"`
	OnHand       float64   `json:"onHand"`
	UnitCost     float64   `json:"unitCost"`
	PackSize     float64   `json:"packSize"` // 0 when there is none
	MinOrder     float64   `json:"minOrder"`
	OrderCost    float64   `json:"orderCost"`
	MaxStock     float64   `json:"maxStock"`
	LeadTimeDays int       `json:"leadTimeDays"`
	LeadPeriods  int       `json:"leadPeriods"`
	Weeks        int       `json:"historyPeriods"`
	SafetyStock  []float64 `json:"safetyStock"`
	History      []float64 `json:"history"` // last 52 periods at most
	Forecast     []float64 `json:"forecast"`
	ForecastLow  []float64 `json:"forecastLow"`  // 10 % quantile
	ForecastHigh []float64 `json:"forecastHigh"` // 90 % quantile
	Method       string    `json:"method"`
	MethodNote   string    `json:"methodNote"`
	Arrivals     []float64 `json:"arrivals"`
	Ordered      []float64 `json:"ordered"`
	Stock        []float64 `json:"stock"` // end of period, expected demand
	StockLow     []float64 `json:"stockLow"`
	StockHigh    []float64 `json:"stockHigh"`
	Shortage     []float64 `json:"shortage"`
	// Unavoidable is the demand lost before an order placed now can arrive.
	Unavoidable float64 `json:"unavoidable"`
	LateArrival float64 `json:"lateArrival"` // units on order that were due before the start
}

// Use of a limit in one period.
type Use struct {
	Period int     `json:"period"`
	Used   float64 `json:"used"`
	Limit  float64 `json:"limit"`
}

// Costs of one way to act, over the horizon, for expected demand.
//
// Total = Purchase - StockChange + Ordering + Holding + Shortage. Without
// StockChange a plan that buys for later would look dear beside one that lets the
// shelves run empty.
type Costs struct {
	Purchase     float64 `json:"purchase"`    // goods ordered within the horizon
	StockChange  float64 `json:"stockChange"` // value, at unit cost, of stock and orders under way at the end less at the start
	Ordering     float64 `json:"ordering"`
	Spend        float64 `json:"spend"` // Purchase + Ordering: what budgets count
	Holding      float64 `json:"holding"`
	Shortage     float64 `json:"shortage"`
	Total        float64 `json:"total"`
	Managed      float64 `json:"managed"`  // Ordering + Holding + Shortage: what deciding differently can change
	FillRate     float64 `json:"fillRate"` // share of demand met from stock, 0 to 1
	UnitsShort   float64 `json:"unitsShort"`
	EndStock     float64 `json:"endStock"` // currency, at unit cost
	Orders       int     `json:"orders"`
	OverBudget   float64 `json:"overBudget"`   // currency spent beyond the limit; a policy does not know it
	OverCapacity float64 `json:"overCapacity"` // most storage used beyond the limit
}

// Explanation says the result in words.
type Explanation struct {
	Summary   string     `json:"summary"` // two or three sentences
	Sentences []Sentence `json:"sentences"`
}

// Sentence is a claim with the facts it rests on. Every number in Text appears
// in Facts, and every fact's Path leads to the value in the Result.
type Sentence struct {
	Topic string `json:"topic"` // "cost", "service", "budget", "risk", "data"
	Text  string `json:"text"`
	Facts []Fact `json:"facts"`
}

// Fact is one number of an explanation. A date is the index of its period.
type Fact struct {
	Path  string  `json:"path"` // JSON pointer into Result
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Text  string  `json:"text"` // as it is written in the sentence
}

// Diagnosis says why no plan exists and what would make one possible.
type Diagnosis struct {
	Headline  string     `json:"headline"` // half a sentence: "the budget per week is too small"
	Summary   string     `json:"summary"`
	Conflicts []Conflict `json:"conflicts"`
	Changes   []Change   `json:"changes"` // best first; each verified by solving again
}

// Conflict is a rule that cannot hold together with the others named.
type Conflict struct {
	Rule string `json:"rule"` // "budget", "service", "storage", "max_stock", "lead_time"
	Text string `json:"text"`
}

// Change is one smallest change that makes the goal possible.
type Change struct {
	Rule     string  `json:"rule"`
	Field    string  `json:"field"` // of Goal, so that the portal can prefill it; "" when the data must change
	From     float64 `json:"from"`
	To       float64 `json:"to"`
	Value    string  `json:"value,omitempty"` // the new value of a field that is a word: "preferred"
	Unit     string  `json:"unit"`
	Text     string  `json:"text"`
	Verified bool    `json:"verified"` // a plan for the changed goal was solved and passed the check
}

// SolverFacts is what the engine did.
type SolverFacts struct {
	Engine        string   `json:"engine"`
	EngineVersion string   `json:"engineVersion"`
	Objective     *float64 `json:"objective,omitempty"`
	Bound         *float64 `json:"bound,omitempty"`
	Gap           *float64 `json:"gap,omitempty"`
	Seconds       float64  `json:"seconds"`
	Nodes         int64    `json:"nodes"`
	Stopped       string   `json:"stopped,omitempty"`
	Columns       int      `json:"columns"`
	Integers      int      `json:"integers"`
	Rows          int      `json:"rows"`
	NonZeros      int      `json:"nonZeros"`
	Detail        string   `json:"detail,omitempty"`
}

// CheckFacts is what the independent checker found.
type CheckFacts struct {
	Passed       bool     `json:"passed"`
	Constraints  int      `json:"constraints"`
	Tolerance    float64  `json:"tolerance"`
	MaxViolation float64  `json:"maxViolation"`
	Objective    float64  `json:"objective"`
	Failures     []string `json:"failures,omitempty"`
}

// Evidence lets anyone repeat the decision.
type Evidence struct {
	DataHash   string      `json:"dataHash"`  // SHA-256 of the canonical JSON of Data
	GoalHash   string      `json:"goalHash"`  // of Goal with defaults filled in
	ModelHash  string      `json:"modelHash"` // of the model's arrays
	Seed       int         `json:"seed"`
	Program    string      `json:"program"`
	Goal       Goal        `json:"goal"` // with defaults filled in
	StartedAt  time.Time   `json:"startedAt"`
	FinishedAt time.Time   `json:"finishedAt"`
	Stages     []StageTime `json:"stages"`
	Items      int         `json:"items"`
	Weeks      int         `json:"historyPeriods"`
}

// StageTime is how long one stage took.
type StageTime struct {
	Stage   Stage   `json:"stage"`
	Seconds float64 `json:"seconds"`
}
