package storetest

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/docstore"
)

func documents(t *testing.T, s docstore.Store) {
	ctx := t.Context()
	insert(t, s, "one", fields{"n": 1})
	t.Run("reads back what was inserted, at revision 1", func(t *testing.T) {
		want := &docstore.Document{ID: "one", Rev: 1, Body: json.RawMessage(`{"n":1}`)}
		if diff := cmp.Diff(want, read(t, s, "one")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("refuses a second document with the id and keeps the first", func(t *testing.T) {
		wantErr(t, "insert again", s.Insert(ctx, "things", document("one", fields{"n": 2})), docstore.ErrExists)
		if got := string(read(t, s, "one").Body); got != `{"n":1}` {
			t.Errorf("body is now %s", got)
		}
	})
	t.Run("keeps collections apart", func(t *testing.T) {
		_, err := s.Get(ctx, "others", "one")
		wantErr(t, "get from the other collection", err, docstore.ErrNotFound)
	})
	t.Run("replaces at the stored revision only", func(t *testing.T) {
		next := document("one", fields{"n": 2})
		next.Rev = 1
		rev, err := s.Replace(ctx, "things", next)
		if err != nil || rev != 2 {
			t.Fatalf("replace: revision %d, error %v", rev, err)
		}
		_, err = s.Replace(ctx, "things", next)
		wantErr(t, "replace at the old revision", err, docstore.ErrStale)
		missing := document("none", fields{})
		missing.Rev = 1
		_, err = s.Replace(ctx, "things", missing)
		wantErr(t, "replace what is missing", err, docstore.ErrNotFound)
		if d := read(t, s, "one"); d.Rev != 2 || string(d.Body) != `{"n":2}` {
			t.Errorf("stored is revision %d %s", d.Rev, d.Body)
		}
	})
	t.Run("deletes at the stored revision only", func(t *testing.T) {
		wantErr(t, "delete at the old revision", s.Delete(ctx, "things", "one", 1), docstore.ErrStale)
		if err := s.Delete(ctx, "things", "one", 2); err != nil {
			t.Fatalf("delete: %v", err)
		}
		wantErr(t, "delete again", s.Delete(ctx, "things", "one", 2), docstore.ErrNotFound)
		if d := read(t, s, "one"); d != nil {
			t.Errorf("still there: %+v", d)
		}
	})
	t.Run("gives a new life to a deleted id", func(t *testing.T) {
		insert(t, s, "one", fields{"n": 3})
		if d := read(t, s, "one"); d.Rev != 1 {
			t.Errorf("revision is %d, want 1", d.Rev)
		}
	})
	t.Run("answers a ping", func(t *testing.T) {
		if err := s.Ping(ctx); err != nil {
			t.Error(err)
		}
	})
}

// awkward is a value of everything that JSON made by Go can hold.
func awkward() any {
	type inner struct {
		Z, A    string
		Nothing *int
	}
	return struct {
		Last    string `json:"zz"`
		First   string `json:"aa"`
		Text    string
		Ints    []int64
		Floats  []float64
		Small   float32
		Yes, No bool
		Null    any
		Empty   map[string]any
		None    []string
		Deep    map[string][]inner
		When    time.Time
		Bytes   []byte
		Keys    map[string]int
	}{
		Last: "z", First: "a",
		Text:   "<b>&\u2028 \"quoted\" back\\slash tab\t nul\x00 é 世界 🎈 \ufffd",
		Ints:   []int64{0, 1, -1, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64},
		Floats: []float64{0.1, 1, -2.5, 1e20, 1e21, 1e-7, 123456789.125, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1)},
		Small:  0.3, Yes: true,
		Empty: map[string]any{}, None: []string{},
		Deep:  map[string][]inner{"list": {{Z: "1"}, {A: "2"}}},
		When:  time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC),
		Bytes: []byte{0, 255, 1},
		Keys:  map[string]int{"": 1, ".": 2, "a.b": 3, "$set": 4, "$": 5, "~": 6, "~1": 7, "a$": 8, "x\x00y": 9, "_id": 10},
	}
}

func bodies(t *testing.T, s docstore.Store) {
	t.Run("keeps the bytes of what Go encodes", func(t *testing.T) {
		want := document("awkward", awkward())
		if err := s.Insert(t.Context(), "things", want); err != nil {
			t.Fatal(err)
		}
		if got := read(t, s, "awkward"); string(got.Body) != string(want.Body) {
			t.Errorf("got  %s\nwant %s", got.Body, want.Body)
		}
	})
	t.Run("keeps the order of fields", func(t *testing.T) {
		body := `{"z":1,"a":{"y":1,"b":2},"m":[{"q":1,"c":2}]}`
		insert(t, s, "order", json.RawMessage(body))
		if got := string(read(t, s, "order").Body); got != body {
			t.Errorf("got %s, want %s", got, body)
		}
	})
	t.Run("keeps a body of many small numbers", func(t *testing.T) {
		want := document("numbers", fields{"n": make([]int, 1_500_000), "mail": "n@x"})
		if err := s.Insert(t.Context(), "things", want); err != nil {
			t.Fatal(err)
		}
		if got := read(t, s, "numbers"); !bytes.Equal(got.Body, want.Body) {
			t.Errorf("%d bytes came back of %d", len(got.Body), len(want.Body))
		}
		wantErr(t, "insert its unique value again", s.Insert(t.Context(), "things", document("again", fields{"mail": "n@x"})), docstore.ErrExists)
	})
	t.Run("keeps a body of 8 MiB", func(t *testing.T) {
		text := strings.Repeat("x", docstore.MaxBody-len(`{"s":""}`))
		insert(t, s, "big", fields{"s": text})
		if got := read(t, s, "big"); len(got.Body) != docstore.MaxBody {
			t.Errorf("%d bytes came back", len(got.Body))
		}
		if err := s.Delete(t.Context(), "things", "big", 1); err != nil {
			t.Error(err)
		}
	})
	t.Run("takes any text as an id", func(t *testing.T) {
		for _, id := range []string{"a", "A", "ä", "日本/語", "a.b$c", "%_'\"\\", " ", "🎈", strings.Repeat("x", docstore.MaxID), "../../etc"} {
			insert(t, s, id, fields{"id": id})
			if d := read(t, s, id); d == nil || d.ID != id {
				t.Errorf("id %q came back as %+v", id, d)
			}
		}
	})
}

func limits(t *testing.T, s docstore.Store) {
	ctx := t.Context()
	t.Run("refuses ids that cannot be", func(t *testing.T) {
		for _, id := range []string{"", strings.Repeat("x", docstore.MaxID+1), "\xff", "a\x00b"} {
			wantErr(t, sprint("insert %.10q", id), s.Insert(ctx, "things", docstore.Document{ID: id, Body: json.RawMessage(`{}`)}), docstore.ErrInvalid)
			_, err := s.Get(ctx, "things", id)
			wantErr(t, sprint("get %.10q", id), err, docstore.ErrInvalid)
			wantErr(t, sprint("delete %.10q", id), s.Delete(ctx, "things", id, 1), docstore.ErrInvalid)
		}
	})
	t.Run("refuses bodies that cannot be", func(t *testing.T) {
		for _, body := range []string{
			``, `null`, `[]`, `"x"`, `{`, `{"a":1}{}`, "{\"a\":\"\xff\"}", `{"a":1e999}`, `{"a":18446744073709551615}`,
			`{"s":"` + strings.Repeat("x", docstore.MaxBody) + `"}`,
			`{"a":` + strings.Repeat("[", docstore.MaxDepth) + strings.Repeat("]", docstore.MaxDepth) + `}`,
		} {
			d := docstore.Document{ID: "refused", Rev: 1, Body: json.RawMessage(body)}
			wantErr(t, sprint("insert %.20q", body), s.Insert(ctx, "things", d), docstore.ErrInvalid)
			_, err := s.Replace(ctx, "things", d)
			wantErr(t, sprint("replace %.20q", body), err, docstore.ErrInvalid)
			wantErr(t, sprint("put %.20q", body), s.Batch(ctx, docstore.Op{Kind: docstore.OpPut, Collection: "things", Doc: d}), docstore.ErrInvalid)
		}
		if d := read(t, s, "refused"); d != nil {
			t.Errorf("it was stored: %s", d.Body)
		}
	})
	t.Run("refuses steps that cannot be, before the first", func(t *testing.T) {
		good := put("first", 1, fields{})
		for _, bad := range []docstore.Op{{}, put("x", 0, fields{}), remove("", 1), {Kind: 9, Collection: "things", Doc: document("x", fields{})}} {
			wantErr(t, sprint("batch with %+v", bad), s.Batch(ctx, good, bad), docstore.ErrInvalid)
		}
		undeclared := good
		undeclared.Collection = "unknown"
		wantErr(t, "batch into the unknown", s.Batch(ctx, good, undeclared), docstore.ErrUndeclared)
		if read(t, s, "first") != nil {
			t.Error("the step before the refused one happened")
		}
	})
	t.Run("names what was not declared", func(t *testing.T) {
		wantErr(t, "insert", s.Insert(ctx, "unknown", document("x", fields{})), docstore.ErrUndeclared)
		_, err := s.Get(ctx, "unknown", "x")
		wantErr(t, "get", err, docstore.ErrUndeclared)
		_, err = s.Find(ctx, "unknown", docstore.Query{})
		wantErr(t, "find", err, docstore.ErrUndeclared)
		_, err = s.Find(ctx, "things", docstore.Query{Index: "by_nothing"})
		wantErr(t, "find over an unknown index", err, docstore.ErrUndeclared)
	})
	t.Run("refuses queries that cannot be", func(t *testing.T) {
		for _, q := range []docstore.Query{
			{Limit: -1},
			{Limit: docstore.MaxLimit + 1},
			{Equal: []any{"x"}},
			{Index: "by_owner", Equal: []any{"a", "b"}},
			{Index: "by_owner", Equal: []any{1.5}},
			{Index: "by_owner", Equal: []any{nil}},
			{Index: "by_owner", Equal: []any{"a"}, From: "b"},
			{Index: "by_owner", From: "a", To: 1},
			{From: 1},
			{From: "\xff"},
			{After: "nonsense"},
			{After: "!"},
		} {
			_, err := s.Find(ctx, "things", q)
			wantErr(t, sprint("find %+v", q), err, docstore.ErrInvalid)
		}
	})
}
