package bundle

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Making says who makes a bundle, and of what.
type Making struct {
	Tenant      id.Tenant
	Environment id.Environment // of this agent; "" when it belongs to none
	Signer      Signer
	Program     string // version of this program
	Now         time.Time
	// TempDir is where an export lays out the tenant while it is made; "" is the
	// system's.
	TempDir string
}

// WriteBackup writes a bundle of kind backup: the journal up to where it ends now,
// and the blobs its entries refer to. It may run beside a writer. It fails with
// ErrStandby for a copy in the making, with ErrBeginning for a journal that has
// lost its begin, and like recovery for one that is damaged.
func WriteBackup(ctx context.Context, from *tenantstore.Raw, m Making, w io.Writer) (Manifest, error) {
	end, err := admit(ctx, from, m)
	if err != nil {
		return Manifest{}, err
	}
	p := newPacker(w, m.Now)
	t := newTally()
	journal := &lines{to: p, dir: journalDir}
	err = from.Journal(ctx, end, func(_ string, body []byte) error {
		if err := t.take(body); err != nil {
			return err
		}
		return journal.add(body)
	})
	if err == nil {
		err = journal.flush()
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("back the journal up: %w", err)
	}
	out := t.manifest()
	out.Format, out.Kind, out.Tenant = format, Backup, m.Tenant
	out.MadeAt, out.Program = m.Now.UTC(), m.Program
	out.Owner = cmp.Or(t.owner, m.Environment)
	if err := p.blobs(ctx, from, slices.Collect(maps.Values(t.blobs)), &out); err != nil {
		return out, err
	}
	return p.finish(out, m.Signer)
}

// admit says where the journal ends, if a bundle can be made of it.
func admit(ctx context.Context, from *tenantstore.Raw, m Making) (tenantstore.Place, error) {
	if m.Signer == nil {
		return tenantstore.Place{}, ErrUnsigned
	}
	end, err := from.End(ctx)
	if err != nil {
		return end, err
	}
	is, err := from.Standing(ctx, m.Environment)
	if err != nil {
		return end, err
	}
	if is.Role == tenantstore.RoleStandby {
		return end, ErrStandby
	}
	first, err := from.Entries(ctx, tenantstore.Start(), 1, 1)
	if err != nil {
		return end, err
	}
	if len(first) == 0 && (end.Slot > 0 || is.Applied.Slot > 0) || len(first) > 0 && first[0].At.Slot != 1 {
		return end, ErrBeginning
	}
	return end, nil
}

// blobs adds the blobs that are there, in order of their hashes, and notes those
// that are not.
func (p *packer) blobs(ctx context.Context, from *tenantstore.Raw, all []tenantstore.Blob, m *Manifest) error {
	slices.SortFunc(all, func(a, b tenantstore.Blob) int { return cmp.Compare(a.Hash, b.Hash) })
	for _, b := range all {
		here, err := from.HasBlob(ctx, b)
		if err != nil {
			return err
		}
		if !here {
			m.Absent = append(m.Absent, b.Hash)
			continue
		}
		m.Blobs++
		m.BlobBytes += b.Size
		if err := p.stream(blobsDir+b.Hash, b.Size, func(w io.Writer) error { return from.WriteBlob(ctx, b, w) }); err != nil {
			return err
		}
	}
	return nil
}

// tally follows a journal and counts what it leads to. Writing and reading use
// the same one, so that a manifest can be held against its journal.
type tally struct {
	walk  *tenantstore.Walk
	first int64
	last  Last
	owner id.Environment              // by the last hand-over; "" without one
	alive map[document]int64          // bytes of the bodies of what is not deleted
	names map[string]bool             // of the collections that were ever written to
	blobs map[string]tenantstore.Blob // by hash
}

type document struct{ collection, id string }

func newTally() *tally {
	t := &tally{walk: tenantstore.NewWalk(), alive: map[document]int64{}, names: map[string]bool{}, blobs: map[string]tenantstore.Blob{}}
	t.last.Chain = t.walk.At.Chain
	return t
}

// take takes the next entry. Its id follows from the place.
func (t *tally) take(body []byte) error {
	at := t.walk.At
	s, err := t.walk.Next(tenantstore.SlotID(at.Generation, at.Slot+1), body)
	if err != nil {
		return err
	}
	if t.first == 0 {
		t.first = s.At.Slot
	}
	t.last = Last{Generation: s.Generation, Slot: s.At.Slot, Chain: s.At.Chain, Time: &s.Time}
	if s.HandOver != nil {
		t.owner = s.HandOver.To
	}
	for _, w := range s.Writes {
		t.names[w.Collection] = true
		k := document{w.Collection, w.ID}
		if w.Deleted {
			delete(t.alive, k)
		} else {
			t.alive[k] = int64(w.Size)
		}
	}
	for _, b := range s.Blobs {
		t.blobs[b.Hash] = b
	}
	return nil
}

func (t *tally) manifest() Manifest {
	counts := map[string]*Count{}
	for name := range t.names {
		counts[name] = &Count{Name: name}
	}
	for k, size := range t.alive {
		count(counts, k.collection, size)
	}
	return Manifest{First: t.first, Last: t.last, Collections: sorted(counts)}
}

func count(counts map[string]*Count, collection string, size int64) {
	c := counts[collection]
	if c == nil {
		c = &Count{Name: collection}
		counts[collection] = c
	}
	c.Documents++
	c.Bytes += size
}

func sorted(counts map[string]*Count) []Count {
	all := []Count{}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, *counts[name])
	}
	return all
}

// collections are the tenant's own, declared by name alone: for a place where the
// journal is only replayed.
func (m Manifest) collections() []docstore.Collection {
	var all []docstore.Collection
	for _, c := range m.Collections {
		if !tenantstore.Reserved(c.Name) {
			all = append(all, docstore.Collection{Name: c.Name})
		}
	}
	return all
}
