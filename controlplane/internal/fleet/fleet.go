package fleet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/shared/bus"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Authority is what fleet needs of the edge: who may connect.
type Authority interface {
	// EnsureAccount makes the account of env exist and returns its public key.
	EnsureAccount(ctx context.Context, env id.Environment) (account string, err error)
	// MintUser gives the holder of publicKey a token that makes it agent in env.
	MintUser(ctx context.Context, env id.Environment, agent id.Agent, publicKey string, ttl time.Duration) (token string, expires time.Time, err error)
	// Revoke ends the connections of that key and refuses the tokens it has.
	Revoke(ctx context.Context, env id.Environment, publicKey string) error
}

// Service is the fleet. It may be used from many goroutines and many replicas.
type Service struct {
	environments docstore.Table[environmentDoc]
	agents       docstore.Table[agentDoc]
	tokens       docstore.Table[tokenDoc]
	lines        docstore.Table[lineDoc]
	secrets      docstore.Table[secretDoc]
	authority    Authority
	edge         *nats.Conn      // in the control plane's account
	servers      func() []string // where agents connect
	log          *slog.Logger

	mu        sync.Mutex
	hooks     []ReportHook
	tails     map[id.Environment]int64  // a slot that is taken, near the newest
	accounts  map[string]id.Environment // never changes once it is known, and so does accountOf
	accountOf map[id.Environment]string
	seen      map[id.Agent]beat
	voices    []*bus.Answering
}

// ReportHook keeps what an agent reports. When it fails, the agent sends the
// report again, so it is called at least once for each.
type ReportHook func(ctx context.Context, env id.Environment, agent id.Agent, r contract.Report) error

// New is the fleet of the agents that connect to servers. Listen makes it answer.
func New(store docstore.Store, authority Authority, edge *nats.Conn, servers func() []string, log *slog.Logger) *Service {
	return &Service{
		environments: docstore.TableOf[environmentDoc](store, environmentsName),
		agents:       docstore.TableOf[agentDoc](store, agentsName),
		tokens:       docstore.TableOf[tokenDoc](store, tokensName),
		lines:        docstore.TableOf[lineDoc](store, desiredName),
		secrets:      docstore.TableOf[secretDoc](store, secretsName),
		authority:    authority, edge: edge, servers: servers, log: log,
		tails:     map[id.Environment]int64{},
		accounts:  map[string]id.Environment{},
		accountOf: map[id.Environment]string{},
		seen:      map[id.Agent]beat{},
	}
}

// OnReport adds a hook; all of them have to keep a report. It is called before
// Listen.
func (s *Service) OnReport(h ReportHook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, h)
}
