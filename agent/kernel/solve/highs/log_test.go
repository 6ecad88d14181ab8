package highs

import (
	"math"
	"testing"
	"time"
)

func TestParseProgress(t *testing.T) {
	t.Parallel()
	t.Run("reads a row with an incumbent", func(t *testing.T) {
		t.Parallel()
		p, ok := parseProgress(" S      12k       3        40   1.50%   150            200                25.00%       10      5      3     1.2k     0.7s")
		if !ok || p.Nodes != 12000 || *p.Bound != 150 || *p.Objective != 200 || math.Abs(*p.Gap-0.25) > 1e-12 || p.Elapsed != 700*time.Millisecond {
			t.Errorf("got %+v, %v", p, ok)
		}
	})
	t.Run("reads a row without one", func(t *testing.T) {
		t.Parallel()
		p, ok := parseProgress("         0       0         0   0.00%   149.588766      inf                  inf        0      0      0         0     0.0s")
		if !ok || p.Objective != nil || p.Gap != nil || *p.Bound != 149.588766 {
			t.Errorf("got %+v, %v", p, ok)
		}
	})
	for _, line := range []string{"", "Presolving model", "Src  Proc. InQueue |  Leaves   Expl. | BestBound       BestSol              Gap", "a b c d e f g h i j k l", "1 2 3 4% 5 6 7 8 9 10 11 xs"} {
		t.Run("passes over "+line, func(t *testing.T) {
			t.Parallel()
			if p, ok := parseProgress(line); ok {
				t.Errorf("got %+v", p)
			}
		})
	}
}
