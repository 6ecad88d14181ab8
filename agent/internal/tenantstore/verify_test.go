package tenantstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	// rewrite changes a stored document as someone with access to the file would.
	rewrite := func(t *testing.T, docs docstore.Store, collection, id, old, new string) {
		t.Helper()
		d, err := docs.Get(t.Context(), collection, id)
		if err != nil {
			t.Fatal(err)
		}
		changed := docstore.Document{ID: id, Rev: d.Rev, Body: json.RawMessage(strings.Replace(string(d.Body), old, new, 1))}
		if bytes.Equal(changed.Body, d.Body) {
			t.Fatalf("%s %s has no %s: %s", collection, id, old, d.Body)
		}
		drop(t, docs, collection, id)
		step := docstore.Op{Kind: docstore.OpInsert, Collection: collection, Doc: changed}
		if err := docs.Batch(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		tamper func(t *testing.T, docs docstore.Store)
		finds  string // in the first problem
		opens  bool   // whether the store still opens
	}{
		{"nothing", func(*testing.T, docstore.Store) {}, "", true},
		{"a changed document", func(t *testing.T, docs docstore.Store) { rewrite(t, docs, "notes", "n3", `"n":3`, `"n":4`) }, "notes n3, at slot 3, differs", true},
		{"a dropped document", func(t *testing.T, docs docstore.Store) { drop(t, docs, "notes", "n3") }, "notes n3, written at slot 3, is missing", true},
		{"an added document", func(t *testing.T, docs docstore.Store) {
			if err := docs.Insert(t.Context(), "notes", docstore.Document{ID: "extra", Body: []byte(`{}`)}); err != nil {
				t.Fatal(err)
			}
		}, "notes extra, at slot 1, is in no journal entry", true},
		{"a forgotten command", func(t *testing.T, docs docstore.Store) { drop(t, docs, "commands", "c2") }, "commands c2", true},
		{"a changed result", func(t *testing.T, docs docstore.Store) { rewrite(t, docs, "commands", "c2", `"res":2`, `"res":9`) }, "commands c2", true},
		{"a changed after-image", func(t *testing.T, docs docstore.Store) {
			rewrite(t, docs, journalCollection, slotID(0, 3), `"n":3`, `"n":4`)
		}, "altered", true},
		{"a changed actor", func(t *testing.T, docs docstore.Store) {
			rewrite(t, docs, journalCollection, slotID(0, 3), "tester", "nobody")
		}, "does not chain", true},
		{"an added field", func(t *testing.T, docs docstore.Store) {
			rewrite(t, docs, journalCollection, slotID(0, 3), `{"v":1`, `{"x":1,"v":1`)
		}, "altered", true},
		{"a dropped entry", func(t *testing.T, docs docstore.Store) { drop(t, docs, journalCollection, slotID(0, 3)) }, "slot 3 is missing", true},
		{"a changed last entry", func(t *testing.T, docs docstore.Store) {
			rewrite(t, docs, journalCollection, slotID(0, 5), "tester", "nobody")
		}, "", false},
		{"a dropped last entry", func(t *testing.T, docs docstore.Store) { drop(t, docs, journalCollection, slotID(0, 5)) }, "", false},
		{"a lost journal", func(t *testing.T, docs docstore.Store) {
			for slot := range int64(5) {
				drop(t, docs, journalCollection, slotID(0, slot+1))
			}
		}, "", false},
		{"a gap behind the checkpoint", func(t *testing.T, docs docstore.Store) {
			rewrite(t, docs, checkpointCollection, checkpointID, `"s":5`, `"s":2`)
			drop(t, docs, checkpointCollection, checkpointID)
			drop(t, docs, journalCollection, slotID(0, 4))
		}, "", false},
		{"a later format", func(t *testing.T, docs docstore.Store) {
			rewrite(t, docs, journalCollection, slotID(0, 5), `{"v":1`, `{"v":2`)
		}, "", false},
	} {
		t.Run("notices "+c.name, func(t *testing.T) {
			t.Parallel()
			docs := sqlite(t, filepath.Join(t.TempDir(), "t.db"))
			s := open(t, docs)
			for i := 1; i <= 5; i++ {
				do(t, s, fmt.Sprintf("c%d", i), func(tx *Tx) error {
					if err := tx.Return(i); err != nil {
						return err
					}
					return tx.Put("notes", fmt.Sprintf("n%d", i), note{N: i})
				})
			}
			noError(t, s.Close())
			c.tamper(t, docs)
			s, err := Open(t.Context(), docs, notes(), "")
			if !c.opens {
				if err == nil {
					noError(t, s.Close())
					t.Fatal("it opened")
				}
				return
			}
			if err != nil {
				t.Fatalf("open: %v", err)
			}
			r, err := s.Verify(t.Context())
			noError(t, err)
			noError(t, s.Close())
			switch {
			case c.finds == "" && !r.OK():
				t.Errorf("found %q", r.Problems)
			case c.finds != "" && (r.OK() || !strings.Contains(strings.Join(r.Problems, "\n"), c.finds)):
				t.Errorf("found %q, want %q", r.Problems, c.finds)
			}
		})
	}
}

func drop(t *testing.T, docs docstore.Store, collection, id string) {
	t.Helper()
	d, err := docs.Get(t.Context(), collection, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := docs.Delete(t.Context(), collection, id, d.Rev); err != nil {
		t.Fatal(err)
	}
}
