package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/docstore"
)

func queries(t *testing.T, s docstore.Store) {
	for _, d := range []struct {
		id   string
		body fields
	}{
		{"b1", fields{"kind": "bolt", "size": 10, "owner": fields{"name": "Zoë"}}},
		{"b2", fields{"kind": "bolt", "size": -5, "owner": fields{"name": "adam"}}},
		{"b3", fields{"kind": "bolt", "size": 9, "owner": fields{"name": "Adam"}}},
		{"b4", fields{"kind": "bolt"}},
		{"b5", fields{"kind": "bolt", "size": nil}},
		{"b6", fields{"kind": "bolt", "size": 1.5}},
		{"b7", fields{"kind": "bolt", "size": []int{9}}},
		{"b8", fields{"kind": "bolt", "size": fields{"x": 1}}},
		{"n1", fields{"kind": "nut", "size": "large"}},
		{"n2", fields{"kind": "nut", "size": 3}},
		{"n3", fields{"kind": "nut", "size": true}},
		{"n4", fields{"kind": "nut", "size": false}},
		{"n5", fields{"kind": "nut", "size": ""}},
		{"n6", fields{"kind": "nut", "size": "10"}},
		{"w1", fields{"kind": "washer", "size": 1, "owner": "nobody"}},
		{"w2", fields{"kind": "washer", "size": 1, "owner": []fields{{"name": "hidden"}}}},
		{"w3", fields{"kind": 5, "size": 1}},
		{"w4", fields{"kind": true, "size": 1}},
	} {
		insert(t, s, d.id, d.body)
	}
	for _, c := range []struct {
		name string
		q    docstore.Query
		want []string
	}{
		{"walks the collection by id", docstore.Query{}, []string{"b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "n1", "n2", "n3", "n4", "n5", "n6", "w1", "w2", "w3", "w4"}},
		{"walks ids backwards", docstore.Query{Desc: true, From: "n5"}, []string{"w4", "w3", "w2", "w1", "n6", "n5"}},
		{"bounds ids from below inclusively and from above exclusively", docstore.Query{From: "b7", To: "n2"}, []string{"b7", "b8", "n1"}},
		{"orders by the next field after an equal one", docstore.Query{Index: "by_kind_size", Equal: []any{"bolt"}}, []string{"b2", "b3", "b1"}},
		{"orders integers before texts before booleans", docstore.Query{Index: "by_kind_size", Equal: []any{"nut"}}, []string{"n2", "n5", "n6", "n1", "n4", "n3"}},
		{"and backwards", docstore.Query{Index: "by_kind_size", Equal: []any{"nut"}, Desc: true}, []string{"n3", "n4", "n1", "n6", "n5", "n2"}},
		{"bounds the next field", docstore.Query{Index: "by_kind_size", Equal: []any{"bolt"}, From: -5, To: 10}, []string{"b2", "b3"}},
		{"bounds from above only", docstore.Query{Index: "by_kind_size", Equal: []any{"bolt"}, To: 10}, []string{"b2", "b3"}},
		{"bounds by values of one type only", docstore.Query{Index: "by_kind_size", Equal: []any{"nut"}, From: ""}, []string{"n5", "n6", "n1"}},
		{"bounds integers without texts", docstore.Query{Index: "by_kind_size", Equal: []any{"nut"}, From: 0}, []string{"n2"}},
		{"bounds booleans", docstore.Query{Index: "by_kind_size", Equal: []any{"nut"}, From: true}, []string{"n3"}},
		{"finds by all fields", docstore.Query{Index: "by_kind_size", Equal: []any{"washer", 1}}, []string{"w1", "w2"}},
		{"tells true from 1", docstore.Query{Index: "by_kind_size", Equal: []any{true}}, []string{"w4"}},
		{"takes int and int64 alike", docstore.Query{Index: "by_kind_size", Equal: []any{int64(5)}}, []string{"w3"}},
		{"orders by a whole index", docstore.Query{Index: "by_kind_size"}, []string{"w3", "b2", "b3", "b1", "n2", "n5", "n6", "n1", "n4", "n3", "w1", "w2", "w4"}},
		{"compares texts by their bytes and skips documents that lack the field", docstore.Query{Index: "by_owner"}, []string{"b3", "b1", "b2"}},
		{"finds nothing", docstore.Query{Index: "by_owner", Equal: []any{"nobody"}}, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, find(t, s, c.q)); diff != "" {
				t.Error(diff)
			}
			for _, limit := range []int{1, 2} {
				q := c.q
				q.Limit = limit
				if diff := cmp.Diff(c.want, find(t, s, q)); diff != "" {
					t.Errorf("in pages of %d: %s", limit, diff)
				}
			}
		})
	}
	t.Run("follows a change of the indexed value", func(t *testing.T) {
		d := document("b1", fields{"kind": "nut", "size": 0})
		d.Rev = 1
		if _, err := s.Replace(t.Context(), "things", d); err != nil {
			t.Fatal(err)
		}
		got := find(t, s, docstore.Query{Index: "by_kind_size", Equal: []any{"nut"}, To: 4})
		if diff := cmp.Diff([]string{"b1", "n2"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func counts(t *testing.T, s docstore.Store) {
	want := func(what string, n int64) {
		t.Helper()
		got, err := s.Size(t.Context(), Things().Name)
		if err != nil || got.Documents != n {
			t.Errorf("%s: counted %d, %v; want %d", what, got.Documents, err, n)
		}
		// Stores may keep a body in another form than it came in, not in another size.
		if n == 0 && got.Bytes != 0 || n > 0 && (got.Bytes < 2*n || got.Bytes > 200*n) {
			t.Errorf("%s: %d documents have %d bytes", what, n, got.Bytes)
		}
	}
	want("an empty collection", 0)
	for n := range 25 {
		insert(t, s, sprint("c%02d", n), fields{"size": n})
	}
	want("all documents", 25)
	if err := s.Batch(t.Context(), remove("c07", 1), put("c08", 5, fields{"size": 1}), put("d", 1, fields{})); err != nil {
		t.Fatal(err)
	}
	want("after one went, one changed and one came", 25)
	before, err := s.Size(t.Context(), Things().Name)
	if err != nil {
		t.Fatal(err)
	}
	insert(t, s, "large", fields{"text": strings.Repeat("0123456789", 100_000)})
	after, err := s.Size(t.Context(), Things().Name)
	if grown := after.Bytes - before.Bytes; err != nil || grown < 1_000_000 || grown > 1_001_000 {
		t.Errorf("a document of a million bytes adds %d, %v", grown, err)
	}
	_, err = s.Size(t.Context(), "nowhere")
	wantErr(t, "an undeclared collection", err, docstore.ErrUndeclared)
}

func pages(t *testing.T, s docstore.Store) {
	// Thirty documents, ten of each size, so that equal values span pages.
	var byID, bySize []string
	ops := make([]docstore.Op, 0, 30)
	for i := range 30 {
		id := sprint("p%02d", i)
		ops = append(ops, put(id, 1, fields{"kind": "page", "size": i % 3}))
		byID = append(byID, id)
	}
	for size := range 3 {
		for i := size; i < 30; i += 3 {
			bySize = append(bySize, sprint("p%02d", i))
		}
	}
	if err := s.Batch(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
	backwards := func(in []string) []string {
		out := slices.Clone(in)
		slices.Reverse(out)
		return out
	}
	for _, c := range []struct {
		name string
		q    docstore.Query
		want []string
	}{
		{"by id", docstore.Query{}, byID},
		{"by id backwards", docstore.Query{Desc: true}, backwards(byID)},
		{"by id within bounds", docstore.Query{From: "p05", To: "p25"}, byID[5:25]},
		{"by id within bounds backwards", docstore.Query{From: "p05", To: "p25", Desc: true}, backwards(byID[5:25])},
		{"over an index", docstore.Query{Index: "by_kind_size"}, bySize},
		{"over an index backwards", docstore.Query{Index: "by_kind_size", Desc: true}, backwards(bySize)},
		{"after an equal field", docstore.Query{Index: "by_kind_size", Equal: []any{"page"}}, bySize},
		{"after an equal field within bounds", docstore.Query{Index: "by_kind_size", Equal: []any{"page"}, From: 1, To: 2}, bySize[10:20]},
		{"after an equal field within bounds backwards", docstore.Query{Index: "by_kind_size", Equal: []any{"page"}, From: 1, To: 3, Desc: true}, backwards(bySize[10:])},
		{"with all fields equal", docstore.Query{Index: "by_kind_size", Equal: []any{"page", 2}}, bySize[20:]},
		{"with all fields equal backwards", docstore.Query{Index: "by_kind_size", Equal: []any{"page", 2}, Desc: true}, backwards(bySize[20:])},
	} {
		t.Run("meets each document once "+c.name, func(t *testing.T) {
			for _, limit := range []int{4, 10, 29, 30, 0} {
				q := c.q
				q.Limit = limit
				if diff := cmp.Diff(c.want, find(t, s, q)); diff != "" {
					t.Errorf("in pages of %d: %s", limit, diff)
				}
			}
		})
	}
	t.Run("ends a page early that grows heavy", func(t *testing.T) {
		heavy := make([]byte, docstore.MaxPage/9) // 5 MiB as text
		for i := range 8 {
			insert(t, s, sprint("x%d", i), fields{"b": heavy})
		}
		p, err := s.Find(t.Context(), "things", docstore.Query{From: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Docs) == 0 || len(p.Docs) > 6 || p.Next == "" {
			t.Errorf("one page holds %d documents", len(p.Docs))
		}
		if got := find(t, s, docstore.Query{From: "x"}); len(got) != 8 {
			t.Errorf("all pages hold %v", got)
		}
	})
	t.Run("refuses a page mark of another query", func(t *testing.T) {
		p, err := s.Find(t.Context(), "things", docstore.Query{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []docstore.Query{{Index: "by_owner"}, {Desc: true}, {Index: "by_kind_size", Equal: []any{"page"}}} {
			q.After = p.Next
			_, err := s.Find(t.Context(), "things", q)
			wantErr(t, sprint("find %+v", q), err, docstore.ErrInvalid)
		}
	})
}

func uniqueIndexes(t *testing.T, s docstore.Store) {
	ctx := t.Context()
	insert(t, s, "u1", fields{"mail": "a@x"})
	t.Run("refuses a taken value on insert and on replace", func(t *testing.T) {
		wantErr(t, "insert", s.Insert(ctx, "things", document("u2", fields{"mail": "a@x"})), docstore.ErrExists)
		insert(t, s, "u3", fields{"mail": "b@x"})
		d := document("u3", fields{"mail": "a@x"})
		d.Rev = 1
		_, err := s.Replace(ctx, "things", d)
		wantErr(t, "replace", err, docstore.ErrExists)
		if got := read(t, s, "u3"); got.Rev != 1 || string(got.Body) != `{"mail":"b@x"}` {
			t.Errorf("the refused replace changed it: %+v", got)
		}
	})
	t.Run("exempts documents that lack the field", func(t *testing.T) {
		insert(t, s, "u4", fields{})
		insert(t, s, "u5", fields{})
		insert(t, s, "u6", fields{"mail": nil})
		insert(t, s, "u7", fields{"mail": nil})
	})
	t.Run("tells types apart", func(t *testing.T) {
		insert(t, s, "u8", fields{"mail": 1})
		insert(t, s, "u9", fields{"mail": true})
		insert(t, s, "u10", fields{"mail": "1"})
	})
	t.Run("frees the value with its document", func(t *testing.T) {
		if err := s.Delete(ctx, "things", "u1", 1); err != nil {
			t.Fatal(err)
		}
		insert(t, s, "u2", fields{"mail": "a@x"})
	})
	t.Run("finds over it", func(t *testing.T) {
		if diff := cmp.Diff([]string{"u2"}, find(t, s, docstore.Query{Index: "by_mail", Equal: []any{"a@x"}})); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"u8", "u10", "u2", "u3", "u9"}, find(t, s, docstore.Query{Index: "by_mail", Limit: 1})); diff != "" {
			t.Error(diff)
		}
	})
}
