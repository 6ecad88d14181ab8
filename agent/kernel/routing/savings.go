package routing

import (
	"cmp"
	"slices"
)

// saving is what joining two tours at a and b is worth.
type saving struct {
	a, b int32
	gain int64
}

// savings makes the first plan: a tour for each customer, then joined end to end
// in the order of what it saves (Clarke and Wright), as long as the load fits.
func savings(in *Instance) [][]int {
	n := in.Places()
	var list []saving
	for a := 1; a < n; a++ {
		for b := a + 1; b < n; b++ {
			if gain := in.Distance(a, 0) + in.Distance(0, b) - in.Distance(a, b); gain > 0 {
				list = append(list, saving{int32(a), int32(b), gain})
			}
		}
	}
	slices.SortFunc(list, func(x, y saving) int {
		return cmp.Or(cmp.Compare(y.gain, x.gain), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
	tourOf := make([]int, n)
	tours := make([][]int, n)
	load := make([]int64, n)
	for c := 1; c < n; c++ {
		tourOf[c], tours[c], load[c] = c, []int{c}, in.Demand[c]
	}
	for _, s := range list {
		a, b := int(s.a), int(s.b)
		ta, tb := tourOf[a], tourOf[b]
		if ta == tb || load[ta]+load[tb] > in.Capacity || !atEnd(tours[ta], a) || !atEnd(tours[tb], b) {
			continue
		}
		if tours[ta][len(tours[ta])-1] != a {
			slices.Reverse(tours[ta])
		}
		if tours[tb][0] != b {
			slices.Reverse(tours[tb])
		}
		for _, c := range tours[tb] {
			tourOf[c] = ta
		}
		tours[ta] = append(tours[ta], tours[tb]...)
		load[ta] += load[tb]
		tours[tb] = nil
	}
	return slices.DeleteFunc(tours, func(t []int) bool { return len(t) == 0 })
}

func atEnd(tour []int, c int) bool { return tour[0] == c || tour[len(tour)-1] == c }
