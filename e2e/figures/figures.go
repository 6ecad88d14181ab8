// Package figures is how every benchmark of this repository reports: a table for
// people, a file for programs, and one closing line.
//
// It owns the format, which others script against. It measures nothing.
package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// Better says in which direction a figure is good.
type Better string

// The directions.
const (
	Lower  Better = "lower"
	Higher Better = "higher"
)

// Figure is one measured value with its bar. A figure without a bar is for
// information; Held is then true.
type Figure struct {
	Name   string   `json:"name"`
	Value  float64  `json:"value"`
	Unit   string   `json:"unit"`
	Bar    *float64 `json:"bar"`
	Better Better   `json:"better"`
	Held   bool     `json:"held"`
}

// Report collects figures.
type Report struct{ figures []Figure }

// Bar adds a figure that should not be beyond bar.
func (r *Report) Bar(name string, value float64, unit string, better Better, bar float64) {
	held := value <= bar
	if better == Higher {
		held = value >= bar
	}
	r.figures = append(r.figures, Figure{name, value, unit, &bar, better, held})
}

// Info adds a figure without a bar.
func (r *Report) Info(name string, value float64, unit string, better Better) {
	r.figures = append(r.figures, Figure{Name: name, Value: value, Unit: unit, Better: better, Held: true})
}

// Print writes the table and the closing line.
func (r *Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	wide := 0
	for _, f := range r.figures {
		wide = max(wide, len(f.Name))
	}
	_, _ = fmt.Fprintf(t, "%-*s\tmeasured\tunit\tbar\theld\t\n", wide, "figure")
	held, bars := 0, 0
	for _, f := range r.figures {
		bar, verdict := "", ""
		if f.Bar != nil {
			bars++
			sign := "<="
			if f.Better == Higher {
				sign = ">="
			}
			bar, verdict = fmt.Sprintf("%s %s", sign, number(*f.Bar)), "no"
			if f.Held {
				held++
				verdict = "yes"
			}
		}
		_, _ = fmt.Fprintf(t, "%-*s\t%s\t%s\t%s\t%s\t\n", wide, f.Name, number(f.Value), f.Unit, bar, verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d of %d bars held\n", held, bars)
	return err
}

// Write puts the figures into a file.
func (r *Report) Write(path string) error {
	body, err := json.MarshalIndent(r.figures, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make folder of figures: %w", err)
	}
	return os.WriteFile(path, append(body, '\n'), 0o644)
}

func number(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.3g", v)
	}
}

// Quantile of durations, in milliseconds; q is from 0 to 1. It sorts a copy and
// takes the nearest rank. Without durations it is 0.
func Quantile(durations []time.Duration, q float64) float64 {
	if len(durations) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(durations))
	rank := int(q*float64(len(sorted)) + 0.999999)
	rank = min(max(rank, 1), len(sorted))
	return float64(sorted[rank-1].Microseconds()) / 1000
}
