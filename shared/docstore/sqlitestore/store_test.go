package sqlitestore_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
)

func open(t testing.TB, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(path, sqlitestore.Options{})
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close %s: %v", path, err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) docstore.Store { return open(t, filepath.Join(t.TempDir(), "s.db")) })
}

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("keeps documents across a reopening", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "deep", "er", "a b?%.db")
		s := open(t, path)
		things := storetest.Things()
		if err := s.Ensure(t.Context(), things); err != nil {
			t.Fatal(err)
		}
		if err := s.Insert(t.Context(), "things", docstore.Document{ID: "x", Body: []byte(`{"mail":"m"}`)}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, path)
		if err := s.Ensure(t.Context(), things); err != nil {
			t.Fatal(err)
		}
		if d, err := s.Get(t.Context(), "things", "x"); err != nil || string(d.Body) != `{"mail":"m"}` {
			t.Errorf("read %s, error %v", d.Body, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		changed := open(t, path)
		things.Indexes[0].Fields = []string{"size"}
		if err := changed.Ensure(t.Context(), things); !errors.Is(err, docstore.ErrDeclaration) {
			t.Errorf("an index of another shape than the stored one: %v", err)
		}
	})
	t.Run("refuses a file that is open", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "s.db")
		s := open(t, path)
		if _, err := sqlitestore.Open(path, sqlitestore.Options{}); !errors.Is(err, docstore.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("the first store after that: %v", err)
		}
	})
	t.Run("refuses files of others", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		text := filepath.Join(dir, "text.db")
		if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 500)), 0o600); err != nil {
			t.Fatal(err)
		}
		other := filepath.Join(dir, "other.db")
		db, err := sql.Open("sqlite", other)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("CREATE TABLE theirs (x)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{text, other} {
			if _, err := sqlitestore.Open(path, sqlitestore.Options{}); !errors.Is(err, docstore.ErrInvalid) {
				t.Errorf("%s: got %v", path, err)
			}
		}
		if _, err := sqlitestore.Open(dir, sqlitestore.Options{}); !errors.Is(err, docstore.ErrUnavailable) {
			t.Errorf("a folder: got %v", err)
		}
	})
	t.Run("makes files that only their owner reads", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "s.db")
		s := open(t, path)
		if err := s.Ensure(t.Context(), storetest.Things()); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
			info, err := os.Stat(path + suffix)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, error %v", suffix, info.Mode(), err)
			}
		}
	})
	t.Run("says when a unique index cannot be made", func(t *testing.T) {
		t.Parallel()
		s := open(t, filepath.Join(t.TempDir(), "s.db"))
		c := docstore.Collection{Name: "things"}
		if err := s.Ensure(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"a", "b"} {
			if err := s.Insert(t.Context(), "things", docstore.Document{ID: id, Body: []byte(`{"mail":"m"}`)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Ensure(t.Context(), storetest.Things()); !errors.Is(err, docstore.ErrExists) {
			t.Errorf("got %v", err)
		}
		if _, err := s.Get(t.Context(), "things", "a"); err != nil {
			t.Errorf("the store after that: %v", err)
		}
	})
}

// BenchmarkOpen is a cold open of an existing file with its collections.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s.db")
	for b.Loop() {
		s, err := sqlitestore.Open(path, sqlitestore.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Ensure(b.Context(), storetest.Things()); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCloseFoldsTheLogIntoTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	if err := s.Ensure(t.Context(), storetest.Things()); err != nil {
		t.Fatal(err)
	}
	if err := s.Insert(t.Context(), "things", docstore.Document{ID: "x", Body: []byte(`{"mail":"m"}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "things", "x"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(path + "-*"); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
