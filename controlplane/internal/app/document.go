package app

import (
	_ "embed" // agent.openapi.json

	"github.com/dyocense/dyocense/controlplane/internal/edge"
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
	return openapi.Merge(own, agentDocument)
}

// Document is the same without running anything, for generated files.
func Document() ([]byte, error) {
	s := edge.New(edge.Config{Version: "1"})
	(&app{}).routes(s)
	return document(s)
}
