// Package keyring encrypts what the control plane has to keep but nobody may read
// in the store: signing keys, seeds of authenticator apps.
//
// It owns the master keys, the form of what is sealed, and the keys that are
// derived for other uses. It does not own where sealed text is kept; the slices
// do, in their own documents. Passwords and tokens are not sealed but hashed.
//
// Words: a master key is 32 bytes that lie outside the store. To seal is to encrypt
// so that a change is noticed. A context says what sealed text is for, and for
// whom: "totp/per_01...".
//
// Invariants:
//   - what was sealed for one context does not open for another, so sealed text
//     cannot be moved from one document to another
//   - the newest master key seals; every key of the ring opens, so a key can be
//     changed while the product runs
//   - no master key is in the store, in a log or in an error
//   - on one machine all processes of one data directory have the same key
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/secret"
)

// ErrSealed is the fault of sealed text that does not open: it was sealed with a
// key that the ring does not have, for another context, or it was changed.
var ErrSealed = fault.New(fault.Internal, "keyring.sealed", "Something that is kept encrypted cannot be read.")

const (
	keyBytes = 32
	version  = "v1"
	fileName = "secret.key"
)

// Ring holds the master keys. It is immutable and may be used from many
// goroutines.
type Ring struct {
	newest string // id of the key that seals
	order  []string
	keys   map[string]key
}

type key struct {
	master []byte
	aead   cipher.AEAD
}

// Load reads the ring from setting, which is one key or several with commas
// between them, the newest first, each 32 bytes in base64. Without a setting the
// key is the file secret.key in dir, which is made for its owner only when there
// is none.
func Load(setting secret.Text, dir string) (*Ring, error) {
	if setting.Set() {
		return parse(setting)
	}
	path := filepath.Join(dir, fileName)
	text, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return parse(text)
}

func parse(setting secret.Text) (*Ring, error) {
	r := &Ring{keys: map[string]key{}}
	for text := range strings.SplitSeq(setting.Reveal(), ",") {
		master, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil || len(master) != keyBytes {
			return nil, fmt.Errorf("master key %d: want 32 bytes in base64, such as: openssl rand -base64 32", len(r.order)+1)
		}
		block, err := aes.NewCipher(master)
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		sum := sha256.Sum256(append([]byte("dyocense master key id "), master...))
		name := hex.EncodeToString(sum[:4])
		if _, twice := r.keys[name]; twice {
			continue
		}
		r.order = append(r.order, name)
		r.keys[name] = key{master: master, aead: aead}
	}
	r.newest = r.order[0]
	return r, nil
}

// Seal encrypts plain for context with the newest key. The same input gives
// another text each time.
func (r *Ring) Seal(context string, plain []byte) string {
	k := r.keys[r.newest]
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce) // crypto/rand never fails since Go 1.24
	head := version + "." + r.newest
	return head + "." + base64.RawURLEncoding.EncodeToString(k.aead.Seal(nonce, nonce, plain, bound(head, context)))
}

// Open gives what was sealed for context, or fails with ErrSealed. Stale says that
// it was sealed with an older key: seal it again when it is written next.
func (r *Ring) Open(context, sealed string) (plain []byte, stale bool, err error) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != version {
		return nil, false, ErrSealed.Because(errors.New("not in the form of sealed text"))
	}
	k, ok := r.keys[parts[1]]
	if !ok {
		return nil, false, ErrSealed.Because(fmt.Errorf("the ring has no key %.16q", parts[1]))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(raw) < k.aead.NonceSize() {
		return nil, false, ErrSealed.Because(errors.New("not in the form of sealed text"))
	}
	nonce, body := raw[:k.aead.NonceSize()], raw[k.aead.NonceSize():]
	plain, err = k.aead.Open(nil, nonce, body, bound(parts[0]+"."+parts[1], context))
	if err != nil {
		return nil, false, ErrSealed.Because(err)
	}
	return plain, parts[1] != r.newest, nil
}

// Derive gives a key of 32 bytes for another use than sealing, one from each
// master key, the newest first. Different purposes give unrelated keys.
func (r *Ring) Derive(purpose string) [][]byte {
	derived := make([][]byte, 0, len(r.order))
	for _, name := range r.order {
		k, err := hkdf.Key(sha256.New, r.keys[name].master, nil, "dyocense "+purpose, keyBytes)
		if err != nil {
			panic(err) // only for a length that SHA-256 cannot give
		}
		derived = append(derived, k)
	}
	return derived
}

// bound is what sealed text is authenticated with besides itself. The length keeps
// a head and a context from running into each other.
func bound(head, context string) []byte {
	return fmt.Appendf(nil, "%d:%s%s", len(head), head, context)
}

func readKey(path string) (secret.Text, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others (mode %v): set its mode to 600", fileName, info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	return secret.Text(strings.TrimSpace(string(b))), err
}

// makeKey keeps a fresh key under path, complete and on disk, unless another
// process was faster; then it reads that one.
func makeKey(path string) (secret.Text, error) {
	master := make([]byte, keyBytes)
	_, _ = rand.Read(master) // crypto/rand never fails since Go 1.24
	text := secret.Text(base64.StdEncoding.EncodeToString(master))
	t, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(t.Name()) //nolint:errcheck // a leftover has no effect
	_, err = t.WriteString(text.Reveal() + "\n")
	if err = errors.Join(err, t.Sync(), t.Close()); err != nil {
		return "", err
	}
	if err := os.Link(t.Name(), path); errors.Is(err, fs.ErrExist) {
		return readKey(path)
	} else if err != nil {
		return "", err
	}
	return text, syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
