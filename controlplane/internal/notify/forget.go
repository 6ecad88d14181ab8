package notify

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
)

// Forget deletes the mails to an address that are on their way no more, the built-in
// outbox included.
func (b *Mailbox) Forget(ctx context.Context, address string) error {
	rows, err := b.mails.All(ctx, docstore.Query{Index: byAddress, Equal: []any{address}})
	if err != nil {
		return fmt.Errorf("find mails: %w", err)
	}
	for _, r := range rows {
		if !Lifecycle.Final(r.Value.State) {
			continue
		}
		if err := b.mails.Delete(ctx, r.ID, r.Rev); err != nil && !errors.Is(err, docstore.ErrNotFound) && !errors.Is(err, docstore.ErrStale) {
			return fmt.Errorf("delete mail: %w", err)
		}
	}
	return nil
}
