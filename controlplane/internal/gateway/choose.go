package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// Choose picks the agent that serves t among those that live, the same one
// wherever it is asked and in whatever order they are listed. When an agent
// comes or goes, only tenants of that agent move. ok is false when none lives.
func Choose(t id.Tenant, alive []id.Agent) (chosen id.Agent, ok bool) {
	var best uint64
	for _, a := range alive {
		sum := sha256.Sum256([]byte(string(a) + "/" + string(t)))
		weight := binary.BigEndian.Uint64(sum[:8])
		if !ok || weight > best || weight == best && a < chosen {
			chosen, best, ok = a, weight, true
		}
	}
	return chosen, ok
}

// Agents is what the gateway needs of the fleet.
type Agents interface {
	// Account is the public key of env's account on the edge.
	Account(ctx context.Context, env id.Environment) (string, error)
	// Alive are the agents of env that live.
	Alive(env id.Environment) []id.Agent
}

// Among locates a tenant at the agent that Choose picks among those that live in
// the environment.
func Among(agents Agents) Locate {
	return func(ctx context.Context, t id.Tenant, env id.Environment) (tunnel.Target, error) {
		agent, ok := Choose(t, agents.Alive(env))
		if !ok {
			return tunnel.Target{}, ErrNobody
		}
		account, err := agents.Account(ctx, env)
		if err != nil {
			return tunnel.Target{}, err
		}
		return tunnel.Target{Account: account, Agent: agent}, nil
	}
}
