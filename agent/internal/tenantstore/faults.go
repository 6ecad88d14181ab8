package tenantstore

import "github.com/dyocense/dyocense/shared/fault"

// The faults of a tenant's store, beside those of package docstore.
var (
	ErrNoTenant = fault.New(fault.NotFound, "tenantstore.no_tenant", "There is no such workspace.")
	ErrExists   = fault.New(fault.Conflict, "tenantstore.exists", "There is such a workspace already.")
	ErrBusy     = fault.New(fault.Conflict, "tenantstore.busy", "The workspace is in use; try again shortly.")
	ErrClosed   = fault.New(fault.Unavailable, "tenantstore.closed", "The workspace is being closed; try again shortly.")
	// ErrUnknownOutcome means that the command may or may not have happened. With
	// a command id, doing it again is safe and tells.
	ErrUnknownOutcome = fault.New(fault.Unavailable, "tenantstore.unknown_outcome", "The store did not confirm in time; try again.")
	ErrCommand        = fault.New(fault.Invalid, "tenantstore.command", "This command is malformed.")
	ErrReused         = fault.New(fault.Conflict, "tenantstore.reused", "This command id was used for something else.")
	ErrTooLarge       = fault.New(fault.TooLarge, "tenantstore.too_large", "This is too much for one change.")
	ErrBlob           = fault.New(fault.Internal, "tenantstore.blob", "A stored file is damaged.")
	// ErrDamaged stops a store: nothing is skipped or repaired by guessing.
	ErrDamaged = fault.New(fault.Internal, "tenantstore.damaged", "The journal of this workspace is damaged; support has to look at it.")
	// ErrStandby refuses a copy that nobody has handed the tenant over to.
	ErrStandby = fault.New(fault.Unavailable, "tenantstore.standby", "This workspace is being moved here; try again in a moment.")
	// ErrMoved is what a MovedError is, whatever it moved to.
	ErrMoved = fault.New(fault.Unavailable, "tenantstore.moved", "This workspace was moved; try again in a moment.")
	// ErrOwner refuses to treat the owner's store as a copy.
	ErrOwner = fault.New(fault.Conflict, "tenantstore.owner", "This workspace is served here and is no copy.")
	// ErrClaim refuses a caller who was replaced, or who speaks of another move.
	ErrClaim = fault.New(fault.Conflict, "tenantstore.claim", "Another move, or another worker, has this workspace now.")
	// ErrLapsed says that the write pause was over before the hand-over.
	ErrLapsed = fault.New(fault.Conflict, "tenantstore.lapsed", "The write pause is over; nothing was handed over.")
	// ErrBehind refuses a hand-over to a copy that lacks entries.
	ErrBehind = fault.New(fault.Conflict, "tenantstore.behind", "The copy does not hold everything yet.")
	// ErrGap refuses entries that do not follow what the copy holds.
	ErrGap = fault.New(fault.Conflict, "tenantstore.gap", "These journal entries do not follow what is here.")
	// ErrCopy says that a copy reads back differently from what was sent.
	ErrCopy = fault.New(fault.Internal, "tenantstore.copy", "A copied document reads back differently.")
	// ErrNewer refuses entries of a later format.
	ErrNewer = fault.New(fault.Unavailable, "tenantstore.newer", "This workspace was written by a newer agent; update this one.")
)
