// Package storebench fills a tenant's store and measures it, for benchmarks of the
// whole product, which cannot reach into an agent.
//
// It owns what is filled in and how it is timed. The documents, the journal and
// the commands are the agent's own; it prints and judges nothing.
package storebench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dyocense/dyocense/agent/internal/app"
	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/id"
)

// goals is the collection that is written to.
const goals = "goals"

// File is where an agent with this data directory keeps a tenant's documents.
func File(dir string, tenant id.Tenant) string {
	return filepath.Join(dir, "tenants", string(tenant)+".db")
}

// Collections are all that a copy of a tenant's file has to hold, declared as the
// agent declares them.
func Collections() []docstore.Collection {
	return append([]docstore.Collection{
		{Name: "blobs"}, {Name: "moves"}, {Name: "commands"}, {Name: "checkpoint"}, {Name: "journal"},
	}, app.Collections()...)
}

// Fill keeps n goals for the tenant, each by a command of its own, as the API
// would. callers share the journal's entries: one of them makes an entry a goal,
// many make few large ones. No agent may run on the directory.
func Fill(ctx context.Context, dir string, tenant id.Tenant, n, callers int) (err error) {
	files, err := tenantstore.NewSQLiteFactory(dir, app.Collections())
	if err != nil {
		return err
	}
	shelf := tenantstore.NewShelf(files, 1)
	defer func() { err = errors.Join(err, shelf.Close()) }()
	service := runs.New(runs.Config{Shelf: shelf, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var filling sync.WaitGroup
	for range callers {
		filling.Go(func() {
			for i := next.Add(1); i <= int64(n) && ctx.Err() == nil; i = next.Add(1) {
				if _, err := service.Keep(ctx, runs.Caller{Tenant: tenant, Person: "usr_bench"}, Draft(int(i))); err != nil {
					stop(err)
				}
			}
		})
	}
	filling.Wait()
	return context.Cause(ctx)
}

// Draft is the i-th goal that Fill keeps.
func Draft(i int) runs.Draft {
	return runs.Draft{
		Title: fmt.Sprintf("Plan %d for the next eight weeks", i), Template: runs.Template,
		Text: "Keep the shelves full for two months and stay within what we have to spend, as every spring.",
	}
}

// Journal times writes of one and the same document by one caller, in turns: each
// a command, that is an entry of the journal with the document and the mark of how
// far the documents are; and each a bare write of the document store that keeps
// both. The stores are files of their own in dir.
func Journal(ctx context.Context, dir string, writes int) (commands, bare []time.Duration, err error) {
	var docs [2]docstore.Store
	for i, name := range []string{"commands.db", "bare.db"} {
		s, err := sqlitestore.Open(filepath.Join(dir, name), sqlitestore.Options{})
		if err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		docs[i] = s
	}
	store, err := tenantstore.Open(ctx, docs[0], app.Collections(), id.NewEnvironment())
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := docs[1].Ensure(ctx, Collections()...); err != nil {
		return nil, nil, err
	}
	const one = "goal_bench"
	body, err := json.Marshal(Draft(1))
	if err != nil {
		return nil, nil, err
	}
	if err := docs[1].Insert(ctx, goals, docstore.Document{ID: one, Body: body}); err != nil {
		return nil, nil, err
	}
	rev := int64(1)
	for i := range writes {
		draft := Draft(i)
		began := time.Now()
		_, err := store.Do(ctx, tenantstore.Command{Kind: "bench", Actor: "usr_bench"}, func(tx *tenantstore.Tx) error { return tx.Put(goals, one, draft) })
		commands = append(commands, time.Since(began))
		if err != nil {
			return nil, nil, err
		}
		began = time.Now()
		body, err := json.Marshal(draft)
		if err != nil {
			return nil, nil, err
		}
		rev, err = docs[1].Replace(ctx, goals, docstore.Document{ID: one, Rev: rev, Body: body})
		bare = append(bare, time.Since(began))
		if err != nil {
			return nil, nil, err
		}
	}
	return commands, bare, nil
}
