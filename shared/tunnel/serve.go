package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// Limits bound what an agent's end takes on.
type Limits struct {
	Concurrent int           // requests at a time, others are told ErrBusy; 0 means 256
	Drain      time.Duration // what running requests get when Serve ends; 0 means 5 s
	Ready      func()        // called once, when whoever hears of the agent from now on can reach it
}

// Serve answers the requests that gateways send to agent with h, until ctx ends.
// Then it refuses new ones with ErrStopping, gives the running ones the time to
// drain, ends the rest, and returns nil when the last handler has returned. It
// fails only when it cannot listen.
//
// The context of a request ends when its caller is gone; PrincipalFrom says who
// asks.
func Serve(ctx context.Context, nc *nats.Conn, agent id.Agent, h http.Handler, l Limits, log *slog.Logger) error {
	return serve(ctx, nc, agent, h, l, log, defaultClocks())
}

func serve(ctx context.Context, nc *nats.Conn, agent id.Agent, h http.Handler, l Limits, log *slog.Logger, k clocks) error {
	if l.Concurrent <= 0 {
		l.Concurrent = 256
	}
	if l.Drain <= 0 {
		l.Drain = 5 * time.Second
	}
	base, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	s := &served{nc: nc, agent: agent, handler: h, limits: l, log: log, clocks: k, base: base, open: map[exchangeID]*answer{}}
	sub, err := nc.Subscribe(contract.DownOf(agent), s.arrived)
	if err != nil {
		return fmt.Errorf("listen for requests: %w", err)
	}
	if err := sub.SetPendingLimits(1<<20, 256<<20); err != nil {
		return errors.Join(fmt.Errorf("bound requests: %w", err), sub.Unsubscribe())
	}
	if l.Ready != nil {
		l.Ready()
	}
	s.watch(ctx)
	s.stopping.Store(true)
	idle := make(chan struct{})
	go func() { s.handlers.Wait(); close(idle) }()
	drain := time.NewTimer(l.Drain)
	defer drain.Stop()
	tick := time.NewTicker(k.lookEvery)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case <-idle:
			waiting = false
		case now := <-tick.C:
			s.look(now)
		case <-drain.C:
			cut(ErrStopping)
			<-idle
			waiting = false
		}
	}
	if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return fmt.Errorf("stop listening for requests: %w", err)
	}
	if nc.IsConnected() { // a lost connection has lost the last answers already
		_ = nc.FlushTimeout(time.Second)
	}
	return nil
}

type served struct {
	nc       *nats.Conn
	agent    id.Agent
	handler  http.Handler
	limits   Limits
	log      *slog.Logger
	clocks   clocks
	base     context.Context // of every request; ends when draining is over
	stopping atomic.Bool
	handlers sync.WaitGroup

	mu   sync.Mutex
	open map[exchangeID]*answer
}

// answer is one exchange, seen from the agent.
type answer struct {
	out    *outlet
	in     *inbox
	cancel context.CancelCauseFunc
	heard  atomic.Int64
	began  time.Time
}

func (s *served) watch(ctx context.Context) {
	tick := time.NewTicker(s.clocks.lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.look(now)
		}
	}
}

// look tells gateways that their requests are worked on, and ends those whose
// gateway is gone.
func (s *served) look(now time.Time) {
	s.mu.Lock()
	open := make([]*answer, 0, len(s.open))
	for _, a := range s.open {
		open = append(open, a)
	}
	s.mu.Unlock()
	for _, a := range open {
		if now.Sub(time.Unix(0, a.heard.Load())) > s.clocks.silenceMax {
			a.end(errGatewayGone)
			continue
		}
		sent := a.out.sent.Load()
		if sent == 0 && now.Sub(a.began) > s.clocks.ackAfter || sent != 0 && now.Sub(time.Unix(0, sent)) > s.clocks.aliveEvery {
			if err := a.out.control(kindAlive, nil); err != nil {
				a.end(err)
			}
		}
	}
}

var (
	errGatewayGone = ErrBroken.Because(errors.New("the gateway is silent"))
	errCallerGone  = fmt.Errorf("the caller is gone: %w", context.Canceled)
)

// end stops the handler and everything that waits for the gateway.
func (a *answer) end(err error) {
	a.cancel(err)
	a.in.fail(err)
	a.out.fail(err)
}

// arrived takes one frame. It never waits.
func (s *served) arrived(m *nats.Msg) {
	f, err := parseFrame(m.Data)
	if err != nil {
		s.log.Warn("tunnel frame refused", "err", err)
		return
	}
	s.mu.Lock()
	a := s.open[f.exchange]
	s.mu.Unlock()
	if f.kind == kindRequest {
		if a != nil {
			a.end(ErrBroken.Because(errors.New("a second head arrived")))
			return
		}
		s.begin(f)
		return
	}
	if a == nil {
		if f.kind == kindAlive { // a request that this process never got, or lost
			s.refuse(f.exchange, ErrBroken)
		}
		return
	}
	a.heard.Store(time.Now().UnixNano())
	switch f.kind {
	case kindBody:
		if err := a.in.put(f.sequence, f.payload, f.last); err != nil {
			a.end(err)
		}
	case kindCredit:
		a.out.granted(f.payload)
	case kindCancel:
		a.end(errCallerGone)
	case kindAlive:
	case kindRequest, kindResponse, kindFault:
		a.end(ErrBroken.Because(fmt.Errorf("frame of kind %d came down", f.kind)))
	}
}

// outlet is the way back to the gateway of an exchange.
func (s *served) outlet(x exchangeID) *outlet {
	return newOutlet(s.nc, contract.Up(s.agent, x.token()), x)
}

func (s *served) refuse(x exchangeID, err error) {
	_, problem := contract.EncodeFault(err)
	if err := s.outlet(x).fault(problem); err != nil {
		s.log.Warn("tunnel request not refused", "err", err)
	}
}

// begin starts the handler for a request, or refuses it.
func (s *served) begin(f frame) {
	head, first, err := parseRequest(f.payload)
	if err == nil && f.sequence != 0 {
		err = errSequence
	}
	var target *url.URL
	if err == nil {
		target, err = url.ParseRequestURI(head.target)
	}
	if err != nil {
		s.log.Warn("tunnel request refused", "err", err)
		s.refuse(f.exchange, ErrBroken)
		return
	}
	if s.stopping.Load() {
		s.refuse(f.exchange, ErrStopping)
		return
	}
	now := time.Now()
	a := &answer{out: s.outlet(f.exchange), began: now}
	a.in = newInbox(a.out.grant)
	a.heard.Store(now.UnixNano())
	if err := a.in.put(f.sequence, first, f.last); err != nil {
		s.refuse(f.exchange, err)
		return
	}
	ctx, cancel := context.WithCancelCause(WithPrincipal(s.base, head.principal))
	a.cancel = cancel
	s.mu.Lock()
	busy := len(s.open) >= s.limits.Concurrent
	if !busy {
		s.open[f.exchange] = a
	}
	s.mu.Unlock()
	if busy {
		cancel(nil)
		s.refuse(f.exchange, ErrBusy)
		return
	}
	s.handlers.Go(func() { s.run(ctx, a, head, target, f.last) })
}

// run calls the handler and closes its answer.
func (s *served) run(ctx context.Context, a *answer, head requestHead, target *url.URL, whole bool) {
	defer func() {
		s.mu.Lock()
		delete(s.open, a.out.id)
		s.mu.Unlock()
		a.cancel(nil)
	}()
	if head.left > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, head.left)
		defer stop()
	}
	// What the handler waits for has to end with its context.
	stop := context.AfterFunc(ctx, func() { a.end(context.Cause(ctx)) })
	defer stop()
	w := &writer{answer: a, method: head.method, header: http.Header{}}
	defer func() {
		if reason := recover(); reason != nil {
			s.panicked(w, reason)
			return
		}
		if err := w.finish(); err != nil && ctx.Err() == nil {
			s.log.Warn("tunnel answer not sent", "err", err)
		}
	}()
	request := &http.Request{
		Method:        head.method,
		URL:           target,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        head.header,
		Body:          http.NoBody,
		ContentLength: head.length,
		Host:          head.host,
		RequestURI:    head.target,
		RemoteAddr:    "tunnel",
	}
	if !whole || head.length != 0 {
		request.Body = requestBody{a.in}
	}
	s.handler.ServeHTTP(w, request.WithContext(ctx))
	if ctx.Err() != nil {
		w.giveUp(cutReason(ctx))
	}
}

// cutReason is what the caller, if there is one, reads of a request that ended
// before its handler did.
func cutReason(ctx context.Context) error {
	switch err := context.Cause(ctx); {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrTooSlow
	case errors.Is(err, context.Canceled):
		return ErrBroken.Because(err)
	default:
		return err
	}
}

func (s *served) panicked(w *writer, reason any) {
	if reason != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so: it is a token, never wrapped
		s.log.Error("panic in handler", "method", w.method, "panic", reason, "stack", string(debug.Stack()))
	}
	w.giveUp(ErrPanic)
}

// requestBody is what a handler reads.
type requestBody struct{ in *inbox }

// Read implements io.Reader.
func (b requestBody) Read(p []byte) (int, error) { return b.in.Read(p) }

// Close lets go of what was not read.
func (b requestBody) Close() error {
	b.in.fail(http.ErrBodyReadAfterClose)
	return nil
}
