package tunnel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
)

// ErrBody is returned when the caller's body cannot be read to its end.
var ErrBody = fault.New(fault.Invalid, "tunnel.body", "The body of this request ended early; send it again.")

// exchange is one request and its response, seen from the gateway.
type exchange struct {
	client *Client
	target Target
	out    *outlet
	in     *inbox
	body   io.Closer // of the request
	upload done
	began  time.Time
	heard  atomic.Int64 // when the agent last said something, Unix nanoseconds

	answered chan struct{} // closed when the head is there
	done     chan struct{} // closed when nothing more is expected

	mu       sync.Mutex
	release  func() bool // stops waiting for the end of the caller's context
	response *http.Response
	over     bool
	err      error
}

// bind ends the exchange with ctx.
func (x *exchange) bind(ctx context.Context) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.release = context.AfterFunc(ctx, func() { x.abort(context.Cause(ctx)) })
}

// take handles a frame of the agent; only the client's dispatcher calls it.
func (x *exchange) take(f frame) {
	switch f.kind {
	case kindResponse:
		x.takeHead(f)
	case kindBody:
		x.mu.Lock()
		early := x.response == nil
		x.mu.Unlock()
		if early {
			x.abort(ErrBroken.Because(errors.New("body arrived before head")))
			return
		}
		if err := x.in.put(f.sequence, f.payload, f.last); err != nil {
			x.abort(err)
			return
		}
		if f.last {
			x.finish(nil)
		}
	case kindCredit:
		x.out.granted(f.payload)
	case kindFault:
		x.finish(contract.DecodeFault(f.payload))
	case kindAlive:
	case kindRequest, kindCancel:
		x.abort(ErrBroken.Because(fmt.Errorf("frame of kind %d came up", f.kind)))
	}
}

func (x *exchange) takeHead(f frame) {
	head, first, err := parseResponse(f.payload)
	if err == nil && f.sequence != 0 {
		err = errSequence
	}
	if err == nil && !f.last {
		err = x.in.put(f.sequence, first, f.last)
	}
	if err != nil {
		x.abort(ErrBroken.Because(err))
		return
	}
	r := &http.Response{
		Status:        strconv.Itoa(head.status) + " " + http.StatusText(head.status),
		StatusCode:    head.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        head.header,
		ContentLength: head.length,
		Body:          &responseBody{x},
	}
	if f.last {
		r.Body = io.NopCloser(bytes.NewReader(first))
		if r.ContentLength < 0 {
			r.ContentLength = int64(len(first))
		}
	}
	x.mu.Lock()
	twice := x.response != nil
	if !twice {
		x.response = r
		close(x.answered)
	}
	x.mu.Unlock()
	switch {
	case twice:
		x.abort(ErrBroken.Because(errors.New("a second head arrived")))
	case f.last:
		x.finish(nil)
	}
}

func (x *exchange) result() (*http.Response, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.response != nil {
		return x.response, nil
	}
	return nil, x.err
}

// finish ends the exchange: nothing more will come, or err is why.
func (x *exchange) finish(err error) (first bool) {
	x.mu.Lock()
	if x.over {
		x.mu.Unlock()
		return false
	}
	x.over, x.err = true, err
	close(x.done)
	release := x.release
	x.mu.Unlock()
	x.client.forget(x)
	if release != nil {
		release()
	}
	if err != nil {
		x.in.fail(err)
		x.out.fail(err)
	} else {
		x.out.fail(errOver)
	}
	_ = x.body.Close() // frees a sender that waits for the caller's bytes
	return true
}

// abort ends the exchange and tells the agent that nobody waits.
func (x *exchange) abort(err error) {
	if x.finish(err) {
		_ = x.out.control(kindCancel, nil) // a lost one costs the agent silenceMax
	}
}

// look ends the exchange when the agent is silent, and tells it now and then
// that the gateway is there.
func (x *exchange) look(now time.Time) {
	heard, sent := x.heard.Load(), x.out.sent.Load()
	switch {
	case heard == 0 && now.Sub(x.began) > x.client.clocks.ackWithin:
		x.abort(ErrNoAnswer)
	case heard != 0 && now.Sub(time.Unix(0, heard)) > x.client.clocks.silenceMax:
		x.abort(ErrSilent)
	case sent != 0 && now.Sub(time.Unix(0, sent)) > x.client.clocks.aliveEvery:
		// Not before the head has left: the agent would not know the exchange.
		if err := x.out.control(kindAlive, nil); err != nil {
			x.abort(err)
		}
	}
}

// send carries the caller's body in chunks.
func (x *exchange) send(body io.ReadCloser) {
	defer x.upload.Done()
	defer body.Close() //nolint:errcheck // read to its end, or given up
	chunk := make([]byte, MaxChunk)
	for {
		n, err := io.ReadFull(body, chunk)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			x.abort(ErrBody.Because(err))
			return
		}
		if err := x.out.body(chunk[:n], last); err != nil {
			if !errors.Is(err, errOver) {
				x.abort(err)
			}
			return
		}
		if last {
			return
		}
	}
}

// readBody fills b with a body of exactly that size.
func readBody(body io.Reader, b []byte) error {
	if _, err := io.ReadFull(body, b); err != nil {
		return ErrBody.Because(err)
	}
	return nil
}

// responseBody is what a caller reads of a response in parts.
type responseBody struct{ x *exchange }

// Read implements io.Reader.
func (b *responseBody) Read(p []byte) (int, error) { return b.x.in.Read(p) }

// Close tells the agent to stop if the body is not complete.
func (b *responseBody) Close() error {
	b.x.abort(context.Canceled)
	b.x.in.fail(http.ErrBodyReadAfterClose)
	return nil
}
