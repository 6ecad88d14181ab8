package tunnel

import (
	"encoding/binary"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	maxHead    = 64 << 10 // bytes of a head
	maxHeaders = 100      // header lines of a head
)

// requestHead is all of a request but its body.
type requestHead struct {
	method    string
	target    string // path and query
	host      string
	left      time.Duration // until the caller gives up; 0 means no limit
	length    int64         // of the body; -1 when unknown
	principal contract.Principal
	header    http.Header
}

// responseHead is all of a response but its body.
type responseHead struct {
	status int
	length int64 // of the body; -1 when unknown
	header http.Header
}

var (
	errHead       = errors.New("head is malformed")
	errHeadTooBig = errors.New("head is larger than 64 KiB or has more than 100 header lines")
)

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendHeader(b []byte, h http.Header) []byte {
	lines := 0
	for _, values := range h {
		lines += len(values)
	}
	b = binary.AppendUvarint(b, uint64(lines))
	for name, values := range h {
		for _, v := range values {
			b = appendText(appendText(b, name), v)
		}
	}
	return b
}

// encodeRequestHead writes h with its length in front.
func encodeRequestHead(h requestHead) ([]byte, error) {
	fields := make([]byte, 0, 512)
	for _, s := range [...]string{h.method, h.target, h.host} {
		fields = appendText(fields, s)
	}
	fields = binary.AppendUvarint(fields, uint64(h.left.Milliseconds()))
	fields = binary.AppendUvarint(fields, uint64(h.length+1))
	p := h.principal
	header := h.header
	if !p.Limits.IsZero() {
		value, err := p.Limits.Header()
		if err != nil {
			return nil, err
		}
		if header = header.Clone(); header == nil {
			header = http.Header{}
		}
		header.Set(contract.LimitsHeader, value)
	}
	for _, s := range [...]string{string(p.Tenant), string(p.Person), string(p.Role), p.Plan} {
		fields = appendText(fields, s)
	}
	return withLength(appendHeader(fields, header), header)
}

// encodeResponseHead writes h with its length in front.
func encodeResponseHead(h responseHead) ([]byte, error) {
	fields := make([]byte, 0, 256)
	fields = binary.AppendUvarint(fields, uint64(h.status))
	fields = binary.AppendUvarint(fields, uint64(h.length+1))
	return withLength(appendHeader(fields, h.header), h.header)
}

func withLength(fields []byte, header http.Header) ([]byte, error) {
	lines := 0
	for _, values := range header {
		lines += len(values)
	}
	if len(fields) > maxHead || lines > maxHeaders {
		return nil, errHeadTooBig
	}
	b := make([]byte, 0, len(fields)+binary.MaxVarintLen32)
	return append(binary.AppendUvarint(b, uint64(len(fields))), fields...), nil
}

// reader takes fields off a head; after the first failure it gives zeros.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) text() string {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

// limited is a number of at most limit.
func (r *reader) limited(limit uint64) int64 {
	n := r.number()
	if n > limit {
		r.bad = true
		return 0
	}
	return int64(n)
}

func (r *reader) headers(pass map[string]bool) http.Header {
	lines := r.limited(maxHeaders)
	h := make(http.Header, lines)
	for range lines {
		name, value := r.text(), r.text()
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			r.bad = true
		}
		if r.bad {
			return nil
		}
		if name = http.CanonicalHeaderKey(name); pass[name] {
			h[name] = append(h[name], value)
		}
	}
	return h
}

// fields splits a payload into the fields of its head and what follows.
func fields(payload []byte) (head *reader, body []byte, err error) {
	size, n := binary.Uvarint(payload)
	if n <= 0 {
		return nil, nil, errHead
	}
	if size > maxHead {
		return nil, nil, errHeadTooBig
	}
	rest := payload[n:]
	if size > uint64(len(rest)) {
		return nil, nil, errHead
	}
	if len(rest)-int(size) > MaxChunk {
		return nil, nil, errBodyLength
	}
	return &reader{rest: rest[:size]}, rest[size:], nil
}

const (
	maxLeft   = uint64(24 * time.Hour / time.Millisecond)
	maxLength = 1 << 40
)

func parseRequest(payload []byte) (h requestHead, body []byte, err error) {
	r, body, err := fields(payload)
	if err != nil {
		return h, nil, err
	}
	h.method, h.target, h.host = r.text(), r.text(), r.text()
	h.left = time.Duration(r.limited(maxLeft)) * time.Millisecond
	h.length = r.limited(maxLength) - 1
	h.principal = contract.Principal{
		Tenant: id.Tenant(r.text()),
		Person: id.Person(r.text()),
		Role:   contract.Role(r.text()),
		Plan:   r.text(),
	}
	h.header = r.headers(headHeaders)
	if limits := h.header.Get(contract.LimitsHeader); limits != "" {
		h.header.Del(contract.LimitsHeader)
		if h.principal.Limits, err = contract.ReadLimits(limits); err != nil {
			return requestHead{}, nil, errHead
		}
	}
	if r.bad || len(r.rest) > 0 || !methods[h.method] || !strings.HasPrefix(h.target, "/") || !httpguts.ValidHostHeader(h.host) {
		return requestHead{}, nil, errHead
	}
	return h, body, nil
}

func parseResponse(payload []byte) (h responseHead, body []byte, err error) {
	r, body, err := fields(payload)
	if err != nil {
		return h, nil, err
	}
	h.status = int(r.limited(599))
	h.length = r.limited(maxLength) - 1
	h.header = r.headers(responseHeaders)
	if r.bad || len(r.rest) > 0 || h.status < 200 {
		return responseHead{}, nil, errHead
	}
	return h, body, nil
}

var methods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true,
	http.MethodPatch: true, http.MethodDelete: true, http.MethodOptions: true,
}

// requestHeaders pass from the gateway to the agent. The list holds no
// hop-by-hop header and nothing that proves who somebody is.
var requestHeaders = map[string]bool{
	"Accept": true, "Accept-Language": true, "Cache-Control": true, "Content-Encoding": true,
	"Content-Language": true, "Content-Type": true, "Idempotency-Key": true, "If-Match": true,
	"If-Modified-Since": true, "If-None-Match": true, "If-Unmodified-Since": true, "Last-Event-Id": true,
	"Prefer": true, "Range": true, "Traceparent": true, "Tracestate": true, "User-Agent": true, "X-Request-Id": true,
}

// headHeaders may be in the head of a request: what passes, and what the gateway
// itself says. Nothing that a browser sent under such a name gets into a head.
var headHeaders = func() map[string]bool {
	all := maps.Clone(requestHeaders)
	all[contract.LimitsHeader] = true
	return all
}()

// responseHeaders pass from the agent to the gateway, and all but
// contract.MovedHeader from there to the browser. An agent may run on a
// customer's machine, so it can set no cookie and no policy for our origin.
var responseHeaders = map[string]bool{
	"Accept-Ranges": true, "Cache-Control": true, "Content-Disposition": true, "Content-Encoding": true,
	"Content-Language": true, "Content-Range": true, "Content-Type": true, contract.SpentHeader: true, contract.MovedHeader: true, "Etag": true, "Expires": true,
	"Last-Modified": true, "Link": true, "Location": true, "Retry-After": true, "Vary": true,
	"X-Accel-Buffering": true, "X-Request-Id": true,
}

// passing is the part of h that may pass.
func passing(h http.Header, pass map[string]bool) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		if pass[name] {
			out[name] = values
		}
	}
	return out
}
