package tokens_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

var anywhere = netip.MustParseAddr("203.0.113.9")

// forge signs claims with a key that the verifier trusts, so that only what is
// changed can be why a token is refused.
type forge struct {
	t       *testing.T
	private ed25519.PrivateKey
	kid     string
	now     time.Time
}

// newForge opens the house's own signing key.
func newForge(t *testing.T, h house) forge {
	t.Helper()
	d, err := h.store.Get(t.Context(), "signing_keys", "000001")
	if err != nil {
		t.Fatal(err)
	}
	var g struct{ KID, Sealed string }
	if err := json.Unmarshal(d.Body, &g); err != nil {
		t.Fatal(err)
	}
	seed, _, err := h.ring.Open("signing key/"+g.KID, g.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	return forge{t: t, private: ed25519.NewKeyFromSeed(seed), kid: g.KID, now: h.clock.Now()}
}

func (f forge) claims() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": site, "aud": []string{site}, "sub": string(id.NewPerson()), "tid": string(id.NewTenant()), "sid": string(id.NewFamily()),
		"iat": f.now.Unix(), "exp": f.now.Add(10 * minute).Unix(), "jti": "x", "ver": 1,
	}
}

func (f forge) header() map[string]any {
	return map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": f.kid}
}

func (f forge) sign(header map[string]any, claims jwt.MapClaims) string {
	return f.signWith(jwt.SigningMethodEdDSA, f.private, header, claims)
}

func (f forge) signWith(m jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	f.t.Helper()
	token := jwt.NewWithClaims(m, claims)
	token.Header = header
	s, err := token.SignedString(key)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func with(m map[string]any, pairs ...any) map[string]any {
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

func without(m map[string]any, name string) map[string]any {
	delete(m, name)
	return m
}

func TestVerifyTakesWhatSignMade(t *testing.T) {
	t.Parallel()
	h := open(t)
	p, tenant, f := id.NewPerson(), id.NewTenant(), id.NewFamily()
	token, err := h.signer.Sign(p, tenant, f)
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.signer.Verify(token)
	if err != nil || c.Subject != string(p) || c.Tenant != tenant || c.Family != f || c.ID == "" {
		t.Errorf("Verify = %+v, %v", c, err)
	}
	if forged := newForge(t, h); forged.verifies(h) != nil {
		t.Errorf("the forge of the other test makes tokens that are refused for another reason: %v", forged.verifies(h))
	}
	h.clock.Move(tokens.AccessLife + 6*time.Second)
	if _, err := h.signer.Verify(token); !errors.Is(err, tokens.ErrToken) {
		t.Errorf("after its life: %v; want ErrToken", err)
	}
}

func (f forge) verifies(h house) error {
	_, err := h.signer.Verify(f.sign(f.header(), f.claims()))
	return err
}

func TestVerifyRefusesEveryHostileToken(t *testing.T) {
	t.Parallel()
	h := open(t)
	f := newForge(t, h)
	good := f.sign(f.header(), f.claims())
	parts := strings.Split(good, ".")
	stranger, strangers := pair(t)
	b64 := base64.RawURLEncoding
	public := f.private.Public().(ed25519.PublicKey)
	rounded := parts[2][:len(parts[2])-1] + string(rune(parts[2][len(parts[2])-1]+1)) // bits that lax decoders drop

	for name, token := range map[string]string{
		"nothing":                          "",
		"dots":                             "..",
		"no algorithm":                     f.signWith(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, with(f.header(), "alg", "none"), f.claims()),
		"an empty signature":               parts[0] + "." + parts[1] + ".",
		"HS256 with the public key":        f.signWith(jwt.SigningMethodHS256, []byte(public), with(f.header(), "alg", "HS256"), f.claims()),
		"HS256 that says EdDSA":            f.signWith(jwt.SigningMethodHS256, []byte(public), f.header(), f.claims()),
		"an ID token":                      f.sign(with(f.header(), "typ", "JWT"), f.claims()),
		"no type":                          f.sign(without(f.header(), "typ"), f.claims()),
		"no key name":                      f.sign(without(f.header(), "kid"), f.claims()),
		"a key name that is a path":        f.sign(with(f.header(), "kid", "../../etc/passwd"), f.claims()),
		"a key name that is a list":        f.sign(with(f.header(), "kid", []string{f.kid}), f.claims()),
		"an extension to understand":       f.sign(with(f.header(), "crit", []string{"b64"}), f.claims()),
		"a key in its head":                f.signWith(jwt.SigningMethodEdDSA, strangers, with(f.header(), "jwk", map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64.EncodeToString(stranger)}), f.claims()),
		"a key set elsewhere":              f.signWith(jwt.SigningMethodEdDSA, strangers, with(f.header(), "jku", "https://evil.example/jwks.json", "x5u", "https://evil.example/c.pem"), f.claims()),
		"another's signature":              f.signWith(jwt.SigningMethodEdDSA, strangers, f.header(), f.claims()),
		"no expiry":                        f.sign(f.header(), without(f.claims(), "exp")),
		"an expiry that is text":           f.sign(f.header(), with(f.claims(), "exp", "never")),
		"expired":                          f.sign(f.header(), with(f.claims(), "iat", f.now.Add(-hour).Unix(), "exp", f.now.Add(-minute).Unix())),
		"a year to live":                   f.sign(f.header(), with(f.claims(), "exp", f.now.Add(365*day).Unix())),
		"made in the future":               f.sign(f.header(), with(f.claims(), "iat", f.now.Add(minute).Unix())),
		"not valid yet":                    f.sign(f.header(), with(f.claims(), "nbf", f.now.Add(minute).Unix())),
		"no time of making":                f.sign(f.header(), without(f.claims(), "iat")),
		"another issuer":                   f.sign(f.header(), with(f.claims(), "iss", "https://evil.example")),
		"no issuer":                        f.sign(f.header(), without(f.claims(), "iss")),
		"for somebody else":                f.sign(f.header(), with(f.claims(), "aud", []string{"https://evil.example"})),
		"for us and somebody else":         f.sign(f.header(), with(f.claims(), "aud", []string{site, "https://evil.example"})),
		"for nobody":                       f.sign(f.header(), without(f.claims(), "aud")),
		"no person":                        f.sign(f.header(), without(f.claims(), "sub")),
		"a person that is none":            f.sign(f.header(), with(f.claims(), "sub", "root")),
		"no tenant":                        f.sign(f.header(), without(f.claims(), "tid")),
		"no family":                        f.sign(f.header(), without(f.claims(), "sid")),
		"another version":                  f.sign(f.header(), with(f.claims(), "ver", 2)),
		"no name":                          f.sign(f.header(), without(f.claims(), "jti")),
		"truncated":                        good[:len(good)-3],
		"two signatures":                   good + "." + parts[2],
		"two signatures as JSON":           `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
		"padding":                          good + "==",
		"a loosely written signature":      parts[0] + "." + parts[1] + "." + rounded,
		"another body under the signature": parts[0] + "." + b64.EncodeToString([]byte(`{"sub":"root"}`)) + "." + parts[2],
		"huge":                             parts[0] + "." + strings.Repeat("A", 10<<20) + "." + parts[2],
		"a huge claim":                     f.sign(f.header(), with(f.claims(), "jti", strings.Repeat("x", 4000))),
	} {
		if c, err := h.signer.Verify(token); !errors.Is(err, tokens.ErrToken) {
			t.Errorf("%s: Verify = %+v, %v; want ErrToken", name, c, err)
		}
	}
	if err := f.verifies(h); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func pair(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

// Whatever the bytes are, the verifier neither panics nor takes what we did not
// sign: only the very tokens of the seed pass.
func FuzzVerify(f *testing.F) {
	h := open(f)
	signer := h.signer
	good, err := signer.Sign(id.NewPerson(), id.NewTenant(), id.NewFamily())
	if err != nil {
		f.Fatal(err)
	}
	parts := strings.Split(good, ".")
	for _, s := range []string{
		good, "", "..", good + ".", parts[0] + "..", "." + parts[1] + "." + parts[2], parts[1] + "." + parts[0] + "." + parts[2],
		"eyJhbGciOiJub25lIn0." + parts[1] + ".", strings.ToUpper(good), good[1:], good[:len(good)-1], `{"a":1}.{}.x`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		_, err := signer.Verify(token)
		if err == nil && token != good {
			t.Errorf("a token that nobody signed passes: %q", token)
		}
		if token == good && err != nil {
			t.Errorf("the signed one: %v", err)
		}
	})
}

func TestAKeyIsPublishedLongBeforeItSigns(t *testing.T) {
	t.Parallel()
	h := open(t)
	published := map[string]time.Time{}
	signing, changes := "", 0
	for range 200 { // 100 days
		if err := h.signer.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := h.clock.Now()
		keys := h.signer.PublicKeys()
		if len(keys) < 2 || len(keys) > 3 {
			t.Fatalf("%d keys are published; want the present, the next, and a previous one", len(keys))
		}
		for _, k := range keys {
			if _, ok := published[k.KeyID]; !ok {
				published[k.KeyID] = now
			}
		}
		token, err := h.signer.Sign(id.NewPerson(), id.NewTenant(), id.NewFamily())
		if err != nil {
			t.Fatal(err)
		}
		if kid := kidOf(t, token); kid != signing {
			if signing != "" && now.Sub(published[kid]) < day {
				t.Errorf("a key signs %s after it was published", now.Sub(published[kid]))
			}
			signing = kid
			changes++
		}
		h.clock.Move(12 * hour)
		if err := h.signer.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.clock.Move(-12*hour + 9*minute) // a replica's clock at the end of the token's life
		if _, err := h.signer.Verify(token); err != nil {
			t.Errorf("a living token does not verify: %v", err)
		}
		h.clock.Move(12*hour - 9*minute)
	}
	if changes < 4 {
		t.Errorf("%d keys signed in 100 days; want 4", changes)
	}
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var head struct{ Kid string }
	if err := json.Unmarshal(raw, &head); err != nil {
		t.Fatal(err)
	}
	return head.Kid
}

func TestTheNameOfAKeyIsItsThumbprint(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, k := range h.signer.PublicKeys() {
		sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + k.X + `"}`))
		if want := base64.RawURLEncoding.EncodeToString(sum[:]); k.KeyID != want || k.KeyType != "OKP" || k.Curve != "Ed25519" {
			t.Errorf("key %+v; want the name %s", k, want)
		}
	}
}

func TestReplicasAgreeOnOneRowOfKeys(t *testing.T) {
	t.Parallel()
	h := open(t)
	var wg sync.WaitGroup
	sets := make([][]tokens.PublicKey, 6)
	signers := make([]*tokens.Signer, len(sets))
	for i := range sets {
		signers[i], _ = h.on(t, h.store, h.ring)
	}
	h.clock.Move(40 * day)
	for i := range sets {
		wg.Go(func() {
			if err := signers[i].Rotate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range sets {
		sets[i] = signers[i].PublicKeys()
		if !slices.Equal(sets[i], sets[0]) {
			t.Errorf("replica %d publishes %v, the first one %v", i, sets[i], sets[0])
		}
	}
	token, err := signers[0].Sign(id.NewPerson(), id.NewTenant(), id.NewFamily())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signers[5].Verify(token); err != nil {
		t.Errorf("another replica: %v", err)
	}
	n, err := h.store.Size(t.Context(), "signing_keys")
	if err != nil || n.Documents != int64(len(sets[0])) {
		t.Errorf("%d keys are kept, %d are published", n.Documents, len(sets[0]))
	}
}

func TestThePrivateKeyIsNotInTheStore(t *testing.T) {
	t.Parallel()
	h := open(t)
	f := newForge(t, h)
	page, err := h.store.Find(t.Context(), "signing_keys", docstore.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range page.Docs {
		for _, enc := range []string{base64.StdEncoding.EncodeToString(f.private.Seed()), base64.RawURLEncoding.EncodeToString(f.private.Seed())} {
			if strings.Contains(string(d.Body), enc) {
				t.Error("the seed is readable in the store")
			}
		}
	}
}

func TestALostMasterKeyIsToldAndSignsNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	other := tokens.NewSigner(h.store, newRing(t), site, h.clock.Now, nil)
	if err := other.Rotate(t.Context()); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("Rotate = %v; want it to name the master key", err)
	}
	if _, err := other.Sign(id.NewPerson(), id.NewTenant(), id.NewFamily()); !errors.Is(err, tokens.ErrSigning) {
		t.Errorf("Sign = %v; want ErrSigning", err)
	}
	token, err := h.signer.Sign(id.NewPerson(), id.NewTenant(), id.NewFamily())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Verify(token); err != nil {
		t.Errorf("it still verifies with the public half: %v", err)
	}
}

func TestARoleIsReadAndNotBelieved(t *testing.T) {
	t.Parallel()
	h := open(t)
	token := h.signIn(t).Access
	caller, err := h.tokens.Authenticate(t.Context(), token, anywhere)
	if err != nil || caller.Role != contract.RoleOwner || caller.Person != h.ada.Person || caller.Tenant != h.ada.Tenant || caller.Scopes != nil {
		t.Fatalf("Authenticate = %+v, %v", caller, err)
	}
	h.company.is(h.ada.Person, contract.RoleViewer)
	if caller, err := h.tokens.Authenticate(t.Context(), token, anywhere); err != nil || caller.Role != contract.RoleViewer {
		t.Errorf("after a demotion: %+v, %v", caller, err)
	}
	h.company.is(h.ada.Person, "")
	if _, err := h.tokens.Authenticate(t.Context(), token, anywhere); !errors.Is(err, tokens.ErrToken) {
		t.Errorf("after leaving: %v; want ErrToken", err)
	}
	h.company.is(h.ada.Person, contract.RoleOwner)
	h.company.noAPI = true
	if _, err := h.tokens.Authenticate(t.Context(), token, anywhere); !errors.Is(err, tokens.ErrPlan) {
		t.Errorf("without the API in the plan: %v; want ErrPlan", err)
	}
	h.company.noAPI = false
	if err := h.tokens.EndAll(t.Context(), h.ada.Person, "new password"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.tokens.Authenticate(t.Context(), token, anywhere); !errors.Is(err, tokens.ErrToken) {
		t.Errorf("after its family ended: %v; want ErrToken", err)
	}
}

func TestATokenOfAnothersFamilyIsWorthNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	c, err := h.signer.Verify(h.signIn(t).Access)
	if err != nil {
		t.Fatal(err)
	}
	eve, err := h.signer.Sign(id.NewPerson(), h.ada.Tenant, c.Family)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := h.signer.Sign(h.ada.Person, id.NewTenant(), c.Family)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{eve, elsewhere} {
		if _, err := h.tokens.Authenticate(t.Context(), token, anywhere); !errors.Is(err, tokens.ErrToken) {
			t.Errorf("Authenticate = %v; want ErrToken", err)
		}
	}
}
