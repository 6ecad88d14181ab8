package identity

import (
	"context"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// View is what a signed-in browser is told about itself. Identity fills in the
// person; the slices that know the rest add it through Describe.
type View struct {
	Person       PersonView    `json:"person"`
	Tenant       *TenantView   `json:"tenant" doc:"null for a person who belongs to no tenant"`
	Role         contract.Role `json:"role"`
	Plan         *PlanView     `json:"plan" doc:"null before the first payment"`
	Access       string        `json:"access" enum:"none,active,past_due,canceled"`
	Provisioning string        `json:"provisioning" enum:"none,working,ready,failed"`
	Features     FeaturesView  `json:"features"`
	Restriction  *Restriction  `json:"restriction" doc:"why only reading is allowed for now; null when it is not so"`
	Sandbox      bool          `json:"sandbox" doc:"payments are played, no money moves"`
	Outbox       bool          `json:"outbox" doc:"mails are shown at /outbox, none is sent"`
}

// PersonView is a person as others see it.
type PersonView struct {
	ID    id.Person `json:"id"`
	Email string    `json:"email"`
}

// Restriction is why somebody may only read.
type Restriction struct {
	_ struct{} `nullable:"true"`

	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// TenantView is a tenant as its members see it.
type TenantView struct {
	_ struct{} `nullable:"true"`

	ID   id.Tenant `json:"id"`
	Name string    `json:"name"`
}

// PlanView is what a tenant has bought. Limits: 0 is unlimited.
type PlanView struct {
	_ struct{} `nullable:"true"`

	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Locations int           `json:"locations"`
	Decisions int           `json:"decisions" doc:"a month"`
	Seats     int           `json:"seats"`
	API       bool          `json:"api"`
	Mode      features.Mode `json:"mode"`
}

// FeaturesView is what this deployment has.
type FeaturesView struct {
	Mode  features.Mode   `json:"mode"`
	Flags map[string]bool `json:"flags"`
}

// Describe adds what one slice knows of who to the view.
type Describe func(ctx context.Context, who Who, v *View) error
