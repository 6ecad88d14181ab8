package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/process"
	"github.com/dyocense/dyocense/shared/secret"
)

// poolName is the environment that the self-serve plans share.
const poolName = "pool"

const (
	childTokenTTL  = 5 * time.Minute // a child uses its token at once
	fileTokenTTL   = time.Hour
	fileTokenEvery = 30 * time.Minute // so that the file never holds one that is over
)

// pool is the shared environment, as provisioning and the pool's agent need it.
type pool struct {
	fleet *fleet.Service
	env   id.Environment
}

// ensure makes the environment exist.
func (p *pool) ensure(ctx context.Context, mode features.Mode) error {
	env, err := p.fleet.EnsureEnvironment(ctx, poolName, mode)
	if err != nil {
		return fmt.Errorf("prepare the pool: %w", err)
	}
	p.env = env.ID
	return nil
}

// Pool implements provisioning.Fleet.
func (p *pool) Pool(context.Context) (id.Environment, error) { return p.env, nil }

// Want implements provisioning.Fleet.
func (p *pool) Want(ctx context.Context, env id.Environment, w contract.WantedTenant) (int64, error) {
	return p.fleet.Want(ctx, env, w)
}

// alive fails while no agent serves the pool.
func (p *pool) alive(context.Context) error {
	if len(p.fleet.Alive(p.env)) == 0 {
		return errors.New("no agent of the pool is connected")
	}
	return nil
}

// token lets one agent join the pool.
func (p *pool) token(ctx context.Context) (secret.Text, error) {
	return p.fleet.NewJoinToken(ctx, p.env, childTokenTTL)
}

// tokenFile keeps a fresh join token in a file for a pool agent that others
// start. Without a path there is nothing to do.
func (p *pool) tokenFile(path string, log *slog.Logger) []process.Part {
	if path == "" {
		return nil
	}
	return []process.Part{{Name: "join token file", Run: func(ctx context.Context) error {
		tick := time.NewTicker(fileTokenEvery)
		defer tick.Stop()
		for {
			if err := p.writeToken(ctx, path); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "the join token file is not up to date", "err", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}}}
}

// writeToken replaces the file in one step, so that nobody reads half a token.
func (p *pool) writeToken(ctx context.Context, path string) error {
	token, err := p.fleet.NewJoinToken(ctx, p.env, fileTokenTTL)
	if err != nil {
		return err
	}
	next := filepath.Join(filepath.Dir(path), ".next-token")
	if err := os.WriteFile(next, []byte(token.Reveal()+"\n"), 0o600); err != nil {
		return fmt.Errorf("write join token: %w", err)
	}
	return os.Rename(next, path)
}
