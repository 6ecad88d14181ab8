package simulation

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/migrationtest"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
	"github.com/dyocense/dyocense/shared/id"
)

func TestACopyWhoseBeginningWasCutOffIsNobodys(t *testing.T) {
	t.Parallel()
	for write := 1; write <= 3; write++ {
		inWorld(t, times(), func(w *world) {
			var target atomic.Value
			w.net.fate = func(env id.Environment, path string) fate {
				if path == "prepare" && target.CompareAndSwap(nil, env) {
					w.site(env).KillAfter(write, storetest.AfterWrite)
				}
				return arrives
			}
			w.conduct()
			w.begin(migrationtest.Dedicated, migrationtest.WhenAsked)
			w.until("the copy to begin", time.Minute, func() bool {
				env, _ := target.Load().(id.Environment)
				if env == "" {
					return false
				}
				is, err := w.site(env).Look(w.ctx, w.plane.Tenant)
				if err == nil && is.Role == "owner" {
					t.Fatalf("cut off in write %d, the copy is an owner", write)
				}
				return w.state() == "ready"
			})
			w.act("abort")
			w.reach("aborted")
			w.quiet()
			w.check()
		})
	}
}

func TestACopyThatVanishedIsNotSwitchedTo(t *testing.T) {
	t.Parallel()
	inWorld(t, times(), func(w *world) {
		w.conduct()
		w.begin(migrationtest.Dedicated, migrationtest.WhenAsked)
		w.reach("ready")
		w.vanish()
		m := w.reach("failed", "switched")
		if m.State != "failed" || m.Error == nil || m.Error.Code != "move.copy_lost" {
			t.Fatalf("the move is %s: %+v", m.State, m.Error)
		}
		w.act("retry")
		w.reach("ready")
		w.act("switch")
		w.offered("accept")
		w.act("accept")
		w.reach("cleaned")
		w.quiet()
		w.check()
	})
}

func TestAnOldCopyThatIsLostIsNoLongerOfferedAsAWayBack(t *testing.T) {
	t.Parallel()
	inWorld(t, times(), func(w *world) {
		w.conduct()
		w.through(migrationtest.Dedicated)
		w.begin(migrationtest.Pooled, migrationtest.WhenReady)
		w.offered("roll_back")
		w.vanish()
		w.until("the way back to be closed", time.Minute, func() bool {
			m, err := w.plane.Current(w.ctx)
			return err == nil && !offers(m, "roll_back")
		})
		m := w.reach("switched")
		if m.Error == nil || m.Error.Code != "move.copy_lost" || !strings.Contains(m.Error.Detail, "another change of plan") {
			t.Errorf("it says %+v", m.Error)
		}
		w.act("accept")
		w.reach("accepted")
		w.act("clean")
		w.reach("cleaned")
		w.quiet()
		w.check()
	})
}

// vanish loses everything that the environment of the copy has stored.
func (w *world) vanish() {
	for _, s := range w.all() {
		if s.env == w.plane.Pool {
			continue
		}
		s.Kill()
		s.Settle()
		must(w.t, os.RemoveAll(filepath.Join(w.dir, string(s.env), "tenants")))
	}
}

func TestAnEnvironmentThatNobodyNotedIsRemoved(t *testing.T) {
	t.Parallel()
	for write := 2; write <= 7; write++ {
		inWorld(t, times(), func(w *world) {
			c := w.conduct()
			c.KillAfter(write, storetest.AfterWrite)
			w.begin(migrationtest.Dedicated, migrationtest.WhenAsked)
			w.until("the conductor to die", time.Minute, c.Dead)
			w.act("abort")
			w.conduct()
			w.reach("aborted")
			w.quiet()
			w.check()
		})
	}
}

func TestACopyThatWasGivenUpBeforeItBeganStaysAway(t *testing.T) {
	t.Parallel()
	inWorld(t, times(), func(w *world) {
		w.conduct()
		w.through(migrationtest.Dedicated)
		w.net.fate = func(_ id.Environment, path string) fate {
			if path == "prepare" {
				return late
			}
			return arrives
		}
		w.begin(migrationtest.Pooled, migrationtest.WhenAsked)
		w.reach("copying")
		w.act("abort")
		w.reach("aborted")
		w.net.drain()
		w.quiet()
		w.check()
	})
}
