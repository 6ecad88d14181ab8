package forecast

import (
	"math"
	"math/rand/v2"
	"slices"
)

// model is a fitted method that can say one future for given shocks.
type model interface {
	// point writes the forecast without shocks.
	point(out []float64)
	// path writes the future under one shock a step; scratch has memory() places.
	path(shocks, out, scratch []float64)
	// errors are the one step errors in the unit of shocks, and how many numbers
	// were fitted to make them small.
	errors() (residuals []float64, fitted int)
	memory() int
	// shockFloor is the smallest shock that path may be given.
	shockFloor() float64
}

// pathCount futures are drawn for every model. Stratified as they are (see
// simulate), they put the 0.99 quantile of lead-time demand within a few
// percent, and a shop's two hundred items within a fraction of a second.
const pathCount = 512

// widening of the one-step errors. Intervals made from errors inside the history
// are too narrow, because the model was chosen on it; the factor was set on the
// M1 competition.
const widening = 1.15

// futures are simulated values, [step][path].
type futures [][]float64

func newFutures(horizon int) futures {
	all := make([]float64, horizon*pathCount)
	f := make(futures, horizon)
	for i := range f {
		f[i] = all[i*pathCount : (i+1)*pathCount]
	}
	return f
}

// seeded is the source of randomness of one series. The seed is the pattern of
// its ups and downs, so that a series in grams and the same in kilograms give
// the same answer.
func seeded(values []float64, period int) *rand.Rand {
	h := uint64(len(values))*0x9e3779b97f4a7c15 + uint64(period)
	for i := 1; i < len(values); i++ {
		h *= 0x100000001b3
		switch {
		case values[i] > values[i-1]:
			h ^= 1
		case values[i] < values[i-1]:
			h ^= 2
		}
	}
	return rand.New(rand.NewPCG(h, 0x5851f42d4c957f2d))
}

// shockTable is the distribution of one-step errors as pathCount equally likely
// values: the residuals, centred (a bias of the method becomes spread), widened
// for the numbers that were fitted, and smoothed by a normal kernel so that a
// short history still has tails.
func shockTable(residuals []float64, fitted int, floor float64) []float64 {
	table := make([]float64, pathCount)
	n := len(residuals)
	if n == 0 {
		return table
	}
	centre, sd := average(residuals), math.Sqrt(variance(residuals))
	if sd == 0 {
		return table
	}
	sorted := slices.Clone(residuals)
	slices.Sort(sorted)
	width := sd * math.Pow(4/(3*float64(n)), 0.2) // Silverman's rule
	freedom := math.Sqrt(float64(n) / max(float64(n-fitted), float64(n)/3))
	shrink := widening * freedom * math.Hypot(sd, centre) / math.Hypot(sd, width)
	const golden = 0.6180339887498949
	position := 0.5
	for i := range table {
		// residuals go round in order, the kernel by a sequence that fills evenly
		position += golden
		position -= math.Floor(position)
		kernel := math.Sqrt2 * math.Erfinv(2*(position*(1-1e-4)+0.5e-4)-1)
		table[i] = max(floor, shrink*(sorted[i*n/pathCount]-centre+width*kernel))
	}
	return table
}

// simulate fills the futures of m. Every step uses every entry of the shock
// table once, in an order of its own: the spread of each step is exact, and only
// the pairing of steps is random.
func simulate(m model, source *rand.Rand, out futures) {
	residuals, fitted := m.errors()
	table := shockTable(residuals, fitted, m.shockFloor())
	for _, step := range out {
		copy(step, table)
		source.Shuffle(pathCount, func(i, j int) { step[i], step[j] = step[j], step[i] })
	}
	shocks, path := make([]float64, len(out)), make([]float64, len(out))
	scratch := make([]float64, m.memory())
	for p := range pathCount {
		for i, step := range out {
			shocks[i] = step[p]
		}
		m.path(shocks, path, scratch)
		for i, step := range out {
			step[p] = path[i]
		}
	}
}

// reseason puts a season back into every path.
func (f futures) reseason(a adjustment, start int) {
	if a.kind == noSeason {
		return
	}
	for i, step := range f {
		index := a.indices[(start+i)%len(a.indices)]
		for p := range step {
			if a.kind == multiplicative {
				step[p] *= index
			} else {
				step[p] += index
			}
		}
	}
}

// bands are quantiles of single steps and of sums of steps, [level][step].
type bands struct{ single, cumulative [][]float64 }

// bands reads the quantiles off the futures and spends them: the futures hold
// running sums afterwards. floor keeps single values at or above zero first.
func (f futures) bands(floor bool) bands {
	b := bands{newGrid(len(f)), newGrid(len(f))}
	ordered, ranks := make([]float64, pathCount), orderRanks(pathCount)
	for i, step := range f {
		if floor {
			for p, v := range step {
				step[p] = max(0, v)
			}
		}
		copy(ordered, step)
		settle(ordered, ranks, 0)
		writeQuantiles(ordered, b.single, i)
		if i == 0 {
			writeQuantiles(ordered, b.cumulative, 0)
			continue
		}
		for p := range step {
			step[p] += f[i-1][p]
		}
		copy(ordered, step)
		settle(ordered, ranks, 0)
		writeQuantiles(ordered, b.cumulative, i)
	}
	return b
}

func newGrid(horizon int) [][]float64 {
	grid := make([][]float64, len(Levels))
	for i := range grid {
		grid[i] = make([]float64, horizon)
	}
	return grid
}

// writeQuantiles interpolates between order statistics.
func writeQuantiles(ordered []float64, grid [][]float64, step int) {
	for l, level := range Levels {
		at := level*float64(len(ordered)) - 0.5
		low := int(at)
		grid[l][step] = ordered[low] + (at-float64(low))*(ordered[low+1]-ordered[low])
	}
}

// average of two members' quantiles, level by level.
func (b bands) average(c bands) bands {
	mix := func(x, y [][]float64) {
		for l := range x {
			for i := range x[l] {
				x[l][i] = (x[l][i] + y[l][i]) / 2
			}
		}
	}
	mix(b.single, c.single)
	mix(b.cumulative, c.cumulative)
	return b
}
