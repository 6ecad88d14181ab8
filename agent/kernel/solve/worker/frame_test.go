package worker

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

func sample() *model.Model {
	var b model.Builder
	x := b.Col("x", -model.Inf, model.Inf, 1.5, true)
	y := b.Col("y", 0, 3, -2, false)
	b.Row("r", "one", -model.Inf, 4, model.Term{Col: x, Coef: 1}, model.Term{Col: y, Coef: 0.1})
	b.AddConstant(7)
	m := b.Build("")
	m.Maximize = true
	return m
}

func TestCodec(t *testing.T) {
	t.Parallel()
	t.Run("brings a model and its options across unchanged", func(t *testing.T) {
		t.Parallel()
		m := sample()
		o := solve.Options{TimeLimit: 1500 * time.Millisecond, RelativeGap: -1, Seed: 9, MemoryMiB: 64}
		body, err := encodeSolve(m, o)
		if err != nil {
			t.Fatal(err)
		}
		gotModel, gotOptions, err := decodeSolve(body)
		if err != nil {
			t.Fatal(err)
		}
		m.ColName, m.RowName, m.RowRule = nil, nil, nil
		if d := cmp.Diff(m, gotModel); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(o, gotOptions); d != "" {
			t.Error(d)
		}
	})
	t.Run("brings a result across unchanged", func(t *testing.T) {
		t.Parallel()
		bound := 3.0
		out := solve.Outcome{Status: solve.Feasible, X: []float64{1, math.Pi}, Objective: 4, Bound: &bound, Stopped: "time_limit", Seconds: 2, Nodes: 8, Detail: "so"}
		body, err := encodeResult(out)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeResult(body, 2)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(out, got); d != "" {
			t.Error(d)
		}
		if _, err := decodeResult(body, 3); err == nil {
			t.Error("a plan for another model was accepted")
		}
	})
	t.Run("refuses a length that is only promised", func(t *testing.T) {
		t.Parallel()
		_, err := readFrame(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0x3f, byte(kindSolve), 1, 2}))
		if !errors.Is(err, errFrame) {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzParent feeds the parent's side whatever a broken child may send.
func FuzzParent(f *testing.F) {
	body, err := encodeResult(solve.Outcome{Status: solve.Optimal, X: []float64{1, 2}})
	if err != nil {
		f.Fatal(err)
	}
	for _, k := range []kind{kindHello, kindProgress, kindResult, kindLog} {
		var b bytes.Buffer
		if err := writeFrame(&b, k, body); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bytes.NewReader(stream)
		for {
			fr, err := readFrame(r)
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, errFrame) {
					t.Fatalf("an unknown error: %v", err)
				}
				return
			}
			out, final := hear(fr, 2, func(solve.Progress) {})
			if final && out.Status.HasPlan() && len(out.X) != 2 {
				t.Fatalf("a plan of %d numbers for 2 columns", len(out.X))
			}
		}
	})
}

// FuzzChild feeds the child's side whatever a broken parent may send.
func FuzzChild(f *testing.F) {
	body, err := encodeSolve(sample(), solve.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add(body[:len(body)-3])
	f.Fuzz(func(t *testing.T, body []byte) {
		m, _, err := decodeSolve(body)
		if err != nil {
			return
		}
		if err := m.Validate(); err != nil {
			t.Fatalf("an invalid model was accepted: %v", err)
		}
	})
}
