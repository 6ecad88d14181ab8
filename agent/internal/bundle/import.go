package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	importDocuments = 256     // of one entry
	importBytes     = 4 << 20 // of their bodies
)

// Importing says how a bundle becomes a new tenant.
type Importing struct {
	Tenant id.Tenant // which must not exist
	Key    string    // the public key the bundle must be signed with; "" takes any
	Skip   []string  // collections that stay behind
	Actor  string    // for the journal; "" is "import"
	// TempDir is where a backup is laid out on the way; "" is the system's.
	TempDir string
}

// Imported says what came of an import.
type Imported struct {
	Tenant    id.Tenant `json:"tenant"`
	From      id.Tenant `json:"from"`
	Kind      Kind      `json:"kind"`
	Documents int64     `json:"documents"`
	Skipped   int64     `json:"skipped"`
	Blobs     int64     `json:"blobs"`
	Slot      int64     `json:"slot"` // of the new tenant's last entry
	Signed    Signed    `json:"signed"`
	Notes     []string  `json:"notes,omitempty"`
}

// Import makes a new tenant of the present documents of a bundle, of either kind:
// ids stay, the history does not come along. The documents are written by commands
// of kind "import". It fails like Restore, and leaves nothing then.
func Import(ctx context.Context, shelf *tenantstore.Shelf, collections []docstore.Collection, path string, o Importing) (Imported, error) {
	if o.Actor == "" {
		o.Actor = "import"
	}
	a, err := openArchive(path)
	if err != nil {
		return Imported{}, err
	}
	defer func() { _ = a.close() }() // it was only read
	in, err := a.inspect(ctx, o.Key, Until{})
	if err == nil {
		err = in.report.refusal(o.Key)
	}
	if err != nil {
		return Imported{}, err
	}
	m := in.report.Manifest
	out := Imported{Tenant: o.Tenant, From: m.Tenant, Kind: m.Kind, Signed: in.report.Signed, Notes: in.report.Notes}
	_, err = shelf.Rebuild(ctx, o.Tenant, false, func(r *tenantstore.Rebuild) error {
		store, err := r.Open(ctx, collections)
		if err != nil {
			return err
		}
		to := &importer{store: store, rebuild: r, o: o, out: &out}
		if m.Kind == Backup {
			err = a.importBackup(ctx, in, to)
		} else {
			err = a.importExport(ctx, to)
		}
		if err == nil {
			err = to.flush(ctx)
		}
		return errors.Join(err, store.Close())
	})
	if errors.Is(err, docstore.ErrUndeclared) {
		return out, ErrNewer.Because(err)
	}
	if err != nil {
		return out, fmt.Errorf("import into %s: %w", o.Tenant, err)
	}
	return out, nil
}

func (a *archive) importExport(ctx context.Context, to *importer) error {
	return a.each(ctx, func(name string, size int64, part io.Reader) error {
		switch hash, isBlob := strings.CutPrefix(name, blobsDir); {
		case strings.HasPrefix(name, documentsDir):
			return eachLine(part, func(line []byte) error {
				var d Line
				if err := json.Unmarshal(line, &d); err != nil {
					return fmt.Errorf("decode a document of %s: %w", name, err)
				}
				return to.put(ctx, collectionOf(name), d.ID, d.Body)
			})
		case isBlob:
			to.out.Blobs++
			return keepBlob(ctx, to.rebuild, hash, size, part)
		}
		return nil
	})
}

func (a *archive) importBackup(ctx context.Context, in *inspection, to *importer) error {
	return a.layOut(ctx, in, to.o.TempDir, func(shelf *tenantstore.Shelf, tenant id.Tenant, _ tenantstore.Report) error {
		raw, _, release, err := shelf.Look(ctx, tenant)
		if err != nil {
			return err
		}
		defer release()
		blobs := map[string]tenantstore.Blob{}
		for _, collection := range raw.Own() {
			err := raw.Living(ctx, collection, func(d docstore.Document) error {
				if !slices.Contains(to.o.Skip, collection) {
					for _, b := range tenantstore.References(d.Body) {
						blobs[b.Hash] = b
					}
				}
				return to.put(ctx, collection, d.ID, d.Body)
			})
			if err != nil {
				return err
			}
		}
		for _, b := range blobs {
			content, err := raw.GetBlob(ctx, b)
			if errors.Is(err, docstore.ErrNotFound) {
				continue // it was missing already when the bundle was made, as its manifest says
			}
			if err != nil {
				return err
			}
			if _, err := to.rebuild.Blob(ctx, content); err != nil {
				return err
			}
			to.out.Blobs++
		}
		return nil
	})
}

// importer puts documents into a new tenant, a few at a time.
type importer struct {
	store   *tenantstore.Store
	rebuild *tenantstore.Rebuild
	o       Importing
	out     *Imported

	waiting []imported
	bytes   int
}

type imported struct {
	collection, id string
	body           json.RawMessage
}

func (to *importer) put(ctx context.Context, collection, id string, body json.RawMessage) error {
	if slices.Contains(to.o.Skip, collection) {
		to.out.Skipped++
		return nil
	}
	if len(to.waiting) == importDocuments || len(to.waiting) > 0 && to.bytes+len(body) > importBytes {
		if err := to.flush(ctx); err != nil {
			return err
		}
	}
	to.waiting = append(to.waiting, imported{collection, id, append(json.RawMessage(nil), body...)})
	to.bytes += len(body)
	return nil
}

func (to *importer) flush(ctx context.Context) error {
	if len(to.waiting) == 0 {
		return nil
	}
	receipt, err := to.store.Do(ctx, tenantstore.Command{Kind: "import", Actor: to.o.Actor}, func(tx *tenantstore.Tx) error {
		for _, d := range to.waiting {
			if err := tx.Put(d.collection, d.id, d.body); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write documents: %w", err)
	}
	to.out.Documents += int64(len(to.waiting))
	to.out.Slot = receipt.Slot
	to.waiting, to.bytes = to.waiting[:0], 0
	return nil
}
