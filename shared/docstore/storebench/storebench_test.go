package storebench_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore/mongostore"
	"github.com/dyocense/dyocense/shared/docstore/mongotest"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/docstore/storebench"
)

// documents is how many the figures are taken at; BENCH_DOCUMENTS raises it.
func documents(t *testing.T) int {
	n := 1000
	if s := os.Getenv("BENCH_DOCUMENTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("BENCH_DOCUMENTS: %v", err)
		}
	}
	return n
}

func check(t *testing.T, figures []storebench.Figure) {
	t.Helper()
	if len(figures) == 0 {
		t.Error("nothing was measured")
	}
	for _, f := range figures {
		t.Logf("%-45s %10.0f %s", f.Name, f.Value, f.Unit)
		if f.Value <= 0 {
			t.Errorf("%s is %g", f.Name, f.Value)
		}
	}
}

func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("measuring takes half a minute; this run is short")
	}
	t.Run("measures SQLite and its raw driver", func(t *testing.T) {
		s, err := sqlitestore.Open(filepath.Join(t.TempDir(), "s.db"), sqlitestore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		figures, err := storebench.Run(t.Context(), s, documents(t))
		if err != nil {
			t.Fatal(err)
		}
		turns, err := storebench.AgainstRaw(t.Context(), s, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		check(t, append(figures, turns...))
	})
	t.Run("measures MongoDB", func(t *testing.T) {
		var server mongotest.Shared
		t.Cleanup(server.Stop)
		s, err := mongostore.Open(t.Context(), server.Get(t).URI, server.Get(t).Database(t), mongostore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		figures, err := storebench.Run(t.Context(), s, documents(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		check(t, figures)
	})
}
