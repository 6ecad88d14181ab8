package routing

import "fmt"

// Check says what the tours are worth, or what they break: every customer exactly
// once, capacity of every tour, number of vehicles. It shares nothing with the
// solver but the instance.
func Check(in *Instance, tours [][]int) (int64, error) {
	if in.Vehicles > 0 && len(tours) > in.Vehicles {
		return 0, fmt.Errorf("there are %d tours for %d vehicles", len(tours), in.Vehicles)
	}
	var total int64
	visits := make([]int, in.Places())
	for n, tour := range tours {
		var load int64
		at := 0
		for _, place := range tour {
			if place < 1 || place >= in.Places() {
				return 0, fmt.Errorf("tour %d visits place %d, which is no customer", n+1, place)
			}
			visits[place]++
			load += in.Demand[place]
			total += in.Distance(at, place)
			at = place
		}
		total += in.Distance(at, 0)
		if load > in.Capacity {
			return 0, fmt.Errorf("tour %d carries %d of %d", n+1, load, in.Capacity)
		}
	}
	for place := 1; place < in.Places(); place++ {
		if visits[place] != 1 {
			return 0, fmt.Errorf("customer %d is visited %d times", place, visits[place])
		}
	}
	return total, nil
}
