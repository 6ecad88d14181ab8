package app

import (
	"context"
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

// platformParts are the components that only platform mode has, with what they
// are configured by. They are used by later stages of a decision; until a
// deployment has them, the evidence stays in the tenant's own store.
func platformParts(c Config) []check {
	parts := []struct {
		name, variable, value, instead string
		flag                           features.Flag
	}{
		{"evidence graph", "NEO4J_URI", c.Neo4jURI, "evidence is kept in the tenant's store only", features.EvidenceGraph},
		{"vector search", "QDRANT_URL", c.QdrantURL, "there is no search over supporting documents", features.VectorSearch},
		{"single sign-on", "KEYCLOAK_ISSUER", c.KeycloakURL, "people sign in with e-mail and password", features.SingleSignOn},
	}
	checks := make([]check, 0, len(parts))
	for _, p := range parts {
		switch {
		case !c.Features.Has(p.flag):
			checks = append(checks, always(p.name, features.Off, "not in "+string(c.Features.Mode)+" mode"))
		case p.value == "":
			checks = append(checks, always(p.name, features.Degraded, p.variable+" is not set: "+p.instead))
		default:
			checks = append(checks, always(p.name, features.Degraded, "this version does not use it yet: "+p.instead))
		}
	}
	return checks
}
