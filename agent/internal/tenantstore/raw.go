package tenantstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
)

// Entry is an entry of the journal as it is stored, with what whoever carries it
// has to know.
type Entry struct {
	At       Place           // the journal's place behind it
	ID       string          // under which it is stored
	Body     json.RawMessage // the bytes that the chain hash is taken over
	Time     time.Time       // for people
	Blobs    []Blob          // must be stored before it
	HandOver *HandOver       // nil unless it gives the tenant away
}

// ReadEntry reads a stored entry. It fails like opening one: with ErrDamaged or
// ErrNewer.
func ReadEntry(id string, body []byte) (Entry, error) {
	e, err := openEntry(docstore.Document{ID: id, Body: body})
	if err != nil {
		return Entry{}, err
	}
	return e.carried(id, body), nil
}

// stored is an entry that was sealed.
func stored(e *entry) (Entry, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return Entry{}, fmt.Errorf("encode entry %d: %w", e.Slot, err)
	}
	return e.carried(slotID(e.Generation, e.Slot), body), nil
}

// Raw reads the documents of a tenant as they are stored, tombstones and journal
// included, whatever role they have. It is for copying and comparing; nobody else
// should see a tenant this way. Its methods may be called from many goroutines.
type Raw struct {
	docs        docstore.Store
	collections []docstore.Collection
}

// Collections are the names of all collections that a copy has to hold, in the
// order in which they are best copied: blobs before what refers to them, the
// journal last.
func (r *Raw) Collections() []string {
	names := []string{blobsCollection}
	for _, c := range r.collections {
		names = append(names, c.Name)
	}
	return append(names, movesCollection, commandsCollection, journalCollection)
}

// Has says whether a copy holds the collection.
func (r *Raw) Has(collection string) bool {
	for _, c := range r.Collections() {
		if c == collection {
			return true
		}
	}
	return false
}

// IsJournal says whether the collection is the journal, which is copied only up
// to where a copy begins.
func IsJournal(collection string) bool { return collection == journalCollection }

// JournalEnd is the id behind the last entry up to p: the bound To of a journal
// that is copied up to there.
func JournalEnd(p Place) string { return slotID(p.Generation, p.Slot+1) }

// Reading is the tenant's store for reading alone: commands fail with ErrClosed.
// A copy in the making may change under the reader.
func (r *Raw) Reading() *Store {
	s := &Store{docs: r.docs, collections: map[string]bool{movesCollection: true}, closed: true}
	for _, c := range r.collections {
		s.collections[c.Name] = true
	}
	return s
}

// Size is how much a collection holds.
func (r *Raw) Size(ctx context.Context, collection string) (docstore.Size, error) {
	return r.docs.Size(ctx, collection)
}

// Page reads documents in the order of ids: those after the id after ("" begins)
// and before to ("" is open), until limit documents or maxBytes of bodies.
func (r *Raw) Page(ctx context.Context, collection, after, to string, limit, maxBytes int) (docs []docstore.Document, more bool, err error) {
	q := docstore.Query{Limit: limit}
	if after != "" {
		q.From = after + "\x01" // no id lies between: ids hold no NUL
	}
	if to != "" {
		q.To = to
	}
	page, err := r.docs.Find(ctx, collection, q)
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", collection, err)
	}
	docs, more = page.Docs, page.Next != ""
	size := 0
	for i, d := range docs {
		if size += len(d.Body); size > maxBytes && i > 0 {
			return docs[:i], true, nil
		}
	}
	return docs, more, nil
}

// Some reads single documents; those that are missing are left out.
func (r *Raw) Some(ctx context.Context, collection string, ids []string) ([]docstore.Document, error) {
	var docs []docstore.Document
	for _, one := range ids {
		d, err := r.docs.Get(ctx, collection, one)
		if errors.Is(err, docstore.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s %s: %w", collection, one, err)
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// Entries reads the journal behind a place, in order, until limit entries or
// maxBytes of bodies.
func (r *Raw) Entries(ctx context.Context, after Place, limit, maxBytes int) ([]Entry, error) {
	page, err := r.docs.Find(ctx, journalCollection, docstore.Query{From: slotID(after.Generation, after.Slot+1), Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	var entries []Entry
	size := 0
	for _, d := range page.Docs {
		if size += len(d.Body); size > maxBytes && len(entries) > 0 {
			break
		}
		e, err := ReadEntry(d.ID, d.Body)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Changed receives after the journal has grown through this program, at most one
// value waiting. It is a hint, and ends with ctx.
func (r *Raw) Changed(ctx context.Context) <-chan struct{} {
	return r.docs.Watch(ctx, journalCollection)
}

// Row is one document as a comparison sees it.
type Row struct {
	ID     string `json:"id"`
	Rev    int64  `json:"rev"`
	Digest string `json:"digest"` // SHA-256 of the body as stored, in hex
}

// RowOf is d as a comparison sees it.
func RowOf(d docstore.Document) Row { return Row{ID: d.ID, Rev: d.Rev, Digest: digest(d.Body)} }

// Range is a stretch of a collection in the order of ids, as one hash.
type Range struct {
	Count int64  `json:"count"`
	Last  string `json:"last"` // id of the last document, "" when there is none
	Hash  string `json:"hash"` // SHA-256 over id, revision and digest of each
	More  bool   `json:"more"` // there are documents behind Last, before the bound
}

// RangeOf is the hash over some documents in their order.
func RangeOf(docs []docstore.Document, more bool) Range {
	h := sha256.New()
	var line bytes.Buffer
	r := Range{Count: int64(len(docs)), More: more}
	for _, d := range docs {
		sum := sha256.Sum256(d.Body)
		line.Reset()
		// An id holds no NUL, so the line can be read in one way only.
		fmt.Fprintf(&line, "%s\x00%d\x00", d.ID, d.Rev)
		line.Write(sum[:])
		h.Write(line.Bytes())
		r.Last = d.ID
	}
	r.Hash = hex.EncodeToString(h.Sum(nil))
	return r
}
