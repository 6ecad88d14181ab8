package tokens_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/keyring"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/secret"
)

var quiet = slog.New(slog.DiscardHandler)

const site = "https://app.example.com"

// company is what tenancy and billing say in tests, and the letters that were sent.
type company struct {
	mu         sync.Mutex
	roles      map[id.Person]contract.Role
	tenant     id.Tenant
	noAPI      bool
	restricted error
	letters    map[string]notify.Letter // by key
}

func (c *company) Member(_ context.Context, t id.Tenant, p id.Person) (tenancy.Member, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	role, ok := c.roles[p]
	if !ok || t != c.tenant {
		return tenancy.Member{}, tenancy.ErrNotFound
	}
	return tenancy.Member{Person: p, Email: "ada@example.com", Role: role}, nil
}

func (c *company) Restriction(context.Context, identity.Who) (error, error) { //nolint:staticcheck // the first is an answer
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.restricted, nil
}

func (c *company) HasAPI(context.Context, id.Tenant) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.noAPI, nil
}

func (c *company) Post(_ context.Context, key, to string, l notify.Letter) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.letters[key+" to "+to] = l
	return nil
}

func (c *company) is(p id.Person, r contract.Role) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r == "" {
		delete(c.roles, p)
		return
	}
	c.roles[p] = r
}

func (c *company) told() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var keys []string
	for k := range c.letters {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

type house struct {
	store   docstore.Store
	clock   *tenancytest.Clock
	company *company
	ring    *keyring.Ring
	signer  *tokens.Signer
	tokens  *tokens.Service
	ada     identity.Who
}

func open(t testing.TB) house {
	t.Helper()
	ada := identity.Who{Person: id.NewPerson(), Email: "ada@example.com", Tenant: id.NewTenant(), Role: contract.RoleOwner}
	h := house{
		store: tenancytest.Open(t, tokens.Collections()), clock: tenancytest.NewClock(), ring: newRing(t), ada: ada,
		company: &company{roles: map[id.Person]contract.Role{ada.Person: ada.Role}, tenant: ada.Tenant, letters: map[string]notify.Letter{}},
	}
	h.signer, h.tokens = h.on(t, h.store, h.ring)
	return h
}

// on is another replica of the house on a store, with a ring of its own.
func (h house) on(t testing.TB, s docstore.Store, ring *keyring.Ring) (*tokens.Signer, *tokens.Service) {
	t.Helper()
	signer := tokens.NewSigner(s, ring, site, h.clock.Now, quiet)
	if err := signer.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return signer, tokens.New(s, signer, ring, h.company, h.company, h.company, tokens.Options{
		Site: site, Production: true, Limits: tokens.LocalLimits(), Now: h.clock.Now, Log: quiet,
	})
}

func newRing(t testing.TB, masters ...string) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Load(secret.Text(strings.Join(masters, ",")), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// signIn takes a program through the device flow.
func (h house) signIn(t *testing.T) tokens.Pair {
	t.Helper()
	g, err := h.tokens.AskToSignIn(t.Context(), "dyocense-cli")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.tokens.Answer(t.Context(), h.ada, g.UserCode, true); err != nil {
		t.Fatal(err)
	}
	pair, err := h.tokens.Exchange(t.Context(), g.DeviceCode)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)
