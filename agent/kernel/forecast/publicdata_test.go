package forecast

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// publicFile finds a file of the public test data: in the folder that
// DYOCENSE_TESTDATA names, or in a folder shared/data beside the repository or
// above it. It skips the test where there is none.
func publicFile(t testing.TB, name string) string {
	t.Helper()
	var candidates []string
	if root := os.Getenv("DYOCENSE_TESTDATA"); root != "" {
		candidates = append(candidates, filepath.Join(root, name))
	} else {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for parent := filepath.Dir(dir); parent != dir; dir, parent = parent, filepath.Dir(parent) {
			candidates = append(candidates, filepath.Join(parent, "shared", "data", name))
		}
	}
	for _, path := range candidates {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("public test data %s is not here: set DYOCENSE_TESTDATA to its folder, or put it into shared/data beside the repository", name)
	return ""
}

// competition is one series of M1 or M3 with what came after it.
type competition struct {
	Series
	group  string
	actual []float64
}

var periodsOfGroups = map[string]int{"YEARLY": 1, "QUARTERLY": 4, "MONTHLY": 12, "OTHER": 1}

func readCompetition(t testing.TB, name string) []competition {
	t.Helper()
	var all []competition
	eachLine(t, publicFile(t, name), func(fields []string) {
		values := numbers(t, fields[4])
		if fields[3] == "actual" {
			all[len(all)-1].actual = values
			return
		}
		all = append(all, competition{
			Series: Series{ID: fields[0], Values: values, Period: periodsOfGroups[fields[1]]},
			group:  strings.ToLower(fields[1]),
		})
	})
	return all
}

func eachLine(t testing.TB, path string, do func(fields []string)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	lines.Scan() // the header
	for lines.Scan() {
		do(strings.Split(lines.Text(), ","))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func numbers(t testing.TB, text string) []float64 {
	t.Helper()
	var values []float64
	for _, word := range strings.Fields(text) {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}
