package notify

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrNoOutbox = fault.New(fault.NotFound, "notify.no_outbox", "Mails are sent by a mail server; there is no outbox to show.")
)
