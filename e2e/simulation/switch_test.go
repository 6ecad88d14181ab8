package simulation

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dyocense/dyocense/controlplane/migrationtest"
	"github.com/dyocense/dyocense/shared/id"
)

// inWorld runs a test in a world of its own, with a few documents in it.
func inWorld(t *testing.T, tm migrationtest.Times, test func(*world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, tm)
		defer func() {
			w.end()
			if t.Failed() && testing.Verbose() {
				t.Log(w.lines.String())
			}
		}()
		w.fill(20)
		test(w)
	})
}

// fill lets a customer write a few documents.
func (w *world) fill(n int) {
	w.t.Helper()
	w.fills++
	c := &customer{rng: newRng(uint64(w.fills)), w: w, name: fmt.Sprint("fill", w.fills), memory: w.memory, most: n, rest: time.Millisecond, leave: make(chan struct{})}
	c.run()
}

func TestASwitchWhoseAnswerIsLostIsNotPutOff(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]fate{"it has happened": unanswered, "it never arrived": lost, "it arrives when it was put off": late} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tm := times()
			tm.Attempts = 1
			inWorld(t, tm, func(w *world) {
				var first atomic.Bool
				w.net.fate = func(_ id.Environment, path string) fate {
					if path == "commit" && first.CompareAndSwap(false, true) {
						return what
					}
					return arrives
				}
				w.conduct()
				w.begin(migrationtest.Dedicated, migrationtest.WhenReady)
				if what == unanswered {
					w.reach("switched")
					return
				}
				w.reach("ready")
				w.net.drain()
				w.act("abort")
				w.reach("aborted")
				w.quiet()
				w.check()
			})
		})
	}
}
