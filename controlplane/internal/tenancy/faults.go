package tenancy

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrName      = fault.New(fault.Invalid, "tenancy.name", "Give the name of the company: 1 to 120 characters.")
	ErrNotFound  = fault.New(fault.NotFound, "tenancy.not_found", "There is no such company.")
	ErrForbidden = fault.New(fault.Forbidden, "tenancy.forbidden", "Your role does not allow this. Ask an owner of the account.")
	ErrScope     = fault.New(fault.Forbidden, "tenancy.scope", "This API key was not given what this takes.")
	ErrNoTenant  = fault.New(fault.Forbidden, "tenancy.none", "You belong to no company yet.")
	ErrMember    = fault.New(fault.NotFound, "tenancy.member", "There is no such member. Load the page again.")
	ErrRole      = fault.New(fault.Invalid, "tenancy.role", "There is no such role.")
	ErrAbove     = fault.New(fault.Forbidden, "tenancy.above", "Your own role does not reach that far. Ask an owner of the account.")
	ErrLastOwner = fault.New(fault.Conflict, "tenancy.last_owner", "A company needs an owner. Make another member an owner first.")
	// ErrSeats is said with the plan's name.
	ErrSeats     = fault.New(fault.Exhausted, "tenancy.seats", "All seats of the plan are taken. An owner can choose a larger plan under Plans, or make room under Settings, Team.")
	ErrFull      = fault.New(fault.Exhausted, "tenancy.full", "A company has at most 2,000 members. Write to us if you need more.")
	ErrSuspended = fault.New(fault.Forbidden, "tenancy.suspended", "This account is suspended: everything can be read and exported, nothing changed. Write to our support.")
	ErrClosed    = fault.New(fault.Forbidden, "tenancy.closed", "This company is closed: everything can be read and exported, nothing changed. An owner can open it again under Settings, Company.")
	ErrStatus    = fault.New(fault.Conflict, "tenancy.status", "The company is not in a state that allows this. Load the page again.")
	ErrTooMany   = fault.New(fault.RateLimited, "tenancy.too_many", "You have made several companies in a short time. Try again later.")
	ErrCompanies = fault.New(fault.Exhausted, "tenancy.companies", "One person can own 10 companies. Close one first, or write to us.")
)
