package tenantstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// ReadTenant opens a tenant's documents for reading alone, whatever role they
// have and without bringing them up: beside the agent that serves them, or after
// it. Close them at the end. It fails with ErrNoTenant.
func ReadTenant(ctx context.Context, f Factory, tenant id.Tenant) (*Raw, func() error, error) {
	docs, err := f.Read(ctx, tenant)
	if err != nil {
		return nil, nil, err
	}
	if err := docs.Ensure(ctx, withOwn(f.Collections())...); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("declare collections of tenant: %w", err), docs.Close())
	}
	return &Raw{docs: docs, collections: f.Collections()}, docs.Close, nil
}

// Own are the names of the tenant's own collections, in the order in which they
// were declared.
func (r *Raw) Own() []string {
	names := make([]string, len(r.collections))
	for i, c := range r.collections {
		names[i] = c.Name
	}
	return names
}

// Standing is what the documents are in an environment.
func (r *Raw) Standing(ctx context.Context, self id.Environment) (Standing, error) {
	return standing(ctx, r.docs, self)
}

// End is the place behind the last entry of the journal.
func (r *Raw) End(ctx context.Context) (Place, error) {
	last, err := r.docs.Find(ctx, journalCollection, docstore.Query{Desc: true, Limit: 1})
	if err != nil {
		return Place{}, fmt.Errorf("find end of journal: %w", err)
	}
	if len(last.Docs) == 0 {
		return Start(), nil
	}
	e, err := openEntry(last.Docs[0])
	return e.place(), err
}

// Journal calls f with every entry up to end, in order, as it is stored.
func (r *Raw) Journal(ctx context.Context, end Place, f func(id string, body []byte) error) error {
	return each(ctx, r.docs, journalCollection, docstore.Query{To: JournalEnd(end)}, func(d docstore.Document) error { return f(d.ID, d.Body) })
}

// Living calls f with every document of a collection that is not deleted, in the
// order of ids.
func (r *Raw) Living(ctx context.Context, collection string, f func(docstore.Document) error) error {
	return each(ctx, r.docs, collection, docstore.Query{}, func(d docstore.Document) error {
		if isTombstone(d.Body) {
			return nil
		}
		return f(d)
	})
}

// References are the blobs that a document's body refers to. What only looks like
// a reference may be among them.
func References(body []byte) []Blob { return references(body) }

// WriteBlob writes a blob's content to w, a piece at a time. It fails with
// docstore.ErrNotFound, before anything was written, when there is no such blob,
// and with ErrBlob when it is damaged.
func (r *Raw) WriteBlob(ctx context.Context, b Blob, w io.Writer) error {
	if err := b.check(); err != nil {
		return err
	}
	sum := sha256.New()
	for n := range b.chunks() {
		d, err := r.docs.Get(ctx, blobsCollection, chunkID(b.Hash, n))
		if errors.Is(err, docstore.ErrNotFound) && n > 0 {
			return ErrBlob.Because(fmt.Errorf("part %d of %s is missing", n, b.Hash))
		}
		if err != nil {
			return fmt.Errorf("read blob %s: %w", b.Hash, err)
		}
		var c chunk
		if err := json.Unmarshal(d.Body, &c); err != nil {
			return ErrBlob.Because(fmt.Errorf("chunk %s: %w", d.ID, err))
		}
		sum.Write(c.Data)
		if _, err := w.Write(c.Data); err != nil {
			return err
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != b.Hash {
		return ErrBlob.Because(errors.New("content of " + b.Hash + " has another hash"))
	}
	return nil
}

// GetBlob reads content like Store.GetBlob.
func (r *Raw) GetBlob(ctx context.Context, b Blob) ([]byte, error) {
	var content bytes.Buffer
	err := r.WriteBlob(ctx, b, &content)
	return content.Bytes(), err
}

// HasBlob says whether the beginning of a blob is here.
func (r *Raw) HasBlob(ctx context.Context, b Blob) (bool, error) {
	if err := b.check(); err != nil || b.Size == 0 {
		return err == nil, nil //nolint:nilerr // what cannot be a blob is none
	}
	_, err := r.docs.Get(ctx, blobsCollection, chunkID(b.Hash, 0))
	if errors.Is(err, docstore.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Verify is Store.Verify for documents in any role, of an agent that runs or not.
// It looks also at how far the documents are said to stand.
func (r *Raw) Verify(ctx context.Context) (Report, error) {
	report, err := verify(ctx, r.docs, append(r.Own(), movesCollection))
	if err != nil {
		return report, err
	}
	at, err := checkpoint(ctx, r.docs) // read last: it is behind the journal only where entries wait
	switch {
	case errors.Is(err, ErrDamaged):
		report.problem("checkpoint %s is not readable", checkpointID)
		return report, nil
	case err != nil:
		return report, err
	case at.Slot < report.Slots:
		report.problem("the journal ends at slot %d; the documents stand at slot %d: start the agent, which applies the rest", report.Slots, at.Slot)
	case at.Slot == report.Slots && at.Chain != report.Chain:
		report.problem("checkpoint %s names another entry %d than the journal holds", checkpointID, at.Slot)
	}
	return report, nil
}

// Deleted says that a stored document is what deleting has left of one.
func Deleted(d docstore.Document) bool { return isTombstone(d.Body) }

// Declared are the tenant's own collections, with their indexes.
func (r *Raw) Declared() []docstore.Collection { return r.collections }
