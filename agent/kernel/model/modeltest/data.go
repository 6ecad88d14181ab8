// Package modeltest finds the public test instances that the tests solve.
//
// It owns where they lie: in the folder named by DYOCENSE_TESTDATA, or in
// shared/data beside a folder above. They are not part of the repository.
package modeltest

import (
	"os"
	"path/filepath"
	"testing"
)

// Path of a public instance such as "mip/egout.mps". A test without it is
// skipped, by name.
func Path(t testing.TB, name string) string {
	t.Helper()
	if root := os.Getenv("DYOCENSE_TESTDATA"); root != "" {
		path := filepath.Join(root, name)
		if _, err := os.Stat(path); err != nil {
			t.Skipf("the public instance %s is not in DYOCENSE_TESTDATA", name)
		}
		return path
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skipf("the public instance %s is missing: set DYOCENSE_TESTDATA to the folder that has it", name)
		}
		dir = parent
	}
}
