package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/dyocense/dyocense/controlplane/internal/agentprocess"
	"github.com/dyocense/dyocense/controlplane/internal/dedicated"
	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/mongostore"
)

// openDedicated is where dedicated environments are made: as processes beside
// this one, in its data directory.
func openDedicated(c Config, at net.Addr, store docstore.Store, agents *fleet.Service, log *slog.Logger) (*dedicated.Service, error) {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return nil, fmt.Errorf("find the data directory: %w", err)
	}
	config := dedicated.ProcessConfig{
		Dir: filepath.Join(data, "dedicated"), Slots: c.DedicatedLimit, Program: c.agentProgram,
		ControlPlane: reachedAt(at), Tokens: agents, Env: childEnvironment(c), Strict: c.Features.Strict,
		Output: os.Stderr, Log: log,
	}
	if c.MongoURI.Set() {
		config.EraseDatabase = func(ctx context.Context, name string) error { return eraseDatabase(ctx, c.MongoURI.Reveal(), name) }
	}
	processes, err := dedicated.NewProcesses(config)
	if err != nil {
		return nil, err
	}
	return dedicated.New(store, agents, processes, log), nil
}

// agentProgram is the path of dyocense-agent.
func (c Config) agentProgram() (string, error) {
	if c.AgentProgram == "" {
		return agentprocess.Beside("dyocense-agent")
	}
	if _, err := os.Stat(c.AgentProgram); err != nil {
		return "", fmt.Errorf("find the agent program: %w", err)
	}
	return c.AgentProgram, nil
}

// reachedAt is the address that agents on this machine enrol at. One that listens
// on all addresses is reached on the loopback: an agent sends its token over plain
// http to nowhere else.
func reachedAt(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return "http://" + a.String()
	}
	return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
}

// eraseDatabase deletes the database of an environment and those of its tenants,
// which bear its name and their own.
func eraseDatabase(ctx context.Context, uri, name string) (err error) {
	cluster, err := mongostore.Connect(ctx, uri)
	if err != nil {
		return fmt.Errorf("connect to MongoDB: %w", err)
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	names, err := cluster.Databases(ctx, name)
	if err != nil {
		return err
	}
	for _, found := range names {
		if found != name && !strings.HasPrefix(found, name+"_") {
			continue
		}
		if err := cluster.Drop(ctx, found); err != nil {
			return err
		}
	}
	return nil
}
