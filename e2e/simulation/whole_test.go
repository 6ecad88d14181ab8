package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/agent/agenttest"
	"github.com/dyocense/dyocense/controlplane/migrationtest"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// through takes a move to its end.
func (w *world) through(to migrationtest.PlanID) {
	w.t.Helper()
	w.begin(to, migrationtest.WhenReady)
	w.offered("accept")
	w.act("accept")
	w.reach("accepted")
	w.act("clean")
	w.reach("cleaned")
	w.until("the tenant to be free", time.Minute, func() bool { return w.freeFor(back(to)) })
}

// back is the plan to move to after that one.
func back(to migrationtest.PlanID) migrationtest.PlanID {
	if to == migrationtest.Dedicated {
		return migrationtest.Pooled
	}
	return migrationtest.Dedicated
}

func TestGivingUpLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, to := range []migrationtest.PlanID{migrationtest.Dedicated, migrationtest.Pooled} {
		for _, state := range []migrationtest.State{"requested", "provisioning", "copying", "verifying", "rehearsing", "ready"} {
			t.Run(fmt.Sprintf("%s to %s", state, to), func(t *testing.T) {
				t.Parallel()
				inWorld(t, times(), func(w *world) {
					c := w.conduct()
					if to == migrationtest.Pooled {
						w.through(migrationtest.Dedicated)
					}
					owner := w.owner()
					before := w.contents(owner)
					c.Stop()
					held := map[migrationtest.State]string{"provisioning": "status", "copying": "put", "verifying": "range", "rehearsing": "rehearse"}[state]
					var hold atomic.Bool
					w.net.fate = func(_ id.Environment, path string) fate {
						if hold.Load() && path == held {
							return lost
						}
						return arrives
					}
					w.begin(to, migrationtest.WhenAsked)
					hold.Store(true)
					if state != "requested" {
						w.conduct()
					}
					w.reach(state)
					w.act("abort")
					if state == "requested" {
						w.conduct()
					} else {
						w.pass(10 * time.Second)
					}
					hold.Store(false)
					w.reach("aborted")
					w.quiet()
					if diff := cmp.Diff(before, w.contents(owner)); diff != "" {
						t.Errorf("the owner's documents changed:\n%s", diff)
					}
					w.check()
					w.until("the tenant to be free", time.Minute, func() bool { return w.freeFor(to) })
					w.through(to)
					w.quiet()
					w.check()
				})
			})
		}
	}
}

// owner is the site whose agent serves the tenant.
func (w *world) owner() *site {
	w.t.Helper()
	r, err := w.plane.Route(w.ctx)
	must(w.t, err)
	return w.site(r.Environment)
}

func TestATenantGoesThereAndBackAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, times(), func(w *world) {
		w.conduct()
		leave := make(chan struct{})
		var busy sync.WaitGroup
		for i := range 3 {
			c := &customer{rng: newRng(uint64(i)), w: w, name: fmt.Sprint("c", i), memory: w.memory, leave: leave, rest: time.Duration(20*(i+1)) * time.Millisecond}
			busy.Go(c.run)
		}
		for range 2 {
			w.begin(migrationtest.Dedicated, migrationtest.WhenReady)
			w.offered("roll_back")
			w.act("roll_back")
			w.reach("rolled_back")
			w.until("the tenant to be free", time.Minute, w.free)
			w.through(migrationtest.Dedicated)
			w.through(migrationtest.Pooled)
		}
		close(leave)
		busy.Wait()
		w.quiet()
		w.check()
		t.Logf("%d commands", len(w.memory.acked))
	})
}

// odd are documents at the limits of what is stored.
func odd() map[string]any {
	wide := map[string]any{}
	for i := range 10_000 {
		wide[fmt.Sprint("field", i)] = i
	}
	deep := any(map[string]any{})
	for range docstore.MaxDepth - 6 {
		deep = map[string]any{"d": deep}
	}
	return map[string]any{
		"empty":   map[string]any{},
		"large":   map[string]any{"text": strings.Repeat("0123456789abcdef", (5<<20-4096)/16)},
		"wide":    wide,
		"deep":    deep,
		"unicode": map[string]any{"ключ": "значение", "": "no name", "\u2028": "\u2029", "😀": []any{"\u0001", "a\"\\/\b", "e\u0301", "é"}, "rtl": "שלום", "<&>": "</script>"},
		"null":    map[string]any{"a": nil, "b": []any{nil, nil}, "c": map[string]any{"d": nil}},
		"numbers": json.RawMessage(`{"a":9007199254740993,"b":-0.0,"c":1e300,"d":0.1,"e":123456789012345678901234567890,"f":1.0}`),
	}
}

func TestOddDocumentsArriveByteForByte(t *testing.T) {
	t.Parallel()
	inWorld(t, times(), func(w *world) {
		file := bytes.Repeat([]byte("a file of thirty megabytes "), 30<<20/27)
		for name, v := range odd() {
			must(t, w.served(func(ctx context.Context, s *agenttest.Store) error {
				_, err := s.Do(ctx, agenttest.Command{Kind: "odd"}, func(tx *agenttest.Tx) error { return tx.Put(agenttest.Notes, "odd "+name, v) })
				return err
			}))
		}
		put := func(content []byte) {
			must(t, w.served(func(ctx context.Context, s *agenttest.Store) error {
				b, err := s.PutBlob(ctx, content)
				if err != nil {
					return err
				}
				_, err = s.Do(ctx, agenttest.Command{Kind: "odd"}, func(tx *agenttest.Tx) error {
					return tx.Put(agenttest.Notes, fmt.Sprint("file ", b.Hash[:8]), note{File: &b})
				})
				w.memory.blobs[b] = content
				return err
			}))
		}
		put(nil)
		put(file)
		before := w.contents(w.owner())
		w.conduct()
		w.begin(migrationtest.Dedicated, migrationtest.WhenAsked)
		w.reach("ready")
		put(append([]byte("later "), file...)) // a large one comes with an entry, too
		for name, v := range odd() {
			must(t, w.served(func(ctx context.Context, s *agenttest.Store) error {
				_, err := s.Do(ctx, agenttest.Command{Kind: "odd"}, func(tx *agenttest.Tx) error { return tx.Put(agenttest.Notes, "later "+name, v) })
				return err
			}))
		}
		after := w.contents(w.owner())
		w.act("switch")
		w.offered("accept")
		copied := w.contents(w.owner())
		for k, v := range before {
			if copied[k] != v && !strings.HasPrefix(k, "profile/") {
				t.Errorf("%s differs", k)
			}
		}
		for k, v := range after {
			if copied[k] != v && !strings.HasPrefix(k, "profile/") {
				t.Errorf("%s differs, that was written later", k)
			}
		}
		w.act("accept")
		w.reach("accepted")
		w.act("clean")
		w.reach("cleaned")
		w.quiet()
		must(t, w.owner().With(w.ctx, w.plane.Tenant, func(ctx context.Context, s *agenttest.Store) error {
			report, err := s.Verify(ctx)
			if err == nil && !report.OK() {
				t.Errorf("%q", report.Problems)
			}
			for b, content := range w.memory.blobs {
				if have, err := s.GetBlob(ctx, b); err != nil || !bytes.Equal(have, content) {
					t.Errorf("file of %d bytes: %v", b.Size, err)
				}
			}
			return err
		}))
	})
}

func TestAFullDiskHaltsAMoveUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	for _, room := range []int{0, 300, 2000, 12_000} {
		t.Run(fmt.Sprint(room, " bytes"), func(t *testing.T) {
			t.Parallel()
			inWorld(t, times(), func(w *world) {
				w.fill(40)
				before := w.contents(w.owner())
				var left atomic.Int64
				var full atomic.Bool
				left.Store(int64(room))
				full.Store(true)
				w.outfit = func(s *site) {
					if s.env == w.plane.Pool {
						return
					}
					s.Full = func(bytes int) error {
						if full.Load() && left.Add(int64(-bytes)) < 0 {
							return docstore.ErrUnavailable.Saying("The disk of the store is full; free some space.")
						}
						return nil
					}
				}
				w.conduct()
				w.begin(migrationtest.Dedicated, migrationtest.WhenReady)
				w.until("the reason to be shown", time.Minute, func() bool {
					m, err := w.plane.Current(w.ctx)
					return err == nil && strings.Contains(m.Progress.WaitingFor, "disk")
				})
				w.pass(time.Minute)
				m, err := w.plane.Current(w.ctx)
				must(t, err)
				if m.State == "failed" || m.Over {
					t.Errorf("the move is %s: %+v", m.State, m.Error)
				}
				w.fill(5)
				full.Store(false)
				w.offered("accept")
				for k, v := range w.contents(w.owner()) {
					if old, ok := before[k]; ok && old != v && strings.HasPrefix(k, "blobs/") {
						t.Errorf("%s has changed", k)
					}
				}
				w.act("accept")
				w.reach("accepted")
				w.act("clean")
				w.reach("cleaned")
				w.quiet()
				w.check()
			})
		})
	}
}
