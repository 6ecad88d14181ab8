package fleet

import (
	"context"
	"fmt"
	"strings"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// nobody stands where a tenant was forgotten. The log of an environment has no gaps, so
// its lines stay, and say that there is nothing of a tenant that never was.
const nobody id.Tenant = "ten_00000000000000000000000000"

// forgotten begins the name of a dedicated environment whose tenant was forgotten.
const forgotten = "forgotten/"

func (s *Service) about(ctx context.Context, t id.Tenant) (lines []docstore.Row[lineDoc], places []docstore.Row[environmentDoc], err error) {
	lines, err = s.lines.All(ctx, docstore.Query{Index: byTenant, Equal: []any{string(t)}})
	if err != nil {
		return nil, nil, fmt.Errorf("find what is wanted of %s: %w", t, err)
	}
	own := "dedicated/" + string(t) + "/"
	places, err = s.environments.All(ctx, docstore.Query{Index: byName, From: own, To: strings.TrimSuffix(own, "/") + "0"}) // '0' follows '/'
	if err != nil {
		return nil, nil, fmt.Errorf("find environments of %s: %w", t, err)
	}
	return lines, places, nil
}

// Holds is how many lines of desired state and names of environments tell of a tenant.
func (s *Service) Holds(ctx context.Context, t id.Tenant) (int, error) {
	lines, places, err := s.about(ctx, t)
	return len(lines) + len(places), err
}

// Forget takes a tenant that is erased out of the desired state and out of the names of
// the environments that it had. An agent that reads the log from its beginning finds
// nothing to do there.
func (s *Service) Forget(ctx context.Context, t id.Tenant) error {
	lines, places, err := s.about(ctx, t)
	if err != nil {
		return err
	}
	for _, line := range lines {
		line.Value.Wanted = contract.WantedTenant{Tenant: nobody, Revision: line.Value.Wanted.Revision, State: contract.TenantGone, Plan: "none"}
		if _, err := s.lines.Replace(ctx, line); err != nil {
			return fmt.Errorf("forget %s in %s: %w", t, line.ID, err)
		}
	}
	for _, place := range places {
		place.Value.Name = forgotten + place.ID
		if _, err := s.environments.Replace(ctx, place); err != nil {
			return fmt.Errorf("forget %s in the name of %s: %w", t, place.ID, err)
		}
	}
	return nil
}
