package migration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/failpoint"
	"github.com/dyocense/dyocense/shared/fault"
)

const (
	followEntries = 500     // of one step of a follower
	followBytes   = 4 << 20 // of them
	followWait    = 10_000  // ms, for the journal to grow
	pageBytes     = 4 << 20 // of documents carried at once
)

// follower keeps a copy up with its owner: files first, then the entries that
// refer to them.
type follower struct {
	from, to node
	move     string
	claim    int64

	mu      sync.Mutex
	applied contract.Place
	tail    contract.Place // newest that was seen
	moved   chan struct{}  // closed, and replaced, when applied grows
	shipped map[contract.Blob]bool
	unclear []doubtful // rows that have to be compared in the pause

	broken chan struct{} // closed when it has given up; err says why
	err    error
}

// following runs do beside a follower. It ends with do, or with the reason for
// which the follower has given up.
func (w *worker) following(ctx context.Context, from, to node, move string, do func(context.Context, *follower) error) error {
	is, err := w.claimCopy(ctx, to, move)
	if err != nil {
		return err
	}
	f := &follower{
		from: from, to: to, move: move, claim: w.claim, applied: is.Applied, tail: is.Applied,
		moved: make(chan struct{}), shipped: map[contract.Blob]bool{}, broken: make(chan struct{}),
	}
	ctx, stop := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		f.err = f.run(ctx, w)
		close(f.broken)
		if f.err != nil {
			stop(f.err)
		}
	})
	err = do(ctx, f)
	stop(errStopped)
	running.Wait()
	if f.err != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return f.err
	}
	return err
}

// claimCopy makes this worker the one that writes to the move's copy. It fails with
// ErrCopyLost when that is not there.
func (w *worker) claimCopy(ctx context.Context, to node, move string) (contract.TransferStand, error) {
	is, err := to.status(ctx, contract.TransferStatus{Move: move, Claim: w.claim})
	if has(err, codeClaim) { // of a newer worker, or of another move
		there, again := to.status(ctx, contract.TransferStatus{})
		if again == nil && there.Move != move && there.HandedMove != move {
			err = ErrCopyLost.Because(fmt.Errorf("%s has a copy of %q", to.env, there.Move))
		}
	}
	if err == nil && is.Role == "none" {
		err = ErrCopyLost.Because(fmt.Errorf("%s has no copy", to.env))
	}
	return is, err
}

// run follows until ctx ends. Trouble that passes is waited out here, so that it
// does not disturb what runs beside.
func (f *follower) run(ctx context.Context, w *worker) error {
	pause := backOff
	for {
		err := f.once(ctx, w)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // asked to end: what broke off is no failure
		}
		switch {
		case err == nil:
			pause = backOff
			continue
		case errors.Is(err, errHandedOver), has(err, codeMoved), has(err, codeStandby), has(err, codeOwner):
			return nil // the switch has come: whoever waits for it goes on
		case !fault.KindOf(err).Retryable():
			return fmt.Errorf("keep the copy up: %w", err)
		}
		w.log.WarnContext(ctx, "the copy does not follow for now", "err", err, "again", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, backOffAt)
	}
}

func (f *follower) once(ctx context.Context, w *worker) error {
	page, entries, err := ask[contract.TransferPage](ctx, f.from, "entries", contract.TransferEntries{
		V: contract.Version, After: f.at(), Limit: followEntries, Bytes: followBytes, WaitMillis: followWait,
	})
	if err != nil {
		return err
	}
	f.mu.Lock()
	if page.Tail.Slot > f.tail.Slot {
		f.tail = page.Tail
	}
	f.mu.Unlock()
	defer func() { w.report(func(p *progress) { p.Lag = f.lag() }) }()
	if len(entries) == 0 {
		return nil
	}
	before := f.at()
	failpoint.Here("migration.before-apply")
	if err := f.take(ctx, page.Blobs, entries); err != nil {
		return err
	}
	failpoint.Here("migration.after-apply")
	if f.at() == before {
		return errHandedOver
	}
	return nil
}

// errHandedOver ends a follower: what comes next in the journal gives the tenant
// to the copy, and whoever switches brings it there.
var errHandedOver = errors.New("the tenant was handed over")

// take brings files and entries to the copy.
func (f *follower) take(ctx context.Context, blobs []contract.Blob, entries []docstore.Document) error {
	if err := f.ship(ctx, blobs); err != nil {
		return err
	}
	r, _, err := ask[contract.TransferReached](ctx, f.to, "apply", contract.TransferApply{V: contract.Version, Move: f.move, Claim: f.claim}, entries...)
	if err != nil {
		return err
	}
	f.reached(r.Place)
	return nil
}

// reached notes how far the copy is.
func (f *follower) reached(p contract.Place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.Slot <= f.applied.Slot {
		return
	}
	f.applied = p
	if p.Slot > f.tail.Slot {
		f.tail = p
	}
	close(f.moved)
	f.moved = make(chan struct{})
}

// ship copies files that the copy may lack.
func (f *follower) ship(ctx context.Context, blobs []contract.Blob) error {
	for _, b := range blobs {
		f.mu.Lock()
		known := f.shipped[b]
		f.mu.Unlock()
		if known {
			continue
		}
		q := contract.TransferRead{Collection: contract.TransferBlobs, After: b.Hash, To: b.Hash + "0", Bytes: pageBytes}
		for {
			docs, more, err := f.from.read(ctx, q)
			if err != nil {
				return err
			}
			if len(docs) > 0 {
				if _, err := f.put(ctx, contract.TransferBlobs, docs); err != nil {
					return err
				}
				q.After = docs[len(docs)-1].ID
			}
			if !more {
				break
			}
		}
		f.mu.Lock()
		f.shipped[b] = true
		f.mu.Unlock()
	}
	return nil
}

// put brings documents to the copy, which reads each back.
func (f *follower) put(ctx context.Context, collection string, docs []docstore.Document) (contract.TransferCopied, error) {
	c, _, err := ask[contract.TransferCopied](ctx, f.to, "put", contract.TransferPut{
		V: contract.Version, Move: f.move, Claim: f.claim, Collection: collection,
	}, docs...)
	if err == nil && c.Written+c.Superseded != len(docs) {
		err = ErrDiffers.Because(fmt.Errorf("%s: sent %d documents, read back %d", collection, len(docs), c.Written+c.Superseded))
	}
	return c, err
}

// at is where the copy is.
func (f *follower) at() contract.Place {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.applied
}

func (f *follower) lag() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tail.Slot - f.applied.Slot
}

// await waits until the copy holds everything up to a slot.
func (f *follower) await(ctx context.Context, slot int64) error {
	for {
		f.mu.Lock()
		there, moved := f.applied.Slot >= slot, f.moved
		f.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.broken:
			if f.err != nil {
				return f.err
			}
			return errStopped
		case <-moved:
		}
	}
}
