package edge

import (
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/openapi"
)

// guard runs before everything: it ties the request to the server's life, sets
// the security headers and refuses what another site made the browser send.
func (s *Server) guard(c *fiber.Ctx) error {
	// A stream that ended on this connection has left the deadline of its last
	// event; without this the answer could not be written.
	if err := c.Context().Conn().SetWriteDeadline(time.Time{}); err != nil {
		return err
	}
	c.SetUserContext(withConnection(s.cfg.Arrive(s.started, strings.Clone(c.IP())), c.Context().Conn()))
	c.Set("X-Content-Type-Options", "nosniff")
	c.Set("X-Frame-Options", "DENY")
	c.Set("Referrer-Policy", "no-referrer")
	c.Set("Content-Security-Policy", contentPolicy)
	if s.cfg.Secure {
		c.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
	if path := c.Path(); strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/agent/") {
		c.Set("Cache-Control", "no-store")
	}
	token, cookie := hasToken(c), c.Cookies(s.cfg.Cookie) != ""
	if token && cookie {
		return writeProblem(c, errBoth, http.StatusBadRequest)
	}
	// No browser adds a token by itself, so another site cannot make it send one.
	if !token && crossSite(c) {
		return writeProblem(c, errCrossSite, 0)
	}
	began := time.Now()
	err := c.Next()
	// The route's pattern and not its path: paths carry ids, and there is no end of them.
	s.took.WithLabelValues(strings.Clone(c.Method()), c.Route().Path, strconv.Itoa(c.Response().StatusCode())).Observe(time.Since(began).Seconds())
	if c.Request().IsBodyStream() {
		// What nobody read of a body would be taken for the next request. It is thrown
		// away, so that the client hears the answer, and the connection ends. Of most
		// bodies nothing is left.
		n, left := io.Copy(io.Discard, io.LimitReader(c.Request().BodyStream(), maxDrain))
		if n > 0 || left != nil {
			c.Context().SetConnectionClose()
		}
	}
	return err
}

// contentPolicy allows our own files only. Inline styles are what the component
// library writes at run time; inline scripts there are none.
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// crossSite says whether a browser sent an unsafe request on behalf of another
// site. Browsers of today say so in Sec-Fetch-Site; for older ones the Origin
// must be ours. A client that sends neither is no browser and carries no cookie
// it was not given on purpose.
func crossSite(c *fiber.Ctx) bool {
	switch c.Method() {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	if site := c.Get("Sec-Fetch-Site"); site != "" {
		return site != "same-origin" && site != "none"
	}
	origin := c.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != c.Hostname()
}

// signIn lets a request through to an operation that needs somebody signed in
// only with a session or, where that is enough, a token. It tells every operation
// who has a session, if there is one.
func (s *Server) signIn(ctx huma.Context, next func(huma.Context)) {
	who, _ := ctx.Operation().Metadata[whoKey].(Who)
	c := humafiber.UnwrapV2(ctx)
	if hasToken(c) && (who == SignedIn || who == InBrowser) {
		if who == InBrowser {
			s.refuseHuma(ctx, errBrowser)
			return
		}
		known, err := s.bearer(c)
		if err != nil {
			s.refuseHuma(ctx, err)
			return
		}
		next(huma.WithContext(ctx, known))
		return
	}
	needed := who == SignedIn || who == InBrowser
	cookie, err := huma.ReadCookie(ctx, s.cfg.Cookie)
	if err != nil || cookie.Value == "" {
		if needed {
			s.refuseHuma(ctx, errSignIn)
			return
		}
		next(ctx)
		return
	}
	known, err := s.cfg.SignIn(ctx.Context(), cookie.Value)
	switch {
	case err == nil:
		next(huma.WithContext(ctx, known))
	case needed:
		s.refuseHuma(ctx, err)
	default:
		next(ctx)
	}
}

// whoKey is where an operation's metadata says who may call it.
const whoKey = "who"

func (s *Server) refuseHuma(ctx huma.Context, err error) {
	if fault.KindOf(err) == fault.Internal {
		s.cfg.Log.ErrorContext(ctx.Context(), "sign-in check failed", "err", err)
	}
	challenge(humafiber.UnwrapV2(ctx), err)
	p := fault.ProblemOf(err)
	if wait := fault.RetryAfter(err); wait > 0 {
		ctx.SetHeader("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	ctx.SetStatus(p.Status)
	ctx.SetHeader("Content-Type", "application/problem+json")
	_ = s.api.Marshal(ctx.BodyWriter(), "application/json", openapi.Problem{Problem: p})
}
