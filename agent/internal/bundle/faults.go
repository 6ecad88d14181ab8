package bundle

import "github.com/dyocense/dyocense/shared/fault"

// The faults of bundles.
var (
	ErrDamaged   = fault.New(fault.Invalid, "bundle.damaged", "The bundle is damaged or incomplete; nothing of it was used. Take another one.")
	ErrNotOurs   = fault.New(fault.Invalid, "bundle.not_a_bundle", "The file is no bundle.")
	ErrNewer     = fault.New(fault.Unavailable, "bundle.newer", "The bundle was written by a newer program; update this one.")
	ErrKey       = fault.New(fault.Forbidden, "bundle.wrong_key", "The bundle was not signed with the expected key; nothing of it was used.")
	ErrKind      = fault.New(fault.Invalid, "bundle.kind", "An export holds no journal, so it cannot be restored; import it into a new tenant.")
	ErrPoint     = fault.New(fault.Invalid, "bundle.point", "The bundle does not reach that point.")
	ErrNotOwner  = fault.New(fault.Conflict, "bundle.not_owner", "The tenant belongs to another environment.")
	ErrStandby   = fault.New(fault.Conflict, "bundle.standby", "This is a copy that follows its owner and may not be whole; back the tenant up where it is served.")
	ErrBeginning = fault.New(fault.Conflict, "bundle.no_beginning", "The journal of this tenant does not begin at slot 1, so nothing could be restored from it.")
	ErrUnsigned  = fault.New(fault.Invalid, "bundle.no_key", "There is no key to sign with.")
	ErrFile      = fault.New(fault.Conflict, "bundle.file_exists", "There is such a file already.")
)
