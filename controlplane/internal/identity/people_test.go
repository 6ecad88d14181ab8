package identity_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const herons = "seven green herons"

type oneTenant struct{ tenant id.Tenant }

func (o oneTenant) Current(context.Context, id.Person) (id.Tenant, contract.Role, error) {
	return o.tenant, contract.RoleOwner, nil
}

type house struct {
	store  docstore.Store
	clock  *tenancytest.Clock
	people *identity.People
	ada    identity.Person
	tenant id.Tenant
}

func open(t *testing.T, limits identity.Limits) house {
	t.Helper()
	h := house{store: tenancytest.Open(t, identity.Collections()), clock: tenancytest.NewClock(), tenant: id.NewTenant()}
	h.people = identity.New(h.store, oneTenant{h.tenant}, identity.Options{Limits: &limits, Now: h.clock.Now})
	hash, err := h.people.HashPassword(t.Context(), herons)
	if err != nil {
		t.Fatal(err)
	}
	h.ada = identity.Person{ID: id.NewPerson(), Email: "ada@example.com", Password: hash, Joined: h.clock.Now()}
	if err := h.people.Add(t.Context(), h.ada); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h house) signIn(t *testing.T) identity.Token {
	t.Helper()
	_, token, _, err := h.people.SignIn(t.Context(), "ada@example.com", herons, "")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestPeople(t *testing.T) {
	t.Parallel()
	t.Run("keeps one person for one address", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		if err := h.people.Add(t.Context(), h.ada); err != nil {
			t.Errorf("adding the same person again: %v", err)
		}
		other := identity.Person{ID: id.NewPerson(), Email: "ada@example.com"}
		if err := h.people.Add(t.Context(), other); !errors.Is(err, identity.ErrAddressTaken) {
			t.Errorf("adding another: %v; want ErrAddressTaken", err)
		}
		if p, err := h.people.Person(t.Context(), h.ada.ID); err != nil || p.Email != h.ada.Email {
			t.Errorf("Person = %+v, %v", p, err)
		}
	})
	t.Run("signs in with any spelling of the address and opens a session", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		who, token, _, err := h.people.SignIn(t.Context(), " ADA@Example.com", herons, "")
		if err != nil || who.Person != h.ada.ID || who.Tenant != h.tenant || who.Role != contract.RoleOwner {
			t.Fatalf("SignIn = %+v, %v", who, err)
		}
		again, err := h.people.Authenticate(t.Context(), token.Reveal())
		if err != nil || !reflect.DeepEqual(again, who) {
			t.Errorf("Authenticate = %+v, %v; want %+v", again, err, who)
		}
	})
	t.Run("gives one answer to a wrong password, an unknown address and nonsense", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		for _, try := range [][2]string{
			{"ada@example.com", "wrong password"},
			{"eve@example.com", herons},
			{"nonsense", herons},
			{"", ""},
			{"ada@example.com", ""},
			{"ada@example.com", strings.Repeat("x", 1<<16)},
		} {
			if _, _, _, err := h.people.SignIn(t.Context(), try[0], try[1], ""); err != identity.ErrCredentials { //nolint:errorlint // the very same fault
				t.Errorf("SignIn(%q) = %v; want exactly ErrCredentials", try[0], err)
			}
		}
	})
	t.Run("takes as long for an unknown address as for a wrong password", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		fastest := func(email string) time.Duration {
			best := time.Hour
			for range 5 {
				began := time.Now()
				_, _, _, _ = h.people.SignIn(t.Context(), email, "not the password", "") // refused, as the test above shows
				best = min(best, time.Since(began))
			}
			return best
		}
		known, unknown := fastest("ada@example.com"), fastest("eve@example.com")
		if unknown < known/5 || known < unknown/5 {
			t.Errorf("known %v, unknown %v: too far apart", known, unknown)
		}
	})
	t.Run("keeps neither password nor token in a usable form", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		token := h.signIn(t)
		for _, c := range identity.Collections() {
			page, err := h.store.Find(t.Context(), c.Name, docstore.Query{})
			if err != nil || len(page.Docs) == 0 {
				t.Fatalf("%s: %d documents, %v", c.Name, len(page.Docs), err)
			}
			for _, d := range page.Docs {
				if s := d.ID + string(d.Body); strings.Contains(s, token.Reveal()) || strings.Contains(s, herons) {
					t.Errorf("%s holds a secret: %s", c.Name, s)
				}
			}
		}
	})
	t.Run("makes a new session and ends the old one when signing in again", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		first := h.signIn(t)
		_, second, _, err := h.people.SignIn(t.Context(), "ada@example.com", herons, first.Reveal())
		if err != nil || second == first {
			t.Fatalf("the same token again, or %v", err)
		}
		if _, err := h.people.Authenticate(t.Context(), first.Reveal()); !errors.Is(err, identity.ErrSignedOut) {
			t.Errorf("the old session: %v; want ErrSignedOut", err)
		}
	})
	t.Run("forgets a session at sign-out, also one that was just used", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		token := h.signIn(t)
		if _, err := h.people.Authenticate(t.Context(), token.Reveal()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := h.people.SignOut(t.Context(), token.Reveal()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.people.Authenticate(t.Context(), token.Reveal()); !errors.Is(err, identity.ErrSignedOut) {
			t.Errorf("err = %v; want ErrSignedOut", err)
		}
	})
	t.Run("ends a session that was idle for seven days", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		token := h.signIn(t)
		h.clock.Move(7*24*time.Hour - time.Second)
		if _, err := h.people.Authenticate(t.Context(), token.Reveal()); err != nil {
			t.Fatalf("just before: %v", err)
		}
		h.clock.Move(7 * 24 * time.Hour)
		if _, err := h.people.Authenticate(t.Context(), token.Reveal()); !errors.Is(err, identity.ErrSignedOut) {
			t.Errorf("err = %v; want ErrSignedOut", err)
		}
	})
	t.Run("ends a session after thirty days however busy, and sweeps it away", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		token := h.signIn(t)
		for range 29 {
			h.clock.Move(24 * time.Hour)
			if _, err := h.people.Authenticate(t.Context(), token.Reveal()); err != nil {
				t.Fatalf("within thirty days: %v", err)
			}
		}
		h.clock.Move(24 * time.Hour)
		if _, err := h.people.Authenticate(t.Context(), token.Reveal()); !errors.Is(err, identity.ErrSignedOut) {
			t.Errorf("err = %v; want ErrSignedOut", err)
		}
		if err := h.people.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if page, err := h.store.Find(t.Context(), "sessions", docstore.Query{}); err != nil || len(page.Docs) != 0 {
			t.Errorf("%d sessions left, %v", len(page.Docs), err)
		}
	})
	t.Run("stops guessing at one address and leaves its owner in peace", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.PublicLimits())
		stranger := identity.WithOrigin(t.Context(), "198.51.100.7")
		var err error
		for range 9 {
			_, _, _, err = h.people.SignIn(stranger, "ada@example.com", "guess", "")
		}
		if !errors.Is(err, identity.ErrTooMany) {
			t.Errorf("the ninth guess: %v; want ErrTooMany", err)
		}
		owner := identity.WithOrigin(t.Context(), "203.0.113.9")
		if _, _, _, err := h.people.SignIn(owner, "ada@example.com", herons, ""); err != nil {
			t.Errorf("the owner: %v", err)
		}
	})
	t.Run("serves many at once", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		token := h.signIn(t)
		h.clock.Move(2 * time.Hour) // so that all of them want to note the visit
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if _, err := h.people.Authenticate(t.Context(), token.Reveal()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

func TestOperations(t *testing.T) {
	t.Parallel()
	named := func(_ context.Context, who identity.Who, v *identity.View) error {
		v.Tenant = &identity.TenantView{ID: who.Tenant, Name: "Herons Ltd"}
		return nil
	}
	for name, secure := range map[string]bool{"over TLS": true, "on loopback": false} {
		t.Run("carries the session in a cookie that scripts cannot read, "+name, func(t *testing.T) {
			t.Parallel()
			h := open(t, identity.LocalLimits())
			o := identity.NewOperations(h.people, identity.NewJar(secure), named)
			var r identity.SignInRequest
			r.Body.Email, r.Body.Password = "ada@example.com", herons
			in, err := o.SignIn(t.Context(), &r)
			if err != nil {
				t.Fatal(err)
			}
			c := in.SetCookie
			want := "dyocense"
			if secure {
				want = "__Host-dyocense"
			}
			if c.Name != want || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("cookie = %+v", c)
			}
			if in.Body.Person.Email != "ada@example.com" || in.Body.Tenant.Name != "Herons Ltd" || in.Body.Access != "none" || in.CacheControl != "no-store" {
				t.Errorf("body = %+v", in.Body)
			}
			if out, err := o.SignOut(t.Context(), &identity.SignOutRequest{Cookies: identity.Cookies{Secure: c.Value, Plain: c.Value}}); err != nil || out.SetCookie.MaxAge >= 0 || out.SetCookie.Name != want {
				t.Errorf("SignOut = %+v, %v", out, err)
			}
			if _, err := h.people.Authenticate(t.Context(), c.Value); !errors.Is(err, identity.ErrSignedOut) {
				t.Errorf("after signing out: %v", err)
			}
		})
	}
	t.Run("tells nothing to who is not signed in", func(t *testing.T) {
		t.Parallel()
		h := open(t, identity.LocalLimits())
		o := identity.NewOperations(h.people, identity.NewJar(false))
		if _, err := o.Session(t.Context(), &identity.SessionRequest{}); !errors.Is(err, identity.ErrSignedOut) {
			t.Errorf("err = %v; want ErrSignedOut", err)
		}
		who := identity.Who{Person: h.ada.ID, Email: "ada@example.com"}
		if v, err := o.Session(identity.With(t.Context(), who), &identity.SessionRequest{}); err != nil || v.Body.Person.ID != h.ada.ID {
			t.Errorf("Session = %+v, %v", v, err)
		}
	})
}
