package tenantstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	// buildSuffix marks a tenant's file that is being built anew.
	buildSuffix = ".restoring"
	// keptSuffix, and a time, mark what a tenant's file was before.
	keptSuffix = ".before-restore-"
)

// Build fills a file beside the tenant's and gives it the tenant's name at the
// end, which is one step of the file system: a crash leaves the old tenant or the
// new one.
func (f *sqliteFactory) Build(ctx context.Context, tenant id.Tenant, replace bool, fill func(docstore.Store) error) (kept string, err error) {
	path, err := f.path(tenant)
	if err != nil {
		return "", err
	}
	_, err = os.Stat(path)
	exists := err == nil
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", docstore.ErrUnavailable.Because(fmt.Errorf("look for file of tenant: %w", err))
	case exists && !replace:
		return "", ErrExists
	}
	building := path + buildSuffix
	if err := removeFile(building); err != nil { // a crash may have left half of one
		return "", err
	}
	defer func() { err = errors.Join(err, removeFile(building)) }()
	if err := f.fillFile(ctx, building, fill); err != nil {
		return "", err
	}
	if exists {
		kept = path + keptSuffix + time.Now().UTC().Format("20060102T150405.000Z")
		if err := keepFile(path, kept); err != nil {
			return "", err
		}
	} else if err := removeFile(path); err != nil { // a log without its file would be replayed into the new one
		return "", err
	}
	if err := os.Rename(building, path); err != nil {
		return kept, docstore.ErrUnavailable.Because(fmt.Errorf("name file of tenant: %w", err))
	}
	return kept, f.sync()
}

// fillFile makes a file that is whole by itself: Close folds the log into it.
func (f *sqliteFactory) fillFile(ctx context.Context, path string, fill func(docstore.Store) error) error {
	s, err := sqlitestore.Open(path, tenantOptions())
	if err != nil {
		return fmt.Errorf("make file of tenant: %w", err)
	}
	err = s.Ensure(ctx, withOwn(f.collections)...)
	if err == nil {
		err = fill(s)
	}
	return errors.Join(err, s.Close())
}

// keepFile gives a tenant's file a second name, under which it stays when another
// takes the first. Its log is folded in before; a file too damaged for that is
// kept with its log. Nobody has it open.
func keepFile(path, kept string) error {
	s, err := sqlitestore.Open(path, tenantOptions())
	if err == nil {
		err = s.Close()
	}
	if err != nil && !errors.Is(err, docstore.ErrInvalid) {
		return fmt.Errorf("close file of tenant to keep it: %w", err)
	}
	if err := secondName(path, kept); err != nil {
		return docstore.ErrUnavailable.Because(fmt.Errorf("keep file of tenant: %w", err))
	}
	if err := secondName(path+"-wal", kept+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return docstore.ErrUnavailable.Because(fmt.Errorf("keep log of tenant: %w", err))
	}
	for _, companion := range []string{"-wal", "-shm"} { // SQLite would replay them into the new file
		if err := os.Remove(path + companion); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return docstore.ErrUnavailable.Because(fmt.Errorf("remove log of tenant: %w", err))
		}
	}
	return nil
}

// secondName links the file, or copies it where the file system has no links.
func secondName(path, name string) error {
	err := os.Link(path, name)
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	to, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Sync(), to.Close())
}
