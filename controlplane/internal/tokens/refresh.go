package tokens

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/dyocense/dyocense/controlplane/internal/keyring"
	"github.com/dyocense/dyocense/shared/id"
)

// refreshToken is one of a family. It prints as a placeholder.
//
// As text it is dyr_<family>_<secret><tag>: the tag proves that we made it, so that
// a token that is not the youngest is known to be an old one and not a guess, and
// nobody can end a family by guessing.
type refreshToken struct {
	family id.Family
	secret [sha256.Size]byte
}

const (
	refreshPrefix = "dyr_"
	familyBody    = 26 // characters of a family's name after its prefix
	secretText    = 43 // of 32 bytes
	tagBytes      = 16
	tagText       = 22
)

var b64 = base64.RawURLEncoding.Strict()

// refreshKeys are derived from the master keys, the newest first.
type refreshKeys struct{ tags, successors [][]byte }

func newRefreshKeys(ring *keyring.Ring) refreshKeys {
	return refreshKeys{tags: ring.Derive("refresh token tag"), successors: ring.Derive("refresh token successor")}
}

// reveal is the token as its holder keeps it.
func (k refreshKeys) reveal(t refreshToken) string {
	return refreshPrefix + strings.TrimPrefix(string(t.family), "fam_") + "_" + b64.EncodeToString(t.secret[:]) + b64.EncodeToString(t.tag(k.tags[0]))
}

// read takes what a program sent. Ok is false for what we did not make.
func (k refreshKeys) read(s string) (t refreshToken, ok bool) {
	rest, ok := strings.CutPrefix(s, refreshPrefix)
	if !ok || len(rest) != familyBody+1+secretText+tagText || rest[familyBody] != '_' {
		return t, false
	}
	f, err := id.ParseFamily("fam_" + rest[:familyBody])
	if err != nil {
		return t, false
	}
	secret, err1 := b64.DecodeString(rest[familyBody+1 : familyBody+1+secretText])
	tag, err2 := b64.DecodeString(rest[familyBody+1+secretText:])
	if err1 != nil || err2 != nil {
		return t, false
	}
	t.family = f
	copy(t.secret[:], secret)
	for _, key := range k.tags {
		if hmac.Equal(tag, t.tag(key)) {
			return t, true
		}
	}
	return refreshToken{}, false
}

// successor is the token that follows t: always the same one, and nobody without
// our key can tell it from t.
func (k refreshKeys) successor(t refreshToken) refreshToken { return follow(k.successors[0], t) }

// knownSuccessor is the successor of t whose hash is kept: a master key may have
// been changed since it was made.
func (k refreshKeys) knownSuccessor(t refreshToken, kept string) (refreshToken, bool) {
	for _, key := range k.successors {
		if next := follow(key, t); next.hash() == kept {
			return next, true
		}
	}
	return refreshToken{}, false
}

func follow(key []byte, t refreshToken) refreshToken {
	return refreshToken{family: t.family, secret: [sha256.Size]byte(mac(key, []byte(t.family), t.secret[:]))}
}

func (t refreshToken) tag(key []byte) []byte {
	return mac(key, []byte(t.family), t.secret[:])[:tagBytes]
}

// hash is what the store keeps of it.
func (t refreshToken) hash() string {
	sum := sha256.Sum256(append([]byte(t.family), t.secret[:]...))
	return hex.EncodeToString(sum[:])
}

// String hides the token.
func (refreshToken) String() string { return "[refresh token]" }

// GoString hides the token.
func (refreshToken) GoString() string { return "[refresh token]" }

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
