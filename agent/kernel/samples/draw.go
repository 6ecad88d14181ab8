package samples

import (
	"math"
	"math/rand/v2"
)

// season is when in the year an article sells.
type season int

const (
	even      season = iota // all year
	summer                  // most in July
	winter                  // most in January
	spring                  // most in May, little in winter
	christmas               // a few weeks before the end of the year
)

// factor of a week of the year (0 to 51) with a strength.
func (s season) factor(week int, strength float64) float64 {
	wave := func(peak float64) float64 {
		return 1 + strength*math.Cos(2*math.Pi*(float64(week)-peak)/52)
	}
	switch s {
	case summer:
		return wave(28)
	case winter:
		return wave(3)
	case spring:
		return wave(19)
	case christmas:
		away := float64(week - 49)
		return 1 + strength*4*math.Exp(-away*away/8)
	}
	return 1
}

// history draws the demand of an article, oldest week first. week is the week of
// the year of the last one.
func (a article) history(weeks, week int, random *rand.Rand) []float64 {
	out := make([]float64, weeks)
	for k := range out {
		back := weeks - 1 - k
		of := ((week-back)%52 + 52) % 52
		mean := a.weekly * a.season.factor(of, a.strength) * math.Pow(1+a.trend, -float64(back)/52)
		if a.often > 0 && a.often < 1 {
			if random.Float64() >= a.often {
				continue
			}
			mean /= a.often
		}
		out[k] = a.draw(mean, random)
	}
	if a.weeks > 0 {
		return out[weeks-a.weeks:]
	}
	return out
}

// draw is one week: a count with the wanted spread, or a weight to a tenth.
func (a article) draw(mean float64, random *rand.Rand) float64 {
	if a.unit == "kg" || a.unit == "l" {
		spread := math.Sqrt(a.noise * mean)
		return math.Round(10*math.Max(0, mean+spread*random.NormFloat64())) / 10
	}
	return float64(count(mean, a.noise, random))
}

// count is Poisson when its variance is its mean, and negative binomial (a
// Poisson whose mean is gamma distributed) when it spreads more.
func count(mean, spread float64, random *rand.Rand) int {
	if mean <= 0 {
		return 0
	}
	if spread > 1 {
		shape := mean / (spread - 1)
		mean = gamma(shape, random) * (spread - 1)
	}
	if mean > 50 {
		return int(math.Max(0, math.Round(mean+math.Sqrt(mean)*random.NormFloat64())))
	}
	limit, product, n := math.Exp(-mean), random.Float64(), 0
	for product > limit {
		product *= random.Float64()
		n++
	}
	return n
}

// gamma draws with scale one, after Marsaglia and Tsang.
func gamma(shape float64, random *rand.Rand) float64 {
	if shape < 1 {
		return gamma(shape+1, random) * math.Pow(random.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := random.NormFloat64()
		v := math.Pow(1+c*x, 3)
		if v > 0 && math.Log(random.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
