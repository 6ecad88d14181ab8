package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
)

// WriteUnderWitness lets writers write to s until a write fails, and prints one
// line to acknowledged for each write that did not: the crash tests kill whatever
// carries s in the middle. Name is part of every id and unique to the call.
func WriteUnderWitness(ctx context.Context, s docstore.Store, name string, writers int, acknowledged io.Writer) {
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintf(acknowledged, format+"\n", args...) // a reader that is gone ends the test
	}
	for w := range writers {
		all.Go(func() {
			counter := sprint("%s-%d-counter", name, w)
			if s.Insert(ctx, "things", document(counter, fields{"n": 0})) != nil {
				return
			}
			for i := 1; ; i++ {
				id := sprint("%s-%d-%d", name, w, i)
				if s.Insert(ctx, "things", document(id, fields{"kind": "witness", "size": i, "mail": id})) != nil {
					return
				}
				say("insert %s %d", id, i)
				next := document(counter, fields{"n": i})
				next.Rev = int64(i)
				if _, err := s.Replace(ctx, "things", next); err != nil {
					return
				}
				say("count %s %d", counter, i)
				both := id + "-both"
				if s.Batch(ctx, add("things", both, 1, fields{"n": i}), put(both+"-put", 1, fields{"n": i})) != nil {
					return
				}
				say("batch %s %d", both, i)
			}
		})
	}
	all.Wait()
}

// CheckWitnessed checks that s holds what the lines of WriteUnderWitness say, and
// returns how many writes that were. What was under way when the writer died may
// or may not be there; nothing may be there in part or twice.
func CheckWitnessed(t testing.TB, s docstore.Store, lines []string) int {
	t.Helper()
	counters := map[string]int64{}
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue // cut off with the writer
		}
		n, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		switch f[0] {
		case "insert":
			expect(t, s, f[1], sprint(`{"kind":"witness","mail":"%s","size":%d}`, f[1], n))
		case "batch":
			expect(t, s, f[1], sprint(`{"n":%d}`, n))
			expect(t, s, f[1]+"-put", sprint(`{"n":%d}`, n))
		case "count":
			counters[f[1]] = max(counters[f[1]], n)
		}
	}
	for id, n := range counters {
		d := read(t, s, id)
		if d == nil {
			t.Errorf("counter %s, acknowledged at %d, is gone", id, n)
			continue
		}
		var c struct {
			N int64 `json:"n"`
		}
		if err := json.Unmarshal(d.Body, &c); err != nil {
			t.Error(err)
		}
		if c.N < n || c.N > n+1 || d.Rev != c.N+1 {
			t.Errorf("counter %s stands at %d, revision %d; acknowledged was %d", id, c.N, d.Rev, n)
		}
	}
	checkIndex(t, s)
	return len(lines)
}

func expect(t testing.TB, s docstore.Store, id, body string) {
	t.Helper()
	d, err := s.Get(t.Context(), "things", id)
	switch {
	case errors.Is(err, docstore.ErrNotFound):
		t.Errorf("acknowledged document %s is gone", id)
	case err != nil:
		t.Fatalf("get %s: %v", id, err)
	case string(d.Body) != body:
		t.Errorf("acknowledged document %s is %s, want %s", id, d.Body, body)
	}
}

// checkIndex compares an index with a walk over all documents.
func checkIndex(t testing.TB, s docstore.Store) {
	t.Helper()
	indexed := map[string]bool{}
	for _, id := range find(t, s, docstore.Query{Index: "by_kind_size", Equal: []any{"witness"}, Limit: 5000}) {
		if indexed[id] {
			t.Errorf("the index holds %s twice", id)
		}
		indexed[id] = true
	}
	for _, id := range find(t, s, docstore.Query{Limit: 5000}) {
		if strings.HasSuffix(id, "counter") || strings.Contains(id, "both") {
			continue
		}
		if !indexed[id] {
			t.Errorf("the index lacks %s", id)
		}
		delete(indexed, id)
	}
	for id := range indexed {
		t.Errorf("the index holds %s, which is not there", id)
	}
}
