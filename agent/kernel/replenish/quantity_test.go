package replenish

import "testing"

func TestQuantitiesReadAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{1.91, "pair", "2 pairs"},
		{1, "pair", "1 pair"},
		{1.17, "box", "1 box"},
		{2.19, "pcs", "2 pcs"},
		{0.3, "boxes", "under 1 box"},
		{5.96, "units", "6 units"},
		{1, "units", "1 unit"},
		{0, "box", "0 boxes"},
		{0.5, "crate", "0.5 crates"},
		{2.5, "box", "2.5 boxes"},
		{1.91, "kg", "1.91 kg"},
		{1234.4, "l", "1,234 l"},
		{12.34, "", "12.3"},
		{3, "Stück", "3 Stück"},
	} {
		if got := quantity(c.v, c.unit); got != c.want {
			t.Errorf("%v of %q is %q, not %q", c.v, c.unit, got, c.want)
		}
	}
}
