package tenantstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/dyocense/dyocense/shared/docstore"
)

// maxProblems bounds how many problems a Report lists.
const maxProblems = 100

// Report is the outcome of Verify.
type Report struct {
	Slots     int64    `json:"slots"`     // entries read
	Documents int64    `json:"documents"` // documents compared, deleted ones included
	Blobs     int64    `json:"blobs"`     // blobs hashed
	Chain     string   `json:"chain"`     // chain hash of the last entry
	Problems  []string `json:"problems"`  // what does not match; at most 100
	More      int      `json:"more"`      // problems beyond those listed
}

// OK says that everything matches.
func (r Report) OK() bool { return len(r.Problems) == 0 }

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// expected is what the journal says of a document.
type expected struct {
	slot   int64
	digest string
}

// Verify reads the whole journal and compares every document, every remembered
// command and every blob with it. It may run beside writers; it takes time in
// proportion to the data, and memory to the number of documents. The error is
// about reading; what it finds is in the Report.
func (s *Store) Verify(ctx context.Context) (Report, error) {
	r := Report{Problems: []string{}}
	want := map[key]expected{}
	end, err := s.replayInto(ctx, want, &r)
	if err != nil {
		return r, err
	}
	r.Slots, r.Chain = end.Slot, end.Chain
	collections := []string{commandsCollection}
	for c := range s.collections {
		collections = append(collections, c)
	}
	slices.Sort(collections)
	for _, c := range collections {
		if err := s.compare(ctx, c, want, end, &r); err != nil {
			return r, err
		}
	}
	for k, e := range want { // compare took out what it met
		r.problem("%s %s, written at slot %d, is missing", k.collection, k.id, e.slot)
	}
	return r, s.hashBlobs(ctx, &r)
}

// replayInto walks the chain and collects what it leads to.
func (s *Store) replayInto(ctx context.Context, want map[key]expected, r *Report) (Place, error) {
	at := Start()
	err := s.each(ctx, journalCollection, func(d docstore.Document) error {
		e, err := openEntry(d)
		if err == nil {
			err = e.follows(at)
		}
		if err != nil {
			r.problem("journal %s: %v", d.ID, errors.Unwrap(err))
		}
		if e.Slot == 0 { // not readable at all: the next entry shows the gap
			return nil
		}
		steps, err := e.applying()
		if err != nil {
			return err
		}
		for _, step := range steps {
			if step.Collection != checkpointCollection {
				want[key{step.Collection, step.Doc.ID}] = expected{slot: e.Slot, digest: digest(step.Doc.Body)}
			}
		}
		at = e.place()
		return nil
	})
	return at, err
}

// compare checks the stored documents of one collection against want and takes
// them out of it.
func (s *Store) compare(ctx context.Context, collection string, want map[key]expected, end Place, r *Report) error {
	return s.each(ctx, collection, func(d docstore.Document) error {
		r.Documents++
		k := key{collection, d.ID}
		e, ok := want[k]
		delete(want, k)
		if d.Rev > end.Slot { // written since: its own entry speaks for it
			var err error
			if e, ok, err = s.writtenAt(ctx, end.Generation, k, d.Rev); err != nil {
				return err
			}
		}
		switch {
		case !ok:
			r.problem("%s %s, at slot %d, is in no journal entry", collection, d.ID, d.Rev)
		case d.Rev != e.slot:
			r.problem("%s %s is of slot %d; the journal wrote it at %d", collection, d.ID, d.Rev, e.slot)
		case digest(d.Body) != e.digest:
			r.problem("%s %s, at slot %d, differs from its journal entry", collection, d.ID, d.Rev)
		}
		return nil
	})
}

// writtenAt is what the entry at slot says of a document.
func (s *Store) writtenAt(ctx context.Context, generation int64, k key, slot int64) (expected, bool, error) {
	e, err := s.slot(ctx, generation, slot)
	if err != nil || e == nil {
		return expected{}, false, err
	}
	steps, err := e.applying()
	for _, step := range steps {
		if step.Collection == k.collection && step.Doc.ID == k.id {
			return expected{slot: slot, digest: digest(step.Doc.Body)}, true, nil
		}
	}
	return expected{}, false, err
}

// hashBlobs reads every blob; its chunks come one after the other.
func (s *Store) hashBlobs(ctx context.Context, r *Report) error {
	var (
		name string
		sum  hash.Hash
	)
	finish := func() {
		if sum != nil && hex.EncodeToString(sum.Sum(nil)) != name {
			r.problem("blob %s is damaged or incomplete", name)
		}
	}
	err := s.each(ctx, blobsCollection, func(d docstore.Document) error {
		if of, _, _ := strings.Cut(d.ID, "/"); of != name {
			finish()
			name, sum = of, sha256.New()
			r.Blobs++
		}
		var c chunk
		if err := json.Unmarshal(d.Body, &c); err != nil {
			r.problem("blob chunk %s is not readable", d.ID)
		}
		sum.Write(c.Data)
		return nil
	})
	finish()
	return err
}

// each calls f with every document of a collection in the order of ids.
func (s *Store) each(ctx context.Context, collection string, f func(docstore.Document) error) error {
	q := docstore.Query{Limit: 1000}
	for {
		page, err := s.docs.Find(ctx, collection, q)
		if err != nil {
			return fmt.Errorf("read %s: %w", collection, err)
		}
		for _, d := range page.Docs {
			if err := f(d); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}
