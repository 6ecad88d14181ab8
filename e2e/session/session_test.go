// Package session_test holds an agent's session against the real fleet: registry,
// edge, enrolment and gateway of the control plane in the test process.
package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/sessiontest"
	"github.com/dyocense/dyocense/controlplane/fleettest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

func place(t *testing.T, p *fleettest.Plane) *sessiontest.Agent {
	t.Helper()
	return &sessiontest.Agent{Dir: t.TempDir(), ControlPlane: p.URL, Token: p.Token(t)}
}

func report(t *testing.T, p *fleettest.Plane, about id.Tenant) fleettest.Report {
	t.Helper()
	for deadline := time.After(30 * time.Second); ; {
		select {
		case r := <-p.Reports:
			if r.Tenant == about {
				return r
			}
		case <-deadline:
			t.Fatalf("no report about %s", about)
		}
	}
}

// until polls with a deadline: what is waited for happens in another part and
// has no channel.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); !holds(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not so in time: %s", what)
		}
	}
}

func TestSession(t *testing.T) {
	t.Parallel()

	t.Run("carries out what is wanted and answers the tenant's requests", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		a.Start(t)
		tenant := id.NewTenant()
		revision := p.Want(t, tenant)
		r := report(t, p, tenant)
		if !r.OK || r.Revision != revision || r.State != contract.TenantServing || len(r.Steps) != 1 {
			t.Errorf("%+v", r)
		}
		until(t, "the agent lives", func() bool { return len(p.Alive()) == 1 })
		who := contract.Principal{Tenant: tenant, Person: id.NewPerson(), Role: contract.RoleOwner, Plan: "growth"}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://shop/v1/runs", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := p.Forward(t.Context(), who, request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() //nolint:errcheck // read to its end
		var got contract.Principal
		if err := json.NewDecoder(response.Body).Decode(&got); err != nil || got != who {
			t.Errorf("the agent saw %+v (%v)", got, err)
		}
	})

	t.Run("keeps its identity over a restart, without a token", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		l := a.Start(t)
		first := id.NewTenant()
		p.Want(t, first)
		before := report(t, p, first).Agent
		// A line whose acknowledgement is cut off would rightly be carried out again.
		until(t, "the agent remembers the line", func() bool {
			b, err := os.ReadFile(filepath.Join(a.Dir, "desired.json"))
			return err == nil && strings.Contains(string(b), `"have":1`)
		})
		l.Stop()
		a.Token = ""
		a.Start(t)
		second := id.NewTenant()
		p.Want(t, second)
		if after := report(t, p, second).Agent; after != before {
			t.Errorf("%s became %s", before, after)
		}
		if got := a.Applied(); len(got) != 2 {
			t.Errorf("carried out %d lines, want each of the two once", len(got))
		}
		if n := len(p.Enrolled(t)); n != 1 {
			t.Errorf("%d agents are enrolled", n)
		}
	})

	t.Run("reads the join token once, and enrols once however often it comes", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		for range 2 {
			l := a.Start(t)
			tenant := id.NewTenant()
			p.Want(t, tenant)
			report(t, p, tenant)
			l.Stop()
			// An identity lost with the key kept: the key alone proves who it is.
			if err := os.Remove(filepath.Join(a.Dir, "identity.json")); err != nil {
				t.Fatal(err)
			}
		}
		if n, reads := len(p.Enrolled(t)), a.TokenReads(); n != 1 || reads != 1 {
			t.Errorf("%d agents, %d reads of the token", n, reads)
		}
	})

	t.Run("gives up on a join token that is wrong or used, and says so", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		l := a.Start(t)
		until(t, "the agent lives", func() bool { return len(p.Alive()) == 1 })
		l.Stop()
		used := &sessiontest.Agent{Dir: t.TempDir(), ControlPlane: p.URL, Token: a.Token}
		if err := used.Start(t).Failure(); !errors.Is(err, fleettest.ErrToken) || strings.Contains(err.Error(), a.Token.Reveal()) {
			t.Errorf("used: %v", err)
		}
		wrong := &sessiontest.Agent{Dir: t.TempDir(), ControlPlane: p.URL, Token: "join_nonsense"}
		if err := wrong.Start(t).Failure(); !errors.Is(err, fleettest.ErrToken) {
			t.Errorf("wrong: %v", err)
		}
		none := &sessiontest.Agent{Dir: t.TempDir(), ControlPlane: p.URL}
		if err := none.Start(t).Failure(); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "DYOCENSE_JOIN_TOKEN_FILE") {
			t.Errorf("none: %v", err)
		}
	})

	t.Run("ends for good when it is revoked", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		l := a.Start(t)
		until(t, "the agent lives", func() bool { return len(p.Alive()) == 1 })
		p.Revoke(t, p.Alive()[0])
		if err := l.Failure(); !errors.Is(err, fleettest.ErrRevoked) {
			t.Errorf("got %v", err)
		}
		if err := a.Start(t).Failure(); !errors.Is(err, fleettest.ErrRevoked) {
			t.Errorf("when it came back: %v", err)
		}
	})

	t.Run("comes back after a restart of the control plane and catches up", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		a.Start(t)
		first := id.NewTenant()
		p.Want(t, first)
		before := report(t, p, first).Agent
		p.Stop(t)
		p.Start(t)
		second := id.NewTenant()
		p.Want(t, second) // most likely nobody hears the nudge
		if r := report(t, p, second); r.Agent != before || !r.OK {
			t.Errorf("%+v", r)
		}
		until(t, "the agent lives again", func() bool { return len(p.Alive()) == 1 })
	})

	t.Run("carries out what was wanted while it was down, in order", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		l := a.Start(t)
		until(t, "the agent lives", func() bool { return len(p.Alive()) == 1 })
		l.Stop()
		first, second := id.NewTenant(), id.NewTenant()
		p.Want(t, first)
		p.Want(t, second)
		a.Start(t)
		report(t, p, first)
		report(t, p, second)
		if got := a.Applied(); len(got) != 2 || got[0].Tenant != first || got[1].Tenant != second {
			t.Errorf("carried out %+v", got)
		}
	})

	t.Run("reports a tenant that cannot be served and goes on with the next", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		bad, worse, good := id.NewTenant(), id.NewTenant(), id.NewTenant()
		a.Fail = func(tenant id.Tenant) error {
			switch tenant {
			case bad:
				return fault.New(fault.Exhausted, "test.full", "The disk is full.")
			case worse:
				panic("a bug with password=hunter2")
			}
			return nil
		}
		a.Start(t)
		p.Want(t, bad)
		p.Want(t, worse)
		p.Want(t, good)
		if r := report(t, p, bad); r.OK || r.Reason != "The disk is full." {
			t.Errorf("%+v", r)
		}
		if r := report(t, p, worse); r.OK || r.Reason == "" || strings.Contains(r.Reason, "hunter2") {
			t.Errorf("%+v", r)
		}
		if r := report(t, p, good); !r.OK {
			t.Errorf("%+v", r)
		}
	})

	t.Run("begins anew when the control plane was restored to an earlier day", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		l := a.Start(t)
		first := id.NewTenant()
		p.Want(t, first)
		report(t, p, first)
		l.Stop()
		progress := filepath.Join(a.Dir, "desired.json")
		if err := os.WriteFile(progress, []byte(`{"environment":"`+string(p.Pool)+`","have":99}`), 0o600); err != nil {
			t.Fatal(err)
		}
		a.Start(t)
		report(t, p, first)
	})

	t.Run("refuses to send a join token in the clear to another machine", func(t *testing.T) {
		t.Parallel()
		for _, address := range []string{"http://shop.example", "ftp://127.0.0.1", "127.0.0.1:8080", "https://user@shop.example", "https://shop.example?token=1"} {
			a := &sessiontest.Agent{Dir: t.TempDir(), ControlPlane: address, Token: "join_x"}
			if err := a.Start(t).Failure(); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s: %v", address, err)
			}
		}
	})

	t.Run("keeps its seed to its owner", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		l := a.Start(t)
		until(t, "the agent lives", func() bool { return len(p.Alive()) == 1 })
		l.Stop()
		for _, name := range []string{"agent.nk", "identity.json"} {
			info, err := os.Stat(filepath.Join(a.Dir, name))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", name, info, err)
			}
		}
	})

	t.Run("waits for a control plane that is not there yet", func(t *testing.T) {
		t.Parallel()
		p := fleettest.New(t)
		a := place(t, p)
		p.Stop(t)
		a.Start(t)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		<-ctx.Done() // it has tried and found nobody
		p.Start(t)
		until(t, "the agent lives", func() bool { return len(p.Alive()) == 1 })
	})
}
