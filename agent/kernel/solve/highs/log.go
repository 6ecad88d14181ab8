package highs

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// parseProgress reads one row of the branch-and-bound table HiGHS prints:
//
//	Src  Proc. InQueue |  Leaves   Expl. | BestBound  BestSol  Gap |  Cuts  InLp Confl. | LpIters  Time
//
// The first column may be missing, so the fields are counted from the right. ok
// is false for every other line.
func parseProgress(line string) (p solve.Progress, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 12 || len(fields) > 13 {
		return p, false
	}
	f := fields[len(fields)-12:]
	if !strings.HasSuffix(f[11], "s") || !strings.HasSuffix(f[3], "%") {
		return p, false
	}
	seconds, err := strconv.ParseFloat(strings.TrimSuffix(f[11], "s"), 64)
	if err != nil {
		return p, false
	}
	if p.Nodes, err = count(f[0]); err != nil {
		return p, false
	}
	p.Elapsed = time.Duration(seconds * float64(time.Second))
	p.Bound = finite(f[4])
	p.Objective = finite(f[5])
	if p.Bound != nil && p.Objective != nil {
		p.Gap = solve.GapOf(*p.Objective, *p.Bound)
	}
	return p, true
}

// count reads a number HiGHS may have shortened: 1234, 12k, 3m.
func count(s string) (int64, error) {
	scale := int64(1)
	switch {
	case strings.HasSuffix(s, "k"):
		s, scale = strings.TrimSuffix(s, "k"), 1000
	case strings.HasSuffix(s, "m"):
		s, scale = strings.TrimSuffix(s, "m"), 1000_000
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n * scale, err
}

// finite is the number in s; nil for none and for an infinite one.
func finite(s string) *float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil
	}
	return finiteValue(v)
}

func finiteValue(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) >= 1e30 {
		return nil
	}
	return &v
}
