package bundle

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/shared/id"
)

// Suffix is what the names of bundles end with.
const Suffix = ".dyo"

// format is the version of the file's form.
const format = 1

// Kind is what a bundle is for.
type Kind string

// The kinds.
const (
	Backup Kind = "backup" // the journal
	Export Kind = "export" // the present documents
)

// Manifest says what a bundle holds.
type Manifest struct {
	Format      int            `json:"format"`
	Kind        Kind           `json:"kind"`
	Tenant      id.Tenant      `json:"tenant"`
	Owner       id.Environment `json:"owner"` // environment that owned the tenant: by the last hand-over, else that of the agent that wrote this; "" when unknown
	MadeAt      time.Time      `json:"madeAt"`
	Program     string         `json:"program"` // version that wrote this
	First       int64          `json:"firstSlot"`
	Last        Last           `json:"last"`
	Collections []Count        `json:"collections"` // in order of names
	Blobs       int64          `json:"blobs"`
	BlobBytes   int64          `json:"blobBytes"`
	// Absent are blobs that something refers to and that were not there.
	Absent []string `json:"absentBlobs,omitempty"`
	Parts  []Part   `json:"parts"` // in the order of the file
}

// Last is the last entry of the journal.
type Last struct {
	Generation int64      `json:"generation"`
	Slot       int64      `json:"slot"` // 0: the journal is empty
	Chain      string     `json:"chain"`
	Time       *time.Time `json:"time,omitempty"`
}

// Count is how many documents a collection has, deleted ones aside.
type Count struct {
	Name      string `json:"name"`
	Documents int64  `json:"documents"`
	Bytes     int64  `json:"bytes"` // of their bodies
}

// Part is one file inside.
type Part struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Documents is how many documents there are in all.
func (m Manifest) Documents() (n, bytes int64) {
	for _, c := range m.Collections {
		n, bytes = n+c.Documents, bytes+c.Bytes
	}
	return n, bytes
}

// Signer is the key that answers for a bundle: an nkey, ed25519.
type Signer interface {
	PublicKey() (string, error)
	Sign(message []byte) ([]byte, error)
}

// signature is the file manifest.sig.
type signature struct {
	Algorithm string `json:"algorithm"` // "ed25519"
	Key       string `json:"key"`       // the public key as an nkey
	Signature string `json:"signature"` // over the bytes of manifest.json, base64
}

func sign(by Signer, message []byte) ([]byte, error) {
	if by == nil {
		return nil, ErrUnsigned
	}
	key, err := by.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	made, err := by.Sign(message)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	out, err := json.Marshal(signature{Algorithm: "ed25519", Key: key, Signature: base64.StdEncoding.EncodeToString(made)})
	return append(out, '\n'), err
}

// signer is the key in raw that message was signed with.
func signer(raw, message []byte) (string, error) {
	var s signature
	if err := json.Unmarshal(raw, &s); err != nil || s.Algorithm != "ed25519" {
		return "", errors.New("the signature is not readable")
	}
	made, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil {
		return s.Key, errors.New("the signature is not readable")
	}
	key, err := nkeys.FromPublicKey(s.Key)
	if err != nil {
		return s.Key, errors.New("the signing key is not readable")
	}
	if key.Verify(message, made) != nil {
		return s.Key, errors.New("the signature does not fit manifest.json")
	}
	return s.Key, nil
}

// Fingerprint is a public key short enough to read out: the first 16 bytes of its
// SHA-256.
func Fingerprint(key string) string {
	sum := sha256.Sum256([]byte(key))
	text := hex.EncodeToString(sum[:16])
	var groups []string
	for ; text != ""; text = text[4:] {
		groups = append(groups, text[:4])
	}
	return strings.Join(groups, " ")
}

func hexSum(sum []byte) string { return hex.EncodeToString(sum) }
