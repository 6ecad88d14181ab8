package edge

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/dyocense/dyocense/shared/fault"
)

// bearerMax is far above the length of any token.
const bearerMax = 4 << 10

// limits are the quotas of requests that carry a token.
type limits struct {
	read     class
	write    class
	failures *buckets
}

func newLimits(r Rates, now func() time.Time) limits {
	return limits{
		read:     newClass("read", r.Read, r.Address, now),
		write:    newClass("write", r.Write, r.Address, now),
		failures: newBuckets(r.Failures, now),
	}
}

func (l limits) of(method string) class {
	if method == http.MethodGet || method == http.MethodHead {
		return l.read
	}
	return l.write
}

// hasToken says whether the request brings a token instead of a cookie.
func hasToken(c *fiber.Ctx) bool { return len(c.Request().Header.Peek(fiber.HeaderAuthorization)) > 0 }

// bearer finds who is behind the token of a request and puts it into the context.
// It counts the request against the quotas of the address and of the token and
// says in the head of the answer what is left.
func (s *Server) bearer(c *fiber.Ctx) (context.Context, error) {
	token, err := readBearer(c)
	if err != nil {
		return nil, err
	}
	address := strings.Clone(c.IP())
	key := network(address)
	if l := s.limits.failures.look(key); l.requests < 1 {
		return nil, errFailures.After(l.wait)
	}
	class := s.limits.of(c.Method())
	c.Set("RateLimit-Policy", class.policy())
	if l, ok := class.address.take(key); !ok {
		c.Set("RateLimit", class.state(l))
		return nil, errRate.After(l.wait)
	}
	known, who, err := s.cfg.Bearer(c.UserContext(), token, address)
	if err != nil {
		if fault.KindOf(err) == fault.Unauthenticated {
			s.limits.failures.take(key)
		}
		return nil, err
	}
	l, ok := class.token.take(who)
	c.Set("RateLimit", class.state(l))
	if !ok {
		return nil, errRate.After(l.wait)
	}
	return known, nil
}

func readBearer(c *fiber.Ctx) (string, error) {
	// Two headers are two opinions of who asks, and a proxy may have read the other.
	if len(c.Request().Header.PeekAll(fiber.HeaderAuthorization)) != 1 {
		return "", errNoBearer
	}
	scheme, token, ok := strings.Cut(strings.Clone(c.Get(fiber.HeaderAuthorization)), " ")
	if !ok || !strings.EqualFold(scheme, "bearer") || token == "" || len(token) > bearerMax || strings.ContainsAny(token, " \t,") {
		return "", errNoBearer
	}
	return token, nil
}

// challenge tells a program that is not let in how to ask (RFC 6750).
func challenge(c *fiber.Ctx, err error) {
	if fault.KindOf(err) != fault.Unauthenticated {
		return
	}
	value := `Bearer realm="dyocense"`
	if hasToken(c) {
		value += fmt.Sprintf(`, error="invalid_token", error_description=%q`, fault.ProblemOf(err).Detail)
	}
	c.Set(fiber.HeaderWWWAuthenticate, value)
}

// network is where an address counts: one customer of an IPv6 provider has a /56.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(56); err == nil {
			return p.String()
		}
	}
	return a.String()
}
