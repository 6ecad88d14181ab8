package tokens

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Holds is how many documents about a tenant there are: its key book, and the
// programs that are signed in, or ask to be, for it.
func (s *Service) Holds(ctx context.Context, t id.Tenant) (int, error) {
	n := 0
	err := s.each(ctx, t, func(func() error) error {
		n++
		return nil
	})
	return n, err
}

// Forget deletes them, of a tenant that is being erased.
func (s *Service) Forget(ctx context.Context, t id.Tenant) error {
	return s.each(ctx, t, func(forget func() error) error {
		if err := forget(); err != nil && !gone(err) {
			return fmt.Errorf("forget keys and programs of %s: %w", t, err)
		}
		return nil
	})
}

// each hands over what deletes each of a tenant's documents.
func (s *Service) each(ctx context.Context, t id.Tenant, do func(forget func() error) error) error {
	of := docstore.Query{Index: byTenant, Equal: []any{string(t)}}
	families, err := s.families.All(ctx, of)
	if err != nil {
		return fmt.Errorf("find programs of %s: %w", t, err)
	}
	for _, row := range families {
		if err := do(func() error { return s.families.Delete(ctx, row.ID, row.Rev) }); err != nil {
			return err
		}
	}
	grants, err := s.grants.All(ctx, of)
	if err != nil {
		return fmt.Errorf("find programs that ask for %s: %w", t, err)
	}
	for _, row := range grants {
		if err := do(func() error { return s.grants.Delete(ctx, row.ID, row.Rev) }); err != nil {
			return err
		}
	}
	book, err := s.books.Get(ctx, string(t))
	if errors.Is(err, docstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read keys of %s: %w", t, err)
	}
	return do(func() error { return s.books.Delete(ctx, book.ID, book.Rev) })
}
