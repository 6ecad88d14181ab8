package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dyocense/dyocense/controlplane/internal/agentprocess"
	"github.com/dyocense/dyocense/controlplane/internal/audit"
	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/closing"
	"github.com/dyocense/dyocense/controlplane/internal/edge"
	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/controlplane/internal/gateway"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/invitations"
	"github.com/dyocense/dyocense/controlplane/internal/migration"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/controlplane/internal/portal"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/controlplane/internal/signup"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/buildinfo"
	"github.com/dyocense/dyocense/shared/bus"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/failpoint"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/process"
	"github.com/dyocense/dyocense/shared/telemetry"
)

// app is the wired control plane: what routes and parts reach for.
type app struct {
	health       health
	signup       *signup.Operations
	sessions     *identity.Operations
	tenancy      *tenancy.Operations
	closing      *closing.Operations
	invitations  *invitations.Operations
	mails        *notify.Operations
	billing      *billing.Operations
	provisioning provisioning.Operations
	fleet        *fleet.Operations
	moves        *migration.Operations
	tokens       *tokens.Operations
	audit        *audit.Operations
}

// Run builds the control plane and runs it until ctx ends. When it serves, it
// writes where to out: first the line "listening on http://HOST:PORT", then what
// runs. log takes everything else.
func Run(ctx context.Context, c Config, out io.Writer, log *slog.Logger) (err error) {
	if err := strict(c); err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	defer func() { _ = l.Close() }() // the server closes it; this is for a failed start
	site := c.BaseURL
	if site == "" {
		site = "http://" + l.Addr().String()
	}
	p, err := openSystems(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()

	// The slices, from the ones that know nobody to the ones that know others.
	tenants := tenancy.New(p.store, time.Now)
	trail := audit.New(p.store, audit.NewSigner(p.keys.Derive("audit heads")), time.Now, log)
	people := identity.New(p.store, tenants, identity.Options{Limits: limits(l.Addr()), Log: log, Noted: noteSession(trail), Restrict: tenants.Restriction})
	tenants.OnChange(people.Recheck)
	carrier, err := mailCarrier(c.SMTP)
	if err != nil {
		return err
	}
	mailbox, err := notify.New(p.store, carrier, time.Now, log)
	if err != nil {
		return err
	}
	desk := signup.New(p.store, people, tenants, mailbox, site, time.Now, log)
	guests := invitations.New(p.store, people, tenants, mailbox, site, time.Now, log)
	pay, err := openPayments(ctx, c, p.store, site, log)
	if err != nil {
		return err
	}
	metrics := telemetry.Metrics()
	ways := &ways{}
	books := billing.New(p.store, pay.provider, tenants, site, pay.now, log,
		billing.WithMailbox(mailbox), billing.WithMetrics(metrics), billing.WithFit(fits{tenants, ways}))
	tenants.LimitSeats(seats(books))
	inbox := billing.NewInbox(books, pay.notices)
	programs, signer := openTokens(ctx, c, l.Addr(), p, tenants, books, mailbox, site, log)
	agents := fleet.New(p.store, p.edge.Authority(), p.edgeConn, p.edge.URLs, log)
	pool := &pool{fleet: agents}
	ways.fleet, ways.books, ways.owners, ways.now = agents, books, &owners{tenants, mailbox, site, log}, pay.now
	places := provisioning.New(p.store, pool, ways.probe(p.tunnel), log)
	ways.gate = gateway.New(p.tunnel, routes{places}, gateway.Among(agents))
	agents.OnReport(func(ctx context.Context, env id.Environment, _ id.Agent, r contract.Report) error {
		return places.Reported(ctx, env, r)
	})
	if err := pool.ensure(ctx, c.Features.Mode); err != nil {
		return err
	}
	homes, err := openDedicated(c, l.Addr(), p.store, agents, log)
	if err != nil {
		return err
	}
	moves := openMoves(c, p.store, p.tunnel, agents, homes, places, pool, books, tenants, ways, mailbox, site, log)

	all := keeping{tenants: tenants, guests: guests, programs: programs, books: books, places: places, moves: moves, homes: homes, agents: agents, trail: trail}
	ends := closing.New(closing.Config{
		Store: p.store, Tenants: tenants, People: people, Mailbox: mailbox, Bill: books, Workspace: workspace{moves, places},
		Keepers: all.keepers(), Tellers: all.tellers(), Key: proofKey(p.keys), Grace: c.CloseGrace, Site: site, Now: time.Now, Log: log,
	})

	js, err := jetstream.New(p.coreConn)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	publisher := bus.NewPublisher(js, c.CoreServers)
	relay := outbox.NewRelay(p.store, noted(trail, publisher.Publish), log,
		tenancy.TenantsCollection, invitations.Collection, closing.Collection, billing.AccountsCollection, provisioning.Collection, migration.LogCollection,
		tokens.FamiliesCollection, tokens.KeyBooksCollection)

	deployment, err := describeDeployment(c.Features, places, agents, pay.sandbox != nil, mailbox.Shows())
	if err != nil {
		return err
	}
	sessions := identity.NewOperations(people, identity.NewJar(c.Secure()),
		tenants.Describe, books.Describe, describePlacement(places),
		deployment)
	a := &app{
		health:       health{mode: c.Features.Mode, checks: checks(c, p, pool, homes, ways.gate, pay, mailbox, signer)},
		signup:       signup.NewOperations(desk, sessions),
		sessions:     sessions,
		tenancy:      tenancy.NewOperations(tenants),
		invitations:  invitations.NewOperations(guests, sessions),
		closing:      closing.NewOperations(ends),
		mails:        notify.NewOperations(mailbox),
		billing:      billing.NewOperations(books, inbox),
		provisioning: provisioning.Operations{Service: places, Caller: callersTenant},
		fleet:        fleet.NewOperations(agents),
		moves:        migration.NewOperations(moves),
		tokens:       tokens.NewOperations(programs),
		audit:        audit.NewOperations(trail),
	}
	server := edge.New(edge.Config{
		Metrics: metrics,
		Version: buildinfo.Version(), Secure: c.Secure(), Cookie: identity.NewJar(c.Secure()).Name(), Log: log,
		Arrive: func(ctx context.Context, address string) context.Context {
			ip, err := netip.ParseAddr(address)
			if err != nil {
				return ctx // limits then count it among the unknown
			}
			return identity.WithOrigin(ctx, identity.OriginOf(ip))
		},
		SignIn: func(ctx context.Context, token string) (context.Context, error) {
			who, err := people.Authenticate(ctx, token)
			if err != nil {
				return nil, err
			}
			return known(ctx, who, string(who.Session)), nil
		},
		Bearer: bearer(programs), Rates: rates(l.Addr()),
	})
	a.routes(server)
	server.Forward(gateway.Prefixes(), ways.forward)
	if err := servePages(server, pay); err != nil {
		return err
	}

	parts := []process.Part{
		{Name: "agents", Run: func(ctx context.Context) error {
			if err := agents.Listen(); err != nil {
				return err
			}
			<-ctx.Done()
			agents.Stop()
			return nil
		}},
		{Name: "outbox", Run: relay.Run},
		{Name: "audit", Run: trail.Run},
		{Name: "placements", Run: places.Run},
		{Name: "moves", Run: moves.Run},
		{Name: "paid tenants", Run: func(ctx context.Context) error {
			return bus.Consume(ctx, js, bus.Consumer{Name: "provisioning", Subjects: []string{"evt." + billing.EventActivated + ".*"}, Replicas: c.CoreServers}, log, onPaid(tenants, places))
		}},
		{Name: "paid tenants without a place", Run: rebuild(books, tenants, places, log)},
		{Name: "mails", Run: mailbox.Run},
		{Name: "sign-ups", Run: desk.Run},
		{Name: "invitations", Run: guests.Run},
		{Name: "closing", Run: ends.Run},
		{Name: "sessions", Run: people.Run},
		{Name: "signing keys", Run: signer.Run},
		{Name: "programs", Run: programs.Run},
		{Name: "programs of former members", Run: func(ctx context.Context) error {
			return bus.Consume(ctx, js, bus.Consumer{Name: "tokens", Subjects: []string{"evt." + tenancy.EventMemberRemoved + ".*"}, Replicas: c.CoreServers}, log, onMemberLeft(programs))
		}},
		{Name: "payment notices", Run: inbox.Run},
	}
	parts = append(parts, pay.deliver(inbox)...)
	if c.Metrics != "" {
		parts = append(parts, process.Part{Name: "metrics", Run: func(ctx context.Context) error { return telemetry.Serve(ctx, c.Metrics, metrics) }})
	}
	child, agentParts, err := poolAgent(c, l.Addr(), pool, log)
	if err != nil {
		return err
	}
	parts = append(parts, agentParts...)
	parts = append(parts, process.Part{Name: "dedicated environments", Run: homes.Run})
	// HTTP stops before the agents: live streams end first, so that the agents have
	// nothing left to drain.
	parts = append(parts, process.Part{Name: "http", Run: func(ctx context.Context) error { return server.Run(ctx, l) }})
	parts = append(parts, process.Part{Name: "greeting", Run: func(ctx context.Context) error {
		greet(out, l.Addr(), c, pay, mailbox, child)
		<-ctx.Done()
		return nil
	}})
	return process.Run(ctx, parts...)
}

// onPaid asks for a place for a tenant that has paid.
func onPaid(tenants *tenancy.Tenants, places *provisioning.Service) func(context.Context, contract.Event) error {
	return func(ctx context.Context, e contract.Event) error {
		var paid billing.ActivatedData
		if err := json.Unmarshal(e.Data, &paid); err != nil {
			return fmt.Errorf("read %s: %w", e.Type, err)
		}
		name, err := tenants.Name(ctx, e.Tenant)
		if err != nil {
			return err
		}
		return places.Request(ctx, e.Tenant, name, string(paid.Plan))
	}
}

// servePages adds what is not the API: documents, the hosted sandbox page, the
// portal. The portal takes every address that is left and so comes last.
func servePages(server *edge.Server, pay payments) error {
	whole, err := document(server)
	if err != nil {
		return fmt.Errorf("write the OpenAPI document: %w", err)
	}
	server.Plain("/openapi.json", "application/json", whole)
	if pay.sandbox != nil {
		pages, err := pay.sandbox.Pages()
		if err != nil {
			return fmt.Errorf("prepare the sandbox page: %w", err)
		}
		server.Mount("/sandbox", pages)
	}
	server.Portal(portal.Files())
	return nil
}

// limits are the budgets against guessing: wide ones where only this machine can
// reach us, because then everybody comes from one address.
func limits(a net.Addr) *identity.Limits {
	l := identity.PublicLimits()
	if local(a) {
		l = identity.LocalLimits()
	}
	return &l
}

// mailCarrier is the mail server, or nil for the built-in outbox.
func mailCarrier(s SMTP) (notify.Carrier, error) {
	if s.Address == "" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("read SMTP_ADDRESS: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("read SMTP_ADDRESS: %w", err)
	}
	carrier, err := notify.NewSMTP(notify.SMTP{
		Host: host, Port: number, Security: notify.Security(s.Security), User: s.User, Password: s.Password.Reveal(), From: s.From,
	})
	if err != nil {
		return nil, fmt.Errorf("set up mail: %w", err)
	}
	return carrier, nil
}

// poolAgent is the pool's agent as our child, unless it runs elsewhere.
func poolAgent(c Config, at net.Addr, pool *pool, log *slog.Logger) (*agentprocess.Process, []process.Part, error) {
	if !c.PoolAgent {
		return nil, pool.tokenFile(c.PoolTokenFile, log), nil
	}
	program, err := c.agentProgram()
	if err != nil {
		return nil, nil, err
	}
	child := agentprocess.New(agentprocess.Spec{
		Program: program, Data: filepath.Join(c.Data, "pool-agent"), Name: "pool",
		ControlPlane: reachedAt(at), Token: pool.token,
		Env:    childEnvironment(c),
		Output: os.Stderr, Log: log,
	})
	return child, []process.Part{{Name: "pool agent", Run: child.Run}}, nil
}

// childEnvironment is what an agent beside us may know of ours: where its caches and
// stores are, the mode, and how to log. No key of the control plane is among it.
func childEnvironment(c Config) []string {
	env := append(failpoint.Environment(), "DEPLOYMENT_MODE="+string(c.Features.Mode))
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "PATH", "TMPDIR", "LOG_FORMAT", "LOG_LEVEL", "TZ"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	if c.MongoURI.Set() {
		env = append(env, "MONGODB_URI="+c.MongoURI.Reveal())
	}
	return env
}

// greet says that the product serves, and with what.
func greet(out io.Writer, at net.Addr, c Config, pay payments, mailbox *notify.Mailbox, child *agentprocess.Process) {
	store, payment, mail, agent := "SQLite in "+c.Data, "Stripe", "SMTP", "external pool agent"
	if c.MongoURI.Set() {
		store = "MongoDB"
	}
	if pay.sandbox != nil {
		payment = "sandbox payments"
	}
	if mailbox.Shows() {
		mail = "mails at /outbox"
	}
	if child != nil {
		agent = "pool agent"
	}
	_, _ = fmt.Fprintf(out, "listening on http://%s\n", at)
	_, _ = fmt.Fprintf(out, "running: control plane, NATS core and edge, %s, %s, %s, %s (%s mode, %s)\n",
		agent, store, payment, mail, c.Features.Mode, buildinfo.Version())
}
