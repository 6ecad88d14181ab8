package api

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dyocense/dyocense/shared/fault"
)

// The faults of the door.
var (
	errRequest   = fault.New(fault.Invalid, "api.bad_request", "The request is not as this operation needs it.")
	errNoCaller  = fault.New(fault.Unauthenticated, "api.no_principal", "Sign in first.")
	errReadOnly  = fault.New(fault.Forbidden, "api.read_only", "Viewers can look at everything and change nothing. Ask an owner or admin for another role.")
	errBody      = fault.New(fault.TooLarge, "api.body_too_large", "The request is larger than this operation takes.")
	errNoRoute   = fault.New(fault.NotFound, "api.no_such_path", "There is no such path in this API.")
	errMethod    = fault.New(fault.NotFound, "api.no_such_method", "This path does not have this method.")
	errNotTenant = fault.New(fault.NotFound, "api.no_such_tenant", "There is no such company here.")
	errTimeout   = fault.New(fault.Unavailable, "api.timeout", "This took too long and was stopped. Try again.")
)

// problem is a fault.Problem as huma wants an error to be.
type problem fault.Problem

// Error implements error.
func (p *problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return "application/problem+json" }

// Schema makes the one schema of all errors that of fault.Problem.
func (p *problem) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[fault.Problem](), true, "Problem")
}

func problemOf(err error) *problem {
	p := problem(fault.ProblemOf(err))
	return &p
}

// hookHuma makes huma's own errors problems too. Huma keeps the hook in a
// package variable, so it is set once for the process, before any API is made.
var hookHuma = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false
	huma.NewError = newError
})

// newError turns what huma found wrong into a problem. Rejected values are not
// repeated: they may be secrets.
func newError(status int, message string, errs ...error) huma.StatusError {
	f := errRequest
	switch {
	case status == http.StatusRequestEntityTooLarge:
		f = errBody
	case status == http.StatusNotFound:
		f = errNoRoute
	case status == http.StatusRequestTimeout:
		f = errTimeout
	case status >= 500:
		return problemOf(fault.New(fault.Internal, "internal", "Something went wrong on our side. Try again; if it stays, tell support."))
	}
	if message != "" && message != "validation failed" {
		f = f.Saying("%s %s.", f.Message, strings.ToUpper(message[:1])+message[1:])
	}
	for _, err := range errs {
		var detail huma.ErrorDetailer
		switch {
		case err == nil:
		case errors.As(err, &detail):
			d := detail.ErrorDetail()
			f = f.With(fault.Detail{Location: d.Location, Message: d.Message})
		default:
			f = f.With(fault.Detail{Message: err.Error()})
		}
	}
	p := problemOf(f)
	if status == http.StatusBadRequest || status == http.StatusNotAcceptable || status == http.StatusUnsupportedMediaType {
		p.Status, p.Title = status, http.StatusText(status)
	}
	return p
}
