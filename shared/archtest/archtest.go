// Package archtest keeps ARCHITECTURE.md true: it fails a test when a package
// imports a neighbour that the map does not allow, or has no package comment.
//
// It owns the check, not the maps: each module has its own in a test.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Map says which neighbours each package may import, by the first path element
// below the root. A package that is not in the map may be imported by nobody in
// it except those that name it, and may itself import anything.
type Map map[string][]string

// Check holds every package below root (an import path) to m. Every key of m must
// exist, so that the map does not outlive what it speaks of.
func Check(t *testing.T, root string, m Map) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Doc,GoFiles", root+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	slice := func(path string) string {
		below, ok := strings.CutPrefix(path, root+"/")
		if !ok {
			return ""
		}
		name, _, _ := strings.Cut(below, "/")
		return name
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Doc  string
			Imports, GoFiles []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("read package list: %v", err)
		}
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		from := slice(p.ImportPath)
		seen[from] = true
		allowed, listed := m[from]
		if !listed {
			continue
		}
		for _, imported := range p.Imports {
			if to := slice(imported); to != "" && to != from && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s, but the map allows %s only %v", p.ImportPath, imported, from, allowed)
			}
		}
	}
	for name := range m {
		if !seen[name] {
			t.Errorf("the map speaks of %s, which does not exist", name)
		}
	}
}
