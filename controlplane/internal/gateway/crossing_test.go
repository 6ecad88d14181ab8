package gateway_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/controlplane/internal/gateway"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/embedded"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// site is an environment with one agent behind the real tunnel. It carries out
// commands, the bodies of requests, while it owns its tenants; otherwise it
// refuses them before it reads them, as a tenant's store does.
type site struct {
	env     id.Environment
	account string
	agent   id.Agent
	refused atomic.Int64

	mu    sync.Mutex
	moved string // the value of contract.MovedHeader; "" while it owns
	done  map[string]int
}

// ServeHTTP implements http.Handler.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.turnedAway(w) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	moved := s.moved
	if moved == "" {
		s.done[string(body)]++
	}
	s.mu.Unlock()
	if moved != "" { // the switch came while the body did
		s.turnedAway(w)
		return
	}
	_, _ = w.Write([]byte(s.env))
}

func (s *site) turnedAway(w http.ResponseWriter) bool {
	s.mu.Lock()
	moved := s.moved
	s.mu.Unlock()
	if moved == "" {
		return false
	}
	s.refused.Add(1)
	w.Header().Set(contract.MovedHeader, moved)
	w.WriteHeader(http.StatusServiceUnavailable)
	return true
}

func (s *site) become(moved string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved = moved
}

// sites are the agents of a fleet in which all live.
type sites map[id.Environment]*site

// Account implements gateway.Agents.
func (s sites) Account(_ context.Context, env id.Environment) (string, error) {
	return s[env].account, nil
}

// Alive implements gateway.Agents.
func (s sites) Alive(env id.Environment) []id.Agent {
	if s[env] == nil {
		return nil
	}
	return []id.Agent{s[env].agent}
}

// Pool implements provisioning.Fleet.
func (s sites) Pool(context.Context) (id.Environment, error) {
	for env, at := range s {
		if at.moved == "" {
			return env, nil
		}
	}
	return "", gateway.ErrNobody
}

// Want implements provisioning.Fleet.
func (sites) Want(context.Context, id.Environment, contract.WantedTenant) (int64, error) {
	return 1, nil
}

// placements are the real routes.
type placements struct{ *provisioning.Service }

func (p placements) Route(ctx context.Context, t id.Tenant) (gateway.Route, error) {
	r, err := p.Service.Route(ctx, t)
	return gateway.Route(r), err
}

// crossing is a gateway over a real edge with an owner, a standby, and tenants that
// are about to move from the one to the other.
type crossing struct {
	*gateway.Gateway
	places   placements
	from, to *site
	tenants  []id.Tenant
}

func newCrossing(t *testing.T, tenants int) *crossing {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	e, err := embedded.StartEdge(t.Context(), embedded.EdgeConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	must(t, err)
	t.Cleanup(e.Stop)
	nc, err := e.Connect("gateway")
	must(t, err)
	t.Cleanup(nc.Close)
	client, err := tunnel.NewClient(nc, log)
	must(t, err)
	t.Cleanup(func() { must(t, client.Close()) })
	c := &crossing{from: serve(t, e, ""), to: serve(t, e, contract.MovedStandby)}
	agents := sites{c.from.env: c.from, c.to.env: c.to}

	store, err := sqlitestore.Open(filepath.Join(t.TempDir(), "control.db"), sqlitestore.Options{})
	must(t, err)
	t.Cleanup(func() { _ = store.Close() })
	must(t, store.Ensure(t.Context(), provisioning.Collections()...))
	c.places = placements{provisioning.New(store, agents, func(context.Context, id.Tenant, id.Environment) error { return nil }, log)}
	for range tenants {
		tenant := id.NewTenant()
		c.tenants = append(c.tenants, tenant)
		must(t, c.places.Request(t.Context(), tenant, "Shop", "growth"))
		steps := func() {
			for again := true; again; {
				again, err = c.places.Step(t.Context(), tenant)
				must(t, err)
			}
		}
		steps()
		must(t, c.places.Reported(t.Context(), c.from.env, contract.Report{Tenant: tenant, Revision: 1, State: contract.TenantServing, OK: true}))
		steps()
	}
	c.Gateway = gateway.New(client, c.places, gateway.Among(agents))
	return c
}

// serve starts an agent of an environment of its own and waits until it is reached.
func serve(t *testing.T, e *embedded.Edge, moved string) *site {
	t.Helper()
	s := &site{env: id.NewEnvironment(), agent: id.NewAgent(), moved: moved, done: map[string]int{}}
	var err error
	s.account, err = e.Authority().EnsureAccount(t.Context(), s.env)
	must(t, err)
	key, err := nkeys.CreateUser()
	must(t, err)
	public, err := key.PublicKey()
	must(t, err)
	token, _, err := e.Authority().MintUser(t.Context(), s.env, s.agent, public, time.Hour)
	must(t, err)
	nc, err := nats.Connect(e.URLs()[0], nats.CustomInboxPrefix(contract.InboxPrefix(s.agent)), nats.UserJWT(
		func() (string, error) { return token, nil },
		func(nonce []byte) ([]byte, error) { return key.Sign(nonce) }))
	must(t, err)
	t.Cleanup(nc.Close)
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- tunnel.Serve(ctx, nc, s.agent, s, tunnel.Limits{Ready: func() { close(ready) }}, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
	<-ready
	must(t, nc.Flush()) // the gateway is on another connection: let the server know first
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		t.FailNow()
	}
}

// begin notes every tenant's move in its placement.
func (c *crossing) begin(t *testing.T) {
	t.Helper()
	for _, tenant := range c.tenants {
		must(t, c.places.BeginSwitch(t.Context(), tenant, "mig_1", c.from.env, c.to.env))
	}
}

// note notes that every tenant has switched.
func (c *crossing) note(t *testing.T) {
	t.Helper()
	for _, tenant := range c.tenants {
		must(t, c.places.Switched(t.Context(), tenant, "mig_1", 1, c.from.env, c.to.env))
	}
}

// command sends one and gives the environment that carried it out.
func (c *crossing) command(ctx context.Context, tenant id.Tenant, body io.Reader) (id.Environment, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "/v1/runs", body)
	if err != nil {
		return "", err
	}
	r, err := c.Forward(ctx, contract.Principal{Tenant: tenant, Role: contract.RoleOwner}, q)
	if err != nil {
		return "", err
	}
	defer r.Body.Close() //nolint:errcheck // read to its end
	if v, leaked := r.Header[contract.MovedHeader]; leaked || r.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d, moved %q", r.StatusCode, v)
	}
	b, err := io.ReadAll(r.Body)
	return id.Environment(b), err
}

// await waits until ok, which something else brings about.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not happen", what)
		}
	}
}

func TestACommandCrossesASwitchOnce(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"small": "order 7", "in many frames": strings.Repeat("order 7, ", 1<<18)} {
		t.Run("with a body that is "+name, func(t *testing.T) {
			t.Parallel()
			c := newCrossing(t, 1)
			c.begin(t)
			c.from.become(string(c.to.env))
			type outcome struct {
				at  id.Environment
				err error
			}
			got := make(chan outcome, 1)
			go func() {
				at, err := c.command(t.Context(), c.tenants[0], io.MultiReader(strings.NewReader(body))) // can be read once
				got <- outcome{at, err}
			}()
			await(t, "a second refusal by the standby", func() bool { return c.to.refused.Load() > 1 })
			c.to.become("")
			if o := <-got; o.err != nil || o.at != c.to.env {
				t.Errorf("carried out at %q: %v", o.at, o.err)
			}
			if c.from.done[body] != 0 || c.to.done[body] != 1 || c.from.refused.Load() != 1 {
				t.Errorf("carried out %d times at the old owner and %d at the new", c.from.done[body], c.to.done[body])
			}
		})
	}
}

func TestTwoHundredAtOnceCrossASwitch(t *testing.T) {
	t.Parallel()
	const tenants, each = 4, 50
	c := newCrossing(t, tenants)
	var (
		all          sync.WaitGroup
		stop         = make(chan struct{})
		sent, failed atomic.Int64
		crossed      atomic.Int64 // answers of the new owner
	)
	for i := range tenants * each {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				sent.Add(1)
				at, err := c.command(t.Context(), c.tenants[i%tenants], strings.NewReader(fmt.Sprintf("command %d of sender %d", n, i)))
				if err != nil {
					failed.Add(1)
					t.Errorf("sender %d, command %d: %v", i, n, err)
					return
				}
				if at == c.to.env {
					crossed.Add(1)
				}
			}
		})
	}
	await(t, "work at the old owner", func() bool { return sent.Load() > tenants*each })
	c.begin(t)
	began := time.Now()
	c.from.become(string(c.to.env))
	await(t, "a refusal by the standby for most", func() bool { return c.to.refused.Load() > tenants*each/2 })
	c.to.become("")
	opened := time.Since(began)
	await(t, "an answer before the placement says so", func() bool { return crossed.Load() > 0 })
	c.note(t)
	await(t, "work at the new owner", func() bool { return crossed.Load() > 2*tenants*each })
	close(stop)
	all.Wait()
	total := 0
	for _, at := range []*site{c.from, c.to} {
		for command, n := range at.done {
			total += n
			if n != 1 || at == c.from && c.to.done[command] != 0 {
				t.Errorf("%s was carried out %d times here and %d times at the new owner", command, n, c.to.done[command])
			}
		}
	}
	if int64(total) != sent.Load() || failed.Load() != 0 {
		t.Errorf("%d sent, %d carried out, %d failed", sent.Load(), total, failed.Load())
	}
	t.Logf("%d commands, nobody owned the tenants for %s, %d refusals at the old owner, %d at the standby",
		sent.Load(), opened, c.from.refused.Load(), c.to.refused.Load())
}
