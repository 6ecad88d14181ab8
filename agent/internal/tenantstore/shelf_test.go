package tenantstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

func TestShelf(t *testing.T) {
	t.Parallel()
	mongoFactory := func(t testing.TB, dedicated bool) Factory {
		server := mongo.Get(t)
		database := server.Database(t)[:20]
		f, err := NewMongoFactory(t.Context(), server.URI, MongoOptions{Database: database, Dedicated: dedicated}, notes())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, kind := range []struct {
		name    string
		factory func(testing.TB) Factory
	}{
		{"sqlite", func(t testing.TB) Factory {
			f, err := NewSQLiteFactory(t.TempDir(), notes())
			if err != nil {
				t.Fatal(err)
			}
			return f
		}},
		{"mongo pool", func(t testing.TB) Factory { return mongoFactory(t, false) }},
		{"mongo dedicated", func(t testing.TB) Factory { return mongoFactory(t, true) }},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			shelf := NewShelf(kind.factory(t), 2)
			t.Cleanup(func() { noError(t, shelf.Close()) })
			testShelf(t, shelf)
		})
	}
}

func testShelf(t *testing.T, shelf *Shelf) {
	ctx := t.Context()
	a, b := id.NewTenant(), id.NewTenant()
	if b < a { // made in one millisecond
		a, b = b, a
	}
	t.Run("knows only tenants that were created", func(t *testing.T) {
		for _, tenant := range []id.Tenant{a, "", "../../etc/passwd", "ten_x"} {
			_, _, err := shelf.Open(ctx, tenant)
			wantErr(t, string(tenant), err, ErrNoTenant)
		}
		if tenants, err := shelf.Tenants(ctx); err != nil || len(tenants) != 0 {
			t.Errorf("tenants %v, error %v", tenants, err)
		}
		wantErr(t, "create a malformed one", shelf.Create(ctx, "../x"), ErrNoTenant)
	})
	t.Run("creates once, however often it is asked", func(t *testing.T) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { noError(t, shelf.Create(ctx, a)) })
		}
		all.Wait()
		noError(t, shelf.Create(ctx, b))
		tenants, err := shelf.Tenants(ctx)
		if diff := cmp.Diff([]id.Tenant{a, b}, tenants); diff != "" || err != nil {
			t.Errorf("error %v: %s", err, diff)
		}
	})
	use := func(t *testing.T, tenant id.Tenant, f func(*Store)) {
		t.Helper()
		s, release, err := shelf.Open(ctx, tenant)
		if err != nil {
			t.Fatalf("open %s: %v", tenant, err)
		}
		defer release()
		f(s)
	}
	t.Run("keeps tenants apart that use the same ids", func(t *testing.T) {
		for n, tenant := range []id.Tenant{a, b} {
			use(t, tenant, func(s *Store) {
				do(t, s, "same-command", putNote("same-id", note{Text: string(tenant), N: n}))
				do(t, s, "", putNote("only-"+string(tenant), note{N: n}))
			})
		}
		blobs := map[id.Tenant]Blob{}
		for n, tenant := range []id.Tenant{a, b} {
			use(t, tenant, func(s *Store) {
				want := map[string]note{"same-id": {Text: string(tenant), N: n}, "only-" + string(tenant): {N: n}}
				if diff := cmp.Diff(want, contents(t, s)); diff != "" {
					t.Error(diff)
				}
				for _, q := range []docstore.Query{{Index: "by_n"}, {Index: "by_n", Desc: true}, {From: "a", To: "z"}, {Desc: true}} {
					page, err := s.Find(ctx, "notes", q)
					if err != nil || len(page.Docs) != 2 {
						t.Errorf("find %+v: %d documents, error %v", q, len(page.Docs), err)
					}
				}
				blob, err := s.PutBlob(ctx, []byte("secret of "+tenant))
				noError(t, err)
				blobs[tenant] = blob
				if r := verified(t, s); r.Slots != 2 {
					t.Errorf("%d slots", r.Slots)
				}
			})
		}
		use(t, a, func(s *Store) {
			_, err := s.GetBlob(ctx, blobs[b])
			wantErr(t, "a blob of the other tenant", err, docstore.ErrNotFound)
			for _, guess := range []string{string(b) + "/same-id", "../" + string(b) + "/same-id", "/same-id"} {
				wantErr(t, guess, s.Get(ctx, "notes", guess, &note{}), docstore.ErrNotFound)
			}
		})
	})
	t.Run("gives the same store to those who share it", func(t *testing.T) {
		use(t, a, func(one *Store) {
			use(t, a, func(two *Store) {
				if one != two {
					t.Error("there are two")
				}
			})
		})
	})
	t.Run("serves more tenants than it keeps open", func(t *testing.T) {
		more := []id.Tenant{a, b}
		for range 3 {
			tenant := id.NewTenant()
			noError(t, shelf.Create(ctx, tenant))
			more = append(more, tenant)
		}
		var all sync.WaitGroup
		for c, tenant := range more {
			all.Go(func() {
				for i := range 3 {
					use(t, tenant, func(s *Store) { do(t, s, "", putNote(fmt.Sprint("many-", c, i), note{})) })
				}
			})
		}
		all.Wait()
		shelf.mu.Lock()
		opened := len(shelf.handles)
		shelf.mu.Unlock()
		if opened > 2 {
			t.Errorf("%d are open", opened)
		}
	})
	t.Run("removes a tenant when nobody uses it any more", func(t *testing.T) {
		_, release, err := shelf.Open(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		impatient, cancel := context.WithCancel(ctx)
		cancel()
		wantErr(t, "remove while in use", shelf.Remove(impatient, a), ErrBusy)
		removed := make(chan error, 1)
		go func() { removed <- shelf.Remove(ctx, a) }()
		release()
		release() // giving back twice is harmless
		noError(t, <-removed)
		_, _, err = shelf.Open(ctx, a)
		wantErr(t, "open", err, ErrNoTenant)
		noError(t, shelf.Remove(ctx, a))
		use(t, b, func(s *Store) {
			if _, there := contents(t, s)["same-id"]; !there {
				t.Error("the other tenant lost a document")
			}
		})
	})
	t.Run("starts a tenant afresh that is created again", func(t *testing.T) {
		noError(t, shelf.Create(ctx, a))
		use(t, a, func(s *Store) {
			if got := contents(t, s); len(got) != 0 {
				t.Errorf("it has %v", got)
			}
			if r := do(t, s, "same-command", putNote("x", note{})); r.Replayed || r.Slot != 1 {
				t.Errorf("its first command: %+v", r)
			}
		})
	})
	t.Run("refuses to open after Close, which waits for users", func(t *testing.T) {
		s, release, err := shelf.Open(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		closed := make(chan error, 1)
		go func() { closed <- shelf.Close() }()
		do(t, s, "", putNote("during", note{}))
		release()
		noError(t, <-closed)
		_, _, err = shelf.Open(ctx, b)
		wantErr(t, "open", err, ErrClosed)
		wantErr(t, "create", shelf.Create(ctx, b), ErrClosed)
	})
}

func TestSQLiteFactory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := NewSQLiteFactory(dir, notes())
	if err != nil {
		t.Fatal(err)
	}
	tenant := id.NewTenant()
	noError(t, f.Create(t.Context(), tenant))
	path := filepath.Join(dir, "tenants", string(tenant)+".db")
	t.Run("keeps one file per tenant that nobody else may read", func(t *testing.T) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("file %v, error %v", info, err)
		}
	})
	t.Run("lets one process have a tenant open", func(t *testing.T) {
		docs, err := f.Open(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Open(t.Context(), tenant)
		wantErr(t, "second open", err, docstore.ErrUnavailable)
		noError(t, docs.Close())
	})
	t.Run("leaves no file behind", func(t *testing.T) {
		noError(t, f.Remove(t.Context(), tenant))
		left, err := filepath.Glob(path + "*")
		if err != nil || len(left) != 0 {
			t.Errorf("left %v, error %v", left, err)
		}
	})
	t.Run("creates an empty tenant beside what a cut-off removal left", func(t *testing.T) {
		noError(t, f.Create(t.Context(), tenant))
		docs, err := f.Open(t.Context(), tenant)
		noError(t, err)
		do(t, open(t, docs), "", putNote("old", note{"old", 1}))
		log, err := os.ReadFile(path + "-wal") // still open: the log holds the write
		noError(t, err)
		noError(t, docs.Close())
		noError(t, f.Remove(t.Context(), tenant))
		noError(t, os.WriteFile(path+"-wal", log, 0o600))
		noError(t, f.Create(t.Context(), tenant))
		docs, err = f.Open(t.Context(), tenant)
		noError(t, err)
		if got := contents(t, open(t, docs)); len(got) != 0 {
			t.Errorf("it holds %v", got)
		}
		noError(t, docs.Close())
		noError(t, f.Remove(t.Context(), tenant))
	})
	t.Run("says what is wrong with a file that is not ours", func(t *testing.T) {
		stranger := id.NewTenant()
		if err := os.WriteFile(filepath.Join(dir, "tenants", string(stranger)+".db"), []byte("not a database at all, just text of some length"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Open(t.Context(), stranger); !errors.Is(err, docstore.ErrInvalid) {
			t.Errorf("got %v", err)
		}
	})
}
