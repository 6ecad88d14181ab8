// Package openapi is what the two programs share of their HTTP APIs: how errors
// look, how a document is set up, and how two documents become one.
//
// It owns the mapping from faults to problem documents in Huma. It does not own
// routes, nor who may call them.
package openapi

import (
	"errors"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dyocense/dyocense/shared/fault"
)

// Problem is fault.Problem as an error that Huma writes as it is.
type Problem struct{ fault.Problem }

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes Huma answer with the media type of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// Schema gives the error of every operation the one schema of fault.Problem, which
// answers may also hold as a part.
func (p *Problem) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[fault.Problem](), true, "Problem")
}

// Error is what Huma may write of err: the fault's own words, or that something
// went wrong on our side. The caller logs internal errors; they are not shown.
func Error(err error) error {
	var already *Problem
	if errors.As(err, &already) {
		return already
	}
	return &Problem{fault.ProblemOf(err)}
}

// kinds says what Huma's own refusals mean.
var kinds = map[int]struct {
	kind fault.Kind
	code string
}{
	http.StatusBadRequest:            {fault.Invalid, "http.malformed"},
	http.StatusUnauthorized:          {fault.Unauthenticated, "http.unauthenticated"},
	http.StatusForbidden:             {fault.Forbidden, "http.forbidden"},
	http.StatusNotFound:              {fault.NotFound, "http.not_found"},
	http.StatusRequestTimeout:        {fault.Unavailable, "http.too_slow"},
	http.StatusRequestEntityTooLarge: {fault.TooLarge, "http.too_large"},
	http.StatusUnsupportedMediaType:  {fault.Invalid, "http.media_type"},
	http.StatusUnprocessableEntity:   {fault.Invalid, "http.invalid"},
	http.StatusTooManyRequests:       {fault.RateLimited, "http.rate_limited"},
}

// newError replaces huma.NewError: the same problem document for a refused
// request as for a fault, without the rejected values, which may be secrets.
func newError(status int, message string, errs ...error) huma.StatusError {
	means, ok := kinds[status]
	if !ok {
		means.kind, means.code = fault.Internal, "internal"
		if status < http.StatusInternalServerError {
			means.kind, means.code = fault.Invalid, "http.refused"
		}
	}
	p := &Problem{fault.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: message, Code: means.code, Kind: means.kind, Retryable: means.kind.Retryable(),
	}}
	if status >= http.StatusInternalServerError {
		p.Detail = "Something went wrong on our side. Try again; if it stays, tell support."
		return p
	}
	for _, err := range errs {
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			p.Errors = append(p.Errors, fault.Detail{Location: detail.Location, Message: detail.Message})
		} else if err != nil {
			p.Errors = append(p.Errors, fault.Detail{Location: "request", Message: err.Error()})
		}
	}
	return p
}

// hook sets Huma's own variables, once: APIs may be made while others serve.
var hook = sync.OnceFunc(func() {
	huma.NewError = newError
	huma.DefaultArrayNullable = false
})

// Config is the Huma configuration of both programs: OpenAPI 3.1, problems as
// above, no schema links in answers, lists that are never null, documents and
// documentation served by the edge and not by Huma. It sets huma.NewError, which
// is one variable for the whole program.
func Config(title, version, description string) huma.Config {
	hook()
	c := huma.DefaultConfig(title, version)
	c.Info.Description = description
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: "__Host-dyocense", Description: "The browser's session."},
		"bearer":  {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "A program's access token; it lives ten minutes. A program is signed in with POST /v1/device/authorize."},
		"apiKey":  {Type: "http", Scheme: "bearer", BearerFormat: "dyo_...", Description: "An API key, which may do what its scopes and the role of its maker allow. Made under Settings, API keys; plans from Growth up have the API."},
		"join":    {Type: "http", Scheme: "bearer", Description: "An agent's single-use join token."},
	}
	return c
}
