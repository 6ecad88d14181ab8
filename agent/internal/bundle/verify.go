package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Check reads all of the bundle at path: seal, parts, manifest, signature, chain.
// key, if not "", is the only one that will do. The error is about reading; what
// is wrong is in the Report.
func Check(ctx context.Context, path, key string) (Report, error) {
	a, err := openArchive(path)
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = a.close() }() // it was only read
	in, err := a.inspect(ctx, key, Until{})
	return in.report, err
}

// Verify is Check, and then applies the journal of a backup to an empty store in
// a folder of its own below dir ("" is the system's), and compares what comes out.
func Verify(ctx context.Context, path, key, dir string) (report Report, err error) {
	a, err := openArchive(path)
	if err != nil {
		return report, err
	}
	defer func() { _ = a.close() }() // it was only read
	in, err := a.inspect(ctx, key, Until{})
	report = in.report
	if err != nil || !report.OK() || report.Manifest.Kind != Backup {
		return report, err
	}
	err = a.layOut(ctx, in, dir, func(_ *tenantstore.Shelf, _ id.Tenant, found tenantstore.Report) error {
		for _, p := range found.Problems {
			report.problem("replayed: %s", p)
		}
		report.More += found.More
		if found.Chain != in.tally.last.Chain {
			report.problem("replayed: the journal ends with another entry")
		}
		return nil
	})
	if err != nil {
		return report, fmt.Errorf("replay the bundle: %w", err)
	}
	report.Replayed = true
	return report, nil
}

// layOut replays an inspected backup in a temporary folder and shows what came
// out.
func (a *archive) layOut(ctx context.Context, in *inspection, dir string, show func(*tenantstore.Shelf, id.Tenant, tenantstore.Report) error) error {
	return laidOut(ctx, dir, in.report.Manifest.collections(), in.tally.owner, func(r *tenantstore.Rebuild) error {
		_, err := a.replay(ctx, in, in.tally.last, r)
		return err
	}, show)
}

// laidOut fills a temporary tenant, in a folder that is gone afterwards.
func laidOut(ctx context.Context, dir string, collections []docstore.Collection, owner id.Environment,
	fill func(*tenantstore.Rebuild) error, show func(*tenantstore.Shelf, id.Tenant, tenantstore.Report) error,
) (err error) {
	folder, err := os.MkdirTemp(dir, "dyocense-bundle-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	files, err := tenantstore.NewSQLiteFactory(folder, collections)
	if err != nil {
		return err
	}
	shelf := tenantstore.NewShelf(files, 1)
	shelf.Belong(owner) // nobody else reads this copy
	defer func() { err = errors.Join(err, shelf.Close()) }()
	tenant := id.NewTenant()
	var found tenantstore.Report
	_, err = shelf.Rebuild(ctx, tenant, false, func(r *tenantstore.Rebuild) error {
		if err := fill(r); err != nil {
			return err
		}
		var err error
		found, err = r.Verify(ctx, collections)
		return err
	})
	if err != nil {
		return err
	}
	return show(shelf, tenant, found)
}

// replay takes the entries up to cut, and the blobs they refer to, into r. Every
// byte is looked at again: the file may have changed since the inspection. What it
// counted comes back.
func (a *archive) replay(ctx context.Context, in *inspection, cut Last, r *tenantstore.Rebuild) (*tally, error) {
	wanted := map[string]bool{}
	t := newTally()
	err := a.each(ctx, func(name string, size int64, part io.Reader) error {
		switch hash, isBlob := strings.CutPrefix(name, blobsDir); {
		case strings.HasPrefix(name, journalDir):
			return eachLine(part, func(line []byte) error {
				if t.last.Slot >= cut.Slot {
					return nil
				}
				body := append([]byte(nil), line...)
				at := r.At()
				if err := t.take(body); err != nil {
					return err
				}
				return r.Take(ctx, tenantstore.SlotID(at.Generation, at.Slot+1), body)
			})
		case isBlob:
			for _, b := range t.blobs {
				wanted[b.Hash] = true
			}
			clear(t.blobs)
			if !wanted[hash] {
				return nil
			}
			return keepBlob(ctx, r, hash, size, part)
		}
		return nil
	})
	if err != nil {
		return t, fmt.Errorf("read %s: %w", a.name, err)
	}
	if t.last.Chain != cut.Chain || cut.Slot > in.tally.last.Slot {
		return t, ErrDamaged.Because(errors.New("the file changed while it was read"))
	}
	return t, r.Flush(ctx)
}

func keepBlob(ctx context.Context, r *tenantstore.Rebuild, hash string, size int64, part io.Reader) error {
	if size > tenantstore.MaxBlob {
		return ErrDamaged.Because(fmt.Errorf("blob %s has %d bytes", hash, size))
	}
	content := make([]byte, size)
	if _, err := io.ReadFull(part, content); err != nil {
		return fmt.Errorf("read blob %s: %w", hash, err)
	}
	kept, err := r.Blob(ctx, content)
	if err == nil && kept.Hash != hash {
		err = ErrDamaged.Because(fmt.Errorf("blob %s has another hash", hash))
	}
	return err
}
