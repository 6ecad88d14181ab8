package tokens

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/keyring"
	"github.com/dyocense/dyocense/shared/docstore"
)

// The life of a signing key.
const (
	// signsFor is how long one generation signs.
	signsFor = 30 * 24 * time.Hour
	// publishedBefore is the least time that a key is published before it signs. It
	// is far above keySetAge and AccessLife together, and above any difference
	// between the clocks of replicas.
	publishedBefore = 24 * time.Hour
	// keptAfter is how long a key verifies after its successor began: the life of
	// the last token it signed, and an hour for clocks.
	keptAfter = AccessLife + time.Hour
	// keySetAge is how long others may keep the published key set.
	keySetAge = time.Hour
	// rotateEvery is how often replicas look for keys that others made.
	rotateEvery = time.Minute
)

// generation is a signing key as it is stored, named after its number.
type generation struct {
	Number int    `json:"number"`
	KID    string `json:"kid"`    // RFC 7638 thumbprint
	Public []byte `json:"public"` // 32 bytes
	Sealed string `json:"sealed"` // the seed, for sealContext
	From   int64  `json:"from"`   // Unix milliseconds; signs from then on
}

// keySet is what a replica knows of the signing keys. It is immutable.
type keySet struct {
	order []signingKey // by From
	byID  map[string]ed25519.PublicKey
}

type signingKey struct {
	kid     string
	public  ed25519.PublicKey
	private ed25519.PrivateKey // nil when it could not be opened
	from    time.Time
}

// Signer makes and verifies access tokens, and keeps their keys. All methods may
// be called from many goroutines.
type Signer struct {
	keys   docstore.Table[generation]
	ring   *keyring.Ring
	issuer string
	parser *tokenParser
	now    func() time.Time
	log    *slog.Logger
	known  atomic.Pointer[keySet]
}

// NewSigner keeps the keys of the tokens that issuer, the address of the product,
// signs. Rotate must succeed once before it is of any use.
func NewSigner(s docstore.Store, ring *keyring.Ring, issuer string, now func() time.Time, log *slog.Logger) *Signer {
	signer := &Signer{
		keys: docstore.TableOf[generation](s, signingKeysCollection), ring: ring, issuer: issuer, now: now, log: log,
	}
	signer.parser = newTokenParser(issuer, now)
	signer.known.Store(&keySet{byID: map[string]ed25519.PublicKey{}})
	return signer
}

// Run rotates until ctx ends.
func (s *Signer) Run(ctx context.Context) error {
	tick := time.NewTicker(rotateEvery)
	defer tick.Stop()
	for {
		if err := s.Rotate(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "signing keys are not in order", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Rotate brings the keys in order: there is always one that signs and the next
// one, published in time; what nobody needs is deleted. It may be called at any
// time, by any replica.
func (s *Signer) Rotate(ctx context.Context) error {
	all, err := s.generations(ctx)
	if err != nil {
		return err
	}
	now := s.now()
	if len(all) == 0 || all[len(all)-1].Value.from().Before(now) {
		if err := s.generate(ctx, all, now); err != nil {
			return err
		}
		return s.Rotate(ctx) // the first key needs its successor at once
	}
	needed := all[firstNeeded(all, now):]
	for _, row := range all[:len(all)-len(needed)] {
		err := s.keys.Delete(ctx, row.ID, row.Rev)
		if err != nil && !errors.Is(err, docstore.ErrNotFound) && !errors.Is(err, docstore.ErrStale) {
			return fmt.Errorf("delete signing key %s: %w", row.ID, err)
		}
	}
	return s.learn(ctx, needed, now)
}

func (s *Signer) generations(ctx context.Context) ([]docstore.Row[generation], error) {
	all, err := s.keys.All(ctx, docstore.Query{})
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	slices.SortFunc(all, func(a, b docstore.Row[generation]) int { return a.Value.Number - b.Value.Number })
	return all, nil
}

// firstNeeded is the index of the oldest generation whose tokens may still live.
func firstNeeded(all []docstore.Row[generation], now time.Time) int {
	for i := range all[:len(all)-1] {
		if all[i+1].Value.from().Add(keptAfter).After(now) {
			return i
		}
	}
	return len(all) - 1
}

// generate adds the generation after the last one. Who loses the race for its
// number uses the winner's.
func (s *Signer) generate(ctx context.Context, all []docstore.Row[generation], now time.Time) error {
	g := generation{Number: 1, From: now.Add(-time.Second).UnixMilli()}
	if len(all) > 0 {
		last := all[len(all)-1].Value
		from := last.from().Add(signsFor)
		if soonest := now.Add(publishedBefore); from.Before(soonest) {
			from = soonest // nobody rotated for a while
		}
		g.Number, g.From = last.Number+1, from.UnixMilli()
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	g.Public, g.KID = public, thumbprint(public)
	g.Sealed = s.ring.Seal(sealContext(g.KID), private.Seed())
	err = s.keys.Insert(ctx, generationKey(g.Number), g)
	if err != nil && !errors.Is(err, docstore.ErrExists) {
		return fmt.Errorf("keep signing key %d: %w", g.Number, err)
	}
	return nil
}

// learn makes the keys the ones that this replica uses. A key that cannot be
// opened still verifies.
func (s *Signer) learn(ctx context.Context, rows []docstore.Row[generation], now time.Time) error {
	set := &keySet{byID: map[string]ed25519.PublicKey{}}
	var failed []error
	for _, row := range rows {
		g := row.Value
		if len(g.Public) != ed25519.PublicKeySize {
			return fmt.Errorf("signing key %d: its public half has %d bytes", g.Number, len(g.Public))
		}
		key := signingKey{kid: g.KID, public: g.Public, from: g.from()}
		seed, stale, err := s.ring.Open(sealContext(g.KID), g.Sealed)
		switch {
		case err != nil || len(seed) != ed25519.SeedSize:
			failed = append(failed, fmt.Errorf("signing key %d cannot be opened with this master key: %w", g.Number, err))
		default:
			key.private = ed25519.NewKeyFromSeed(seed)
		}
		if stale {
			row.Value.Sealed = s.ring.Seal(sealContext(g.KID), seed)
			if _, err := s.keys.Replace(ctx, row); err != nil && !errors.Is(err, docstore.ErrStale) && !errors.Is(err, docstore.ErrNotFound) {
				failed = append(failed, fmt.Errorf("seal signing key %d again: %w", g.Number, err))
			}
		}
		set.order = append(set.order, key)
		set.byID[key.kid] = key.public
	}
	s.known.Store(set)
	if _, err := set.current(now); err != nil {
		return errors.Join(append(failed, err)...)
	}
	return errors.Join(failed...)
}

// current is the key that signs now.
func (k *keySet) current(now time.Time) (signingKey, error) {
	for _, key := range slices.Backward(k.order) {
		if !key.from.After(now) {
			if key.private == nil {
				return signingKey{}, ErrSigning
			}
			return key, nil
		}
	}
	return signingKey{}, ErrSigning
}

// Ready fails with ErrSigning when no token can be signed.
func (s *Signer) Ready(context.Context) error {
	_, err := s.known.Load().current(s.now())
	return err
}

// PublicKey is one key of the published set, in the form of RFC 7517 and 8037.
type PublicKey struct {
	KeyType   string `json:"kty" doc:"always OKP"`
	Curve     string `json:"crv" doc:"always Ed25519"`
	X         string `json:"x" doc:"the public key, base64url"`
	KeyID     string `json:"kid" doc:"RFC 7638 thumbprint"`
	Use       string `json:"use" doc:"always sig"`
	Algorithm string `json:"alg" doc:"always EdDSA"`
}

// PublicKeys are the previous, the present and the next key, as far as there are.
func (s *Signer) PublicKeys() []PublicKey {
	set := s.known.Load()
	public := make([]PublicKey, 0, len(set.order))
	for _, k := range set.order {
		public = append(public, PublicKey{
			KeyType: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(k.public),
			KeyID: k.kid, Use: "sig", Algorithm: "EdDSA",
		})
	}
	return public
}

func (g generation) from() time.Time { return time.UnixMilli(g.From) }

func generationKey(n int) string { return fmt.Sprintf("%06d", n) }

func sealContext(kid string) string { return "signing key/" + kid }

// thumbprint is the RFC 7638 name of an Ed25519 key: the hash of its required
// members in the order of their names.
func thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"Ed25519","kty":"OKP","x":"%s"}`, base64.RawURLEncoding.EncodeToString(public)))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
