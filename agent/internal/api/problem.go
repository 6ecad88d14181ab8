package api

import "github.com/dyocense/dyocense/shared/fault"

// The faults of the door. What Huma refuses by itself has the faults of
// shared/openapi.
var (
	errNoCaller  = fault.New(fault.Unauthenticated, "api.no_principal", "Sign in first.")
	errReadOnly  = fault.New(fault.Forbidden, "api.read_only", "Viewers can look at everything and change nothing. Ask an owner or admin for another role.")
	errNoRoute   = fault.New(fault.NotFound, "api.no_such_path", "There is no such path in this API.")
	errMethod    = fault.New(fault.NotFound, "api.no_such_method", "This path does not have this method.")
	errNotTenant = fault.New(fault.NotFound, "api.no_such_tenant", "There is no such company here.")
	errTimeout   = fault.New(fault.Unavailable, "api.timeout", "This took too long and was stopped. Try again.")
)
