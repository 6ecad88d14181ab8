package closing

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrName    = fault.New(fault.Invalid, "closing.name", "Type the name of the company exactly as it is shown.")
	ErrNoProof = fault.New(fault.NotFound, "closing.no_proof", "There is no proof for this company.")
	// errLeft keeps a deletion going until nothing is left.
	errLeft = fault.New(fault.Unavailable, "closing.left", "The deletion is under way.")
)
