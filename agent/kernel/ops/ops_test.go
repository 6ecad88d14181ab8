package ops_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/ops"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
	"github.com/dyocense/dyocense/shared/fault"
)

func example(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/inventory_simple.ops.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func instantiate(t *testing.T, text string) *ops.Instance {
	t.Helper()
	s, err := ops.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Instantiate()
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func solved(t *testing.T, in *ops.Instance) solve.Outcome {
	t.Helper()
	if err := highs.Available(); err != nil {
		t.Skipf("the solver engine is not in the tree: %v", err)
	}
	engine, err := highs.Load(t.Context(), highs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(t.Context())
	out, err := check.Solver{Inner: engine}.Solve(t.Context(), in.Model, solve.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInventorySimple(t *testing.T) {
	t.Run("costs 466.25", func(t *testing.T) {
		in := instantiate(t, example(t))
		out := solved(t, in)
		if out.Status != solve.Optimal || math.Abs(out.Objective-466.25) > 1e-9 {
			t.Fatalf("got %+v", out)
		}
		e := in.Evaluate(out.X)
		if !e.Holds() || math.Abs(e.Objective-466.25) > 1e-9 || e.KPIs[0].Value != 215 || in.Value(out.X, "stock", "gadget") != 95 {
			t.Errorf("the document says %+v", e)
		}
	})
	t.Run("names rows and rules", func(t *testing.T) {
		m := instantiate(t, example(t)).Model
		if d := cmp.Diff([]string{"cover[widget]", "cover[gadget]"}, m.RowName); d != "" {
			t.Error(d)
		}
		if m.RowRule[0] != "demand" || m.ColName[1] != "stock[gadget]" {
			t.Errorf("got %v %v", m.RowRule, m.ColName)
		}
	})
}

const periods = `{
  "ops": 1, "name": "periods",
  "sets": [{"name": "T", "from": 1, "to": 3}],
  "parameters": [
    {"name": "demand", "over": ["T"], "values": {"2": 10, "3": 30}, "default": 0},
    {"name": "opening", "value": 5}
  ],
  "variables": [
    {"name": "order", "over": ["T"], "type": "integer", "upper": 20},
    {"name": "stock", "over": ["T"]}
  ],
  "constraints": [
    {"id": "start", "rule": "balance", "must": "stock[\"1\"] = opening + order[\"1\"] - demand[\"1\"]"},
    {"id": "flow", "rule": "balance", "forAll": "t in T", "must": "stock[t] - stock[t-1] <= order[t] - demand[t] + opening"},
    {"id": "even", "rule": "wish", "forAll": "t in T", "must": "order[t] <= 8", "severity": "soft", "penalty": 3}
  ],
  "objective": {"sense": "minimize", "terms": [
    {"id": "orders", "expression": "sum(t in T: order[t])"},
    {"id": "keep", "expression": "sum(t in T: stock[t])", "weight": 0.1}
  ]}
}`

func TestPeriods(t *testing.T) {
	t.Run("agrees with the model about soft constraints and earlier periods", func(t *testing.T) {
		in := instantiate(t, periods)
		out := solved(t, in)
		if out.Status != solve.Optimal {
			t.Fatalf("got %+v", out)
		}
		e := in.Evaluate(out.X)
		if !e.Holds() || math.Abs(e.Objective-out.Objective) > 1e-6 {
			t.Errorf("the model says %v, the document %+v", out.Objective, e)
		}
	})
	t.Run("sees a plan that breaks a constraint", func(t *testing.T) {
		in := instantiate(t, example(t))
		e := in.Evaluate([]float64{120, 90})
		if e.Holds() || e.Broken[0].Rule != "demand" || e.Broken[0].At[0] != "gadget" || e.Broken[0].Amount != 5 {
			t.Errorf("got %+v", e)
		}
	})
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	t.Run("reports all mistakes at once, each with its place", func(t *testing.T) {
		t.Parallel()
		text := strings.NewReplacer(
			`"ops": 1`, `"ops": 7`,
			`stock[i] >= demand[i]`, `stock[j] >= demnd[i] * stock[i] * stock[i]`,
			`"sense": "minimize"`, `"sense": "smaller"`,
			`"gadget": 95`, `"gizmo": 95`,
		).Replace(example(t))
		_, err := ops.Read(strings.NewReader(text))
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid {
			t.Fatalf("got %v", err)
		}
		var places []string
		for _, d := range f.Details {
			places = append(places, d.Location)
		}
		all := strings.Join(places, " ")
		for _, want := range []string{"ops", "constraints[0].must", "objective.sense", "parameters[0].values.gizmo"} {
			if !strings.Contains(all, want) {
				t.Errorf("nothing is said about %s in %s", want, all)
			}
		}
	})
	for name, change := range map[string][2]string{
		"a position in the text":     {`stock[i] >= demand[i]`, `stock[i] >= demand[i`},
		"an unknown field":           {`"name": "inventory_simple"`, `"name": "x", "colour": "red"`},
		"a product of variables":     {`holding[i] * stock[i]`, `stock[i] * stock[i]`},
		"a division by a variable":   {`holding[i] * stock[i]`, `holding[i] / stock[i]`},
		"an index of another set":    {`"forAll": "i in SKU"`, `"forAll": "i in WEEK"`},
		"a member twice":             {`["widget", "gadget"]`, `["widget", "widget"]`},
		"a missing value":            {`"widget": 120, `, ``},
		"no variables":               {`{"name": "stock", "unit": "pieces", "over": ["SKU"]}`, ``},
		"an unknown variable type":   {`"unit": "pieces", "over": ["SKU"]}`, `"type": "maybe", "over": ["SKU"]}`},
		"a constraint of constants":  {`stock[i] >= demand[i]`, `1 >= demand[i]`},
		"nesting without end":        {`stock[i] >= demand[i]`, strings.Repeat("(", 100) + "1" + strings.Repeat(")", 100) + " <= stock[i]"},
		"text after the document":    {"\"pieces\"}]\n}", "\"pieces\"}]\n} {}"},
		"a number that is not small": {`120`, `1e300`},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(example(t), change[0], change[1], 1)
			if text == example(t) {
				t.Fatal("the case changes nothing")
			}
			if _, err := ops.Read(strings.NewReader(text)); fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("says where the text is wrong", func(t *testing.T) {
		t.Parallel()
		_, err := ops.ParseExpr("1 + * 2")
		if err == nil || !strings.Contains(err.Error(), "character 5") {
			t.Errorf("got %v", err)
		}
	})
}

// expressions draws trees of any shape.
func expressions() *rapid.Generator[ops.Expr] {
	names := rapid.SampledFrom([]string{"a", "stock", "x_1", "größe"})
	indices := rapid.Custom(func(t *rapid.T) ops.Index {
		if rapid.Bool().Draw(t, "member") {
			return ops.Index{Name: rapid.StringMatching(`[ -~]{1,5}`).Draw(t, "name"), Member: true}
		}
		return ops.Index{Name: names.Draw(t, "index"), Shift: rapid.IntRange(-3, 3).Draw(t, "shift")}
	})
	var tree func(depth int) *rapid.Generator[ops.Expr]
	tree = func(depth int) *rapid.Generator[ops.Expr] {
		return rapid.Custom(func(t *rapid.T) ops.Expr {
			kinds := []ops.Op{ops.Number, ops.Reference, ops.Sum, ops.Add, ops.Subtract, ops.Multiply, ops.Divide, ops.Negate}
			if depth == 0 {
				kinds = kinds[:2]
			}
			e := ops.Expr{Op: rapid.SampledFrom(kinds).Draw(t, "op")}
			arguments := 2
			switch e.Op {
			case ops.Number:
				e.Value, arguments = rapid.Float64Range(-1e9, 1e9).Draw(t, "value")+0, 0
			case ops.Reference:
				e.Name, arguments = names.Draw(t, "name"), 0
				if at := rapid.SliceOfN(indices, 0, 2).Draw(t, "at"); len(at) > 0 {
					e.At = at
				}
			case ops.Sum:
				e.Over, arguments = ops.Ranges{{Index: "i", Set: "SKU"}}, 1
			case ops.Negate:
				arguments = 1
			}
			for range arguments {
				e.Args = append(e.Args, tree(depth-1).Draw(t, "argument"))
			}
			return e
		})
	}
	return tree(4)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	t.Run("parses what it prints to the same tree", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			e := expressions().Draw(t, "expression")
			back, err := ops.ParseExpr(e.String())
			if err != nil {
				t.Fatalf("%s: %v", e, err)
			}
			if d := cmp.Diff(e, back); d != "" {
				t.Fatalf("%s: %s", e, d)
			}
		})
	})
	t.Run("reads the JSON tree it writes", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			e := expressions().Draw(t, "expression")
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var back ops.Expr
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if d := cmp.Diff(e, back); d != "" {
				t.Fatalf("%s: %s", text, d)
			}
		})
	})
	t.Run("writes a document that reads back the same", func(t *testing.T) {
		t.Parallel()
		s, err := ops.Read(strings.NewReader(example(t)))
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ops.Read(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s, back); d != "" {
			t.Error(d)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add(example(f))
	f.Add(periods)
	f.Fuzz(func(_ *testing.T, text string) {
		s, err := ops.Read(strings.NewReader(text))
		if err == nil {
			_ = s.Validate()
		}
	})
}

func FuzzParseRelation(f *testing.F) {
	f.Add(`stock[i,t-1] + 2.5e-3*sum(i in SKU: -a["x"]) <= (b)/3`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ops.ParseRelation(text)
		if err != nil {
			return
		}
		if _, err := ops.ParseRelation(r.String()); err != nil {
			t.Fatalf("%q prints as %q: %v", text, r, err)
		}
	})
}
