package sqlitestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
)

// childFile, when set, makes the test binary a writer that is there to be killed.
const childFile = "SQLITESTORE_CHILD_FILE"

func TestMain(m *testing.M) {
	path := os.Getenv(childFile)
	if path == "" {
		os.Exit(m.Run())
	}
	s, err := sqlitestore.Open(path, sqlitestore.Options{})
	if err == nil {
		err = s.Ensure(context.Background(), storetest.Things())
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	storetest.WriteUnderWitness(context.Background(), s, fmt.Sprint(os.Getpid()), 8, os.Stdout)
}

func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	var lines []string
	for range 4 {
		lines = append(lines, killedWriter(t, path)...)
		s := open(t, path)
		if err := s.Integrity(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Ensure(t.Context(), storetest.Things()); err != nil {
			t.Fatal(err)
		}
		storetest.CheckWitnessed(t, s, lines)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d acknowledged writes, all present", len(lines))
}

// killedWriter runs a child, kills it after a random number of acknowledged
// writes, and returns all of them. While it lives, the file is its own.
func killedWriter(t *testing.T, path string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childFile+"="+path)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	enough := 50 + rand.IntN(1000)
	var lines []string
	for scan := bufio.NewScanner(out); scan.Scan(); {
		lines = append(lines, scan.Text())
		switch len(lines) {
		case 10:
			if _, err := sqlitestore.Open(path, sqlitestore.Options{}); !errors.Is(err, docstore.ErrUnavailable) {
				t.Errorf("a second process may open the file: %v", err)
			}
		case enough:
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if len(lines) < enough {
		t.Fatalf("the child wrote %d lines and ended: %s", len(lines), complaints.String())
	}
	return lines
}
