// Command testreport reads what `go test -json` writes, prints it short, and ends
// with what the machine could not run, by name and reason.
//
//	go test -json ./... | testreport -title "smb mode"
//
// It exits with 1 when a test failed, a package did not build, or no test ran.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sort"
	"strings"
)

// event is one line of go test -json.
type event struct {
	Action     string
	Package    string
	Test       string
	Output     string
	Elapsed    float64
	ImportPath string // of build output
}

type report struct {
	passed, failed, skipped int
	broken                  []string // packages that failed outside any test
	reasons                 map[string]string
	output                  map[string][]string // by package and test
}

func main() {
	title := flag.String("title", "tests", "what the closing lines are about")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *title); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, w io.Writer, title string) error {
	out := log.New(w, "", 0)
	r := report{reasons: map[string]string{}, output: map[string][]string{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<20), 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			out.Print(lines.Text()) // not JSON: go itself speaks
			continue
		}
		r.take(out, e)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read test output: %w", err)
	}
	return r.close(out, title)
}

func (r *report) take(out *log.Logger, e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		if e.Test != "" {
			r.output[key] = append(r.output[key], e.Output)
		} else if !strings.HasPrefix(e.Output, "PASS") {
			r.output[e.Package] = append(r.output[e.Package], e.Output)
		}
	case "build-output":
		out.Print(e.Output)
	case "pass":
		if e.Test != "" {
			r.passed++
			delete(r.output, key)
		} else {
			out.Printf("ok    %-70s %6.1fs\n", short(e.Package), e.Elapsed)
		}
	case "skip":
		if e.Test != "" {
			r.skipped++
			r.reasons[short(e.Package)+" "+e.Test] = reason(r.output[key])
		}
	case "fail":
		if e.Test != "" {
			r.failed++
			out.Printf("FAIL  %s %s\n%s", short(e.Package), e.Test, indent(r.output[key]))
		} else {
			out.Printf("FAIL  %-70s %6.1fs\n%s", short(e.Package), e.Elapsed, indent(r.output[e.Package]))
			r.broken = append(r.broken, short(e.Package))
		}
	}
}

func (r *report) close(out *log.Logger, title string) error {
	if len(r.reasons) > 0 {
		out.Printf("\nNot run on this machine (%s):\n", title)
		names := make([]string, 0, len(r.reasons))
		for name := range r.reasons {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			out.Printf("  %s: %s\n", name, r.reasons[name])
		}
	}
	out.Printf("\n%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	switch {
	case len(r.broken) > 0:
		return fmt.Errorf("%s: failed in %s", title, strings.Join(r.broken, ", "))
	case r.failed > 0:
		return fmt.Errorf("%s: %d tests failed", title, r.failed)
	case r.passed == 0:
		return fmt.Errorf("%s: no test ran", title)
	}
	return nil
}

func short(pkg string) string { return strings.TrimPrefix(pkg, "github.com/dyocense/dyocense/") }

// reason is what a skipped test said, without its file name.
func reason(output []string) string {
	for _, line := range output {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") || line == "" {
			continue
		}
		if _, said, ok := strings.Cut(line, ".go:"); ok {
			if _, text, ok := strings.Cut(said, ": "); ok {
				return text
			}
		}
		return line
	}
	return "no reason given"
}

func indent(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("      " + l)
	}
	return b.String()
}
