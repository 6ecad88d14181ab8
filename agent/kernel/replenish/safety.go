package replenish

import (
	"math"

	"github.com/dyocense/dyocense/agent/kernel/forecast"
)

// Safety stock at the end of a period protects against demand above the forecast
// until an order placed at the next review could be here, which is the lead time
// plus one period. It is the service level's quantile of demand over that time,
// less its mean, both from the forecast. The quantile is that of the time that
// begins now, since the plan is made again each period and never relies on its
// older forecasts; later periods scale it with their expected demand, between
// half and double, because errors grow and shrink with the season.

// safetyStocks has one value a period of the window, in units.
func safetyStocks(f forecast.Forecast, item *Item, periodDays, window int, level float64) []float64 {
	risk := float64(item.LeadTimeDays)/float64(periodDays) + 1
	base := math.Max(0, cumulativeQuantile(f, risk, level)-meanOver(f.Mean, 0, risk))
	now := meanOver(f.Mean, 0, risk)
	out := make([]float64, window)
	for t := range out {
		scale := 1.0
		if now > 0 {
			scale = min(max(meanOver(f.Mean, t+1, risk)/now, 0.5), 2)
		}
		out[t] = math.Round(base*scale*100) / 100
	}
	return out
}

// meanOver adds the expected demand of a stretch of periods that need not be
// whole; beyond the forecast its last value is repeated.
func meanOver(mean []float64, from int, length float64) float64 {
	total := 0.0
	for t := from; length > 1e-9; t++ {
		share := math.Min(1, length)
		total += share * mean[min(t, len(mean)-1)]
		length -= share
	}
	return total
}

// cumulativeQuantile is the quantile of demand over the first periods, between
// whole numbers of periods and between the forecast's levels interpolated.
func cumulativeQuantile(f forecast.Forecast, periods, level float64) float64 {
	whole := min(int(periods), len(f.Mean))
	at := func(steps int) float64 {
		if steps == 0 {
			return 0
		}
		return quantile(func(l int) float64 { return f.Cumulative[l][steps-1] }, level)
	}
	rest := periods - float64(int(periods))
	if rest < 1e-9 || whole >= len(f.Mean) {
		return at(whole)
	}
	return at(whole) + rest*(at(whole+1)-at(whole))
}

// quantile interpolates between the forecast's levels on the scale of standard
// deviations, where a bell curve is a straight line.
func quantile(at func(level int) float64, level float64) float64 {
	levels := forecast.Levels
	for k := range levels {
		switch {
		case level <= levels[k] && k == 0, math.Abs(level-levels[k]) < 1e-12:
			return at(k)
		case level < levels[k]:
			low, high := deviations(levels[k-1]), deviations(levels[k])
			return at(k-1) + (at(k)-at(k-1))*(deviations(level)-low)/(high-low)
		}
	}
	return at(len(levels) - 1)
}

// deviations is the quantile of the standard normal distribution.
func deviations(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
