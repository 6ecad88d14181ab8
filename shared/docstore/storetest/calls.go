package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/docstore"
)

func declarations(t *testing.T, s docstore.Store) {
	ctx := t.Context()
	insert(t, s, "d1", fields{"colour": "red"})
	t.Run("may be repeated", func(t *testing.T) {
		if err := s.Ensure(ctx, Things()); err != nil {
			t.Error(err)
		}
	})
	t.Run("may grow, and a new index finds old documents", func(t *testing.T) {
		grown := docstore.Collection{Name: "things", Indexes: []docstore.Index{{Name: "by_colour", Fields: []string{"colour"}}}}
		if err := s.Ensure(ctx, grown); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"d1"}, find(t, s, docstore.Query{Index: "by_colour", Equal: []any{"red"}})); diff != "" {
			t.Error(diff)
		}
		if got := find(t, s, docstore.Query{Index: "by_kind_size"}); len(got) != 0 {
			t.Errorf("the older index finds %v", got)
		}
	})
	t.Run("may not change", func(t *testing.T) {
		changed := docstore.Collection{Name: "things", Indexes: []docstore.Index{{Name: "by_owner", Fields: []string{"other"}}}}
		wantErr(t, "another field", s.Ensure(ctx, changed), docstore.ErrDeclaration)
		changed.Indexes[0] = docstore.Index{Name: "by_owner", Fields: []string{"owner.name"}, Unique: true}
		wantErr(t, "unique now", s.Ensure(ctx, changed), docstore.ErrDeclaration)
	})
	t.Run("are refused when malformed", func(t *testing.T) {
		for _, c := range []docstore.Collection{
			{Name: ""},
			{Name: "Things"},
			{Name: `x"; DROP TABLE y`},
			{Name: "x", Indexes: []docstore.Index{{Name: "by_a"}}},
			{Name: "x", Indexes: []docstore.Index{{Name: "by_a", Fields: []string{"$a"}}}},
			{Name: "x", Indexes: []docstore.Index{{Name: "by_a", Fields: []string{"a'b"}}}},
			{Name: "x", Indexes: []docstore.Index{{Name: "by-a", Fields: []string{"a"}}}},
			{Name: "x", Indexes: []docstore.Index{{Name: "by_a", Fields: []string{"a"}}, {Name: "by_a", Fields: []string{"a"}}}},
		} {
			wantErr(t, sprint("%+v", c), s.Ensure(ctx, c), docstore.ErrDeclaration)
		}
	})
}

func watching(t *testing.T, s docstore.Store) {
	t.Run("hints at each kind of write, to each watcher", func(t *testing.T) {
		one, two := s.Watch(t.Context(), "things"), s.Watch(t.Context(), "things")
		insert(t, s, "w", fields{})
		<-one
		<-two
		if _, err := s.Replace(t.Context(), "things", docstore.Document{ID: "w", Rev: 1, Body: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
		<-one
		if err := s.Delete(t.Context(), "things", "w", 2); err != nil {
			t.Fatal(err)
		}
		<-one
		if err := s.Batch(t.Context(), put("w", 1, fields{})); err != nil {
			t.Fatal(err)
		}
		<-one
		<-two
	})
	t.Run("lets at most one hint wait and says nothing of other collections", func(t *testing.T) {
		ch := s.Watch(t.Context(), "others")
		insert(t, s, "elsewhere", fields{})
		select {
		case <-ch:
			t.Error("a hint came for another collection")
		default:
		}
		for i := range 3 {
			if err := s.Insert(t.Context(), "others", document(sprint("o%d", i), fields{})); err != nil {
				t.Fatal(err)
			}
		}
		<-ch
		select {
		case <-ch:
			t.Error("a second hint waited")
		default:
		}
	})
	t.Run("ends with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ch := s.Watch(ctx, "things")
		cancel()
		for range ch { // a late hint may come before the end
		}
	})
}

func contexts(t *testing.T, s docstore.Store) {
	ctx := canceled()
	d := document("c", fields{})
	d.Rev = 1
	_, getErr := s.Get(ctx, "things", "c")
	_, findErr := s.Find(ctx, "things", docstore.Query{})
	_, replaceErr := s.Replace(ctx, "things", d)
	for what, err := range map[string]error{
		"insert": s.Insert(ctx, "things", d), "get": getErr, "find": findErr, "replace": replaceErr,
		"delete": s.Delete(ctx, "things", "c", 1), "batch": s.Batch(ctx, put("c", 1, fields{})),
	} {
		t.Run("an ended one stops "+what, func(t *testing.T) {
			wantErr(t, what, err, docstore.ErrUnavailable)
			wantErr(t, what, err, context.Canceled)
		})
	}
	t.Run("an ended one changes nothing", func(t *testing.T) {
		if read(t, s, "c") != nil {
			t.Error("it was stored")
		}
	})
}

func closing(t *testing.T, s docstore.Store) {
	t.Run("waits for running calls, then refuses", func(t *testing.T) {
		watch := s.Watch(context.Background(), "things")
		var all sync.WaitGroup
		started := make(chan struct{}, rivals)
		for n := range rivals {
			all.Go(func() {
				for i := 0; ; i++ {
					err := s.Insert(context.Background(), "things", document(sprint("%d-%d", n, i), fields{}))
					if i == 0 {
						started <- struct{}{}
					}
					if errors.Is(err, docstore.ErrClosed) {
						return
					}
					if err != nil {
						t.Errorf("a call inside failed: %v", err)
						return
					}
				}
			})
		}
		for range rivals {
			<-started
		}
		if err := s.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		all.Wait()
		for range watch { // ends
		}
		_, err := s.Get(context.Background(), "things", "x")
		wantErr(t, "get", err, docstore.ErrClosed)
		_, err = s.Find(context.Background(), "things", docstore.Query{})
		wantErr(t, "find", err, docstore.ErrClosed)
		wantErr(t, "ping", s.Ping(context.Background()), docstore.ErrClosed)
		wantErr(t, "ensure", s.Ensure(context.Background(), Things()), docstore.ErrClosed)
		wantErr(t, "batch", s.Batch(context.Background(), put("x", 1, fields{})), docstore.ErrClosed)
		if _, open := <-s.Watch(context.Background(), "things"); open {
			t.Error("a watch of a closed store goes on")
		}
	})
	t.Run("may be repeated", func(t *testing.T) {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
