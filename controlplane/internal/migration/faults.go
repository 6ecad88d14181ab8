package migration

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrNone             = fault.New(fault.NotFound, "move.none", "Your workspace has never been moved.")
	ErrActive           = fault.New(fault.Conflict, "move.active", "Your workspace is being moved already. Follow it on the page Upgrade.")
	ErrPreflightChanged = fault.New(fault.Conflict, "move.preflight_changed", "What you confirmed is no longer how things are. Look at the new figures and confirm again.")
	ErrBlocked          = fault.New(fault.Conflict, "move.blocked", "Your workspace cannot be moved now.")
	ErrNotOffered       = fault.New(fault.Conflict, "move.not_offered", "That is not possible in the present stage of the move. Look at what is offered now.")
	ErrPlanOrder        = fault.New(fault.Invalid, "move.plan", "Between these two plans nothing has to be moved.")
	ErrDiffers          = fault.New(fault.Internal, "move.differs", "The copy differs from your data, so nothing was switched. Your workspace is untouched.")
	ErrCopyLost         = fault.New(fault.Internal, "move.copy_lost", "The copy is gone from the new infrastructure, so nothing was switched. Your workspace is untouched.")
	ErrParity           = fault.New(fault.Internal, "move.parity", "A decision came out differently on the new infrastructure, so nothing was switched. Your workspace is untouched.")
	ErrBusyTenant       = fault.New(fault.Unavailable, "move.busy", "There was never a quiet moment for the switch. It is tried again when you ask for it.")

	errNotMine = fault.New(fault.Conflict, "move.claimed", "Another replica drives this move.")
)
