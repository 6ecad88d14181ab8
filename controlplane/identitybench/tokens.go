// Package identitybench gives benchmarks outside this module the parts of identity
// and billing that they measure, as the product has them, over a SQLite store in a
// directory of their own.
//
// It owns how those parts are put together for that, and what they are compared
// with. It measures nothing.
package identitybench

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/keyring"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/id"
)

// The site of everything here; nothing is reached there.
const site = "https://bench.example.com"

// Tokens signs and verifies as the product does.
type Tokens struct {
	store   docstore.Store
	signer  *tokens.Signer
	service *tokens.Service
	ada     identity.Who
	keys    map[string]ed25519.PublicKey
}

// OpenTokens makes a tenant with one person in dir.
func OpenTokens(ctx context.Context, dir string) (*Tokens, error) {
	store, err := openStore(ctx, filepath.Join(dir, "tokens.db"), tokens.Collections(), tenancy.Collections())
	if err != nil {
		return nil, err
	}
	ring, err := keyring.Load("", dir)
	if err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	tenants := tenancy.New(store, time.Now)
	t := &Tokens{
		store: store, signer: tokens.NewSigner(store, ring, site, time.Now, quiet), keys: map[string]ed25519.PublicKey{},
		ada: identity.Who{Person: id.NewPerson(), Email: "ada@example.com", Tenant: id.NewTenant(), Role: contract.RoleOwner},
	}
	if err := tenants.Create(ctx, t.ada.Tenant, "Herons Ltd", t.ada.Person, t.ada.Email); err != nil {
		return nil, err
	}
	if err := t.signer.Rotate(ctx); err != nil {
		return nil, err
	}
	for _, k := range t.signer.PublicKeys() {
		public, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil {
			return nil, err
		}
		t.keys[k.KeyID] = public
	}
	t.service = tokens.New(store, t.signer, ring, tenants, everyPlan{}, noMail{}, tokens.Options{
		Site: site, Limits: tokens.LocalLimits(), Now: time.Now, Log: quiet,
	})
	return t, nil
}

type everyPlan struct{}

func (everyPlan) HasAPI(context.Context, id.Tenant) (bool, error) { return true, nil }

type noMail struct{}

func (noMail) Post(context.Context, string, string, notify.Letter) error { return nil }

// SignIn takes a program through the device flow and gives its access token.
func (t *Tokens) SignIn(ctx context.Context) (string, error) {
	g, err := t.service.AskToSignIn(ctx, "bench")
	if err != nil {
		return "", err
	}
	if err := t.service.Answer(ctx, t.ada, g.UserCode, true); err != nil {
		return "", err
	}
	pair, err := t.service.Exchange(ctx, g.DeviceCode)
	return pair.Access, err
}

// Key makes an API key.
func (t *Tokens) Key(ctx context.Context) (string, error) {
	_, text, err := t.service.MakeKey(ctx, t.ada, tokens.KeyWish{Name: "bench", Scopes: []string{"data:read"}})
	return text, err
}

// Verify is the product's verification of an access token.
func (t *Tokens) Verify(token string) error {
	_, err := t.signer.Verify(token)
	return err
}

// VerifyAlone is the same token with the library alone: its signature, its times,
// and no more.
func (t *Tokens) VerifyAlone(token string) error {
	_, err := jwt.ParseWithClaims(token, &jwt.RegisteredClaims{}, func(head *jwt.Token) (any, error) {
		kid, _ := head.Header["kid"].(string)
		return t.keys[kid], nil
	})
	return err
}

// Authenticate is what a request with a token costs before its operation: the
// token, its family or key, the membership and what restricts it.
func (t *Tokens) Authenticate(ctx context.Context, token string) error {
	_, err := t.service.Authenticate(ctx, token, netip.MustParseAddr("127.0.0.1"))
	return err
}

// Close closes the store.
func (t *Tokens) Close() error { return t.store.Close() }

func openStore(ctx context.Context, path string, collections ...[]docstore.Collection) (docstore.Store, error) {
	store, err := sqlitestore.Open(path, sqlitestore.Options{})
	if err != nil {
		return nil, err
	}
	for _, c := range collections {
		if err := store.Ensure(ctx, c...); err != nil {
			return nil, fmt.Errorf("prepare the store: %w", err)
		}
	}
	return store, nil
}
