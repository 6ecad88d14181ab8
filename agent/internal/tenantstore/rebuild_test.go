package tenantstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// homes are the places where tenants lie.
func homes(t *testing.T, test func(t *testing.T, f Factory)) {
	mongoHome := func(t *testing.T, dedicated bool) Factory {
		server := mongo.Get(t)
		f, err := NewMongoFactory(t.Context(), server.URI, MongoOptions{Database: server.Database(t)[:20], Dedicated: dedicated}, notes())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for name, home := range map[string]func(t *testing.T) Factory{
		"sqlite": func(t *testing.T) Factory {
			f, err := NewSQLiteFactory(t.TempDir(), notes())
			if err != nil {
				t.Fatal(err)
			}
			return f
		},
		"mongo pool":      func(t *testing.T) Factory { return mongoHome(t, false) },
		"mongo dedicated": func(t *testing.T) Factory { return mongoHome(t, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, home(t))
		})
	}
}

// carriedEntry is an entry on its way from one place to another.
type carriedEntry struct {
	id   string
	body []byte
}

// journalOf is the journal of a tenant as it is stored, read beside its owner.
func journalOf(t *testing.T, f Factory, tenant id.Tenant) []carriedEntry {
	t.Helper()
	raw, closing, err := ReadTenant(t.Context(), f, tenant)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { noError(t, closing()) }()
	end, err := raw.End(t.Context())
	noError(t, err)
	var all []carriedEntry
	noError(t, raw.Journal(t.Context(), end, func(id string, body []byte) error {
		all = append(all, carriedEntry{id, bytes.Clone(body)})
		return nil
	}))
	return all
}

// written is a tenant with a few notes.
func written(t *testing.T, shelf *Shelf, n int) id.Tenant {
	t.Helper()
	tenant := id.NewTenant()
	noError(t, shelf.Create(t.Context(), tenant))
	more(t, shelf, tenant, 1, n)
	return tenant
}

func more(t *testing.T, shelf *Shelf, tenant id.Tenant, from, to int) {
	t.Helper()
	s, release, err := shelf.Open(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for i := from; i <= to; i++ {
		do(t, s, fmt.Sprintf("c%d", i), putNote(fmt.Sprintf("n%d", i%4), note{N: i}))
	}
}

func take(entries []carriedEntry, slots int) func(*Rebuild) error {
	return func(r *Rebuild) error {
		for _, e := range entries[:slots] {
			if err := r.Take(context.Background(), e.id, e.body); err != nil {
				return err
			}
		}
		_, err := r.Owned(context.Background(), "", "", false)
		return err
	}
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	homes(t, func(t *testing.T, f Factory) {
		shelf := NewShelf(f, 4)
		t.Cleanup(func() { noError(t, shelf.Close()) })
		ctx := t.Context()
		tenant := written(t, shelf, 6)
		entries := journalOf(t, f, tenant)

		_, err := shelf.Rebuild(ctx, tenant, false, take(entries, 6))
		wantErr(t, "rebuild a tenant that exists", err, ErrExists)

		_, err = shelf.Rebuild(ctx, "../x", false, take(entries, 6))
		wantErr(t, "rebuild a malformed one", err, ErrNoTenant)

		other := id.NewTenant()
		broken := errors.New("the disk is full")
		_, err = shelf.Rebuild(ctx, other, false, func(r *Rebuild) error {
			return errors.Join(take(entries, 3)(r), broken)
		})
		wantErr(t, "rebuild that fails half-way", err, broken)
		_, _, err = shelf.Open(ctx, other)
		wantErr(t, "open what failed half-way", err, ErrNoTenant)

		_, err = shelf.Rebuild(ctx, other, false, take(append(entries[:2:2], entries[3:]...), 5))
		wantErr(t, "rebuild with a gap", err, ErrDamaged)

		if _, err := shelf.Rebuild(ctx, other, false, take(entries, 6)); err != nil {
			t.Fatal(err)
		}
		s, release, err := shelf.Open(ctx, other)
		if err != nil {
			t.Fatal(err)
		}
		if r := verified(t, s); r.Slots != 6 {
			t.Errorf("rebuilt %d slots", r.Slots)
		}
		do(t, s, "after", putNote("n9", note{N: 9})) // it accepts writes
		if r := do(t, s, "c3", putNote("n3", note{N: 33})); !r.Replayed {
			t.Error("a command of before took effect twice")
		}
		release()

		more(t, shelf, tenant, 7, 9)
		kept, err := shelf.Rebuild(ctx, tenant, true, take(entries, 4))
		if err != nil {
			t.Fatal(err)
		}
		s, release, err = shelf.Open(ctx, tenant)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]note{"n0": {N: 4}, "n1": {N: 1}, "n2": {N: 2}, "n3": {N: 3}}
		if diff := cmp.Diff(want, contents(t, s)); diff != "" {
			t.Errorf("at slot 4: %s", diff)
		}
		verified(t, s)
		release()
		tenants, err := shelf.Tenants(ctx)
		if err != nil || len(tenants) != 2 {
			t.Errorf("tenants %v, %v", tenants, err)
		}
		if _, files := f.(*sqliteFactory); files {
			docs := sqlite(t, kept)
			if r := verified(t, open(t, docs)); r.Slots != 9 {
				t.Errorf("kept %d slots of the tenant that was replaced", r.Slots)
			}
		} else if kept != "" {
			t.Errorf("kept %s", kept)
		}
	})
}

func TestARebuildThatWasKilledLeavesTheTenantAsItWas(t *testing.T) {
	t.Parallel()
	homes(t, func(t *testing.T, f Factory) {
		shelf := NewShelf(f, 4)
		t.Cleanup(func() { noError(t, shelf.Close()) })
		ctx := t.Context()
		tenant := written(t, shelf, 5)
		entries := journalOf(t, f, tenant)
		switch f := f.(type) {
		case *sqliteFactory: // what is left is half a file and its log
			path, err := f.path(tenant)
			noError(t, err)
			for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
				noError(t, os.WriteFile(path+buildSuffix+suffix, []byte("half"), 0o600))
			}
			if s, release, err := shelf.Open(ctx, tenant); err != nil || len(contents(t, s)) != 4 {
				t.Errorf("the tenant after the crash: %v", err)
			} else {
				release()
			}
		case *mongoFactory: // what is left is a tenant that nobody can open
			noError(t, shelf.Remove(ctx, tenant))
			noError(t, f.registry.Insert(ctx, registryCollection, docstore.Document{ID: string(tenant), Body: []byte(buildingBody)}))
			_, _, err := shelf.Open(ctx, tenant)
			wantErr(t, "open half a tenant", err, ErrNoTenant)
			wantErr(t, "create over half a tenant", shelf.Create(ctx, tenant), ErrBusy)
		}
		if _, err := shelf.Rebuild(ctx, tenant, true, take(entries, 5)); err != nil {
			t.Fatal(err)
		}
		s, release, err := shelf.Open(ctx, tenant)
		if err != nil {
			t.Fatal(err)
		}
		verified(t, s)
		release()
	})
}

func TestRemovingATenantRemovesWhatRestoresHaveKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := NewSQLiteFactory(dir, notes())
	if err != nil {
		t.Fatal(err)
	}
	shelf := NewShelf(f, 4)
	t.Cleanup(func() { noError(t, shelf.Close()) })
	tenant := written(t, shelf, 3)
	if _, err := shelf.Rebuild(t.Context(), tenant, true, take(journalOf(t, f, tenant), 2)); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "tenants", "*before-restore*")); len(left) != 1 {
		t.Errorf("kept %v", left)
	}
	noError(t, shelf.Remove(t.Context(), tenant))
	if left, _ := filepath.Glob(filepath.Join(dir, "tenants", "*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestADamagedTenantIsKeptWithItsLogWhenItIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := NewSQLiteFactory(dir, notes())
	if err != nil {
		t.Fatal(err)
	}
	shelf := NewShelf(f, 4)
	t.Cleanup(func() { noError(t, shelf.Close()) })
	tenant := written(t, shelf, 3)
	entries := journalOf(t, f, tenant)
	noError(t, shelf.Close())
	path := filepath.Join(dir, "tenants", string(tenant)+".db")
	noError(t, os.WriteFile(path, bytes.Repeat([]byte("damaged "), 1000), 0o600))
	noError(t, os.WriteFile(path+"-wal", []byte("a log"), 0o600))
	shelf = NewShelf(f, 4)
	kept, err := shelf.Rebuild(t.Context(), tenant, true, take(entries, 3))
	if err != nil {
		t.Fatal(err)
	}
	s, release, err := shelf.Open(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	verified(t, s)
	release()
	if old, err := os.ReadFile(kept); err != nil || !bytes.HasPrefix(old, []byte("damaged")) {
		t.Errorf("kept %.20q, %v", old, err)
	}
	noError(t, shelf.Close())
}

// handedOver is a journal whose last entry gives the tenant away.
func handedOver(t *testing.T, f Factory, shelf *Shelf, to id.Environment) (id.Tenant, []carriedEntry) {
	t.Helper()
	tenant := written(t, shelf, 3)
	s, release, err := shelf.Open(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	_, err = s.BeginMove(t.Context(), "mv1", 1, "env_a", to)
	noError(t, err)
	w, err := s.Cut(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.HandOver(t.Context(), "env_a", "mv1", 1, w.Tail); err != nil {
		t.Fatal(err)
	}
	return tenant, journalOf(t, f, tenant)
}

func TestARebuiltTenantIsOwnedWhereItWasRebuilt(t *testing.T) {
	t.Parallel()
	homes(t, func(t *testing.T, f Factory) {
		shelf := NewShelf(f, 4)
		shelf.Belong("env_a")
		t.Cleanup(func() { noError(t, shelf.Close()) })
		ctx := t.Context()
		tenant, entries := handedOver(t, f, shelf, "env_b")
		rebuilt := func(self id.Environment, slots int, takeOver bool) ([]string, error) {
			var added []string
			_, err := shelf.Rebuild(ctx, tenant, true, func(r *Rebuild) error {
				for _, e := range entries[:slots] {
					if err := r.Take(ctx, e.id, e.body); err != nil {
						return err
					}
				}
				var err error
				added, err = r.Owned(ctx, self, "env_b", takeOver)
				return err
			})
			return added, err
		}
		if added, err := rebuilt("", len(entries), true); err != nil || len(added) != 1 { // the end of the move
			t.Errorf("for no environment: added %q, %v", added, err)
		}
		_, _, err := shelf.Open(ctx, tenant)
		wantErr(t, "open what is still another's", err, ErrMoved)

		added, err := rebuilt("env_a", len(entries), true)
		if err != nil || len(added) != 2 {
			t.Fatalf("added %q, %v", added, err)
		}
		s, release, err := shelf.Open(ctx, tenant)
		if err != nil {
			t.Fatal(err)
		}
		if r := verified(t, s); r.Slots != int64(len(entries))+2 {
			t.Errorf("%d slots", r.Slots)
		}
		do(t, s, "after", putNote("n9", note{N: 9}))
		// The move that had handed it over is ended, so another may begin.
		if _, err := s.BeginMove(ctx, "mv2", 1, "env_a", "env_c"); err != nil {
			t.Errorf("begin another move: %v", err)
		}
		release()

		added, err = rebuilt("env_a", 3, false)
		if err != nil || len(added) != 0 {
			t.Errorf("before the move: added %q, %v", added, err)
		}
	})
}

func TestReadingATenantLooksAtItsCheckpointAndBlobs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := NewSQLiteFactory(dir, notes())
	if err != nil {
		t.Fatal(err)
	}
	shelf := NewShelf(f, 4)
	t.Cleanup(func() { noError(t, shelf.Close()) })
	tenant := written(t, shelf, 3)
	s, release, err := shelf.Open(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.PutBlob(t.Context(), []byte("some content"))
	noError(t, err)
	do(t, s, "", func(tx *Tx) error { return tx.Put("others", "o", map[string]any{"blob": b}) })
	report := func() Report {
		t.Helper()
		raw, closing, err := ReadTenant(t.Context(), f, tenant)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { noError(t, closing()) }()
		r, err := raw.Verify(t.Context())
		noError(t, err)
		return r
	}
	if r := report(); !r.OK() || len(r.Absent) > 0 || r.Slots != 4 || r.Blobs != 1 {
		t.Errorf("beside the owner: %+v", r)
	}
	drop(t, s.docs, blobsCollection, chunkID(b.Hash, 0))
	if r := report(); !r.OK() || len(r.Absent) != 1 || r.Absent[0] != b.Hash {
		t.Errorf("without the blob: %+v", r)
	}
	drop(t, s.docs, checkpointCollection, checkpointID)
	if r := report(); r.OK() {
		t.Error("a lost checkpoint was not noticed")
	}
	release()
	_, _, err = ReadTenant(t.Context(), f, id.NewTenant())
	wantErr(t, "read no tenant", err, ErrNoTenant)
}
