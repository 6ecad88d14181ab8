package provisioning

import "github.com/dyocense/dyocense/shared/fault"

var (
	// ErrNone is returned for a tenant that was never provisioned.
	ErrNone = fault.New(fault.NotFound, "provisioning.none", "Nothing is being set up yet. Choose a plan first.")
	// ErrNotReady is returned while a tenant cannot be used yet.
	ErrNotReady = fault.New(fault.Unavailable, "provisioning.not_ready", "Your space is being set up. This takes a moment.")
)
