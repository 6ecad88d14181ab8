package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dyocense/dyocense/agent/internal/api"
	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/session"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/internal/transfer"
	"github.com/dyocense/dyocense/agent/kernel/check"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/solve/highs"
	"github.com/dyocense/dyocense/agent/kernel/solve/worker"
	"github.com/dyocense/dyocense/shared/buildinfo"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/process"
)

// openStores is how many tenants' stores stay open: 0.14 MB each.
const openStores = 256

// Version is the program, its commit and its engine in one line.
func Version() string {
	return fmt.Sprintf("%s (commit %s, engine %s %s)", buildinfo.Version(), buildinfo.Commit(), highs.Name, highs.Version())
}

// Run runs the agent until ctx ends or a part of it cannot go on. in, if not nil,
// is what to do with standard input. Ending because the parent is gone is a
// clean end.
func Run(ctx context.Context, c Config, in *Stdin, log *slog.Logger) error {
	token, err := c.JoinToken(in)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	release, err := own(ctx, c.Data, handOver)
	if err != nil {
		return err
	}
	defer release()
	shelf, err := c.shelf(ctx)
	if err != nil {
		return err
	}
	switch env, err := session.Environment(c.identity()); {
	case err != nil:
		return errors.Join(err, shelf.Close())
	case env != "":
		shelf.Belong(env) // before anything is recovered: it tells which tenants are ours
	}
	pool := worker.New(worker.Options{CacheDir: c.cache(), Warm: min(c.Slots, 2), Log: log})
	defer pool.Close()
	decisions := runs.New(runs.Config{
		Shelf: shelf, Slots: c.Slots, Log: log, Self: shelf.Self,
		Decider: replenish.Decider{Solver: check.Solver{Inner: pool}, Program: buildinfo.Version()},
	})
	if err := decisions.Recover(ctx); err != nil {
		// One tenant that cannot be read must not keep the others from being served.
		log.ErrorContext(ctx, "some interrupted decisions could not be recovered; they are tried again", "error", err)
	}
	already, err := shelf.Tenants(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("list tenants: %w", err), shelf.Close())
	}
	tenants := NewTenants(already, shelf, decisions, log)
	moves := transfer.New(transfer.Config{
		Shelf: shelf, Promoted: tenants.Promoted, Left: tenants.Left, Runs: decisions, Rehearse: decisions.Rehearse, Log: log,
	})
	defer moves.Close()
	handler := byPath(moves, api.New(api.Config{
		Shelf: shelf, Runs: decisions, Components: c.components, Program: buildinfo.Version(), Log: log,
	}))
	parts := []process.Part{
		{Name: "decisions", Run: decisions.Work},
		{Name: "collection of uploads", Run: tenants.collect},
		{Name: "session", Run: func(ctx context.Context) error {
			return session.Run(ctx, session.Config{
				ControlPlane: c.ControlPlane, Dir: c.identity(), Name: c.Name, Program: buildinfo.Version(),
				Mode: c.Features.Mode, JoinToken: token, Belong: shelf.Belong,
				Load: func() session.Load {
					return session.Load{Tenants: tenants.count(), Runs: decisions.Running(), Components: c.components()}
				},
			}, tenants, handler, log)
		}},
		{Name: "decisions of tenants that moved", Run: decisions.Part}, // stops first: what it hands over is fetched by a request
	}
	if in != nil && in.Lifeline {
		parts = append(parts, process.Part{Name: "lifeline", Run: in.watch})
	}
	log.InfoContext(ctx, "agent started", "version", buildinfo.Version(), "mode", c.Features.Mode, "data", c.Data, "slots", c.Slots)
	err = process.Run(ctx, parts...)
	if errors.Is(err, errParentGone) {
		log.InfoContext(ctx, "the program that started this agent has ended; ending too")
		err = nil
	}
	if closing := shelf.Close(); closing != nil {
		err = errors.Join(err, fmt.Errorf("close the tenants' stores: %w", closing))
	}
	return err
}

// byPath gives the control plane's requests to moves and all others to the API.
func byPath(moves, api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, contract.TransferPrefix) {
			moves.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// shelf opens where tenants' data lies.
func (c Config) shelf(ctx context.Context) (*tenantstore.Shelf, error) {
	factory, err := c.factory(ctx)
	if err != nil {
		return nil, err
	}
	return tenantstore.NewShelf(factory, openStores), nil
}

func (c Config) factory(ctx context.Context) (tenantstore.Factory, error) {
	if !c.MongoURI.Set() {
		files, err := tenantstore.NewSQLiteFactory(c.Data, Collections())
		if err != nil {
			return nil, fmt.Errorf("open the tenants' files: %w", err)
		}
		return files, nil
	}
	ctx, done := context.WithTimeout(ctx, 30*time.Second)
	defer done()
	cluster, err := tenantstore.NewMongoFactory(ctx, c.MongoURI.Reveal(), tenantstore.MongoOptions{
		Database: c.MongoDatabase, Dedicated: c.Features.Mode == features.Platform,
	}, Collections())
	if err != nil {
		return nil, fmt.Errorf("connect to MongoDB: %w", err)
	}
	return cluster, nil
}

// identity is where the agent keeps who it is.
func (c Config) identity() string { return filepath.Join(c.Data, "identity") }

// cache is where compiled engines are kept: with the user's other caches, so that
// a fresh data directory starts fast, or with the data where there are none.
func (c Config) cache() string {
	if base, err := os.UserCacheDir(); err == nil {
		return filepath.Join(base, "dyocense", "engine")
	}
	return filepath.Join(c.Data, "cache", "engine")
}

// components are the parts whose state an operator wants to know.
func (c Config) components() []features.Component {
	store := features.Component{Name: "tenant store (SQLite)", State: features.Ready}
	switch {
	case c.MongoURI.Set():
		store.Name = "tenant store (MongoDB)"
	case c.Features.Mode == features.Platform:
		store.State, store.Reason = features.Degraded, "MONGODB_URI is not set; documents lie in SQLite files"
	}
	solver := features.Component{Name: "solver (" + highs.Name + " " + highs.Version() + ")", State: features.Ready}
	if err := highs.Available(); err != nil {
		solver.State, solver.Reason = features.Degraded, err.Error()
	}
	return []features.Component{store, solver}
}
