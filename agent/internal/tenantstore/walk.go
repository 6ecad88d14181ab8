package tenantstore

import "github.com/dyocense/dyocense/shared/docstore"

// Walk follows a journal entry by entry, wherever the entries come from, and
// refuses what recovery would refuse. The zero value does not walk; use NewWalk.
type Walk struct {
	// At is the place behind the entry that was taken last.
	At Place
}

// NewWalk stands before the first entry.
func NewWalk() *Walk { return &Walk{At: Start()} }

// Step is an entry with what it does to the tenant's documents.
type Step struct {
	Entry
	Generation int64 // of the entry itself
	Writes     []Write
}

// Write is what an entry does to one document.
type Write struct {
	Collection string
	ID         string
	Size       int // bytes of the body; 0 when Deleted
	Deleted    bool
}

// Next takes the next entry as it is stored under its id. It fails with
// ErrDamaged, or ErrNewer, and stays where it is then.
func (w *Walk) Next(id string, body []byte) (Step, error) {
	e, err := w.next(id, body)
	if err != nil {
		return Step{}, err
	}
	s := Step{Entry: e.carried(id, body), Generation: e.Generation}
	for _, o := range e.Ops {
		s.Writes = append(s.Writes, Write{Collection: o.Collection, ID: o.ID, Size: len(o.Body), Deleted: o.Type == opDelete})
	}
	return s, nil
}

func (w *Walk) next(id string, body []byte) (entry, error) {
	e, err := openEntry(docstore.Document{ID: id, Body: body})
	if err == nil {
		err = e.follows(w.At)
	}
	if err == nil {
		w.At = e.place()
	}
	return e, err
}

// carried is e for whoever carries it.
func (e *entry) carried(id string, body []byte) Entry {
	return Entry{At: e.place(), ID: id, Body: body, Time: e.Time, Blobs: e.Blobs, HandOver: e.HandOver}
}

// SlotID is the id under which an entry is stored.
func SlotID(generation, slot int64) string { return slotID(generation, slot) }
