package replenish

import "math"

// What the engine is told of a limit. An engine works with fractions and forgives
// a little; orders are whole packs, and the check of the plan forgives less. A
// plan that just keeps a limit must not be lost between the two.
const (
	// headroom is added to a limit, so that rounding does not put a plan that just
	// keeps it outside. It is half of what the audit takes for rounding, so what
	// the engine makes of it still passes.
	headroom = tolerance / 2
	// mostDecimals is how finely a price may be stated to be counted in coins.
	mostDecimals = 6
)

// limitFor is the limit of a row whose coefficients multiply whole numbers: what
// they can add up to goes in steps, so the limit is the last step that keeps it,
// and room for rounding short of the next one. scale is the limit as the customer
// states it.
func limitFor(limit, scale float64, coefficients []float64) float64 {
	room := headroom * math.Max(1, math.Abs(scale))
	step := coin(coefficients)
	if step == 0 || step < 4*room {
		return limit + room
	}
	return math.Floor((limit+room)/step)*step + room
}

// coin is the largest amount that all coefficients are multiples of; 0 when they
// are not decimals of a few places.
func coin(coefficients []float64) float64 {
	for scale, places := 1.0, 0; places <= mostDecimals; scale, places = scale*10, places+1 {
		common, whole := 0.0, true
		for _, c := range coefficients {
			v := math.Round(c * scale)
			if math.Abs(c*scale-v) > 1e-9*math.Max(1, math.Abs(v)) || math.Abs(v) > 1e12 {
				whole = false
				break
			}
			common = divisor(common, math.Abs(v))
		}
		if whole && common > 0 {
			return common / scale
		}
	}
	return 0
}

// divisor is the greatest one common to two whole numbers.
func divisor(a, b float64) float64 {
	for b > 0 {
		a, b = b, math.Mod(a, b)
	}
	return a
}
