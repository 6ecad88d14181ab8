package provisioning_test

import (
	"errors"
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// ready is a tenant that is served in b's pool.
func (b *bundle) ready(t *testing.T) id.Tenant {
	t.Helper()
	tenant := id.NewTenant()
	must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
	must(t, b.steps(t, tenant))
	must(t, b.report(t, true, ""))
	must(t, b.steps(t, tenant))
	return tenant
}

func (b *bundle) goes(t *testing.T, tenant id.Tenant, env, moving id.Environment) {
	t.Helper()
	r, err := b.Route(t.Context(), tenant)
	must(t, err)
	if want := (provisioning.Route{Environment: env, Moving: moving}); r != want {
		t.Errorf("route = %+v, want %+v", r, want)
	}
}

// revision is that of the tenant's document.
func (b *bundle) revision(t *testing.T, tenant id.Tenant) int64 {
	t.Helper()
	d, err := b.store.Get(t.Context(), provisioning.Collection, string(tenant))
	must(t, err)
	return d.Rev
}

func refused(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestRoute(t *testing.T) {
	t.Parallel()
	const move, other = "mig_1", "mig_2"

	t.Run("goes to the other environment with a switch, and back with another", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		tenant, from, to := b.ready(t), b.pool.env, id.NewEnvironment()
		b.goes(t, tenant, from, "")
		must(t, b.BeginSwitch(t.Context(), tenant, move, from, to))
		b.goes(t, tenant, from, to)
		must(t, b.Switched(t.Context(), tenant, move, 1, from, to))
		b.goes(t, tenant, to, from)
		must(t, b.Switched(t.Context(), tenant, move, 1, to, from))
		b.goes(t, tenant, from, to)
		must(t, b.EndSwitch(t.Context(), tenant, move))
		b.goes(t, tenant, from, "")
		if env, err := b.Environment(t.Context(), tenant); err != nil || env != from {
			t.Errorf("environment %s, %v", env, err)
		}
	})

	t.Run("heeds no call that a replaced worker left on its way", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		tenant, from, to := b.ready(t), b.pool.env, id.NewEnvironment()
		must(t, b.BeginSwitch(t.Context(), tenant, move, from, to))
		must(t, b.Switched(t.Context(), tenant, move, 5, from, to))
		must(t, b.Switched(t.Context(), tenant, move, 7, from, to)) // taken up anew
		must(t, b.Switched(t.Context(), tenant, move, 7, to, from))
		refused(t, b.Switched(t.Context(), tenant, move, 5, from, to), provisioning.ErrOtherMove)
		b.goes(t, tenant, from, to)
		must(t, b.EndSwitch(t.Context(), tenant, move))
		refused(t, b.BeginSwitch(t.Context(), tenant, move, from, to), provisioning.ErrNoMove)
		refused(t, b.Switched(t.Context(), tenant, move, 7, from, to), provisioning.ErrNoMove)
		b.goes(t, tenant, from, "")
	})

	t.Run("changes once for a step that is taken twice", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		tenant, from, to := b.ready(t), b.pool.env, id.NewEnvironment()
		for _, step := range []func() error{
			func() error { return b.BeginSwitch(t.Context(), tenant, move, from, to) },
			func() error { return b.Switched(t.Context(), tenant, move, 1, from, to) },
			func() error { return b.EndSwitch(t.Context(), tenant, move) },
			func() error { return b.SetPlan(t.Context(), tenant, "business") },
		} {
			must(t, step())
			once := b.revision(t, tenant)
			must(t, step())
			if twice := b.revision(t, tenant); twice != once {
				t.Errorf("revision %d became %d", once, twice)
			}
		}
		b.goes(t, tenant, to, "")
	})

	t.Run("refuses a move from elsewhere, a second move, and a switch that was not begun", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		tenant, from, to, elsewhere := b.ready(t), b.pool.env, id.NewEnvironment(), id.NewEnvironment()
		refused(t, b.Switched(t.Context(), tenant, move, 1, from, to), provisioning.ErrNoMove)
		refused(t, b.BeginSwitch(t.Context(), tenant, move, elsewhere, to), provisioning.ErrElsewhere)
		if err := b.BeginSwitch(t.Context(), tenant, move, from, from); err == nil {
			t.Error("a move to where the tenant is was begun")
		}
		must(t, b.BeginSwitch(t.Context(), tenant, move, from, to))
		refused(t, b.BeginSwitch(t.Context(), tenant, other, from, to), provisioning.ErrOtherMove)
		refused(t, b.BeginSwitch(t.Context(), tenant, move, from, elsewhere), provisioning.ErrOtherMove)
		refused(t, b.Switched(t.Context(), tenant, other, 1, from, to), provisioning.ErrOtherMove)
		refused(t, b.Switched(t.Context(), tenant, move, 1, from, elsewhere), provisioning.ErrElsewhere)
		must(t, b.EndSwitch(t.Context(), tenant, other))
		b.goes(t, tenant, from, to)
	})

	t.Run("is there for a ready tenant only", func(t *testing.T) {
		t.Parallel()
		b, nobody, tenant := setup(t, nil), id.NewTenant(), id.NewTenant()
		must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
		for who, want := range map[id.Tenant]error{nobody: provisioning.ErrNone, tenant: provisioning.ErrNotReady} {
			_, err := b.Route(t.Context(), who)
			refused(t, err, want)
			refused(t, b.BeginSwitch(t.Context(), who, move, b.pool.env, "env_1"), want)
			refused(t, b.Switched(t.Context(), who, move, 1, b.pool.env, "env_1"), want)
			refused(t, b.EndSwitch(t.Context(), who, move), want)
			refused(t, b.SetPlan(t.Context(), who, "growth"), want)
		}
	})

	t.Run("is left alone by what the target of a move reports", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		tenant, from, to := b.ready(t), b.pool.env, id.NewEnvironment()
		must(t, b.BeginSwitch(t.Context(), tenant, move, from, to))
		before := b.revision(t, tenant)
		for _, ok := range []bool{true, false} {
			must(t, b.Reported(t.Context(), to, contract.Report{V: 1, Tenant: tenant, Revision: 9, State: contract.TenantServing, OK: ok, Reason: "The disk is full."}))
		}
		if after := b.revision(t, tenant); after != before || b.state(t, tenant) != provisioning.Ready {
			t.Errorf("revision %d became %d, state %s", before, after, b.state(t, tenant))
		}
		b.goes(t, tenant, from, to)
	})

	t.Run("tells of its changes", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		tenant, changes := b.ready(t), b.Changes(t.Context())
		must(t, b.BeginSwitch(t.Context(), tenant, move, b.pool.env, id.NewEnvironment()))
		<-changes
	})
}
