package tenantstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
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
	// Absent are the hashes of blobs that entries refer to and that are not here;
	// at most 100. It is no problem of the journal: what only looks like a
	// reference is among them.
	Absent []string `json:"absent,omitempty"`
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
	return verify(ctx, s.docs, slices.Collect(maps.Keys(s.collections)))
}

// verify is Verify over the collections that commands write to.
func verify(ctx context.Context, docs docstore.Store, collections []string) (Report, error) {
	v := verification{docs: docs, want: map[key]expected{}, refers: map[string]bool{}, report: Report{Problems: []string{}}}
	end, err := v.replay(ctx)
	if err != nil {
		return v.report, err
	}
	v.report.Slots, v.report.Chain = end.Slot, end.Chain
	collections = append(collections, commandsCollection)
	slices.Sort(collections)
	for _, c := range collections {
		if err := v.compare(ctx, c, end); err != nil {
			return v.report, err
		}
	}
	for k, e := range v.want { // compare took out what it met
		v.report.problem("%s %s, written at slot %d, is missing", k.collection, k.id, e.slot)
	}
	return v.report, v.hashBlobs(ctx)
}

// verification is a Verify under way.
type verification struct {
	docs   docstore.Store
	want   map[key]expected
	refers map[string]bool // hashes of blobs, until they are met
	report Report
}

// replay walks the chain and collects what it leads to.
func (v *verification) replay(ctx context.Context) (Place, error) {
	at := Start()
	err := each(ctx, v.docs, journalCollection, docstore.Query{}, func(d docstore.Document) error {
		e, err := openEntry(d)
		if err == nil {
			err = e.follows(at)
		}
		if err != nil {
			v.report.problem("journal %s: %v", d.ID, errors.Unwrap(err))
		}
		if e.Slot == 0 { // not readable at all: the next entry shows the gap
			return nil
		}
		for _, b := range e.Blobs {
			if b.Size > 0 { // of an empty one nothing is stored
				v.refers[b.Hash] = true
			}
		}
		steps, err := e.applying()
		if err != nil {
			return err
		}
		for _, step := range steps {
			if step.Collection != checkpointCollection {
				v.want[key{step.Collection, step.Doc.ID}] = expected{slot: e.Slot, digest: digest(step.Doc.Body)}
			}
		}
		at = e.place()
		return nil
	})
	return at, err
}

// compare checks the stored documents of one collection against what is wanted
// and takes them out of it.
func (v *verification) compare(ctx context.Context, collection string, end Place) error {
	r := &v.report
	return each(ctx, v.docs, collection, docstore.Query{}, func(d docstore.Document) error {
		r.Documents++
		k := key{collection, d.ID}
		e, ok := v.want[k]
		delete(v.want, k)
		if d.Rev > end.Slot { // written since: its own entry speaks for it
			var err error
			if e, ok, err = v.writtenAt(ctx, end.Generation, k, d.Rev); err != nil {
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
func (v *verification) writtenAt(ctx context.Context, generation int64, k key, slot int64) (expected, bool, error) {
	e, err := slotOf(ctx, v.docs, generation, slot)
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
func (v *verification) hashBlobs(ctx context.Context) error {
	r := &v.report
	var (
		name string
		sum  hash.Hash
	)
	finish := func() {
		if sum != nil && hex.EncodeToString(sum.Sum(nil)) != name {
			r.problem("blob %s is damaged or incomplete", name)
		}
	}
	err := each(ctx, v.docs, blobsCollection, docstore.Query{}, func(d docstore.Document) error {
		if of, _, _ := strings.Cut(d.ID, "/"); of != name {
			finish()
			name, sum = of, sha256.New()
			r.Blobs++
			delete(v.refers, name)
		}
		var c chunk
		if err := json.Unmarshal(d.Body, &c); err != nil {
			r.problem("blob chunk %s is not readable", d.ID)
		}
		sum.Write(c.Data)
		return nil
	})
	finish()
	r.Absent = slices.Sorted(maps.Keys(v.refers))
	r.Absent = r.Absent[:min(len(r.Absent), maxProblems)]
	return err
}

// each calls f with every document that q finds by id, in order.
func each(ctx context.Context, docs docstore.Store, collection string, q docstore.Query, f func(docstore.Document) error) error {
	q.Limit = 1000
	for {
		page, err := docs.Find(ctx, collection, q)
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
