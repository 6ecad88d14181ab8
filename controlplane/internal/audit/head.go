package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/id"
)

const (
	kindHead  = "head"
	kindFile  = "file"
	kindEnd   = "end"
	kindProof = "proof"

	fileFormat = 1
)

// Head says, signed, which hash a slot of a log has. Through the chain it vouches
// for every entry up to there.
type Head struct {
	Kind      string    `json:"kind"`
	Tenant    id.Tenant `json:"tenant"`
	Slot      int64     `json:"slot"`
	Hash      string    `json:"hash"`
	At        time.Time `json:"at"`
	Key       string    `json:"key"` // id of the key
	Signature string    `json:"signature,omitempty"`
}

// opening is the first line of an exported file.
type opening struct {
	Kind      string       `json:"kind"`
	Format    int          `json:"format"`
	Tenant    id.Tenant    `json:"tenant"`
	Exported  time.Time    `json:"exported"`
	By        string       `json:"by"`
	Heads     []int64      `json:"heads"` // the slots behind which a head follows
	Keys      []SigningKey `json:"keys"`
	Key       string       `json:"key"`
	Signature string       `json:"signature,omitempty"`
}

// end is the last line. It is what tells a whole file from one that was cut.
type end struct {
	Kind      string    `json:"kind"`
	Tenant    id.Tenant `json:"tenant"`
	Entries   int64     `json:"entries"`
	Hash      string    `json:"hash"`    // of the last entry
	Opening   string    `json:"opening"` // SHA-256 of the first line
	At        time.Time `json:"at"`
	Key       string    `json:"key"`
	Signature string    `json:"signature,omitempty"`
}

// Proof says, signed, which log was deleted. It holds no personal data.
type Proof struct {
	Kind      string    `json:"kind"`
	Tenant    id.Tenant `json:"tenant"`
	Entries   int64     `json:"entries"`
	Hash      string    `json:"hash"` // of the last entry
	At        time.Time `json:"at"`
	Key       string    `json:"key"`
	Signature string    `json:"signature,omitempty"`
}

// SigningKey is the public half of a key that signs.
type SigningKey struct {
	ID     string `json:"id"`
	Public string `json:"public" doc:"Ed25519, in hex"`
}

// KeyOf names a public key: the first 8 bytes of its SHA-256.
func KeyOf(public ed25519.PublicKey) SigningKey {
	sum := sha256.Sum256(public)
	return SigningKey{ID: hex.EncodeToString(sum[:8]), Public: hex.EncodeToString(public)}
}

// keys are public keys by id.
type keys map[string]ed25519.PublicKey

// readKey takes a key in, or says what is wrong with it.
func (k keys) readKey(public string) error {
	raw, err := hex.DecodeString(public)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return fmt.Errorf("an Ed25519 key has 64 hex digits")
	}
	k[KeyOf(raw).ID] = raw
	return nil
}

// Signer signs heads. It is immutable.
type Signer struct {
	private ed25519.PrivateKey
	newest  SigningKey
	known   keys
	public  []SigningKey
}

// NewSigner signs with the key of the first seed; what an older seed signed is
// known too. Each seed has 32 bytes, and there is at least one.
func NewSigner(seeds [][]byte) *Signer {
	s := &Signer{known: keys{}}
	for i, seed := range seeds {
		private := ed25519.NewKeyFromSeed(seed)
		public, _ := private.Public().(ed25519.PublicKey)
		key := KeyOf(public)
		if i == 0 {
			s.private, s.newest = private, key
		}
		s.known[key.ID] = public
		s.public = append(s.public, key)
	}
	return s
}

// sign fills in key and signature of a line and gives it. The signature is over the
// line without it.
func (s *Signer) sign(key, signature *string, line any) (string, error) {
	*key, *signature = s.newest.ID, ""
	bare, err := json.Marshal(line)
	if err != nil {
		return "", fmt.Errorf("encode what is signed: %w", err)
	}
	*signature = hex.EncodeToString(ed25519.Sign(s.private, bare))
	whole, err := json.Marshal(line)
	if err != nil {
		return "", fmt.Errorf("encode what is signed: %w", err)
	}
	return string(whole), nil
}

const (
	signatureBefore = `,"signature":"`
	signatureTail   = len(signatureBefore) + 2*ed25519.SignatureSize + len(hashAfter)
)

// signed checks that line ends with a signature of a known key over the bytes
// before it. With an unknown key, trusted is false and that is no error.
func (k keys) signed(line, key string) (trusted bool, err error) {
	cut := len(line) - signatureTail
	if cut <= 0 || line[cut:cut+len(signatureBefore)] != signatureBefore || !strings.HasSuffix(line, hashAfter) {
		return false, fmt.Errorf("it does not end with a signature")
	}
	text := line[cut+len(signatureBefore) : len(line)-len(hashAfter)]
	signature, err := hex.DecodeString(text)
	if err != nil || hex.EncodeToString(signature) != text {
		return false, fmt.Errorf("its signature cannot be read")
	}
	public, known := k[key]
	if !known {
		return false, nil
	}
	if !ed25519.Verify(public, []byte(line[:cut]+"}"), signature) {
		return false, fmt.Errorf("its signature does not fit")
	}
	return true, nil
}
