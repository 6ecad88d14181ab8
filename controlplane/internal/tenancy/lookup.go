package tenancy

import (
	"context"

	"github.com/dyocense/dyocense/shared/id"
)

// Member is a person in a tenant as of now, or ErrNotFound. It is one read by name,
// so it may be asked for every request.
func (t *Tenants) Member(ctx context.Context, tenant id.Tenant, p id.Person) (Member, error) {
	found, err := t.Tenant(ctx, tenant)
	if err != nil {
		return Member{}, err
	}
	m, err := found.member(p)
	if err != nil {
		return Member{}, ErrNotFound
	}
	return *m, nil
}
