// Package mongostore keeps documents in MongoDB.
//
// It owns the shape {_id, p, r, b}: the id behind the store's prefix, the prefix
// alone, the revision, and the body as real BSON, so that any MongoDB tool reads
// it. Every write waits for w:majority with j:true, every read is majority from
// the primary. It does not own the server, its users or its backups.
//
// A Cluster is one connection pool. A Store is one database seen through one
// prefix: every id and every index range begins with the prefix, so a store
// cannot name a document of another prefix, and its scans touch no other's. An
// empty prefix is a database of its own.
package mongostore

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readconcern"
	"go.mongodb.org/mongo-driver/mongo/readpref"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/internal/doorway"
	"github.com/dyocense/dyocense/shared/docstore/internal/plan"
)

const (
	// callTimeout bounds a call whose context has no deadline.
	callTimeout = 30 * time.Second
	// selectionTimeout is how long a call waits for a primary: a failover takes a
	// few seconds.
	selectionTimeout = 10 * time.Second
)

var (
	prefixForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)
	databaseForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,60}$`)
)

// Cluster is a connection pool to one MongoDB deployment.
type Cluster struct {
	client *mongo.Client

	mu      sync.Mutex
	ensured map[string]bool // database, collection and index names made by this process
}

// Options narrows a store.
type Options struct {
	// Prefix separates the tenants that share a database; letters, digits, "_"
	// and "-". "" means that the database has one owner.
	Prefix string
}

// Store is a docstore.Store on one database.
type Store struct {
	cluster     *Cluster
	owned       bool // Close disconnects the cluster
	db          *mongo.Database
	prefix      string // as given
	collections plan.Collections
	door        doorway.Door
	hints       doorway.Hints
}

var _ docstore.Store = (*Store)(nil)

// Connect makes a pool for uri and waits until the primary answers. It fails
// with docstore.ErrInvalid for a malformed address (which it does not repeat: it
// may hold a password) and docstore.ErrUnavailable when nobody answers.
func Connect(ctx context.Context, uri string) (*Cluster, error) {
	journaled := writeconcern.Majority()
	yes := true
	journaled.Journal = &yes
	o := options.Client().ApplyURI(uri)
	if o.Validate() != nil {
		return nil, docstore.ErrInvalid.Saying("The address of MongoDB is malformed; it looks like mongodb://user:password@host:27017/?replicaSet=rs0.")
	}
	o.SetWriteConcern(journaled).SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()).
		SetRetryWrites(true).SetRetryReads(true).SetAppName("dyocense")
	if o.ServerSelectionTimeout == nil { // the address may say otherwise
		o.SetServerSelectionTimeout(selectionTimeout)
	}
	client, err := mongo.Connect(ctx, o)
	if err != nil {
		return nil, storeFault("connect to MongoDB", err)
	}
	c := &Cluster{client: client, ensured: map[string]bool{}}
	if err := c.ping(ctx); err != nil {
		_ = client.Disconnect(context.WithoutCancel(ctx)) // the ping's error says more
		return nil, err
	}
	return c, nil
}

// Store is the database seen through o. It fails with docstore.ErrInvalid for
// names that cannot be. Closing the Store leaves the Cluster connected.
func (c *Cluster) Store(database string, o Options) (*Store, error) {
	if !databaseForm.MatchString(database) {
		return nil, docstore.ErrInvalid.Saying("The database name %.70q has more than letters, digits, \"_\" and \"-\", or more than 60 of them.", database)
	}
	if !prefixForm.MatchString(o.Prefix) {
		return nil, docstore.ErrInvalid.Saying("The prefix %.70q has more than letters, digits, \"_\" and \"-\", or more than 64 of them.", o.Prefix)
	}
	return &Store{cluster: c, db: c.client.Database(database), prefix: o.Prefix}, nil
}

// Drop deletes the database with everything in it.
func (c *Cluster) Drop(ctx context.Context, database string) error {
	c.mu.Lock()
	clear(c.ensured)
	c.mu.Unlock()
	return storeFault("drop database", c.client.Database(database).Drop(ctx))
}

// Databases are the names of all databases that begin with prefix.
func (c *Cluster) Databases(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	names, err := c.client.ListDatabaseNames(ctx, bson.D{{Key: "name", Value: bson.D{{Key: "$regex", Value: "^" + regexp.QuoteMeta(prefix)}}}})
	return names, storeFault("list databases", err)
}

// Close disconnects. Stores of the cluster must be closed before.
func (c *Cluster) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	return storeFault("disconnect from MongoDB", c.client.Disconnect(ctx))
}

func (c *Cluster) ping(ctx context.Context) error {
	ctx, cancel := limited(ctx)
	defer cancel()
	return storeFault("ping MongoDB", c.client.Ping(ctx, readpref.Primary()))
}

// Open connects to uri and opens the database; Close disconnects again. It fails
// like Connect and Cluster.Store.
func Open(ctx context.Context, uri, database string, o Options) (*Store, error) {
	c, err := Connect(ctx, uri)
	if err != nil {
		return nil, err
	}
	s, err := c.Store(database, o)
	if err != nil {
		_ = c.Close() // the name's error says more
		return nil, err
	}
	s.owned = true
	return s, nil
}

// Watch implements docstore.Store.
func (s *Store) Watch(ctx context.Context, collection string) <-chan struct{} {
	return s.hints.Watch(ctx, collection)
}

// Ping implements docstore.Store.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.door.Enter(); err != nil {
		return err
	}
	defer s.door.Leave()
	return s.cluster.ping(ctx)
}

// Close implements docstore.Store. A second Close does nothing.
func (s *Store) Close() error {
	if !s.door.Close() {
		return nil
	}
	s.hints.Close()
	if s.owned {
		return s.cluster.Close()
	}
	return nil
}

// enter opens the door for one call and bounds its time; leave ends both.
func (s *Store) enter(ctx context.Context) (bounded context.Context, leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return ctx, nil, docstore.ErrUnavailable.Because(err)
	}
	if err := s.door.Enter(); err != nil {
		return ctx, nil, err
	}
	bounded, cancel := limited(ctx)
	return bounded, func() { cancel(); s.door.Leave() }, nil
}

// limited is ctx with a deadline.
func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, callTimeout)
}

// stored is the _id of a document: no id given by a caller leaves the prefix.
func (s *Store) stored(id string) string {
	if s.prefix == "" {
		return id
	}
	return s.prefix + "/" + id
}

// given is the id that the caller of stored gave.
func (s *Store) given(stored string) (string, error) {
	if s.prefix == "" {
		return stored, nil
	}
	n := len(s.prefix) + 1
	if len(stored) <= n || stored[:n] != s.prefix+"/" {
		return "", fmt.Errorf("document %q is outside prefix %q", stored, s.prefix)
	}
	return stored[n:], nil
}
