package trigeiro_test

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/model/modeltest"
	"github.com/dyocense/dyocense/agent/kernel/model/trigeiro"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
)

func TestPublicLotSizing(t *testing.T) {
	for name, want := range map[string]float64{"trigeiro_F1.dat": 40854, "trigeiro_F2.dat": 39734} {
		t.Run("finds the known optimum of "+name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("takes up to a minute")
			}
			if err := highs.Available(); err != nil {
				t.Skipf("the solver engine is not in the tree: %v", err)
			}
			file, err := os.Open(modeltest.Path(t, "lotsizing/"+name))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			in, err := trigeiro.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			engine, err := highs.Load(t.Context(), highs.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer engine.Close(t.Context())
			out, err := check.Solver{Inner: engine}.Solve(t.Context(), in.Model(name), solve.Options{RelativeGap: 1e-4, TimeLimit: 5 * time.Minute}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out.Status != solve.Optimal || math.Abs(out.Objective-want) > 1e-4*want {
				t.Errorf("got %s %v %s, want %v", out.Status, out.Objective, out.Detail, want)
			}
			t.Logf("%v in %.1f s, %d nodes", out.Objective, out.Seconds, out.Nodes)
		})
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	const one = "1 2\n1\n100\n1 2 5 30\n10\n20\nlegend follows"
	t.Run("charges set-ups and holding", func(t *testing.T) {
		t.Parallel()
		in, err := trigeiro.Read(strings.NewReader(one))
		if err != nil {
			t.Fatal(err)
		}
		m := in.Model("one")
		x := map[string]float64{"setup(1,1)": 1, "share(1,1,1)": 1, "share(1,1,2)": 1}
		plan := make([]float64, m.Cols())
		for j, name := range m.ColName {
			plan[j] = x[name]
		}
		if r := check.Solution(m, plan, 30+2*20); !r.Passed {
			t.Errorf("one set-up and 20 kept for one period: %+v", r)
		}
	})
	for name, text := range map[string]string{
		"a file that ends too early": "2 3\n1\n100\n1 2 5 30\n",
		"no items":                   "0 3\n1\n100\n",
		"half an item":               "1.5 3\n1\n100\n",
		"a negative demand":          strings.Replace(one, "20", "-20", 1),
		"words":                      "hello",
		"nothing":                    "",
		"absurd sizes":               "9999 999 1 1",
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			if _, err := trigeiro.Read(strings.NewReader(text)); err == nil {
				t.Error("accepted")
			}
		})
	}
}
