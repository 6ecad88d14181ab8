package worker

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

type hello struct {
	Protocol int    `json:"protocol"`
	Engine   string `json:"engine"`
	Version  string `json:"version"`
	Error    string `json:"error,omitempty"` // why there is no engine
}

type logLine struct {
	Line string `json:"line"`
}

type solveHeader struct {
	Maximize    bool    `json:"maximize"`
	Constant    float64 `json:"constant"`
	Cols        int     `json:"cols"`
	Rows        int     `json:"rows"`
	Entries     int     `json:"entries"`
	TimeLimitMs int64   `json:"timeLimitMs"`
	RelativeGap float64 `json:"relativeGap"` // as in solve.Options: 0 is the default, negative is 0
	Seed        int     `json:"seed"`
	MemoryMiB   int     `json:"memoryMiB"`
}

type progressBody struct {
	ElapsedMs int64    `json:"elapsedMs"`
	Objective *float64 `json:"objective,omitempty"`
	Bound     *float64 `json:"bound,omitempty"`
	Gap       *float64 `json:"gap,omitempty"`
	Nodes     int64    `json:"nodes"`
}

type resultHeader struct {
	Status    solve.Status `json:"status"`
	Objective float64      `json:"objective"`
	Bound     *float64     `json:"bound,omitempty"`
	Gap       *float64     `json:"gap,omitempty"`
	Stopped   string       `json:"stopped,omitempty"`
	Seconds   float64      `json:"seconds"`
	Nodes     int64        `json:"nodes"`
	Detail    string       `json:"detail,omitempty"`
	Cols      int          `json:"cols"` // numbers in x
}

func appendFloats(b []byte, values []float64) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func appendInts(b []byte, values []int32) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// reader takes arrays off a byte slice; once something is missing, short stays set.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.short = true
		return nil
	}
	part := r.rest[:n]
	r.rest = r.rest[n:]
	return part
}

func (r *reader) floats(n int) []float64 {
	raw := r.take(8 * n)
	if raw == nil {
		return nil
	}
	values := make([]float64, n)
	for k := range values {
		values[k] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*k:]))
	}
	return values
}

func (r *reader) ints(n int) []int32 {
	raw := r.take(4 * n)
	if raw == nil {
		return nil
	}
	values := make([]int32, n)
	for k := range values {
		values[k] = int32(binary.LittleEndian.Uint32(raw[4*k:]))
	}
	return values
}

// encodeSolve is the body of a solve frame.
func encodeSolve(m *model.Model, o solve.Options) ([]byte, error) {
	b, err := withHeader(solveHeader{
		Maximize: m.Maximize, Constant: m.Constant, Cols: m.Cols(), Rows: m.Rows(), Entries: m.NonZeros(),
		TimeLimitMs: o.TimeLimit.Milliseconds(), RelativeGap: o.RelativeGap, Seed: o.Seed, MemoryMiB: o.MemoryMiB,
	})
	if err != nil {
		return nil, err
	}
	b = appendFloats(b, m.Cost)
	b = appendFloats(b, m.ColLower)
	b = appendFloats(b, m.ColUpper)
	for _, whole := range m.Integer {
		if whole {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	b = appendFloats(b, m.RowLower)
	b = appendFloats(b, m.RowUpper)
	b = appendInts(b, m.Start)
	b = appendInts(b, m.Index)
	return appendFloats(b, m.Value), nil
}

// decodeSolve reads a solve frame; the model is valid when there is no error.
func decodeSolve(body []byte) (*model.Model, solve.Options, error) {
	h, rest, err := header[solveHeader](body)
	if err != nil {
		return nil, solve.Options{}, err
	}
	if h.Cols < 0 || h.Rows < 0 || h.Entries < 0 || h.Cols > model.MaxCols || h.Rows > model.MaxRows || h.Entries > model.MaxNonZeros {
		return nil, solve.Options{}, fmt.Errorf("a model of %d columns, %d rows, %d entries: %w", h.Cols, h.Rows, h.Entries, errFrame)
	}
	r := reader{rest: rest}
	m := &model.Model{Maximize: h.Maximize, Constant: h.Constant}
	m.Cost, m.ColLower, m.ColUpper = r.floats(h.Cols), r.floats(h.Cols), r.floats(h.Cols)
	for _, whole := range r.take(h.Cols) {
		m.Integer = append(m.Integer, whole == 1)
	}
	m.RowLower, m.RowUpper = r.floats(h.Rows), r.floats(h.Rows)
	m.Start, m.Index, m.Value = r.ints(h.Rows+1), r.ints(h.Entries), r.floats(h.Entries)
	if r.short || len(r.rest) != 0 {
		return nil, solve.Options{}, fmt.Errorf("the arrays do not have the promised lengths: %w", errFrame)
	}
	if err := m.Validate(); err != nil {
		return nil, solve.Options{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	return m, solve.Options{
		TimeLimit:   time.Duration(h.TimeLimitMs) * time.Millisecond,
		RelativeGap: h.RelativeGap, Seed: h.Seed, MemoryMiB: h.MemoryMiB,
	}, nil
}

// encodeResult is the body of a result frame.
func encodeResult(out solve.Outcome) ([]byte, error) {
	b, err := withHeader(resultHeader{
		Status: out.Status, Objective: out.Objective, Bound: out.Bound, Gap: out.Gap, Stopped: out.Stopped,
		Seconds: out.Seconds, Nodes: out.Nodes, Detail: out.Detail, Cols: len(out.X),
	})
	return appendFloats(b, out.X), err
}

// decodeResult reads a result frame for a model of cols columns.
func decodeResult(body []byte, cols int) (solve.Outcome, error) {
	h, rest, err := header[resultHeader](body)
	if err != nil {
		return solve.Outcome{}, err
	}
	wanted := 0
	switch h.Status {
	case solve.Optimal, solve.Feasible:
		wanted = cols
	case solve.InfeasibleProven, solve.NoSolutionFound, solve.Unbounded, solve.InvalidInput,
		solve.Cancelled, solve.EngineUnavailable, solve.EngineCrash:
	default:
		return solve.Outcome{}, fmt.Errorf("the status %q is not known: %w", h.Status, errFrame)
	}
	r := reader{rest: rest}
	x := r.floats(wanted)
	if r.short || len(r.rest) != 0 || h.Cols != wanted {
		return solve.Outcome{}, fmt.Errorf("a plan of %d numbers for %d columns: %w", h.Cols, cols, errFrame)
	}
	return solve.Outcome{
		Status: h.Status, X: x, Objective: h.Objective, Bound: h.Bound, Gap: h.Gap, Stopped: h.Stopped,
		Seconds: h.Seconds, Nodes: h.Nodes, Detail: h.Detail,
	}, nil
}

func encodeProgress(p solve.Progress) progressBody {
	return progressBody{p.Elapsed.Milliseconds(), p.Objective, p.Bound, p.Gap, p.Nodes}
}

func (p progressBody) decode() solve.Progress {
	return solve.Progress{
		Elapsed:   time.Duration(p.ElapsedMs) * time.Millisecond,
		Objective: p.Objective, Bound: p.Bound, Gap: p.Gap, Nodes: p.Nodes,
	}
}
