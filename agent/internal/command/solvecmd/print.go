package solvecmd

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/dyocense/dyocense/agent/kernel/ops"
	"github.com/dyocense/dyocense/agent/kernel/routing"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// answer is what came of one file.
type answer struct {
	problem    problem
	outcome    solve.Outcome
	tours      [][]int
	evaluation *ops.Evaluation
	conflict   []string
}

// document is the JSON form; its fields are a promise.
type document struct {
	Status        solve.Status `json:"status"`
	Objective     *float64     `json:"objective"` // null without a plan
	Bound         *float64     `json:"bound"`     // null when nothing is proven
	Gap           *float64     `json:"gap"`
	Engine        string       `json:"engine"`
	EngineVersion string       `json:"engineVersion"`
	Seconds       float64      `json:"seconds"`
	Checked       bool         `json:"checked"`
	Conflict      []string     `json:"conflict,omitempty"`
	Stopped       string       `json:"stopped,omitempty"`
	Detail        string       `json:"detail,omitempty"`
	Nodes         int64        `json:"nodes,omitempty"`
}

func (a *answer) print(w io.Writer, asJSON bool) error {
	if !asJSON {
		return a.printText(w)
	}
	o := a.outcome
	d := document{
		Status: o.Status, Bound: o.Bound, Gap: o.Gap, Engine: o.Engine, EngineVersion: o.EngineVersion,
		Seconds: o.Seconds, Checked: o.Checked, Conflict: a.conflict, Stopped: o.Stopped, Detail: o.Detail, Nodes: o.Nodes,
	}
	if o.Status.HasPlan() {
		d.Objective = &o.Objective
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(d); err != nil {
		return fmt.Errorf("printing the result: %w", err)
	}
	return nil
}

// mostLines is how many numbers of a plan the text form lists.
const mostLines = 60

func (a *answer) printText(w io.Writer) error {
	o := a.outcome
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	// The table keeps its first write error for Flush.
	line := func(name, value string) { _, _ = fmt.Fprintf(t, "%s\t%s\n", name, value) }
	status := strings.ReplaceAll(string(o.Status), "_", " ")
	if o.Stopped != "" {
		status += " (stopped: " + strings.ReplaceAll(o.Stopped, "_", " ") + ")"
	}
	line("Status", status)
	if o.Status.HasPlan() {
		line("Objective", figure(o.Objective))
	}
	if o.Bound != nil {
		line("Bound", figure(*o.Bound))
	}
	if o.Gap != nil {
		line("Gap", fmt.Sprintf("%.4g %%", 100**o.Gap))
	}
	if o.Engine != "" {
		line("Engine", strings.TrimSpace(o.Engine+" "+o.EngineVersion))
	}
	line("Time", fmt.Sprintf("%.2f s", o.Seconds))
	if o.Status.HasPlan() {
		line("Checked", map[bool]string{true: "yes", false: "no"}[o.Checked])
	}
	if o.Detail != "" {
		line("Why", o.Detail)
	}
	for _, c := range a.conflict {
		line("Conflict", c)
	}
	a.printPlan(t)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("printing the result: %w", err)
	}
	return nil
}

// printPlan lists what a person can use: tours, figures, the decisions of a spec.
func (a *answer) printPlan(t io.Writer) {
	for k, tour := range routing.Sorted(a.tours) {
		stops := make([]string, len(tour))
		for n, place := range tour {
			stops[n] = strconv.Itoa(place)
		}
		_, _ = fmt.Fprintf(t, "Tour %d\t%s\n", k+1, strings.Join(stops, " "))
	}
	if a.evaluation == nil {
		return
	}
	_, _ = fmt.Fprintln(t)
	for _, f := range append(append([]ops.Figure{}, a.evaluation.Terms...), a.evaluation.KPIs...) {
		_, _ = fmt.Fprintf(t, "%s\t%s\n", f.ID, strings.TrimSpace(figure(f.Value)+" "+f.Unit))
	}
	_, _ = fmt.Fprintln(t)
	left := 0
	listed := 0
	for j, v := range a.outcome.X {
		if math.Abs(v) < 1e-9 {
			continue
		}
		if listed == mostLines {
			left++
			continue
		}
		listed++
		_, _ = fmt.Fprintf(t, "%s\t%s\n", a.problem.model.ColName[j], figure(v))
	}
	if left > 0 {
		_, _ = fmt.Fprintf(t, "(and %d more)\t\n", left)
	}
}

// figure prints a number as people write it: at most six decimals, none needless.
func figure(v float64) string {
	if math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'g', 10, 64)
	}
	text := strconv.FormatFloat(v, 'f', 6, 64)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" {
		return "0"
	}
	return text
}
