package tenantstore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
)

// TestModel compares a store with a map under random commands, while the process
// dies again and again between the journal's insert and the end of applying.
func TestModel(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, docs func(testing.TB) docstore.Store) {
		base := docs(t)
		_, quick := base.(*sqlitestore.Store)
		runs := 0
		rapid.Check(t, func(r *rapid.T) {
			if runs++; quick || runs <= slowRuns {
				modelRun(t, r, base)
			}
		})
	})
}

// slowRuns bounds the runs on a server that does a hundred writes a second.
const slowRuns = 25

// modelRun goes on with what earlier runs left in base.
func modelRun(t *testing.T, r *rapid.T, base docstore.Store) {
	s, process := reopen(t, base)
	want := contents(t, s)
	for range rapid.IntRange(1, 6).Draw(r, "commands") {
		id := fmt.Sprintf("doc-%d", rapid.IntRange(0, 4).Draw(r, "id"))
		other := fmt.Sprintf("doc-%d", rapid.IntRange(0, 4).Draw(r, "other"))
		n := rapid.IntRange(0, 1000).Draw(r, "n")
		removes := rapid.Bool().Draw(r, "removes")
		process.mu.Lock()
		process.after = rapid.IntRange(-6, 5).Draw(r, "dies after step")
		died := process.after >= 0
		stands := process.after != 0 // the journal's insert is the first step
		process.mu.Unlock()

		command := fmt.Sprintf("c-%s", rapid.StringMatching(`[a-z0-9]{12}`).Draw(r, "command"))
		change := func(tx *Tx) error {
			if err := tx.Put("notes", id, note{N: n}); err != nil {
				return err
			}
			if removes {
				return errors.Join(tx.Delete("notes", other), tx.Return(n))
			}
			return tx.Return(n)
		}
		_, err := s.Do(t.Context(), Command{ID: command, Kind: "model"}, change)
		if died != (err != nil) {
			r.Fatalf("died: %v, error: %v", died, err)
		}
		if died {
			noError(t, s.Close())
			s, process = reopen(t, base)
		}
		if stands {
			want[id] = note{N: n}
			if removes {
				delete(want, other)
			}
		}
		if diff := cmp.Diff(want, contents(t, s)); diff != "" {
			r.Fatalf("after a death at the worst moment: %s", diff)
		}
		// The caller, not having heard, does it again: once in all.
		receipt, err := s.Do(t.Context(), Command{ID: command, Kind: "model"}, change)
		if err != nil || receipt.Replayed != stands {
			r.Fatalf("repeated: %+v, error %v", receipt, err)
		}
		want[id] = note{N: n}
		if removes {
			delete(want, other)
		}
	}
	report, err := s.Verify(t.Context())
	if err != nil || !report.OK() {
		r.Fatalf("verify: %v %q", err, report.Problems)
	}
	noError(t, s.Close())
}

func reopen(t *testing.T, base docstore.Store) (*Store, *crashing) {
	process := &crashing{Store: base, after: -1}
	s, err := Open(t.Context(), process, notes(), "")
	if err != nil {
		t.Fatalf("open after a crash: %v", err)
	}
	return s, process
}

// childFile, when set, makes the test binary a process that is there to be killed.
const childFile = "TENANTSTORE_CHILD_FILE"

const childWriters = 8

// writeAsChild commits commands without end and prints each once acknowledged.
func writeAsChild(path string) error {
	docs, err := sqlitestore.Open(path, sqlitestore.Options{})
	if err != nil {
		return err
	}
	s, err := Open(context.Background(), docs, notes(), "")
	if err != nil {
		return err
	}
	round := fmt.Sprint(os.Getpid())
	var out sync.Mutex
	var all sync.WaitGroup
	for w := range childWriters {
		all.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%s-%d-%d", round, w, i)
				_, err := s.Do(context.Background(), Command{ID: name, Kind: "child"}, func(tx *Tx) error {
					return errors.Join(tx.Put("notes", name, note{N: i}), tx.Put("notes", "last-"+round, note{Text: name}))
				})
				if err != nil {
					return
				}
				out.Lock()
				_, _ = fmt.Println(name) //nolint:forbidigo // the parent reads it
				out.Unlock()
			}
		})
	}
	all.Wait()
	return nil
}

func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "t.db")
	acknowledged := map[string]bool{}
	for range 4 {
		killedWriter(t, path, acknowledged)
		docs := sqlite(t, path)
		noError(t, docs.Integrity(t.Context()))
		s := open(t, docs)
		verified(t, s)
		times := commandsInJournal(t, docs)
		for name := range acknowledged {
			if times[name] != 1 {
				t.Errorf("acknowledged command %s is in the journal %d times", name, times[name])
			}
			if err := s.Get(t.Context(), "notes", name, &note{}); err != nil {
				t.Errorf("acknowledged document %s: %v", name, err)
			}
		}
		for name, n := range times {
			if n > 1 {
				t.Errorf("command %s is in the journal %d times", name, n)
			}
		}
		noError(t, s.Close())
		noError(t, docs.Close())
	}
	t.Logf("%d acknowledged commands, each present once", len(acknowledged))
}

// killedWriter runs a child, kills it after a random number of acknowledgements
// and collects all of them.
func killedWriter(t *testing.T, path string, acknowledged map[string]bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childFile+"="+path)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	enough := 20 + rand.IntN(400)
	lines := bufio.NewScanner(out)
	n := 0
	for ; lines.Scan(); n++ {
		acknowledged[lines.Text()] = true
		if n == enough {
			noError(t, cmd.Process.Kill())
		}
	}
	_ = cmd.Wait() // killed
	if n < enough {
		t.Fatalf("the child wrote %d lines and ended: %s", n, complaints.String())
	}
}

func commandsInJournal(t *testing.T, docs docstore.Store) map[string]int {
	t.Helper()
	times := map[string]int{}
	q := docstore.Query{Limit: 1000}
	for {
		page, err := docs.Find(t.Context(), journalCollection, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Docs {
			var e entry
			if err := json.Unmarshal(d.Body, &e); err != nil {
				t.Fatal(err)
			}
			for _, c := range e.Commands {
				times[c.ID]++
			}
		}
		if page.Next == "" {
			return times
		}
		q.After = page.Next
	}
}
