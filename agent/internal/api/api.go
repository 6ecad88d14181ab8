package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/openapi"
)

// Config of the API.
type Config struct {
	Shelf      *tenantstore.Shelf
	Runs       *runs.Service
	Components func() []features.Component // for health; nil means none
	Program    string                      // version
	Log        *slog.Logger
	Now        func() time.Time // nil means time.Now
}

// New is the API as a handler. Requests must carry their principal in the
// context, as tunnel.Serve gives it.
func New(c Config) http.Handler {
	handler, _ := build(c)
	return handler
}

// Document is the OpenAPI 3.1 document of the API, the same bytes every time.
func Document(program string) ([]byte, error) {
	_, api := build(Config{Program: program, Log: slog.New(slog.DiscardHandler)})
	doc, err := json.MarshalIndent(api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return append(doc, '\n'), nil
}

func build(c Config) (http.Handler, huma.API) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Components == nil {
		c.Components = func() []features.Component { return nil }
	}
	settings := openapi.Config("Dyocense tenant API", c.Program,
		"Data, goals and decisions of one company. Errors are application/problem+json with a stable code.")
	mux := http.NewServeMux()
	api := humago.New(mux, settings)
	d := door{api: api, log: c.Log, shelf: c.Shelf, runs: c.Runs, now: c.Now}

	registerHealth(d, c)
	registerSamples(d)
	registerTables(d)
	registerUploads(d)
	registerTemplates(d)
	registerGoals(d)
	registerRuns(d)
	registerEvents(d)
	registerExports(d)
	declareNulls(api)
	return withOwnMisses(mux), api
}

// declareNulls says of the fields that may be null that they may; huma cannot
// say it of objects.
func declareNulls(api huma.API) {
	run := api.OpenAPI().Components.Schemas.Map()["Run"]
	if run == nil {
		return
	}
	run.Properties["error"] = &huma.Schema{
		OneOf:       []*huma.Schema{{Ref: "#/components/schemas/Problem"}, {Type: "null"}},
		Description: "Why it failed.",
	}
}

// withOwnMisses answers what no operation matches with a problem too.
func withOwnMisses(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		miss := errNoRoute
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != "" {
				miss = errMethod
			}
		}
		p := fault.ProblemOf(miss)
		if miss == errMethod {
			p.Status, p.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(p.Status)
		_ = json.NewEncoder(w).Encode(p) // the caller may be gone; nobody is left to tell
	})
}

// AgentHealth is how the agent is.
type AgentHealth struct {
	Status     string               `json:"status" enum:"ready,degraded" doc:"Whether everything works as configured."`
	Version    string               `json:"version"`
	Components []features.Component `json:"components"`
}

func registerHealth(d door, c Config) {
	huma.Register(d.api, huma.Operation{
		OperationID: "agent-health", Method: http.MethodGet, Path: "/v1/health", Tags: []string{"health"},
		Summary: "How the agent is",
	}, func(context.Context, *struct{}) (*body[AgentHealth], error) {
		h := AgentHealth{Status: "ready", Version: c.Program, Components: c.Components()}
		if h.Components == nil {
			h.Components = []features.Component{}
		}
		for _, part := range h.Components {
			if part.State == features.Degraded {
				h.Status = "degraded"
			}
		}
		return &body[AgentHealth]{h}, nil
	})
}
