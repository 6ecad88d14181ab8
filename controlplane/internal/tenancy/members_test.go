package tenancy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// company is a tenant with an owner, on a real store.
type company struct {
	*tenancy.Tenants
	store docstore.Store
	clock *tenancytest.Clock
	id    id.Tenant
	ada   id.Person // owner
}

func found(t *testing.T) *company {
	t.Helper()
	c := &company{store: tenancytest.Open(t, tenancy.Collections()), clock: tenancytest.NewClock(), id: id.NewTenant(), ada: id.NewPerson()}
	c.Tenants = tenancy.New(c.store, c.clock.Now)
	if err := c.Create(t.Context(), c.id, "Herons", c.ada, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *company) seats(n int) {
	c.LimitSeats(func(context.Context, id.Tenant) (tenancy.Seats, error) {
		return tenancy.Seats{Limit: n, Plan: "Starter"}, nil
	})
}

func (c *company) join(t *testing.T, role contract.Role) id.Person {
	t.Helper()
	c.clock.Move(time.Minute)
	p := id.NewPerson()
	if err := c.Join(t.Context(), c.id, tenancy.Joining{Person: p, Email: string(p) + "@example.com", Role: role}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (c *company) role(t *testing.T, p id.Person) contract.Role {
	t.Helper()
	_, role, err := c.Current(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return role
}

func (c *company) announced(t *testing.T) (kinds []string) {
	t.Helper()
	d, err := c.Tenant(t.Context(), c.id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range d.Outbox {
		kinds = append(kinds, e.Type)
	}
	return kinds
}

func TestTwoOwnersWhoDemoteEachOtherLeaveOne(t *testing.T) {
	t.Parallel()
	for range 10 {
		c := found(t)
		bo := c.join(t, contract.RoleOwner)
		var both sync.WaitGroup
		var fine atomic.Int32
		for _, pair := range [][2]id.Person{{c.ada, bo}, {bo, c.ada}} {
			both.Go(func() {
				err := c.SetRole(t.Context(), c.id, pair[0], pair[1], contract.RoleViewer)
				switch {
				case err == nil:
					fine.Add(1)
				case !errors.Is(err, tenancy.ErrLastOwner) && !errors.Is(err, tenancy.ErrForbidden):
					t.Errorf("SetRole = %v", err)
				}
			})
		}
		both.Wait()
		if owners := (c.role(t, c.ada) == contract.RoleOwner) != (c.role(t, bo) == contract.RoleOwner); fine.Load() != 1 || !owners {
			t.Errorf("%d succeeded; ada is %s, bo is %s; want one of each", fine.Load(), c.role(t, c.ada), c.role(t, bo))
		}
	}
}

func TestTwoOwnersWhoLeaveAtOnceLeaveOne(t *testing.T) {
	t.Parallel()
	c := found(t)
	bo := c.join(t, contract.RoleOwner)
	var both sync.WaitGroup
	var refused atomic.Int32
	for _, p := range []id.Person{c.ada, bo} {
		both.Go(func() {
			if err := c.Remove(t.Context(), c.id, p, p); errors.Is(err, tenancy.ErrLastOwner) {
				refused.Add(1)
			} else if err != nil {
				t.Errorf("Remove = %v", err)
			}
		})
	}
	both.Wait()
	if members, err := c.Members(t.Context(), c.id); refused.Load() != 1 || len(members) != 1 || members[0].Role != contract.RoleOwner || err != nil {
		t.Errorf("%d refused, %+v, %v; want one owner left", refused.Load(), members, err)
	}
}

func TestASeatIsNeverGivenTwice(t *testing.T) {
	t.Parallel()
	c := found(t)
	c.seats(3)
	c.join(t, contract.RoleAnalyst)
	var burst sync.WaitGroup
	var in, out atomic.Int32
	for i := range 50 {
		burst.Go(func() {
			err := c.Join(t.Context(), c.id, tenancy.Joining{Person: id.NewPerson(), Email: fmt.Sprintf("p%d@example.com", i), Role: contract.RoleViewer})
			switch {
			case err == nil:
				in.Add(1)
			case errors.Is(err, tenancy.ErrSeats) && fault.KindOf(err) == fault.Exhausted:
				out.Add(1)
			default:
				t.Errorf("Join = %v", err)
			}
		})
	}
	burst.Wait()
	members, err := c.Members(t.Context(), c.id)
	if in.Load() != 1 || out.Load() != 49 || len(members) != 3 || err != nil {
		t.Errorf("%d joined, %d did not, %d members, %v; want 1, 49, 3", in.Load(), out.Load(), len(members), err)
	}
	if p := fault.ProblemOf(c.Join(t.Context(), c.id, tenancy.Joining{Person: id.NewPerson(), Role: contract.RoleViewer})); p.Status != 402 || p.Code != "tenancy.seats" ||
		p.Detail != "The Starter plan has 3 seats, and all are taken. An owner can choose a larger plan under Plans, or make room under Settings, Team." {
		t.Errorf("the problem is %+v", p)
	}
}

func TestASmallerPlanMakesTheNewestReadersUntilTheOwnerChooses(t *testing.T) {
	t.Parallel()
	c := found(t)
	bo, cy, di := c.join(t, contract.RoleAdmin), c.join(t, contract.RoleAnalyst), c.join(t, contract.RoleAnalyst)
	eve := c.join(t, contract.RoleOwner)
	reads := func(p id.Person) bool {
		t.Helper()
		why, err := c.Restriction(t.Context(), identity.Who{Person: p, Tenant: c.id, Role: c.role(t, p)})
		if err != nil || why != nil && !errors.Is(why, tenancy.ErrSeats) {
			t.Fatalf("Restriction = %v, %v", why, err)
		}
		return why != nil
	}
	all := func() (got [5]bool) {
		for i, p := range []id.Person{c.ada, bo, cy, di, eve} {
			got[i] = reads(p)
		}
		return got
	}
	c.seats(0)
	if got := all(); got != [5]bool{} {
		t.Errorf("unlimited: %v read only", got)
	}
	c.seats(3)
	if got, want := all(), [5]bool{false, false, true, true, false}; got != want {
		t.Errorf("three seats for five: %v, want the newest who are no owners: %v", got, want)
	}
	if members, err := c.Members(t.Context(), c.id); len(members) != 5 || err != nil {
		t.Errorf("%d members, %v; nobody is thrown out", len(members), err)
	}
	if err := c.GiveSeat(t.Context(), c.id, c.ada, di); err != nil {
		t.Fatal(err)
	}
	if got, want := all(), [5]bool{false, true, true, false, false}; got != want {
		t.Errorf("after giving the last one a seat: %v, want %v", got, want)
	}
	if err := c.Remove(t.Context(), c.id, c.ada, di); err != nil {
		t.Fatal(err)
	}
	if got, want := [2]bool{reads(bo), reads(cy)}, [2]bool{false, true}; got != want {
		t.Errorf("after removing that one: %v, want %v", got, want)
	}
	c.seats(1)
	if reads(c.ada) || reads(eve) || !reads(bo) {
		t.Error("an owner reads only, or somebody else does not")
	}
}

func TestRestrictedMembersMayReadAndNothingElse(t *testing.T) {
	t.Parallel()
	who := identity.Who{Person: id.NewPerson(), Tenant: id.NewTenant(), Role: contract.RoleOwner, Restricted: tenancy.ErrClosed}
	ctx := identity.With(t.Context(), who)
	for _, p := range tenancy.Permissions() {
		_, err := tenancy.Require(ctx, p.Resource, p.Action)
		if open := p.Action == tenancy.Read || p.Action == tenancy.Export; open != (err == nil) || err != nil && !errors.Is(err, tenancy.ErrClosed) {
			t.Errorf("%s %s: %v", p.Action, p.Resource, err)
		}
	}
	if _, err := tenancy.RequireRole(ctx, tenancy.Company, tenancy.Close); err != nil {
		t.Errorf("an owner cannot open the company again: %v", err)
	}
}

func TestNobodyReachesAboveTheirRole(t *testing.T) {
	t.Parallel()
	c := found(t)
	admin, viewer, other := c.join(t, contract.RoleAdmin), c.join(t, contract.RoleViewer), c.join(t, contract.RoleAdmin)
	stranger := id.NewPerson()
	for _, tc := range []struct {
		what    string
		by, who id.Person
		role    contract.Role
		want    error
	}{
		{"an admin makes an owner", admin, viewer, contract.RoleOwner, tenancy.ErrAbove},
		{"an admin makes themselves an owner", admin, admin, contract.RoleOwner, tenancy.ErrAbove},
		{"an admin demotes an owner", admin, c.ada, contract.RoleViewer, tenancy.ErrAbove},
		{"a viewer promotes themselves", viewer, viewer, contract.RoleAdmin, tenancy.ErrForbidden},
		{"somebody from elsewhere demotes an owner", stranger, c.ada, contract.RoleViewer, tenancy.ErrForbidden},
		{"an owner changes somebody from elsewhere", c.ada, stranger, contract.RoleViewer, tenancy.ErrMember},
		{"an owner gives a role that does not exist", c.ada, viewer, "king", tenancy.ErrRole},
		{"the last owner demotes themselves", c.ada, c.ada, contract.RoleAdmin, tenancy.ErrLastOwner},
		{"an admin makes an analyst of another admin", admin, other, contract.RoleAnalyst, nil},
		{"an owner makes an owner", c.ada, viewer, contract.RoleOwner, nil},
	} {
		if err := c.SetRole(t.Context(), c.id, tc.by, tc.who, tc.role); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.what, err, tc.want)
		}
	}
	if err := c.Remove(t.Context(), c.id, admin, c.ada); !errors.Is(err, tenancy.ErrAbove) {
		t.Errorf("an admin removes an owner: %v", err)
	}
	if err := c.Remove(t.Context(), c.id, other, admin); !errors.Is(err, tenancy.ErrForbidden) {
		t.Errorf("an analyst removes an admin: %v", err)
	}
	if err := c.Remove(t.Context(), c.id, other, other); err != nil {
		t.Errorf("an analyst leaves: %v", err)
	}
	if got, _, err := c.Current(t.Context(), other); got != "" || err != nil {
		t.Errorf("who left is still in %q, %v", got, err)
	}
}

func TestAChangeOfRoleCountsAtTheNextRequest(t *testing.T) {
	t.Parallel()
	c := found(t)
	bo := c.join(t, contract.RoleAdmin)
	store := tenancytest.Open(t, identity.Collections())
	people := identity.New(store, c.Tenants, identity.Options{Now: c.clock.Now, Restrict: c.Restriction})
	c.OnChange(people.Recheck)
	_, token, _, err := people.Open(t.Context(), identity.Person{ID: bo, Email: "bo@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	now := func() identity.Who {
		t.Helper()
		who, err := people.Authenticate(t.Context(), token.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		return who
	}
	if who := now(); who.Role != contract.RoleAdmin {
		t.Fatalf("role is %q", who.Role)
	}
	if err := c.SetRole(t.Context(), c.id, c.ada, bo, contract.RoleViewer); err != nil {
		t.Fatal(err)
	}
	if who := now(); who.Role != contract.RoleViewer {
		t.Errorf("role is still %q", who.Role)
	}
	if err := c.Suspend(t.Context(), c.id, "spam"); err != nil {
		t.Fatal(err)
	}
	if who := now(); !errors.Is(who.Restricted, tenancy.ErrSuspended) {
		t.Errorf("suspended, and restricted by %v", who.Restricted)
	}
	if err := c.Resume(t.Context(), c.id); err != nil {
		t.Fatal(err)
	}
	// Another replica has heard nothing, and forgets within five seconds.
	other := identity.New(store, tenancy.New(c.store, c.clock.Now), identity.Options{Now: c.clock.Now})
	if who, err := other.Authenticate(t.Context(), token.Reveal()); err != nil || who.Tenant != c.id {
		t.Fatalf("%+v %v", who, err)
	}
	if err := c.Remove(t.Context(), c.id, c.ada, bo); err != nil {
		t.Fatal(err)
	}
	if who := now(); who.Tenant != "" || who.Role != "" {
		t.Errorf("removed, and still %s in %q", who.Role, who.Tenant)
	}
	c.clock.Move(5 * time.Second)
	if who, err := other.Authenticate(t.Context(), token.Reveal()); err != nil || who.Tenant != "" {
		t.Errorf("after five seconds another replica says %+v, %v", who, err)
	}
}

func TestEveryChangeIsAnnouncedWithWhoDidItAndWhatWasBefore(t *testing.T) {
	t.Parallel()
	c := found(t)
	bo := c.join(t, contract.RoleViewer)
	ctx := contract.WithActor(t.Context(), contract.Actor{Person: c.ada, Email: "ada@example.com"})
	for _, err := range []error{
		c.SetRole(ctx, c.id, c.ada, bo, contract.RoleAnalyst), c.SetRole(ctx, c.id, c.ada, bo, contract.RoleAnalyst),
		c.Rename(ctx, c.id, "Egrets"), c.Rename(ctx, c.id, "Egrets"), c.GiveSeat(ctx, c.id, c.ada, bo),
		c.Remove(ctx, c.id, c.ada, bo),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		tenancy.EventCreated, tenancy.EventMemberJoined, tenancy.EventRoleChanged, tenancy.EventRenamed,
		tenancy.EventSeatGiven, tenancy.EventMemberRemoved,
	}
	if got := c.announced(t); !slices.Equal(got, want) {
		t.Fatalf("announced %v, want %v", got, want)
	}
	d, err := c.Tenant(t.Context(), c.id)
	if err != nil {
		t.Fatal(err)
	}
	var role tenancy.MemberData
	if err := json.Unmarshal(d.Outbox[2].Data, &role); err != nil || role.Target != bo || role.Before != contract.RoleViewer || role.After != contract.RoleAnalyst {
		t.Errorf("role_changed says %+v, %v", role, err)
	}
	for _, e := range d.Outbox[2:] {
		if e.By == nil || e.By.Person != c.ada {
			t.Errorf("%s was done by %+v", e.Type, e.By)
		}
	}
}

func TestOnePersonInSeveralCompanies(t *testing.T) {
	t.Parallel()
	c := found(t)
	ada := identity.Who{Person: c.ada, Email: "ada@example.com", Tenant: c.id, Role: contract.RoleOwner}
	second, err := c.Found(t.Context(), ada, "Egrets")
	if err != nil {
		t.Fatal(err)
	}
	ops := tenancy.NewOperations(c.Tenants)
	ctx := identity.With(t.Context(), identity.Who{Person: c.ada, Tenant: second, Role: contract.RoleOwner})
	if r, err := ops.Tenants(ctx, nil); err != nil || len(r.Body.Tenants) != 2 || !r.Body.Tenants[0].Current || r.Body.Tenants[0].Name != "Egrets" {
		t.Errorf("Tenants = %+v, %v", r, err)
	}
	c.clock.Move(time.Minute)
	if err := c.Choose(t.Context(), c.ada, c.id); err != nil {
		t.Fatal(err)
	}
	if got, _, err := c.Current(t.Context(), c.ada); got != c.id || err != nil {
		t.Errorf("Current = %s, %v", got, err)
	}
	for range 2 {
		if _, err := c.Found(t.Context(), ada, "More"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Found(t.Context(), ada, "Too many"); !errors.Is(err, tenancy.ErrTooMany) {
		t.Errorf("Found = %v, want ErrTooMany", err)
	}
	for range 6 {
		c.clock.Move(time.Hour)
		if _, err := c.Found(t.Context(), ada, "More"); err != nil {
			t.Fatal(err)
		}
	}
	c.clock.Move(time.Hour)
	if _, err := c.Found(t.Context(), ada, "Eleventh"); !errors.Is(err, tenancy.ErrCompanies) {
		t.Errorf("Found = %v, want ErrCompanies", err)
	}
}

func TestATenantAsAWhole(t *testing.T) {
	t.Parallel()
	t.Run("is closed, and opened again before its time is over", func(t *testing.T) {
		t.Parallel()
		c := found(t)
		at := c.clock.Now().Add(time.Hour)
		for range 2 { // each may be repeated
			if err := errors.Join(c.BeginClosing(t.Context(), c.id, c.ada)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(c.Shut(t.Context(), c.id, at), c.Shut(t.Context(), c.id, at)); err != nil {
			t.Fatal(err)
		}
		if all, err := c.In(t.Context(), tenancy.Closed); err != nil || len(all) != 1 || !all[0].DeleteAt.Equal(at) {
			t.Errorf("In = %+v, %v", all, err)
		}
		if err := c.Join(t.Context(), c.id, tenancy.Joining{Person: id.NewPerson(), Role: contract.RoleViewer}); !errors.Is(err, tenancy.ErrClosed) {
			t.Errorf("Join = %v, want ErrClosed", err)
		}
		if err := c.BeginErasing(t.Context(), c.id); !errors.Is(err, tenancy.ErrStatus) {
			t.Errorf("BeginErasing before the time = %v", err)
		}
		if err := c.Erase(t.Context(), c.id); !errors.Is(err, tenancy.ErrStatus) {
			t.Errorf("Erase of a closed tenant = %v", err)
		}
		if err := c.Reopen(t.Context(), c.id); err != nil {
			t.Fatal(err)
		}
		if d, err := c.Tenant(t.Context(), c.id); err != nil || d.Status != tenancy.Active || !d.DeleteAt.IsZero() || d.ClosedBy != "" {
			t.Errorf("after reopening %+v, %v", d, err)
		}
	})
	t.Run("is not closed while it is suspended", func(t *testing.T) {
		t.Parallel()
		c := found(t)
		if err := c.Suspend(t.Context(), c.id, "chargeback"); err != nil {
			t.Fatal(err)
		}
		if err := c.BeginClosing(t.Context(), c.id, c.ada); !errors.Is(err, tenancy.ErrStatus) {
			t.Errorf("BeginClosing = %v", err)
		}
	})
	t.Run("is either opened again or erased", func(t *testing.T) {
		t.Parallel()
		for range 10 {
			c := found(t)
			if err := errors.Join(c.BeginClosing(t.Context(), c.id, c.ada), c.Shut(t.Context(), c.id, c.clock.Now())); err != nil {
				t.Fatal(err)
			}
			var both sync.WaitGroup
			var wins atomic.Int32
			for _, try := range []func() error{
				func() error { return c.Reopen(t.Context(), c.id) }, func() error { return c.BeginErasing(t.Context(), c.id) },
			} {
				both.Go(func() {
					if err := try(); err == nil {
						wins.Add(1)
					} else if !errors.Is(err, tenancy.ErrStatus) {
						t.Error(err)
					}
				})
			}
			both.Wait()
			if wins.Load() != 1 {
				t.Errorf("%d of the two won", wins.Load())
			}
		}
	})
}

// However members come, go and change roles, there is an owner, nobody is in twice, and
// every way leads to somebody on the roll.
func TestTheRollStaysWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := found(t)
		c.seats(5)
		people := []id.Person{c.ada}
		for range 6 {
			people = append(people, id.NewPerson())
		}
		roles := append(tenancy.Roles(), "king")
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			by, p := rapid.SampledFrom(people).Draw(rt, "by"), rapid.SampledFrom(people).Draw(rt, "person")
			role := rapid.SampledFrom(roles).Draw(rt, "role")
			var err error
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				err = c.Join(t.Context(), c.id, tenancy.Joining{Person: p, Role: role})
			case 1:
				err = c.SetRole(t.Context(), c.id, by, p, role)
			case 2:
				err = c.Remove(t.Context(), c.id, by, p)
			case 3:
				err = c.GiveSeat(t.Context(), c.id, by, p)
			}
			var f *fault.Error
			if err != nil && !errors.As(err, &f) {
				rt.Fatal(err)
			}
			members, err := c.Members(t.Context(), c.id)
			if err != nil {
				rt.Fatal(err)
			}
			owners, seen := 0, map[id.Person]bool{}
			for _, m := range members {
				if m.Role == contract.RoleOwner {
					owners++
				}
				if seen[m.Person] || !tenancy.Known(m.Role) {
					rt.Fatalf("%+v", members)
				}
				seen[m.Person] = true
				if current, role, err := c.Current(t.Context(), m.Person); current != c.id || role != m.Role || err != nil {
					rt.Fatalf("Current of a member = %s %s, %v", current, role, err)
				}
			}
			if owners == 0 || len(members) > 5 {
				rt.Fatalf("%d owners among %d members", owners, len(members))
			}
		}
	})
}
