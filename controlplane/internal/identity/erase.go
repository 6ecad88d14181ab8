package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Erase deletes a person and signs them out everywhere. The address is free again. It may
// be repeated.
func (p *People) Erase(ctx context.Context, who id.Person) error {
	rows, _, err := p.store.people.Find(ctx, docstore.Query{Index: byPerson, Equal: []any{string(who)}, Limit: 1})
	if err != nil {
		return fmt.Errorf("find person: %w", err)
	}
	for _, row := range rows { // first, so that nobody signs in meanwhile
		if err := p.store.people.Delete(ctx, row.ID, row.Rev); err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return fmt.Errorf("delete person: %w", err)
		}
	}
	sessions, err := p.store.sessions.All(ctx, docstore.Query{Index: byPerson, Equal: []any{string(who)}})
	if err != nil {
		return fmt.Errorf("find sessions: %w", err)
	}
	for _, row := range sessions {
		if err := p.store.sessions.Delete(ctx, row.ID, row.Rev); err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return fmt.Errorf("delete session: %w", err)
		}
	}
	p.Recheck(who)
	return nil
}
