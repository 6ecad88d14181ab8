package signup_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/signup"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

const (
	site   = "http://127.0.0.1:8080"
	herons = "seven green herons"
)

var ada = signup.Wish{Email: "Ada@Example.com", Password: herons, Company: "Herons Ltd"}

// process is the slices as they are after a start.
type process struct {
	people  *identity.People
	tenants *tenancy.Tenants
	mailbox *notify.Mailbox
	desk    *signup.Desk
	ops     *signup.Operations
}

func openStore(t *testing.T) docstore.Store {
	return tenancytest.Open(t, identity.Collections(), tenancy.Collections(), notify.Collections(), signup.Collections())
}

func start(t *testing.T, s docstore.Store, clock *tenancytest.Clock, limits identity.Limits) process {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	var p process
	var err error
	p.tenants = tenancy.New(s, clock.Now)
	p.people = identity.New(s, p.tenants, identity.Options{Limits: &limits, Now: clock.Now, Log: log})
	if p.mailbox, err = notify.New(s, nil, clock.Now, log); err != nil {
		t.Fatal(err)
	}
	p.desk = signup.New(s, p.people, p.tenants, p.mailbox, site, clock.Now, log)
	p.ops = signup.NewOperations(p.desk, identity.NewOperations(p.people, identity.NewJar(false), p.tenants.Describe))
	return p
}

var link = regexp.MustCompile(`/verify#token=([A-Za-z0-9_-]+)`)

// token is the one in the newest mail.
func token(t *testing.T, p process) string {
	t.Helper()
	mails, err := p.mailbox.Newest(t.Context(), 1)
	if err != nil || len(mails) != 1 {
		t.Fatalf("no mail: %v", err)
	}
	found := link.FindStringSubmatch(mails[0].Text)
	if found == nil || !strings.Contains(mails[0].HTML, found[0]) {
		t.Fatalf("no link in %q and %q", mails[0].Text, mails[0].HTML)
	}
	return found[1]
}

func verify(ctx context.Context, p process, token string) (*identity.SignedIn, error) {
	var r signup.VerifyRequest
	r.Body.Token = token
	return p.ops.Verify(ctx, &r)
}

func count(t *testing.T, s docstore.Store, collection string) int {
	t.Helper()
	page, err := s.Find(t.Context(), collection, docstore.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Docs)
}

func TestSignup(t *testing.T) {
	t.Parallel()
	fresh := func(t *testing.T) (process, docstore.Store, *tenancytest.Clock) {
		s, clock := openStore(t), tenancytest.NewClock()
		return start(t, s, clock, identity.LocalLimits()), s, clock
	}
	t.Run("turns a visitor into the owner of a tenant, signed in", func(t *testing.T) {
		t.Parallel()
		p, _, _ := fresh(t)
		if err := p.desk.Begin(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		if known, err := p.people.Knows(t.Context(), "ada@example.com"); known || err != nil {
			t.Errorf("there is a person before the address is confirmed (%v)", err)
		}
		in, err := verify(t.Context(), p, token(t, p))
		if err != nil {
			t.Fatal(err)
		}
		if v := in.Body; v.Person.Email != "ada@example.com" || v.Tenant == nil || v.Tenant.Name != "Herons Ltd" || v.Role != "owner" {
			t.Errorf("session = %+v", v)
		}
		if who, err := p.people.Authenticate(t.Context(), in.SetCookie.Value); err != nil || who.Tenant != in.Body.Tenant.ID {
			t.Errorf("Authenticate = %+v, %v", who, err)
		}
		if _, _, _, err := p.people.SignIn(t.Context(), "ada@example.com", herons, ""); err != nil {
			t.Errorf("signing in with the chosen password: %v", err)
		}
	})
	t.Run("answers alike for known and unknown addresses, and writes to both", func(t *testing.T) {
		t.Parallel()
		p, s, _ := fresh(t)
		ask := func() string {
			var r signup.BeginRequest
			r.Body.Email, r.Body.Password, r.Body.Company = ada.Email, ada.Password, ada.Company
			answer, err := p.ops.SignUp(t.Context(), &r)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%+v", *answer)
		}
		unknown := ask()
		if _, err := verify(t.Context(), p, token(t, p)); err != nil {
			t.Fatal(err)
		}
		signups, mails := count(t, s, "signups"), count(t, s, "mails")
		known := ask()
		if known != unknown {
			t.Errorf("known %s, unknown %s", known, unknown)
		}
		if count(t, s, "signups") != signups+1 || count(t, s, "mails") != mails+1 {
			t.Error("a known address causes other writes than an unknown one")
		}
		newest, err := p.mailbox.Newest(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, m := range newest {
			if strings.Contains(m.Subject, "already have") && !link.MatchString(m.Text) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("no mail says that there is an account: %+v", newest)
		}
	})
	t.Run("works once for each link", func(t *testing.T) {
		t.Parallel()
		p, s, _ := fresh(t)
		if err := p.desk.Begin(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		link := token(t, p)
		if _, err := verify(t.Context(), p, link); err != nil {
			t.Fatal(err)
		}
		if _, err := verify(t.Context(), p, link); !errors.Is(err, signup.ErrUsed) {
			t.Errorf("the second time: %v; want ErrUsed", err)
		}
		if n := count(t, s, "sessions"); n != 1 {
			t.Errorf("%d sessions; want 1", n)
		}
	})
	t.Run("lets one of many that open a link at once win", func(t *testing.T) {
		t.Parallel()
		p, s, _ := fresh(t)
		if err := p.desk.Begin(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		link := token(t, p)
		var all sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 8 {
			all.Go(func() {
				_, err := verify(t.Context(), p, link)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case !errors.Is(err, signup.ErrUsed):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won != 1 || count(t, s, "people") != 1 || count(t, s, "tenants") != 1 || count(t, s, "members") != 1 || count(t, s, "sessions") != 1 {
			t.Errorf("%d winners, %d people, %d tenants", won, count(t, s, "people"), count(t, s, "tenants"))
		}
	})
	t.Run("gives the address to the first of two sign-ups that is confirmed", func(t *testing.T) {
		t.Parallel()
		p, s, clock := fresh(t)
		if err := p.desk.Begin(t.Context(), signup.Wish{Email: ada.Email, Password: "a stranger's password", Company: "Strangers"}); err != nil {
			t.Fatal(err)
		}
		strangers := token(t, p)
		clock.Move(time.Minute)
		if err := p.desk.Begin(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		if _, err := verify(t.Context(), p, token(t, p)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := verify(t.Context(), p, strangers); !errors.Is(err, identity.ErrAddressTaken) {
				t.Errorf("the other: %v; want ErrAddressTaken", err)
			}
		}
		if count(t, s, "tenants") != 1 {
			t.Error("the other sign-up made a tenant")
		}
	})
	t.Run("refuses links that are wrong or too old, and forgets them", func(t *testing.T) {
		t.Parallel()
		p, s, clock := fresh(t)
		if err := p.desk.Begin(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range []string{"", "x", identity.NewToken().Reveal(), strings.Repeat("a", 1000)} {
			if _, err := verify(t.Context(), p, wrong); !errors.Is(err, signup.ErrLink) {
				t.Errorf("token %.10q: %v; want ErrLink", wrong, err)
			}
		}
		clock.Move(24 * time.Hour)
		if _, err := verify(t.Context(), p, token(t, p)); !errors.Is(err, signup.ErrLink) {
			t.Errorf("a day later: %v; want ErrLink", err)
		}
		clock.Move(time.Second)
		if err := p.desk.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, s, "signups"); n != 0 {
			t.Errorf("%d sign-ups left", n)
		}
	})
	t.Run("names everything that is wrong with a wish", func(t *testing.T) {
		t.Parallel()
		p, s, _ := fresh(t)
		err := p.desk.Begin(t.Context(), signup.Wish{Email: "ada", Password: "short", Company: " "})
		var f *fault.Error
		if !errors.As(err, &f) || !errors.Is(err, signup.ErrRequest) || len(f.Details) != 3 {
			t.Fatalf("err = %v", err)
		}
		for i, location := range []string{"body.email", "body.password", "body.company"} {
			if f.Details[i].Location != location || f.Details[i].Message == "" {
				t.Errorf("detail %d = %+v", i, f.Details[i])
			}
		}
		if count(t, s, "signups")+count(t, s, "mails") != 0 {
			t.Error("something was kept")
		}
	})
	t.Run("does not flood an address with mails", func(t *testing.T) {
		t.Parallel()
		s, clock := openStore(t), tenancytest.NewClock()
		p := start(t, s, clock, identity.PublicLimits())
		var err error
		for range 4 {
			err = p.desk.Begin(t.Context(), ada)
		}
		if !errors.Is(err, identity.ErrTooMany) || count(t, s, "mails") != 3 {
			t.Errorf("err = %v after %d mails; want ErrTooMany after 3", err, count(t, s, "mails"))
		}
	})
	t.Run("keeps neither token nor password in a sign-up", func(t *testing.T) {
		t.Parallel()
		p, s, _ := fresh(t)
		if err := p.desk.Begin(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		link := token(t, p)
		if _, err := verify(t.Context(), p, link); err != nil {
			t.Fatal(err)
		}
		page, err := s.Find(t.Context(), "signups", docstore.Query{})
		if err != nil || len(page.Docs) != 1 {
			t.Fatal(err)
		}
		if body := page.Docs[0].ID + string(page.Docs[0].Body); strings.Contains(body, link) || strings.Contains(body, herons) || strings.Contains(body, "argon2") {
			t.Errorf("a secret is left in %s", body)
		}
	})
}

func TestSignupSurvivesDeath(t *testing.T) {
	t.Parallel()
	// The writes of Verify: sign-up confirmed, person, owner, tenant, sign-up done,
	// session. Death comes before each of them.
	const writes = 6
	for n := range writes + 1 {
		t.Run(fmt.Sprintf("after %d writes and ends in one person and one tenant", n), func(t *testing.T) {
			t.Parallel()
			s, clock := openStore(t), tenancytest.NewClock()
			before := start(t, s, clock, identity.LocalLimits())
			if err := before.desk.Begin(t.Context(), ada); err != nil {
				t.Fatal(err)
			}
			link := token(t, before)

			mortal := tenancytest.DyingAfter(s, n)
			dying := start(t, mortal, clock, identity.LocalLimits())
			_, err := verify(t.Context(), dying, link)
			if n < writes && (!mortal.Died() || err == nil) {
				t.Fatalf("it did not die: %v", err)
			}
			if n == writes && (err != nil || mortal.Writes() != writes) {
				t.Fatalf("%d writes, %v; want %d", mortal.Writes(), err, writes)
			}

			after := start(t, s, clock, identity.LocalLimits())
			_, err = verify(t.Context(), after, link)
			if finished := n >= writes-1; finished && !errors.Is(err, signup.ErrUsed) || !finished && err != nil {
				t.Errorf("opening the link again: %v", err)
			}
			who, _, _, err := after.people.SignIn(t.Context(), ada.Email, ada.Password, "")
			if err != nil || who.Tenant == "" || who.Role != "owner" {
				t.Errorf("signing in: %+v, %v", who, err)
			}
			for _, c := range []string{"people", "tenants", "members"} {
				if got := count(t, s, c); got != 1 {
					t.Errorf("%d %s; want 1", got, c)
				}
			}
		})
	}
	t.Run("and is finished by the next process when nobody comes back", func(t *testing.T) {
		t.Parallel()
		s, clock := openStore(t), tenancytest.NewClock()
		before := start(t, s, clock, identity.LocalLimits())
		if err := before.desk.Begin(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		dying := start(t, tenancytest.DyingAfter(s, 2), clock, identity.LocalLimits())
		if _, err := verify(t.Context(), dying, token(t, before)); err == nil {
			t.Fatal("it did not die")
		}
		clock.Move(time.Minute)
		after := start(t, s, clock, identity.LocalLimits())
		if err := after.desk.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if who, _, _, err := after.people.SignIn(t.Context(), ada.Email, ada.Password, ""); err != nil || who.Tenant == "" {
			t.Errorf("signing in: %+v, %v", who, err)
		}
	})
}
