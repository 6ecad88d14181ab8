package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// alter moves the tenant as a whole and lets with add to the same write. It does
// nothing, without failing, when the tenant is in want already.
func (t *Tenants) alter(ctx context.Context, tenant id.Tenant, c Change, want Status, with func(*Tenant) error) error {
	var roll []Member
	err := t.change(ctx, tenant, func(d *Tenant) error {
		roll = d.Roll
		if d.Status == want {
			return errAsItIs
		}
		if err := d.move(c, t.now()); err != nil {
			return err
		}
		return with(d)
	})
	t.changedAll(roll)
	return err
}

// Suspend lets the members of a tenant only read, as our staff decides for a reason.
func (t *Tenants) Suspend(ctx context.Context, tenant id.Tenant, reason string) error {
	return t.alter(ctx, tenant, SuspendAsked, Suspended, func(d *Tenant) error {
		return d.AnnounceBy(ctx, EventSuspended, tenant, StatusData{Reason: reason})
	})
}

// Resume ends what Suspend began.
func (t *Tenants) Resume(ctx context.Context, tenant id.Tenant) error {
	return t.alter(ctx, tenant, ResumeAsked, Active, func(d *Tenant) error { return d.AnnounceBy(ctx, EventResumed, tenant, nil) })
}

// BeginClosing notes that an owner wants the tenant closed. It fails with ErrSuspended
// or ErrStatus.
func (t *Tenants) BeginClosing(ctx context.Context, tenant id.Tenant, by id.Person) error {
	return t.alter(ctx, tenant, CloseAsked, Closing, func(d *Tenant) error {
		d.ClosedBy = by
		return nil
	})
}

// StayOpen takes BeginClosing back.
func (t *Tenants) StayOpen(ctx context.Context, tenant id.Tenant) error {
	return t.alter(ctx, tenant, BillRefused, Active, func(*Tenant) error { return nil })
}

// Shut closes a tenant that is closing, until deleteAt.
func (t *Tenants) Shut(ctx context.Context, tenant id.Tenant, deleteAt time.Time) error {
	return t.alter(ctx, tenant, BillEnded, Closed, func(d *Tenant) error {
		d.DeleteAt = deleteAt.UTC()
		return d.AnnounceBy(ctx, EventClosed, tenant, StatusData{DeleteAt: d.DeleteAt})
	})
}

// Reopen opens a closed tenant again. Against BeginErasing the first write wins.
func (t *Tenants) Reopen(ctx context.Context, tenant id.Tenant) error {
	return t.alter(ctx, tenant, ReopenAsked, Active, func(d *Tenant) error { return d.AnnounceBy(ctx, EventReopened, tenant, nil) })
}

// BeginErasing notes that a closed tenant is being deleted, which nothing stops. It fails
// with ErrStatus before the time that Shut named.
func (t *Tenants) BeginErasing(ctx context.Context, tenant id.Tenant) error {
	return t.alter(ctx, tenant, GraceOver, Erasing, func(d *Tenant) error {
		if t.now().Before(d.DeleteAt) {
			return ErrStatus
		}
		return nil
	})
}

// In lists the tenants that are in a status from which they have to move by themselves:
// Closing, Closed or Erasing.
func (t *Tenants) In(ctx context.Context, s Status) ([]Tenant, error) {
	rows, err := t.tenants.All(ctx, docstore.Query{Index: byUnsettled, Equal: []any{string(s)}})
	if err != nil {
		return nil, fmt.Errorf("find tenants that are %s: %w", s, err)
	}
	found := make([]Tenant, len(rows))
	for i, row := range rows {
		found[i] = row.Value
	}
	return found, nil
}

// Erase deletes the document of a tenant that is being erased, and every way to it. It
// fails with ErrStatus for any other, and with docstore.ErrUnavailable while an
// announcement has not left the document.
func (t *Tenants) Erase(ctx context.Context, tenant id.Tenant) error {
	ways, err := t.members.All(ctx, docstore.Query{Index: byTenant, Equal: []any{string(tenant)}})
	if err != nil {
		return fmt.Errorf("find memberships of %s: %w", tenant, err)
	}
	row, err := t.row(ctx, tenant)
	gone := errors.Is(err, ErrNotFound)
	switch {
	case err != nil && !gone:
		return err
	case !gone && row.Value.Status != Erasing:
		return ErrStatus
	case !gone && len(row.Value.Outbox) > 0:
		return docstore.ErrUnavailable.Because(errors.New("the tenant has announcements that are not published"))
	}
	for _, way := range ways {
		if err := t.unlead(ctx, tenant, way.Value.Person); err != nil {
			return err
		}
		t.changed(way.Value.Person)
	}
	if gone {
		return nil
	}
	if err := t.tenants.Delete(ctx, row.ID, row.Rev); err != nil && !errors.Is(err, docstore.ErrNotFound) {
		return fmt.Errorf("delete %s: %w", tenant, err)
	}
	return nil
}

// Ways is how many documents still lead to a tenant or are about it.
func (t *Tenants) Ways(ctx context.Context, tenant id.Tenant) (int, error) {
	ways, err := t.members.All(ctx, docstore.Query{Index: byTenant, Equal: []any{string(tenant)}})
	if err != nil {
		return 0, fmt.Errorf("find memberships of %s: %w", tenant, err)
	}
	switch _, err := t.row(ctx, tenant); {
	case errors.Is(err, ErrNotFound):
		return len(ways), nil
	case err != nil:
		return 0, err
	}
	return len(ways) + 1, nil
}
