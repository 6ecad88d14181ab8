package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/edge"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// openTokens makes the slice that signs programs in. A failure to bring the keys in
// order does not stop the start: browsers need none of them, and /health tells.
func openTokens(ctx context.Context, c Config, at net.Addr, p *systems, tenants *tenancy.Tenants, books *billing.Books, mailbox *notify.Mailbox, site string, log *slog.Logger) (*tokens.Service, *tokens.Signer) {
	signer := tokens.NewSigner(p.store, p.keys, site, time.Now, log)
	if err := signer.Rotate(ctx); err != nil {
		log.ErrorContext(ctx, "signing keys are not in order", "err", err)
	}
	limits := tokens.PublicLimits()
	if local(at) {
		limits = tokens.LocalLimits()
	}
	return tokens.New(p.store, signer, p.keys, tenants, boughtAPI{books}, mailbox, tokens.Options{
		Site: site, Production: c.Production, Limits: limits, Now: time.Now, Log: log,
	}), signer
}

// boughtAPI tells tokens what a tenant has bought.
type boughtAPI struct{ books *billing.Books }

// HasAPI says whether t's plan has the API. What was paid for once and is over now
// stays readable, for programs too.
func (b boughtAPI) HasAPI(ctx context.Context, t id.Tenant) (bool, error) {
	s, err := b.books.Standing(ctx, t)
	return err == nil && s.Plan != nil && s.Plan.API, err
}

// bearer lets a program in by its token.
func bearer(t *tokens.Service) func(context.Context, string, string) (context.Context, string, error) {
	return func(ctx context.Context, token, from string) (context.Context, string, error) {
		address, err := netip.ParseAddr(from)
		if err != nil {
			address = netip.Addr{} // in no network
		}
		caller, err := t.Authenticate(ctx, token, address)
		if err != nil {
			return nil, "", err
		}
		return known(ctx, caller.Who, caller.Via), caller.Via, nil
	}
}

// known is the context of a request of who, who came with a session, a program or
// an API key.
func known(ctx context.Context, who identity.Who, via string) context.Context {
	ctx = contract.WithActor(ctx, contract.Actor{
		Person: who.Person, Email: who.Email, Via: via, Origin: string(identity.OriginFrom(ctx)),
	})
	return identity.With(ctx, who)
}

// rates are the quotas of programs: wide ones where only this machine can reach us.
func rates(at net.Addr) edge.Rates {
	if local(at) {
		return edge.LocalRates()
	}
	return edge.PublicRates()
}

func local(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// permission is what a request of the tenant API takes of an API key. What the role
// may do, the agent decides.
func permission(method, path string) (tenancy.Resource, tenancy.Action) {
	reads := method == http.MethodGet || method == http.MethodHead
	for _, p := range []string{"/v1/tables", "/v1/uploads", "/v1/samples"} {
		if path != p && !strings.HasPrefix(path, p+"/") {
			continue
		}
		if reads {
			return tenancy.Data, tenancy.Read
		}
		return tenancy.Data, tenancy.Write
	}
	if reads {
		return tenancy.Decisions, tenancy.Read
	}
	return tenancy.Decisions, tenancy.Run
}

// onMemberLeft ends what asks in the name of a member who left. A use of it would
// find that out too; this ends it for good before they come back.
func onMemberLeft(t *tokens.Service) func(context.Context, contract.Event) error {
	return func(ctx context.Context, e contract.Event) error {
		var left tenancy.MemberData
		if err := json.Unmarshal(e.Data, &left); err != nil {
			return fmt.Errorf("read %s: %w", e.Type, err)
		}
		return t.MemberLeft(ctx, e.Tenant, left.Target)
	}
}
