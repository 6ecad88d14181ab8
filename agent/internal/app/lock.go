package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// errTaken is returned when another agent keeps working on the directory.
var errTaken = errors.New("another agent works on this data directory; stop it, or choose another directory")

// handOver is how long a new agent waits for the one before to finish: longer
// than that one may take to stop in good order.
const handOver = 30 * time.Second

// own makes this process the only agent on the directory, so that what the one
// before left is read only when nothing can change it any more. The system takes
// the lock away from a process that dies. It fails with errTaken.
func own(ctx context.Context, dir string, wait time.Duration) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "agent.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data directory: %w", err)
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		ours, err := tryLock(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock the data directory: %w", err), f.Close())
		}
		if ours {
			return func() { _ = f.Close() }, nil // closing gives the lock back
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-deadline.C:
			return nil, errors.Join(errTaken, f.Close())
		case <-again.C:
		}
	}
}
