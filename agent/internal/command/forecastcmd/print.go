package forecastcmd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dyocense/dyocense/agent/kernel/forecast"
)

// object is what --json prints for a series. Others script against it.
type object struct {
	ID        string               `json:"id"`
	Method    forecast.Method      `json:"method"`
	Mean      []float64            `json:"mean"`
	Quantiles map[string][]float64 `json:"quantiles"` // by level: "0.9"
}

func levelName(level float64) string { return strconv.FormatFloat(level, 'g', -1, 64) }

func printJSON(out io.Writer, forecasts []forecast.Forecast) error {
	buffered := bufio.NewWriter(out)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	for _, f := range forecasts {
		o := object{ID: f.ID, Method: f.Method, Mean: f.Mean, Quantiles: map[string][]float64{}}
		for l, level := range forecast.Levels {
			o.Quantiles[levelName(level)] = f.Quantiles[l]
		}
		if err := encoder.Encode(o); err != nil {
			return fmt.Errorf("print the forecast of %s: %w", f.ID, err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("print the forecasts: %w", err)
	}
	return nil
}

// printTable prints one line a step, numbers aligned to the right, and the
// reason for the method beside the first step.
func printTable(out io.Writer, forecasts []forecast.Forecast) error {
	header := []string{"id", "method", "step", "mean"}
	for _, level := range forecast.Levels {
		header = append(header, levelName(level))
	}
	const texts = 2 // leading columns aligned to the left
	lines, notes := [][]string{header}, []string{"why"}
	for _, f := range forecasts {
		for i := range f.Mean {
			cells := []string{f.ID, string(f.Method), strconv.Itoa(i + 1), number(f.Mean[i])}
			for l := range forecast.Levels {
				cells = append(cells, number(f.Quantiles[l][i]))
			}
			lines = append(lines, cells)
			if i > 0 {
				notes = append(notes, "")
			} else {
				notes = append(notes, f.Note)
			}
		}
	}
	widths := make([]int, len(header))
	for _, cells := range lines {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	buffered := bufio.NewWriter(out)
	for k, cells := range lines {
		var line strings.Builder
		for i, cell := range cells {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i < texts {
				line.WriteString(cell + padding + "  ")
			} else {
				line.WriteString(padding + cell + "  ")
			}
		}
		line.WriteString(notes[k])
		if _, err := buffered.WriteString(strings.TrimRight(line.String(), " ") + "\n"); err != nil {
			return fmt.Errorf("print the forecasts: %w", err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("print the forecasts: %w", err)
	}
	return nil
}

// number has two decimals, or four digits where two decimals would hide it.
func number(v float64) string {
	if size := math.Abs(v); size != 0 && (size < 0.05 || size >= 1e12) {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
