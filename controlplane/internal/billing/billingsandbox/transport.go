package billingsandbox

import (
	"bytes"
	"io"
	"net/http"
	"time"
)

// Client reaches the sandbox without a network; it speaks to nothing else.
func (b *Sandbox) Client() *http.Client {
	return &http.Client{Transport: transport{b}, Timeout: time.Minute}
}

type transport struct{ b *Sandbox }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // nothing is lost with it
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &response{header: http.Header{}, status: http.StatusOK}
	t.b.ServeHTTP(w, in)
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// response collects what a handler answers.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *response) Header() http.Header         { return w.header }
func (w *response) Write(p []byte) (int, error) { return w.body.Write(p) }
func (w *response) WriteHeader(status int)      { w.status = status }
