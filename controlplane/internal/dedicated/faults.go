package dedicated

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	// ErrNone refuses every environment that is not in the table, the pool's
	// among them.
	ErrNone = fault.New(fault.NotFound, "dedicated.none", "There is no such dedicated environment.")
	// ErrWish refuses a request that names no tenant, or a key that is no key.
	ErrWish = fault.New(fault.Invalid, "dedicated.wish",
		"A dedicated environment needs a tenant and a key of 1 to 100 letters, digits, dots, dashes and underscores.")
	// ErrFull is returned when the home has no slot left.
	ErrFull = fault.New(fault.Unavailable, "dedicated.full", "There is no room for another dedicated environment at the moment.")
	// ErrUnable is returned where no dedicated environment can be made.
	ErrUnable = fault.New(fault.Unavailable, "dedicated.unable", "Dedicated environments cannot be made here.")
	// ErrRemoved is returned for an environment that is gone or on its way out;
	// its key is used up.
	ErrRemoved = fault.New(fault.Conflict, "dedicated.removed", "This dedicated environment has been removed. Ask for a new one.")
	// ErrFailed is returned for one that could not be started. Asking for it again
	// tries again.
	ErrFailed = fault.New(fault.Conflict, "dedicated.failed", "The dedicated environment could not be started.")
	// ErrRemoving is returned while a removal is not through; it goes on by itself.
	ErrRemoving = fault.New(fault.Unavailable, "dedicated.removing", "The dedicated environment is being removed. This takes a moment.")
	// ErrInUse keeps a directory whose agent has not ended yet.
	ErrInUse = fault.New(fault.Unavailable, "dedicated.in_use", "The environment's agent has not ended yet.")
)
