package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/controlplane/internal/audit"
	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/closing"
	"github.com/dyocense/dyocense/controlplane/internal/dedicated"
	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/invitations"
	"github.com/dyocense/dyocense/controlplane/internal/keyring"
	"github.com/dyocense/dyocense/controlplane/internal/migration"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/controlplane/internal/signup"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/mongostore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/embedded"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// database is where the control plane's own documents lie on MongoDB.
const database = "dyocense_control"

// systems are the master keys, the store and the two NATS systems, with our connections to them.
type systems struct {
	keys     *keyring.Ring
	store    docstore.Store
	core     embedded.System
	edge     *embedded.Edge
	coreConn *nats.Conn
	edgeConn *nats.Conn
	tunnel   *tunnel.Client
}

// openSystems opens everything that lies under the slices; what was opened before
// a failure is closed again.
func openSystems(ctx context.Context, c Config, log *slog.Logger) (s *systems, err error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	s = &systems{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.keys, err = keyring.Load(c.SecretKey, c.Data); err != nil {
		return s, err
	}
	if s.store, err = openStore(ctx, c); err != nil {
		return s, err
	}
	if s.core, err = openCore(c, log); err != nil {
		return s, err
	}
	edgeConfig := embedded.EdgeConfig{Dir: filepath.Join(c.Data, "edge"), Listen: c.EdgeListen, Log: log}
	if c.EdgeURL != "" {
		edgeConfig.Advertise = []string{c.EdgeURL}
	}
	if s.edge, err = embedded.StartEdge(ctx, edgeConfig); err != nil {
		return s, err
	}
	if s.coreConn, err = s.core.Connect("control plane"); err != nil {
		return s, err
	}
	if s.edgeConn, err = s.edge.Connect("control plane"); err != nil {
		return s, err
	}
	if s.tunnel, err = tunnel.NewClient(s.edgeConn, log); err != nil {
		return s, fmt.Errorf("open the tunnel: %w", err)
	}
	return s, nil
}

func openStore(ctx context.Context, c Config) (docstore.Store, error) {
	var (
		store docstore.Store
		err   error
	)
	if c.MongoURI.Set() {
		connect, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		store, err = mongostore.Open(connect, c.MongoURI.Reveal(), database, mongostore.Options{})
	} else {
		store, err = sqlitestore.Open(filepath.Join(c.Data, "control.db"), sqlitestore.Options{})
	}
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	if err := store.Ensure(ctx, collections()...); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the store: %w", err), store.Close())
	}
	return store, nil
}

// collections are those of all slices.
func collections() []docstore.Collection {
	var all []docstore.Collection
	for _, of := range [][]docstore.Collection{
		identity.Collections(), tenancy.Collections(), invitations.Collections(), closing.Collections(), signup.Collections(), notify.Collections(), billing.Collections(),
		billingsandbox.Collections(), fleet.Collections(), provisioning.Collections(), migration.Collections(), dedicated.Collections(),
		tokens.Collections(), audit.Collections(),
	} {
		all = append(all, of...)
	}
	return all
}

func openCore(c Config, log *slog.Logger) (embedded.System, error) {
	if c.CoreURL != "" {
		return embedded.Outside{URL: c.CoreURL, Creds: c.CoreCreds, Log: log}, nil
	}
	core, err := embedded.StartCore(embedded.CoreConfig{Dir: filepath.Join(c.Data, "core"), Log: log})
	if err != nil {
		return nil, err
	}
	return core, nil
}

// close releases everything in reverse order.
func (s *systems) close() error {
	var failed []error
	if s.tunnel != nil {
		failed = append(failed, s.tunnel.Close())
	}
	if s.edgeConn != nil {
		s.edgeConn.Close()
	}
	if s.coreConn != nil {
		s.coreConn.Close()
	}
	if s.edge != nil {
		s.edge.Stop()
	}
	if s.core != nil {
		s.core.Stop()
	}
	if s.store != nil {
		failed = append(failed, s.store.Close())
	}
	return errors.Join(failed...)
}
