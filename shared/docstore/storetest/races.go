package storetest

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/shared/docstore"
)

// rivals is kept small: the slowest server under test does a hundred writes a
// second.
const rivals = 8

func races(t *testing.T, s docstore.Store) {
	t.Run("lets one of many inserts of an id win", func(t *testing.T) {
		for round := range 5 {
			id := sprint("contested-%d", round)
			wins := together(func(n int) bool {
				err := s.Insert(t.Context(), "things", document(id, fields{"by": n}))
				if err != nil && !errors.Is(err, docstore.ErrExists) {
					t.Errorf("insert: %v", err)
				}
				return err == nil
			})
			if wins != 1 {
				t.Errorf("%d callers won %s", wins, id)
			}
		}
	})
	t.Run("loses no update to concurrent compare-and-set", func(t *testing.T) {
		insert(t, s, "counter", fields{"n": 0})
		const each = 6
		together(func(int) bool {
			for range each {
				for !increment(t, s) {
				}
			}
			return true
		})
		d := read(t, s, "counter")
		if want := sprint(`{"n":%d}`, rivals*each); string(d.Body) != want || d.Rev != rivals*each+1 {
			t.Errorf("got revision %d %s, want %s", d.Rev, d.Body, want)
		}
	})
	t.Run("lets one of many deletes win", func(t *testing.T) {
		insert(t, s, "doomed", fields{})
		wins := together(func(int) bool { return s.Delete(t.Context(), "things", "doomed", 1) == nil })
		if wins != 1 {
			t.Errorf("%d callers deleted it", wins)
		}
	})
	t.Run("keeps the highest of concurrent puts", func(t *testing.T) {
		for round := range 3 {
			id := sprint("register-%d", round)
			together(func(n int) bool {
				if err := s.Batch(t.Context(), put(id, int64(n+1), fields{"n": n + 1})); err != nil {
					t.Errorf("put %d: %v", n, err)
				}
				return true
			})
			if d := read(t, s, id); d.Rev != rivals || string(d.Body) != sprint(`{"n":%d}`, rivals) {
				t.Errorf("%s holds revision %d %s", id, d.Rev, d.Body)
			}
		}
	})
	t.Run("lets one of many claim a unique value", func(t *testing.T) {
		wins := together(func(n int) bool {
			err := s.Insert(t.Context(), "things", document(sprint("claim-%d", n), fields{"mail": "contested@x"}))
			if err != nil && !errors.Is(err, docstore.ErrExists) {
				t.Errorf("insert: %v", err)
			}
			return err == nil
		})
		if wins != 1 {
			t.Errorf("%d callers won the value", wins)
		}
	})
}

// together runs f in rivals goroutines and counts how often it said yes.
func together(f func(n int) bool) int {
	var (
		mu    sync.Mutex
		wins  int
		all   sync.WaitGroup
		start = make(chan struct{})
	)
	for n := range rivals {
		all.Go(func() {
			<-start
			if f(n) {
				mu.Lock()
				defer mu.Unlock()
				wins++
			}
		})
	}
	close(start)
	all.Wait()
	return wins
}

func increment(t *testing.T, s docstore.Store) bool {
	d, err := s.Get(t.Context(), "things", "counter")
	if err != nil {
		t.Errorf("get counter: %v", err)
		return true
	}
	var c struct {
		N int `json:"n"`
	}
	if err := json.Unmarshal(d.Body, &c); err != nil {
		t.Error(err)
		return true
	}
	d.Body = json.RawMessage(sprint(`{"n":%d}`, c.N+1))
	_, err = s.Replace(t.Context(), "things", d)
	if err != nil && !errors.Is(err, docstore.ErrStale) {
		t.Errorf("replace: %v", err)
		return true
	}
	return err == nil
}

func batches(t *testing.T, s docstore.Store) {
	ctx := t.Context()
	t.Run("takes all steps in order, across collections", func(t *testing.T) {
		err := s.Batch(ctx,
			add("things", "a", 7, fields{"n": 1}),
			add("others", "a", 1, fields{"n": 2}),
			put("a", 8, fields{"n": 3}),
			put("b", 3, fields{"n": 4}),
			remove("b", 3),
		)
		if err != nil {
			t.Fatal(err)
		}
		if d := read(t, s, "a"); d.Rev != 8 || string(d.Body) != `{"n":3}` {
			t.Errorf("a is revision %d %s", d.Rev, d.Body)
		}
		if d := read(t, s, "b"); d != nil {
			t.Errorf("b is still there: %+v", d)
		}
	})
	t.Run("stops at the first step that fails and keeps those before", func(t *testing.T) {
		err := s.Batch(ctx,
			add("things", "before", 1, fields{}),
			put("before", 2, fields{"n": 1}),
			add("others", "before", 1, fields{}),
			add("things", "a", 1, fields{}), // taken above
			add("things", "after", 1, fields{}),
			add("others", "after", 1, fields{}),
		)
		var b *docstore.BatchError
		if !errors.As(err, &b) || b.Step != 3 || !errors.Is(err, docstore.ErrExists) {
			t.Fatalf("got %v, want step 3 and ErrExists", err)
		}
		if d := read(t, s, "before"); d == nil || d.Rev != 2 {
			t.Errorf("what came before is lost: %+v", d)
		}
		if _, err := s.Get(ctx, "others", "before"); err != nil {
			t.Errorf("what came before in the other collection is lost: %v", err)
		}
		if read(t, s, "after") != nil {
			t.Error("a step after the failure happened")
		}
	})
	t.Run("skips puts and removes that come late, without stopping", func(t *testing.T) {
		err := s.Batch(ctx,
			put("late", 5, fields{"n": 5}), put("late", 4, fields{"n": 4}), remove("late", 4), put("late", 5, fields{"n": 55}),
			add("things", "goes-on", 1, fields{}),
		)
		if err != nil {
			t.Fatal(err)
		}
		if d := read(t, s, "late"); d.Rev != 5 || string(d.Body) != `{"n":5}` {
			t.Errorf("late is revision %d %s", d.Rev, d.Body)
		}
		if read(t, s, "goes-on") == nil {
			t.Error("the batch stopped")
		}
	})
	t.Run("removes what is not there without failing", func(t *testing.T) {
		if err := s.Batch(ctx, remove("never-was", 1)); err != nil {
			t.Error(err)
		}
	})
	t.Run("stops at a put that breaks a unique index", func(t *testing.T) {
		err := s.Batch(ctx, put("m1", 1, fields{"mail": "m@x"}), put("m2", 1, fields{"mail": "m@x"}), put("m3", 1, fields{}))
		var b *docstore.BatchError
		if !errors.As(err, &b) || b.Step != 1 || !errors.Is(err, docstore.ErrExists) {
			t.Fatalf("got %v, want step 1 and ErrExists", err)
		}
		if read(t, s, "m1") == nil || read(t, s, "m3") != nil {
			t.Error("the prefix did not hold")
		}
	})
	t.Run("takes no steps at all", func(t *testing.T) {
		if err := s.Batch(ctx); err != nil {
			t.Error(err)
		}
	})
}

// replay is the property on which a journal rests: applying it again, from any
// point, any number of times, ends in the same state, and puts may come in any
// order.
func replay(t *testing.T, s docstore.Store) {
	run := 0
	t.Run("converges when a journal is applied again from anywhere", rapid.MakeCheck(func(r *rapid.T) {
		run++
		ops, want := journal(r, run)
		if err := s.Batch(t.Context(), ops...); err != nil {
			r.Fatalf("apply: %v", err)
		}
		for range rapid.IntRange(1, 2).Draw(r, "times") {
			from := rapid.IntRange(0, len(ops)-1).Draw(r, "from")
			if err := s.Batch(t.Context(), ops[from:]...); err != nil {
				r.Fatalf("apply again from %d: %v", from, err)
			}
		}
		for id, body := range want {
			got := ""
			if d := read(t, s, id); d != nil {
				got = string(d.Body)
			}
			if got != body {
				r.Fatalf("%s is %q, want %q", id, got, body)
			}
		}
	}))
	t.Run("puts converge in any order", rapid.MakeCheck(func(r *rapid.T) {
		run++
		id := sprint("any-order-%d", run)
		revs := rapid.Permutation([]int64{1, 2, 3, 4, 5, 5}).Draw(r, "revisions")
		ops := make([]docstore.Op, len(revs))
		for i, rev := range revs {
			ops[i] = put(id, rev, fields{"rev": rev})
		}
		if err := s.Batch(t.Context(), ops...); err != nil {
			r.Fatal(err)
		}
		want := &docstore.Document{ID: id, Rev: 5, Body: json.RawMessage(`{"rev":5}`)}
		if diff := cmp.Diff(want, read(t, s, id)); diff != "" {
			r.Fatal(diff)
		}
	}))
}

// journal draws steps with growing revisions and the bodies they lead to.
func journal(r *rapid.T, run int) (ops []docstore.Op, want map[string]string) {
	want = map[string]string{}
	for rev := int64(1); rev <= int64(rapid.IntRange(1, 8).Draw(r, "steps")); rev++ {
		id := sprint("replay-%d-%d", run, rapid.IntRange(0, 2).Draw(r, "id"))
		if rapid.Bool().Draw(r, "removes") {
			ops, want[id] = append(ops, remove(id, rev)), ""
			continue
		}
		ops, want[id] = append(ops, put(id, rev, fields{"rev": rev})), sprint(`{"rev":%d}`, rev)
	}
	return ops, want
}
