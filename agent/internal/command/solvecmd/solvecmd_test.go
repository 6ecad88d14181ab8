package solvecmd_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/agent/internal/command"
	"github.com/dyocense/dyocense/agent/internal/command/solvecmd"
	"github.com/dyocense/dyocense/agent/internal/command/workercmd"
	"github.com/dyocense/dyocense/agent/kernel/model/modeltest"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
)

// TestMain makes the test binary a worker when the command starts it as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		if err := workercmd.Run(context.Background(), os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// solve runs the command and gives its exit code, output and error.
func solve(t *testing.T, args ...string) (code int, out string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := solvecmd.New()
	c.SetArgs(args)
	c.SetOut(&stdout)
	c.SetErr(&stderr)
	err = c.ExecuteContext(t.Context())
	return command.CodeOf(err), stdout.String(), err
}

type result struct {
	Status        string   `json:"status"`
	Objective     *float64 `json:"objective"`
	Bound         *float64 `json:"bound"`
	Gap           *float64 `json:"gap"`
	Engine        string   `json:"engine"`
	EngineVersion string   `json:"engineVersion"`
	Seconds       float64  `json:"seconds"`
	Checked       bool     `json:"checked"`
	Conflict      []string `json:"conflict"`
	Detail        string   `json:"detail"`
}

func solveJSON(t *testing.T, args ...string) (int, result) {
	t.Helper()
	code, out, _ := solve(t, append(args, "--json")...)
	var r result
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%q is not JSON: %v", out, err)
	}
	return code, r
}

func needEngine(t *testing.T) {
	t.Helper()
	if err := highs.Available(); err != nil {
		t.Skipf("the solver engine is not in the tree: %v", err)
	}
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const tinyMPS = "NAME tiny\nROWS\n N cost\n G need\nCOLUMNS\n x cost 1\n x need 1\nRHS\n RHS need %s\nBOUNDS\n UP BND x 5\nENDATA\n"

func TestPublicInstances(t *testing.T) {
	needEngine(t)
	for name, want := range map[string]float64{"egout": 568.1007, "bell5": 8966406.49, "p0548": 8691} {
		t.Run("solves "+name+" to its known optimum", func(t *testing.T) {
			code, r := solveJSON(t, modeltest.Path(t, "mip/"+name+".mps"), "--gap", "0")
			if code != 0 || r.Status != "optimal" || !r.Checked || r.Objective == nil || math.Abs(*r.Objective-want) > 1e-6*want+1e-4 ||
				r.Engine != "highs-embedded" || r.EngineVersion == "" || r.Gap == nil {
				t.Errorf("exit %d, %+v", code, r)
			}
		})
	}
	for _, name := range []string{"infeasible-mip0", "infeasible-mip1", "klein1", "galenet"} {
		t.Run("exits 3 for "+name, func(t *testing.T) {
			code, r := solveJSON(t, modeltest.Path(t, "mip/"+name+".mps"))
			if code != 3 || r.Status != "infeasible_proven" || r.Objective != nil {
				t.Errorf("exit %d, %+v", code, r)
			}
		})
	}
	t.Run("plans tours", func(t *testing.T) {
		code, r := solveJSON(t, modeltest.Path(t, "routing/X-n101-k25.vrp"), "--format", "vrplib", "--time-limit", "10", "--seed", "4")
		if code != 0 || r.Status != "feasible" || !r.Checked || r.Engine != "routing-embedded" || r.Bound != nil || *r.Objective > 1.05*27591 {
			t.Errorf("exit %d, %+v", code, r)
		}
	})
}

func TestExitCodes(t *testing.T) {
	needEngine(t)
	cases := map[string]struct {
		file   func(t *testing.T) string
		args   []string
		code   int
		status string
	}{
		"0 for a solved model":       {func(t *testing.T) string { return file(t, "a.mps", fmt.Sprintf(tinyMPS, "3")) }, nil, 0, "optimal"},
		"3 for an infeasible one":    {func(t *testing.T) string { return file(t, "a.mps", fmt.Sprintf(tinyMPS, "9")) }, nil, 3, "infeasible_proven"},
		"4 for an unbounded one":     {func(t *testing.T) string { return file(t, "a.mps", unbounded) }, nil, 4, "unbounded"},
		"2 for a file that is not":   {func(t *testing.T) string { return filepath.Join(t.TempDir(), "none.mps") }, nil, 2, "invalid_input"},
		"2 for binary":               {func(t *testing.T) string { return file(t, "a.mps", "\x00\x01") }, nil, 2, "invalid_input"},
		"2 for an empty file":        {func(t *testing.T) string { return file(t, "a.mps", "") }, nil, 2, "invalid_input"},
		"2 for half a gzip":          {func(t *testing.T) string { return file(t, "a.mps.gz", "\x1f\x8b\x08") }, nil, 2, "invalid_input"},
		"2 for an unclear name":      {func(t *testing.T) string { return file(t, "a.txt", "") }, nil, 2, "invalid_input"},
		"2 for an unknown format":    {func(t *testing.T) string { return file(t, "a.txt", "") }, []string{"--format", "lp"}, 2, "invalid_input"},
		"2 for an absurd time limit": {func(t *testing.T) string { return file(t, "a.mps", fmt.Sprintf(tinyMPS, "3")) }, []string{"--time-limit", "-1"}, 2, "invalid_input"},
		"2 for a gap beyond 1":       {func(t *testing.T) string { return file(t, "a.mps", fmt.Sprintf(tinyMPS, "3")) }, []string{"--gap", "NaN"}, 2, "invalid_input"},
		"6 for an engine not here":   {func(t *testing.T) string { return file(t, "a.mps", fmt.Sprintf(tinyMPS, "3")) }, []string{"--engine", "gurobi"}, 6, "engine_unavailable"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			code, r := solveJSON(t, append([]string{c.file(t)}, c.args...)...)
			if code != c.code || r.Status != c.status {
				t.Errorf("exit %d, %+v", code, r)
			}
			if code != 0 && code != 3 && code != 4 && r.Detail == "" {
				t.Error("nothing says why")
			}
		})
	}
	t.Run("2 without a file, and for flags nobody knows", func(t *testing.T) {
		if code, _, _ := solve(t); code != 2 {
			t.Errorf("exit %d", code)
		}
		if code, _, _ := solve(t, "a.mps", "--colour"); code != 2 {
			t.Errorf("exit %d", code)
		}
	})
}

const unbounded = "NAME u\nROWS\n N cost\n G need\nCOLUMNS\n x cost -1\n x need 1\nRHS\n RHS need 1\nENDATA\n"

func TestFormats(t *testing.T) {
	needEngine(t)
	t.Run("reads compressed MPS", func(t *testing.T) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(fmt.Sprintf(tinyMPS, "3")))
		_ = w.Close()
		if code, r := solveJSON(t, file(t, "a.mps.gz", b.String())); code != 0 || *r.Objective != 3 {
			t.Errorf("exit %d, %+v", code, r)
		}
	})
	t.Run("solves a problem spec and prints its decisions", func(t *testing.T) {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "kernel", "ops", "testdata", "inventory_simple.ops.json"))
		if err != nil {
			t.Fatal(err)
		}
		path := file(t, "inventory.ops.json", string(text))
		if code, r := solveJSON(t, path); code != 0 || math.Abs(*r.Objective-466.25) > 1e-9 || r.Status != "optimal" {
			t.Errorf("exit %d, %+v", code, r)
		}
		code, out, _ := solve(t, path)
		for _, want := range []string{"Status     optimal", "Objective  466.25", "Checked    yes", "total_stock   215 pieces", "stock[gadget]  95"} {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
	})
	t.Run("lists every mistake of a spec", func(t *testing.T) {
		_, _, err := solve(t, file(t, "a.ops.json", `{"ops": 2, "name": "x", "variables": [], "objective": {"sense": "up", "terms": []}}`))
		if err == nil || strings.Count(err.Error(), "\n") < 4 {
			t.Errorf("got %v", err)
		}
	})
}
