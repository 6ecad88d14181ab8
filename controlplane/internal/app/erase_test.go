package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/audit"
	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/closing"
	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/invitations"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/controlplane/internal/signup"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// aloof are the collections that the deletion of a tenant leaves alone, with why. A new
// collection is either forgotten by a keeper or stands here.
var aloof = map[string]string{
	"fleet_agents":       "belong to environments",
	"fleet_tokens":       "belong to environments, and expire",
	"fleet_secrets":      "belong to the product",
	"billing_notices":    "name a customer at the payment service",
	"sandbox_objects":    "play the payment service, which keeps invoices",
	"sandbox_answers":    "play the payment service",
	"sandbox_deliveries": "play the payment service",
	"sandbox_settings":   "play the payment service",
	"billing_marks":      "belong to the product",
	"signing_keys":       "belong to the product",
	"deletions":          "are the proof",
	"audit_proofs":       "are the proof",
}

// erased are the collections that hold something of a tenant, with how many documents the
// test puts there.
var erased = []string{
	"tenants", "members", "people", "sessions", "signups", "mails", "invitations", "billing_accounts", "placements",
	"refresh_families", "device_grants", "billing_trials", "billing_usage", "billing_usage_hours", "api_keys", "audit_entries", "audit_heads",
	"moves", "move_log", "move_active", "move_preflights", "dedicated", "fleet_desired", "fleet_environments",
}

func TestEveryCollectionIsErasedOrLeftAloneForAReason(t *testing.T) {
	t.Parallel()
	for _, c := range collections() {
		if (aloof[c.Name] != "") == slices.Contains(erased, c.Name) {
			t.Errorf("say what becomes of %s when a tenant is deleted: let a keeper forget it, or say why not", c.Name)
		}
	}
}

// without is a workspace that is gone as soon as it is told.
type without struct{}

func (without) Quiet(context.Context, id.Tenant) error { return nil }
func (without) Look(context.Context, id.Tenant) (closing.Kept, bool, error) {
	return closing.Kept{Environment: "env_1"}, false, nil
}
func (without) Erase(_ context.Context, _ id.Tenant, told bool) (bool, error) { return told, nil }

func TestNothingWithTheTenantsNameIsLeft(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := LoadConfig(func(name string) string {
		return map[string]string{"DYOCENSE_DATA": t.TempDir(), "DYOCENSE_LISTEN": "127.0.0.1:0"}[name]
	})
	must(err)
	log := slog.New(slog.DiscardHandler)
	p, err := openSystems(ctx, c, log)
	must(err)
	t.Cleanup(func() { must(p.close()) })
	clock, s := tenancytest.NewClock(), p.store
	tenants := tenancy.New(s, clock.Now)
	limits := identity.LocalLimits()
	people := identity.New(s, tenants, identity.Options{Limits: &limits, Now: clock.Now, Log: log})
	mailbox, err := notify.New(s, nil, clock.Now, log)
	must(err)
	desk := signup.New(s, people, tenants, mailbox, "http://x", clock.Now, log)
	guests := invitations.New(s, people, tenants, mailbox, "http://x", clock.Now, log)
	pay, err := openPayments(ctx, c, s, "http://x", log)
	must(err)
	books := billing.New(s, pay.provider, tenants, "http://x", clock.Now, log)
	agents := fleet.New(s, p.edge.Authority(), p.edgeConn, p.edge.URLs, log)
	pool := &pool{fleet: agents}
	must(pool.ensure(ctx, features.SMB))
	places := provisioning.New(s, pool, nil, log)
	homes, err := openDedicated(c, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, s, agents, log)
	must(err)
	moves := openMoves(c, s, p.tunnel, agents, homes, places, pool, books, tenants, &ways{}, mailbox, "http://x", log)
	programs, _ := openTokens(ctx, c, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, p, tenants, books, mailbox, "http://x", log)
	trail := audit.New(s, audit.NewSigner(p.keys.Derive("audit heads")), clock.Now, log)
	all := keeping{tenants: tenants, guests: guests, programs: programs, books: books, places: places, moves: moves, homes: homes, agents: agents, trail: trail}
	ends := closing.New(closing.Config{
		Store: s, Tenants: tenants, People: people, Mailbox: mailbox, Bill: books, Workspace: without{},
		Keepers: all.keepers(), Tellers: all.tellers(), Key: proofKey(p.keys), Grace: c.CloseGrace, Site: "http://x", Now: clock.Now, Log: log,
	})

	// A company with everything, and another one that has to stay as it is.
	ada := make([]identity.Who, 2)
	for i, email := range []string{"ada@herons.example", "eve@egrets.example"} {
		clock.Move(time.Second)
		must(desk.Begin(ctx, signup.Wish{Email: email, Password: "seven green herons", Company: "Herons"}))
		mails, err := mailbox.Newest(ctx, 1)
		must(err)
		_, token, _ := strings.Cut(mails[0].Text, "#token=")
		person, err := desk.Verify(ctx, strings.Fields(token)[0])
		must(err)
		who, _, _, err := people.Open(ctx, person)
		must(err)
		ada[i] = who
		clock.Move(time.Second)
		_, err = guests.Invite(ctx, who, strings.Replace(email, "@", ".guest@", 1), contract.RoleViewer)
		must(err)
		_, _, err = books.Checkout(ctx, who.Tenant, who.Email, billing.Starter, billing.Month, false)
		must(err)
		must(places.Request(ctx, who.Tenant, "Herons", "starter"))
		_, err = agents.Want(ctx, pool.env, contract.WantedTenant{Tenant: who.Tenant, State: contract.TenantServing, Plan: "starter", Name: "Herons"})
		must(err)
		_, err = agents.EnsureEnvironment(ctx, "dedicated/"+string(who.Tenant)+"/mov_1", features.Platform)
		must(err)
		insert := func(collection, name string, body map[string]any) {
			t.Helper()
			raw, err := json.Marshal(body)
			must(err)
			must(s.Insert(ctx, collection, docstore.Document{ID: name, Body: raw}))
		}
		move := string(id.NewMove())
		insert("moves", move, map[string]any{"id": move, "tenant": who.Tenant, "company": "Herons", "email": email})
		insert("move_log", move+"/000001", map[string]any{"n": 1, "state": "aborted", "text": string(who.Tenant), "facts": map[string]any{}})
		insert("move_preflights", "pre_"+string(who.Tenant), map[string]any{"tenant": who.Tenant, "expiry": 1})
		insert("refresh_families", string(id.NewFamily()), map[string]any{"tenant": who.Tenant, "person": who.Person, "email": email, "state": "active"})
		insert("device_grants", string(id.NewFamily()), map[string]any{"tenant": who.Tenant, "person": who.Person, "email": email, "userCode": string(who.Tenant)})
		insert("billing_trials", "card/"+strings.Repeat("0", 8)+string(rune('a'+i)), map[string]any{"tenant": who.Tenant, "at": clock.Now()})
		insert("billing_usage", string(who.Tenant)+"/decisions/x", map[string]any{"tenant": who.Tenant, "meter": "decisions", "source": "x", "quantity": 1, "at": clock.Now()})
		insert("billing_usage_hours", string(who.Tenant)+"/decisions/1", map[string]any{"told": 0})
		insert("api_keys", string(who.Tenant), map[string]any{"tenant": who.Tenant, "keys": []any{}})
		must(trail.Note(ctx, contract.Event{V: contract.Version, ID: id.NewEvent(), Type: "tenancy.renamed", Tenant: who.Tenant, At: clock.Now(), By: &contract.Actor{Person: who.Person, Email: email}}))
		must(trail.Round(ctx))
		insert("dedicated", string(id.NewEnvironment()), map[string]any{"tenant": who.Tenant, "key": "mov_1", "home": "x", "state": "removed", "entered": map[string]any{}})
	}
	before := kept(t, s, string(ada[0].Tenant))
	for _, name := range erased {
		if name != "move_active" && name != "mails" && name != "people" && name != "sessions" && before[name] == 0 { // the first would be a move under way
			t.Errorf("the test puts nothing into %s", name)
		}
	}

	must(ends.Close(ctx, ada[0], "Herons"))
	clock.Move(c.CloseGrace)
	relay := outbox.NewRelay(s, func(context.Context, contract.Event) error { return nil }, log)
	for range 3 {
		for _, boxes := range []string{tenancy.TenantsCollection, invitations.Collection, closing.Collection, billing.AccountsCollection, provisioning.Collection} {
			must(relay.Sweep(ctx, boxes))
		}
		must(desk.Sweep(ctx))
		_ = ends.Sweep(ctx) // deleting takes more than one round
	}
	if proof, err := ends.Proof(ctx, ada[0].Tenant); err != nil || !proof.Holds() {
		t.Fatalf("proof %+v, %v", proof, err)
	}
	for _, name := range []string{string(ada[0].Tenant), string(ada[0].Person), "herons.example"} {
		if left := kept(t, s, name); len(left) > 0 {
			t.Errorf("%s is named in %v", name, left)
		}
	}
	after := kept(t, s, string(ada[1].Tenant))
	for name, n := range before {
		if name != "signups" && after[name] != n { // sign-ups are over after a day
			t.Errorf("the other company has %d documents in %s, want %d", after[name], name, n)
		}
	}
	if wanted, err := agents.Holds(ctx, ada[1].Tenant); err != nil || wanted != 2 {
		t.Errorf("%d, %v", wanted, err)
	}
}

// kept counts the documents that name something, but for those that are left alone and
// the letter with the proof.
func kept(t *testing.T, s docstore.Store, name string) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, c := range collections() {
		for q, more := (docstore.Query{}), true; more; {
			page, err := s.Find(t.Context(), c.Name, q)
			if err != nil {
				t.Fatal(fmt.Errorf("walk %s: %w", c.Name, err))
			}
			for _, d := range page.Docs {
				if aloof[c.Name] == "" && (strings.Contains(d.ID, name) || strings.Contains(string(d.Body), name)) && !strings.Contains(string(d.Body), "Signature (Ed25519") {
					found[c.Name]++
				}
			}
			q.After, more = page.Next, page.Next != ""
		}
	}
	return found
}
