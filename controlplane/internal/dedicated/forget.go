package dedicated

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

func (s *Service) of(ctx context.Context, t id.Tenant) ([]docstore.Row[environment], error) {
	rows, err := s.environments.All(ctx, docstore.Query{Index: byKey, Equal: []any{string(t)}})
	if err != nil {
		return nil, fmt.Errorf("find dedicated environments of %s: %w", t, err)
	}
	return rows, nil
}

// Holds is how many environments of a tenant are noted, those that are removed included.
func (s *Service) Holds(ctx context.Context, t id.Tenant) (int, error) {
	rows, err := s.of(ctx, t)
	return len(rows), err
}

// Forget deletes the notes of the environments that a tenant had. It fails with
// ErrRemoving while one is not removed.
func (s *Service) Forget(ctx context.Context, t id.Tenant) error {
	rows, err := s.of(ctx, t)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Value.State != Removed {
			if err := s.Remove(ctx, id.Environment(r.ID)); err != nil {
				return err
			}
			return ErrRemoving
		}
		if err := s.environments.Delete(ctx, r.ID, r.Rev); err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return fmt.Errorf("delete note of %s: %w", r.ID, err)
		}
	}
	return nil
}
