package migration

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Quiet fails with ErrActive while a move of the tenant is under way whose end is not
// decided.
func (s *Service) Quiet(ctx context.Context, t id.Tenant) error {
	row, err := s.books.active.Get(ctx, string(t))
	if errors.Is(err, docstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for move of %s: %w", t, err)
	}
	last, err := s.books.last(ctx, row.Value.Move)
	if err != nil {
		return err
	}
	if last.State == Accepted || last.over() {
		return nil
	}
	return ErrActive
}

// Kept is what an environment holds of a tenant.
type Kept struct {
	None      bool   // nothing
	Documents int64  // outside of the journal
	Entries   int64  // of the journal
	Chain     string // hash of the last entry
}

// Look asks an environment what it holds of a tenant. It fails with a retryable fault
// while no agent of it can be asked.
func (s *Service) Look(ctx context.Context, t id.Tenant, env id.Environment) (Kept, error) {
	is, err := node{s.carry, t, env}.status(ctx, contract.TransferStatus{Count: true})
	if err != nil {
		return Kept{}, err
	}
	k := Kept{None: is.Role == "none", Entries: is.Applied.Slot, Chain: is.Applied.Chain}
	for _, c := range is.Collections {
		if !c.Journal {
			k.Documents += c.Documents
		}
	}
	return k, nil
}

// Erase deletes all of a tenant in an environment, the copy in use included, and says
// whether nothing is left there. It is called until then; told says that it was before.
func (s *Service) Erase(ctx context.Context, t id.Tenant, env id.Environment, name, plan string, told bool) (gone bool, err error) {
	owns, err := s.dedicated.Owns(ctx, env)
	if err != nil {
		return false, err
	}
	if owns {
		return s.dedicated.Remove(ctx, env)
	}
	if told {
		is, err := s.Look(ctx, t, env)
		if err != nil || is.None {
			return is.None, err
		}
	}
	_, err = s.fleet.Want(ctx, env, contract.WantedTenant{Tenant: t, State: contract.TenantGone, Plan: plan, Name: name})
	return false, err
}

// kept are the orders of a tenant, with the way to all that belongs to them.
func (s *Service) kept(ctx context.Context, t id.Tenant) (orders []docstore.Row[Order], shown []docstore.Row[keptPreflight], err error) {
	orders, err = s.books.orders.All(ctx, docstore.Query{Index: byTenant, Equal: []any{string(t)}})
	if err != nil {
		return nil, nil, fmt.Errorf("list moves of %s: %w", t, err)
	}
	shown, err = s.books.preflights.All(ctx, docstore.Query{Index: byTenant, Equal: []any{string(t)}})
	if err != nil {
		return nil, nil, fmt.Errorf("list pre-flights of %s: %w", t, err)
	}
	return orders, shown, nil
}

// Holds is how many moves and pre-flights of a tenant there are.
func (s *Service) Holds(ctx context.Context, t id.Tenant) (int, error) {
	orders, shown, err := s.kept(ctx, t)
	n := len(orders) + len(shown)
	if err == nil {
		if _, err = s.books.active.Get(ctx, string(t)); err == nil {
			return n + 1, nil
		}
	}
	if errors.Is(err, docstore.ErrNotFound) {
		err = nil
	}
	return n, err
}

// Forget deletes the moves of a tenant that is being erased. It fails with ErrActive while
// one is under way, the cleaning-up after it included.
func (s *Service) Forget(ctx context.Context, t id.Tenant) error {
	if _, err := s.books.active.Get(ctx, string(t)); err == nil {
		return ErrActive
	} else if !errors.Is(err, docstore.ErrNotFound) {
		return fmt.Errorf("look for move of %s: %w", t, err)
	}
	orders, shown, err := s.kept(ctx, t)
	if err != nil {
		return err
	}
	for _, o := range orders {
		log, err := s.books.log.All(ctx, docstore.Query{From: logID(o.Value.ID, 0), To: string(o.Value.ID) + "0", Limit: 1000})
		if err != nil {
			return fmt.Errorf("read log of %s: %w", o.ID, err)
		}
		for _, r := range log {
			if err := gone(s.books.log.Delete(ctx, r.ID, r.Rev)); err != nil {
				return fmt.Errorf("delete log of %s: %w", o.ID, err)
			}
		}
		// The order last: it is the way to its log.
		if err := gone(s.books.orders.Delete(ctx, o.ID, o.Rev)); err != nil {
			return fmt.Errorf("delete %s: %w", o.ID, err)
		}
	}
	for _, p := range shown {
		if err := gone(s.books.preflights.Delete(ctx, p.ID, p.Rev)); err != nil {
			return fmt.Errorf("delete pre-flight: %w", err)
		}
	}
	return nil
}

// gone is err, unless it says that somebody else deleted the document.
func gone(err error) error {
	if errors.Is(err, docstore.ErrNotFound) {
		return nil
	}
	return err
}

// Tell lists all moves of a tenant, for its export.
func (s *Service) Tell(ctx context.Context, t id.Tenant) ([]Move, error) {
	orders, _, err := s.kept(ctx, t)
	if err != nil {
		return nil, err
	}
	moves := []Move{}
	for _, o := range orders {
		m, err := s.view(ctx, o.Value)
		if errors.Is(err, ErrNone) {
			continue // it was never begun
		}
		if err != nil {
			return nil, err
		}
		moves = append(moves, m)
	}
	return moves, nil
}
