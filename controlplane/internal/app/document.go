package app

import (
	_ "embed" // agent.openapi.json
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dyocense/dyocense/controlplane/internal/edge"
	"github.com/dyocense/dyocense/controlplane/internal/gateway"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/openapi"
)

// agentDocument is the agent's part of the API, which the gateway carries. The
// agent writes it itself: dyocense-agent openapi, by make generate.
//
//go:embed agent.openapi.json
var agentDocument []byte

// document is the one OpenAPI document of the whole API.
func document(s *edge.Server) ([]byte, error) {
	own, err := s.Document()
	if err != nil {
		return nil, err
	}
	carried, err := secured(agentDocument)
	if err != nil {
		return nil, err
	}
	return openapi.Merge(own, carried)
}

// secured adds to the agent's document who may call its operations here: it knows
// principals only, and not how the control plane comes to know them.
func secured(document []byte) ([]byte, error) {
	var whole map[string]any
	if err := json.Unmarshal(document, &whole); err != nil {
		return nil, fmt.Errorf("read the agent's OpenAPI document: %w", err)
	}
	paths, _ := whole["paths"].(map[string]any)
	for path, item := range paths {
		operations, _ := item.(map[string]any)
		for method, o := range operations {
			operation, ok := o.(map[string]any)
			if !ok || !gateway.Carries(path) {
				continue
			}
			scope := tenancy.Scope(permission(strings.ToUpper(method), path))
			operation["security"] = []any{
				map[string]any{"session": []any{}}, map[string]any{"bearer": []any{}}, map[string]any{"apiKey": []any{scope}},
			}
		}
	}
	return json.Marshal(whole)
}

// Document is the same without running anything, for generated files.
func Document() ([]byte, error) {
	s := edge.New(edge.Config{Version: "1"})
	(&app{}).routes(s)
	return document(s)
}
