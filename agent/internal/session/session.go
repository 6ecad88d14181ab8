package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

const (
	pauseMin = 100 * time.Millisecond // between attempts, doubled up to pauseMax
	pauseMax = 15 * time.Second
	// reconnects is how often the connection is tried again before the control
	// plane is asked anew where the edge is: about half a minute.
	reconnects = 30
)

// Run lives as an agent until ctx ends; then it lets running requests finish and
// returns nil. It fails when there is no point in going on: the control plane
// refuses this agent (revoked, or the join token is no good), or the directory
// cannot be used. Everything else it waits out.
func Run(ctx context.Context, cfg Config, handler Handler, api http.Handler, log *slog.Logger) error {
	if _, err := cfg.endpoint(enrolPath); err != nil {
		return err
	}
	who, err := openIdentity(cfg.Dir)
	if err != nil {
		return err
	}
	s := &session{cfg: cfg, who: who, enroller: newEnroller(cfg, who), handler: handler, api: api, log: log, started: time.Now().UTC()}
	for pause, lost := pauseMin, false; ctx.Err() == nil; {
		began := time.Now()
		err := s.once(ctx, lost)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // asked to end: what broke off is no failure
		}
		if final(err) {
			return fmt.Errorf("live as an agent: %w", err)
		}
		if time.Since(began) > pauseMax { // it lived for a while: this is new trouble
			pause = pauseMin
		}
		lost = true
		log.WarnContext(ctx, "agent is not connected", "err", err, "pause", pause)
		if !rest(ctx, pause) {
			return nil
		}
		pause = min(2*pause, pauseMax)
	}
	return nil
}

// final says whether trying again can never help.
func final(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unauthenticated, fault.Forbidden, fault.Invalid:
		return true
	case fault.NotFound, fault.Conflict, fault.Exhausted, fault.TooLarge, fault.RateLimited, fault.Unavailable, fault.Internal:
	}
	return false
}

// rest waits for about d, never the same for two agents, and says false when ctx
// ended.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

type session struct {
	cfg      Config
	who      *identity
	enroller *enroller
	handler  Handler
	api      http.Handler
	log      *slog.Logger
	started  time.Time
}

// once enrols if need be, connects, and lives until the connection is given up
// or ctx ends. After a loss it asks the control plane first: the edge may have
// moved, or this agent may have been revoked.
func (s *session) once(ctx context.Context, lost bool) error {
	if lost || !s.who.usable() {
		err := s.enroller.enrol(ctx)
		if err != nil && (final(err) || !s.who.usable()) {
			return fmt.Errorf("enrol: %w", err)
		}
		if err != nil {
			s.log.WarnContext(ctx, "enrolment not refreshed", "err", err)
		}
	}
	return s.live(ctx)
}

// live connects and runs the parts of a connected agent.
func (s *session) live(ctx context.Context) error {
	me := s.who.now()
	if s.cfg.Belong != nil {
		s.cfg.Belong(me.Environment)
	}
	closed := make(chan struct{})
	back := make(chan struct{}, 1)
	nc, err := s.dial(me, closed, back)
	if err != nil {
		return err
	}
	defer nc.Close()
	s.log.InfoContext(ctx, "agent is connected", "agent", me.Agent, "environment", me.Environment, "server", nc.ConnectedUrlRedacted())

	up, down := context.WithCancelCause(ctx)
	defer down(nil)
	w := &watch{session: s, nc: nc, me: me.Agent, kick: make(chan struct{}, 1), beatNow: make(chan struct{}, 1)}
	sub, err := nc.Subscribe(contract.ChangedOf(me.Agent), func(*nats.Msg) { w.nudged() })
	if err != nil {
		return fmt.Errorf("listen for changes: %w", err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // the connection is closed right after

	var parts sync.WaitGroup
	reachable := make(chan struct{})
	limits := s.cfg.Tunnel
	limits.Ready = func() { close(reachable) }
	parts.Go(func() {
		// Serve ends with up, and then takes its time for what is running; the
		// connection stays open until it has returned.
		if err := tunnel.Serve(up, nc, me.Agent, s.api, limits, s.log); err != nil {
			down(err)
		}
	})
	parts.Go(func() {
		select { // beats say that the agent can be reached
		case <-reachable:
			w.beat(up)
		case <-up.Done():
		}
	})
	parts.Go(func() { w.follow(up) })
	parts.Go(func() { w.renew(up) })
	parts.Go(func() {
		for {
			select {
			case <-back:
				w.nudged()
				w.beatSoon()
			case <-closed:
				down(errors.New("the connection to the edge is given up"))
				return
			case <-up.Done():
				return
			}
		}
	})
	parts.Wait()
	return context.Cause(up)
}

func (s *session) dial(me contract.Enrolled, closed, back chan struct{}) (*nats.Conn, error) {
	nc, err := nats.Connect(strings.Join(me.Servers, ","),
		nats.Name(string(me.Agent)),
		nats.CustomInboxPrefix(contract.InboxPrefix(me.Agent)),
		nats.UserJWT(
			func() (string, error) { return s.who.now().JWT, nil }, // the newest: it is renewed meanwhile
			func(nonce []byte) ([]byte, error) { return s.who.key.Sign(nonce) },
		),
		nats.Timeout(20*time.Second), // as long as the edge takes when a whole fleet comes back
		nats.MaxReconnects(reconnects),
		nats.ReconnectWait(250*time.Millisecond),
		nats.ReconnectJitter(time.Second, 2*time.Second),
		nats.ReconnectBufSize(-1), // what cannot be sent now fails now
		nats.PingInterval(20*time.Second),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				s.log.Warn("connection to the edge lost", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			s.log.Info("connection to the edge is back")
			select {
			case back <- struct{}{}:
			default:
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.log.Warn("connection to the edge", "err", err)
		}),
	)
	if err != nil {
		return nil, ErrUnreachable.Because(fmt.Errorf("connect to the edge: %w", err))
	}
	return nc, nil
}

// watch is what a connected agent does beside answering requests.
type watch struct {
	*session
	nc      *nats.Conn
	me      id.Agent
	kick    chan struct{} // look at the desired state; one waiting is enough
	beatNow chan struct{}
}

func (w *watch) nudged() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

func (w *watch) beatSoon() {
	select {
	case w.beatNow <- struct{}{}:
	default:
	}
}
