package tenancy

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// EventCreated is announced once for each tenant, with CreatedData.
const EventCreated = "tenancy.tenant_created"

// CreatedData goes with EventCreated.
type CreatedData struct {
	Name  string    `json:"name"`
	Owner id.Person `json:"owner"`
}

// Tenant is one customer's space.
type Tenant struct {
	ID      id.Tenant `json:"id"`
	Name    string    `json:"name"` // of the company
	Created time.Time `json:"created"`
	outbox.Box
}

// Member is a person in a tenant.
type Member struct {
	Tenant id.Tenant     `json:"tenant"`
	Person id.Person     `json:"person"`
	Email  string        `json:"email"`
	Role   contract.Role `json:"role"`
	Joined time.Time     `json:"joined"`
	Used   int64         `json:"used"` // Unix milliseconds when the person last chose this tenant
}

// nameMax is the longest name of a company, in characters.
const nameMax = 120

// ParseName reads the name of a company, or fails with ErrName.
func ParseName(typed string) (string, error) {
	if len(typed) > 8*nameMax || !utf8.ValidString(typed) {
		return "", ErrName
	}
	name := strings.Join(strings.Fields(norm.NFC.String(typed)), " ")
	if name == "" || utf8.RuneCountInString(name) > nameMax {
		return "", ErrName
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return "", ErrName.Saying("The name of the company has a character that cannot be shown.")
		}
	}
	return name, nil
}
