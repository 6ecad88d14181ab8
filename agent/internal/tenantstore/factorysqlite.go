package tenantstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
}

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

func (f *sqliteFactory) Create(ctx context.Context, tenant id.Tenant) error {
	path, err := f.path(tenant)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	s, err := sqlitestore.Open(path, tenantOptions())
	if err != nil {
		return fmt.Errorf("create file of tenant: %w", err)
	}
	if err := errors.Join(s.Ensure(ctx, withOwn(f.collections)...), s.Close()); err != nil {
		return fmt.Errorf("create collections of tenant: %w", err)
	}
	return f.sync()
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

// Remove unlinks the data file first: with it the tenant is gone, and what a
// crash leaves of its companions is found by the next Remove.
func (f *sqliteFactory) Remove(_ context.Context, tenant id.Tenant) error {
	path, err := f.path(tenant)
	if err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return docstore.ErrUnavailable.Because(fmt.Errorf("remove file of tenant: %w", err))
		}
	}
	return f.sync()
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
