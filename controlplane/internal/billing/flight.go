package billing

import (
	"context"
	"sync"

	"github.com/dyocense/dyocense/shared/id"
)

// lanes let one sync of a tenant run at a time in this process. Whoever waited takes
// the answer of a sync that began after they came, and else makes their own: an
// answer that was on its way before may not know what they came for.
type lanes struct {
	mu   sync.Mutex
	open map[id.Tenant]*lane
}

type lane struct {
	users int
	free  chan struct{} // holds one value while nobody syncs
	begun int           // syncs so far; guarded by lanes.mu, as is all below
	good  int           // number of the last one that succeeded
	last  Account
}

func newLanes() *lanes { return &lanes{open: map[id.Tenant]*lane{}} }

// do runs sync for t, or takes the answer of somebody else.
func (l *lanes) do(ctx context.Context, t id.Tenant, sync func() (Account, error)) (Account, error) {
	l.mu.Lock()
	own, ok := l.open[t]
	if !ok {
		own = &lane{free: make(chan struct{}, 1)}
		own.free <- struct{}{}
		l.open[t] = own
	}
	own.users++
	came := own.begun
	l.mu.Unlock()
	defer l.leave(t, own)

	select {
	case <-ctx.Done():
		return Account{}, ctx.Err()
	case <-own.free:
	}
	defer func() { own.free <- struct{}{} }()
	l.mu.Lock()
	if own.good > came {
		last := own.last
		l.mu.Unlock()
		return last, nil
	}
	own.begun++
	number := own.begun
	l.mu.Unlock()
	a, err := sync()
	if err == nil {
		l.mu.Lock()
		own.good, own.last = number, a
		l.mu.Unlock()
	}
	return a, err
}

func (l *lanes) leave(t id.Tenant, own *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(l.open, t)
	}
}
