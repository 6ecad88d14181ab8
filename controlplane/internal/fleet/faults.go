package fleet

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrToken = fault.New(fault.Unauthenticated, "fleet.join_token",
		"This join token is unknown, used by another agent, or too old. Make a new one and start the agent with it.")
	ErrProof = fault.New(fault.Unauthenticated, "fleet.proof",
		"The signature does not prove this key, or the challenge is too old. Ask for a new challenge and sign its nonce.")
	ErrRevoked = fault.New(fault.Forbidden, "fleet.revoked",
		"This agent has been revoked. Remove its directory and enrol it anew with a fresh join token.")
	ErrStranger = fault.New(fault.Forbidden, "fleet.stranger",
		"No agent of this name is enrolled in this environment. Enrol it with a join token.")
	ErrKey       = fault.New(fault.Invalid, "fleet.key", "This is no public user key; send the one that begins with U.")
	ErrName      = fault.New(fault.Invalid, "fleet.name", "A name has 1 to 200 characters.")
	ErrMode      = fault.New(fault.Invalid, "fleet.mode", `The mode is "smb" or "platform".`)
	ErrWish      = fault.New(fault.Invalid, "fleet.wish", "A wanted tenant needs an id, a state of serving or gone, a plan and a name of at most 400 bytes.")
	ErrReport    = fault.New(fault.Invalid, "fleet.report", "This report is about nothing that was wanted here.")
	ErrNoneSuch  = fault.New(fault.NotFound, "fleet.none_such", "There is no such environment or agent.")
	ErrTTL       = fault.New(fault.Invalid, "fleet.ttl", "A join token lives from one second to a day.")
	ErrNotReady  = fault.New(fault.Unavailable, "fleet.not_ready", "Nobody keeps reports yet; send it again in a moment.")
	ErrOvertaken = fault.New(fault.Unavailable, "fleet.overtaken", "Too many changes at once; try again in a moment.")
)
