package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// cost is what one guess costs: memory in KiB, passes, lanes.
type cost struct {
	memory uint32
	passes uint32
	lanes  uint8
}

// presentCost is OWASP's floor for argon2id.
func presentCost() cost { return cost{memory: 19456, passes: 2, lanes: 1} }

const (
	saltBytes = 16
	hashBytes = 32
	// hashWait bounds how long a request queues for its turn to hash.
	hashWait = 5 * time.Second
)

var errHashFormat = errors.New("password hash is not in the PHC form of argon2id")

// hasher turns passwords into hashes. Each computation takes 19 MiB, so the
// number of those running at a time is bounded.
type hasher struct {
	turns chan struct{}
	dummy string // compared with when there is no person
}

// newHasher takes random bytes for the dummy's sum: comparing with it costs what
// any comparison costs, no password is known to give it, and a start neither waits
// for a computation nor takes its memory.
func newHasher() *hasher {
	return &hasher{
		turns: make(chan struct{}, max(2, runtime.GOMAXPROCS(0))),
		dummy: phcOf(presentCost(), random(saltBytes), random(hashBytes)),
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails since Go 1.24
	return b
}

// hash gives the PHC string of password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	c, salt := presentCost(), random(saltBytes)
	sum, err := h.derive(ctx, password, salt, c, hashBytes)
	if err != nil {
		return "", err
	}
	return phcOf(c, salt, sum), nil
}

func phcOf(c cost, salt, sum []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// matches compares in constant time. Outdated says that the hash was made at
// another cost than the present one. An empty phc is compared with the dummy and
// never matches.
func (h *hasher) matches(ctx context.Context, phc, password string) (same, outdated bool, err error) {
	known := phc != ""
	if !known {
		phc = h.dummy
	}
	c, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	got, err := h.derive(ctx, password, salt, c, uint32(len(want)))
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, c != presentCost(), nil
}

func (h *hasher) derive(ctx context.Context, password string, salt []byte, c cost, size uint32) ([]byte, error) {
	patience := time.NewTimer(hashWait)
	defer patience.Stop()
	select {
	case h.turns <- struct{}{}:
		defer func() { <-h.turns }()
	case <-ctx.Done():
		return nil, ErrBusy.Because(ctx.Err())
	case <-patience.C:
		return nil, ErrBusy
	}
	return argon2.IDKey([]byte(normalPassword(password)), salt, c.passes, c.memory, c.lanes, size), nil
}

func parsePHC(phc string) (c cost, salt, sum []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHashFormat
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return c, nil, nil, errHashFormat
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(sum) == 0 || c.passes == 0 || c.lanes == 0 {
		return c, nil, nil, errHashFormat
	}
	return c, salt, sum, nil
}
