package migration

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
)

const (
	rangeDocuments = 2000 // that are compared as one hash
	recheckRounds  = 60   // of rows that keep changing while they are looked at
	recheckPause   = 50 * time.Millisecond
	sureAfter      = 3  // looks at a row that differs before it is believed
	maxMismatches  = 50 // that are named
	// residue is how many rows may still be unclear when the rounds are over. They
	// change all the time; they are compared in the pause of the switch, when
	// nothing changes.
	residue = 50
)

// Mismatch is a document that differs in the copy.
type Mismatch struct {
	Collection string `json:"collection"`
	ID         string `json:"id"`
	Field      string `json:"field"`
	Source     string `json:"source"`
	Target     string `json:"target"`
}

// doubtful is a row that has to be looked at again.
type doubtful struct {
	collection string
	id         string
	seen       int
}

// verify compares the whole copy with the owner's documents and ends the step.
func (w *worker) verify(ctx context.Context, rec record, f *follower) error {
	if err := w.compare(ctx, rec, f); err != nil {
		return err
	}
	at := f.at()
	totals, err := f.from.totals(ctx)
	if err != nil {
		return err
	}
	return w.advance(ctx, Verified, func(r *record) {
		r.Facts.Verified, r.Facts.Totals = &at, totals
		r.Text = fmt.Sprintf("Every row was compared, up to entry %d of the journal", at.Slot)
	})
}

// compare compares f's two ends row by row while both live: stretches by hash,
// stretches that differ by row, rows that differ again when the copy has caught
// up. What stays different is named, and ErrDiffers ends it.
func (w *worker) compare(ctx context.Context, rec record, f *follower) error {
	w.report(func(p *progress) { p.Verified, p.WaitingFor, p.Eta = map[string]int64{}, "", nil })
	var doubts []doubtful
	for _, t := range rec.Facts.Totals {
		if err := w.unpaused(ctx); err != nil {
			return err
		}
		found, err := w.compareOne(ctx, t, f)
		if err != nil {
			return err
		}
		doubts = append(doubts, found...)
	}
	wrong, err := w.recheck(ctx, f, doubts)
	if err != nil {
		return err
	}
	if len(wrong) == 0 {
		return nil
	}
	if err := w.note(ctx, func(r *record) {
		r.Facts.Mismatch = wrong
		r.Text = "Different on the copy: " + counted(len(wrong), "row")
	}); err != nil {
		return err
	}
	return ErrDiffers
}

// stretch is a range of the owner's documents and where it begins.
type stretch struct {
	after string
	r     contract.TransferRange
	err   error
}

// compareOne compares one collection. The owner's side runs ahead of the copy's.
// The journal is compared to its open end as well: an entry that the copy has too
// much would take the slot of the real one.
func (w *worker) compareOne(ctx context.Context, t total, f *follower) ([]doubtful, error) {
	ctx, stop := context.WithCancelCause(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stop(errStopped)
	stretches := make(chan stretch, 4)
	reading.Go(func() {
		defer close(stretches)
		after := ""
		for {
			r, _, err := ask[contract.TransferRange](ctx, f.from, "range", contract.TransferRead{
				V: contract.Version, Collection: t.Name, After: after, Limit: rangeDocuments,
			})
			select {
			case stretches <- stretch{after: after, r: r, err: err}:
			case <-ctx.Done():
				return
			}
			if err != nil || !r.More {
				return
			}
			after = r.Last
		}
	})
	var doubts []doubtful
	for s := range stretches {
		if s.err != nil {
			return nil, s.err
		}
		found, err := w.compareStretch(ctx, t.Name, s, f)
		if err != nil {
			return nil, err
		}
		doubts = append(doubts, found...)
		w.report(func(p *progress) { p.Verified[t.Name] += s.r.Count })
	}
	return doubts, ctx.Err()
}

// compareStretch compares one stretch; its last one is open at the end, so that
// what the copy has too much is found.
func (w *worker) compareStretch(ctx context.Context, collection string, s stretch, f *follower) ([]doubtful, error) {
	q := contract.TransferRead{V: contract.Version, Collection: collection, After: s.after, Limit: 2 * rangeDocuments}
	if s.r.More {
		q.To = s.r.Last + "\x01"
	}
	there, _, err := ask[contract.TransferRange](ctx, f.to, "range", q)
	if err != nil {
		return nil, err
	}
	if there.Hash == s.r.Hash && there.Count == s.r.Count && !there.More {
		return nil, nil
	}
	one, err := rows(ctx, f.from, q)
	if err != nil {
		return nil, err
	}
	other, err := rows(ctx, f.to, q)
	if err != nil {
		return nil, err
	}
	return differing(collection, one, other), nil
}

// rows are all rows that q asks for.
func rows(ctx context.Context, n node, q contract.TransferRead) (map[string]contract.TransferRow, error) {
	all := map[string]contract.TransferRow{}
	for {
		r, _, err := ask[contract.TransferRows](ctx, n, "rows", q)
		if err != nil {
			return nil, err
		}
		for _, row := range r.Rows {
			all[row.ID] = row
		}
		if !r.More || len(r.Rows) == 0 {
			return all, nil
		}
		q.After = r.Rows[len(r.Rows)-1].ID
	}
}

func differing(collection string, one, other map[string]contract.TransferRow) []doubtful {
	var out []doubtful
	for id, row := range one {
		if other[id] != row {
			out = append(out, doubtful{collection: collection, id: id})
		}
	}
	for id := range other {
		if _, both := one[id]; !both {
			out = append(out, doubtful{collection: collection, id: id})
		}
	}
	return out
}

// recheck looks at doubtful rows until each is the same on both sides, or is seen
// to differ although the copy has everything that the owner's row came with.
func (w *worker) recheck(ctx context.Context, f *follower, doubts []doubtful) ([]Mismatch, error) {
	var wrong []Mismatch
	for round := 0; len(doubts) > 0; round++ {
		if round >= recheckRounds && len(doubts) <= residue {
			w.mu.Lock()
			w.left = doubts
			w.mu.Unlock()
			return wrong, nil
		}
		var next []doubtful
		for _, group := range byCollection(doubts) {
			again, found, err := w.recheckGroup(ctx, f, group)
			if err != nil {
				return nil, err
			}
			next = append(next, again...)
			wrong = append(wrong, found...)
		}
		if len(wrong) >= maxMismatches {
			return wrong[:maxMismatches], nil
		}
		if doubts = next; len(doubts) > 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(recheckPause):
			}
		}
	}
	return wrong, nil
}

const recheckAtOnce = 1000

func byCollection(doubts []doubtful) [][]doubtful {
	slices.SortStableFunc(doubts, func(a, b doubtful) int {
		if a.collection < b.collection {
			return -1
		} else if a.collection > b.collection {
			return 1
		}
		return 0
	})
	var groups [][]doubtful
	for i, d := range doubts {
		if i == 0 || d.collection != doubts[i-1].collection || len(groups[len(groups)-1]) == recheckAtOnce {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], d)
	}
	return groups
}

func (w *worker) recheckGroup(ctx context.Context, f *follower, group []doubtful) (again []doubtful, wrong []Mismatch, err error) {
	q := contract.TransferRead{V: contract.Version, Collection: group[0].collection}
	for _, d := range group {
		q.IDs = append(q.IDs, d.id)
	}
	here, _, err := ask[contract.TransferRows](ctx, f.from, "rows", q)
	if err != nil {
		return nil, nil, err
	}
	highest := here.Tail.Slot
	one, other := map[string]contract.TransferRow{}, map[string]contract.TransferRow{}
	for _, row := range here.Rows {
		one[row.ID] = row
		if q.Collection != contract.TransferBlobs {
			highest = max(highest, row.Rev)
		}
	}
	if err := f.await(ctx, highest); err != nil {
		return nil, nil, err
	}
	there, _, err := ask[contract.TransferRows](ctx, f.to, "rows", q)
	if err != nil {
		return nil, nil, err
	}
	for _, row := range there.Rows {
		other[row.ID] = row
	}
	for _, d := range group {
		a, b := one[d.id], other[d.id]
		switch {
		case a == b:
		case b.Rev > a.Rev && a.ID != "":
			again = append(again, d) // it has changed since
		case d.seen+1 < sureAfter:
			d.seen++
			again = append(again, d)
		default:
			m, err := w.explain(ctx, f, d, a, b)
			if err != nil {
				return nil, nil, err
			}
			wrong = append(wrong, m)
		}
	}
	return again, wrong, nil
}

// explain says where a row differs.
func (w *worker) explain(ctx context.Context, f *follower, d doubtful, a, b contract.TransferRow) (Mismatch, error) {
	m := Mismatch{Collection: d.collection, ID: d.id, Source: rowWords(a), Target: rowWords(b)}
	switch {
	case b.ID == "":
		m.Field = "(missing in the copy)"
		return m, nil
	case a.ID == "":
		m.Field = "(only in the copy)"
		return m, nil
	}
	q := contract.TransferRead{Collection: d.collection, IDs: []string{d.id}}
	one, _, err := f.from.read(ctx, q)
	if err != nil {
		return m, err
	}
	other, _, err := f.to.read(ctx, q)
	if err != nil {
		return m, err
	}
	if len(one) == 1 && len(other) == 1 {
		if string(one[0].Body) == string(other[0].Body) {
			m.Field = "(version)"
		} else {
			names := fields(one[0].Body, other[0].Body)
			slices.Sort(names)
			m.Field = fmt.Sprint(names[0])
			for _, n := range names[1:] {
				m.Field += ", " + n
			}
		}
	}
	return m, nil
}

// rowWords is a row without its content, which is nobody's business here.
func rowWords(r contract.TransferRow) string {
	if r.ID == "" {
		return "absent"
	}
	return fmt.Sprintf("version %d, %.12s", r.Rev, r.Digest)
}
