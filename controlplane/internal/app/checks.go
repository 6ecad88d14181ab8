package app

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/controlplane/internal/dedicated"
	"github.com/dyocense/dyocense/controlplane/internal/gateway"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/features"
)

// checks are the components of the control plane, in the order they are told.
func checks(c Config, s *systems, pool *pool, homes *dedicated.Service, gate *gateway.Gateway, pay payments, mailbox *notify.Mailbox, signer *tokens.Signer) []check {
	store, core := "embedded SQLite", "embedded"
	if c.MongoURI.Set() {
		store = "MongoDB"
	}
	if c.CoreURL != "" {
		core = "external"
	}
	payment, mail, mailState := "Stripe", "SMTP", features.Ready
	if pay.sandbox != nil {
		payment = "sandbox: no real money moves"
	}
	if mailbox.Shows() {
		mail = "shown at /outbox: no mail leaves"
		if !c.loopback() {
			mail, mailState = "shown at /outbox to everybody who reaches this address: set SMTP_ADDRESS", features.Degraded
		}
	}
	all := []check{
		asking("store", store, s.store.Ping),
		asking("bus core", core, connected(s.coreConn)),
		asking("bus edge", "embedded", connected(s.edgeConn)),
		asking("pool agent", "", pool.alive),
		homes.Health,
		func(context.Context) features.Component { return gate.Health() },
		asking("access tokens", "", signer.Ready),
		always("payments", features.Ready, payment),
		always("mail", mailState, mail),
	}
	for _, p := range platformParts(c) {
		state, reason := p.state(c.Features)
		all = append(all, always(p.name, state, reason))
	}
	return all
}

func connected(nc *nats.Conn) func(context.Context) error {
	return func(context.Context) error {
		if !nc.IsConnected() {
			return errors.New("the connection is " + nc.Status().String())
		}
		return nil
	}
}
