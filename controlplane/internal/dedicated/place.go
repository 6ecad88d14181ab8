package dedicated

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dyocense/dyocense/shared/id"
)

// place is where one environment lies: dir/<env>, or dir/.removed-<env> from the
// moment that its removal began.
type place struct {
	dir string
	env id.Environment
}

func (p place) path() string     { return filepath.Join(p.dir, string(p.env)) }
func (p place) gone() string     { return filepath.Join(p.dir, ".removed-"+string(p.env)) }
func (p place) agent() string    { return filepath.Join(p.path(), "agent") }
func (p place) settings() string { return filepath.Join(p.path(), "agent.env") }

// homeOf is the name of a directory of environments, made when it is first used.
// It lies in the directory, so that it goes where the data goes.
func homeOf(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "home")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b = []byte("home_" + strings.ToLower(rand.Text()) + "\n")
		err = writeOver(path, b)
	}
	if err != nil {
		return "", err
	}
	home := strings.TrimSpace(string(b))
	if home == "" {
		return "", fmt.Errorf("%s is empty; it must name this directory", path)
	}
	return home, nil
}

// writeSettings makes the environment's directory and its settings file. What
// somebody has written into the file is gone then.
func writeSettings(p place, all []setting) error {
	if err := os.MkdirAll(p.path(), 0o700); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("# Written by the control plane at each start of this agent; a change here is lost.\n")
	for _, s := range all {
		fmt.Fprintf(&b, "%s=%s\n", s.name, s.value)
	}
	return writeOver(p.settings(), []byte(b.String()))
}

// erase deletes the environment's directory. It is renamed first, so that a crash
// in the middle leaves nothing that an agent could be started on; the next call
// finishes. It fails with ErrInUse while an agent holds the directory's lock.
func (p place) erase() error {
	for _, path := range []string{p.path(), p.gone()} {
		release, err := idle(filepath.Join(path, "agent", "agent.lock"))
		if err != nil {
			return err
		}
		defer release()
	}
	_, err := os.Lstat(p.path())
	switch {
	case err == nil:
		if err := os.RemoveAll(p.gone()); err != nil { // of an earlier try; the name must be free
			return fmt.Errorf("finish an earlier removal: %w", err)
		}
		if err := os.Rename(p.path(), p.gone()); err != nil {
			return fmt.Errorf("take the directory away: %w", err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look at the directory: %w", err)
	}
	if err := os.RemoveAll(p.gone()); err != nil {
		return fmt.Errorf("delete the directory: %w", err)
	}
	return syncDir(p.dir)
}

// idle takes the lock that a running agent holds on its directory, so that none
// can begin to work on what is being deleted. Without the file no agent has ever
// run there.
func idle(lock string) (release func(), err error) {
	f, err := os.OpenFile(lock, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the agent's lock: %w", err)
	}
	free, err := tryLock(f)
	if err == nil && !free {
		err = ErrInUse
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// writeOver replaces path with these bytes, all or nothing, and on disk.
func writeOver(path string, b []byte) error {
	t, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = t.Write(b)
	if err = errors.Join(err, t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes renames and removals in dir last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
