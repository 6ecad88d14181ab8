package forecast

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Borders between the classes of demand.
const (
	intermittentInterval = 1.32 // mean periods from one demand to the next
	erraticVariation     = 0.49 // squared coefficient of variation of the sizes
)

// demandProfile is what the classes of demand are made of.
type demandProfile struct {
	sizes     []float64 // of the periods with demand
	interval  float64   // mean periods from one demand to the next
	variation float64   // squared coefficient of variation of the sizes
	silence   int       // periods since the last demand
}

func profile(values []float64) demandProfile {
	p := demandProfile{silence: len(values)}
	for t, v := range values {
		if v != 0 {
			p.sizes = append(p.sizes, v)
			p.silence = len(values) - 1 - t
		}
	}
	if len(p.sizes) == 0 {
		p.interval = math.Inf(1)
		return p
	}
	p.interval = float64(len(values)) / float64(len(p.sizes))
	mean := average(p.sizes)
	p.variation = variance(p.sizes) / (mean * mean)
	return p
}

func (p demandProfile) intermittent() bool { return p.interval >= intermittentInterval }

// dying says whether the item has been silent for much longer than usual.
func (p demandProfile) dying() bool { return float64(p.silence) >= 3*p.interval && p.silence >= 4 }

// smoothingGrid are the factors tried for intermittent demand. Factors above
// 0.3 chase single orders.
var smoothingGrid = [...]float64{0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3}

// rate of demand a period, as one method sees it after the whole history, with
// the sum of its squared errors one step ahead.
type rate struct{ mean, squares float64 }

// croston smooths the sizes of demand and the intervals between demands by
// alpha, both updated only when there is demand. Both start from the averages of
// the history, because a first order alone is a poor start for a dozen months.
// correction is 1, or 1-alpha/2 for SBA, which takes the bias out.
func croston(values []float64, p demandProfile, alpha, correction float64) rate {
	size, interval, gap := average(p.sizes), p.interval, 0
	squares := 0.0
	for _, v := range values {
		gap++
		e := v - correction*size/interval
		squares += e * e
		if v == 0 {
			continue
		}
		size += alpha * (v - size)
		interval += alpha * (float64(gap) - interval)
		gap = 0
	}
	return rate{correction * size / interval, squares}
}

// tsb smooths the probability of demand by beta in every period, so that it
// falls while an item is silent, and the size by alpha when there is demand.
// Both start from the averages of the history.
func tsb(values []float64, p demandProfile, alpha, beta float64) rate {
	size, probability := average(p.sizes), 1/p.interval
	squares := 0.0
	for _, v := range values {
		e := v - probability*size
		squares += e * e
		if v == 0 {
			probability -= beta * probability
			continue
		}
		probability += beta * (1 - probability)
		size += alpha * (v - size)
	}
	return rate{probability * size, squares}
}

// intermittentRate is the rate of m with the smoothing factors that would have
// been best so far.
func intermittentRate(m Method, values []float64, p demandProfile) rate {
	best := rate{squares: math.Inf(1)}
	try := func(r rate) {
		if r.squares < best.squares {
			best = r
		}
	}
	for _, alpha := range smoothingGrid {
		switch m {
		case Croston:
			try(croston(values, p, alpha, 1))
		case SBA:
			try(croston(values, p, alpha, 1-alpha/2))
		default:
			for _, beta := range smoothingGrid {
				try(tsb(values, p, alpha, beta))
			}
		}
	}
	return best
}

// bootstrap fills the futures of an intermittent item: in every period there is
// demand or not, independently, with the sizes that were seen. The probability
// is such that the mean is rate; should that need more than certainty, the
// sizes grow instead.
func bootstrap(sizes []float64, rate float64, source *rand.Rand, out futures) {
	mean := average(sizes)
	probability, growth := rate/mean, 1.0
	if probability > 1 {
		probability, growth = 1, probability
	}
	sorted := slices.Clone(sizes)
	slices.Sort(sorted)
	events := int(math.Round(probability * pathCount))
	for _, step := range out {
		clear(step)
		for i := range events {
			// the middle of each of the equal parts of the empirical distribution
			step[i] = growth * sorted[(2*i+1)*len(sorted)/(2*events)]
		}
		source.Shuffle(pathCount, func(i, j int) { step[i], step[j] = step[j], step[i] })
	}
}
