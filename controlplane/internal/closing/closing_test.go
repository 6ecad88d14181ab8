package closing_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/closing"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/invitations"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

const grace = 30 * 24 * time.Hour

// world is what lies outside of the process: the payment service and the agent. It lives
// on when the process dies.
type world struct {
	ended    int
	refusal  error // of the payment service
	moving   error
	holds    bool // the agent holds the workspace
	told     int
	unheard  int // calls that the agent does not hear
	lookedAt int
}

func (w *world) End(context.Context, id.Tenant) error {
	if w.refusal == nil {
		w.ended++
	}
	return w.refusal
}

func (w *world) Quiet(context.Context, id.Tenant) error { return w.moving }

func (w *world) Look(context.Context, id.Tenant) (closing.Kept, bool, error) {
	if w.unheard > 0 {
		w.unheard--
		return closing.Kept{}, false, fault.New(fault.Unavailable, "test.away", "Away.")
	}
	w.lookedAt++
	k := closing.Kept{Environment: "env_1"}
	if w.holds {
		k.Documents, k.Entries, k.Chain = 12, 30, "cafe"
	}
	return k, !w.holds, nil
}

func (w *world) Erase(_ context.Context, _ id.Tenant, told bool) (bool, error) {
	if told && !w.holds {
		return true, nil
	}
	w.told++
	w.holds = w.told < 2 // it takes two rounds
	return false, nil
}

// process is the slices as they are after a start.
type process struct {
	store   docstore.Store
	clock   *tenancytest.Clock
	tenants *tenancy.Tenants
	people  *identity.People
	mailbox *notify.Mailbox
	guests  *invitations.Desk
	service *closing.Service
	ops     *closing.Operations
	key     ed25519.PrivateKey
}

func collections() (all []docstore.Collection) {
	for _, c := range [][]docstore.Collection{identity.Collections(), tenancy.Collections(), notify.Collections(), invitations.Collections(), closing.Collections()} {
		all = append(all, c...)
	}
	return all
}

func start(t *testing.T, s docstore.Store, clock *tenancytest.Clock, w *world) *process {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	p := &process{store: s, clock: clock, tenants: tenancy.New(s, clock.Now), key: ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32)))}
	limits := identity.LocalLimits()
	p.people = identity.New(s, p.tenants, identity.Options{Limits: &limits, Now: clock.Now, Log: log})
	var err error
	if p.mailbox, err = notify.New(s, nil, clock.Now, log); err != nil {
		t.Fatal(err)
	}
	p.guests = invitations.New(s, p.people, p.tenants, p.mailbox, "http://x", clock.Now, log)
	p.service = closing.New(closing.Config{
		Store: s, Tenants: p.tenants, People: p.people, Mailbox: p.mailbox, Bill: w, Workspace: w,
		Keepers: []closing.Named[closing.Keeper]{{Name: "invitations", Is: p.guests}},
		Tellers: []closing.Named[closing.Teller]{{Name: "invitations", Is: func(ctx context.Context, t id.Tenant) (any, error) { return p.guests.Tell(ctx, t) }}},
		Key:     p.key, Grace: grace, Site: "http://x", Now: clock.Now, Log: log,
	})
	p.ops = closing.NewOperations(p.service)
	return p
}

// company is a process with one company: ada owns it and nothing else, bo is a member of
// another one too, and there is an invitation.
type company struct {
	*process
	world *world
	ada   identity.Who
	bo    identity.Who
	other id.Tenant
}

func open(t *testing.T) *company {
	t.Helper()
	w := &world{holds: true}
	c := &company{process: start(t, tenancytest.Open(t, collections()), tenancytest.NewClock(), w), world: w, other: id.NewTenant()}
	person := func(email string) identity.Who {
		p := identity.Person{ID: id.NewPerson(), Email: identity.Address(email), Password: "x"}
		if err := c.people.Add(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		return identity.Who{Person: p.ID, Email: email, Role: contract.RoleOwner, Proved: time.Now()}
	}
	c.ada, c.bo = person("ada@example.com"), person("bo@example.com")
	c.ada.Tenant = id.NewTenant()
	for _, err := range []error{
		c.tenants.Create(t.Context(), c.ada.Tenant, "Herons", c.ada.Person, c.ada.Email),
		c.tenants.Create(t.Context(), c.other, "Egrets", c.bo.Person, c.bo.Email),
		c.tenants.Join(t.Context(), c.ada.Tenant, tenancy.Joining{Person: c.bo.Person, Email: c.bo.Email, Role: contract.RoleAnalyst}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.guests.Invite(t.Context(), c.ada, "cy@example.com", contract.RoleViewer); err != nil {
		t.Fatal(err)
	}
	c.publish(t)
	return c
}

// publish empties the boxes, as the relay does all the time.
func (p *process) publish(t *testing.T) {
	t.Helper()
	relay := outbox.NewRelay(p.store, func(context.Context, contract.Event) error { return nil }, slog.New(slog.DiscardHandler))
	for _, c := range []string{tenancy.TenantsCollection, invitations.Collection, closing.Collection} {
		if err := relay.Sweep(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *company) close(t *testing.T) {
	t.Helper()
	if err := c.service.Close(t.Context(), c.ada, "Herons"); err != nil {
		t.Fatal(err)
	}
	c.publish(t)
}

// left are the documents that name something, but for the proof.
func left(t *testing.T, s docstore.Store, of []docstore.Collection, needles ...string) (found []string) {
	t.Helper()
	for _, c := range of {
		q := docstore.Query{}
		for {
			page, err := s.Find(t.Context(), c.Name, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page.Docs {
				if c.Name == closing.Collection || strings.Contains(string(d.Body), "Signature (Ed25519") {
					continue // the proof, and the letter with it
				}
				for _, n := range needles {
					if strings.Contains(d.ID, n) || strings.Contains(string(d.Body), n) {
						found = append(found, c.Name+"/"+d.ID+" names "+n)
					}
				}
			}
			if page.Next == "" {
				break
			}
			q.After = page.Next
		}
	}
	return found
}

func TestACompanyIsClosedAndOpenedAgain(t *testing.T) {
	t.Parallel()
	c := open(t)
	for _, typed := range []string{"", "herons", "Heron"} {
		if err := c.service.Close(t.Context(), c.ada, typed); !errors.Is(err, closing.ErrName) {
			t.Errorf("typed %q: %v", typed, err)
		}
	}
	c.clock.Move(time.Second) // mails of one moment have no order
	c.close(t)
	if d, err := c.tenants.Tenant(t.Context(), c.ada.Tenant); err != nil || d.Status != tenancy.Closed || !d.DeleteAt.Equal(c.clock.Now().Add(grace)) || c.world.ended != 1 {
		t.Errorf("%+v, %v, %d times ended", d, err, c.world.ended)
	}
	if mails, err := c.mailbox.Newest(t.Context(), 1); err != nil || mails[0].To != c.ada.Email || !strings.Contains(mails[0].Text, "deleted on") {
		t.Errorf("%+v, %v", mails, err)
	}
	c.clock.Move(grace - time.Minute)
	if err := c.service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.service.Reopen(t.Context(), c.ada); err != nil {
		t.Fatal(err)
	}
	c.clock.Move(time.Hour)
	if err := c.service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d, err := c.tenants.Tenant(t.Context(), c.ada.Tenant); err != nil || d.Status != tenancy.Active || c.world.told != 0 {
		t.Errorf("%+v, %v; told %d times", d, err, c.world.told)
	}
}

func TestClosingIsRefused(t *testing.T) {
	t.Parallel()
	frozen := fault.New(fault.Forbidden, "billing.frozen", "The account is frozen.")
	t.Run("by the bill, and then nothing has changed", func(t *testing.T) {
		t.Parallel()
		c := open(t)
		c.world.refusal = frozen
		if err := c.service.Close(t.Context(), c.ada, "Herons"); !errors.Is(err, frozen) {
			t.Errorf("Close = %v", err)
		}
		if d, err := c.tenants.Tenant(t.Context(), c.ada.Tenant); err != nil || d.Status != tenancy.Active {
			t.Errorf("%+v, %v", d, err)
		}
	})
	t.Run("by a move under way", func(t *testing.T) {
		t.Parallel()
		c := open(t)
		c.world.moving = frozen
		if err := c.service.Close(t.Context(), c.ada, "Herons"); !errors.Is(err, frozen) || c.world.ended != 0 {
			t.Errorf("Close = %v, %d times ended", err, c.world.ended)
		}
	})
	t.Run("without a fresh proof of who asks, and to all but owners", func(t *testing.T) {
		t.Parallel()
		c := open(t)
		var r closing.CloseRequest
		r.Body.Name = "Herons"
		stale := c.ada
		stale.Proved = time.Now().Add(-time.Hour)
		if _, err := c.ops.Close(identity.With(t.Context(), stale), &r); !errors.Is(err, identity.ErrStepUp) {
			t.Errorf("an old proof: %v", err)
		}
		admin := c.ada
		admin.Role = contract.RoleAdmin
		if _, err := c.ops.Close(identity.With(t.Context(), admin), &r); !errors.Is(err, tenancy.ErrForbidden) {
			t.Errorf("an admin: %v", err)
		}
		if _, err := c.ops.Close(identity.With(t.Context(), c.ada), &r); err != nil {
			t.Errorf("an owner: %v", err)
		}
	})
	t.Run("for now, while the payment service does not answer", func(t *testing.T) {
		t.Parallel()
		c := open(t)
		c.world.refusal = fault.New(fault.Unavailable, "billing.provider", "Away.")
		c.close(t)
		if d, err := c.tenants.Tenant(t.Context(), c.ada.Tenant); err != nil || d.Status != tenancy.Closing {
			t.Errorf("%+v, %v", d, err)
		}
		c.world.refusal = nil
		if err := c.service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d, err := c.tenants.Tenant(t.Context(), c.ada.Tenant); err != nil || d.Status != tenancy.Closed {
			t.Errorf("%+v, %v", d, err)
		}
	})
}

// However often the process dies, and whoever does not answer, in the end nothing of the
// tenant is left but a proof that says what there was.
func TestADeletionSurvivesACrashAtEveryWrite(t *testing.T) {
	t.Parallel()
	most := 0
	for dies := 0; dies <= most; dies++ {
		c := open(t)
		c.close(t)
		c.clock.Move(grace)
		if dies == 0 { // how many writes there are
			counting := tenancytest.DyingAfter(c.store, -1)
			c.world.unheard = 1
			finish(t, c, start(t, counting, c.clock, c.world))
			most = counting.Writes()
			if most < 8 {
				t.Fatalf("only %d writes", most)
			}
			continue
		}
		dying := start(t, tenancytest.DyingAfter(c.store, dies), c.clock, c.world)
		for range 4 {
			_ = dying.service.Sweep(t.Context()) // it dies in one of them
		}
		finish(t, c, start(t, c.store, c.clock, c.world))
	}
}

// finish lets p delete the company, and checks what is left.
func finish(t *testing.T, c *company, p *process) {
	t.Helper()
	var proof closing.Proof
	var err error = closing.ErrNoProof
	for range 10 {
		_ = p.service.Sweep(t.Context()) // an agent that is away is a failure that the next round makes good
		p.publish(t)
		var found error
		if proof, found = p.service.Proof(t.Context(), c.ada.Tenant); found == nil {
			err = nil
			break
		}
	}
	if err != nil {
		t.Fatal("there is no proof")
	}
	if found := left(t, c.store, collections(), string(c.ada.Tenant), string(c.ada.Person), "cy@example.com"); len(found) > 0 {
		t.Errorf("left are %v", found)
	}
	var st closing.Statement
	if err := json.Unmarshal([]byte(proof.Statement), &st); err != nil || !proof.Holds() {
		t.Fatalf("%+v, %v", proof, err)
	}
	if st.Tenant != c.ada.Tenant || st.Workspace.Documents != 12 || st.Workspace.Chain != "cafe" || st.Records["invitations"] != 1 || st.Members != 2 || st.Accounts != 1 {
		t.Errorf("the proof says %+v", st)
	}
	for _, personal := range []string{"example.com", string(c.ada.Person), "Herons"} {
		row, err := c.store.Get(t.Context(), closing.Collection, string(c.ada.Tenant))
		if err != nil || strings.Contains(string(row.Body), personal) {
			t.Errorf("the proof names %s: %s, %v", personal, row.Body, err)
		}
	}
	// bo works elsewhere and stays; ada's address is free again.
	if got, _, err := p.tenants.Current(t.Context(), c.bo.Person); got != c.other || err != nil {
		t.Errorf("bo is in %s, %v", got, err)
	}
	if known, err := p.people.Knows(t.Context(), "ada@example.com"); known || err != nil {
		t.Errorf("ada is known: %v, %v", known, err)
	}
	mails, err := p.mailbox.Newest(t.Context(), 50)
	if err != nil {
		t.Fatal(err)
	}
	letters := 0
	for _, m := range mails {
		if m.To == c.ada.Email && strings.Contains(m.Text, "Signature") {
			letters++
		}
	}
	if letters != 1 {
		t.Errorf("%d letters with a proof", letters)
	}
}

func TestAProofThatWasChangedDoesNotHold(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.close(t)
	c.clock.Move(grace)
	finish(t, c, c.process)
	proof, err := c.service.Proof(t.Context(), c.ada.Tenant)
	if err != nil || !proof.Holds() || proof.Key != c.service.PublicKey() {
		t.Fatalf("%+v, %v", proof, err)
	}
	other := proof
	other.Statement = strings.Replace(other.Statement, `"documents":12`, `"documents":0`, 1)
	if other == proof || other.Holds() {
		t.Error("a changed statement holds")
	}
	if _, err := c.service.Proof(t.Context(), c.other); !errors.Is(err, closing.ErrNoProof) {
		t.Errorf("Proof of a company that lives = %v", err)
	}
}

func TestTheExportHoldsWhatIsKept(t *testing.T) {
	t.Parallel()
	c := open(t)
	r, err := c.ops.Export(identity.With(t.Context(), c.ada), nil)
	if err != nil || r.Body.Tenant != c.ada.Tenant || r.Body.ProofKey != c.service.PublicKey() {
		t.Fatalf("%+v, %v", r, err)
	}
	text, err := json.Marshal(r.Body)
	if err != nil || !strings.Contains(string(text), "cy@example.com") {
		t.Errorf("%s, %v", text, err)
	}
	viewer := c.ada
	viewer.Role = contract.RoleViewer
	if _, err := c.ops.Export(identity.With(t.Context(), viewer), nil); !errors.Is(err, tenancy.ErrForbidden) {
		t.Errorf("a viewer: %v", err)
	}
}
