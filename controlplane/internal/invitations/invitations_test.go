package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/invitations"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const herons = "seven green herons"

// office is the slices as they are after a start, with one company.
type office struct {
	store   docstore.Store
	clock   *tenancytest.Clock
	people  *identity.People
	tenants *tenancy.Tenants
	mailbox *notify.Mailbox
	desk    *invitations.Desk
	ops     *invitations.Operations
	ada     identity.Who // owner
}

func start(t *testing.T, s docstore.Store, clock *tenancytest.Clock) *office {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	limits := identity.LocalLimits()
	o := &office{store: s, clock: clock, tenants: tenancy.New(s, clock.Now)}
	o.people = identity.New(s, o.tenants, identity.Options{Limits: &limits, Now: clock.Now, Log: log, Restrict: o.tenants.Restriction})
	o.tenants.OnChange(o.people.Recheck)
	var err error
	if o.mailbox, err = notify.New(s, nil, clock.Now, log); err != nil {
		t.Fatal(err)
	}
	o.desk = invitations.New(s, o.people, o.tenants, o.mailbox, "http://127.0.0.1:8080", clock.Now, log)
	o.ops = invitations.NewOperations(o.desk, identity.NewOperations(o.people, identity.NewJar(false), o.tenants.Describe))
	return o
}

func open(t *testing.T) *office {
	t.Helper()
	s := tenancytest.Open(t, identity.Collections(), tenancy.Collections(), notify.Collections(), invitations.Collections())
	o := start(t, s, tenancytest.NewClock())
	o.ada = o.person(t, "ada@example.com")
	o.ada.Tenant, o.ada.Role = id.NewTenant(), contract.RoleOwner
	if err := o.tenants.Create(t.Context(), o.ada.Tenant, "Herons", o.ada.Person, o.ada.Email); err != nil {
		t.Fatal(err)
	}
	return o
}

// person makes somebody who has an account.
func (o *office) person(t *testing.T, email string) identity.Who {
	t.Helper()
	p := identity.Person{ID: id.NewPerson(), Email: identity.Address(email), Password: "x"}
	if err := o.people.Add(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return identity.Who{Person: p.ID, Email: email}
}

func (o *office) invite(t *testing.T, email string, role contract.Role) (id.Invitation, string) {
	t.Helper()
	made, err := o.desk.Invite(t.Context(), o.ada, email, role)
	if err != nil {
		t.Fatal(err)
	}
	return made, o.link(t)
}

var link = regexp.MustCompile(`/join#token=([A-Za-z0-9_-]+)`)

// link is the token in the newest mail.
func (o *office) link(t *testing.T) string {
	t.Helper()
	o.clock.Move(time.Millisecond) // mails are in the order of the clock
	mails, err := o.mailbox.Newest(t.Context(), 1)
	if err != nil || len(mails) != 1 {
		t.Fatalf("no mail: %v", err)
	}
	found := link.FindStringSubmatch(mails[0].Text)
	if found == nil || !strings.Contains(mails[0].HTML, found[0]) {
		t.Fatalf("no link in %q and %q", mails[0].Text, mails[0].HTML)
	}
	return found[1]
}

func accept(ctx context.Context, o *office, token, password string) (*invitations.AcceptResponse, error) {
	var r invitations.AcceptRequest
	r.Body.Token, r.Body.Password = token, password
	return o.ops.Accept(ctx, &r)
}

func next(t *testing.T, ctx context.Context, o *office, token string) invitations.Next { //nolint:revive // t first, as everywhere in tests
	t.Helper()
	var r invitations.LookRequest
	r.Body.Token = token
	answer, err := o.ops.Look(ctx, &r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Company != "Herons" || answer.Body.Inviter != "ada@example.com" {
		t.Errorf("Look = %+v", answer.Body)
	}
	return answer.Body.Next
}

func (o *office) role(t *testing.T, p id.Person) contract.Role {
	t.Helper()
	members, err := o.tenants.Members(t.Context(), o.ada.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if m.Person == p {
			return m.Role
		}
	}
	return ""
}

func TestSomebodyWithoutAnAccountJoinsWithAPassword(t *testing.T) {
	t.Parallel()
	o := open(t)
	_, token := o.invite(t, "Bo@Example.com", contract.RoleAnalyst)
	if got := next(t, t.Context(), o, token); got != invitations.NextSignUp {
		t.Errorf("next is %s", got)
	}
	for _, weak := range []string{"", "short", "password12", "bo@example.com"} {
		if _, err := accept(t.Context(), o, token, weak); !errors.Is(err, identity.ErrPassword) {
			t.Errorf("password %q: %v", weak, err)
		}
	}
	r, err := accept(t.Context(), o, token, herons)
	if err != nil || len(r.SetCookie) != 1 || r.Body.Tenant == nil || r.Body.Tenant.Name != "Herons" || r.Body.Role != contract.RoleAnalyst {
		t.Fatalf("Accept = %+v, %v", r, err)
	}
	if who, _, _, err := o.people.SignIn(t.Context(), "bo@example.com", herons, ""); err != nil || who.Tenant != o.ada.Tenant || who.Role != contract.RoleAnalyst {
		t.Errorf("SignIn = %+v, %v", who, err)
	}
	if all, err := o.tenants.Memberships(t.Context(), r.Body.Person.ID); err != nil || len(all) != 1 {
		t.Errorf("Memberships = %+v, %v; want no tenant of their own", all, err)
	}
	if _, err := accept(t.Context(), o, token, herons); !errors.Is(err, invitations.ErrUsed) {
		t.Errorf("the link works twice: %v", err)
	}
}

func TestOnlyTheInvitedAddressJoins(t *testing.T) {
	t.Parallel()
	o := open(t)
	bo, eve := o.person(t, "bo@example.com"), o.person(t, "eve@example.com")
	_, token := o.invite(t, "bo@example.com", contract.RoleViewer)

	if got := next(t, t.Context(), o, token); got != invitations.NextSignIn {
		t.Errorf("signed out: next is %s", got)
	}
	if _, err := accept(t.Context(), o, token, herons); !errors.Is(err, invitations.ErrSignIn) {
		t.Errorf("signed out: %v", err)
	}
	asEve := identity.With(t.Context(), eve)
	if got := next(t, asEve, o, token); got != invitations.NextSwitch {
		t.Errorf("somebody else: next is %s", got)
	}
	if _, err := accept(asEve, o, token, herons); !errors.Is(err, invitations.ErrOther) {
		t.Errorf("somebody else: %v", err)
	}
	asBo := identity.With(t.Context(), bo)
	if got := next(t, asBo, o, token); got != invitations.NextAccept {
		t.Errorf("next is %s", got)
	}
	r, err := accept(asBo, o, token, "")
	if err != nil || len(r.SetCookie) != 0 || r.Body.Tenant == nil || r.Body.Tenant.Name != "Herons" {
		t.Fatalf("Accept = %+v, %v", r, err)
	}
	if o.role(t, bo.Person) != contract.RoleViewer || o.role(t, eve.Person) != "" {
		t.Errorf("bo is %q, eve is %q", o.role(t, bo.Person), o.role(t, eve.Person))
	}
}

func TestInvitingSaysTheSameForKnownAndUnknownAddresses(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.person(t, "known@example.com")
	var texts []string
	for _, email := range []string{"known@example.com", "other@example.com"} {
		_, token := o.invite(t, email, contract.RoleViewer)
		mails, err := o.mailbox.Newest(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, strings.ReplaceAll(mails[0].Text, token, "T"))
	}
	if texts[0] != texts[1] {
		t.Errorf("the mails differ:\n%s\n%s", texts[0], texts[1])
	}
}

func TestAnInvitationEnds(t *testing.T) {
	t.Parallel()
	t.Run("after seven days", func(t *testing.T) {
		t.Parallel()
		o := open(t)
		made, token := o.invite(t, "bo@example.com", contract.RoleViewer)
		o.clock.Move(7*24*time.Hour - time.Second)
		next(t, t.Context(), o, token)
		o.clock.Move(time.Second)
		if _, err := accept(t.Context(), o, token, herons); !errors.Is(err, invitations.ErrLink) {
			t.Errorf("Accept = %v", err)
		}
		// It can be sent again, and then works again.
		if err := o.desk.Resend(t.Context(), o.ada, made); err != nil {
			t.Fatal(err)
		}
		if _, err := accept(t.Context(), o, o.link(t), herons); err != nil {
			t.Errorf("Accept after Resend = %v", err)
		}
	})
	t.Run("when it is revoked", func(t *testing.T) {
		t.Parallel()
		o := open(t)
		made, token := o.invite(t, "bo@example.com", contract.RoleViewer)
		if err := o.desk.Revoke(t.Context(), o.ada, made); err != nil {
			t.Fatal(err)
		}
		if _, err := accept(t.Context(), o, token, herons); !errors.Is(err, invitations.ErrLink) {
			t.Errorf("Accept = %v", err)
		}
		if err := o.desk.Revoke(t.Context(), o.ada, made); !errors.Is(err, invitations.ErrNone) {
			t.Errorf("Revoke again = %v", err)
		}
		_, token = o.invite(t, "bo@example.com", contract.RoleAnalyst)
		if _, err := accept(t.Context(), o, token, herons); err != nil {
			t.Errorf("invited anew: %v", err)
		}
	})
	t.Run("when its link is replaced", func(t *testing.T) {
		t.Parallel()
		o := open(t)
		made, old := o.invite(t, "bo@example.com", contract.RoleViewer)
		if err := o.desk.Resend(t.Context(), o.ada, made); !errors.Is(err, invitations.ErrAgain) {
			t.Errorf("Resend at once = %v", err)
		}
		for n := range 5 {
			o.clock.Move(time.Hour)
			if err := o.desk.Resend(t.Context(), o.ada, made); err != nil {
				t.Fatalf("Resend %d = %v", n, err)
			}
		}
		o.clock.Move(time.Hour)
		if err := o.desk.Resend(t.Context(), o.ada, made); !errors.Is(err, invitations.ErrAgain) {
			t.Errorf("a seventh mail = %v", err)
		}
		if _, err := accept(t.Context(), o, old, herons); !errors.Is(err, invitations.ErrLink) {
			t.Errorf("the old link = %v", err)
		}
	})
	t.Run("with the right of who wrote it", func(t *testing.T) {
		t.Parallel()
		o := open(t)
		bo := o.person(t, "bo@example.com")
		if err := o.tenants.Join(t.Context(), o.ada.Tenant, tenancy.Joining{Person: bo.Person, Email: bo.Email, Role: contract.RoleAdmin}); err != nil {
			t.Fatal(err)
		}
		bo.Tenant, bo.Role = o.ada.Tenant, contract.RoleAdmin
		if _, err := o.desk.Invite(t.Context(), bo, "cy@example.com", contract.RoleAdmin); err != nil {
			t.Fatal(err)
		}
		token := o.link(t)
		if err := o.tenants.Remove(t.Context(), o.ada.Tenant, o.ada.Person, bo.Person); err != nil {
			t.Fatal(err)
		}
		if _, err := accept(t.Context(), o, token, herons); !errors.Is(err, invitations.ErrLink) {
			t.Errorf("Accept = %v", err)
		}
	})
}

func TestNobodyInvitesAboveTheirRoleOrWithoutMeasure(t *testing.T) {
	t.Parallel()
	o := open(t)
	bo := o.person(t, "bo@example.com")
	if err := o.tenants.Join(t.Context(), o.ada.Tenant, tenancy.Joining{Person: bo.Person, Email: bo.Email, Role: contract.RoleAdmin}); err != nil {
		t.Fatal(err)
	}
	bo.Tenant, bo.Role = o.ada.Tenant, contract.RoleAdmin
	eve := identity.Who{Person: id.NewPerson(), Email: "eve@example.com", Tenant: o.ada.Tenant, Role: contract.RoleOwner} // of an old session
	for _, tc := range []struct {
		what  string
		who   identity.Who
		email string
		role  contract.Role
		want  error
	}{
		{"an admin invites an owner", bo, "x@example.com", contract.RoleOwner, tenancy.ErrAbove},
		{"who is no member any more invites", eve, "x@example.com", contract.RoleViewer, tenancy.ErrAbove},
		{"a role that does not exist", bo, "x@example.com", "king", tenancy.ErrRole},
		{"no address", bo, "x", contract.RoleViewer, identity.ErrAddress},
		{"a member", bo, "ADA@example.com", contract.RoleViewer, invitations.ErrMember},
		{"an admin", bo, "x@example.com", contract.RoleAdmin, nil},
		{"the same again", bo, "X@example.com", contract.RoleViewer, invitations.ErrInvited},
	} {
		if _, err := o.desk.Invite(t.Context(), tc.who, tc.email, tc.role); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.what, err, tc.want)
		}
	}
	var err error
	for n := 0; n < 40 && err == nil; n++ {
		_, err = o.desk.Invite(t.Context(), o.ada, fmt.Sprintf("p%d@example.com", n), contract.RoleViewer)
	}
	if !errors.Is(err, invitations.ErrTooMany) {
		t.Errorf("forty at once: %v", err)
	}
}

func TestInvitationsOfAnotherCompanyAreNotThere(t *testing.T) {
	t.Parallel()
	o := open(t)
	made, _ := o.invite(t, "bo@example.com", contract.RoleViewer)
	eve := o.person(t, "eve@example.com")
	eve.Tenant, eve.Role = id.NewTenant(), contract.RoleOwner
	if err := o.tenants.Create(t.Context(), eve.Tenant, "Egrets", eve.Person, eve.Email); err != nil {
		t.Fatal(err)
	}
	if err := o.desk.Revoke(t.Context(), eve, made); !errors.Is(err, invitations.ErrNone) {
		t.Errorf("Revoke = %v", err)
	}
	if err := o.desk.Resend(t.Context(), eve, made); !errors.Is(err, invitations.ErrNone) {
		t.Errorf("Resend = %v", err)
	}
	if open, err := o.desk.Open(t.Context(), eve.Tenant); err != nil || len(open) != 0 {
		t.Errorf("Open = %+v, %v", open, err)
	}
}

func TestFiftyAcceptTheLastSeatAndOneGetsIt(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.tenants.LimitSeats(func(context.Context, id.Tenant) (tenancy.Seats, error) {
		return tenancy.Seats{Limit: 2, Plan: "Starter"}, nil
	})
	type guest struct {
		who   identity.Who
		token string
	}
	var guests []guest
	for n := range 50 {
		o.clock.Move(5 * time.Minute) // the budget of the company
		who := o.person(t, fmt.Sprintf("p%d@example.com", n))
		_, token := o.invite(t, who.Email, contract.RoleViewer)
		guests = append(guests, guest{who, token})
	}
	var burst sync.WaitGroup
	var in atomic.Int32
	for _, g := range guests {
		burst.Go(func() {
			_, err := accept(identity.With(t.Context(), g.who), o, g.token, "")
			if err == nil {
				in.Add(1)
			} else if !errors.Is(err, tenancy.ErrSeats) {
				t.Errorf("Accept = %v", err)
			}
		})
	}
	burst.Wait()
	if members, err := o.tenants.Members(t.Context(), o.ada.Tenant); in.Load() != 1 || len(members) != 2 || err != nil {
		t.Fatalf("%d joined, %d members, %v", in.Load(), len(members), err)
	}
	// The others' links still work when there is room.
	o.tenants.LimitSeats(func(context.Context, id.Tenant) (tenancy.Seats, error) { return tenancy.Seats{}, nil })
	for _, g := range guests {
		if _, err := accept(identity.With(t.Context(), g.who), o, g.token, ""); err != nil && !errors.Is(err, invitations.ErrUsed) {
			t.Errorf("Accept = %v", err)
		}
	}
	if members, err := o.tenants.Members(t.Context(), o.ada.Tenant); len(members) != 51 || err != nil {
		t.Errorf("%d members, %v", len(members), err)
	}
}

func TestWithoutASeatNoAccountIsMade(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.tenants.LimitSeats(func(context.Context, id.Tenant) (tenancy.Seats, error) { return tenancy.Seats{Limit: 1}, nil })
	_, token := o.invite(t, "bo@example.com", contract.RoleViewer)
	if _, err := accept(t.Context(), o, token, herons); !errors.Is(err, tenancy.ErrSeats) {
		t.Errorf("Accept = %v", err)
	}
	if known, err := o.people.Knows(t.Context(), "bo@example.com"); known || err != nil {
		t.Errorf("Knows = %v, %v", known, err)
	}
}

// However often the process dies, one link ends in one account and one member.
func TestAcceptingSurvivesACrashAtEveryWrite(t *testing.T) {
	t.Parallel()
	for dies := 0; ; dies++ {
		o := open(t)
		_, token := o.invite(t, "bo@example.com", contract.RoleAnalyst)
		mortal := tenancytest.DyingAfter(o.store, dies)
		first := start(t, mortal, o.clock)
		_, err := accept(t.Context(), first, token, herons)
		if err == nil {
			if dies < 5 {
				t.Errorf("only %d writes", dies)
			}
			return
		}
		if !mortal.Died() {
			t.Fatalf("after %d writes: %v", dies, err)
		}
		after := start(t, o.store, o.clock)
		if dies%2 == 0 { // they click again; or the sweep finds it
			if _, err := accept(t.Context(), after, token, herons); err != nil && !errors.Is(err, invitations.ErrUsed) {
				t.Errorf("after %d writes: %v", dies, err)
			}
		} else {
			o.clock.Move(time.Minute)
			if err := after.desk.Sweep(t.Context()); err != nil {
				t.Errorf("after %d writes: %v", dies, err)
			}
		}
		who, _, _, err := after.people.SignIn(t.Context(), "bo@example.com", herons, "")
		if err != nil || who.Tenant != o.ada.Tenant || who.Role != contract.RoleAnalyst {
			t.Errorf("after %d writes: SignIn = %+v, %v", dies, who, err)
		}
		if members, err := after.tenants.Members(t.Context(), o.ada.Tenant); len(members) != 2 || err != nil {
			t.Errorf("after %d writes: %d members, %v", dies, len(members), err)
		}
	}
}

func TestRevokingAgainstAccepting(t *testing.T) {
	t.Parallel()
	for range 10 {
		o := open(t)
		bo := o.person(t, "bo@example.com")
		made, token := o.invite(t, bo.Email, contract.RoleViewer)
		var both sync.WaitGroup
		var revoked, joined error
		both.Go(func() { revoked = o.desk.Revoke(t.Context(), o.ada, made) })
		both.Go(func() { _, joined = accept(identity.With(t.Context(), bo), o, token, "") })
		both.Wait()
		if in := o.role(t, bo.Person) != ""; (revoked == nil) == (joined == nil) || in != (joined == nil) {
			t.Errorf("revoked: %v, joined: %v, member: %v", revoked, joined, in)
		}
	}
}

func TestInvitationsThatAreOverAreForgotten(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.invite(t, "bo@example.com", contract.RoleViewer)
	o.clock.Move(15 * 24 * time.Hour)
	if err := o.desk.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := o.desk.Holds(t.Context(), o.ada.Tenant); n != 1 || err != nil {
		t.Errorf("%d invitations, %v; one that is not yet published stays", n, err)
	}
	relay := outbox.NewRelay(o.store, func(context.Context, contract.Event) error { return nil }, slog.New(slog.DiscardHandler))
	if err := relay.Sweep(t.Context(), invitations.Collection); err != nil {
		t.Fatal(err)
	}
	if err := o.desk.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := o.desk.Holds(t.Context(), o.ada.Tenant); n != 0 || err != nil {
		t.Errorf("%d invitations, %v", n, err)
	}
}
