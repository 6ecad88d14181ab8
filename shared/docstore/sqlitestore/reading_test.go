package sqlitestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
)

func reading(t *testing.T, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.OpenForReading(path, sqlitestore.Options{})
	if err != nil {
		t.Fatalf("open %s for reading: %v", path, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close %s: %v", path, err)
		}
	})
	return s
}

func TestReading(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "s.db")
	writer := open(t, path)
	things := storetest.Things()
	if err := writer.Ensure(ctx, things); err != nil {
		t.Fatal(err)
	}
	put := func(id string) {
		t.Helper()
		if err := writer.Insert(ctx, things.Name, docstore.Document{ID: id, Body: []byte(`{"mail":"` + id + `"}`)}); err != nil {
			t.Fatal(err)
		}
	}
	put("a")
	reader := reading(t, path)
	if err := reader.Ensure(ctx, things, docstore.Collection{Name: "later"}); err != nil {
		t.Fatal(err)
	}
	put("b")
	if d, err := reader.Get(ctx, things.Name, "b"); err != nil || string(d.Body) != `{"mail":"b"}` {
		t.Errorf("what the writer wrote since: %s, %v", d.Body, err)
	}
	if n, err := reader.Size(ctx, things.Name); err != nil || n.Documents != 2 {
		t.Errorf("counted %d, %v", n.Documents, err)
	}
	if page, err := reader.Find(ctx, "later", docstore.Query{}); err != nil || len(page.Docs) != 0 {
		t.Errorf("a collection the file does not have: %v, %v", page.Docs, err)
	}
	if err := reader.Insert(ctx, things.Name, docstore.Document{ID: "c", Body: []byte(`{}`)}); !errors.Is(err, docstore.ErrUnavailable) {
		t.Errorf("a write: %v", err)
	}
	if err := reader.Ping(ctx); err != nil {
		t.Errorf("ping: %v", err)
	}
}

func TestReadingAFileThatNobodyHasOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	writer := open(t, path)
	things := storetest.Things()
	if err := writer.Ensure(t.Context(), things); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reader := reading(t, path)
	if err := reader.Ensure(t.Context(), things); err != nil {
		t.Fatal(err)
	}
	if page, err := reader.Find(t.Context(), things.Name, docstore.Query{}); err != nil || len(page.Docs) != 0 {
		t.Errorf("%v, %v", page.Docs, err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("reading changed the file: %v", err)
	}
}

func TestReadingWhatIsNotThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.db")
	if _, err := sqlitestore.OpenForReading(path, sqlitestore.Options{}); !errors.Is(err, docstore.ErrNotFound) {
		t.Errorf("no file: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("reading made a file")
	}
	if err := os.WriteFile(path, []byte("not a database, and long enough to have a header"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlitestore.OpenForReading(path, sqlitestore.Options{}); !errors.Is(err, docstore.ErrInvalid) {
		t.Errorf("no database: %v", err)
	}
}
