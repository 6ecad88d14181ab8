package tunnel

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// Target is an agent as the control plane sees it.
type Target struct {
	Account string // public key of its environment's account
	Agent   id.Agent
}

// Client is the gateway's end. Its methods may be called from many goroutines.
type Client struct {
	nc      *nats.Conn
	log     *slog.Logger
	clocks  clocks
	gateway [8]byte
	count   atomic.Uint64
	sub     *nats.Subscription
	stop    chan struct{}
	parts   sync.WaitGroup // the watch and the senders of request bodies

	mu     sync.Mutex
	open   map[uint64]*exchange
	closed bool
}

// NewClient listens for answers over nc, a connection in the control plane's
// account. Close ends it; nc stays open.
func NewClient(nc *nats.Conn, log *slog.Logger) (*Client, error) {
	return newClient(nc, log, defaultClocks())
}

func newClient(nc *nats.Conn, log *slog.Logger, k clocks) (*Client, error) {
	c := &Client{nc: nc, log: log, clocks: k, stop: make(chan struct{}), open: map[uint64]*exchange{}}
	_, _ = rand.Read(c.gateway[:]) // never fails; it ends the program instead
	sub, err := nc.Subscribe(contract.UpOf(exchangeID{gateway: c.gateway}.token()), c.arrived)
	if err != nil {
		return nil, fmt.Errorf("listen for answers of agents: %w", err)
	}
	// Windows bound what honest agents have on the way; this bounds the others.
	if err := sub.SetPendingLimits(1<<20, 256<<20); err != nil {
		return nil, errors.Join(fmt.Errorf("bound answers of agents: %w", err), sub.Unsubscribe())
	}
	if err := nc.Flush(); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for answers of agents: %w", err), sub.Unsubscribe())
	}
	c.sub = sub
	c.parts.Go(c.watch)
	return c, nil
}

// Close fails every open exchange with ErrStopping and waits for what it started.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	open := c.exchanges()
	c.mu.Unlock()
	for _, x := range open {
		x.abort(ErrStopping)
	}
	close(c.stop)
	c.parts.Wait()
	if err := c.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("stop listening for answers of agents: %w", err)
	}
	return nil
}

// Do sends r to an agent on behalf of p and returns its response as soon as the
// head is there. The caller closes the response's body. When ctx ends, before or
// after Do returns, the agent's request ends too.
//
// Only path, query, method, host, body and a short list of headers travel. r's
// body is closed. Do fails with one of the faults of this package, with the
// agent's fault, or with ctx's error.
func (c *Client) Do(ctx context.Context, t Target, p contract.Principal, r *http.Request) (*http.Response, error) {
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, body.Close())
	}
	head, first, rest, err := encodeRequest(ctx, p, r)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	x, err := c.begin(t, body, rest)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	x.bind(ctx)
	if err := x.out.head(kindRequest, head, first, !rest); err != nil {
		x.abort(err)
		x.upload.Done()
		return nil, errors.Join(err, body.Close())
	}
	if rest {
		go x.send(body)
	}
	select {
	case <-x.answered:
	case <-x.done:
	}
	response, err := x.result()
	if err != nil {
		return nil, err
	}
	response.Request = r
	return response, nil
}

// begin registers an exchange. With an upload it counts as a part of the client
// until its body is sent.
func (c *Client) begin(t Target, body interface{ Close() error }, upload bool) (*exchange, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrStopping
	}
	name := exchangeID{gateway: c.gateway, number: c.count.Add(1)}
	x := &exchange{
		client:   c,
		target:   t,
		out:      newOutlet(c.nc, contract.ToDown(t.Account, t.Agent), name),
		body:     body,
		began:    time.Now(),
		answered: make(chan struct{}),
		done:     make(chan struct{}),
		upload:   done(func() {}),
	}
	x.in = newInbox(x.out.grant)
	if upload {
		c.parts.Add(1)
		x.upload = done(c.parts.Done)
	}
	c.open[name.number] = x
	return x, nil
}

type done func()

// Done ends it.
func (d done) Done() { d() }

func (c *Client) exchanges() []*exchange {
	all := make([]*exchange, 0, len(c.open))
	for _, x := range c.open {
		all = append(all, x)
	}
	return all
}

func (c *Client) forget(x *exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, x.out.id.number)
}

// arrived takes one frame. It never waits.
func (c *Client) arrived(m *nats.Msg) {
	f, err := parseFrame(m.Data)
	if err != nil {
		c.log.Warn("tunnel frame refused", "subject", m.Subject, "err", err)
		return
	}
	c.mu.Lock()
	x := c.open[f.exchange.number]
	c.mu.Unlock()
	if x == nil || f.exchange.gateway != c.gateway {
		return // late: its exchange is over
	}
	account, agent, ok := contract.Speaker(m.Subject)
	if !ok || account != x.target.Account || agent != x.target.Agent {
		c.log.Warn("tunnel frame of somebody else refused", "subject", m.Subject, "agent", x.target.Agent)
		return
	}
	x.heard.Store(time.Now().UnixNano())
	x.take(f)
}

// watch ends exchanges whose agent is silent and keeps the others alive.
func (c *Client) watch() {
	tick := time.NewTicker(c.clocks.lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return
		case now := <-tick.C:
			c.mu.Lock()
			open := c.exchanges()
			c.mu.Unlock()
			for _, x := range open {
				x.look(now)
			}
		}
	}
}

// leftGrace is what the agent gets beyond the caller's time: the caller's clock
// decides and cancels, the agent's is for a cancel that got lost.
const leftGrace = time.Second

// encodeRequest gives the head of r, the first bytes of its body, and whether
// there is more of it. A body of known, small size is read whole, so that the
// request is one message.
func encodeRequest(ctx context.Context, p contract.Principal, r *http.Request) (head, first []byte, rest bool, err error) {
	h := requestHead{
		method:    r.Method,
		target:    r.URL.RequestURI(),
		host:      r.Host,
		length:    r.ContentLength,
		principal: p,
		header:    passing(r.Header, requestHeaders),
	}
	if h.method == "" {
		h.method = http.MethodGet
	}
	if !methods[h.method] {
		return nil, nil, false, fault.New(fault.Invalid, "tunnel.method", "This method is not supported here.")
	}
	if r.Body == nil || r.Body == http.NoBody {
		h.length = 0
	} else if h.length == 0 {
		h.length = -1 // net/http's way of saying that a client request's length is unknown
	}
	if deadline, ok := ctx.Deadline(); ok {
		h.left = max(time.Until(deadline), 0) + leftGrace
	}
	if head, err = encodeRequestHead(h); err != nil {
		return nil, nil, false, ErrHeadSize.Because(err)
	}
	if h.length > 0 && h.length <= MaxChunk {
		first = make([]byte, h.length)
		if err := readBody(r.Body, first); err != nil {
			return nil, nil, false, err
		}
		return head, first, false, r.Body.Close()
	}
	return head, nil, h.length != 0, nil
}
