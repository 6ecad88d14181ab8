package tenantstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

func TestStore(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, docs func(testing.TB) docstore.Store) {
		t.Run("commands", func(t *testing.T) { testCommands(t, open(t, docs(t))) })
		t.Run("repetition", func(t *testing.T) { testRepetition(t, docs(t)) })
		t.Run("limits", func(t *testing.T) { testLimits(t, open(t, docs(t))) })
		t.Run("blobs", func(t *testing.T) { testBlobs(t, docs(t)) })
		t.Run("closing", func(t *testing.T) { testClosing(t, docs(t)) })
	})
}

func testCommands(t *testing.T, s *Store) {
	t.Run("reads what was written, in order of slots", func(t *testing.T) {
		first := do(t, s, "", putNote("a", note{"one", 1}))
		second := do(t, s, "", putNote("b", note{"two", 2}))
		if first.Slot != 1 || second.Slot != 2 {
			t.Errorf("slots are %d and %d", first.Slot, second.Slot)
		}
		var n note
		if err := s.Get(t.Context(), "notes", "b", &n); err != nil || n != (note{"two", 2}) {
			t.Errorf("read %+v, error %v", n, err)
		}
		page, err := s.Find(t.Context(), "notes", docstore.Query{Index: "by_n", Desc: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Docs) != 2 || page.Docs[0].ID != "b" || page.Docs[0].Rev != 2 {
			t.Errorf("found %+v", page.Docs)
		}
	})
	t.Run("shows a command its own writes, and its slot", func(t *testing.T) {
		r := do(t, s, "", func(tx *Tx) error {
			var n note
			if err := tx.Get("notes", "own", &n); !errors.Is(err, docstore.ErrNotFound) {
				return fmt.Errorf("before: %w", err)
			}
			if err := tx.Put("notes", "own", note{"x", int(tx.Slot())}); err != nil {
				return err
			}
			if err := tx.Get("notes", "own", &n); err != nil || n.Text != "x" {
				return fmt.Errorf("after: %+v %w", n, err)
			}
			return tx.Put("notes", "own", note{"y", n.N})
		})
		if got := contents(t, s)["own"]; got != (note{"y", int(r.Slot)}) {
			t.Errorf("stored %+v at slot %d", got, r.Slot)
		}
	})
	t.Run("hides what was deleted and lets it come back", func(t *testing.T) {
		del := func(tx *Tx) error { return tx.Delete("notes", "a") }
		do(t, s, "", del)
		wantErr(t, "get", s.Get(t.Context(), "notes", "a", &note{}), docstore.ErrNotFound)
		if _, there := contents(t, s)["a"]; there {
			t.Error("a walk still meets it")
		}
		before := do(t, s, "", del)
		do(t, s, "", func(tx *Tx) error {
			if err := tx.Get("notes", "a", &note{}); !errors.Is(err, docstore.ErrNotFound) {
				return fmt.Errorf("deleted document reads as %w", err)
			}
			return tx.Put("notes", "a", note{"again", 3})
		})
		if got := contents(t, s)["a"]; got.Text != "again" {
			t.Errorf("it came back as %+v", got)
		}
		if r := do(t, s, "", func(*Tx) error { return nil }); r.Slot != before.Slot+1 {
			t.Errorf("a command that changes nothing took slot %d after %d", r.Slot, before.Slot)
		}
	})
	t.Run("drops a failing or panicking command alone", func(t *testing.T) {
		boom := fault.New(fault.Invalid, "test.boom", "boom")
		_, err := s.Do(t.Context(), Command{Kind: "test"}, func(tx *Tx) error {
			return errors.Join(tx.Put("notes", "dropped", note{}), boom)
		})
		wantErr(t, "failing command", err, boom)
		_, err = s.Do(t.Context(), Command{Kind: "test"}, func(tx *Tx) error {
			_ = tx.Put("notes", "dropped", note{}) // the panic is the point
			panic("ouch")
		})
		if err == nil || !strings.Contains(err.Error(), "ouch") || fault.KindOf(err) != fault.Internal {
			t.Errorf("panic came back as %v", err)
		}
		if _, there := contents(t, s)["dropped"]; there {
			t.Error("a dropped command left a document")
		}
	})
	t.Run("keeps exact what values bring along", func(t *testing.T) {
		want := map[string]any{
			"raw": json.RawMessage(`{"z":1.0,"a":[1e2,-0,"\u00e9\/","<&>"]}`), "f": []float64{0.1, 1e21, math.MaxFloat64},
			"big": int64(math.MaxInt64), "text": "é\x00\u2028\"\\", "deep": strings.Repeat("x", 10),
		}
		do(t, s, "", func(tx *Tx) error { return tx.Put("others", "exact", want) })
		var got map[string]any
		if err := s.Get(t.Context(), "others", "exact", &got); err != nil {
			t.Fatal(err)
		}
		raw, err := canonical(want)
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]any
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(back, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("wakes watchers", func(t *testing.T) {
		ch := s.Watch(t.Context(), "notes")
		do(t, s, "", putNote("w", note{}))
		<-ch
	})
	verified(t, s)
}

func testRepetition(t *testing.T, docs docstore.Store) {
	s := open(t, docs)
	runs := 0
	count := func(tx *Tx) error {
		runs++
		return errors.Join(tx.Put("notes", "once", note{N: runs}), tx.Return(map[string]int{"run": runs}))
	}
	first := do(t, s, "cmd-1", count)
	t.Run("returns the first result and does not run again", func(t *testing.T) {
		again := do(t, s, "cmd-1", count)
		want := Receipt{Slot: first.Slot, Replayed: true, Result: json.RawMessage(`{"run":1}`)}
		if diff := cmp.Diff(want, again); diff != "" || runs != 1 {
			t.Errorf("after %d runs: %s", runs, diff)
		}
	})
	noError(t, s.Close())
	s = open(t, docs)
	t.Run("remembers across a reopening", func(t *testing.T) {
		if again := do(t, s, "cmd-1", count); !again.Replayed || runs != 1 {
			t.Errorf("after %d runs: %+v", runs, again)
		}
	})
	t.Run("refuses the id for another kind of command", func(t *testing.T) {
		_, err := s.Do(t.Context(), Command{ID: "cmd-1", Kind: "other"}, count)
		wantErr(t, "reuse", err, ErrReused)
	})
	t.Run("does not remember a command that failed", func(t *testing.T) {
		boom := errors.New("boom")
		_, err := s.Do(t.Context(), Command{ID: "cmd-2", Kind: "test"}, func(*Tx) error { return boom })
		wantErr(t, "first try", err, boom)
		if r := do(t, s, "cmd-2", putNote("later", note{})); r.Replayed {
			t.Error("the failure was remembered")
		}
	})
	t.Run("remembers a command that changed nothing", func(t *testing.T) {
		do(t, s, "cmd-3", func(tx *Tx) error { return tx.Return("done") })
		if r := do(t, s, "cmd-3", count); !r.Replayed || string(r.Result) != `"done"` {
			t.Errorf("got %+v", r)
		}
	})
	verified(t, s)
}

func testLimits(t *testing.T, s *Store) {
	refuse := func(name string, want error, change func(*Tx) error) {
		t.Run("refuses "+name, func(t *testing.T) {
			_, err := s.Do(t.Context(), Command{Kind: "test"}, change)
			wantErr(t, name, err, want)
		})
	}
	refuse("an undeclared collection", docstore.ErrUndeclared, func(tx *Tx) error { return tx.Put("unknown", "x", note{}) })
	refuse("its own collections", docstore.ErrUndeclared, func(tx *Tx) error { return tx.Put("journal", "x", note{}) })
	refuse("an empty id", docstore.ErrInvalid, func(tx *Tx) error { return tx.Put("notes", "", note{}) })
	refuse("a value that is no object", docstore.ErrInvalid, func(tx *Tx) error { return tx.Put("notes", "x", 5) })
	refuse("a value that JSON cannot hold", docstore.ErrInvalid, func(tx *Tx) error { return tx.Put("notes", "x", map[string]any{"f": math.NaN()}) })
	refuse("the form of a deleted document", docstore.ErrInvalid, func(tx *Tx) error { return tx.Put("notes", "x", map[string]any{"_deleted": true}) })
	refuse("nesting that the journal could not hold", docstore.ErrInvalid, func(tx *Tx) error {
		deep := strings.Repeat("[", docstore.MaxDepth-2) + strings.Repeat("]", docstore.MaxDepth-2)
		return tx.Put("notes", "x", map[string]any{"d": json.RawMessage(deep)})
	})
	refuse("too many bytes, even if the command ignores it", ErrTooLarge, func(tx *Tx) error {
		_ = tx.Put("notes", "x", note{Text: strings.Repeat("x", commandBytes)}) // the store remembers
		return nil
	})
	t.Run("refuses malformed commands", func(t *testing.T) {
		for _, c := range []Command{{}, {Kind: strings.Repeat("k", 65)}, {Kind: "k", ID: strings.Repeat("i", 201)}, {Kind: "k", ID: "\xff"}, {Kind: "k", Actor: strings.Repeat("a", 201)}} {
			_, err := s.Do(t.Context(), c, putNote("x", note{}))
			wantErr(t, fmt.Sprintf("%+v", c), err, ErrCommand)
		}
	})
	t.Run("refuses an ended context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Do(ctx, Command{Kind: "k"}, putNote("x", note{}))
		wantErr(t, "do", err, context.Canceled)
	})
	t.Run("refuses unique indexes and taken names at the door", func(t *testing.T) {
		for _, c := range []docstore.Collection{
			{Name: "journal"},
			{Name: "tenants"},
			{Name: "x", Indexes: []docstore.Index{{Name: "u", Fields: []string{"u"}, Unique: true}}},
		} {
			_, err := Open(t.Context(), nil, []docstore.Collection{c}, "")
			wantErr(t, c.Name, err, docstore.ErrDeclaration)
		}
	})
	t.Run("spreads commands over entries when one would be too full", func(t *testing.T) {
		// All in the queue behind a command that waits for them, so that they are
		// taken up together.
		const commands, size = 6, 1 << 20
		started, release := make(chan struct{}), make(chan struct{})
		gate := make(chan error, 1)
		go func() {
			_, err := s.Do(t.Context(), Command{Kind: "gate"}, func(*Tx) error { close(started); <-release; return nil })
			gate <- err
		}()
		<-started
		errs := make(chan error, commands)
		for i := range commands {
			go func() {
				_, err := s.Do(t.Context(), Command{Kind: "big"}, putNote(fmt.Sprintf("big-%d", i), note{Text: strings.Repeat("x", size)}))
				errs <- err
			}()
		}
		for len(s.queue) < commands { // they are on their way
			runtime.Gosched()
		}
		close(release)
		noError(t, <-gate)
		for range commands {
			noError(t, <-errs)
		}
		if got := len(contents(t, s)); got != commands {
			t.Errorf("%d of %d are there", got, commands)
		}
	})
	if got := contents(t, s)["x"]; got != (note{}) {
		t.Errorf("something refused was stored: %+v", got)
	}
	verified(t, s)
}

func testBlobs(t *testing.T, docs docstore.Store) {
	s := open(t, docs)
	for _, size := range []int{0, 1, chunkBytes, chunkBytes + 1, 10*chunkBytes + 7} {
		content := bytes.Repeat([]byte{1, 2, 255, byte(size)}, size/4+1)[:size]
		b, err := s.PutBlob(t.Context(), content)
		if err != nil {
			t.Fatalf("put %d bytes: %v", size, err)
		}
		again, err := s.PutBlob(t.Context(), content)
		if err != nil || again != b {
			t.Errorf("the same content is %+v and %+v, error %v", b, again, err)
		}
		got, err := s.GetBlob(t.Context(), b)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d of %d bytes came back, error %v", len(got), size, err)
		}
	}
	t.Run("refuses what is too large", func(t *testing.T) {
		_, err := s.PutBlob(t.Context(), make([]byte, MaxBlob+1))
		wantErr(t, "put", err, ErrTooLarge)
	})
	t.Run("refuses references that cannot be", func(t *testing.T) {
		for _, b := range []Blob{{}, {Hash: "../x", Size: 1}, {Hash: strings.Repeat("0", 64), Size: -1}, {Hash: strings.Repeat("0", 64), Size: math.MaxInt64}} {
			_, err := s.GetBlob(t.Context(), b)
			wantErr(t, fmt.Sprintf("%+v", b), err, docstore.ErrInvalid)
		}
		_, err := s.GetBlob(t.Context(), Blob{Hash: strings.Repeat("0", 64), Size: 5})
		wantErr(t, "unknown", err, docstore.ErrNotFound)
	})
	t.Run("notices damage", func(t *testing.T) {
		b, err := s.PutBlob(t.Context(), []byte("precious"))
		if err != nil {
			t.Fatal(err)
		}
		d := docstore.Document{ID: chunkID(b.Hash, 0), Rev: 1, Body: json.RawMessage(`{"d":"cHJlY2lvdXo="}`)}
		if _, err := docs.Replace(t.Context(), blobsCollection, d); err != nil {
			t.Fatal(err)
		}
		_, err = s.GetBlob(t.Context(), b)
		wantErr(t, "get", err, ErrBlob)
		r, err := s.Verify(t.Context())
		if err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], b.Hash) {
			t.Errorf("verify found %q, error %v", r.Problems, err)
		}
	})
}

func testClosing(t *testing.T, docs docstore.Store) {
	s := open(t, docs)
	const commands = 20
	errs := make(chan error, commands)
	started, release := make(chan struct{}), make(chan struct{})
	go func() {
		_, err := s.Do(t.Context(), Command{Kind: "gate"}, func(*Tx) error { close(started); <-release; return nil })
		errs <- err
	}()
	<-started
	for i := range commands - 1 {
		go func() {
			_, err := s.Do(t.Context(), Command{Kind: "test"}, putNote(fmt.Sprint(i), note{N: i}))
			errs <- err
		}()
	}
	for len(s.queue) < commands-1 { // they are on their way
		runtime.Gosched()
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	close(release)
	noError(t, <-closed)
	for range commands {
		noError(t, <-errs)
	}
	_, err := s.Do(t.Context(), Command{Kind: "test"}, putNote("late", note{}))
	wantErr(t, "do after close", err, ErrClosed)
	noError(t, s.Close())
	if got := len(contents(t, open(t, docs))); got != commands-1 {
		t.Errorf("%d of %d waiting commands were finished", got, commands-1)
	}
}
