package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/fleettest"
	"github.com/dyocense/dyocense/e2e/product"
	"github.com/dyocense/dyocense/shared/id"
)

// The rules are tested with the slice; this holds its provisioner to the agent
// that we ship: settings, lock, drain and directory.
func TestADedicatedEnvironmentServesATenantAndLeavesNothing(t *testing.T) {
	t.Parallel()
	agent, err := filepath.Abs(filepath.Join(filepath.Dir(program), "dyocense-agent"))
	must(t, err)
	if _, err := os.Stat(agent); err != nil {
		t.Fatalf("the agent is not built; run make e2e: %v", err)
	}
	ctx := t.Context()
	plane, dir := fleettest.New(t), filepath.Join(t.TempDir(), "dedicated")
	service, stop := plane.Dedicated(t, dir, agent)
	tenant := id.NewTenant()
	env, err := service.Request(ctx, tenant, "move-1")
	must(t, err)
	ready := func() {
		t.Helper()
		must(t, product.Until(ctx, 30*time.Second, func() (bool, string) {
			is, err := service.Ready(ctx, env)
			must(t, err)
			return is, "it is not ready"
		}))
	}
	ready()
	served := func(tenant id.Tenant) {
		t.Helper()
		revision := plane.WantIn(t, env, tenant)
		for deadline := time.After(30 * time.Second); ; {
			select {
			case r := <-plane.Reports:
				if r.Tenant != tenant {
					continue // an agent that was cut off reports again
				}
				if !r.OK || r.Revision != revision {
					t.Fatalf("reported: %+v", r)
				}
				return
			case <-deadline:
				t.Fatalf("no report about %s", tenant)
			}
		}
	}
	served(tenant)
	// Erasing waits for this lock; an agent that held another would be deleted
	// under its feet.
	if _, err := os.Stat(filepath.Join(dir, string(env), "agent", "agent.lock")); err != nil {
		t.Error(err)
	}

	stop() // the control plane starts again
	service, _ = plane.Dedicated(t, dir, agent)
	ready()
	served(id.NewTenant())

	must(t, service.Remove(ctx, env))
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 1 || left[0].Name() != "home" {
		t.Errorf("left: %v", left)
	}
}
