package fleet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/secret"
)

// TokenTTL is the usual life of a join token.
const TokenTTL = time.Hour

const (
	tokenPrefix = "join_"
	tokenBytes  = 32
)

// NewJoinToken makes a token that enrols one agent into env within ttl. It is
// shown once; the store keeps its hash. Tokens that are long over are removed.
func (s *Service) NewJoinToken(ctx context.Context, env id.Environment, ttl time.Duration) (secret.Text, error) {
	if ttl < time.Second || ttl > 24*time.Hour {
		return "", ErrTTL
	}
	if _, err := s.Environment(ctx, env); err != nil {
		return "", err
	}
	if err := s.forgetTokens(ctx); err != nil {
		return "", err
	}
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails; it ends the program instead
	token := tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	doc := tokenDoc{Environment: env, Expires: time.Now().Add(ttl).Unix()}
	if err := s.tokens.Insert(ctx, tokenID(token), doc); err != nil {
		return "", fmt.Errorf("keep join token: %w", err)
	}
	return secret.Text(token), nil
}

func tokenID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// useToken burns token for key and returns the id that the agent gets. The same
// key may use it again, so that an agent whose answer got lost can retry.
func (s *Service) useToken(ctx context.Context, token, key string) (id.Environment, id.Agent, error) {
	if len(token) != len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return "", "", ErrToken
	}
	row, err := s.tokens.Update(ctx, tokenID(token), func(d *tokenDoc) error {
		switch {
		case d.Key == key:
			return nil
		case d.Key != "", time.Now().Unix() >= d.Expires:
			return ErrToken
		}
		d.Key, d.Agent = key, id.NewAgent()
		return nil
	})
	if errors.Is(err, docstore.ErrNotFound) {
		return "", "", ErrToken
	}
	if err != nil {
		return "", "", fmt.Errorf("use join token: %w", err)
	}
	return row.Value.Environment, row.Value.Agent, nil
}

// forgetTokens removes a few tokens that expired a day ago.
func (s *Service) forgetTokens(ctx context.Context) error {
	before := time.Now().Add(-24 * time.Hour).Unix()
	rows, _, err := s.tokens.Find(ctx, docstore.Query{Index: byExpiry, To: before, Limit: 100})
	if err != nil {
		return fmt.Errorf("find old join tokens: %w", err)
	}
	for _, r := range rows {
		err := s.tokens.Delete(ctx, r.ID, r.Rev)
		if err != nil && !errors.Is(err, docstore.ErrNotFound) && !errors.Is(err, docstore.ErrStale) {
			return fmt.Errorf("remove old join token: %w", err)
		}
	}
	return nil
}
