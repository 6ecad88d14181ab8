package tunnel

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/shared/id"
)

// quick are clocks for tests that wait for a silence.
func quick() clocks {
	return clocks{
		ackAfter: 50 * time.Millisecond, ackWithin: 2 * time.Second, aliveEvery: 100 * time.Millisecond,
		silenceMax: 2 * time.Second, lookEvery: 20 * time.Millisecond,
	}
}

// NewQuickClient is NewClient with short clocks.
func NewQuickClient(nc *nats.Conn, log *slog.Logger) (*Client, error) {
	return newClient(nc, log, quick())
}

// QuickServe is Serve with short clocks.
func QuickServe(ctx context.Context, nc *nats.Conn, a id.Agent, h http.Handler, l Limits, log *slog.Logger) error {
	return serve(ctx, nc, a, h, l, log, quick())
}

// Open counts the exchanges that a client holds.
func (c *Client) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// Window is the flow control window in bytes.
const Window = window
