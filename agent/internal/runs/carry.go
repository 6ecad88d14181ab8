package runs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// This file is the former owner's side of a hand-over: attempts that were in work
// go on here, and what becomes of them is fetched by whoever carries it to the
// new owner. expect.go is the other side.

// carrier holds the attempts whose tenant was handed over, from the moment that
// is noticed until the new owner needs nothing of them any more or the tenant
// comes home. It is safe for many goroutines.
type carrier struct {
	mu      sync.Mutex
	version int64 // of the latest change of any of them
	changed chan struct{}
	runs    map[job]*carried
}

// carried is one attempt; ended says how it came out, nil while it is worked on.
type carried struct {
	attempt int
	version int64
	run     Run
	ended   *ending
	stop    context.CancelCauseFunc
}

func newCarrier() *carrier { return &carrier{changed: make(chan struct{}), runs: map[job]*carried{}} }

// touched says that one of them changed; the caller holds the lock.
func (c *carrier) touched() int64 {
	c.version++
	close(c.changed)
	c.changed = make(chan struct{})
	return c.version
}

// take takes an attempt up that is in work, unless it is here.
func (c *carrier) take(j job, attempt int, run Run, stop context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if was := c.runs[j]; was != nil && was.attempt == attempt {
		return
	}
	c.runs[j] = &carried{attempt: attempt, version: c.touched(), run: run, stop: stop}
}

// show makes run the latest of the attempt, if it is here.
func (c *carrier) show(j job, attempt int, run Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.runs[j]; one != nil && one.attempt == attempt && one.ended == nil {
		one.run, one.version = run, c.touched()
	}
}

// end takes up how an attempt came out.
func (c *carrier) end(j job, attempt int, run Run, e ending, stop context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	run.Stage, run.Progress = "", nil
	if e.stages != nil {
		run.Stages = e.stages
	}
	c.runs[j] = &carried{attempt: attempt, version: c.touched(), run: run, ended: &e, stop: stop}
}

// arrived says that nobody works on the attempt any more: unless its end is
// carried, nothing of it is.
func (c *carrier) arrived(j job, attempt int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.runs[j]; one != nil && one.attempt == attempt && one.ended == nil {
		delete(c.runs, j)
		c.touched()
	}
}

// drop forgets an attempt, and gives it back if it was here.
func (c *carrier) drop(j job, attempt int) *carried {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.runs[j]
	if one == nil || one.attempt != attempt {
		return nil
	}
	delete(c.runs, j)
	c.touched()
	return one
}

// find is the attempt, nil if it is not here.
func (c *carrier) find(j job, attempt int) *carried {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.runs[j]; one != nil && one.attempt == attempt {
		return one
	}
	return nil
}

// home forgets the attempts of a tenant that are still worked on, for they can
// write by themselves again, and gives the ended ones.
func (c *carrier) home(tenant id.Tenant) map[job]carried {
	c.mu.Lock()
	defer c.mu.Unlock()
	ended := map[job]carried{}
	for j, one := range c.runs {
		switch {
		case j.tenant != tenant:
		case one.ended != nil:
			ended[j] = *one
		default:
			delete(c.runs, j)
			c.touched()
		}
	}
	return ended
}

// forget drops all of a tenant.
func (c *carrier) forget(tenant id.Tenant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for j := range c.runs {
		if j.tenant == tenant {
			delete(c.runs, j)
			c.touched()
		}
	}
}

// carriedResults bounds the results of one answer, in bytes; one result always
// fits.
const carriedResults = tenantstore.MaxBlob

// since gives what changed of a tenant after a version, oldest first, and up to
// which version that is all.
func (c *carrier) since(tenant id.Tenant, after int64) (list []contract.CarriedRun, version int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if after > c.version { // of an earlier life of this program
		after = 0
	}
	var jobs []job
	for j, one := range c.runs {
		if j.tenant == tenant && one.version > after {
			jobs = append(jobs, j)
		}
	}
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Compare(c.runs[a].version, c.runs[b].version) })
	size := 0
	for _, j := range jobs {
		one := c.runs[j]
		if one.ended != nil {
			if size += len(one.ended.result); size > carriedResults && len(list) > 0 {
				return list, list[len(list)-1].Version, nil
			}
		}
		packed, err := one.pack(j)
		if err != nil {
			return nil, after, err
		}
		list = append(list, packed)
	}
	return list, c.version, nil
}

// changes is closed at the next change.
func (c *carrier) changes() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// holds says whether something of the tenant is carried.
func (c *carrier) holds(tenant id.Tenant) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for j := range c.runs {
		if j.tenant == tenant {
			return true
		}
	}
	return false
}

// glimpse is what travels of a run in work.
type glimpse struct {
	Stage    string    `json:"stage"`
	Stages   []Stage   `json:"stages"`
	Progress *Progress `json:"progress,omitempty"`
}

// pack is the attempt as it travels.
func (c *carried) pack(j job) (contract.CarriedRun, error) {
	seen, err := json.Marshal(glimpse{c.run.Stage, c.run.Stages, c.run.Progress})
	if err != nil {
		return contract.CarriedRun{}, fmt.Errorf("encode run %s to carry it: %w", j.run, err)
	}
	packed := contract.CarriedRun{Run: j.run, Attempt: c.attempt, Version: c.version, Live: seen}
	if e := c.ended; e != nil {
		packed.Ended = &contract.CarriedEnd{How: string(e.how), Status: string(e.status), Headline: e.headline, Problem: e.problem, Result: e.result}
	}
	return packed, nil
}

// Carried gives what is worked on here of a tenant that was handed over, as far as
// it changed after version after, and the version to ask from next. It waits for a
// change at most wait; then everything comes again as it is, so that the new owner
// hears that its runs are alive: wait less than its patience. Nothing comes of a
// tenant that is served here. While Carrying, there is more to ask for.
func (s *Service) Carried(ctx context.Context, tenant id.Tenant, after int64, wait time.Duration) (runs []contract.CarriedRun, version int64, err error) {
	lapse := time.NewTimer(wait)
	defer lapse.Stop()
	gone, err := s.gone(ctx, tenant)
	if err != nil || !gone {
		return nil, after, err
	}
	s.board.wake(tenant)
	for {
		changed := s.carrier.changes()
		s.depart(tenant)
		list, version, err := s.carrier.since(tenant, after)
		if err != nil || len(list) > 0 {
			return list, version, err
		}
		select {
		case <-changed:
		case <-lapse.C:
			s.depart(tenant)
			return s.carrier.since(tenant, 0)
		case <-ctx.Done():
			return nil, after, ctx.Err()
		}
	}
}

// Carrying says whether something of the tenant is still worked on here, or waits
// to be carried to the new owner.
func (s *Service) Carrying(tenant id.Tenant) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for j := range s.active {
		if j.tenant == tenant {
			return true
		}
	}
	return s.carrier.holds(tenant)
}

// CarriedAnswers does what the new owner wants of attempts that were carried to
// it. Answers about others are passed over.
func (s *Service) CarriedAnswers(tenant id.Tenant, answers []contract.CarriedAnswer) {
	for _, a := range answers {
		j := job{tenant, a.Run}
		if a.Settled {
			if one := s.carrier.drop(j, a.Attempt); one != nil {
				one.stop(errUnwanted) // it may still be worked on
			}
			continue
		}
		if one := s.carrier.find(j, a.Attempt); one != nil && a.Cancel {
			one.stop(errCancelled)
		}
	}
}

// Leave lets go of a tenant that was handed over: its waiting runs wait at the new
// owner, those who watch are sent there, and what is in work goes on to be
// carried. Call it once the hand-over stands, and never when the tenant may have
// come home since: what Adopt put into the queue would be lost.
func (s *Service) Leave(tenant id.Tenant) {
	s.queue.forget(tenant)
	s.unexpect(tenant)
	s.depart(tenant)
	s.board.wake(tenant)
}

// depart makes what is in work of a tenant that was handed over the carrier's. For
// a tenant that came home meanwhile it does no harm: the attempt can write, and
// takes itself off the carrier.
func (s *Service) depart(tenant id.Tenant) {
	s.mu.Lock() // held, so that a worker that is about to leave takes it off the carrier again
	defer s.mu.Unlock()
	for j, w := range s.active {
		if j.tenant != tenant || w.attempt == 0 {
			continue
		}
		if run, shown := s.board.latest(j); shown {
			s.carrier.take(j, w.attempt, run, w.end)
		}
	}
}

// gone says whether the tenant is owned elsewhere.
func (s *Service) gone(ctx context.Context, tenant id.Tenant) (bool, error) {
	_, release, err := s.shelf.Open(ctx, tenant)
	switch {
	case err == nil:
		release()
		return false, nil
	case tenantstore.Elsewhere(err):
		return true, nil
	}
	return false, err
}

// carry hands the end of an attempt to the carrier. If the tenant came home at
// that moment, nobody fetches it any more, so it is kept here.
func (a *attempt) carry(ctx context.Context, e ending) error {
	a.service.carrier.end(a.job, a.number, a.run, e, a.end)
	err := a.write(ctx, func(store *tenantstore.Store) error { return a.service.unpack(ctx, store, a.job.tenant) })
	if tenantstore.Elsewhere(err) {
		return nil
	}
	return err
}

// unpack makes what was carried of a tenant its owner's again: this program's.
func (s *Service) unpack(ctx context.Context, store *tenantstore.Store, tenant id.Tenant) error {
	for j, one := range s.carrier.home(tenant) {
		run, err := s.conclude(ctx, store, j, one.attempt, *one.ended)
		if err = notOver(err); err != nil {
			return fmt.Errorf("keep the end of run %s: %w", j.run, err)
		}
		s.carrier.drop(j, one.attempt)
		s.settled(j, one.attempt)
		if run.State == Queued {
			s.queue.push(j)
		}
	}
	return nil
}

// partingTime is how long Part waits for what is carried to be fetched.
const partingTime = 3 * time.Second

// Part waits for ctx to end, and then ends the attempts of tenants that were
// handed over, so that they can begin again at the new owner at once. It gives
// whoever carries them a moment to fetch that; else the new owner finds out by
// itself. It belongs to the parts that stop while requests are still served.
func (s *Service) Part(ctx context.Context) error {
	<-ctx.Done()
	patience := time.NewTimer(partingTime)
	defer patience.Stop()
	for {
		changed, left := s.carrier.stopAll()
		if left == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-patience.C:
			return nil
		}
	}
}

// stopAll ends the attempts that are in work, says how many are here, and gives
// what is closed at the next change.
func (c *carrier) stopAll() (changed <-chan struct{}, left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.runs {
		if one.ended == nil {
			one.stop(errStopping)
		}
	}
	return c.changed, len(c.runs)
}
