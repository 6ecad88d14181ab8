package tenancy

import (
	"context"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
)

// Operations are the HTTP operations of this slice.
type Operations struct{}

// NewOperations serves the table of permissions.
func NewOperations() *Operations { return &Operations{} }

// PermissionsRequest is GET /v1/permissions.
type PermissionsRequest struct{}

// PermissionsResponse is the table that the server itself goes by.
type PermissionsResponse struct {
	Body struct {
		Permissions []Permission `json:"permissions"`
	}
}

// Permissions tells a signed-in browser which role may do what.
func (o *Operations) Permissions(ctx context.Context, _ *PermissionsRequest) (*PermissionsResponse, error) {
	if _, err := identity.RequireAny(ctx); err != nil {
		return nil, err
	}
	var r PermissionsResponse
	r.Body.Permissions = Permissions()
	return &r, nil
}
