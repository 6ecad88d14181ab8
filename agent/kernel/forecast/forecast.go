// Package forecast turns a history into the next values with their uncertainty.
//
// It owns the methods and the choice among them. It does not read files or know
// what is being forecast. Same input, same bytes: no randomness that is not
// seeded from the series itself, no dependence on goroutine order.
//
// Where the formulas come from:
//
//   - ETS: Hyndman, Koehler, Ord, Snyder, Forecasting with Exponential Smoothing
//     (2008): the state space forms, chosen by the corrected AIC. Multiplicative
//     trends are left out; they explode.
//   - Theta: Assimakopoulos, Nikolopoulos (2000) in the state space form of
//     Fiorucci, Pellegrini, Louzada, Petropoulos, Koehler (2016); from the same
//     paper the dynamic optimised form, which is the half of Mean that is not ETS.
//   - Croston (1972); its bias corrected, SBA: Syntetos, Boylan (2005); TSB for
//     items that die out: Teunter, Syntetos, Babai (2011).
//   - Classes of demand by interval (1.32) and size variation (0.49): Syntetos,
//     Boylan, Croston (2005).
//   - Lead-time demand of intermittent items by bootstrap, after Willemain,
//     Smart, Schwarz (2004).
//   - Classical decomposition and its autocorrelation test as in the M
//     competitions; long seasons (weeks of a year) by harmonic regression.
//   - The distribution of Mean is the average of its members' quantiles
//     (Vincent's average), which cannot cross.
package forecast

// Method names one way to forecast.
type Method string

// The methods. Auto chooses by the length and intermittency of the series.
const (
	Auto          Method = "auto"
	ETS           Method = "ets"
	Theta         Method = "theta"
	Mean          Method = "mean" // of ETS and dynamic optimised Theta
	Croston       Method = "croston"
	SBA           Method = "sba"
	TSB           Method = "tsb"
	SeasonalNaive Method = "snaive"
)

// Methods lists every method, Auto first.
func Methods() []Method {
	return []Method{Auto, ETS, Theta, Mean, Croston, SBA, TSB, SeasonalNaive}
}

// Series is one history, equally spaced, oldest first.
type Series struct {
	ID     string
	Values []float64 // finite; demand is not negative
	Period int       // observations in a season: 52 for weeks, 12 for months, 1 for none
}

// Levels are the quantile levels of every forecast, ascending.
var Levels = []float64{0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99}

// Forecast of one series over a horizon.
type Forecast struct {
	ID         string
	Method     Method      // the one that was used, never Auto
	Mean       []float64   // one a step
	Quantiles  [][]float64 // [level][step], levels as in Levels, never crossing
	Cumulative [][]float64 // [level][step]: quantiles of the SUM of steps 0..step, for lead-time demand
	Note       string      // why this method, in words: "22 weeks of history are too short for a season"
}

// Options of Run. The zero value means Auto and no floor.
type Options struct {
	Method      Method
	NonNegative bool // demand: no value, mean or quantile below zero
}
