package edge

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Forward sends every request below the prefixes, if it has a session or a token, to
// carry, and streams what it answers. The context of carry ends when the client
// is gone or the server stops; carry closes what it opened when it ends.
func (s *Server) Forward(prefixes []string, carry func(context.Context, *http.Request) (*http.Response, error)) {
	forward := func(c *fiber.Ctx) error {
		known, err := s.known(c)
		if err != nil {
			challenge(c, err)
			return s.problem(c, err)
		}
		ctx, cancel := context.WithCancel(known)
		req, err := request(ctx, c)
		if err != nil {
			cancel()
			return s.problem(c, err)
		}
		resp, err := carry(ctx, req)
		if err != nil {
			cancel()
			return s.problem(c, err)
		}
		for name, values := range resp.Header {
			for _, v := range values {
				c.Response().Header.Add(name, v)
			}
		}
		c.Status(resp.StatusCode)
		streamed := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
		if !streamed && resp.ContentLength >= 0 && resp.ContentLength <= 64<<10 {
			defer cancel()
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return s.problem(c, err)
			}
			return c.Send(body)
		}
		c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
			defer cancel()
			defer func() { _ = resp.Body.Close() }()
			buffer := make([]byte, 32<<10)
			for {
				n, err := resp.Body.Read(buffer)
				if n > 0 {
					if _, werr := w.Write(buffer[:n]); werr != nil {
						return
					}
					if w.Flush() != nil {
						return
					}
				}
				if err != nil {
					if !errors.Is(err, io.EOF) && ctx.Err() == nil {
						s.cfg.Log.WarnContext(ctx, "answer was cut", "path", req.URL.Path, "err", err)
					}
					return
				}
			}
		})
		return nil
	}
	for _, p := range prefixes {
		s.app.All(p, forward)
		s.app.All(p+"/*", forward)
	}
}

// known is the context of whoever is behind a request's token or cookie.
func (s *Server) known(c *fiber.Ctx) (context.Context, error) {
	if hasToken(c) {
		return s.bearer(c)
	}
	token := c.Cookies(s.cfg.Cookie)
	if token == "" {
		return nil, errSignIn
	}
	return s.cfg.SignIn(c.UserContext(), token)
}

// request copies what Fiber holds into a request of its own: Fiber reuses the
// memory as soon as the handler returns, and the tunnel reads on after that.
func request(ctx context.Context, c *fiber.Ctx) (*http.Request, error) {
	body, err := readBody(c)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, strings.Clone(c.Method()), strings.Clone(c.OriginalURL()), bytes.NewReader(body))
	if err != nil {
		return nil, errMalformed.Because(err)
	}
	for name, value := range c.Request().Header.All() {
		req.Header.Add(string(name), string(value))
	}
	req.Header.Del("Cookie") // the session ends here; the agent learns the principal from the gateway
	req.Header.Del("Authorization")
	return req, nil
}

// readBody reads the whole body, or fails with errTooLarge.
func readBody(c *fiber.Ctx) ([]byte, error) {
	if !c.Request().IsBodyStream() {
		return bytes.Clone(c.Body()), nil
	}
	stream := c.Request().BodyStream()
	body, err := io.ReadAll(io.LimitReader(stream, maxForward+1))
	if err != nil {
		return nil, errMalformed.Because(err)
	}
	if len(body) > maxForward {
		return nil, errTooLarge
	}
	return body, nil
}
