// Package storetest is the suite that every docstore.Store passes.
//
// It owns the promises of package docstore as tests, and the crash tests' way of
// writing under witness: what was acknowledged must be there afterwards. It does
// not know any adapter.
package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
)

// Things is the collection the suite declares; crash tests of adapters use it too.
func Things() docstore.Collection {
	return docstore.Collection{Name: "things", Indexes: []docstore.Index{
		{Name: "by_kind_size", Fields: []string{"kind", "size"}},
		{Name: "by_owner", Fields: []string{"owner.name"}},
		{Name: "by_mail", Fields: []string{"mail"}, Unique: true},
	}}
}

// Run checks every promise against stores that open returns: each call an empty
// one of its own, closed by the test's cleanup.
func Run(t *testing.T, open func(testing.TB) docstore.Store) {
	for _, part := range []struct {
		name string
		test func(*testing.T, docstore.Store)
	}{
		{"documents", documents},
		{"bodies", bodies},
		{"limits", limits},
		{"races", races},
		{"batches", batches},
		{"replay", replay},
		{"queries", queries},
		{"pages", pages},
		{"counts", counts},
		{"unique indexes", uniqueIndexes},
		{"declarations", declarations},
		{"watching", watching},
		{"contexts", contexts},
		{"closing", closing},
	} {
		t.Run(part.name, func(t *testing.T) {
			s := open(t)
			if err := s.Ensure(t.Context(), Things(), docstore.Collection{Name: "others"}); err != nil {
				t.Fatalf("declare collections: %v", err)
			}
			part.test(t, s)
		})
	}
}

// fields is a body in the making.
type fields map[string]any

func document(id string, body any) docstore.Document {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // a mistake in the suite itself
	}
	return docstore.Document{ID: id, Body: raw}
}

func insert(t testing.TB, s docstore.Store, id string, body any) {
	t.Helper()
	if err := s.Insert(t.Context(), "things", document(id, body)); err != nil {
		t.Fatalf("insert %q: %v", id, err)
	}
}

// read is the document, or nil when there is none.
func read(t testing.TB, s docstore.Store, id string) *docstore.Document {
	t.Helper()
	d, err := s.Get(t.Context(), "things", id)
	if errors.Is(err, docstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatalf("get %q: %v", id, err)
	}
	return &d
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// find walks all pages of q and returns the ids.
func find(t testing.TB, s docstore.Store, q docstore.Query) []string {
	t.Helper()
	ids := []string{}
	for {
		p, err := s.Find(t.Context(), "things", q)
		if err != nil {
			t.Fatalf("find %+v: %v", q, err)
		}
		for _, d := range p.Docs {
			ids = append(ids, d.ID)
		}
		if p.Next == "" {
			return ids
		}
		if len(p.Docs) == 0 {
			t.Fatalf("find %+v: an empty page says that there is more", q)
		}
		q.After = p.Next
	}
}

func put(id string, rev int64, body any) docstore.Op {
	d := document(id, body)
	d.Rev = rev
	return docstore.Op{Kind: docstore.OpPut, Collection: "things", Doc: d}
}

func remove(id string, rev int64) docstore.Op {
	return docstore.Op{Kind: docstore.OpRemove, Collection: "things", Doc: docstore.Document{ID: id, Rev: rev}}
}

func add(collection, id string, rev int64, body any) docstore.Op {
	d := document(id, body)
	d.Rev = rev
	return docstore.Op{Kind: docstore.OpInsert, Collection: collection, Doc: d}
}

func sprint(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
