package tokens

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dyocense/dyocense/shared/id"
)

const (
	// AccessLife is how long an access token lives.
	AccessLife = 10 * time.Minute

	accessType    = "at+jwt" // RFC 9068: no other kind of JWT is an access token
	accessVersion = 1
	// leeway is how far clocks of two replicas may be apart.
	leeway = 5 * time.Second
	// accessMax is far above the length of any token of ours.
	accessMax = 2048
)

// Claims are what an access token says. Role and membership are not among them:
// they are read when the token is used.
type Claims struct {
	jwt.RegisteredClaims
	Tenant  id.Tenant `json:"tid"`
	Family  id.Family `json:"sid"`
	Version int       `json:"ver"`
}

var (
	errTooLong  = errors.New("longer than any token of ours")
	errHeader   = errors.New("not the header of an access token")
	errKey      = errors.New("no key of this name")
	errContents = errors.New("a claim is missing or malformed")
)

// Sign makes an access token for who f belongs to. It fails with ErrSigning.
func (s *Signer) Sign(p id.Person, t id.Tenant, f id.Family) (string, error) {
	now := s.now()
	key, err := s.known.Load().current(now)
	if err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.issuer, Subject: string(p), Audience: jwt.ClaimStrings{s.issuer},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(AccessLife)), ID: rand.Text(),
		},
		Tenant: t, Family: f, Version: accessVersion,
	})
	token.Header["typ"], token.Header["kid"] = accessType, key.kid
	signed, err := token.SignedString(key.private)
	if err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	return signed, nil
}

// Verify reads an access token that this product signed, or fails with ErrToken.
// It looks into no store and asks nobody.
func (s *Signer) Verify(token string) (Claims, error) {
	var c Claims
	if err := s.parser.parse(token, &c, s.known.Load()); err != nil {
		return Claims{}, ErrToken.Because(err)
	}
	return c, nil
}

// tokenParser is the verifier of the library with everything on that it has.
type tokenParser struct{ parser *jwt.Parser }

func newTokenParser(issuer string, now func() time.Time) *tokenParser {
	return &tokenParser{parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithAudience(issuer),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway),
		jwt.WithStrictDecoding(), jwt.WithTimeFunc(now),
	)}
}

func (p *tokenParser) parse(token string, c *Claims, keys *keySet) error {
	if len(token) > accessMax {
		return errTooLong
	}
	_, err := p.parser.ParseWithClaims(token, c, func(t *jwt.Token) (any, error) {
		// The key comes from our own map and from nowhere that the header points to
		// (jku, x5u, jwk). An extension that must be understood is not.
		if t.Header["typ"] != accessType || t.Header["crit"] != nil {
			return nil, errHeader
		}
		kid, _ := t.Header["kid"].(string)
		key, ok := keys.byID[kid]
		if !ok {
			return nil, errKey
		}
		return key, nil
	})
	if err != nil {
		return err
	}
	return c.check()
}

// check is what the library does not look at.
func (c Claims) check() error {
	_, person := id.ParsePerson(c.Subject)
	_, tenant := id.ParseTenant(string(c.Tenant))
	_, family := id.ParseFamily(string(c.Family))
	if errors.Join(person, tenant, family) != nil || c.ID == "" || c.IssuedAt == nil || c.Version != accessVersion || len(c.Audience) != 1 {
		return errContents
	}
	if c.ExpiresAt.Sub(c.IssuedAt.Time) > AccessLife {
		return errContents // nobody of ours signs such a one
	}
	return nil
}

// looksSigned tells an access token from an API key.
func looksSigned(token string) bool { return strings.Count(token, ".") == 2 }
