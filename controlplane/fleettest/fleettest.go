// Package fleettest runs the control plane's side of the fleet in the test
// process: the registry, the edge, the door where agents enrol, and a gateway.
//
// It owns the set-up only; every part is the one that the product runs.
package fleettest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/controlplane/internal/dedicated"
	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/controlplane/internal/gateway"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/embedded"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/secret"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// Plane is a control plane with one environment.
type Plane struct {
	URL     string // where agents enrol
	Pool    id.Environment
	Reports chan Report // every report that was kept

	dir     string
	store   docstore.Store
	edge    *embedded.Edge
	nc      *nats.Conn
	fleet   *fleet.Service
	tunnel  *tunnel.Client
	gateway *gateway.Gateway
	door    *http.Server
	closed  chan struct{}
	address string
}

// Report is a report with who made it.
type Report struct {
	Agent id.Agent
	contract.Report
}

// New starts a plane that ends with the test.
func New(t testing.TB) *Plane {
	t.Helper()
	p := &Plane{dir: t.TempDir(), address: "127.0.0.1:0", Reports: make(chan Report, 1000)}
	p.Start(t)
	t.Cleanup(func() { p.Stop(t) })
	return p
}

// Start starts a stopped plane on its directory and its ports.
func (p *Plane) Start(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	log := slog.New(slog.DiscardHandler)
	store, err := sqlitestore.Open(filepath.Join(p.dir, "plane.db"), sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.store = store
	if err := p.store.Ensure(ctx, fleet.Collections()...); err != nil {
		t.Fatal(err)
	}
	if p.edge, err = embedded.StartEdge(ctx, embedded.EdgeConfig{Dir: filepath.Join(p.dir, "edge"), Listen: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	if p.nc, err = p.edge.Connect("plane"); err != nil {
		t.Fatal(err)
	}
	p.fleet = fleet.New(p.store, p.edge.Authority(), p.nc, p.edge.URLs, log)
	p.fleet.OnReport(func(_ context.Context, _ id.Environment, a id.Agent, r contract.Report) error {
		p.Reports <- Report{a, r}
		return nil
	})
	pool, err := p.fleet.EnsureEnvironment(ctx, "pool", features.SMB)
	if err != nil {
		t.Fatal(err)
	}
	p.Pool = pool.ID
	if err := p.fleet.Listen(); err != nil {
		t.Fatal(err)
	}
	if p.tunnel, err = tunnel.NewClient(p.nc, log); err != nil {
		t.Fatal(err)
	}
	p.gateway = gateway.New(p.tunnel, staying(p.Pool), gateway.Among(p.fleet))
	p.open(t)
}

// staying is the route of tenants that live in one environment for good.
type staying id.Environment

// Route implements gateway.Routes.
func (s staying) Route(context.Context, id.Tenant) (gateway.Route, error) {
	return gateway.Route{Environment: id.Environment(s)}, nil
}

// Changes implements gateway.Routes.
func (staying) Changes(context.Context) <-chan struct{} { return nil }

// open serves the enrolment operations over HTTP.
func (p *Plane) open(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	p.address = l.Addr().String()
	p.URL = "http://" + p.address
	ops := fleet.NewOperations(p.fleet)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /agent/v1/challenge", func(w http.ResponseWriter, r *http.Request) {
		var q fleet.ChallengeRequest
		if err := json.NewDecoder(r.Body).Decode(&q.Body); err != nil {
			answer(w, nil, contract.ErrMalformed)
			return
		}
		c, err := ops.Challenge(r.Context(), &q)
		if err != nil {
			answer(w, nil, err)
			return
		}
		answer(w, c.Body, nil)
	})
	mux.HandleFunc("POST /agent/v1/enrol", func(w http.ResponseWriter, r *http.Request) {
		q := fleet.EnrolRequest{Authorization: r.Header.Get("Authorization")}
		if err := json.NewDecoder(r.Body).Decode(&q.Body); err != nil {
			answer(w, nil, contract.ErrMalformed)
			return
		}
		e, err := ops.Enrol(r.Context(), &q)
		if err != nil {
			answer(w, nil, err)
			return
		}
		answer(w, e.Body, nil)
	})
	p.door = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	p.closed = make(chan struct{})
	go func() {
		defer close(p.closed)
		_ = p.door.Serve(l) // ends with Stop
	}()
}

func answer(w http.ResponseWriter, body any, err error) {
	status := http.StatusOK
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		problem := fault.ProblemOf(err)
		body, status = problem, problem.Status
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// Stop stops everything; the directory stays.
func (p *Plane) Stop(t testing.TB) {
	t.Helper()
	if p.edge == nil {
		return
	}
	_ = p.door.Close()
	<-p.closed
	if err := p.tunnel.Close(); err != nil {
		t.Errorf("close tunnel: %v", err)
	}
	p.fleet.Stop()
	p.nc.Close()
	p.edge.Stop()
	if err := p.store.Close(); err != nil {
		t.Errorf("close store: %v", err)
	}
	p.edge = nil
}

// Fleet is the registry, for slices that build on it. It is another one after
// each Start.
func (p *Plane) Fleet() *fleet.Service { return p.fleet }

// Store is the plane's document store, with the fleet's collections in it. It is
// another one after each Start.
func (p *Plane) Store() docstore.Store { return p.store }

// Dedicated runs dedicated environments in dir, with agents that are program,
// until stop is called or the test ends.
func (p *Plane) Dedicated(t testing.TB, dir, program string) (s *dedicated.Service, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if err := p.store.Ensure(ctx, dedicated.Collections()...); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	processes, err := dedicated.NewProcesses(dedicated.ProcessConfig{
		Dir: dir, Slots: 4, Program: func() (string, error) { return program, nil }, ControlPlane: p.URL, Tokens: p.fleet,
		Env: []string{"HOME=" + os.Getenv("HOME"), "PATH=" + os.Getenv("PATH"), "DEPLOYMENT_MODE=smb"}, Output: t.Output(), Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	s = dedicated.New(p.store, p.fleet, processes, log)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("dedicated environments: %v", err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

// WantIn wants tenant in an environment.
func (p *Plane) WantIn(t testing.TB, env id.Environment, tenant id.Tenant) int64 {
	t.Helper()
	revision, err := p.fleet.Want(context.Background(), env, contract.WantedTenant{
		Tenant: tenant, State: contract.TenantServing, Plan: "growth", Name: "Shop",
	})
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// Token makes a join token for the pool.
func (p *Plane) Token(t testing.TB) secret.Text {
	t.Helper()
	token, err := p.fleet.NewJoinToken(context.Background(), p.Pool, fleet.TokenTTL)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Want wants tenant in the pool.
func (p *Plane) Want(t testing.TB, tenant id.Tenant) int64 {
	t.Helper()
	return p.WantIn(t, p.Pool, tenant)
}

// Revoke revokes an agent.
func (p *Plane) Revoke(t testing.TB, a id.Agent) {
	t.Helper()
	if err := p.fleet.Revoke(context.Background(), a); err != nil {
		t.Fatal(err)
	}
}

// Alive are the pool's living agents.
func (p *Plane) Alive() []id.Agent { return p.fleet.Alive(p.Pool) }

// Enrolled are all of the pool's agents.
func (p *Plane) Enrolled(t testing.TB) []id.Agent {
	t.Helper()
	agents, err := p.fleet.Agents(context.Background(), p.Pool)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]id.Agent, 0, len(agents))
	for _, a := range agents {
		ids = append(ids, a.ID)
	}
	return ids
}

// Forward sends a tenant's request through the gateway.
func (p *Plane) Forward(ctx context.Context, who contract.Principal, r *http.Request) (*http.Response, error) {
	return p.gateway.Forward(ctx, who, r)
}

// The faults that tests look for.
var (
	ErrToken   = fleet.ErrToken
	ErrRevoked = fleet.ErrRevoked
)
