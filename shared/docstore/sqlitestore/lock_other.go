//go:build !unix

package sqlitestore

import (
	"fmt"
	"os"

	"github.com/dyocense/dyocense/shared/docstore"
)

// fileLock is a file whose existence is the lock. Unlike flock it survives a
// crash, and a person has to delete it then; the message says so.
type fileLock struct {
	f    *os.File
	path string
}

func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		taken := docstore.ErrUnavailable.Saying("Another process has this store open; stop it, or delete its .lock file after a crash.")
		return nil, taken.Because(fmt.Errorf("lock %s: %w", path, err))
	}
	return &fileLock{f: f, path: path}, nil
}

func (l *fileLock) release() error {
	if err := l.f.Close(); err != nil {
		return err
	}
	return os.Remove(l.path)
}
