package tenancy

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrName      = fault.New(fault.Invalid, "tenancy.name", "Give the name of the company: 1 to 120 characters.")
	ErrNotFound  = fault.New(fault.NotFound, "tenancy.not_found", "There is no such company.")
	ErrForbidden = fault.New(fault.Forbidden, "tenancy.forbidden", "Your role does not allow this. Ask an owner of the account.")
	ErrScope     = fault.New(fault.Forbidden, "tenancy.scope", "This API key was not given what this takes.")
	ErrNoTenant  = fault.New(fault.Forbidden, "tenancy.none", "You belong to no company yet.")
)
