package migration

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/failpoint"
)

const (
	copyAhead  = 2 // pages that are read before they are written
	pausedLook = 100 * time.Millisecond
)

// Pace is how hard copying presses. A copy shares disks and cores with everybody in
// the pool: the faster it is, the longer are their slowest writes while it lasts.
type Pace struct {
	Documents int // carried at once
	AtOnce    int // pages that are written at once: one is checked while the other waits for the disk
	Rest      int // after each page, so many times as long as it took
}

// FullPace copies as fast as it can, and is over soonest.
func FullPace() Pace { return Pace{Documents: 2000, AtOnce: 2} }

// GentlePace takes a tenth of the time, so that neighbours hardly see it. A copy of
// 100,000 documents takes about a minute.
func GentlePace() Pace { return Pace{Documents: 100, AtOnce: 1, Rest: 9} }

// copyAll copies every collection that is not copied yet, while new entries
// follow beside it. Nothing is locked: a document that changes meanwhile comes
// with its entry, and the later version stays.
func (w *worker) copyAll(ctx context.Context, rec record, f *follower) error {
	w.report(func(p *progress) { p.WaitingFor = "" })
	began := time.Now()
	for _, t := range rec.Facts.Totals {
		if slices.Contains(rec.Facts.Done, t.Name) {
			continue
		}
		if err := w.copyOne(ctx, rec, t, f, began); err != nil {
			return err
		}
		failpoint.Here("migration.before-copied-" + t.Name)
		if err := w.note(ctx, func(r *record) {
			r.Facts.Done = append(r.Facts.Done, t.Name)
			r.Text = "Copied: " + titleOf(t.Name)
		}); err != nil {
			return err
		}
		failpoint.Here("migration.after-copied-" + t.Name)
	}
	return w.advance(ctx, Copied, func(r *record) { r.Text = "Everything is copied; the copy follows each change" })
}

// page is some documents on their way.
type page struct {
	docs []docstore.Document
	err  error
}

// put is a page that is being written, and what comes of it.
type put struct {
	docs []docstore.Document
	done chan putDone
}

type putDone struct {
	bytes int64
	took  time.Duration
	err   error
}

// copyOne copies a collection from where an earlier worker has got to. Reading,
// writing and reading back of several pages overlap; they are counted in their
// order, so that the cursor has nothing behind it that is not there.
func (w *worker) copyOne(ctx context.Context, rec record, t total, f *follower, began time.Time) error {
	q := contract.TransferRead{Collection: t.Name, Limit: w.times.Pace.Documents, Bytes: pageBytes, Until: rec.Facts.Base}
	w.report(func(p *progress) {
		if p.Cursored == t.Name {
			q.After = p.Cursor
			return
		}
		p.Cursored, p.Cursor = t.Name, ""
		if p.Copied == nil {
			p.Copied = map[string]int64{}
		}
		p.Copied[t.Name] = 0
	})
	ctx, stop := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop(errStopped)
	pages := make(chan page, copyAhead)
	running.Go(func() {
		defer close(pages)
		for {
			docs, more, err := f.from.read(ctx, q)
			select {
			case pages <- page{docs, err}:
			case <-ctx.Done():
				return
			}
			if err != nil || !more || len(docs) == 0 {
				return
			}
			q.After = docs[len(docs)-1].ID
		}
	})
	puts := make(chan put, w.times.Pace.AtOnce-1)
	var broken error
	running.Go(func() {
		defer close(puts)
		broken = w.putAll(ctx, t.Name, f, pages, puts)
	})
	for p := range puts {
		d := <-p.done
		if d.err != nil {
			return d.err
		}
		failpoint.Here("migration.after-put")
		w.report(func(pr *progress) {
			pr.Copied[t.Name] += int64(len(p.docs))
			pr.Cursor = p.docs[len(p.docs)-1].ID
			pr.Bytes += d.bytes
			pr.Eta, pr.EtaAt = eta(rec.Facts.Totals, pr.Copied, time.Since(began)), w.now()
		})
		w.rest(ctx, d.took)
	}
	return errors.Join(broken, ctx.Err())
}

// putAll begins to write each page, while there is room in puts.
func (w *worker) putAll(ctx context.Context, collection string, f *follower, pages <-chan page, puts chan<- put) error {
	var writing sync.WaitGroup
	defer writing.Wait()
	for p := range pages {
		if p.err != nil {
			return p.err
		}
		if err := w.unpaused(ctx); err != nil {
			return err
		}
		if len(p.docs) == 0 {
			continue
		}
		one := put{docs: p.docs, done: make(chan putDone, 1)}
		select {
		case puts <- one:
		case <-ctx.Done():
			return ctx.Err()
		}
		writing.Go(func() {
			began := time.Now()
			failpoint.Here("migration.before-put")
			c, err := f.put(ctx, collection, one.docs)
			one.done <- putDone{c.Bytes, time.Since(began), err}
		})
	}
	return nil
}

// rest leaves the machine to others for a while, as the pace wants it.
func (w *worker) rest(ctx context.Context, took time.Duration) {
	if w.times.Pace.Rest == 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(w.times.Pace.Rest) * took):
	}
}

// unpaused waits while a person has halted the copying.
func (w *worker) unpaused(ctx context.Context) error {
	if !w.paused() {
		return nil
	}
	w.report(func(p *progress) { p.WaitingFor = "you to resume" })
	defer w.report(func(p *progress) { p.WaitingFor = "" })
	tick := time.NewTicker(pausedLook)
	defer tick.Stop()
	for w.paused() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

const (
	// compareShare is how long comparing takes, of the time that copying does.
	compareShare = 1.0 / 7
	// documentCosts is how many bytes more could be carried in the time that a
	// document takes beside its bytes.
	documentCosts = 512
)

// eta is what is left, at the speed so far, in seconds. The speed is mostly one of
// bytes: a journal entry may hold many documents. There is none before there is
// something to go by.
func eta(totals []total, copied map[string]int64, spent time.Duration) *float64 {
	var all, done float64
	for _, t := range totals {
		if t.Documents > 0 {
			cost := float64(t.Bytes + documentCosts*t.Documents)
			all += cost
			done += cost * min(1, float64(copied[t.Name])/float64(t.Documents))
		}
	}
	if all == 0 || done*50 < all || spent < 200*time.Millisecond {
		return nil
	}
	left := (all*(1+compareShare) - done) / (done / spent.Seconds())
	return &left
}
