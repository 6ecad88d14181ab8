package signup

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrRequest = fault.New(fault.Invalid, "signup.request", "Some of this cannot be used.")
	ErrLink    = fault.New(fault.NotFound, "signup.link", "This link is not valid, or no longer. Sign up again to get a new one.")
	ErrUsed    = fault.New(fault.Conflict, "signup.used", "This link was used already. Sign in.")
)
