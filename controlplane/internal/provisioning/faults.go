package provisioning

import "github.com/dyocense/dyocense/shared/fault"

var (
	// ErrNone is returned for a tenant that was never provisioned.
	ErrNone = fault.New(fault.NotFound, "provisioning.none", "Nothing is being set up yet. Choose a plan first.")
	// ErrNotReady is returned while a tenant cannot be used yet.
	ErrNotReady = fault.New(fault.Unavailable, "provisioning.not_ready", "Your space is being set up. This takes a moment.")
	// ErrElsewhere is returned when a move begins or ends where the tenant is not.
	ErrElsewhere = fault.New(fault.Conflict, "provisioning.elsewhere", "Your space is not where this move expects it.")
	// ErrOtherMove is returned while another move of the tenant is noted.
	ErrOtherMove = fault.New(fault.Conflict, "provisioning.other_move", "Your space is already being moved.")
	// ErrNoMove is returned for a switch that was not begun.
	ErrNoMove = fault.New(fault.Conflict, "provisioning.no_move", "Your space is not being moved.")
)
