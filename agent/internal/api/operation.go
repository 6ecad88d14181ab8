package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/openapi"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// access says who may call an operation.
type access int

const (
	reads  access = iota // every member
	writes               // every member but viewers
)

// normalDeadline is the time an operation has; fileDeadline that of those that
// read whole files. Streams have none.
const (
	normalDeadline = 30 * time.Second
	fileDeadline   = 2 * time.Minute
)

type door struct {
	api   huma.API
	log   *slog.Logger
	shelf *tenantstore.Shelf
	runs  *runs.Service
	now   func() time.Time
}

// call is one request, past the door.
type call struct {
	door
	who contract.Principal
}

func (c call) caller() runs.Caller {
	return runs.Caller{Tenant: c.who.Tenant, Person: c.who.Person, Limits: c.who.Limits}
}

// desk opens the tables of the caller; release must be called.
func (c call) desk(ctx context.Context) (tables.Desk, func(), error) {
	store, release, err := c.shelf.Open(ctx, c.who.Tenant)
	if err != nil {
		return tables.Desk{}, nil, err
	}
	return tables.Desk{Store: store, Actor: string(c.who.Person), Now: c.now, MaxLocations: c.who.Limits.Locations}, release, nil
}

// serve registers one operation: it lets in who may call it, sets its deadline,
// and gives every error its form.
func serve[I, O any](d door, a access, op huma.Operation, handle func(context.Context, call, *I) (*O, error)) {
	if op.BodyReadTimeout == 0 {
		op.BodyReadTimeout = normalDeadline
	}
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity)
	deadline := normalDeadline
	if op.Metadata["deadline"] == "file" {
		deadline = fileDeadline
	}
	huma.Register(d.api, op, func(ctx context.Context, in *I) (*O, error) {
		c, err := d.admit(ctx, a)
		if err != nil {
			return nil, openapi.Error(err)
		}
		ctx, done := context.WithTimeout(ctx, deadline)
		defer done()
		out, err := handle(ctx, c, in)
		if err != nil {
			return nil, d.tell(ctx, op.OperationID, c, err)
		}
		return out, nil
	})
}

func (d door) admit(ctx context.Context, a access) (call, error) {
	who, ok := tunnel.PrincipalFrom(ctx)
	if !ok || who.Tenant == "" {
		return call{}, errNoCaller
	}
	switch who.Role {
	case contract.RoleOwner, contract.RoleAdmin, contract.RoleOperator, contract.RoleAnalyst:
	case contract.RoleBilling, contract.RoleViewer, contract.RoleAuditor:
		if a == writes {
			return call{}, errReadOnly
		}
	default:
		return call{}, errReadOnly.Saying("Your role is not known here.")
	}
	return call{d, who}, nil
}

// tell turns the error of an operation into its problem and logs what is our
// own mistake.
func (d door) tell(ctx context.Context, operation string, c call, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && fault.KindOf(err) == fault.Internal {
		err = errTimeout.Because(err)
	}
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.NotFound && (f.Code == "docstore.not_found" || f.Code == "tenantstore.no_tenant") {
		err = errNotTenant.Because(err) // operations give their own fault for what they miss
	}
	if where := movedTo(err); where != "" {
		return huma.ErrorWithHeaders(openapi.Error(err), http.Header{contract.MovedHeader: {where}})
	}
	if kind := fault.KindOf(err); (kind == fault.Internal || kind == fault.Unavailable) && !errors.Is(err, context.Canceled) {
		d.log.ErrorContext(ctx, "operation failed", "operation", operation, "tenant", c.who.Tenant, "error", err)
	}
	return openapi.Error(err)
}

// movedTo is the value of contract.MovedHeader for an error, "" for one that has
// nothing to do with a move.
func movedTo(err error) string {
	var moved *tenantstore.MovedError
	switch {
	case errors.As(err, &moved):
		return string(moved.To)
	case errors.Is(err, tenantstore.ErrStandby):
		return contract.MovedStandby
	}
	return ""
}

// body is a response with a JSON body.
type body[T any] struct{ Body T }
