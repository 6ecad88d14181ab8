package tenantstore

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/mongostore"
	"github.com/dyocense/dyocense/shared/id"
)

// MongoOptions says how tenants lie on a MongoDB deployment.
type MongoOptions struct {
	// Database holds the registry of tenants and, in a pool, their documents; at
	// most 25 letters, digits, "_" and "-".
	Database string
	// Dedicated gives each tenant a database of its own, Database_<tenant>.
	// Without it tenants share the collections, each behind its prefix.
	Dedicated bool
}

type mongoFactory struct {
	cluster     *mongostore.Cluster
	registry    docstore.Store
	options     MongoOptions
	collections []docstore.Collection
}

// The bodies of registered tenants: one that is served, one whose data is being
// deleted, and one that is being built anew.
const (
	servedBody   = `{}`
	removingBody = `{"removing":true}`
	buildingBody = `{"building":true}`
)

// NewMongoFactory keeps tenants on the deployment that uri names and connects to
// it. It fails with docstore.ErrDeclaration for collections a tenant cannot have,
// docstore.ErrInvalid for names and addresses that cannot be, and
// docstore.ErrUnavailable when nobody answers.
func NewMongoFactory(ctx context.Context, uri string, o MongoOptions, collections []docstore.Collection) (Factory, error) {
	if err := checkCollections(collections); err != nil {
		return nil, err
	}
	if len(o.Database) > 25 {
		return nil, docstore.ErrInvalid.Saying("The database name has %d bytes; at most 25 are allowed.", len(o.Database))
	}
	cluster, err := mongostore.Connect(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("connect tenants' database: %w", err)
	}
	f := &mongoFactory{cluster: cluster, options: o, collections: collections}
	registry, err := cluster.Store(o.Database, mongostore.Options{})
	if err == nil {
		f.registry = registry
		err = registry.Ensure(ctx, docstore.Collection{Name: registryCollection})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open registry of tenants: %w", err), cluster.Close())
	}
	return f, nil
}

func (f *mongoFactory) Collections() []docstore.Collection { return f.collections }

func (f *mongoFactory) Create(ctx context.Context, tenant id.Tenant, first ...docstore.Op) error {
	d, err := f.registered(ctx, tenant)
	switch {
	case err == nil && string(d.Body) == removingBody: // cut off; finish it first
		if err := f.Remove(ctx, tenant); err != nil {
			return err
		}
	case err == nil && string(d.Body) == buildingBody:
		return ErrBusy.Saying("The workspace is being restored; it is there when that is done.")
	case err == nil:
		return nil
	case !errors.Is(err, docstore.ErrNotFound):
		return err
	}
	s, err := f.store(tenant)
	if err != nil {
		return err
	}
	if err := errors.Join(f.fill(ctx, s, first), s.Close()); err != nil {
		return fmt.Errorf("create collections of tenant: %w", err)
	}
	err = f.registry.Insert(ctx, registryCollection, docstore.Document{ID: string(tenant), Body: []byte(servedBody)})
	if err != nil && !errors.Is(err, docstore.ErrExists) {
		return fmt.Errorf("register tenant: %w", err)
	}
	return nil
}

// fill makes the collections and writes what comes first, instead of what a
// creation that was cut off has left.
func (f *mongoFactory) fill(ctx context.Context, s docstore.Store, first []docstore.Op) error {
	if err := s.Ensure(ctx, withOwn(f.collections)...); err != nil {
		return err
	}
	var ops []docstore.Op
	for _, left := range []string{standbyID, checkpointID} {
		ops = append(ops, docstore.Op{Kind: docstore.OpRemove, Collection: checkpointCollection, Doc: docstore.Document{ID: left, Rev: math.MaxInt64}})
	}
	return s.Batch(ctx, append(ops, first...)...)
}

func (f *mongoFactory) Open(ctx context.Context, tenant id.Tenant) (docstore.Store, error) {
	d, err := f.registered(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if string(d.Body) != servedBody {
		return nil, ErrNoTenant
	}
	return f.store(tenant)
}

// Read is Open: MongoDB lets in whoever comes.
func (f *mongoFactory) Read(ctx context.Context, tenant id.Tenant) (docstore.Store, error) {
	return f.Open(ctx, tenant)
}

// Build lets the registry decide: while it says that the tenant is being built,
// no agent opens or creates it. Cut off anywhere, it stays so until the next
// Build or Remove. Nothing is kept of the one before.
func (f *mongoFactory) Build(ctx context.Context, tenant id.Tenant, replace bool, fill func(docstore.Store) error) (string, error) {
	d, err := f.registered(ctx, tenant)
	switch {
	case errors.Is(err, ErrNoTenant):
		if _, err := id.ParseTenant(string(tenant)); err != nil {
			return "", ErrNoTenant.Because(err)
		}
	case err != nil:
		return "", err
	case string(d.Body) == servedBody && !replace:
		return "", ErrExists
	default:
		if err := f.Remove(ctx, tenant); err != nil {
			return "", err
		}
	}
	building := docstore.Document{ID: string(tenant), Rev: 1, Body: []byte(buildingBody)}
	if err := f.registry.Insert(ctx, registryCollection, building); errors.Is(err, docstore.ErrExists) {
		return "", ErrBusy.Because(err) // somebody else made it in between
	} else if err != nil {
		return "", fmt.Errorf("register tenant as being built: %w", err)
	}
	if err := f.erase(ctx, tenant); err != nil { // a creation that was cut off may have left something
		return "", fmt.Errorf("make room for tenant: %w", err)
	}
	s, err := f.store(tenant)
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.filled(ctx, s, fill), s.Close()); err != nil {
		return "", errors.Join(err, f.Remove(context.WithoutCancel(ctx), tenant))
	}
	err = f.registry.Batch(ctx,
		docstore.Op{Kind: docstore.OpRemove, Collection: registryCollection, Doc: building},
		docstore.Op{Kind: docstore.OpInsert, Collection: registryCollection, Doc: docstore.Document{ID: string(tenant), Rev: 1, Body: []byte(servedBody)}})
	if err != nil && !errors.Is(err, docstore.ErrExists) { // in between, a Create could do the same
		return "", fmt.Errorf("register tenant: %w", err)
	}
	return "", nil
}

func (f *mongoFactory) filled(ctx context.Context, s docstore.Store, fill func(docstore.Store) error) error {
	if err := s.Ensure(ctx, withOwn(f.collections)...); err != nil {
		return fmt.Errorf("create collections of tenant: %w", err)
	}
	return fill(s)
}

// Remove marks the tenant, deletes its data, and forgets it, in this order: cut
// off anywhere, it is not served and the next Remove goes on.
func (f *mongoFactory) Remove(ctx context.Context, tenant id.Tenant) error {
	_, err := f.registered(ctx, tenant)
	if errors.Is(err, ErrNoTenant) {
		return nil
	}
	if err != nil {
		return err
	}
	mark := docstore.Document{ID: string(tenant), Rev: 2, Body: []byte(removingBody)}
	if err := f.registry.Batch(ctx, docstore.Op{Kind: docstore.OpPut, Collection: registryCollection, Doc: mark}); err != nil {
		return fmt.Errorf("mark tenant for removal: %w", err)
	}
	if err := f.erase(ctx, tenant); err != nil {
		return fmt.Errorf("delete data of tenant: %w", err)
	}
	if err := f.registry.Batch(ctx, docstore.Op{Kind: docstore.OpRemove, Collection: registryCollection, Doc: mark}); err != nil {
		return fmt.Errorf("forget tenant: %w", err)
	}
	return nil
}

func (f *mongoFactory) erase(ctx context.Context, tenant id.Tenant) (err error) {
	if f.options.Dedicated {
		return f.cluster.Drop(ctx, f.database(tenant))
	}
	s, err := f.store(tenant)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all := withOwn(f.collections)
	if err := s.Ensure(ctx, all...); err != nil {
		return err
	}
	for _, c := range all {
		for {
			page, err := s.Find(ctx, c.Name, docstore.Query{Limit: 500})
			if err != nil {
				return err
			}
			if len(page.Docs) == 0 {
				break
			}
			var ops []docstore.Op
			for _, d := range page.Docs {
				ops = append(ops, docstore.Op{Kind: docstore.OpRemove, Collection: c.Name, Doc: docstore.Document{ID: d.ID, Rev: math.MaxInt64}})
			}
			if err := s.Batch(ctx, ops...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *mongoFactory) Tenants(ctx context.Context) ([]id.Tenant, error) {
	var tenants []id.Tenant
	q := docstore.Query{Limit: 1000}
	for {
		page, err := f.registry.Find(ctx, registryCollection, q)
		if err != nil {
			return nil, fmt.Errorf("list tenants: %w", err)
		}
		for _, d := range page.Docs {
			if t, err := id.ParseTenant(d.ID); err == nil && string(d.Body) == servedBody {
				tenants = append(tenants, t)
			}
		}
		if page.Next == "" {
			return tenants, nil
		}
		q.After = page.Next
	}
}

func (f *mongoFactory) Close() error {
	return errors.Join(f.registry.Close(), f.cluster.Close())
}

// registered is the tenant's line in the registry, or ErrNoTenant.
func (f *mongoFactory) registered(ctx context.Context, tenant id.Tenant) (docstore.Document, error) {
	if _, err := id.ParseTenant(string(tenant)); err != nil {
		return docstore.Document{}, ErrNoTenant.Because(err)
	}
	d, err := f.registry.Get(ctx, registryCollection, string(tenant))
	if errors.Is(err, docstore.ErrNotFound) {
		return d, ErrNoTenant.Because(err) // malformed ids have another cause
	}
	if err != nil {
		return d, fmt.Errorf("look up tenant: %w", err)
	}
	return d, nil
}

func (f *mongoFactory) store(tenant id.Tenant) (docstore.Store, error) {
	if f.options.Dedicated {
		return f.cluster.Store(f.database(tenant), mongostore.Options{})
	}
	return f.cluster.Store(f.options.Database, mongostore.Options{Prefix: string(tenant)})
}

func (f *mongoFactory) database(tenant id.Tenant) string {
	return f.options.Database + "_" + string(tenant)
}
