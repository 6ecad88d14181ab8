package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/buildinfo"
	"github.com/dyocense/dyocense/shared/features"
)

// check looks at one component now.
type check func(context.Context) features.Component

// health looks at all components.
type health struct {
	mode   features.Mode
	checks []check
}

// HealthAnswer is the answer of GET /health. It is 200 also when degraded: the
// product serves, and says what is not as it should be.
type HealthAnswer struct {
	Body struct {
		Status     features.State       `json:"status" enum:"ready,degraded"`
		Mode       features.Mode        `json:"mode" enum:"smb,platform"`
		Version    string               `json:"version"`
		Commit     string               `json:"commit"`
		Components []features.Component `json:"components"`
	}
}

const healthTimeout = 2 * time.Second

// Show answers GET /health.
func (h health) Show(ctx context.Context, _ *struct{}) (*HealthAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	answer := &HealthAnswer{}
	for _, look := range h.checks {
		answer.Body.Components = append(answer.Body.Components, look(ctx))
	}
	answer.Body.Status = features.Overall(answer.Body.Components)
	answer.Body.Mode = h.mode
	answer.Body.Version, answer.Body.Commit = buildinfo.Version(), buildinfo.Commit()
	return answer, nil
}

// always is a component whose state does not change while the program runs.
func always(name string, s features.State, reason string) check {
	return func(context.Context) features.Component {
		return features.Component{Name: name, State: s, Reason: reason}
	}
}

// asking is a component that is ready when ask returns nil.
func asking(name, whenReady string, ask func(context.Context) error) check {
	return func(ctx context.Context) features.Component {
		if err := ask(ctx); err != nil {
			return features.Component{Name: name, State: features.Degraded, Reason: err.Error()}
		}
		return features.Component{Name: name, State: features.Ready, Reason: whenReady}
	}
}

// platformPart is something that only platform mode has.
type platformPart struct {
	name     string
	flag     features.Flag
	variable string // that configures it
	value    string
	instead  string // what happens without it
}

func platformParts(c Config) []platformPart {
	return []platformPart{
		{"evidence graph", features.EvidenceGraph, "NEO4J_URI", c.Neo4jURI, "evidence is kept in the tenant's store only"},
		{"vector search", features.VectorSearch, "QDRANT_URL", c.QdrantURL, "there is no search over supporting documents"},
		{"single sign-on", features.SingleSignOn, "KEYCLOAK_ISSUER", c.KeycloakURL, "people sign in with e-mail and password"},
	}
}

// state says how the part is in this version and configuration.
func (p platformPart) state(f features.Features) (features.State, string) {
	switch {
	case !f.Has(p.flag):
		return features.Off, "not in " + string(f.Mode) + " mode"
	case p.value == "":
		return features.Degraded, p.variable + " is not set: " + p.instead
	default:
		return features.Degraded, "this version does not use " + p.variable + " yet: " + p.instead
	}
}

// strict fails when STRICT_MODE is on and something that the mode has is missing.
func strict(c Config) error {
	if !c.Features.Strict {
		return nil
	}
	var missing []error
	for _, p := range platformParts(c) {
		if s, reason := p.state(c.Features); s == features.Degraded {
			missing = append(missing, fmt.Errorf("STRICT_MODE is true and the %s is missing: %s", p.name, reason))
		}
	}
	return errors.Join(missing...)
}
