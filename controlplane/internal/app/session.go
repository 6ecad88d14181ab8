package app

import (
	"context"
	"errors"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// describeDeployment tells a signed-in browser what this deployment has.
func describeDeployment(f features.Features, sandbox, outbox bool) identity.Describe {
	flags := map[string]bool{}
	for flag, on := range f.Flags {
		flags[string(flag)] = on
	}
	return func(_ context.Context, _ identity.Who, v *identity.View) error {
		v.Features = identity.FeaturesView{Mode: f.Mode, Flags: flags}
		v.Sandbox, v.Outbox = sandbox, outbox
		return nil
	}
}

// describePlacement tells it how far its tenant's placement is.
func describePlacement(places *provisioning.Service) identity.Describe {
	return func(ctx context.Context, who identity.Who, v *identity.View) error {
		v.Provisioning = "none"
		if who.Tenant == "" {
			return nil
		}
		p, err := places.Of(ctx, who.Tenant)
		switch {
		case errors.Is(err, provisioning.ErrNone):
			return nil
		case err != nil:
			return err
		}
		switch p.State {
		case provisioning.Ready:
			v.Provisioning = "ready"
		case provisioning.Failed:
			v.Provisioning = "failed"
		case provisioning.Requested, provisioning.Placed, provisioning.Creating, provisioning.Verifying:
			v.Provisioning = "working"
		}
		return nil
	}
}

// callersTenant is the tenant of the signed-in person; nothing else names one.
func callersTenant(ctx context.Context) (id.Tenant, error) {
	who, err := identity.Require(ctx)
	if err != nil {
		return "", err
	}
	if who.Tenant == "" {
		return "", provisioning.ErrNone
	}
	return who.Tenant, nil
}
