package audit

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrFilter  = fault.New(fault.Invalid, "audit.filter", "This filter cannot be read. Remove it and choose again.")
	ErrTooMany = fault.New(fault.RateLimited, "audit.too_many", "The log was exported or checked often just now. Wait a minute, then try again.")
)
