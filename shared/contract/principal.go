package contract

import "github.com/dyocense/dyocense/shared/id"

// Role is what a member may do in a tenant.
type Role string

// The roles of this version; the tenancy slice holds what each may do.
const (
	RoleOwner    Role = "owner"
	RoleAdmin    Role = "admin"
	RoleBilling  Role = "billing"  // plan, invoices, payment; sees the rest
	RoleOperator Role = "operator" // runs and moves the tenant's environment
	RoleAnalyst  Role = "analyst"
	RoleViewer   Role = "viewer"
	RoleAuditor  Role = "auditor" // sees everything, the audit log included
)

// Principal is who asks. The gateway makes it from the session and sends it in
// the head of every tunnelled request; the agent believes it because only the
// control plane can publish on the subject it arrives on. Nothing in a request's
// path, query or body ever names a tenant.
type Principal struct {
	Tenant id.Tenant `json:"tenant"`
	Person id.Person `json:"person"`
	Role   Role      `json:"role"`
	Plan   string    `json:"plan"`
	// Limits are what the plan allows.
	Limits
}
