package routing_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/agent/kernel/model/modeltest"
	"github.com/dyocense/dyocense/agent/kernel/routing"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

const square = `NAME : square
TYPE : CVRP
DIMENSION : 5
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 2
NODE_COORD_SECTION
1 0 0
2 0 10
3 0 20
4 10 0
5 20 0
DEMAND_SECTION
1 0
2 1
3 1
4 1
5 1
DEPOT_SECTION
1
-1
EOF
`

func read(t *testing.T, text string) *routing.Instance {
	t.Helper()
	in, err := routing.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestSolve(t *testing.T) {
	t.Run("finds the two obvious tours", func(t *testing.T) {
		r := routing.Solve(t.Context(), read(t, square), solve.Options{TimeLimit: 200 * time.Millisecond}, nil)
		if r.Status != solve.Feasible || r.Objective != 80 || len(r.Tours) != 2 || !r.Checked || r.Bound != nil {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("gives the same tours for the same seed", func(t *testing.T) {
		in := read(t, square)
		a := routing.Solve(t.Context(), in, solve.Options{Seed: 5}, nil)
		b := routing.Solve(t.Context(), in, solve.Options{Seed: 5}, nil)
		if d := cmp.Diff(routing.Sorted(a.Tours), routing.Sorted(b.Tours)); d != "" || a.Stopped != "" {
			t.Errorf("%s, stopped %q", d, a.Stopped)
		}
	})
	t.Run("proves the plan of a single customer", func(t *testing.T) {
		text := "TYPE : CVRP\nDIMENSION : 2\nEDGE_WEIGHT_TYPE : EUC_2D\nCAPACITY : 1\nNODE_COORD_SECTION\n1 0 0\n2 3 4\nDEMAND_SECTION\n1 0\n2 1\nDEPOT_SECTION\n1\n-1\nEOF\n"
		r := routing.Solve(t.Context(), read(t, text), solve.Options{}, nil)
		if r.Status != solve.Optimal || r.Objective != 10 {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("proves that a customer is too large", func(t *testing.T) {
		r := routing.Solve(t.Context(), read(t, strings.Replace(square, "2 1\n", "2 9\n", 1)), solve.Options{}, nil)
		if r.Status != solve.InfeasibleProven || r.Tours != nil {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("proves that the vehicles are too few", func(t *testing.T) {
		r := routing.Solve(t.Context(), read(t, "VEHICLES : 1\n"+square), solve.Options{}, nil)
		if r.Status != solve.InfeasibleProven {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("keeps the best tours when it is cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := routing.Solve(ctx, read(t, square), solve.Options{}, nil)
		if r.Status != solve.Feasible || r.Stopped != "cancelled" {
			t.Errorf("got %+v", r)
		}
	})
}

func TestPublicRouting(t *testing.T) {
	for name, best := range map[string]float64{"X-n101-k25.vrp": 27591, "X-n106-k14.vrp": 26362} {
		t.Run("comes within 3 % of the best known tours of "+name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("searches for 15 seconds")
			}
			file, err := os.Open(modeltest.Path(t, "routing/"+name))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			in, err := routing.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			r := routing.Solve(t.Context(), in, solve.Options{TimeLimit: 15 * time.Second}, nil)
			if r.Status != solve.Feasible || r.Objective > 1.03*best || r.Objective < best {
				t.Errorf("got %s %v %s", r.Status, r.Objective, r.Detail)
			}
			t.Logf("%v (best known %v, +%.2f %%) in %.1f s", r.Objective, best, 100*(r.Objective/best-1), r.Seconds)
		})
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a type it cannot plan":      strings.Replace(square, "CVRP", "VRPTW", 1),
		"distances it does not know": strings.Replace(square, "EUC_2D", "GEO", 1),
		"a place outside":            strings.Replace(square, "5 20 0", "6 20 0", 1),
		"a missing demand":           strings.Replace(square, "5 1\n", "", 1),
		"a capacity that is none":    strings.Replace(square, "CAPACITY : 2", "CAPACITY : x", 1),
		"a huge dimension":           strings.Replace(square, "DIMENSION : 5", "DIMENSION : 999999999", 1),
		"nothing":                    "",
		"binary":                     "\x00\x01\x02",
		"a section nobody knows":     square[:len(square)-4] + "TIME_WINDOW_SECTION\n",
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			if _, err := routing.Read(strings.NewReader(text)); err == nil {
				t.Error("accepted")
			}
		})
	}
}
