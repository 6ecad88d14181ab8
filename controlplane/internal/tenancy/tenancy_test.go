package tenancy_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

func TestTenants(t *testing.T) {
	t.Parallel()
	t.Run("makes a tenant with its owner, however often it is told to", func(t *testing.T) {
		t.Parallel()
		tenants := tenancy.New(tenancytest.Open(t, tenancy.Collections()), time.Now)
		ten, ada := id.NewTenant(), id.NewPerson()
		for range 3 {
			if err := tenants.Create(t.Context(), ten, "  Herons   Ltd ", ada, "ada@example.com"); err != nil {
				t.Fatal(err)
			}
		}
		got, err := tenants.Tenant(t.Context(), ten)
		if err != nil || got.Name != "Herons Ltd" || len(got.Outbox) != 1 || got.Outbox[0].Type != tenancy.EventCreated || got.Outbox[0].Tenant != ten {
			t.Errorf("Tenant = %+v, %v; want one announcement", got, err)
		}
		members, err := tenants.Members(t.Context(), ten)
		if err != nil || len(members) != 1 || members[0].Role != contract.RoleOwner || members[0].Person != ada {
			t.Errorf("Members = %+v, %v", members, err)
		}
	})
	t.Run("remembers the tenant that a person chose last", func(t *testing.T) {
		t.Parallel()
		clock := tenancytest.NewClock()
		tenants := tenancy.New(tenancytest.Open(t, tenancy.Collections()), clock.Now)
		first, second, ada := id.NewTenant(), id.NewTenant(), id.NewPerson()
		for _, ten := range []id.Tenant{first, second} {
			clock.Move(time.Minute)
			if err := tenants.Create(t.Context(), ten, "Herons", ada, "ada@example.com"); err != nil {
				t.Fatal(err)
			}
		}
		if got, role, err := tenants.Current(t.Context(), ada); got != second || role != contract.RoleOwner || err != nil {
			t.Errorf("Current = %s %s, %v; want the newest", got, role, err)
		}
		clock.Move(time.Minute)
		if err := tenants.Choose(t.Context(), ada, first); err != nil {
			t.Fatal(err)
		}
		if got, _, err := tenants.Current(t.Context(), ada); got != first || err != nil {
			t.Errorf("Current = %s, %v; want the chosen", got, err)
		}
		if all, err := tenants.Memberships(t.Context(), ada); err != nil || len(all) != 2 || all[0].Tenant != first {
			t.Errorf("Memberships = %+v, %v", all, err)
		}
	})
	t.Run("hides a tenant from who is no member of it", func(t *testing.T) {
		t.Parallel()
		tenants := tenancy.New(tenancytest.Open(t, tenancy.Collections()), time.Now)
		ten, eve := id.NewTenant(), id.NewPerson()
		if err := tenants.Create(t.Context(), ten, "Herons", id.NewPerson(), "ada@example.com"); err != nil {
			t.Fatal(err)
		}
		if err := tenants.Choose(t.Context(), eve, ten); !errors.Is(err, tenancy.ErrNotFound) {
			t.Errorf("Choose = %v; want ErrNotFound", err)
		}
		if got, role, err := tenants.Current(t.Context(), eve); got != "" || role != "" || err != nil {
			t.Errorf("Current = %q %q, %v; want none", got, role, err)
		}
	})
	t.Run("takes names that can be shown", func(t *testing.T) {
		t.Parallel()
		for typed, want := range map[string]string{"Ünal & Söhne": "Ünal & Söhne", "a\t b": "a b", "株式会社": "株式会社"} {
			if got, err := tenancy.ParseName(typed); got != want || err != nil {
				t.Errorf("ParseName(%q) = %q, %v", typed, got, err)
			}
		}
		for _, typed := range []string{"", "  \n", strings.Repeat("x", 121), "a\x00b", "evil\u202ename", "\xff", strings.Repeat("y", 1<<20)} {
			if _, err := tenancy.ParseName(typed); !errors.Is(err, tenancy.ErrName) {
				t.Errorf("ParseName(%.20q) = %v; want ErrName", typed, err)
			}
		}
	})
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	as := func(role contract.Role) identity.Who {
		return identity.Who{Person: id.NewPerson(), Tenant: id.NewTenant(), Role: role}
	}
	t.Run("let managers pay, workers work and everyone read", func(t *testing.T) {
		t.Parallel()
		for role, want := range map[contract.Role][3]bool{
			contract.RoleOwner: {true, true, true}, contract.RoleAdmin: {true, true, true},
			contract.RoleOperator: {false, true, true}, contract.RoleAnalyst: {false, true, true},
			contract.RoleBilling: {true, false, true}, contract.RoleAuditor: {false, false, true},
			contract.RoleViewer: {false, false, true}, "intruder": {},
		} {
			got := [3]bool{
				tenancy.May(role, tenancy.Billing, tenancy.Manage),
				tenancy.May(role, tenancy.Decisions, tenancy.Run),
				tenancy.May(role, tenancy.Data, tenancy.Read),
			}
			if got != want {
				t.Errorf("%s may %v; want %v", role, got, want)
			}
		}
	})
	t.Run("need a session, a tenant and the role", func(t *testing.T) {
		t.Parallel()
		if _, err := tenancy.Require(t.Context(), tenancy.Data, tenancy.Read); !errors.Is(err, identity.ErrSignedOut) {
			t.Errorf("nobody: %v", err)
		}
		if _, err := tenancy.Require(identity.With(t.Context(), identity.Who{Person: id.NewPerson()}), tenancy.Data, tenancy.Read); !errors.Is(err, tenancy.ErrNoTenant) {
			t.Errorf("no tenant: %v", err)
		}
		if _, err := tenancy.Require(identity.With(t.Context(), as(contract.RoleViewer)), tenancy.Billing, tenancy.Manage); !errors.Is(err, tenancy.ErrForbidden) {
			t.Errorf("viewer: %v", err)
		}
		if _, err := tenancy.Require(identity.With(t.Context(), as(contract.RoleOwner)), tenancy.Billing, tenancy.Manage); err != nil {
			t.Errorf("owner: %v", err)
		}
	})
	t.Run("are served as the server goes by them", func(t *testing.T) {
		t.Parallel()
		r, err := tenancy.NewOperations(nil).Permissions(identity.With(t.Context(), as(contract.RoleViewer)), &tenancy.PermissionsRequest{})
		if err != nil || len(r.Body.Permissions) != len(tenancy.Permissions()) || len(r.Body.Roles) != len(tenancy.Roles()) {
			t.Errorf("Permissions = %+v, %v", r, err)
		}
	})
}

func TestRolesAreOrderedByWhatTheyMayDo(t *testing.T) {
	t.Parallel()
	for _, role := range tenancy.Roles() {
		if !tenancy.Covers(contract.RoleOwner, role) || !tenancy.Covers(role, role) || !tenancy.Covers(role, contract.RoleViewer) {
			t.Errorf("%s: an owner covers everybody, everybody themselves and a viewer", role)
		}
		if role != contract.RoleOwner && tenancy.Covers(role, contract.RoleOwner) {
			t.Errorf("%s could make owners", role)
		}
		if role != contract.RoleOwner && !tenancy.Covers(contract.RoleAdmin, role) {
			t.Errorf("an admin could not invite a %s", role)
		}
	}
	if tenancy.Covers("intruder", "intruder") || tenancy.Covers(contract.RoleOwner, "intruder") || tenancy.Covers(contract.RoleBilling, contract.RoleAnalyst) {
		t.Error("a role that is unknown, or may do something else, is covered")
	}
}

// UPDATE=1 writes the table again.
func TestTheGuideToRolesIsTheTable(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "..", "docs", "guides", "roles.md")
	guide, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- table -->\n", "<!-- end of table -->\n"
	before, rest, ok := strings.Cut(string(guide), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("the guide has no place for the table")
	}
	want := before + begin + table() + end + after
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(guide) {
		t.Errorf("%s is stale; UPDATE=1 go test writes it", path)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| resource | action |")
	for _, role := range tenancy.Roles() {
		b.WriteString(" " + string(role) + " |")
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(tenancy.Roles())) + "\n")
	for _, p := range tenancy.Permissions() {
		b.WriteString("| " + string(p.Resource) + " | " + string(p.Action) + " |")
		for _, role := range tenancy.Roles() {
			mark := " "
			if tenancy.May(role, p.Resource, p.Action) {
				mark = " yes "
			}
			b.WriteString(mark + "|")
		}
		b.WriteString("\n")
	}
	return b.String()
}
