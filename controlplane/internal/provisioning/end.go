package provisioning

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Home is the environment that a tenant was placed in, ready or not, with what the
// environment was told of it. It fails with ErrNone.
func (s *Service) Home(ctx context.Context, t id.Tenant) (env id.Environment, name, plan string, err error) {
	r, err := s.placements.Get(ctx, string(t))
	if errors.Is(err, docstore.ErrNotFound) {
		return "", "", "", ErrNone
	}
	if err != nil {
		return "", "", "", fmt.Errorf("find home of %s: %w", t, err)
	}
	return r.Value.Environment, r.Value.Name, r.Value.Plan, nil
}

// Holds is how many placements a tenant has: one or none.
func (s *Service) Holds(ctx context.Context, t id.Tenant) (int, error) {
	_, _, _, err := s.Home(ctx, t)
	if errors.Is(err, ErrNone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// Forget deletes the placement of a tenant whose data is erased.
func (s *Service) Forget(ctx context.Context, t id.Tenant) error {
	for {
		r, err := s.placements.Get(ctx, string(t))
		if err == nil {
			err = s.placements.Delete(ctx, r.ID, r.Rev)
		}
		switch {
		case err == nil, errors.Is(err, docstore.ErrNotFound):
			return nil
		case !errors.Is(err, docstore.ErrStale):
			return fmt.Errorf("delete placement of %s: %w", t, err)
		}
	}
}
