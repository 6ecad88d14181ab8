package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	seedFile     = "agent.nk"
	identityFile = "identity.json"
	progressFile = "desired.json"
)

// identity is who this agent is, kept in its directory. It may be used from many
// goroutines.
type identity struct {
	dir    string
	key    nkeys.KeyPair
	public string

	mu       sync.Mutex
	enrolled contract.Enrolled // V 0 until it is enrolled
	issued   time.Time         // when the token came
	progress progress
}

// progress is how far the desired state of an environment is carried out.
type progress struct {
	Environment id.Environment `json:"environment"`
	Have        int64          `json:"have"`
}

// kept is the identity file.
type kept struct {
	Enrolled contract.Enrolled `json:"enrolled"`
	Issued   time.Time         `json:"issued"`
}

// openIdentity reads what is in dir, and makes the key when there is none.
func openIdentity(dir string) (*identity, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make agent directory: %w", err)
	}
	i := &identity{dir: dir}
	var err error
	if i.key, err = openKey(filepath.Join(dir, seedFile)); err != nil {
		return nil, fmt.Errorf("agent key: %w", err)
	}
	if i.public, err = i.key.PublicKey(); err != nil {
		return nil, fmt.Errorf("agent key: %w", err)
	}
	var k kept
	if err := readJSON(filepath.Join(dir, identityFile), &k); err != nil {
		return nil, err
	}
	i.enrolled, i.issued = k.Enrolled, k.Issued
	if err := readJSON(filepath.Join(dir, progressFile), &i.progress); err != nil {
		return nil, err
	}
	return i, nil
}

// Environment is that of the agent whose identity is in dir, "" when it is not
// enrolled yet.
func Environment(dir string) (id.Environment, error) {
	var k kept
	err := readJSON(filepath.Join(dir, identityFile), &k)
	return k.Enrolled.Environment, err
}

// ReadIdentity is the key of the agent in dir and the environment it was enrolled
// into, for what works beside it: nil and "" where there is none yet. Nothing is
// made.
func ReadIdentity(dir string) (nkeys.KeyPair, id.Environment, error) {
	path := filepath.Join(dir, seedFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	key, err := openKey(path)
	if err != nil {
		return nil, "", fmt.Errorf("agent key: %w", err)
	}
	env, err := Environment(dir)
	return key, env, err
}

func openKey(path string) (nkeys.KeyPair, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
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

func makeKey(path string) (nkeys.KeyPair, error) {
	key, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	seed, err := key.Seed()
	if err != nil {
		return nil, err
	}
	return key, replaceFile(path, seed)
}

// enrol keeps e. A new environment begins its desired state from the start.
func (i *identity) enrol(e contract.Enrolled) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.progress.Environment != e.Environment {
		if err := i.keepProgress(progress{Environment: e.Environment}); err != nil {
			return err
		}
	}
	return i.keep(e)
}

// renew keeps a new token of the same agent.
func (i *identity) renew(r contract.Renewed) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	e := i.enrolled
	e.JWT, e.Expires = r.JWT, r.Expires
	return i.keep(e)
}

func (i *identity) keep(e contract.Enrolled) error {
	now := time.Now().UTC()
	if err := writeJSON(filepath.Join(i.dir, identityFile), kept{Enrolled: e, Issued: now}); err != nil {
		return err
	}
	i.enrolled, i.issued = e, now
	return nil
}

// reached remembers durably that every line up to revision is carried out.
func (i *identity) reached(revision int64) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keepProgress(progress{Environment: i.progress.Environment, Have: revision})
}

func (i *identity) keepProgress(p progress) error {
	if err := writeJSON(filepath.Join(i.dir, progressFile), p); err != nil {
		return err
	}
	i.progress = p
	return nil
}

func (i *identity) have() int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.progress.Have
}

// now is who the agent is, with V 0 when it is not enrolled.
func (i *identity) now() contract.Enrolled {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.enrolled
}

// usable says whether the token would be taken for a while yet.
func (i *identity) usable() bool {
	e := i.now()
	return e.V != 0 && time.Until(e.Expires) > time.Minute
}

// halfLife is when to renew: halfway between issue and end of the token.
func (i *identity) halfLife() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.issued.Add(i.enrolled.Expires.Sub(i.issued) / 2)
}

// readJSON leaves v alone when there is no file.
func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return nil
}

func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		err = replaceFile(path, b)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// replaceFile writes path, all or nothing, on disk, readable by its owner only.
func replaceFile(path string, b []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
