package tunnel_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/embedded"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// rig is a real edge in operator mode with a gateway on it.
type rig struct {
	edge   *embedded.Edge
	plane  *nats.Conn
	client *tunnel.Client
	quick  bool // short clocks, for tests that wait for a silence
}

func newRig(t testing.TB) *rig {
	t.Helper()
	return startRig(t, false)
}

func newQuickRig(t testing.TB) *rig {
	t.Helper()
	return startRig(t, true)
}

func startRig(t testing.TB, quick bool) *rig {
	t.Helper()
	e, err := embedded.StartEdge(t.Context(), embedded.EdgeConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	nc, err := e.Connect("gateway")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	newClient := tunnel.NewClient
	if quick {
		newClient = tunnel.NewQuickClient
	}
	c, err := newClient(nc, silent())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close client: %v", err)
		}
	})
	return &rig{edge: e, plane: nc, client: c, quick: quick}
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// site is an agent with its connection.
type site struct {
	tunnel.Target
	nc   *nats.Conn
	stop func() // ends Serve and waits for it
}

// connect enrols and connects an agent that serves nothing yet.
func (r *rig) connect(t testing.TB, env id.Environment, more ...nats.Option) site {
	t.Helper()
	account, err := r.edge.Authority().EnsureAccount(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	a := id.NewAgent()
	token, _, err := r.edge.Authority().MintUser(t.Context(), env, a, public, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(r.edge.URLs()[0], append(more, nats.CustomInboxPrefix(contract.InboxPrefix(a)), nats.UserJWT(
		func() (string, error) { return token, nil },
		func(nonce []byte) ([]byte, error) { return key.Sign(nonce) }))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return site{Target: tunnel.Target{Account: account, Agent: a}, nc: nc}
}

// serve starts h behind a fresh agent and waits until it is reached.
func (r *rig) serve(t testing.TB, h http.Handler, l tunnel.Limits) site {
	t.Helper()
	s := r.connect(t, id.NewEnvironment())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	ready := make(chan struct{})
	l.Ready = func() { close(ready) }
	serve := tunnel.Serve
	if r.quick {
		serve = tunnel.QuickServe
	}
	go func() { ended <- serve(ctx, s.nc, s.Agent, h, l, silent()) }()
	stopped := false
	s.stop = func() {
		t.Helper()
		cancel()
		if stopped {
			return
		}
		stopped = true
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("serve did not end")
		}
	}
	t.Cleanup(s.stop)
	receive(t, ready, "serving")
	if err := s.nc.Flush(); err != nil { // the gateway is on another connection: let the server know first
		t.Fatal(err)
	}
	return s
}

func (r *rig) do(t testing.TB, s site, method, target string, body io.Reader) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(within(t), method, "http://gateway"+target, body)
	if err != nil {
		t.Fatal(err)
	}
	return r.client.Do(request.Context(), s.Target, who, request)
}

func (r *rig) must(t testing.TB, s site, method, target string, body io.Reader) *http.Response {
	t.Helper()
	response, err := r.do(t, s, method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

var who = contract.Principal{Tenant: "ten_1", Person: "per_1", Role: contract.RoleOwner, Plan: "growth"}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func receive[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-within(t).Done():
		t.Fatalf("%s did not happen", what)
		panic("unreachable")
	}
}

func text(t testing.TB, r *http.Response) string {
	t.Helper()
	var b strings.Builder
	if _, err := io.Copy(&b, r.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
