package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// pool is a fleet with one environment whose agents carry out nothing by
// themselves: the tests report for them.
type pool struct {
	env    id.Environment
	mu     sync.Mutex
	wanted []contract.WantedTenant
}

func (p *pool) Pool(context.Context) (id.Environment, error) { return p.env, nil }

func (p *pool) Want(_ context.Context, env id.Environment, w contract.WantedTenant) (int64, error) {
	if env != p.env {
		return 0, fmt.Errorf("wanted in %s, want %s", env, p.env)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = append(p.wanted, w)
	return int64(len(p.wanted)), nil
}

func (p *pool) last(t *testing.T) (contract.WantedTenant, int64) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.wanted) == 0 {
		t.Fatal("no agent was told")
	}
	return p.wanted[len(p.wanted)-1], int64(len(p.wanted))
}

type bundle struct {
	*provisioning.Service
	pool  *pool
	store docstore.Store
	probe func() error // nil answers
}

func setup(t *testing.T, wrap func(docstore.Store) docstore.Store) *bundle {
	t.Helper()
	s, err := sqlitestore.Open(filepath.Join(t.TempDir(), "control.db"), sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Ensure(t.Context(), provisioning.Collections()...); err != nil {
		t.Fatal(err)
	}
	b := &bundle{pool: &pool{env: id.NewEnvironment()}, store: s}
	used := docstore.Store(s)
	if wrap != nil {
		used = wrap(s)
	}
	b.Service = provisioning.New(used, b.pool, func(context.Context, id.Tenant, id.Environment) error {
		if b.probe == nil {
			return nil
		}
		return b.probe()
	}, slog.New(slog.DiscardHandler))
	return b
}

// steps takes steps until one says that it waits, fails, or nothing is left.
func (b *bundle) steps(t *testing.T, tenant id.Tenant) error {
	t.Helper()
	for range 20 {
		again, err := b.Step(t.Context(), tenant)
		if err != nil || !again {
			return err
		}
	}
	return errors.New("the placement never rests")
}

// reports what the agents of the pool would say about the last wanted tenant.
func (b *bundle) report(t *testing.T, ok bool, reason string) error {
	t.Helper()
	w, revision := b.pool.last(t)
	return b.Reported(t.Context(), b.pool.env, contract.Report{
		V: 1, Tenant: w.Tenant, Revision: revision, State: contract.TenantServing, OK: ok, Reason: reason,
		Steps: []contract.Step{{Name: "create store", Millis: 2.5}},
	})
}

func (b *bundle) state(t *testing.T, tenant id.Tenant) provisioning.State {
	t.Helper()
	p, err := b.Of(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	return p.State
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPlacement(t *testing.T) {
	t.Parallel()

	t.Run("goes from request to ready and tells every step", func(t *testing.T) {
		t.Parallel()
		b, tenant := setup(t, nil), id.NewTenant()
		must(t, b.Request(t.Context(), tenant, "Corner Cafe", "growth"))
		must(t, b.steps(t, tenant))
		if got := b.state(t, tenant); got != provisioning.Creating {
			t.Fatalf("state = %s, want creating: it waits for the agent", got)
		}
		if w, _ := b.pool.last(t); w.Tenant != tenant || w.Plan != "growth" || w.Name != "Corner Cafe" {
			t.Errorf("the agent was told %+v", w)
		}
		if _, err := b.Environment(t.Context(), tenant); !errors.Is(err, provisioning.ErrNotReady) {
			t.Errorf("Environment before ready = %v, want ErrNotReady", err)
		}
		must(t, b.report(t, true, ""))
		must(t, b.steps(t, tenant))
		p, err := b.Of(t.Context(), tenant)
		must(t, err)
		if p.State != provisioning.Ready || p.ReadyAt == nil || p.WaitingFor != "" || p.TotalMillis < 0 {
			t.Errorf("progress = %+v", p)
		}
		for _, s := range p.Steps {
			if s.State != "done" {
				t.Errorf("step %s is %s, want done", s.Name, s.State)
			}
		}
		if p.Steps[2].Detail != "create store 2.5 ms" {
			t.Errorf("detail = %q", p.Steps[2].Detail)
		}
		env, err := b.Environment(t.Context(), tenant)
		if err != nil || env != b.pool.env {
			t.Errorf("Environment = %s, %v", env, err)
		}
	})
	t.Run("says what it waits for", func(t *testing.T) {
		t.Parallel()
		b, tenant := setup(t, nil), id.NewTenant()
		must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
		must(t, b.steps(t, tenant))
		p, err := b.Of(t.Context(), tenant)
		must(t, err)
		if p.WaitingFor != "an agent of the pool to create the store" {
			t.Errorf("waits for %q", p.WaitingFor)
		}
	})
	t.Run("is one for a tenant, however often it is asked for", func(t *testing.T) {
		t.Parallel()
		b, tenant := setup(t, nil), id.NewTenant()
		for range 3 {
			must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
			must(t, b.steps(t, tenant))
		}
		if _, revision := b.pool.last(t); revision != 1 {
			t.Errorf("the agent was told %d times, want once", revision)
		}
	})
	t.Run("fails with the agent's reason and can be asked for again", func(t *testing.T) {
		t.Parallel()
		b, tenant := setup(t, nil), id.NewTenant()
		must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
		must(t, b.steps(t, tenant))
		must(t, b.report(t, false, "The disk is full."))
		p, err := b.Of(t.Context(), tenant)
		must(t, err)
		if p.State != provisioning.Failed || p.Error != "The disk is full." || p.Steps[2].State != "failed" {
			t.Errorf("progress = %+v", p)
		}
		must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
		must(t, b.steps(t, tenant))
		must(t, b.report(t, true, ""))
		must(t, b.steps(t, tenant))
		if got := b.state(t, tenant); got != provisioning.Ready {
			t.Errorf("state = %s, want ready", got)
		}
	})
	t.Run("waits while the first request does not come back", func(t *testing.T) {
		t.Parallel()
		b, tenant := setup(t, nil), id.NewTenant()
		b.probe = func() error { return fault.New(fault.Unavailable, "gateway.away", "The agent is away.") }
		must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
		must(t, b.steps(t, tenant))
		must(t, b.report(t, true, ""))
		if err := b.steps(t, tenant); err == nil || b.state(t, tenant) != provisioning.Verifying {
			t.Errorf("state = %s, err = %v; want verifying and the reason", b.state(t, tenant), err)
		}
		b.probe = nil
		must(t, b.steps(t, tenant))
		if got := b.state(t, tenant); got != provisioning.Ready {
			t.Errorf("state = %s, want ready", got)
		}
	})
	t.Run("ignores a report of another environment or an older revision", func(t *testing.T) {
		t.Parallel()
		b, tenant := setup(t, nil), id.NewTenant()
		must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
		must(t, b.steps(t, tenant))
		for _, r := range []contract.Report{
			{Tenant: tenant, Revision: 0, State: contract.TenantServing, OK: true},
			{Tenant: tenant, Revision: 1, State: contract.TenantGone, OK: true},
		} {
			must(t, b.Reported(t.Context(), b.pool.env, r))
		}
		must(t, b.Reported(t.Context(), id.NewEnvironment(), contract.Report{Tenant: tenant, Revision: 9, State: contract.TenantServing, OK: true}))
		if got := b.state(t, tenant); got != provisioning.Creating {
			t.Errorf("state = %s, want creating still", got)
		}
	})
	t.Run("takes an agent that is faster than our own note", func(t *testing.T) {
		t.Parallel()
		b, tenant := setup(t, nil), id.NewTenant()
		must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
		if _, err := b.Step(t.Context(), tenant); err != nil { // requested -> placed
			t.Fatal(err)
		}
		must(t, b.Reported(t.Context(), b.pool.env, contract.Report{Tenant: tenant, Revision: 1, State: contract.TenantServing, OK: true}))
		if got := b.state(t, tenant); got != provisioning.Verifying {
			t.Errorf("state = %s, want verifying", got)
		}
	})
}

// brittle is a store whose writes fail from the n-th on, as if the process had
// been killed there.
type brittle struct {
	docstore.Store
	left int
}

var errKilled = errors.New("killed")

func (b *brittle) Replace(ctx context.Context, c string, d docstore.Document) (int64, error) {
	if b.left--; b.left < 0 {
		return 0, errKilled
	}
	return b.Store.Replace(ctx, c, d)
}

func TestPlacementSurvivesAKillAtEveryWrite(t *testing.T) {
	t.Parallel()
	for n := range 5 {
		t.Run(fmt.Sprintf("after %d writes", n), func(t *testing.T) {
			t.Parallel()
			weak := &brittle{left: n}
			b, tenant := setup(t, func(s docstore.Store) docstore.Store { weak.Store = s; return weak }), id.NewTenant()
			must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
			killed := 0
			for range 4 { // one kill, then the same steps again, as after a start
				for _, do := range []func() error{
					func() error { return b.steps(t, tenant) },
					func() error {
						if b.state(t, tenant) != provisioning.Creating {
							return nil
						}
						return b.report(t, true, "")
					},
				} {
					if err := do(); err != nil {
						if !errors.Is(err, errKilled) {
							t.Fatal(err)
						}
						killed++
						weak.left = 1000
					}
				}
			}
			if got := b.state(t, tenant); got != provisioning.Ready {
				t.Errorf("state = %s after %d kills, want ready", got, killed)
			}
			page, err := b.store.Find(t.Context(), provisioning.Collection, docstore.Query{Index: "outbox"})
			if err != nil || len(page.Docs) != 1 {
				t.Errorf("%d documents announce readiness, %v; want one", len(page.Docs), err)
			}
		})
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	b, tenant := setup(t, nil), id.NewTenant()
	ops := provisioning.Operations{Service: b.Service, Caller: func(context.Context) (id.Tenant, error) { return tenant, nil }}
	seen, err := ops.Watch(t.Context(), &provisioning.Nothing{})
	must(t, err)
	must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
	if p := <-seen; p.State != provisioning.Requested {
		t.Errorf("first is %s, want requested: watching began before the placement was there", p.State)
	}
	must(t, b.steps(t, tenant))
	must(t, b.report(t, true, ""))
	must(t, b.steps(t, tenant))
	last := provisioning.PlacementView{}
	for p := range seen {
		last = p
	}
	if last.State != provisioning.Ready {
		t.Errorf("the stream ended with %s, want ready", last.State)
	}
}

func TestStrangersSeeNothing(t *testing.T) {
	t.Parallel()
	b, tenant := setup(t, nil), id.NewTenant()
	must(t, b.Request(t.Context(), tenant, "Cafe", "starter"))
	ops := provisioning.Operations{Service: b.Service, Caller: func(context.Context) (id.Tenant, error) { return id.NewTenant(), nil }}
	if _, err := ops.Show(t.Context(), &provisioning.Nothing{}); !errors.Is(err, provisioning.ErrNone) {
		t.Errorf("Show for another tenant = %v, want ErrNone", err)
	}
}
