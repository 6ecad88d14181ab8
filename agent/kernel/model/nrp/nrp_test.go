package nrp_test

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/model/modeltest"
	"github.com/dyocense/dyocense/agent/kernel/model/nrp"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
)

func TestPublicRosters(t *testing.T) {
	for name, want := range map[string]float64{"curtois_instance1.txt": 607, "curtois_instance2.txt": 828} {
		t.Run("proves the known optimum of "+name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("takes up to a minute")
			}
			if err := highs.Available(); err != nil {
				t.Skipf("the solver engine is not in the tree: %v", err)
			}
			file, err := os.Open(modeltest.Path(t, "roster/"+name))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			in, err := nrp.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			engine, err := highs.Load(t.Context(), highs.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer engine.Close(t.Context())
			out, err := check.Solver{Inner: engine}.Solve(t.Context(), in.Model(name), solve.Options{RelativeGap: -1, TimeLimit: 5 * time.Minute}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out.Status != solve.Optimal || math.Abs(out.Objective-want) > 1e-4 {
				t.Errorf("got %s %v %s, want %v", out.Status, out.Objective, out.Detail, want)
			}
			t.Logf("%v in %.1f s, %d nodes", out.Objective, out.Seconds, out.Nodes)
		})
	}
}

// tiny needs one person on each of three days; A wants day 1 off.
const tiny = `SECTION_HORIZON
3
SECTION_SHIFTS
D,480,
SECTION_STAFF
A,D=3,1440,0,3,1,1,1
SECTION_SHIFT_OFF_REQUESTS
A,1,D,7
SECTION_COVER
0,D,1,100,1
1,D,1,100,1
2,D,1,100,1
`

func TestRead(t *testing.T) {
	t.Parallel()
	t.Run("reads an instance and prices its requests", func(t *testing.T) {
		t.Parallel()
		in, err := nrp.Read(strings.NewReader(tiny))
		if err != nil {
			t.Fatal(err)
		}
		m := in.Model("tiny")
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		x := make([]float64, m.Cols())
		for j, name := range m.ColName {
			if strings.HasPrefix(name, "x(") {
				x[j] = 1
			}
		}
		if r := check.Solution(m, x, 7); !r.Passed {
			t.Errorf("working every day costs 7 and is allowed: %+v", r)
		}
	})
	for name, text := range map[string]string{
		"a shift nobody declared":   strings.Replace(tiny, "A,1,D,7", "A,1,N,7", 1),
		"a day after the horizon":   strings.Replace(tiny, "A,1,D,7", "A,3,D,7", 1),
		"a number that is none":     strings.Replace(tiny, "480", "long", 1),
		"a section nobody knows":    "SECTION_WISHES\n1\n",
		"nothing at all":            "",
		"a huge horizon":            "SECTION_HORIZON\n1000000000\n",
		"a person with few fields":  strings.Replace(tiny, "A,D=3,1440,0,3,1,1,1", "A,D=3", 1),
		"a negative weight":         strings.Replace(tiny, "A,1,D,7", "A,1,D,-7", 1),
		"cover with a missing cost": strings.Replace(tiny, "0,D,1,100,1", "0,D,1,100", 1),
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			if _, err := nrp.Read(strings.NewReader(text)); err == nil {
				t.Error("accepted")
			}
		})
	}
}
