package tenantstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
)

const (
	// MaxBlob bounds one blob, in bytes.
	MaxBlob = 64 << 20

	chunkBytes = 1 << 20 // of content in one document
	chunkGroup = 8       // chunks of one write
)

// Blob refers to content that is too large for a document. It names the content
// itself, so it can be kept in documents, copied and compared.
type Blob struct {
	Hash string `json:"hash"` // SHA-256 of the content in hex
	Size int64  `json:"size"` // bytes
}

// chunk is a piece of a blob as it is stored.
type chunk struct {
	Data []byte `json:"d"`
}

func chunkID(hash string, n int) string { return fmt.Sprintf("%s/%04d", hash, n) }

func (b Blob) chunks() int { return int((b.Size + chunkBytes - 1) / chunkBytes) }

func (b Blob) check() error {
	if raw, err := hex.DecodeString(b.Hash); err != nil || len(raw) != sha256.Size || b.Size < 0 || b.Size > MaxBlob {
		return docstore.ErrInvalid.Saying("This does not refer to a stored file.")
	}
	return nil
}

// PutBlob stores content and returns its reference. It is durable when PutBlob
// returns, and belongs to nothing yet: put the reference into a document next.
// Storing the same content again costs no space. It fails with ErrTooLarge above
// MaxBlob, and with a MovedError like Do.
func (s *Store) PutBlob(ctx context.Context, content []byte) (Blob, error) {
	if err := s.refusal(); err != nil {
		return Blob{}, err
	}
	return putBlob(ctx, s.docs, content)
}

func putBlob(ctx context.Context, docs docstore.Store, content []byte) (Blob, error) {
	if len(content) > MaxBlob {
		return Blob{}, ErrTooLarge.Saying("The file has %d bytes; at most %d are allowed.", len(content), MaxBlob)
	}
	sum := sha256.Sum256(content)
	b := Blob{Hash: hex.EncodeToString(sum[:]), Size: int64(len(content))}
	var group []docstore.Op
	for n := range b.chunks() {
		body, err := json.Marshal(chunk{Data: content[n*chunkBytes : min((n+1)*chunkBytes, len(content))]})
		if err != nil {
			return Blob{}, fmt.Errorf("encode chunk: %w", err)
		}
		group = append(group, docstore.Op{Kind: docstore.OpPut, Collection: blobsCollection, Doc: docstore.Document{ID: chunkID(b.Hash, n), Rev: 1, Body: body}})
		if len(group) == chunkGroup || n == b.chunks()-1 {
			if err := docs.Batch(ctx, group...); err != nil {
				return Blob{}, fmt.Errorf("store blob: %w", err)
			}
			group = group[:0]
		}
	}
	return b, nil
}

// GetBlob reads content back and checks it against its hash. It fails with
// docstore.ErrNotFound when a part is missing and ErrBlob when it is damaged.
func (s *Store) GetBlob(ctx context.Context, b Blob) ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	content := make([]byte, 0, b.Size)
	for n := range b.chunks() {
		d, err := s.docs.Get(ctx, blobsCollection, chunkID(b.Hash, n))
		if err != nil {
			return nil, fmt.Errorf("read blob %s: %w", b.Hash, err)
		}
		var c chunk
		if err := json.Unmarshal(d.Body, &c); err != nil {
			return nil, ErrBlob.Because(fmt.Errorf("chunk %s: %w", d.ID, err))
		}
		content = append(content, c.Data...)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != b.Hash {
		return nil, ErrBlob.Because(errors.New("content of " + b.Hash + " has another hash"))
	}
	return content, nil
}
