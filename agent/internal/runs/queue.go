package runs

import (
	"context"
	"slices"
	"sync"

	"github.com/dyocense/dyocense/shared/id"
)

// job is one run that waits for a worker.
type job struct {
	tenant id.Tenant
	run    id.Run
}

// queue gives out runs fairly: tenants take turns, each has at most one run in
// work, and a tenant's own runs go in the order of their arrival. It is safe for
// many goroutines.
type queue struct {
	mu      sync.Mutex
	changed *sync.Cond
	waiting map[id.Tenant][]id.Run
	turn    []id.Tenant // who has runs waiting, next first
	busy    map[id.Tenant]bool
}

func newQueue() *queue {
	q := &queue{waiting: map[id.Tenant][]id.Run{}, busy: map[id.Tenant]bool{}}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// push adds a run unless it waits already.
func (q *queue) push(j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if slices.Contains(q.waiting[j.tenant], j.run) {
		return
	}
	if len(q.waiting[j.tenant]) == 0 {
		q.turn = append(q.turn, j.tenant)
	}
	q.waiting[j.tenant] = append(q.waiting[j.tenant], j.run)
	q.changed.Broadcast()
}

// next waits for a run that may be worked on; done must be called after it. It
// fails only with the error of ctx.
func (q *queue) next(ctx context.Context) (job, error) {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return job{}, err
		}
		if j, ok := q.take(); ok {
			return j, nil
		}
		q.changed.Wait()
	}
}

func (q *queue) take() (job, bool) {
	for i, t := range q.turn {
		if q.busy[t] {
			continue
		}
		run := q.waiting[t][0]
		q.waiting[t] = q.waiting[t][1:]
		q.turn = slices.Delete(q.turn, i, i+1)
		if len(q.waiting[t]) > 0 {
			q.turn = append(q.turn, t)
		} else {
			delete(q.waiting, t)
		}
		q.busy[t] = true
		return job{t, run}, true
	}
	return job{}, false
}

// done says that the tenant's run is no longer in work.
func (q *queue) done(t id.Tenant) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, t)
	q.changed.Broadcast() // workers and whoever waits for idle
}

// depth is how many runs of the tenant wait.
func (q *queue) depth(t id.Tenant) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting[t])
}

// forget drops the waiting runs of a tenant.
func (q *queue) forget(t id.Tenant) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.waiting, t)
	q.turn = slices.DeleteFunc(q.turn, func(o id.Tenant) bool { return o == t })
}

// idle waits until no run of the tenant is in work, or fails with the error of
// ctx.
func (q *queue) idle(ctx context.Context, t id.Tenant) error {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.busy[t] {
		if err := ctx.Err(); err != nil {
			return err
		}
		q.changed.Wait()
	}
	return nil
}
