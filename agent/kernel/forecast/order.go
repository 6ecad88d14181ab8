package forecast

import "slices"

// orderRanks are the order statistics among which the levels interpolate,
// ascending.
func orderRanks(n int) []int {
	ranks := make([]int, 0, 2*len(Levels))
	for _, level := range Levels {
		low := int(level*float64(n) - 0.5)
		ranks = append(ranks, low, low+1)
	}
	return ranks
}

// settle moves values so that those at the given ascending ranks are where a
// sort would put them. Sorting everything was two thirds of the time of a
// forecast. offset is the rank of values[0].
func settle(values []float64, ranks []int, offset int) {
	for len(ranks) > 0 {
		if len(values) <= 24 {
			slices.Sort(values)
			return
		}
		low, high := partition(values)
		// values[:low] <= pivot == values[low:high] <= values[high:]
		left := 0
		for left < len(ranks) && ranks[left]-offset < low {
			left++
		}
		right := left
		for right < len(ranks) && ranks[right]-offset < high {
			right++
		}
		if left > 0 {
			settle(values[:low], ranks[:left], offset)
		}
		values, ranks, offset = values[high:], ranks[right:], offset+high
	}
}

// partition puts what is below the median of three in front, what is above it
// at the end, and gives the bounds of what equals it.
func partition(v []float64) (low, high int) {
	a, b, c := v[0], v[len(v)/2], v[len(v)-1]
	pivot := max(min(a, b), min(max(a, b), c))
	i, j := 0, len(v)-1
	for i <= j {
		for v[i] < pivot {
			i++
		}
		for v[j] > pivot {
			j--
		}
		if i <= j {
			v[i], v[j] = v[j], v[i]
			i++
			j--
		}
	}
	return j + 1, i
}
