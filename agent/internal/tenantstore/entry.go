package tenantstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	entryFormat  = 1
	kindWrite    = "W"      // commands of the tenant
	kindHandOver = "COMMIT" // the last entry of a generation: another environment owns the tenant from here on

	opPut    = "put"
	opDelete = "del"
)

// genesis is the chain before the first entry.
var genesis = hex.EncodeToString(make([]byte, sha256.Size))

// entry is one slot of the journal. Its fields stay in this order: the chain hash
// is taken over the encoded bytes.
type entry struct {
	Format     int       `json:"v"`
	Kind       string    `json:"k"`
	Generation int64     `json:"g"`
	Slot       int64     `json:"s"`
	Time       time.Time `json:"t"` // for people; nothing is ordered by it
	Nonce      string    `json:"nonce"`
	Ops        []op      `json:"ops,omitempty"`
	Commands   []done    `json:"cmd"`
	Blobs      []Blob    `json:"b,omitempty"`    // what the bodies refer to; stored before the entry
	HandOver   *HandOver `json:"hand,omitempty"` // of kindHandOver alone
	Chain      string    `json:"ch,omitempty"`   // SHA-256 over the chain before and this entry without Chain
}

// op is what an entry does to one document; no two are about the same one.
type op struct {
	Collection string          `json:"c"`
	ID         string          `json:"id"`
	Type       string          `json:"t"` // opPut or opDelete
	Body       json.RawMessage `json:"d,omitempty"`
	Digest     string          `json:"h"`            // SHA-256 of the body as stored, a tombstone's too
	Previous   int64           `json:"pv,omitempty"` // slot that wrote the document before; 0: there was none
}

// done is a command that took effect.
type done struct {
	ID     string          `json:"id,omitempty"`
	Kind   string          `json:"kind"`
	Actor  string          `json:"actor,omitempty"`
	Result json.RawMessage `json:"res,omitempty"`
}

// Place is a position in the journal: everything up to Slot, whose chain hash is
// Chain. Generation is that of the next entry; it grows with each hand-over.
type Place struct {
	Generation int64  `json:"g"`
	Slot       int64  `json:"s"`
	Chain      string `json:"ch"`
}

// Start is the place before the first entry.
func Start() Place { return Place{Chain: genesis} }

// HandOver says who owns the tenant after an entry of kindHandOver.
type HandOver struct {
	Move string         `json:"move"` // which move it ends
	From id.Environment `json:"from"`
	To   id.Environment `json:"to"`
}

// tombstone is the body of a deleted document.
var tombstone = json.RawMessage(`{"_deleted":true}`)

func isTombstone(body []byte) bool { return bytes.Equal(body, tombstone) }

// slotID is where the journal keeps a slot. Ids sort like slots.
func slotID(generation, slot int64) string { return fmt.Sprintf("%06d/%012d", generation, slot) }

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// seal sets the chain hash of e behind before and returns the bytes to store.
func (e *entry) seal(before string) (json.RawMessage, error) {
	chain, bare, err := e.link(before)
	if err != nil {
		return nil, err
	}
	e.Chain = chain
	// Chain is the last field: what Marshal would make of e, without making it
	// twice.
	return append(bare[:len(bare)-1], `,"ch":"`+chain+`"}`...), nil
}

// link is the chain hash of e behind before, and the bytes it is taken over.
func (e *entry) link(before string) (chain string, bare []byte, err error) {
	unsealed := *e
	unsealed.Chain = ""
	bare, err = json.Marshal(unsealed)
	if err != nil {
		return "", nil, fmt.Errorf("encode entry %d: %w", e.Slot, err)
	}
	prior, err := hex.DecodeString(before)
	if err != nil {
		return "", nil, fmt.Errorf("chain before entry %d: %w", e.Slot, err)
	}
	h := sha256.New()
	h.Write(prior)
	h.Write(bare)
	return hex.EncodeToString(h.Sum(nil)), bare, nil
}

// openEntry reads a stored entry. It fails with ErrDamaged when the bytes are not
// what this package wrote, and ErrNewer when a later one wrote them.
func openEntry(d docstore.Document) (entry, error) {
	var e entry
	damaged := func(why string, args ...any) (entry, error) {
		return e, ErrDamaged.Because(fmt.Errorf("entry %s: "+why, append([]any{d.ID}, args...)...))
	}
	if err := json.Unmarshal(d.Body, &e); err != nil {
		return damaged("not readable: %w", err)
	}
	if e.Format > entryFormat {
		return e, ErrNewer.Because(fmt.Errorf("entry %s has format %d", d.ID, e.Format))
	}
	if e.Kind != kindWrite && e.Kind != kindHandOver {
		return e, ErrNewer.Because(fmt.Errorf("entry %s has kind %q", d.ID, e.Kind))
	}
	if (e.Kind == kindHandOver) != (e.HandOver != nil) || e.HandOver != nil && len(e.Ops)+len(e.Commands) > 0 {
		return damaged("of kind %s with the content of another", e.Kind)
	}
	if again, err := json.Marshal(e); err != nil || !bytes.Equal(again, d.Body) {
		return damaged("altered")
	}
	if slotID(e.Generation, e.Slot) != d.ID {
		return damaged("claims slot %s", slotID(e.Generation, e.Slot))
	}
	for _, o := range e.Ops {
		if digest(o.image()) != o.Digest {
			return damaged("after-image of %s/%s altered", o.Collection, o.ID)
		}
	}
	return e, nil
}

// follows fails with ErrDamaged unless e is the entry right after p.
func (e *entry) follows(p Place) error {
	if e.Slot != p.Slot+1 {
		return ErrDamaged.Because(fmt.Errorf("slot %d is missing: entry %d follows %d", p.Slot+1, e.Slot, p.Slot))
	}
	if e.Generation != p.Generation {
		return ErrDamaged.Because(fmt.Errorf("entry %d is of generation %d; that of the journal there is %d", e.Slot, e.Generation, p.Generation))
	}
	chain, _, err := e.link(p.Chain)
	if err != nil {
		return ErrDamaged.Because(err)
	}
	if chain != e.Chain {
		return ErrDamaged.Because(fmt.Errorf("entry %d does not chain to entry %d", e.Slot, p.Slot))
	}
	return nil
}

// place is the journal's after e.
func (e *entry) place() Place {
	p := Place{Generation: e.Generation, Slot: e.Slot, Chain: e.Chain}
	if e.Kind == kindHandOver {
		p.Generation++
	}
	return p
}

// image is the body the document has after o.
func (o op) image() json.RawMessage {
	if o.Type == opDelete {
		return tombstone
	}
	return o.Body
}

// applying are the steps that bring the documents to what e says: guarded puts,
// grouped by collection, the checkpoint last.
func (e *entry) applying() ([]docstore.Op, error) {
	var ops []docstore.Op
	put := func(collection, id string, body json.RawMessage) {
		ops = append(ops, docstore.Op{Kind: docstore.OpPut, Collection: collection, Doc: docstore.Document{ID: id, Rev: e.Slot, Body: body}})
	}
	for _, o := range e.Ops { // sorted by collection when the entry was made
		put(o.Collection, o.ID, o.image())
	}
	for _, c := range e.Commands {
		if c.ID == "" {
			continue
		}
		body, err := json.Marshal(remembered{Slot: e.Slot, Kind: c.Kind, Result: c.Result})
		if err != nil {
			return nil, fmt.Errorf("remember command of entry %d: %w", e.Slot, err)
		}
		put(commandsCollection, c.ID, body)
	}
	if e.HandOver != nil {
		body, err := json.Marshal(e.HandOver)
		if err != nil {
			return nil, fmt.Errorf("encode hand-over %d: %w", e.Slot, err)
		}
		put(checkpointCollection, handOverID, body)
	}
	body, err := json.Marshal(e.place())
	if err != nil {
		return nil, fmt.Errorf("encode checkpoint %d: %w", e.Slot, err)
	}
	put(checkpointCollection, checkpointID, body)
	return ops, nil
}

// remembered is what deduplication keeps of a command.
type remembered struct {
	Slot   int64           `json:"s"`
	Kind   string          `json:"kind"`
	Result json.RawMessage `json:"res,omitempty"`
}
