//go:build unix

package sqlitestore

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/dyocense/dyocense/shared/docstore"
)

// fileLock holds an flock for the life of a Store. The kernel lets go of it when
// the process ends, however it ends.
type fileLock struct{ f *os.File }

// lockFile takes the lock or fails at once with docstore.ErrUnavailable.
//
// The lock lies in a file of its own: SQLite's own locks on the data file are
// per process and would be lost when any descriptor of that file is closed.
func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, docstore.ErrUnavailable.Because(fmt.Errorf("open lock of store: %w", err))
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		taken := docstore.ErrUnavailable.Saying("Another process has this store open; stop it first.")
		return nil, errors.Join(taken.Because(fmt.Errorf("lock %s: %w", path, err)), f.Close())
	}
	return &fileLock{f: f}, nil
}

func (l *fileLock) release() error { return l.f.Close() }
