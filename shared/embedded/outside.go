package embedded

import (
	"context"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// EdgeOutside is what is needed to use an edge that others run, with our
// operator's keys.
type EdgeOutside struct {
	URL       string   // where the control plane connects
	Advertise []string // where agents connect
	Servers   int      // how many servers it has; each has to take an update
	Keys      Keyring
	Claims    Claims
	Log       *slog.Logger
}

// ReachEdge connects to an edge outside of the process. Its servers have to
// trust OperatorToken of the same keyring.
func ReachEdge(ctx context.Context, c EdgeOutside) (*Edge, error) {
	op := operator{c.Keys}
	system, err := dial(ctx, op, c.Log, nameSystem, c.URL, "authority")
	if err != nil {
		return nil, err
	}
	e := &Edge{urls: c.Advertise, authority: &Authority{operator: op, claims: c.Claims, system: system, servers: max(c.Servers, 1)}}
	e.dial = func(name string, more ...nats.Option) (*nats.Conn, error) {
		return dial(context.Background(), op, c.Log, nameControlPlane, c.URL, name, more...)
	}
	own, err := op.own(ctx, nameControlPlane)
	if err == nil {
		err = e.authority.announce(ctx, own)
	}
	if err != nil {
		system.Close()
		return nil, err
	}
	return e, nil
}

// OperatorToken is what servers outside of the process have to trust: the
// "operator" of their configuration.
func OperatorToken(ctx context.Context, keys Keyring) (string, error) {
	op := operator{keys}
	c, err := op.claims(ctx)
	if err != nil {
		return "", err
	}
	identity, _, err := op.key(ctx, "operator", nkeys.PrefixByteOperator)
	if err != nil {
		return "", err
	}
	return c.Encode(identity)
}

// SystemToken is the system account's claims, which such servers have to be
// started with ("resolver_preload").
func SystemToken(ctx context.Context, keys Keyring) (account, token string, err error) {
	op := operator{keys}
	c, err := op.own(ctx, nameSystem)
	if err != nil {
		return "", "", err
	}
	token, err = op.sign(ctx, c)
	return c.Subject, token, err
}
