package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Restoring says how a bundle becomes a tenant again.
type Restoring struct {
	Key      string         // the public key the bundle must be signed with; "" takes any
	Until    Until          // the point in time
	Self     id.Environment // of this agent; "" when it belongs to none
	Replace  bool           // take the place of a tenant that exists
	TakeOver bool           // although another environment owns the tenant
}

// Restored says what came of a restore.
type Restored struct {
	Tenant    id.Tenant `json:"tenant"`
	Slot      int64     `json:"slot"`  // of the last entry taken from the bundle
	Chain     string    `json:"chain"` // of that entry
	Time      time.Time `json:"time"`  // of that entry
	LeftOut   int64     `json:"leftOut"`
	Added     []string  `json:"added,omitempty"` // entries behind it, in words
	Documents int64     `json:"documents"`
	Blobs     int64     `json:"blobs"`
	Kept      string    `json:"kept,omitempty"` // the file of the tenant that was replaced
	Signed    Signed    `json:"signed"`
	Notes     []string  `json:"notes,omitempty"`
}

// Restore makes the tenant of a backup anew on shelf, whose tenants have these
// collections: whole or not at all, and only after all of the bundle was found
// right. It fails with ErrDamaged, ErrKey, ErrKind, ErrPoint, ErrNotOwner, and
// with tenantstore.ErrExists where the tenant exists and is not to be replaced.
func Restore(ctx context.Context, shelf *tenantstore.Shelf, collections []docstore.Collection, path string, o Restoring) (Restored, error) {
	a, err := openArchive(path)
	if err != nil {
		return Restored{}, err
	}
	defer func() { _ = a.close() }() // it was only read
	in, err := a.inspect(ctx, o.Key, o.Until)
	if err != nil {
		return Restored{}, err
	}
	if err := in.restorable(o); err != nil {
		return Restored{}, err
	}
	m := in.report.Manifest
	out := Restored{Tenant: m.Tenant, Slot: in.cut.Slot, Chain: in.cut.Chain, LeftOut: m.Last.Slot - in.cut.Slot, Signed: in.report.Signed, Notes: in.report.Notes}
	if in.cut.Time != nil {
		out.Time = *in.cut.Time
	}
	if o.Self == "" && m.Owner != "" {
		out.Notes = append(out.Notes, fmt.Sprintf("this agent belongs to no environment yet; the tenant is one of %s", m.Owner))
	}
	out.Kept, err = shelf.Rebuild(ctx, m.Tenant, o.Replace, func(r *tenantstore.Rebuild) error {
		t, err := a.replay(ctx, in, in.cut, r)
		if err != nil {
			return err
		}
		if out.Added, err = r.Owned(ctx, o.Self, m.Owner, o.TakeOver); err != nil {
			return fmt.Errorf("make this environment the owner: %w", err)
		}
		found, err := r.Verify(ctx, collections)
		if err != nil {
			return fmt.Errorf("verify what was restored: %w", err)
		}
		if !found.OK() {
			return ErrDamaged.Because(fmt.Errorf("what was restored differs from its journal: %s", found.Problems[0]))
		}
		out.Documents, out.Blobs = int64(len(t.alive)), found.Blobs
		return nil
	})
	if errors.Is(err, docstore.ErrUndeclared) {
		return out, ErrNewer.Because(err)
	}
	if err != nil {
		return out, fmt.Errorf("restore %s: %w", m.Tenant, err)
	}
	return out, nil
}

// restorable fails unless the bundle is right and may be restored so.
func (in *inspection) restorable(o Restoring) error {
	m := in.report.Manifest
	if err := in.report.refusal(o.Key); err != nil {
		return err
	}
	if m.Kind != Backup {
		return ErrKind
	}
	switch {
	case o.Until.Slot > m.Last.Slot:
		return ErrPoint.Saying("The bundle ends at slot %d; slot %d is not in it.", m.Last.Slot, o.Until.Slot)
	case in.cut.Slot == 0 && m.Last.Slot > 0:
		return ErrPoint.Saying("The tenant begins at %s; there was nothing at %s.", in.earliest.UTC().Format(time.RFC3339), o.Until.Time.UTC().Format(time.RFC3339))
	case m.Owner != "" && m.Owner != o.Self && !o.TakeOver:
		return ErrNotOwner.Saying("The tenant belongs to environment %s; this agent belongs to %s. Restore it there, or take it over with --take-over when that environment serves it no more.",
			m.Owner, cmp.Or(string(o.Self), "none"))
	}
	if in.cut.Slot == 0 {
		in.cut.Chain = tenantstore.Start().Chain
	}
	return nil
}
