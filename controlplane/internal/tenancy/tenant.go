package tenancy

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/state"
)

// Status is what a tenant is in as a whole.
type Status string

// The statuses.
const (
	Active    Status = "active"
	Suspended Status = "suspended" // by our staff: read only
	Closing   Status = "closing"   // an owner closed it; the subscription is being ended
	Closed    Status = "closed"    // read only, and deleted when the time is over
	Erasing   Status = "erasing"   // being deleted, which nothing stops
)

// Change is what happens to a tenant as a whole.
type Change string

// The changes.
const (
	SuspendAsked Change = "suspend asked"
	ResumeAsked  Change = "resume asked"
	CloseAsked   Change = "close asked"
	BillRefused  Change = "bill refused"
	BillEnded    Change = "bill ended"
	ReopenAsked  Change = "reopen asked"
	GraceOver    Change = "grace over"
)

// Lifecycle of a tenant. When it is erased there is no document left that could say so;
// the proof of the closing slice does.
var Lifecycle = state.New(Active, state.Table[Status, Change]{
	Active:    {SuspendAsked: Suspended, CloseAsked: Closing},
	Suspended: {ResumeAsked: Active},
	Closing:   {BillRefused: Active, BillEnded: Closed},
	Closed:    {ReopenAsked: Active, GraceOver: Erasing},
	Erasing:   {},
})

// The events that this slice announces.
const (
	EventCreated       = "tenancy.tenant_created" // once for each tenant, with CreatedData
	EventRenamed       = "tenancy.renamed"        // with RenamedData
	EventMemberJoined  = "tenancy.member_joined"  // with MemberData
	EventMemberRemoved = "tenancy.member_removed" // with MemberData; Left says that it was their own wish
	EventRoleChanged   = "tenancy.role_changed"   // with MemberData and Before
	EventSeatGiven     = "tenancy.seat_given"     // with MemberData
	EventSuspended     = "tenancy.suspended"      // with StatusData
	EventResumed       = "tenancy.resumed"
	EventClosed        = "tenancy.closed" // with StatusData
	EventReopened      = "tenancy.reopened"
)

// CreatedData goes with EventCreated.
type CreatedData struct {
	Name  string    `json:"name"`
	Owner id.Person `json:"owner"`
}

// RenamedData goes with EventRenamed.
type RenamedData struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// MemberData goes with the events about a member, who is the target.
type MemberData struct {
	Target     id.Person     `json:"target"`
	Email      string        `json:"email"`
	Before     contract.Role `json:"before,omitempty"`
	After      contract.Role `json:"after,omitempty"`
	Invitation string        `json:"invitation,omitempty"`
	Left       bool          `json:"left,omitempty"`
}

// StatusData goes with the events about a tenant as a whole.
type StatusData struct {
	Reason   string    `json:"reason,omitempty"`
	DeleteAt time.Time `json:"deleteAt,omitzero"`
}

// Tenant is one customer's space.
type Tenant struct {
	ID      id.Tenant `json:"id"`
	Name    string    `json:"name"` // of the company
	Created time.Time `json:"created"`
	Roll    []Member  `json:"roll"` // the members, in the order in which they joined
	Status  Status    `json:"status"`
	// Since is when the status was entered.
	Since    time.Time `json:"since,omitzero"`
	ClosedBy id.Person `json:"closedBy,omitempty"`
	// DeleteAt is when a closed tenant is deleted.
	DeleteAt time.Time `json:"deleteAt,omitzero"`
	// Unsettled is the status while something has to become of it by itself, for the
	// index.
	Unsettled string `json:"unsettled,omitempty"`
	outbox.Box
}

// Member is a person in a tenant.
type Member struct {
	Person id.Person     `json:"person"`
	Email  string        `json:"email"`
	Role   contract.Role `json:"role"`
	Joined time.Time     `json:"joined"`
	// Seated is when an owner last gave this member a seat by name, which goes before
	// the order of joining.
	Seated time.Time `json:"seated,omitzero"`
}

// Membership leads from a person to a tenant. What the person is there stands in the
// tenant.
type Membership struct {
	Tenant id.Tenant `json:"tenant"`
	Person id.Person `json:"person"`
	Used   int64     `json:"used"` // Unix milliseconds when the person last chose this tenant
}

// move takes the tenant along its lifecycle, or fails with ErrStatus.
func (t *Tenant) move(c Change, now time.Time) error {
	next, err := Lifecycle.Next(t.Status, c)
	if err != nil {
		return ErrStatus.Because(err)
	}
	t.Status, t.Since, t.Unsettled = next, now.UTC(), ""
	switch next {
	case Active:
		t.ClosedBy, t.DeleteAt = "", time.Time{}
	case Closing, Closed, Erasing:
		t.Unsettled = string(next)
	case Suspended:
	}
	return nil
}

// restriction is why everybody may only read, nil when it is not so.
func (t *Tenant) restriction() error {
	switch t.Status {
	case Active:
		return nil
	case Suspended:
		return ErrSuspended
	case Closing, Closed, Erasing:
	}
	return ErrClosed
}

// rename gives the tenant another name and announces it. It returns false when there
// is nothing to change.
func (t *Tenant) rename(ctx context.Context, name string) (bool, error) {
	before := t.Name
	if before == name {
		return false, nil
	}
	t.Name = name
	return true, t.AnnounceBy(ctx, EventRenamed, t.ID, RenamedData{Before: before, After: name})
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
