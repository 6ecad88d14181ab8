package tenantstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/mongostore"
	"github.com/dyocense/dyocense/shared/docstore/mongotest"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
)

var mongo mongotest.Shared

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		if err := writeAsChild(path); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	mongo.Stop()
	os.Exit(code)
}

// note is a document of the tests.
type note struct {
	Text string `json:"text"`
	N    int    `json:"n"`
}

func notes() []docstore.Collection {
	return []docstore.Collection{
		{Name: "notes", Indexes: []docstore.Index{{Name: "by_n", Fields: []string{"n"}}}},
		{Name: "others"},
	}
}

// backends are the document stores that the same tests run on.
func backends(t *testing.T, test func(t *testing.T, docs func(testing.TB) docstore.Store)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, func(t testing.TB) docstore.Store { return sqlite(t, filepath.Join(t.TempDir(), "t.db")) })
	})
	t.Run("mongo", func(t *testing.T) {
		t.Parallel()
		test(t, func(t testing.TB) docstore.Store {
			server := mongo.Get(t)
			s, err := mongostore.Open(t.Context(), server.URI, server.Database(t), mongostore.Options{Prefix: "ten_a"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { noError(t, s.Close()) })
			return s
		})
	})
}

func sqlite(t testing.TB, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(path, sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { noError(t, s.Close()) })
	return s
}

func open(t testing.TB, docs docstore.Store) *Store {
	t.Helper()
	s, err := Open(t.Context(), docs, notes(), "")
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { noError(t, s.Close()) })
	return s
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func do(t testing.TB, s *Store, id string, change func(*Tx) error) Receipt {
	t.Helper()
	r, err := s.Do(t.Context(), Command{ID: id, Kind: "test", Actor: "tester"}, change)
	if err != nil {
		t.Fatalf("do %q: %v", id, err)
	}
	return r
}

func putNote(id string, n note) func(*Tx) error {
	return func(tx *Tx) error { return tx.Put("notes", id, n) }
}

func verified(t testing.TB, s *Store) Report {
	t.Helper()
	r, err := s.Verify(t.Context())
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	if !r.OK() {
		t.Errorf("the documents do not follow from the journal: %q", r.Problems)
	}
	return r
}

// crashing is a document store whose process dies in the middle of a Batch.
type crashing struct {
	docstore.Store

	mu      sync.Mutex
	after   int // steps of the next Batch that still happen; -1: all
	crashed bool
}

var errCrash = docstore.ErrClosed.Because(errors.New("the process died here"))

func (c *crashing) Batch(ctx context.Context, ops ...docstore.Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.crashed:
		return errCrash
	case c.after < 0:
		return c.Store.Batch(ctx, ops...)
	}
	c.crashed = true
	if err := c.Store.Batch(ctx, ops[:min(c.after, len(ops))]...); err != nil {
		return err
	}
	return errCrash
}

func (c *crashing) Get(ctx context.Context, collection, id string) (docstore.Document, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.crashed {
		return docstore.Document{}, errCrash
	}
	return c.Store.Get(ctx, collection, id)
}

func (c *crashing) Find(ctx context.Context, collection string, q docstore.Query) (docstore.Page, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.crashed {
		return docstore.Page{}, errCrash
	}
	return c.Store.Find(ctx, collection, q)
}

// contents are all notes.
func contents(t testing.TB, s *Store) map[string]note {
	t.Helper()
	out := map[string]note{}
	q := docstore.Query{}
	for {
		page, err := s.Find(t.Context(), "notes", q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Docs {
			var n note
			if err := json.Unmarshal(d.Body, &n); err != nil {
				t.Fatal(err)
			}
			out[d.ID] = n
		}
		if page.Next == "" {
			return out
		}
		q.After = page.Next
	}
}
