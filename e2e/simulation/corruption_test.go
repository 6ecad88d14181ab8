package simulation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/controlplane/migrationtest"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	injections = 200 // into copies, each of which has to be found
	groups     = 10  // of them, each in a world of its own
	cleanRuns  = 30  // in which nothing must be found
)

func TestWhateverDiffersInACopyIsFound(t *testing.T) {
	t.Parallel()
	for g := range groups {
		t.Run(fmt.Sprint(g), func(t *testing.T) {
			t.Parallel()
			inWorld(t, times(), func(w *world) {
				r := newRng(uint64(g + 1))
				w.fill(40)
				w.conduct()
				before := w.contents(w.site(w.plane.Pool))
				for i := range injections / groups {
					w.injected(r, i)
					if t.Failed() {
						return
					}
				}
				if diff := cmp.Diff(before, w.contents(w.site(w.plane.Pool))); diff != "" {
					t.Errorf("the owner's documents changed:\n%s", diff)
				}
				w.quiet()
				w.check()
			})
		})
	}
}

// injected spoils one copy between copying and comparing.
func (w *world) injected(r *rng, i int) {
	w.t.Helper()
	var once sync.Once
	var what spoiled
	w.net.fate = func(_ id.Environment, path string) fate {
		if path == "range" {
			once.Do(func() { what = w.spoil(r) })
		}
		return arrives
	}
	w.begin(migrationtest.Dedicated, migrationtest.WhenAsked)
	m := w.reach("failed", "ready")
	if m.State != "failed" {
		w.t.Fatalf("injection %d: %s was not found", i, what)
	}
	if m.Error == nil || m.Error.Code != "move.differs" {
		w.t.Errorf("injection %d: %s: the error is %+v", i, what, m.Error)
	}
	for _, row := range what.ids {
		if !named(m.Mismatches, what.collection, row, what.field) {
			w.t.Errorf("injection %d: %s: row %q is not named, or not its field: %+v", i, what, row, m.Mismatches)
		}
	}
	if len(m.Mismatches) != len(what.ids) {
		w.t.Errorf("injection %d: %s: %d rows are named: %+v", i, what, len(m.Mismatches), m.Mismatches)
	}
	w.net.fate = nil
	w.act("abort")
	w.reach("aborted")
	w.until("the tenant to be free", time.Minute, func() bool { return w.free() })
}

// free says whether a move can begin.
func (w *world) free() bool { return w.freeFor(migrationtest.Dedicated) }

func (w *world) freeFor(to migrationtest.PlanID) bool {
	p, err := w.plane.Preflight(w.ctx, to)
	return err == nil && len(p.Blockers) == 0
}

func named(all []migrationtest.Mismatch, collection, row, field string) bool {
	for _, m := range all {
		if m.Collection == collection && m.ID == row {
			return field == anyField || field == "" && strings.HasPrefix(m.Field, "(") || field != "" && strings.Contains(m.Field, field)
		}
	}
	return false
}

// anyField is one that the row's naming of a field may name.
const anyField = "*"

// spoiled is what was done to a copy.
type spoiled struct {
	how        string
	collection string
	ids        []string
	field      string // that has to be named; "" when it is the whole row
}

func (s spoiled) String() string { return fmt.Sprintf("%s in %s, rows %q", s.how, s.collection, s.ids) }

// spoil does one kind of damage to the copy.
func (w *world) spoil(r *rng) spoiled {
	var target *site
	for _, s := range w.all() {
		if s.env != w.plane.Pool {
			target = s
		}
	}
	collections := []string{"notes", "lists", "profile", "moves", "commands", "journal", "blobs"}
	for {
		s := spoiled{collection: collections[r.n(len(collections))]}
		docs, err := target.All(w.ctx, w.plane.Tenant, s.collection)
		must(w.t, err)
		if len(docs) < 2 && s.collection != "profile" && s.collection != "moves" {
			w.t.Fatalf("%d documents in %s", len(docs), s.collection)
		}
		d := docs[r.n(len(docs))]
		s.ids = []string{d.ID}
		var put []docstore.Document
		switch r.n(6) {
		case 0:
			s.how = "a byte flipped"
			d.Body, s.field = flip(r, d.Body)
			put = []docstore.Document{d}
		case 1:
			s.how = "a row dropped"
		case 2:
			s.how = "a row added"
			s.ids = []string{d.ID + "x"}
			if s.collection == "journal" && r.in(2) {
				s.how, s.ids = "an entry of the future added", []string{"000000/000000099999"}
			}
			put = []docstore.Document{{ID: s.ids[0], Rev: d.Rev, Body: d.Body}}
		case 3:
			s.how = "a stale version"
			if d.Rev == 1 {
				continue
			}
			d.Rev--
			put = []docstore.Document{d}
		case 4:
			s.how = "a value of another type"
			if d.Body, s.field = retype(d.Body); s.field == "" {
				continue
			}
			put = []docstore.Document{d}
		case 5:
			s.how = "two rows swapped"
			other := docs[r.n(len(docs))]
			if bytes.Equal(other.Body, d.Body) {
				continue
			}
			s.ids = append(s.ids, other.ID)
			s.field = anyField
			d.Body, other.Body = other.Body, d.Body
			put = []docstore.Document{d, other}
		}
		must(w.t, target.Tamper(w.ctx, w.plane.Tenant, func(store docstore.Store) error {
			var ops []docstore.Op
			for _, one := range s.ids {
				ops = append(ops, docstore.Op{Kind: docstore.OpRemove, Collection: s.collection, Doc: docstore.Document{ID: one, Rev: math.MaxInt64}})
			}
			for _, one := range put {
				ops = append(ops, docstore.Op{Kind: docstore.OpPut, Collection: s.collection, Doc: one})
			}
			return store.Batch(w.ctx, ops...)
		}))
		return s
	}
}

// flip changes one byte so that the body stays JSON, and says in which field of
// the first level.
func flip(r *rng, body []byte) (spoiled []byte, field string) {
	for {
		at := r.n(len(body))
		changed := bytes.Clone(body)
		changed[at] ^= 1 << r.n(5)
		var one, other map[string]json.RawMessage
		if json.Unmarshal(body, &one) != nil || json.Unmarshal(changed, &other) != nil {
			continue
		}
		var x, y any // a byte may change and say the same, and a name may become another's
		if json.Unmarshal(body, &x) != nil || json.Unmarshal(changed, &y) != nil || cmp.Equal(x, y) || len(one) != len(other) {
			continue
		}
		for k := range one {
			if !bytes.Equal(one[k], other[k]) {
				return changed, k
			}
		}
	}
}

// retype makes a text of a number, or a list of a text.
func retype(body []byte) (spoiled []byte, field string) {
	var all map[string]json.RawMessage
	if json.Unmarshal(body, &all) != nil {
		return body, ""
	}
	for k, v := range all {
		if v[0] == '"' {
			all[k] = append(append([]byte("["), v...), ']')
		} else if v[0] >= '0' && v[0] <= '9' {
			all[k] = append(append([]byte(`"`), v...), '"')
		} else {
			continue
		}
		changed, _ := json.Marshal(all)
		return changed, k
	}
	return body, ""
}

// contents are all documents of a tenant that a customer has written.
func (w *world) contents(s *site) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for _, collection := range []string{"notes", "lists", "profile", "tables", "uploads", "goals", "runs", "blobs", "commands"} {
		docs, err := s.All(w.ctx, w.plane.Tenant, collection)
		must(w.t, err)
		for _, d := range docs {
			all[collection+"/"+d.ID] = fmt.Sprintf("%d %s", d.Rev, d.Body)
		}
	}
	return all
}

func TestACopyThatIsRightIsNeverRefused(t *testing.T) {
	t.Parallel()
	for g := range 3 {
		t.Run(fmt.Sprint(g), func(t *testing.T) {
			t.Parallel()
			inWorld(t, times(), func(w *world) {
				w.conduct()
				leave := make(chan struct{})
				var busy sync.WaitGroup
				for i := range 4 {
					c := &customer{
						rng: newRng(uint64(g*10 + i)), w: w, name: fmt.Sprint("c", i), memory: w.memory, leave: leave,
						rest: []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond}[i],
					}
					busy.Go(c.run)
				}
				for i := range cleanRuns / 3 {
					w.begin(migrationtest.Dedicated, migrationtest.WhenAsked)
					if m := w.reach("failed", "ready"); m.State == "failed" {
						t.Errorf("run %d: a false alarm: %+v, %+v", i, m.Error, m.Mismatches)
						break
					}
					w.act("abort")
					w.reach("aborted")
					w.until("the tenant to be free", time.Minute, w.free)
				}
				close(leave)
				busy.Wait()
				w.quiet()
				w.check()
			})
		})
	}
}
