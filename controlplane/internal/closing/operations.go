package closing

import (
	"context"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/id"
)

// Operations are the HTTP operations of this slice. The tenant is always the caller's.
type Operations struct{ service *Service }

// NewOperations serves s.
func NewOperations(s *Service) *Operations { return &Operations{s} }

// CloseRequest is POST /v1/company/close.
type CloseRequest struct {
	Body struct {
		Name string `json:"name" maxLength:"200" doc:"of the company, typed by hand"`
	}
}

// Done is an answer without a body; its status is 204.
type Done struct{}

// Close closes the company.
func (o *Operations) Close(ctx context.Context, r *CloseRequest) (*Done, error) {
	who, err := tenancy.Require(ctx, tenancy.Company, tenancy.Close)
	if err != nil {
		return nil, err
	}
	if _, err := identity.RequireFresh(ctx); err != nil {
		return nil, err
	}
	if err := o.service.Close(ctx, who, r.Body.Name); err != nil {
		return nil, err
	}
	return &Done{}, nil
}

// ReopenRequest is POST /v1/company/reopen.
type ReopenRequest struct{}

// Reopen opens a closed company again.
func (o *Operations) Reopen(ctx context.Context, _ *ReopenRequest) (*Done, error) {
	who, err := tenancy.RequireRole(ctx, tenancy.Company, tenancy.Close)
	if err != nil {
		return nil, err
	}
	if err := o.service.Reopen(ctx, who); err != nil {
		return nil, err
	}
	return &Done{}, nil
}

// ExportRequest is GET /v1/company/export.
type ExportRequest struct{}

// exportFormat is the version of the file; docs/guides/closing.md describes it.
const exportFormat = 1

// ExportResponse is all that the control plane keeps of the tenant, as a file.
type ExportResponse struct {
	Disposition  string `header:"Content-Disposition"`
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Format   int            `json:"format" doc:"1"`
		MadeAt   time.Time      `json:"madeAt"`
		Tenant   id.Tenant      `json:"tenant"`
		ProofKey string         `json:"proofKey" doc:"Ed25519 public key that would sign the proof of a deletion, base64"`
		Sections map[string]any `json:"sections" doc:"by who keeps it"`
	}
}

// Export hands out what is kept of the company.
func (o *Operations) Export(ctx context.Context, _ *ExportRequest) (*ExportResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Company, tenancy.Export)
	if err != nil {
		return nil, err
	}
	r := &ExportResponse{CacheControl: "no-store"}
	r.Disposition = fmt.Sprintf(`attachment; filename="company-%s.json"`, who.Tenant)
	r.Body.Format, r.Body.MadeAt, r.Body.Tenant = exportFormat, o.service.Now().UTC(), who.Tenant
	r.Body.ProofKey, r.Body.Sections = o.service.PublicKey(), map[string]any{}
	for _, teller := range o.service.Tellers {
		told, err := teller.Is(ctx, who.Tenant)
		if err != nil {
			return nil, fmt.Errorf("export %s: %w", teller.Name, err)
		}
		r.Body.Sections[teller.Name] = told
	}
	return r, nil
}
