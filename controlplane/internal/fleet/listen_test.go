package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/shared/bus"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

func TestListen(t *testing.T) {
	t.Parallel()

	t.Run("acknowledges a report only after the hook has kept it", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		var mu sync.Mutex // the hook runs where answers are made
		fails := true
		var kept []contract.Report
		b.fleet.OnReport(func(_ context.Context, env id.Environment, _ id.Agent, r contract.Report) error {
			mu.Lock()
			defer mu.Unlock()
			if fails {
				fails = false
				return fmt.Errorf("disk full")
			}
			if env != b.pool.ID {
				t.Errorf("from %s", env)
			}
			kept = append(kept, r)
			return nil
		})
		b.listen(t)
		h, e := b.enrol(t, b.pool.ID)
		nc := h.connect(t, e)
		tenant := id.NewTenant()
		revision, err := b.fleet.Want(t.Context(), b.pool.ID, wanted(tenant))
		if err != nil {
			t.Fatal(err)
		}
		r := contract.Report{V: contract.Version, Tenant: tenant, Revision: revision, State: contract.TenantServing, OK: true}
		ask := func(r contract.Report) error {
			_, err := bus.Ask[contract.Ack](t.Context(), nc, contract.Ask(e.Agent, contract.VerbReport), r)
			return err
		}
		if err := ask(r); !fault.KindOf(err).Retryable() || strings.Contains(err.Error(), "disk") {
			t.Errorf("while the hook fails: %v", err)
		}
		if err := ask(r); err != nil {
			t.Errorf("when it keeps: %v", err)
		}
		mu.Lock()
		if diff := cmp.Diff([]contract.Report{r}, kept); diff != "" {
			t.Error(diff)
		}
		mu.Unlock()
		other := r
		other.Tenant = id.NewTenant()
		if err := ask(other); !errors.Is(err, fleet.ErrReport) {
			t.Errorf("about somebody else's tenant: %v", err)
		}
		later := r
		later.Revision = 99
		if err := ask(later); !errors.Is(err, fleet.ErrReport) {
			t.Errorf("about what was never wanted: %v", err)
		}
	})

	t.Run("knows who lives from the beats, and forgets after three", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.listen(t)
		h, e := b.enrol(t, b.pool.ID)
		alive := func() []id.Agent { return b.fleet.Alive(b.pool.ID) }
		if got := alive(); len(got) != 0 {
			t.Errorf("alive before its first beat: %v", got)
		}
		beat := contract.Beat{V: contract.Version, Program: "2.0.0", Mode: features.SMB, Started: time.Now().UTC(), Tenants: 3}
		if _, err := bus.Ask[contract.Ack](t.Context(), h.connect(t, e), contract.Ask(e.Agent, contract.VerbBeat), beat); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]id.Agent{e.Agent}, alive()); diff != "" {
			t.Error(diff)
		}
		agents, err := b.fleet.Agents(t.Context(), b.pool.ID)
		if err != nil || agents[0].Beat.Tenants != 3 || agents[0].Program != "2.0.0" {
			t.Errorf("%+v, %v", agents, err)
		}
		fleet.Age(b.fleet, e.Agent, 3*contract.BeatEvery+time.Second)
		if got := alive(); len(got) != 0 {
			t.Errorf("alive after three beats of silence: %v", got)
		}
	})

	t.Run("renews the token of the agent that asks, for its own key only", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.listen(t)
		h, e := b.enrol(t, b.pool.ID)
		nc := h.connect(t, e)
		renew := func(key string) (contract.Renewed, error) {
			return bus.Ask[contract.Renewed](t.Context(), nc, contract.Ask(e.Agent, contract.VerbRenew), contract.Renew{V: contract.Version, PublicKey: key})
		}
		got, err := renew(h.public)
		if err != nil || got.JWT == "" {
			t.Fatalf("%+v, %v", got, err)
		}
		e.JWT = got.JWT
		h.connect(t, e)
		if _, err := renew(newHolder(t).public); !errors.Is(err, fleet.ErrKey) {
			t.Errorf("another key: %v", err)
		}
	})

	t.Run("does not answer an agent that the registry does not know", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.listen(t)
		h := newHolder(t)
		stranger := id.NewAgent()
		token, _, err := b.edge.Authority().MintUser(t.Context(), b.pool.ID, stranger, h.public, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		nc := h.connect(t, contract.Enrolled{Agent: stranger, JWT: token, Servers: b.edge.URLs()})
		_, err = bus.Ask[contract.Desired](t.Context(), nc, contract.Ask(stranger, contract.VerbDesired), contract.DesiredRequest{V: contract.Version})
		if !errors.Is(err, fleet.ErrStranger) {
			t.Errorf("got %v", err)
		}
	})
}
