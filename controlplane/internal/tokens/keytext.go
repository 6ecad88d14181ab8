package tokens

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"

	"github.com/dyocense/dyocense/shared/id"
)

// An API key as text is dyo_<mark>_<name><tenant>_<secret><checksum>: the mark says
// what kind of deployment it opens; name and tenant are those of the key and of its
// key book without their prefixes; the secret is 128 random bits and the checksum
// the CRC-32 of all before it, both in base 62. Whoever searches for leaked keys
// finds them by their form, and knows by the checksum that one is real.
const (
	apiKeyPrefix = "dyo_"
	nameBody     = 26
	secretDigits = 22 // of 128 bits in base 62
	checkDigits  = 6  // of 32 bits in base 62
	digits62     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// keyText is an API key that somebody holds. It prints as a placeholder.
type keyText struct {
	key    id.Key
	tenant id.Tenant
	text   string
}

func newKeyText(mark string, key id.Key, tenant id.Tenant) keyText {
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // crypto/rand never fails since Go 1.24
	text := apiKeyPrefix + mark + "_" + strings.TrimPrefix(string(key), "key_") + strings.TrimPrefix(string(tenant), "ten_") +
		"_" + base62(new(big.Int).SetBytes(secret), secretDigits)
	return keyText{key: key, tenant: tenant, text: text + checksum(text)}
}

// readKeyText takes what a program sent. Ok is false for what cannot be a key of
// a deployment with this mark.
func readKeyText(mark, s string) (k keyText, ok bool) {
	rest, ok := strings.CutPrefix(s, apiKeyPrefix+mark+"_")
	if !ok || len(rest) != 2*nameBody+1+secretDigits+checkDigits || rest[2*nameBody] != '_' {
		return keyText{}, false
	}
	head, check := s[:len(s)-checkDigits], s[len(s)-checkDigits:]
	if checksum(head) != check || strings.Trim(rest[2*nameBody+1:], digits62) != "" {
		return keyText{}, false
	}
	key, err1 := id.ParseKey("key_" + rest[:nameBody])
	tenant, err2 := id.ParseTenant("ten_" + rest[nameBody:2*nameBody])
	return keyText{key: key, tenant: tenant, text: s}, err1 == nil && err2 == nil
}

// hash is what the store keeps. The secret is too long to be guessed, so a fast
// hash is as good as a slow one, which each request would pay for.
func (k keyText) hash() string {
	sum := sha256.Sum256([]byte(k.text))
	return hex.EncodeToString(sum[:])
}

func (k keyText) is(hash string) bool {
	return subtle.ConstantTimeCompare([]byte(k.hash()), []byte(hash)) == 1
}

// end is the last characters, by which a person knows a key again. They are part
// of the checksum and say next to nothing of the secret.
func (k keyText) end() string { return k.text[len(k.text)-4:] }

// String hides the key.
func (keyText) String() string { return "[api key]" }

// GoString hides the key.
func (keyText) GoString() string { return "[api key]" }

func checksum(s string) string {
	return base62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(s)))), checkDigits)
}

func base62(n *big.Int, width int) string {
	b := make([]byte, width)
	rest, digit, base := new(big.Int).Set(n), new(big.Int), big.NewInt(int64(len(digits62)))
	for i := width - 1; i >= 0; i-- {
		rest.DivMod(rest, base, digit)
		b[i] = digits62[digit.Int64()]
	}
	if rest.Sign() != 0 {
		panic(fmt.Sprintf("a number does not fit into %d digits", width)) // the widths above are counted out
	}
	return string(b)
}
