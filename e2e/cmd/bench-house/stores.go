package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dyocense/dyocense/e2e/figures"
	"github.com/dyocense/dyocense/shared/docstore/mongostore"
	"github.com/dyocense/dyocense/shared/docstore/mongotest"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/docstore/storebench"
)

const (
	// documents is the size at which the stores are measured.
	documents = 100_000
	// fewDocuments is what the server of the tests is measured at: it answers a
	// find by reading every document, which at a hundred thousand takes seconds.
	fewDocuments = 2_000
)

// stores measures both adapters of the document store. The figures of SQLite have
// the driver alone on the same disk beside them.
func (b *bench) stores() error {
	if err := b.sqlite(); err != nil {
		return fmt.Errorf("SQLite: %w", err)
	}
	if err := b.mongo(); err != nil {
		return fmt.Errorf("MongoDB: %w", err)
	}
	return nil
}

func (b *bench) sqlite() error {
	dir := filepath.Join(b.dir, "stores")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	s, err := sqlitestore.Open(filepath.Join(dir, "store.db"), sqlitestore.Options{})
	if err != nil {
		return err
	}
	measured, err := storebench.Run(b.ctx, s, documents)
	if err == nil {
		b.take("SQLite", measured)
		measured, err = storebench.AgainstRaw(b.ctx, s, dir)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	b.take("SQLite", measured)
	return nil
}

// mongo measures the deployment that MONGODB_URI names, or else the server that
// the tests use. A machine that can have neither says so and goes on.
func (b *bench) mongo() (err error) {
	dir := filepath.Join(b.dir, "mongo")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	server, err := mongotest.Launch(dir)
	if err != nil {
		fmt.Fprintf(os.Stderr, "not measured: the MongoDB adapter: %v (set MONGODB_URI to measure it on another server)\n", err)
		return nil
	}
	defer server.Kill()
	fmt.Fprintln(os.Stderr, "on", server.Name)
	name, size := "MongoDB", documents
	if os.Getenv("MONGODB_URI") == "" {
		name, size = "MongoDB (test server)", fewDocuments
	}
	database := "bench_" + strings.ToLower(rand.Text())
	s, err := mongostore.Open(b.ctx, server.URI, database, mongostore.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop(server.URI, database)) }()
	measured, err := storebench.Run(b.ctx, s, size)
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	b.take(name, measured)
	return nil
}

// drop deletes what was measured on, also after an interrupt.
func drop(uri, database string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := mongostore.Connect(ctx, uri)
	if err != nil {
		return fmt.Errorf("connect to drop %s: %w", database, err)
	}
	return errors.Join(c.Drop(ctx, database), c.Close())
}

// take puts a store's figures into the report; they have no bars.
func (b *bench) take(store string, measured []storebench.Figure) {
	for _, f := range measured {
		b.report.Info(store+": "+f.Name, f.Value, f.Unit, figures.Better(f.Better))
	}
}
