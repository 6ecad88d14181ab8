package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// Environment is a place for tenants.
type Environment struct {
	ID      id.Environment
	Name    string // unique, for people
	Mode    features.Mode
	Account string // its public key on the edge
	Created time.Time
}

// EnsureEnvironment makes an environment of that name exist, with its account on
// the edge, and returns it. It is idempotent; the mode of an existing one stays.
func (s *Service) EnsureEnvironment(ctx context.Context, name string, mode features.Mode) (Environment, error) {
	if name == "" || len(name) > 200 {
		return Environment{}, ErrName
	}
	if mode != features.SMB && mode != features.Platform {
		return Environment{}, ErrMode
	}
	row, err := s.environmentNamed(ctx, name)
	if errors.Is(err, ErrNoneSuch) {
		fresh := environmentDoc{Name: name, Mode: mode, Created: time.Now().UTC()}
		err = s.environments.Insert(ctx, string(id.NewEnvironment()), fresh)
		if err == nil || errors.Is(err, docstore.ErrExists) { // made here, or by a faster replica
			row, err = s.environmentNamed(ctx, name)
		}
	}
	if err != nil {
		return Environment{}, fmt.Errorf("ensure environment %s: %w", name, err)
	}
	account, err := s.authority.EnsureAccount(ctx, id.Environment(row.ID))
	if err != nil {
		return Environment{}, fmt.Errorf("ensure account of environment %s: %w", name, err)
	}
	if row.Value.Account != account {
		row, err = s.environments.Update(ctx, row.ID, func(d *environmentDoc) error {
			d.Account = account
			return nil
		})
		if err != nil {
			return Environment{}, fmt.Errorf("keep account of environment %s: %w", name, err)
		}
	}
	return environmentOf(row), nil
}

// Environment is the environment with that id, or ErrNoneSuch.
func (s *Service) Environment(ctx context.Context, env id.Environment) (Environment, error) {
	row, err := s.environments.Get(ctx, string(env))
	if errors.Is(err, docstore.ErrNotFound) {
		return Environment{}, ErrNoneSuch
	}
	if err != nil {
		return Environment{}, fmt.Errorf("read environment %s: %w", env, err)
	}
	return environmentOf(row), nil
}

func (s *Service) environmentNamed(ctx context.Context, name string) (docstore.Row[environmentDoc], error) {
	rows, _, err := s.environments.Find(ctx, docstore.Query{Index: byName, Equal: []any{name}, Limit: 1})
	if err != nil {
		return docstore.Row[environmentDoc]{}, err
	}
	if len(rows) == 0 {
		return docstore.Row[environmentDoc]{}, ErrNoneSuch
	}
	return rows[0], nil
}

// environmentOn is the environment whose account that is, or ErrStranger.
func (s *Service) environmentOn(ctx context.Context, account string) (id.Environment, error) {
	s.mu.Lock()
	env, known := s.accounts[account]
	s.mu.Unlock()
	if known {
		return env, nil
	}
	rows, _, err := s.environments.Find(ctx, docstore.Query{Index: byAccount, Equal: []any{account}, Limit: 1})
	if err != nil {
		return "", fmt.Errorf("find environment of account: %w", err)
	}
	if len(rows) == 0 {
		return "", ErrStranger
	}
	env = id.Environment(rows[0].ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[account] = env
	return env, nil
}

func environmentOf(r docstore.Row[environmentDoc]) Environment {
	return Environment{ID: id.Environment(r.ID), Name: r.Value.Name, Mode: r.Value.Mode, Account: r.Value.Account, Created: r.Value.Created}
}

// Account is the public key of env's account on the edge, or ErrNoneSuch.
func (s *Service) Account(ctx context.Context, env id.Environment) (string, error) {
	s.mu.Lock()
	account, known := s.accountOf[env]
	s.mu.Unlock()
	if known {
		return account, nil
	}
	e, err := s.Environment(ctx, env)
	if err != nil {
		return "", err
	}
	if e.Account == "" {
		return "", ErrNoneSuch
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accountOf[env] = e.Account
	return e.Account, nil
}
