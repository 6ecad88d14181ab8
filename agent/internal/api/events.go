package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/openapi"
)

// heartbeat is the longest silence on a stream: shorter than what proxies and
// gateways take for a dead connection.
const heartbeat = 15 * time.Second

// streamFor is the longest life of a stream; a browser comes back by itself, and
// a forgotten one costs nothing for ever.
const streamFor = 30 * time.Minute

func registerEvents(d door) {
	op := huma.Operation{
		OperationID: "watch-run", Method: http.MethodGet, Path: "/v1/runs/{id}/events", Tags: []string{"runs"},
		Summary:     "Watch a run",
		Description: "Server-sent events: the event run carries the Run at once and on every change and progress; the stream ends when the run has ended.",
		Errors:      []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
		Responses: map[string]*huma.Response{"200": {
			Description: "Events of the kind run",
			Content: map[string]*huma.MediaType{"text/event-stream": {
				Schema: d.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[runs.Run](), true, "Run"),
			}},
		}},
	}
	huma.Register(d.api, op, func(ctx context.Context, in *runPath) (*huma.StreamResponse, error) {
		c, err := d.admit(ctx, reads)
		if err != nil {
			return nil, openapi.Error(err)
		}
		run, err := in.parse()
		if err != nil {
			return nil, openapi.Error(err)
		}
		if _, err := c.runs.Find(ctx, c.caller(), run); err != nil { // while an error still has a status
			return nil, d.tell(ctx, op.OperationID, c, err)
		}
		return &huma.StreamResponse{Body: func(h huma.Context) {
			h.SetHeader("Content-Type", "text/event-stream")
			h.SetHeader("Cache-Control", "no-store")
			h.SetHeader("X-Accel-Buffering", "no")
			h.SetStatus(http.StatusOK)
			ctx, done := context.WithTimeout(h.Context(), streamFor)
			defer done()
			err := c.runs.Follow(ctx, c.caller(), run, heartbeat, func(r *runs.Run) error { return writeEvent(h.BodyWriter(), r) })
			// A tenant that moved ends the stream; the listener comes back and is sent there.
			if err != nil && ctx.Err() == nil && !errors.Is(err, errListenerGone) && !tenantstore.Elsewhere(err) {
				d.log.ErrorContext(ctx, "a stream of run events broke", "tenant", c.who.Tenant, "run", run, "error", err)
			}
		}}, nil
	})
}

var errListenerGone = errors.New("the listener is gone")

// writeEvent writes one event, or a comment for nil, and sends it off.
func writeEvent(w io.Writer, r *runs.Run) error {
	line := []byte(": still here\n\n")
	if r != nil {
		data, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode a run event: %w", err)
		}
		line = append(append([]byte("event: run\ndata: "), data...), "\n\n"...)
	}
	if _, err := w.Write(line); err != nil {
		return errors.Join(errListenerGone, err)
	}
	if rw, ok := w.(http.ResponseWriter); ok {
		if err := http.NewResponseController(rw).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return errors.Join(errListenerGone, err)
		}
	}
	return nil
}
