package signup

import (
	"errors"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/state"
)

// State is how far a sign-up is.
type State string

// The states of a sign-up.
const (
	Pending   State = "pending"   // the mail is out
	Confirmed State = "confirmed" // the link was opened; person and tenant are being made
	Done      State = "done"
	Refused   State = "refused" // the address has an account
)

// Event is what happens to a sign-up.
type Event string

// The events of a sign-up.
const (
	LinkOpened   Event = "link opened"
	Settled      Event = "settled"
	AddressTaken Event = "address taken"
)

// Lifecycle of a sign-up.
var Lifecycle = state.New(Pending, state.Table[State, Event]{
	Pending:   {LinkOpened: Confirmed, AddressTaken: Refused},
	Confirmed: {Settled: Done, AddressTaken: Refused},
	Done:      {},
	Refused:   {},
})

// linkHours is how long a link works.
const linkHours = 24

// Signup is one attempt to get an account.
type Signup struct {
	Email    identity.Address `json:"email"`
	Password string           `json:"password,omitempty"` // argon2id, PHC string; gone at the end
	Company  string           `json:"company"`
	Person   id.Person        `json:"person"`
	Tenant   id.Tenant        `json:"tenant"`
	State    State            `json:"state"`
	Started  time.Time        `json:"started"`
	Opened   time.Time        `json:"opened,omitzero"` // when the link was first opened
	Expires  int64            `json:"expires"`         // Unix milliseconds
}

// Wish is what a visitor typed.
type Wish struct {
	Email    string
	Password string
	Company  string
}

// read checks the wish, and names everything that is wrong with it at once.
func (w Wish) read() (identity.Address, string, error) {
	address, wrongAddress := identity.ParseAddress(w.Email)
	company, wrongCompany := tenancy.ParseName(w.Company)
	wrongPassword := identity.CheckPassword(w.Password, identity.MinAlone, string(address), address.Local(), company)
	var details []fault.Detail
	for _, d := range []struct {
		location string
		err      error
	}{{"body.email", wrongAddress}, {"body.password", wrongPassword}, {"body.company", wrongCompany}} {
		var f *fault.Error
		if errors.As(d.err, &f) {
			details = append(details, fault.Detail{Location: d.location, Message: f.Message})
		}
	}
	if len(details) > 0 {
		return "", "", ErrRequest.Saying("%s", details[0].Message).With(details...)
	}
	return address, company, nil
}

func begin(a identity.Address, passwordHash, company string, now time.Time) Signup {
	return Signup{
		Email: a, Password: passwordHash, Company: company,
		Person: id.NewPerson(), Tenant: id.NewTenant(),
		State: Lifecycle.First(), Started: now.UTC(), Expires: now.Add(linkHours * time.Hour).UnixMilli(),
	}
}

// move takes the sign-up along its lifecycle; at an end it forgets the password.
func (s *Signup) move(e Event) error {
	next, err := Lifecycle.Next(s.State, e)
	if err != nil {
		return err
	}
	s.State = next
	if Lifecycle.Final(next) {
		s.Password = ""
	}
	return nil
}

// mayOpen says whether the link still works. One that was opened in time may be
// opened again until its work is done.
func (s Signup) mayOpen(now time.Time) error {
	switch {
	case s.State == Done:
		return ErrUsed
	case s.State == Refused:
		return identity.ErrAddressTaken
	case s.State == Pending && now.UnixMilli() >= s.Expires:
		return ErrLink
	}
	return nil
}

func (s Signup) person() identity.Person {
	return identity.Person{ID: s.Person, Email: s.Email, Password: s.Password, Joined: s.Started}
}
