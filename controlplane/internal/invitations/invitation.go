package invitations

import (
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/state"
)

// State is how far an invitation is. That its time is over is not a state: nobody
// decides it.
type State string

// The states of an invitation.
const (
	Pending State = "pending" // the mail is out
	Joining State = "joining" // the link was used; member and account are being made
	Joined  State = "joined"
	Revoked State = "revoked"
)

// Event is what happens to an invitation.
type Event string

// The events of an invitation.
const (
	Accepted     Event = "accepted"
	Settled      Event = "settled"
	PutBack      Event = "put back" // no seat, or an account came up meanwhile
	RevokeAsked  Event = "revoke asked"
	InvitedAgain Event = "invited again"
)

// Lifecycle of an invitation.
var Lifecycle = state.New(Pending, state.Table[State, Event]{
	Pending: {Accepted: Joining, RevokeAsked: Revoked, InvitedAgain: Pending},
	Joining: {Settled: Joined, PutBack: Pending},
	Joined:  {InvitedAgain: Pending},
	Revoked: {InvitedAgain: Pending},
})

// The events that this slice announces, with Data.
const (
	EventInvited   = "tenancy.member_invited"
	EventSentAgain = "tenancy.invitation_sent_again"
	EventRevoked   = "tenancy.invitation_revoked"
)

// Data goes with the events.
type Data struct {
	Target id.Invitation    `json:"target"`
	Email  identity.Address `json:"email"`
	Role   contract.Role    `json:"role"`
}

const (
	linkDays  = 7
	sendsMax  = 6
	sendPause = time.Minute
)

// Invitation is the wish that somebody joins a tenant.
type Invitation struct {
	ID      id.Invitation    `json:"id"`
	Tenant  id.Tenant        `json:"tenant"`
	Email   identity.Address `json:"email"`
	Role    contract.Role    `json:"role"`
	By      id.Person        `json:"by"`
	ByEmail string           `json:"byEmail"`
	State   State            `json:"state"`
	// Token is the hash of the link's, absent when no link works.
	Token   string    `json:"token,omitempty"`
	Sends   int       `json:"sends"`
	Sent    time.Time `json:"sent"`    // the last time
	Expires int64     `json:"expires"` // Unix milliseconds
	// Person is who joins, from the moment the link is used.
	Person id.Person `json:"person,omitempty"`
	// Password is the argon2id hash of who gets an account; gone at the end.
	Password string    `json:"password,omitempty"`
	Opened   time.Time `json:"opened,omitzero"`
	outbox.Box
}

func (i *Invitation) move(e Event) error {
	next, err := Lifecycle.Next(i.State, e)
	if err != nil {
		return err
	}
	i.State = next
	switch next {
	case Pending:
		i.Person, i.Password, i.Opened = "", "", time.Time{}
	case Revoked:
		i.Token = ""
	case Joined:
		i.Password = ""
	case Joining:
	}
	return nil
}

// send gives the invitation a new link and counts it; links of before work no more.
func (i *Invitation) send(t identity.Token, now time.Time) {
	i.Token, i.Sent = t.Key(), now.UTC()
	i.Sends++
	i.Expires = now.AddDate(0, 0, linkDays).UnixMilli()
}

func (i *Invitation) over(now time.Time) bool { return now.UnixMilli() >= i.Expires }

// mayOpen says whether the link still works. One that was used in time may be opened
// again until its work is done.
func (i *Invitation) mayOpen(now time.Time) error {
	switch {
	case i.State == Joined:
		return ErrUsed
	case i.State == Revoked, i.State == Pending && i.over(now):
		return ErrLink
	}
	return nil
}

func (i *Invitation) data() Data { return Data{Target: i.ID, Email: i.Email, Role: i.Role} }
