package tenantstore

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
)

func TestRaces(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, docs func(testing.TB) docstore.Store) {
		t.Run("two agents on one tenant lose and repeat nothing", func(t *testing.T) { testTwoAgents(t, docs(t)) })
		t.Run("a repeated command takes effect once, whoever repeats it when", func(t *testing.T) { testConcurrentRepetition(t, docs(t)) })
		t.Run("an entry lands whose writer gave it up", func(t *testing.T) { testGivenUp(t, docs(t)) })
	})
}

const (
	raceCallers  = 6
	raceCommands = 8
)

func testTwoAgents(t *testing.T, docs docstore.Store) {
	agents := []*Store{open(t, docs), open(t, docs)}
	var all sync.WaitGroup
	for c := range raceCallers {
		all.Go(func() {
			s := agents[c%2]
			for i := range raceCommands {
				_, err := s.Do(t.Context(), Command{ID: fmt.Sprintf("%d-%d", c, i), Kind: "count"}, func(tx *Tx) error {
					var n note
					if err := tx.Get("notes", "counter", &n); err != nil && !errors.Is(err, docstore.ErrNotFound) {
						return err
					}
					n.N++
					return tx.Put("notes", "counter", n)
				})
				if err != nil {
					t.Errorf("caller %d, command %d: %v", c, i, err)
				}
			}
		})
	}
	all.Wait()
	if got := contents(t, agents[0])["counter"].N; got != raceCallers*raceCommands {
		t.Errorf("counted to %d of %d", got, raceCallers*raceCommands)
	}
	for _, n := range commandsInJournal(t, docs) {
		if n != 1 {
			t.Errorf("a command is in the journal %d times", n)
		}
	}
	verified(t, agents[1])
}

func testConcurrentRepetition(t *testing.T, docs docstore.Store) {
	agents := []*Store{open(t, docs), open(t, docs)}
	var (
		mu       sync.Mutex
		firsts   int
		receipts []Receipt
		all      sync.WaitGroup
	)
	for c := range raceCallers {
		all.Go(func() {
			r, err := agents[c%2].Do(t.Context(), Command{ID: "the-one", Kind: "count"}, func(tx *Tx) error {
				return errors.Join(tx.Put("notes", "by", note{N: c}), tx.Return(c))
			})
			if err != nil {
				t.Errorf("caller %d: %v", c, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			receipts = append(receipts, r)
			if !r.Replayed {
				firsts++
			}
		})
	}
	all.Wait()
	if firsts != 1 {
		t.Errorf("%d callers were the first", firsts)
	}
	for _, r := range receipts {
		if string(r.Result) != string(receipts[0].Result) || r.Slot != receipts[0].Slot {
			t.Errorf("receipts differ: %+v and %+v", receipts[0], r)
		}
	}
}

// testGivenUp lets an entry of one agent reach its slot after that agent, and its
// caller, gave up on it; the caller then asks the other agent.
func testGivenUp(t *testing.T, docs docstore.Store) {
	first, process := reopen(t, docs)
	second := open(t, docs)
	process.mu.Lock()
	process.after = 1 // the entry alone
	process.mu.Unlock()
	change := func(tx *Tx) error { return errors.Join(tx.Put("notes", "a", note{N: 1}), tx.Return("first")) }
	if _, err := first.Do(t.Context(), Command{ID: "x", Kind: "k"}, change); err == nil {
		t.Fatal("the dying agent answered")
	}
	r, err := second.Do(t.Context(), Command{ID: "x", Kind: "k"}, change)
	if err != nil || !r.Replayed || string(r.Result) != `"first"` {
		t.Errorf("the other agent says %+v, error %v", r, err)
	}
	noError(t, first.Close())
	verified(t, second)
}
