package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// describeDeployment tells a signed-in browser what its tenant has: what the
// environment has that the tenant lives in, and what this deployment has before
// that.
func describeDeployment(f features.Features, places *provisioning.Service, agents *fleet.Service, sandbox, outbox bool) (identity.Describe, error) {
	dedicated, err := features.Load(func(name string) string {
		return map[string]string{"DEPLOYMENT_MODE": string(features.Platform)}[name]
	})
	if err != nil {
		return nil, fmt.Errorf("read the features of dedicated infrastructure: %w", err)
	}
	return func(ctx context.Context, who identity.Who, v *identity.View) error {
		v.Features = featuresView(f)
		v.Sandbox, v.Outbox = sandbox, outbox
		if who.Tenant == "" {
			return nil
		}
		env, err := places.Environment(ctx, who.Tenant)
		if errors.Is(err, provisioning.ErrNone) || errors.Is(err, provisioning.ErrNotReady) {
			return nil
		}
		if err != nil {
			return err
		}
		place, err := agents.Environment(ctx, env)
		if err != nil {
			return err
		}
		if place.Mode == features.Platform && f.Mode != features.Platform {
			v.Features = featuresView(dedicated)
		}
		return nil
	}, nil
}

func featuresView(f features.Features) identity.FeaturesView {
	flags := map[string]bool{}
	for flag, on := range f.Flags {
		flags[string(flag)] = on
	}
	return identity.FeaturesView{Mode: f.Mode, Flags: flags}
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
