// Package sessiontest runs an agent's session in the test process, for tests that
// need both planes.
//
// It owns a handler that notes what it is asked, and an API that says who asked.
// It does not own any rule: the session is the real one.
package sessiontest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/agent/internal/session"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/secret"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// Agent is a place for an agent: a directory, and what is done there.
type Agent struct {
	Dir          string
	ControlPlane string
	Token        secret.Text // "" for none
	// Fail makes the handler fail for a tenant.
	Fail func(id.Tenant) error

	mu      sync.Mutex
	applied []contract.WantedTenant
	asked   int // how often the token was read
}

// Applied is what the handler was asked, in order.
func (a *Agent) Applied() []contract.WantedTenant {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]contract.WantedTenant(nil), a.applied...)
}

// TokenReads is how often the session asked for the join token.
func (a *Agent) TokenReads() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// Apply notes w.
func (a *Agent) Apply(_ context.Context, w contract.WantedTenant) (contract.Report, error) {
	a.mu.Lock()
	a.applied = append(a.applied, w)
	a.mu.Unlock()
	if a.Fail != nil {
		if err := a.Fail(w.Tenant); err != nil {
			return contract.Report{}, err
		}
	}
	return contract.Report{OK: true, Steps: []contract.Step{{Name: "noted", Millis: 1}}}, nil
}

// Life is one run of the agent's session.
type Life struct {
	t      testing.TB
	cancel context.CancelFunc
	ended  chan error
	stop   sync.Once
}

// Start lives as the agent until Stop, or the end of the test.
func (a *Agent) Start(t testing.TB) *Life {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &Life{t: t, cancel: cancel, ended: make(chan error, 1)}
	cfg := session.Config{
		ControlPlane: a.ControlPlane, Dir: a.Dir, Name: "test", Program: "1.0.0", Mode: features.SMB,
		Load:   func() session.Load { return session.Load{Tenants: len(a.Applied())} },
		Tunnel: tunnel.Limits{Drain: time.Second},
	}
	if a.Token.Set() {
		cfg.JoinToken = func(context.Context) (secret.Text, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.asked++
			return a.Token, nil
		}
	}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := tunnel.PrincipalFrom(r.Context())
		if !ok {
			http.Error(w, "nobody", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(p)
	})
	go func() { l.ended <- session.Run(ctx, cfg, a, api, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(l.Stop)
	return l
}

// Stop ends the session and checks that it ends cleanly. After Failure it does
// nothing.
func (l *Life) Stop() {
	l.t.Helper()
	l.stop.Do(func() {
		l.cancel()
		if err := l.wait(); err != nil {
			l.t.Errorf("session: %v", err)
		}
	})
}

// Failure waits until the session gives up, and says why.
func (l *Life) Failure() error {
	l.t.Helper()
	var err error
	l.stop.Do(func() {
		err = l.wait()
		l.cancel()
	})
	return err
}

func (l *Life) wait() error {
	l.t.Helper()
	select {
	case err := <-l.ended:
		return err
	case <-time.After(30 * time.Second):
		return fault.New(fault.Internal, "sessiontest.stuck", "the session does not end")
	}
}
