package tenantstore

import "github.com/dyocense/dyocense/shared/fault"

// The faults of a tenant's store, beside those of package docstore.
var (
	ErrNoTenant = fault.New(fault.NotFound, "tenantstore.no_tenant", "There is no such workspace.")
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
	// ErrNewer refuses entries of a later format.
	ErrNewer = fault.New(fault.Unavailable, "tenantstore.newer", "This workspace was written by a newer agent; update this one.")
)
