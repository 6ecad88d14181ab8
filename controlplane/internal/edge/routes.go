package edge

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/openapi"
)

// Who may call a route.
type Who int

// The callers. What a signed-in person may do is for the operation to decide.
const (
	Anyone       Who = iota
	SignedIn         // in a browser, or a program with an access token or an API key
	InBrowser        // signed in there, and no program: what a stolen token must not reach
	JoiningAgent     // brings a join token, which the operation checks
)

// Route is how an operation is reached.
type Route struct {
	Method  string
	Path    string
	ID      string // operation id, verb-noun: "sign-up"
	Summary string
	Tag     string
	Who     Who
	Status  int           // on success; 0 means 200
	MaxBody int64         // bytes; 0 means 256 KiB
	Timeout time.Duration // 0 means 15 s
}

func (r Route) operation() huma.Operation {
	op := huma.Operation{
		Method: r.Method, Path: r.Path, OperationID: r.ID, Summary: r.Summary, Tags: []string{r.Tag},
		DefaultStatus: r.Status, MaxBodyBytes: r.MaxBody, Metadata: map[string]any{whoKey: r.Who},
		Errors: []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError},
	}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxOpBody
	}
	switch r.Who {
	case Anyone:
	case SignedIn:
		op.Security = []map[string][]string{{"session": {}}, {"bearer": {}}, {"apiKey": {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	case InBrowser:
		op.Security = []map[string][]string{{"session": {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	case JoiningAgent:
		op.Security = []map[string][]string{{"join": {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized)
	}
	return op
}

// Handle serves an operation. Req and Resp are Huma structs: parameters in
// tagged fields, the body in Body.
func Handle[Req, Resp any](s *Server, r Route, op func(context.Context, *Req) (*Resp, error)) {
	timeout := r.Timeout
	if timeout == 0 {
		timeout = opTimeout
	}
	huma.Register(s.api, r.operation(), func(ctx context.Context, req *Req) (*Resp, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		resp, err := op(ctx, req)
		if err == nil {
			return resp, nil
		}
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
			err = errTooSlow.Because(err)
		}
		if fault.KindOf(err) == fault.Internal {
			s.cfg.Log.ErrorContext(ctx, "operation failed", "operation", r.ID, "err", err)
		}
		return nil, openapi.Error(err)
	})
}

type connKey struct{}

func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// connectionOf says, whenever it is asked, whether the connection of a request was
// closed meanwhile. The library that writes streams finds out as well, and prints it
// past our log.
func connectionOf(ctx context.Context) (gone func() bool) {
	conn, ok := ctx.Value(connKey{}).(net.Conn)
	return func() bool { return ok && conn.SetWriteDeadline(time.Now().Add(sse.WriteTimeout)) != nil }
}

// keepAlive is the longest silence of a stream; proxies close what is silent for
// a minute.
const keepAlive = 15 * time.Second

// Stream serves values as server-sent events under one event name. op gives the
// channel of values, which it closes at the end; its context ends when the client
// is gone or the server stops.
func Stream[Req, Value any](s *Server, r Route, event string, op func(context.Context, *Req) (<-chan Value, error)) {
	var shape Value
	o := r.operation()
	sse.Register(s.api, o, map[string]any{event: shape, "problem": openapi.Problem{}}, func(ctx context.Context, req *Req, send sse.Sender) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		values, err := op(ctx, req)
		if err != nil {
			_ = send.Data(openapi.Problem{Problem: fault.ProblemOf(err)}) // the status is already on its way; the event carries the reason
			return
		}
		gone := connectionOf(ctx)
		silence := time.NewTicker(keepAlive)
		defer silence.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case v, open := <-values:
				if !open || gone() || send.Data(v) != nil {
					return
				}
				silence.Reset(keepAlive)
			case <-silence.C:
				if gone() || send(sse.Message{Comment: "still here"}) != nil {
					return
				}
			}
		}
	})
}

// File is what a download gives: Write is called with the way to the client, after
// the head of the answer is decided. When it fails the answer ends early, which the
// form of the file must let its reader notice.
type File struct {
	Name  string
	Type  string
	Write func(ctx context.Context, to io.Writer) error
}

// Download serves a file that is written while it is sent. The context of Write ends
// when the server stops.
func Download[Req any](s *Server, r Route, contentType string, op func(context.Context, *Req) (File, error)) {
	o := r.operation()
	o.Responses = map[string]*huma.Response{"200": {
		Description: "The file",
		Content:     map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}}
	huma.Register(s.api, o, func(ctx context.Context, req *Req) (*huma.StreamResponse, error) {
		limited, cancel := context.WithTimeout(ctx, opTimeout)
		defer cancel()
		f, err := op(limited, req)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				s.cfg.Log.ErrorContext(ctx, "operation failed", "operation", r.ID, "err", err)
			}
			return nil, openapi.Error(err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			c.SetStatus(http.StatusOK)
			c.SetHeader("Content-Type", f.Type)
			c.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
			write := func(to io.Writer) {
				if err := f.Write(ctx, to); err != nil && ctx.Err() == nil {
					s.cfg.Log.WarnContext(ctx, "a file was cut", "operation", r.ID, "err", err)
				}
			}
			if streams, ok := c.(interface{ StreamBody(write func(io.Writer)) }); ok {
				streams.StreamBody(write)
			} else {
				write(c.BodyWriter())
			}
		}}, nil
	})
}
