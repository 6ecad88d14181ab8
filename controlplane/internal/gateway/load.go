package gateway

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// ErrNoRoom is returned when too much is on its way to tenants that move.
var ErrNoRoom = fault.New(fault.Unavailable, "gateway.no_room", "Your workspace is being moved and much is sent at once; try again in a moment.").After(2 * time.Second)

const (
	// maxKept is how many bytes of bodies are kept together, so that moves cannot
	// fill the memory of a gateway.
	maxKept = 256 << 20
	// roomWithin is how long a request waits for others to let go of theirs.
	roomWithin = 2 * time.Second
)

// load is a request that may have to be sent more than once.
type load struct {
	request *http.Request
	open    func() (io.ReadCloser, error) // the body from its beginning; nil when it can be read once
	sent    bool
	letGo   func() // gives back the room of the body
}

// pack readies r. With keep its body is kept until letGo; without, r can be sent
// again only if it has no body or brings the means to read it again.
func (g *Gateway) pack(ctx context.Context, r *http.Request, keep bool) (*load, error) {
	l := &load{request: r, open: r.GetBody, letGo: func() {}}
	if !bears(r) {
		l.open = func() (io.ReadCloser, error) { return http.NoBody, nil }
		return l, nil
	}
	if !keep {
		return l, nil
	}
	known := r.ContentLength > 0
	size := int64(MaxBody)
	if known {
		size = r.ContentLength
	}
	if !g.room.take(ctx, size) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, ErrNoRoom
	}
	l.letGo = func() { g.room.give(size) }
	if known && l.open != nil {
		return l, nil // whoever made r holds the bytes
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, size+1))
	_ = r.Body.Close()
	if err != nil {
		l.letGo()
		return nil, tunnel.ErrBody.Because(err)
	}
	if int64(len(body)) > size {
		l.letGo()
		return nil, ErrTooLarge
	}
	g.room.give(size - int64(len(body)))
	size = int64(len(body))
	l.open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	l.request = r.WithContext(ctx)
	l.request.Body, err = l.open()
	return l, err
}

// bears says whether r has a body.
func bears(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// again says whether the request can be sent now.
func (l *load) again() bool { return !l.sent || l.open != nil }

// next is the request for one more sending; again has to be true.
func (l *load) next(ctx context.Context) (*http.Request, error) {
	r := l.request.WithContext(ctx)
	if l.sent {
		body, err := l.open()
		if err != nil {
			return nil, tunnel.ErrBody.Because(err)
		}
		r.Body = body
	}
	l.sent = true
	if bears(r) {
		r.Body = &limited{ReadCloser: r.Body, left: MaxBody}
	}
	return r, nil
}

// room is what is left of the memory for bodies.
type room struct {
	mu    sync.Mutex
	left  int64
	freed chan struct{} // closed when something is given back, and then another
}

func newRoom(size int64) *room { return &room{left: size, freed: make(chan struct{})} }

// take waits a moment for n bytes and says whether it got them.
func (r *room) take(ctx context.Context, n int64) bool {
	ctx, cancel := context.WithTimeout(ctx, roomWithin)
	defer cancel()
	for {
		r.mu.Lock()
		ok, freed := r.left >= n, r.freed
		if ok {
			r.left -= n
		}
		r.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return false
		}
	}
}

func (r *room) give(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += n
	close(r.freed)
	r.freed = make(chan struct{})
}
