package fleet

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	challengeTTL  = 2 * time.Minute
	challengeName = "challenge" // of the secret that replicas share
	nonceSize     = 8 + 16 + sha256.Size
)

// Challenge gives the holder of publicKey something fresh to sign. Nothing is
// stored: the nonce proves by itself who made it, when and for whom, so asking
// for many costs no space.
func (s *Service) Challenge(ctx context.Context, publicKey string) (contract.Challenge, error) {
	if !nkeys.IsValidPublicUserKey(publicKey) {
		return contract.Challenge{}, ErrKey
	}
	key, err := s.challengeKey(ctx)
	if err != nil {
		return contract.Challenge{}, err
	}
	expires := time.Now().Add(challengeTTL)
	nonce := binary.BigEndian.AppendUint64(nil, uint64(expires.Unix()))
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails; it ends the program instead
	nonce = append(nonce, random[:]...)
	nonce = append(nonce, seal(key, nonce, publicKey)...)
	return contract.Challenge{
		V: contract.Version, Nonce: base64.RawURLEncoding.EncodeToString(nonce), Expires: expires.UTC().Truncate(time.Second),
	}, nil
}

func seal(key, head []byte, publicKey string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(head)
	mac.Write([]byte(publicKey))
	return mac.Sum(nil)
}

// prove checks that r's sender holds the key now.
func (s *Service) prove(ctx context.Context, r contract.EnrolRequest) error {
	nonce, err := base64.RawURLEncoding.DecodeString(r.Nonce)
	if err != nil || len(nonce) != nonceSize {
		return ErrProof
	}
	key, err := s.challengeKey(ctx)
	if err != nil {
		return err
	}
	head, sealed := nonce[:24], nonce[24:]
	if !hmac.Equal(seal(key, head, r.PublicKey), sealed) {
		return ErrProof
	}
	if uint64(time.Now().Unix()) >= binary.BigEndian.Uint64(head) {
		return ErrProof
	}
	signature, err := base64.RawURLEncoding.DecodeString(r.Signature)
	if err != nil {
		return ErrProof
	}
	public, err := nkeys.FromPublicKey(r.PublicKey)
	if err != nil {
		return ErrKey
	}
	if err := public.Verify([]byte(r.Nonce), signature); err != nil {
		return ErrProof.Because(err)
	}
	return nil
}

// challengeKey is made by whichever replica is first.
func (s *Service) challengeKey(ctx context.Context) ([]byte, error) {
	row, err := s.secrets.Get(ctx, challengeName)
	if errors.Is(err, docstore.ErrNotFound) {
		fresh := secretDoc{Key: make([]byte, 32)}
		_, _ = rand.Read(fresh.Key)
		err = s.secrets.Insert(ctx, challengeName, fresh)
		if err == nil || errors.Is(err, docstore.ErrExists) {
			row, err = s.secrets.Get(ctx, challengeName)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read challenge key: %w", err)
	}
	return row.Value.Key, nil
}

// Enrol makes the sender of r an agent, or finds out which one it is. A key that
// is known keeps its agent and needs no token; token is "" when the sender has
// none.
func (s *Service) Enrol(ctx context.Context, token string, r contract.EnrolRequest) (contract.Enrolled, error) {
	switch {
	case r.V < 1:
		return contract.Enrolled{}, contract.ErrMalformed.Saying("This message does not say its version.")
	case r.V > contract.Version:
		return contract.Enrolled{}, contract.ErrNewer
	case !nkeys.IsValidPublicUserKey(r.PublicKey):
		return contract.Enrolled{}, ErrKey
	case r.Name == "" || len(r.Name) > 200 || len(r.Program) > 200:
		return contract.Enrolled{}, ErrName
	case r.Mode != features.SMB && r.Mode != features.Platform:
		return contract.Enrolled{}, ErrMode
	}
	if err := s.prove(ctx, r); err != nil {
		return contract.Enrolled{}, err
	}
	agent, err := s.register(ctx, token, r)
	if err != nil {
		return contract.Enrolled{}, err
	}
	if agent.Value.State != Enrolled {
		return contract.Enrolled{}, ErrRevoked
	}
	name, env := id.Agent(agent.ID), agent.Value.Environment
	jwt, expires, err := s.authority.MintUser(ctx, env, name, r.PublicKey, contract.UserTTL)
	if err != nil {
		return contract.Enrolled{}, fmt.Errorf("mint %s: %w", name, err)
	}
	return contract.Enrolled{
		V: contract.Version, Agent: name, Environment: env, JWT: jwt, Expires: expires.UTC(), Servers: s.servers(),
	}, nil
}

// register finds or makes the agent with r's key. Two requests with one key end
// with one agent: the unique index over keys decides.
func (s *Service) register(ctx context.Context, token string, r contract.EnrolRequest) (docstore.Row[agentDoc], error) {
	known, err := s.agentWith(ctx, r.PublicKey)
	if err == nil {
		return known, nil
	}
	if !errors.Is(err, ErrNoneSuch) {
		return known, err
	}
	env, agent, err := s.useToken(ctx, token, r.PublicKey)
	if err != nil {
		return known, err
	}
	err = s.agents.Insert(ctx, string(agent), agentDoc{
		Environment: env, PublicKey: r.PublicKey, Name: r.Name, Program: r.Program, Mode: r.Mode,
		State: Lifecycle.First(), Enrolled: time.Now().UTC(),
	})
	if err != nil && !errors.Is(err, docstore.ErrExists) {
		return known, fmt.Errorf("keep agent: %w", err)
	}
	return s.agentWith(ctx, r.PublicKey)
}

func (s *Service) agentWith(ctx context.Context, key string) (docstore.Row[agentDoc], error) {
	rows, _, err := s.agents.Find(ctx, docstore.Query{Index: byKey, Equal: []any{key}, Limit: 1})
	if err != nil {
		return docstore.Row[agentDoc]{}, fmt.Errorf("find agent by key: %w", err)
	}
	if len(rows) == 0 {
		return docstore.Row[agentDoc]{}, ErrNoneSuch
	}
	return rows[0], nil
}
