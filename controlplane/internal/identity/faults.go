package identity

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrAddress      = fault.New(fault.Invalid, "identity.address", "This is not an e-mail address we can write to.")
	ErrPassword     = fault.New(fault.Invalid, "identity.password", "Choose another password.")
	ErrCredentials  = fault.New(fault.Unauthenticated, "identity.credentials", "The e-mail address or the password is wrong.")
	ErrSignedOut    = fault.New(fault.Unauthenticated, "identity.signed_out", "Sign in first.")
	ErrKey          = fault.New(fault.Forbidden, "identity.key", "An API key cannot do this. Sign in in the portal.")
	ErrStepUp       = fault.New(fault.Forbidden, "identity.step_up", "Prove once more that it is you; then this is done.")
	ErrTooMany      = fault.New(fault.RateLimited, "identity.too_many", "That was tried too often. Wait a minute and try again.")
	ErrBusy         = fault.New(fault.Unavailable, "identity.busy", "Too many people are signing in at this moment. Try again in a few seconds.")
	ErrAddressTaken = fault.New(fault.Conflict, "identity.address_taken", "There is an account with this address already. Sign in.")
)
