package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/openapi"
)

// Limits of every request that does not say otherwise.
const (
	opTimeout   = 15 * time.Second
	readTimeout = 60 * time.Second // of a whole request; uploads of 20 MB included
	idleTimeout = 120 * time.Second
	maxOpBody   = 256 << 10
	// maxForward is the largest upload and some room. It is read only after the
	// session was checked; until then a stranger costs maxOpBody of memory.
	maxForward = 21 << 20
	// maxDrain is how much of a body that is too large is read and thrown away, so
	// that the client hears why; beyond, the connection just ends.
	maxDrain = 128 << 20
)

// Config of a server.
type Config struct {
	Version string
	// Secure is true when people reach us over https: answers then demand it.
	Secure bool
	// Cookie is the name of the session cookie.
	Cookie string
	// Arrive tells the context where a request comes from: the address of the
	// client, for limits by origin.
	Arrive func(ctx context.Context, address string) context.Context
	// SignIn finds who is behind a session token and puts it into the context. It
	// fails with fault.Unauthenticated.
	SignIn func(ctx context.Context, token string) (context.Context, error)
	// ReadTimeout is how long a whole request may take to arrive; 0 means a minute.
	ReadTimeout time.Duration
	// Bearer does the same for the token of a program that asks from address, and
	// names what its requests are counted by. It fails with fault.Unauthenticated
	// for a token that is not valid.
	Bearer func(ctx context.Context, token, address string) (known context.Context, who string, err error)
	// Rates are the quotas of requests with a token; the zero value takes the public
	// ones.
	Rates Rates
	// Now is time.Now if nil.
	Now func() time.Time
	// Metrics receives what is measured of requests; nil measures nothing.
	Metrics prometheus.Registerer
	Log     *slog.Logger
}

// Server serves HTTP. Routes are added before Run.
type Server struct {
	cfg     Config
	app     *fiber.App
	api     huma.API
	limits  limits
	started context.Context // ends when the server stops: the parent of every request's context
	stop    context.CancelFunc
	took    *prometheus.HistogramVec
}

// New makes a server without routes.
func New(cfg Config) *Server {
	started, stop := context.WithCancel(context.Background())
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rates == (Rates{}) {
		cfg.Rates = PublicRates()
	}
	s := &Server{cfg: cfg, limits: newLimits(cfg.Rates, cfg.Now), started: started, stop: stop, took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "dyocense_http_request_seconds", Help: "Time until the head of an answer, by route.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "route", "status"})}
	if cfg.Metrics != nil {
		cfg.Metrics.MustRegister(s.took)
	}
	s.app = fiber.New(fiber.Config{
		Immutable:             true,
		DisableStartupMessage: true,
		BodyLimit:             maxOpBody, // larger bodies arrive as a stream, after the handler has begun
		StreamRequestBody:     true,
		ReadTimeout:           cmp.Or(cfg.ReadTimeout, readTimeout),
		IdleTimeout:           idleTimeout,
		ReadBufferSize:        16 << 10,
		ServerHeader:          "",
		ErrorHandler:          s.refuse,
	})
	s.app.Use(s.guard)
	s.api = humafiber.NewV2(s.app, openapi.Config("Dyocense", cfg.Version,
		"From a goal and a few tables to an optimal, checked, explained plan."))
	s.api.UseMiddleware(s.signIn)
	return s
}

// Run serves on l until ctx ends, then lets running requests finish for at most
// ten seconds.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.app.Listener(l) }()
	select {
	case err := <-served:
		s.stop()
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	s.stop() // streams see it and end, so that the shutdown does not wait for them
	err := s.app.ShutdownWithTimeout(10 * time.Second)
	<-served
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop http: %w", err)
	}
	return nil
}

// Document is the OpenAPI document of the routes added so far.
func (s *Server) Document() ([]byte, error) { return s.api.OpenAPI().MarshalJSON() }

// refuse answers what Fiber itself refuses: no route, a body over the limit.
func (s *Server) refuse(c *fiber.Ctx, err error) error {
	var refused *fiber.Error
	if errors.As(err, &refused) {
		switch refused.Code {
		case fiber.StatusNotFound, fiber.StatusMethodNotAllowed:
			return writeProblem(c, errNoRoute, refused.Code)
		case fiber.StatusRequestEntityTooLarge:
			return writeProblem(c, errTooLarge, 0)
		case fiber.StatusRequestTimeout: // most are connections that were opened and never used
			return writeProblem(c, errNoRequest, refused.Code)
		case fiber.StatusRequestHeaderFieldsTooLarge:
			return writeProblem(c, errLongHead, refused.Code)
		default:
			return writeProblem(c, errMalformed.Because(err), 0)
		}
	}
	return s.problem(c, err)
}

// problem answers with err and logs it when it is our mistake.
func (s *Server) problem(c *fiber.Ctx, err error) error {
	if fault.KindOf(err) == fault.Internal {
		s.cfg.Log.ErrorContext(c.UserContext(), "request failed", "method", c.Method(), "path", c.Path(), "err", err)
	}
	return writeProblem(c, err, 0)
}

func writeProblem(c *fiber.Ctx, err error, status int) error {
	p := fault.ProblemOf(err)
	if status != 0 {
		p.Status = status
	}
	if wait := fault.RetryAfter(err); wait > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	if err := c.Status(p.Status).JSON(p); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/problem+json")
	return nil
}
