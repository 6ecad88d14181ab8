package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// profiles holds one document, the tenant as the control plane last wanted it.
const (
	profiles  = "profile"
	profileID = "tenant"
)

// Collections are all that a tenant's store holds.
func Collections() []docstore.Collection {
	all := []docstore.Collection{{Name: profiles}}
	all = append(all, tables.Collections()...)
	return append(all, runs.Collections()...)
}

// Tenants makes what the control plane wants of tenants so, on this agent.
type Tenants struct {
	shelf *tenantstore.Shelf
	runs  *runs.Service
	log   *slog.Logger

	mu     sync.Mutex
	served map[id.Tenant]struct{}
}

// NewTenants knows the tenants that are served already.
func NewTenants(already []id.Tenant, shelf *tenantstore.Shelf, r *runs.Service, log *slog.Logger) *Tenants {
	t := &Tenants{shelf: shelf, runs: r, log: log, served: map[id.Tenant]struct{}{}}
	for _, one := range already {
		t.served[one] = struct{}{}
	}
	return t
}

// count is how many tenants are served.
func (t *Tenants) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.served)
}

// Promoted begins to serve a tenant that was handed over to this environment.
func (t *Tenants) Promoted(ctx context.Context, tenant id.Tenant) error {
	t.mu.Lock()
	t.served[tenant] = struct{}{}
	t.mu.Unlock()
	return t.runs.Adopt(ctx, tenant)
}

// Left ends serving a tenant that this agent has handed over.
func (t *Tenants) Left(tenant id.Tenant) {
	t.runs.Leave(tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.served, tenant)
}

// profile is what an agent keeps of a wanted tenant. Revisions are an
// environment's own, so those of two are never compared.
type profile struct {
	Name        string         `json:"name"`
	Plan        string         `json:"plan"`
	Revision    int64          `json:"revision"`
	Environment id.Environment `json:"environment,omitempty"`
}

// older says whether p was wanted before other.
func (p profile) older(other profile) bool {
	return p.Environment == other.Environment && p.Revision < other.Revision
}

// Apply carries out one line of the desired state and says how it came out. It
// may be called again for the same line. Its error is for what may succeed
// later, unchanged; the report then says so too.
func (t *Tenants) Apply(ctx context.Context, want contract.WantedTenant) (contract.Report, error) {
	report := contract.Report{V: contract.Version, Tenant: want.Tenant, Revision: want.Revision, State: want.State}
	step := func(name string, do func() error) error {
		began := time.Now()
		err := do()
		report.Steps = append(report.Steps, contract.Step{Name: name, Millis: float64(time.Since(began).Microseconds()) / 1000})
		if err != nil {
			return fmt.Errorf("%s of %s: %w", name, want.Tenant, err)
		}
		return nil
	}
	var err error
	switch want.State {
	case contract.TenantServing:
		err = t.serve(ctx, want, step)
	case contract.TenantGone:
		err = t.leave(ctx, want, step)
	case contract.TenantDropped:
		err = t.drop(ctx, want, step)
	default:
		err = fault.New(fault.Invalid, "agent.unknown_state", "This agent is too old for what is wanted of it; update it.").
			Because(fmt.Errorf("tenant state %q", want.State))
	}
	if err != nil {
		report.Reason = fault.ProblemOf(err).Detail
		t.log.ErrorContext(ctx, "the desired state of a tenant cannot be carried out", "tenant", want.Tenant, "state", want.State, "error", err)
		return report, err
	}
	report.OK = true
	t.mu.Lock()
	defer t.mu.Unlock()
	if want.State == contract.TenantServing {
		t.served[want.Tenant] = struct{}{}
	} else {
		delete(t.served, want.Tenant)
	}
	return report, nil
}

func (t *Tenants) serve(ctx context.Context, want contract.WantedTenant, step func(string, func() error) error) error {
	if err := step("create store", func() error { return t.shelf.Create(ctx, want.Tenant) }); err != nil {
		return err
	}
	var store *tenantstore.Store
	var release func()
	if err := step("open store", func() (err error) {
		store, release, err = t.shelf.Open(ctx, want.Tenant)
		return err
	}); err != nil {
		if tenantstore.Elsewhere(err) {
			return nil // it was handed over meanwhile: the line is of before that
		}
		return err
	}
	defer release()
	wanted := profile{want.Name, want.Plan, want.Revision, t.shelf.Self()}
	if err := step("write", func() error {
		_, err := store.Do(ctx, tenantstore.Command{Kind: "tenant.profile", Actor: "control plane"}, func(tx *tenantstore.Tx) error {
			var have profile
			err := tx.Get(profiles, profileID, &have)
			if err != nil && !errors.Is(err, docstore.ErrNotFound) {
				return err
			}
			if err == nil && wanted.older(have) {
				return nil // an older line, read again after a newer one
			}
			return tx.Put(profiles, profileID, wanted)
		})
		return err
	}); err != nil {
		return err
	}
	return step("read back", func() error {
		var have profile
		if err := store.Get(ctx, profiles, profileID, &have); err != nil {
			return err
		}
		if have != wanted && !wanted.older(have) {
			return fmt.Errorf("wrote revision %d, read revision %d", wanted.Revision, have.Revision)
		}
		return nil
	})
}

func (t *Tenants) leave(ctx context.Context, want contract.WantedTenant, step func(string, func() error) error) error {
	if newer, err := t.wantedSince(ctx, want); err != nil || newer {
		return err
	}
	if err := step("end decisions", func() error { return t.runs.Forget(ctx, want.Tenant) }); err != nil {
		return err
	}
	return step("remove store", func() error { return t.shelf.Remove(ctx, want.Tenant) })
}

// drop deletes a copy, with the decisions that are still worked on beside it.
func (t *Tenants) drop(ctx context.Context, want contract.WantedTenant, step func(string, func() error) error) error {
	later := false
	if err := step("look", func() error {
		_, is, release, err := t.shelf.Look(ctx, want.Tenant)
		if fault.KindOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		defer release()
		later = is.Later(want.Moves)
		if is.Role == tenantstore.RoleOwner && is.Applied.Slot > 0 {
			return tenantstore.ErrOwner
		}
		return nil
	}); err != nil || later {
		return err
	}
	if err := step("end decisions", func() error { return t.runs.Forget(ctx, want.Tenant) }); err != nil {
		return err
	}
	return step("drop copy", func() error { return t.shelf.Drop(ctx, want.Tenant, want.Moves...) })
}

// wantedSince says whether this environment has served the tenant on a later line
// than want: an old line that is read again must not delete what came back.
func (t *Tenants) wantedSince(ctx context.Context, want contract.WantedTenant) (bool, error) {
	store, release, err := t.shelf.Open(ctx, want.Tenant)
	if err != nil {
		// Not here, or here as a copy, which has no say.
		if fault.KindOf(err) == fault.NotFound || tenantstore.Elsewhere(err) {
			return false, nil
		}
		return false, err
	}
	defer release()
	var have profile
	err = store.Get(ctx, profiles, profileID, &have)
	if errors.Is(err, docstore.ErrNotFound) {
		return false, nil
	}
	return profile{Environment: t.shelf.Self(), Revision: want.Revision}.older(have), err
}

// collectEvery is the pause between two collections of expired uploads. Expired
// ones are never shown; collecting only frees their place.
const collectEvery = time.Hour

// collect forgets expired uploads of all tenants, once an hour until ctx ends.
func (t *Tenants) collect(ctx context.Context) error {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		t.collectOnce(ctx)
	}
}

func (t *Tenants) collectOnce(ctx context.Context) {
	tenants, err := t.shelf.Tenants(ctx)
	if err != nil {
		t.log.WarnContext(ctx, "tenants cannot be listed to collect uploads", "error", err)
		return
	}
	for _, tenant := range tenants {
		store, release, err := t.shelf.Open(ctx, tenant)
		if err == nil {
			_, err = tables.Desk{Store: store}.Collect(ctx)
			release()
		}
		if tenantstore.Elsewhere(err) {
			continue // its owner collects
		}
		if err != nil && ctx.Err() == nil && fault.KindOf(err) != fault.NotFound {
			t.log.WarnContext(ctx, "expired uploads cannot be collected", "tenant", tenant, "error", err)
		}
	}
}
