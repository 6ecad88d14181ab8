package simulation

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// errLost is what a caller hears when a request or its answer did not arrive.
var errLost = fault.New(fault.Unavailable, "simulation.lost", "No answer came.")

// fate is what becomes of a request.
type fate int

const (
	arrives    fate = iota
	lost            // the request is
	unanswered      // it is carried out, and nobody hears of it
	late            // it is carried out long after nobody waits for it any more
)

// network carries requests, and does to them what networks do.
type network struct {
	*rng
	w     *world
	rough atomic.Int64 // one request in so many meets a fault; 0 is none
	kills atomic.Int64 // one request in so many kills its agent
	// fate, when set, decides what becomes of a request.
	fate func(env id.Environment, path string) fate

	underWay sync.WaitGroup // requests that are still on their way
}

func newNetwork(w *world) *network { return &network{rng: newRng(0), w: w} }

// calm ends all faults.
func (n *network) calm() {
	n.rough.Store(0)
	n.kills.Store(0)
}

// drain waits for requests that are still on their way.
func (n *network) drain() { n.underWay.Wait() }

func (n *network) latency() time.Duration {
	switch {
	case n.rough.Load() == 0:
		return time.Duration(n.n(1000)) * time.Microsecond
	case n.in(40):
		return time.Duration(n.n(400)) * time.Millisecond
	}
	return time.Duration(n.n(6000)) * time.Microsecond
}

// carry implements migration.Carry.
func (n *network) carry(ctx context.Context, t id.Tenant, env id.Environment, r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	path := r.URL.Path
	decided := arrives
	if n.fate != nil {
		decided = n.fate(env, path[len(contract.TransferPrefix):])
	}
	send := func(ctx context.Context) (*http.Response, error) {
		if err := pause(ctx, n.latency()); err != nil {
			return nil, err
		}
		s := n.w.site(env)
		if s == nil || !s.up.Load() {
			return nil, errLost
		}
		if k := n.kills.Load(); k > 0 && !s.steady.Load() && n.in(int(k)) {
			s.KillAfter(1+n.n(3), storetest.Death(n.n(3)))
		}
		q, err := http.NewRequestWithContext(ctx, http.MethodPost, path, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		q = q.WithContext(tunnel.WithPrincipal(ctx, contract.Principal{Tenant: t, Role: contract.RoleControlPlane}))
		killed := s.Killed()
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, q)
		select {
		case <-killed: // whatever it would have said, the connection is gone
			if killed != nil {
				return nil, errLost
			}
		default:
		}
		if err := pause(ctx, n.latency()); err != nil {
			return nil, err
		}
		return answer.Result(), nil
	}
	switch decided {
	case lost:
		return nil, errLost
	case unanswered:
		_, _ = send(ctx)
		return nil, errLost
	case late:
		n.later(10*time.Second, send)
		return nil, errLost
	case arrives:
	}
	if k := n.rough.Load(); k > 0 && n.in(int(k)) {
		switch n.n(5) {
		case 0: // the request is lost
			return nil, errLost
		case 1: // its answer is
			_, _ = send(ctx)
			return nil, errLost
		case 2: // it arrives twice
			n.later(time.Duration(n.n(2)*n.n(20_000))*time.Millisecond, n.sameLife(env, send))
		case 3: // it arrives late, when nobody waits for it any more
			n.later(time.Duration(n.n(20_000))*time.Millisecond, n.sameLife(env, send))
			return nil, errLost
		case 4: // nothing is heard for long
			_, _ = send(ctx)
			_ = pause(ctx, time.Duration(n.n(10_000))*time.Millisecond)
			return nil, errLost
		}
	}
	return send(ctx)
}

// sameLife sends only to the agent that lives now: a request on its way does not
// outlive the connection of who it is sent to.
func (n *network) sameLife(env id.Environment, send func(context.Context) (*http.Response, error)) func(context.Context) (*http.Response, error) {
	s := n.w.site(env)
	if s == nil {
		return send
	}
	killed := s.Killed()
	return func(ctx context.Context) (*http.Response, error) {
		select {
		case <-killed:
			return nil, errLost
		default:
			return send(ctx)
		}
	}
}

// later sends after a while, for nobody.
func (n *network) later(after time.Duration, send func(context.Context) (*http.Response, error)) {
	n.underWay.Go(func() {
		ctx, done := context.WithTimeout(n.w.ctx, after+30*time.Second)
		defer done()
		if pause(ctx, after) == nil {
			_, _ = send(ctx)
		}
	})
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
