package tenantstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
)

const (
	// commandOps and commandBytes bound one command; what is larger belongs into
	// blobs, which are stored before the command that refers to them.
	commandOps   = 5000
	commandBytes = 5 << 20
	// opBytes is about what an entry holds of a write beside id and body.
	opBytes = 256
	// entryLevels is how deep an entry nests the bodies and results it holds.
	entryLevels = 3
)

// Tx is what a command sees and does: the documents as of the entry before, with
// the writes of earlier commands of the same entry and its own.
//
// It is valid during the call it was given to, on that goroutine. Once one of its
// methods fails for a reason of the store, the command fails whatever it returns.
type Tx struct {
	ctx    context.Context //nolint:containedctx // lives exactly as long as one call
	store  *Store
	batch  *batch
	writes map[key]json.RawMessage
	result json.RawMessage
	bytes  int
	broken error
}

// key names a document of the tenant.
type key struct{ collection, id string }

// image is a document as a batch sees it.
type image struct {
	body json.RawMessage // nil: there is none
	rev  int64           // slot that wrote it before this batch; 0: none
}

// Slot is the slot the command takes effect at, if it does.
func (tx *Tx) Slot() int64 { return tx.batch.slot }

// Get reads a document into the value that into points at. It fails with
// docstore.ErrNotFound when there is none.
func (tx *Tx) Get(collection, id string, into any) error {
	body, err := tx.body(key{collection, id})
	if err != nil {
		return err
	}
	if body == nil || isTombstone(body) {
		return docstore.ErrNotFound
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("decode %s %s: %w", collection, id, err)
	}
	return nil
}

// Put stores v, which must be an object in JSON, under id, new or not.
func (tx *Tx) Put(collection, id string, v any) error {
	body, err := canonical(v)
	if err != nil {
		return err
	}
	if err := docstore.CheckNested(body, entryLevels); err != nil {
		return err
	}
	if isTombstone(body) {
		return docstore.ErrInvalid.Saying("The document has the reserved form of a deleted one.")
	}
	return tx.write(key{collection, id}, body)
}

// Delete removes a document; it does nothing when there is none.
func (tx *Tx) Delete(collection, id string) error {
	k := key{collection, id}
	body, err := tx.body(k)
	if err != nil || body == nil || isTombstone(body) {
		return err
	}
	return tx.write(k, tombstone)
}

// Return sets the result, which a repetition of the command gets again.
func (tx *Tx) Return(v any) error {
	result, err := canonical(v)
	if err != nil {
		return err
	}
	wrapped := append(append([]byte(`{"res":`), result...), '}')
	if err := docstore.CheckNested(wrapped, entryLevels-1); err != nil {
		return err
	}
	if len(result) > commandBytes {
		return ErrTooLarge.Saying("The result has %d bytes; at most %d are allowed.", len(result), commandBytes)
	}
	tx.bytes += len(result) - len(tx.result)
	tx.result = result
	return tx.fits()
}

func (tx *Tx) write(k key, body json.RawMessage) error {
	// The previous slot belongs into the entry, so the document is read in any case.
	before, err := tx.body(k)
	if err != nil {
		return err
	}
	if _, again := tx.writes[k]; again {
		tx.bytes -= len(before)
	} else {
		tx.bytes += len(k.collection) + len(k.id) + opBytes
	}
	tx.bytes += len(body)
	tx.writes[k] = body
	return tx.fits()
}

func (tx *Tx) fits() error {
	if tx.bytes > commandBytes || len(tx.writes) > commandOps {
		tx.broken = ErrTooLarge.Saying("The command writes %d documents with %d bytes; at most %d and %d are allowed.", len(tx.writes), tx.bytes, commandOps, commandBytes)
	}
	return tx.broken
}

// body is the document's body as the command sees it, nil when there is none.
func (tx *Tx) body(k key) (json.RawMessage, error) {
	if tx.broken != nil {
		return nil, tx.broken
	}
	if body, ok := tx.writes[k]; ok {
		return body, nil
	}
	if err := tx.store.declared(k.collection); err != nil {
		return nil, err
	}
	if err := docstore.CheckID(k.id); err != nil {
		return nil, err
	}
	im, err := tx.batch.read(tx.ctx, tx.store.docs, k)
	if err != nil {
		tx.broken = err
	}
	return im.body, err
}

// read is the document as the batch sees it so far.
func (b *batch) read(ctx context.Context, docs docstore.Store, k key) (image, error) {
	if im, ok := b.images[k]; ok {
		return im, nil
	}
	var im image
	d, err := docs.Get(ctx, k.collection, k.id)
	switch {
	case errors.Is(err, docstore.ErrNotFound):
	case err != nil:
		return im, fmt.Errorf("read %s %s: %w", k.collection, k.id, err)
	default:
		im = image{body: d.Body, rev: d.Rev}
	}
	b.images[k] = im
	return im, nil
}
