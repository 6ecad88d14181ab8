package simulation

import (
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
