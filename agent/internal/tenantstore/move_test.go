package tenantstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	here   = id.Environment("env_here")
	there  = id.Environment("env_there")
	aMove  = "mov_1.1"
	budget = time.Minute // far more than any step takes: what lapses in a test shall lapse on purpose
)

func TestMove(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, docs func(testing.TB) docstore.Store) {
		t.Run("the copy owns the tenant after the hand-over, and the owner refuses", func(t *testing.T) { testHandOver(t, docs(t), copyIn(t)) })
		t.Run("commands wait in the pause and are refused after it", func(t *testing.T) { testPause(t, docs(t)) })
		t.Run("a pause that lapses hands nothing over", func(t *testing.T) { testLapse(t, docs(t)) })
		t.Run("a hand-over needs the present claim of the open move", func(t *testing.T) { testClaims(t, docs(t)) })
		t.Run("another agent's write beats the hand-over", func(t *testing.T) { testBeaten(t, docs(t)) })
		t.Run("another agent learns of the hand-over and never writes behind it", func(t *testing.T) { testLearns(t, docs(t)) })
		t.Run("a tenant goes there and back again", func(t *testing.T) { testThereAndBack(t, docs(t), copyIn(t)) })
	})
	t.Run("copies take anything in, in any order, and end the same", func(t *testing.T) { t.Parallel(); testAnyOrder(t) })
	t.Run("a crash in the middle of the promotion leaves a copy or an owner", func(t *testing.T) { t.Parallel(); testPromotionCrash(t) })
}

// copyIn is an empty place for a copy, always on SQLite: a move may change stores.
func copyIn(t *testing.T) docstore.Store {
	t.Helper()
	return sqlite(t, t.TempDir()+"/copy.db")
}

func rawOf(docs docstore.Store) *Raw { return &Raw{docs: docs, collections: notes()} }

func replicaIn(t testing.TB, docs docstore.Store, self id.Environment, mark Standby) *Replica {
	t.Helper()
	if err := docs.Ensure(t.Context(), withOwn(notes())...); err != nil {
		t.Fatal(err)
	}
	r := &Replica{docs: docs, raw: rawOf(docs), self: self}
	if mark.Move != "" {
		first, err := beginning(mark)
		if err == nil {
			err = docs.Batch(t.Context(), first...)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// copyAll copies what the owner has and follows up to its end.
func copyAll(t testing.TB, from docstore.Store, to *Replica, claim int64) Place {
	t.Helper()
	is, err := to.Standing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw := rawOf(from)
	for _, c := range raw.Collections() {
		end := ""
		if IsJournal(c) {
			end = JournalEnd(is.Standby.Base)
		}
		for after, more := "", true; more; {
			var docs []docstore.Document
			docs, more, err = raw.Page(t.Context(), c, after, end, 3, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := to.Put(t.Context(), aMove, claim, c, docs); err != nil {
				t.Fatalf("put %s: %v", c, err)
			}
			if len(docs) > 0 {
				after = docs[len(docs)-1].ID
			}
		}
	}
	return followUp(t, from, to, claim)
}

func followUp(t testing.TB, from docstore.Store, to *Replica, claim int64) Place {
	t.Helper()
	is, err := to.Standing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entries, err := rawOf(from).Entries(t.Context(), is.Applied, 1000, 1<<26)
	if err != nil {
		t.Fatal(err)
	}
	at, err := to.Apply(t.Context(), aMove, claim, entries)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func begin(t testing.TB, s *Store, claim int64) Place {
	t.Helper()
	at, err := s.BeginMove(t.Context(), aMove, claim, here, there)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func cut(t testing.TB, s *Store) *Window {
	t.Helper()
	w, err := s.Cut(t.Context(), budget)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// handOver moves the tenant from here to a copy in target.
func handOver(t testing.TB, s *Store, source, target docstore.Store) Standing {
	t.Helper()
	base := begin(t, s, 1)
	r := replicaIn(t, target, there, Standby{Move: aMove, Claim: 1, Base: base})
	copyAll(t, source, r, 1)
	w := cut(t, s)
	commit, err := w.HandOver(t.Context(), here, aMove, 1, followUp(t, source, r, 1))
	if err != nil {
		t.Fatal(err)
	}
	is, err := r.Promote(t.Context(), aMove, 1, commit)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Promote(t.Context(), aMove, 1, commit); err != nil || again.Role != RoleOwner {
		t.Errorf("promoted again: %+v, %v", again, err)
	}
	return is
}

func testHandOver(t *testing.T, source, target docstore.Store) {
	s := open(t, source)
	for i := range 7 {
		do(t, s, fmt.Sprint("c", i), putNote(fmt.Sprint("n", i%5), note{N: i}))
	}
	do(t, s, "gone", func(tx *Tx) error { return tx.Delete("notes", "n1") })
	want := contents(t, s)
	is := handOver(t, s, source, target)
	if is.Role != RoleOwner || is.Last.To != there || is.Standby != nil {
		t.Errorf("the copy is %+v", is)
	}
	_, err := s.Do(t.Context(), Command{Kind: "late"}, putNote("late", note{}))
	var moved *MovedError
	if !errors.As(err, &moved) || moved.To != there {
		t.Errorf("a late command: %v", err)
	}
	wantErr(t, "a late read", s.Get(t.Context(), "notes", "n0", &note{}), ErrMoved)
	_, err = s.Find(t.Context(), "notes", docstore.Query{})
	wantErr(t, "a late query", err, ErrMoved)
	if was, err := standing(t.Context(), source, here); err != nil || was.Role != RoleMoved {
		t.Errorf("the former owner is %+v, %v", was, err)
	}

	next := open(t, target)
	if diff := cmp.Diff(want, contents(t, next)); diff != "" {
		t.Error(diff)
	}
	if r := do(t, next, "c3", putNote("other", note{})); !r.Replayed {
		t.Error("a command that the former owner carried out is carried out again")
	}
	if r := do(t, next, "", putNote("new", note{})); r.Slot != is.Applied.Slot+1 {
		t.Errorf("the first slot of the new owner is %d after %d", r.Slot, is.Applied.Slot)
	}
	verified(t, next)
	if again := open(t, target); contents(t, again)["new"] != (note{}) {
		t.Error("lost after opening again")
	}
}

func testPause(t *testing.T, docs docstore.Store) {
	s := open(t, docs)
	do(t, s, "", putNote("a", note{}))
	begin(t, s, 1)
	w := cut(t, s)
	waiting := make(chan error, 8)
	for i := range cap(waiting) {
		go func() {
			_, err := s.Do(context.WithoutCancel(t.Context()), Command{ID: fmt.Sprint("w", i), Kind: "test"}, putNote("w", note{N: i}))
			waiting <- err
		}()
	}
	select {
	case err := <-waiting:
		t.Fatalf("a command did not wait: %v", err)
	default:
	}
	if err := s.Get(t.Context(), "notes", "a", &note{}); err != nil {
		t.Errorf("a read in the pause: %v", err)
	}
	if _, err := w.HandOver(t.Context(), here, aMove, 1, w.Tail); err != nil {
		t.Fatal(err)
	}
	for range cap(waiting) {
		if err := <-waiting; !errors.Is(err, ErrMoved) {
			t.Errorf("a command that waited: %v", err)
		}
	}
	if tail, err := checkpoint(t.Context(), docs); err != nil || tail.Slot != w.Tail.Slot+1 {
		t.Errorf("the journal ends at %+v, %v", tail, err)
	}
}

func testLapse(t *testing.T, docs docstore.Store) {
	s := open(t, docs)
	begin(t, s, 1)
	w, err := s.Cut(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	do(t, s, "", putNote("a", note{})) // goes on by itself
	_, err = w.HandOver(t.Context(), here, aMove, 1, w.Tail)
	wantErr(t, "a hand-over after the pause", err, ErrLapsed)
	w.Release()
	w = cut(t, s)
	w.Release()
	w.Release()
	do(t, s, "", putNote("b", note{}))
	verified(t, s)
}

func testClaims(t *testing.T, docs docstore.Store) {
	s := open(t, docs)
	handOver := func(self id.Environment, move string, claim int64) error {
		w := cut(t, s)
		defer w.Release()
		_, err := w.HandOver(t.Context(), self, move, claim, w.Tail)
		return err
	}
	wantErr(t, "without a move", handOver(here, aMove, 1), ErrClaim)
	begin(t, s, 4)
	_, err := s.BeginMove(t.Context(), aMove, 3, here, there)
	wantErr(t, "an older worker", err, ErrClaim)
	_, err = s.BeginMove(t.Context(), "mov_2.1", 1, here, there)
	wantErr(t, "another move", err, ErrClaim)
	begin(t, s, 5)
	wantErr(t, "a hand-over by the worker before", handOver(here, aMove, 4), ErrClaim)
	wantErr(t, "a hand-over of another move", handOver(here, "mov_2.1", 5), ErrClaim)
	wantErr(t, "a hand-over of a move that leads here", handOver(there, aMove, 5), ErrClaim)
	w := cut(t, s)
	_, err = w.HandOver(t.Context(), here, aMove, 5, Place{Slot: w.Tail.Slot - 1})
	wantErr(t, "to a copy that lacks an entry", err, ErrBehind)
	w.Release()
	if _, err := s.EndMove(t.Context(), aMove); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "a hand-over after the end", handOver(here, aMove, 5), ErrClaim)
	_, err = s.BeginMove(t.Context(), aMove, 6, here, there)
	wantErr(t, "the same move after its end", err, ErrClaim)
	if _, err := s.BeginMove(t.Context(), "mov_2.1", 1, here, there); err != nil {
		t.Errorf("the next move: %v", err)
	}
}

func testBeaten(t *testing.T, docs docstore.Store) {
	s, other := open(t, docs), open(t, docs)
	begin(t, s, 1)
	w := cut(t, s)
	do(t, other, "", putNote("a", note{N: 1}))
	_, err := w.HandOver(t.Context(), here, aMove, 1, w.Tail)
	wantErr(t, "a hand-over at a slot that is taken", err, ErrBehind)
	w.Release()
	do(t, s, "", putNote("b", note{N: 2}))
	verified(t, s)
}

func testLearns(t *testing.T, docs docstore.Store) {
	s, other := open(t, docs), open(t, docs)
	begin(t, s, 1)
	w := cut(t, s)
	if _, err := w.HandOver(t.Context(), here, aMove, 1, w.Tail); err != nil {
		t.Fatal(err)
	}
	_, err := other.Do(t.Context(), Command{Kind: "late"}, putNote("late", note{}))
	wantErr(t, "a command at an agent that did not know", err, ErrMoved)
	entries, err := rawOf(docs).Entries(t.Context(), Place{Generation: 0, Slot: w.Tail.Slot}, 10, 1<<20)
	if err != nil || len(entries) != 1 || entries[0].HandOver == nil {
		t.Errorf("behind the tail: %d entries, %v", len(entries), err)
	}
}

func testThereAndBack(t *testing.T, source, target docstore.Store) {
	first := open(t, source)
	do(t, first, "a", putNote("a", note{N: 1}))
	handOver(t, first, source, target)
	second := open(t, target)
	do(t, second, "b", putNote("b", note{N: 2}))
	// The former owner follows, and gets the tenant back.
	back := replicaIn(t, source, here, Standby{})
	if _, err := back.Claim(t.Context(), aMove, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := back.Claim(t.Context(), aMove, 1); !errors.Is(err, ErrClaim) {
		t.Errorf("an older worker claims the former owner: %v", err)
	}
	if _, err := second.BeginMove(t.Context(), aMove, 2, there, here); err != nil {
		t.Fatal(err)
	}
	followUp(t, target, back, 2)
	w := cut(t, second)
	commit, err := w.HandOver(t.Context(), there, aMove, 2, followUp(t, target, back, 2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := back.Promote(t.Context(), aMove, 2, commit); err != nil {
		t.Fatal(err)
	}
	_, err = first.Do(t.Context(), Command{Kind: "late"}, putNote("late", note{}))
	wantErr(t, "the store that gave the tenant away once", err, ErrMoved)
	third := open(t, source)
	do(t, third, "c", putNote("c", note{N: 3}))
	if diff := cmp.Diff(map[string]note{"a": {N: 1}, "b": {N: 2}, "c": {N: 3}}, contents(t, third)); diff != "" {
		t.Error(diff)
	}
	if got, err := checkpoint(t.Context(), source); err != nil || got.Generation != 2 {
		t.Errorf("generation %d, %v", got.Generation, err)
	}
	verified(t, third)
}

// testAnyOrder lets several workers with pages, entries and repetitions loose on
// one copy, while the owner is written to.
func testAnyOrder(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 7))
		source, target := sqlite(t, t.TempDir()+"/s.db"), sqlite(t, t.TempDir()+"/t.db")
		s := open(t, source)
		write := func() {
			k := fmt.Sprint("n", random.IntN(6))
			do(t, s, "", func(tx *Tx) error {
				if random.IntN(3) == 0 {
					return tx.Delete("notes", k)
				}
				return tx.Put("notes", k, note{N: random.IntN(1000)})
			})
		}
		for range 10 {
			write()
		}
		r := replicaIn(t, target, there, Standby{Move: aMove, Claim: 1, Base: begin(t, s, 1)})
		type chunk struct {
			collection string
			docs       []docstore.Document
		}
		var late []chunk
		for range 30 {
			write()
			raw := rawOf(source)
			names := raw.Collections()
			c := names[random.IntN(len(names))]
			end := ""
			if IsJournal(c) {
				end = JournalEnd(Place{Slot: 11})
			}
			docs, _, err := raw.Page(t.Context(), c, "", end, 100, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			late = append(late, chunk{c, docs})
			if random.IntN(2) == 0 {
				followUp(t, source, r, 1)
			}
			if random.IntN(2) == 0 {
				k := late[random.IntN(len(late))] // as late, and as often, as it likes
				if _, err := r.Put(t.Context(), aMove, 1, k.collection, k.docs); err != nil {
					t.Fatal(err)
				}
			}
		}
		copyAll(t, source, r, 1)
		for _, k := range late {
			if _, err := r.Put(t.Context(), aMove, 1, k.collection, k.docs); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range rawOf(source).Collections() {
			one, _, err := rawOf(source).Page(t.Context(), c, "", "", 1000, 1<<26)
			if err != nil {
				t.Fatal(err)
			}
			other, _, err := rawOf(target).Page(t.Context(), c, "", "", 1000, 1<<26)
			if err != nil {
				t.Fatal(err)
			}
			if RangeOf(one, false) != RangeOf(other, false) {
				t.Errorf("seed %d: %s differs: %s", seed, c, cmp.Diff(one, other))
			}
		}
	}
}

func testPromotionCrash(t *testing.T) {
	for after := range 5 {
		source, target := sqlite(t, t.TempDir()+"/s.db"), sqlite(t, t.TempDir()+"/t.db")
		s := open(t, source)
		do(t, s, "a", putNote("a", note{N: 1}))
		whole := replicaIn(t, target, there, Standby{Move: aMove, Claim: 1, Base: begin(t, s, 1)})
		copyAll(t, source, whole, 1)
		w := cut(t, s)
		commit, err := w.HandOver(t.Context(), here, aMove, 1, followUp(t, source, whole, 1))
		if err != nil {
			t.Fatal(err)
		}
		dying := &crashing{Store: target, after: after}
		if _, err := (&Replica{docs: dying, raw: rawOf(dying), self: there}).Promote(t.Context(), aMove, 1, commit); err == nil {
			t.Fatalf("step %d: no crash", after)
		}
		is, err := whole.Promote(t.Context(), aMove, 1, commit)
		if err != nil || is.Role != RoleOwner {
			t.Fatalf("step %d: promoted after the crash: %+v, %v", after, is, err)
		}
		next, err := Open(t.Context(), target, notes(), there)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { noError(t, next.Close()) })
		do(t, next, "b", putNote("b", note{N: 2}))
		verified(t, next)
	}
}

func TestShelfMoves(t *testing.T) {
	t.Parallel()
	f, err := NewSQLiteFactory(t.TempDir(), notes())
	if err != nil {
		t.Fatal(err)
	}
	shelf := NewShelf(f, 2)
	t.Cleanup(func() { noError(t, shelf.Close()) })
	shelf.Belong(here)
	tenant := id.NewTenant()
	mark := Standby{Move: aMove, Claim: 1, Base: Start()}

	r, release, err := shelf.Prepare(t.Context(), tenant, mark, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := shelf.Open(t.Context(), tenant); !errors.Is(err, ErrStandby) {
		t.Errorf("a copy is opened: %v", err)
	}
	release()
	if err := errors.Join(shelf.Remove(t.Context(), tenant), shelf.Create(t.Context(), tenant)); err != nil {
		t.Fatal(err)
	}
	store, done, err := shelf.Open(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	do(t, store, "", putNote("a", note{N: 1}))
	if _, _, err := shelf.Prepare(t.Context(), tenant, mark, ""); !errors.Is(err, ErrOwner) {
		t.Errorf("an owner is made a copy: %v", err)
	}
	if _, _, err := shelf.Follow(t.Context(), tenant); !errors.Is(err, ErrOwner) {
		t.Errorf("an owner is followed: %v", err)
	}
	if _, err := r.Put(t.Context(), aMove, 1, "notes", nil); err == nil {
		t.Error("a copy that was removed takes documents")
	}
	begin(t, store, 1)
	w := cut(t, store)
	if _, err := w.HandOver(t.Context(), here, aMove, 1, w.Tail); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, _, err := shelf.Open(t.Context(), tenant); !errors.Is(err, ErrMoved) {
				t.Errorf("opened after the hand-over: %v", err)
			}
			_, give, err := shelf.Follow(t.Context(), tenant)
			if err != nil {
				t.Errorf("the former owner does not follow: %v", err)
				return
			}
			give()
		})
	}
	all.Wait()
	done() // a user from before may give it back late
	again, give, err := shelf.Prepare(t.Context(), tenant, Standby{Move: "mov_2.1", Claim: 1, Base: Start()}, "")
	if err != nil {
		t.Fatalf("a new copy where the tenant was: %v", err)
	}
	if is, err := again.Standing(t.Context()); err != nil || is.Role != RoleStandby || is.Applied.Slot != 0 {
		t.Errorf("%+v, %v", is, err)
	}
	give()
}

func TestLateRequestsForACopyDoNothing(t *testing.T) {
	t.Parallel()
	f, err := NewSQLiteFactory(t.TempDir(), notes())
	if err != nil {
		t.Fatal(err)
	}
	shelf := NewShelf(f, 2)
	t.Cleanup(func() { noError(t, shelf.Close()) })
	shelf.Belong(there)
	tenant := id.NewTenant()
	prepare := func(move, replaces string) error {
		_, release, err := shelf.Prepare(t.Context(), tenant, Standby{Move: move, Claim: 1, Base: Start()}, replaces)
		if err == nil {
			release()
		}
		return err
	}
	wantErr(t, "in the place of a copy that is not here", prepare("mov_1.2", "mov_1.1"), ErrClaim)
	noError(t, prepare("mov_1.1", ""))
	noError(t, prepare("mov_1.1", "")) // asked again
	noError(t, prepare("mov_1.2", "mov_1.1"))
	wantErr(t, "the first one, late", prepare("mov_1.1", ""), ErrClaim)
	noError(t, shelf.Remove(t.Context(), tenant))
	wantErr(t, "the second one, late", prepare("mov_1.2", "mov_1.1"), ErrClaim)
	wantErr(t, "the second one, after its copy was removed", prepare("mov_1.2", ""), ErrClaim)
	shelf.Refuse(tenant, "mov_2.1")
	wantErr(t, "one that was given up before its copy began", prepare("mov_2.1", ""), ErrClaim)
	noError(t, prepare("mov_3.1", ""))
}

// A promotion that was cut off on a server without transactions leaves the mark of
// the copy at what is the owner then.
func TestAFormerOwnerTakesClaimsBesideTheMarkOfAnEarlierMove(t *testing.T) {
	t.Parallel()
	docs := copyIn(t)
	s := open(t, docs)
	do(t, s, "", putNote("a", note{}))
	left, err := marking(Standby{Move: "mov_0.1", Claim: 40})
	noError(t, err)
	noError(t, docs.Batch(t.Context(), left))
	begin(t, s, 1)
	w := cut(t, s)
	_, err = w.HandOver(t.Context(), here, aMove, 1, w.Tail)
	noError(t, err)
	r := replicaIn(t, docs, here, Standby{})
	_, err = r.Claim(t.Context(), aMove, 3)
	noError(t, err)
	_, err = r.Apply(t.Context(), aMove, 3, nil)
	noError(t, err)
	_, err = r.Claim(t.Context(), aMove, 2)
	wantErr(t, "an older worker", err, ErrClaim)
}

func TestWhatIsDroppedForAnEarlierMoveIsNotTheCopyOfTheNext(t *testing.T) {
	t.Parallel()
	f, err := NewSQLiteFactory(t.TempDir(), notes())
	noError(t, err)
	shelf := NewShelf(f, 2)
	t.Cleanup(func() { noError(t, shelf.Close()) })
	shelf.Belong(here)
	tenant := id.NewTenant()
	_, release, err := shelf.Prepare(t.Context(), tenant, Standby{Move: "mov_2.1", Claim: 1}, "")
	noError(t, err)
	release()
	noError(t, shelf.Drop(t.Context(), tenant, "mov_1.1", "mov_1.2"))
	_, is, release, err := shelf.Look(t.Context(), tenant)
	noError(t, err)
	release()
	if is.Role != RoleStandby || is.Standby.Move != "mov_2.1" {
		t.Errorf("the later copy is %+v", is)
	}
	noError(t, shelf.Drop(t.Context(), tenant, "mov_2.1"))
	if left, err := shelf.Tenants(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestOnlyACopyIsDropped(t *testing.T) {
	t.Parallel()
	f, err := NewSQLiteFactory(t.TempDir(), notes())
	if err != nil {
		t.Fatal(err)
	}
	shelf := NewShelf(f, 2)
	t.Cleanup(func() { noError(t, shelf.Close()) })
	shelf.Belong(here)
	tenant := id.NewTenant()
	if err := errors.Join(shelf.Drop(t.Context(), tenant), shelf.Create(t.Context(), tenant)); err != nil {
		t.Fatal(err)
	}
	store, release, err := shelf.Open(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	do(t, store, "", putNote("a", note{N: 1}))
	begin(t, store, 1)
	release()
	wantErr(t, "an owner", shelf.Drop(t.Context(), tenant), ErrOwner)
	store, release, err = shelf.Open(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	w := cut(t, store)
	if _, err := w.HandOver(t.Context(), here, aMove, 1, w.Tail); err != nil {
		t.Fatal(err)
	}
	release()
	if err := shelf.Drop(t.Context(), tenant); err != nil {
		t.Errorf("what a former owner left: %v", err)
	}
	if left, err := shelf.Tenants(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
