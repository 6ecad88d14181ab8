package invitations

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrLink    = fault.New(fault.NotFound, "invitations.link", "This invitation is not valid, or no longer. Ask who invited you for a new one.")
	ErrUsed    = fault.New(fault.Conflict, "invitations.used", "This invitation was used already. Sign in.")
	ErrSignIn  = fault.New(fault.Conflict, "invitations.sign_in", "There is an account with the invited address. Sign in with it to join.")
	ErrOther   = fault.New(fault.Conflict, "invitations.other_person", "The invitation is for another address than the one you are signed in with. Sign out first.")
	ErrNone    = fault.New(fault.NotFound, "invitations.none", "There is no such invitation. Load the page again.")
	ErrInvited = fault.New(fault.Conflict, "invitations.invited", "This address is invited already. You can send the invitation again.")
	ErrMember  = fault.New(fault.Conflict, "invitations.member", "There is a member with this address already.")
	ErrTooMany = fault.New(fault.RateLimited, "invitations.too_many", "Many invitations were sent in a short time. Try again later.")
	ErrPending = fault.New(fault.Exhausted, "invitations.pending", "100 invitations are open. Revoke some first, or wait until they are used.")
	ErrAgain   = fault.New(fault.RateLimited, "invitations.again", "This invitation can be sent six times, with a minute in between. Wait, or revoke it and invite anew.")
)
