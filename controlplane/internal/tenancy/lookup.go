package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Member is a person in a tenant as of now, or ErrNotFound. It is one read by name,
// so it may be asked for every request.
func (t *Tenants) Member(ctx context.Context, tenant id.Tenant, p id.Person) (Member, error) {
	row, err := t.members.Get(ctx, memberKey(tenant, p))
	if errors.Is(err, docstore.ErrNotFound) {
		return Member{}, ErrNotFound
	}
	if err != nil {
		return Member{}, fmt.Errorf("read member: %w", err)
	}
	return row.Value, nil
}
