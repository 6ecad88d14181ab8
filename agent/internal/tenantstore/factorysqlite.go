package tenantstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/id"
)

const fileSuffix = ".db"

// sqliteFactory keeps one file per tenant: no shared writer, removal is unlink,
// a backup is a copy.
type sqliteFactory struct {
	dir         string
	collections []docstore.Collection

	mu    sync.Mutex
	empty []byte // the file of a tenant without data; nil until the first Create
}

// newSuffix marks a tenant's file that is not written to its end yet.
const newSuffix = ".new"

// NewSQLiteFactory keeps tenants in dir/tenants/<tenant>.db. It fails with
// docstore.ErrDeclaration for collections a tenant cannot have.
func NewSQLiteFactory(dir string, collections []docstore.Collection) (Factory, error) {
	if err := checkCollections(collections); err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, "tenants")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, docstore.ErrUnavailable.Because(fmt.Errorf("create folder of tenants: %w", err))
	}
	return &sqliteFactory{dir: dir, collections: collections}, nil
}

func (f *sqliteFactory) Collections() []docstore.Collection { return f.collections }

// Create copies an empty file and gives it the tenant's name at the end. SQLite
// would sync a dozen times on the way to the same bytes; this does twice, and a
// crash leaves either no tenant or a whole one.
func (f *sqliteFactory) Create(ctx context.Context, tenant id.Tenant, first ...docstore.Op) error {
	path, err := f.path(tenant)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	empty, err := f.emptyFile(ctx)
	if err != nil {
		return fmt.Errorf("make an empty file for tenants: %w", err)
	}
	// A removal that was cut off leaves a log, which SQLite would replay into the
	// new file.
	if err := errors.Join(removeFile(path), removeFile(path+newSuffix)); err != nil {
		return err
	}
	if err := writeDurably(path+newSuffix, empty); err != nil {
		return docstore.ErrUnavailable.Because(fmt.Errorf("write file of tenant: %w", err))
	}
	if len(first) > 0 {
		if err := f.begin(ctx, path+newSuffix, first); err != nil {
			return fmt.Errorf("begin file of tenant: %w", err)
		}
	}
	if err := os.Rename(path+newSuffix, path); err != nil {
		return docstore.ErrUnavailable.Because(fmt.Errorf("name file of tenant: %w", err))
	}
	return f.sync()
}

// begin writes into a file that has no tenant's name yet.
func (f *sqliteFactory) begin(ctx context.Context, path string, first []docstore.Op) error {
	s, err := sqlitestore.Open(path, tenantOptions())
	if err != nil {
		return err
	}
	err = s.Ensure(ctx, withOwn(f.collections)...)
	if err == nil {
		err = s.Batch(ctx, first...)
	}
	// Close folds the write-ahead log into the file; of the rest only the lock stays.
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if err := os.Remove(path + ".lock"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return docstore.ErrUnavailable.Because(fmt.Errorf("remove lock of a new file: %w", err))
	}
	return nil
}

// emptyFile is what a tenant's file holds before its first write: all collections
// and indexes, no document.
func (f *sqliteFactory) emptyFile(ctx context.Context) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.empty != nil {
		return f.empty, nil
	}
	path := filepath.Join(f.dir, ".empty"+fileSuffix) // no tenant's name
	if err := removeFile(path); err != nil {          // a crash may have left half of one
		return nil, err
	}
	s, err := sqlitestore.Open(path, tenantOptions())
	if err != nil {
		return nil, err
	}
	// Close folds the write-ahead log into the file, which is then whole by itself.
	if err := errors.Join(s.Ensure(ctx, withOwn(f.collections)...), s.Close()); err != nil {
		return nil, err
	}
	empty, err := os.ReadFile(path)
	if err != nil {
		return nil, docstore.ErrUnavailable.Because(err)
	}
	if err := removeFile(path); err != nil {
		return nil, err
	}
	f.empty = empty
	return empty, nil
}

func writeDurably(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// tenantOptions keep an open tenant small; there are many.
func tenantOptions() sqlitestore.Options { return sqlitestore.Options{Readers: 4, CacheKiB: 512} }

func (f *sqliteFactory) Open(_ context.Context, tenant id.Tenant) (docstore.Store, error) {
	path, err := f.path(tenant)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoTenant
	} else if err != nil {
		return nil, docstore.ErrUnavailable.Because(fmt.Errorf("look for file of tenant: %w", err))
	}
	s, err := sqlitestore.Open(path, tenantOptions())
	if err != nil {
		return nil, fmt.Errorf("open file of tenant: %w", err)
	}
	return s, nil
}

func (f *sqliteFactory) Read(_ context.Context, tenant id.Tenant) (docstore.Store, error) {
	path, err := f.path(tenant)
	if err != nil {
		return nil, err
	}
	s, err := sqlitestore.OpenForReading(path, tenantOptions())
	if errors.Is(err, docstore.ErrNotFound) {
		return nil, ErrNoTenant.Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("open file of tenant for reading: %w", err)
	}
	return s, nil
}

// Remove unlinks the data file first: with it the tenant is gone, and what a
// crash leaves of its companions is found by the next Remove. What restores have
// kept of the tenant goes too.
func (f *sqliteFactory) Remove(_ context.Context, tenant id.Tenant) error {
	path, err := f.path(tenant)
	if err != nil {
		return err
	}
	if err := errors.Join(removeFile(path), removeFile(path+buildSuffix)); err != nil {
		return err
	}
	kept, err := filepath.Glob(path + keptSuffix + "*") // an id has no sign that Glob reads otherwise
	if err != nil {
		return fmt.Errorf("find what restores have kept: %w", err)
	}
	for _, old := range kept {
		if err := os.Remove(old); err != nil {
			return docstore.ErrUnavailable.Because(fmt.Errorf("remove what a restore has kept: %w", err))
		}
	}
	return f.sync()
}

// removeFile unlinks a file of SQLite with its companions; those that are missing
// are no trouble.
func removeFile(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", ".lock", newSuffix} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return docstore.ErrUnavailable.Because(fmt.Errorf("remove file of tenant: %w", err))
		}
	}
	return nil
}

func (f *sqliteFactory) Tenants(context.Context) ([]id.Tenant, error) {
	entries, err := os.ReadDir(f.dir) // sorted by name
	if err != nil {
		return nil, docstore.ErrUnavailable.Because(fmt.Errorf("list tenants: %w", err))
	}
	var tenants []id.Tenant
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), fileSuffix)
		if !ok {
			continue
		}
		if t, err := id.ParseTenant(name); err == nil {
			tenants = append(tenants, t)
		}
	}
	return tenants, nil
}

func (f *sqliteFactory) Close() error { return nil }

// path is the tenant's file. A tenant that is no well-formed id names no file.
func (f *sqliteFactory) path(tenant id.Tenant) (string, error) {
	if _, err := id.ParseTenant(string(tenant)); err != nil {
		return "", ErrNoTenant.Because(err)
	}
	return filepath.Join(f.dir, string(tenant)+fileSuffix), nil
}

// sync makes the coming and going of files survive a power cut.
func (f *sqliteFactory) sync() error {
	d, err := os.Open(f.dir)
	if err != nil {
		return docstore.ErrUnavailable.Because(fmt.Errorf("sync folder of tenants: %w", err))
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return docstore.ErrUnavailable.Because(fmt.Errorf("sync folder of tenants: %w", err))
	}
	return nil
}
