package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/nats-io/nkeys"
)

// Keyring keeps the secret half of every key. In the process it is a directory;
// where a key service exists, it is that service, which signs without giving the
// seed away.
type Keyring interface {
	// Key is the key of that name, made and kept durably if there is none yet.
	// Two callers always get the same key. It fails when a kept key is of
	// another kind.
	Key(ctx context.Context, name string, kind nkeys.PrefixByte) (nkeys.KeyPair, error)
}

var keyName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}$`)

// Files is a Keyring of one file a key, readable by its owner only.
type Files struct {
	dir string

	mu   sync.Mutex
	keys map[string]nkeys.KeyPair
}

// OpenKeyring is the keyring in dir, which is made if missing.
func OpenKeyring(dir string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make key directory: %w", err)
	}
	return &Files{dir: dir, keys: map[string]nkeys.KeyPair{}}, nil
}

// Key implements Keyring.
func (f *Files) Key(_ context.Context, name string, kind nkeys.PrefixByte) (nkeys.KeyPair, error) {
	if !keyName.MatchString(name) {
		return nil, fmt.Errorf("key name %q: want lower-case letters, digits, - and _", name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if k, ok := f.keys[name]; ok {
		return k, checkKind(name, k, kind)
	}
	path := filepath.Join(f.dir, name+".nk")
	k, err := readSeed(path)
	if errors.Is(err, fs.ErrNotExist) {
		k, err = makeSeed(path, kind)
	}
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	if err := checkKind(name, k, kind); err != nil {
		return nil, err
	}
	f.keys[name] = k
	return k, nil
}

func checkKind(name string, k nkeys.KeyPair, kind nkeys.PrefixByte) error {
	public, err := k.PublicKey()
	if err != nil {
		return fmt.Errorf("key %s: %w", name, err)
	}
	if nkeys.Prefix(public) != kind {
		return fmt.Errorf("key %s is of kind %s, want %s", name, nkeys.Prefix(public), kind)
	}
	return nil
}

func readSeed(path string) (nkeys.KeyPair, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %v): set its mode to 600", filepath.Base(path), info.Mode().Perm())
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return nkeys.FromSeed(bytes.TrimSpace(seed))
}

// makeSeed keeps a fresh key under path, unless another process was faster; then
// it reads that one.
func makeSeed(path string, kind nkeys.PrefixByte) (nkeys.KeyPair, error) {
	k, err := nkeys.CreatePair(kind)
	if err != nil {
		return nil, err
	}
	seed, err := k.Seed()
	if err != nil {
		return nil, err
	}
	switch err := writeOnce(path, seed); {
	case errors.Is(err, fs.ErrExist):
		return readSeed(path)
	case err != nil:
		return nil, err
	}
	return k, nil
}

// writeOnce makes path with these bytes, complete and on disk, or fails with
// fs.ErrExist.
func writeOnce(path string, b []byte) error {
	temp, err := writeTemp(path, b)
	if err != nil {
		return err
	}
	defer os.Remove(temp) //nolint:errcheck // a leftover has no effect
	if err := os.Link(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writeOver replaces path with these bytes, all or nothing, and on disk.
func writeOver(path string, b []byte) error {
	temp, err := writeTemp(path, b)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return syncDir(filepath.Dir(path))
}

func writeTemp(path string, b []byte) (name string, err error) {
	t, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = t.Write(b)
	if err = errors.Join(err, t.Sync(), t.Close()); err != nil {
		return "", errors.Join(err, os.Remove(t.Name()))
	}
	return t.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
