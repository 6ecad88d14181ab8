package transfer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// rehearseWithin bounds all decisions that are made again for one move.
const rehearseWithin = 10 * time.Minute

// maxRehearsed bounds how many that are.
const maxRehearsed = 20

// rehearsal makes the last decisions of a copy again, once a move. It lives in
// memory: a restart makes them once more.
type rehearsal struct {
	move string
	stop context.CancelFunc

	mu      sync.Mutex
	results []contract.ParityResult
	err     error
	ended   bool
	changed chan struct{} // closed, and replaced, with each change
}

func (c call) rehearse(ctx context.Context, q contract.TransferRehearse) (contract.Message, []docstore.Document, error) {
	if q.Move == "" || q.Last < 1 || q.Last > maxRehearsed || c.config.Rehearse == nil {
		return nil, nil, ErrAsked
	}
	r, err := c.rehearsal(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	wait := time.NewTimer(min(time.Duration(max(q.WaitMillis, 0))*time.Millisecond, maxWait))
	defer wait.Stop()
	for {
		r.mu.Lock()
		answer := contract.TransferParity{V: contract.Version, Done: r.ended, Decisions: slices.Clone(r.results)}
		changed, err := r.changed, r.err
		r.mu.Unlock()
		switch {
		case err != nil:
			c.stopRehearsal(c.tenant) // asked again, it is tried again
			return nil, nil, err
		case answer.Done:
			return answer, nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, nil, docstore.ErrUnavailable.Because(ctx.Err())
		case <-wait.C:
			return answer, nil, nil
		case <-changed:
		}
	}
}

// rehearsal is the one of the move, begun if there is none.
func (c call) rehearsal(ctx context.Context, q contract.TransferRehearse) (*rehearsal, error) {
	c.mu.Lock()
	known := c.rehearsals[c.tenant]
	c.mu.Unlock()
	if known != nil && known.move == q.Move {
		return known, nil
	}
	c.stopRehearsal(c.tenant)
	raw, is, release, err := c.config.Shelf.Look(ctx, c.tenant)
	if err != nil {
		return nil, err
	}
	if is.Standby == nil || is.Standby.Move != q.Move {
		release()
		return nil, ErrAsked
	}
	running, stop := context.WithTimeout(context.WithoutCancel(ctx), rehearseWithin)
	r := &rehearsal{move: q.Move, stop: stop, changed: make(chan struct{}), results: []contract.ParityResult{}}
	c.mu.Lock()
	c.rehearsals[c.tenant] = r
	c.mu.Unlock()
	go func() { // ended by stop or its time; its end is seen by whoever waits for changed
		defer release()
		defer stop()
		err := c.config.Rehearse(running, raw.Reading(), q.Last, func(p contract.ParityResult) {
			r.change(func() { r.results = append(r.results, p) })
		})
		r.change(func() { r.ended, r.err = true, err })
	}()
	return r, nil
}

func (r *rehearsal) change(what func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what()
	close(r.changed)
	r.changed = make(chan struct{})
}

// stopRehearsal ends and forgets the tenant's rehearsal.
func (h *Handler) stopRehearsal(t id.Tenant) {
	h.mu.Lock()
	r := h.rehearsals[t]
	delete(h.rehearsals, t)
	h.mu.Unlock()
	if r != nil {
		r.stop()
	}
}

// Close ends all rehearsals and lets all writes go on.
func (h *Handler) Close() {
	h.mu.Lock()
	windows, rehearsals := h.windows, h.rehearsals
	h.windows, h.rehearsals = map[id.Tenant]*window{}, map[id.Tenant]*rehearsal{}
	h.mu.Unlock()
	for _, w := range windows {
		w.Release()
	}
	for _, r := range rehearsals {
		r.stop()
	}
}
