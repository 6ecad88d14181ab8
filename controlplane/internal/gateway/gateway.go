package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// The faults of this slice.
var (
	ErrNotHere  = fault.New(fault.NotFound, "gateway.not_here", "There is no such address in the API.")
	ErrNobody   = fault.New(fault.Unavailable, "gateway.nobody", "Your data plane is not connected right now. Try again in a moment.")
	ErrTooMany  = fault.New(fault.RateLimited, "gateway.too_many", "Too many requests at once. Wait until some are answered, then try again.")
	ErrTooLarge = fault.New(fault.TooLarge, "gateway.too_large", "This is too large: files may have up to 20 MB. Split it and send the parts.")
	ErrTooSlow  = fault.New(fault.Unavailable, "gateway.too_slow", "This took too long. Try again in a moment.")
)

const (
	// MaxBody is the largest body of a request: an upload of 20 MB and what is
	// around it.
	MaxBody = 21 << 20
	// perTenant is how many exchanges one tenant may have open: two browsers full
	// of tabs, each with a live stream, and an import.
	perTenant = 64
	// inLine is how many more of a tenant may wait for their turn, and turnWithin for
	// how long: a burst, or what gathers while the tenant is switched. They wait
	// here, where they take no place at the agent from anybody.
	inLine     = 192
	turnWithin = 2 * time.Second
	// answerWithin is how long the head of an answer may take. The body may take as
	// long as it likes: streams of events live for hours.
	answerWithin = 60 * time.Second
)

// Prefixes are the paths that the tenant's agent answers.
func Prefixes() []string {
	return []string{"/v1/samples", "/v1/tables", "/v1/uploads", "/v1/templates", "/v1/goals", "/v1/runs", "/v1/usage"}
}

// Carries says whether path belongs to the tenant API.
func Carries(path string) bool {
	for _, p := range Prefixes() {
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// Tunnel carries a request to an agent; *tunnel.Client is one.
type Tunnel interface {
	Do(ctx context.Context, t tunnel.Target, p contract.Principal, r *http.Request) (*http.Response, error)
}

// Locate finds the agent of an environment that serves a tenant if the tenant is
// there. It fails with ErrNobody when no agent lives there.
type Locate func(ctx context.Context, t id.Tenant, env id.Environment) (tunnel.Target, error)

// Gateway forwards requests. It may be used from many goroutines.
type Gateway struct {
	tunnel Tunnel
	routes Routes
	locate Locate
	room   *room

	mu     sync.Mutex
	lines  map[id.Tenant]*line
	health health
}

// health is what the last exchanges say of the way to the agents.
type health struct {
	failed  error // the last failure of the way itself; nil after a success
	failing time.Time
}

// New forwards over t to where routes and then locate say.
func New(t Tunnel, routes Routes, locate Locate) *Gateway {
	return &Gateway{tunnel: t, routes: routes, locate: locate, room: newRoom(maxKept), lines: map[id.Tenant]*line{}}
}

// Forward sends r to the agent of p's tenant and returns its answer; the caller
// closes the body. When ctx ends, the agent's work ends. It fails with faults
// only, or with ctx's error.
func (g *Gateway) Forward(ctx context.Context, p contract.Principal, r *http.Request) (*http.Response, error) {
	if !Carries(r.URL.Path) {
		return nil, ErrNotHere
	}
	if r.ContentLength > MaxBody {
		return nil, ErrTooLarge
	}
	if err := g.enter(ctx, p.Tenant); err != nil {
		return nil, err
	}
	leave := sync.OnceFunc(func() { g.leave(p.Tenant) })
	response, err := g.forward(ctx, p, r)
	if err != nil {
		leave()
		return nil, err
	}
	response.Body = &closing{ReadCloser: response.Body, after: leave}
	guard(response.Header)
	return response, nil
}

// ask sends l once, to the agent of env. It fails with a notServedError when
// nothing of l has happened there, so that it may be sent elsewhere.
func (g *Gateway) ask(ctx context.Context, env id.Environment, p contract.Principal, l *load) (*http.Response, error) {
	target, err := g.locate(ctx, p.Tenant, env)
	if errors.Is(err, ErrNobody) {
		return nil, &notServedError{nobody: true}
	}
	if err != nil {
		return nil, err
	}
	// The clock runs until the head is there; then only ctx ends the exchange.
	ctx, cancel := context.WithCancelCause(ctx)
	r, err := l.next(ctx)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	alarm := time.AfterFunc(answerWithin, func() { cancel(ErrTooSlow) })
	response, err := g.tunnel.Do(ctx, target, p, r)
	alarm.Stop()
	g.noted(err)
	if err != nil {
		cancel(nil)
		if l, ok := r.Body.(*limited); ok && l.exceeded() {
			return nil, ErrTooLarge
		}
		return nil, err
	}
	response.Body = &closing{ReadCloser: response.Body, after: func() { cancel(nil) }}
	if not := refused(response); not != nil {
		_ = response.Body.Close() // says no more than its head
		return nil, not
	}
	return response, nil
}

// line is what a tenant has open, and those who wait, the first first.
type line struct {
	open    int
	waiting []chan struct{} // closed when it is one's turn
}

// enter waits for the tenant's turn; leave must follow. It fails with ErrTooMany,
// or ctx's error.
func (g *Gateway) enter(ctx context.Context, t id.Tenant) error {
	g.mu.Lock()
	l := g.lines[t]
	if l == nil {
		l = &line{}
		g.lines[t] = l
	}
	if l.open < perTenant {
		l.open++
		g.mu.Unlock()
		return nil
	}
	if len(l.waiting) >= inLine {
		g.mu.Unlock()
		return ErrTooMany
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	g.mu.Unlock()
	alarm := time.NewTimer(turnWithin)
	defer alarm.Stop()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	case <-alarm.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.Index(l.waiting, turn)
	if at < 0 {
		return nil // it came at the same moment
	}
	l.waiting = slices.Delete(l.waiting, at, at+1)
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrTooMany
}

// leave gives the place to the next one in line.
func (g *Gateway) leave(t id.Tenant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lines[t]
	if len(l.waiting) > 0 {
		close(l.waiting[0])
		l.waiting = slices.Delete(l.waiting, 0, 1)
		return
	}
	if l.open--; l.open == 0 {
		delete(g.lines, t)
	}
}

// noted learns the health of the way from the end of an exchange. Faults of the
// agent's own are no failure of the way.
func (g *Gateway) noted(err error) {
	way := errors.Is(err, tunnel.ErrNoAnswer) || errors.Is(err, tunnel.ErrSilent) || errors.Is(err, tunnel.ErrBroken)
	if err != nil && !way {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil && g.health.failed == nil {
		g.health.failing = time.Now()
	}
	g.health.failed = err
}

// Health is the gateway's line of /health: degraded from a failure of the way to
// an agent until the next exchange that works.
func (g *Gateway) Health() features.Component {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := features.Component{Name: "gateway", State: features.Ready}
	if g.health.failed != nil {
		c.State = features.Degraded
		c.Reason = "an agent has not answered since " + g.health.failing.UTC().Format(time.RFC3339)
	}
	return c
}

// guard keeps what an agent sends from acting in the portal's origin: an agent
// may run on somebody else's machine, and a browser may open any answer as a
// page.
func guard(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
}

// closing does something after the body is closed.
type closing struct {
	io.ReadCloser
	after func()
}

// Close implements io.Closer.
func (c *closing) Close() error {
	defer c.after()
	return c.ReadCloser.Close()
}

// limited fails when a body of unknown length is too large.
type limited struct {
	io.ReadCloser

	mu   sync.Mutex
	left int64
	over bool
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left -= int64(n); l.left < 0 {
		l.over = true
		return 0, ErrTooLarge
	}
	return n, err
}

func (l *limited) exceeded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}
