// Package parcel carries documents between stores as one body of bytes: a head in
// JSON, the documents as they are stored, and a hash over all of it.
//
// It owns the form of the bytes. It does not own what the documents mean, nor how
// the bytes travel.
//
//	head      length (uvarint), a message of package contract
//	document  length of the id (uvarint, at least 1), id, revision (uvarint),
//	          length of the body (uvarint), body
//	...
//	end       0 (uvarint), 32 bytes: SHA-256 over everything before them
//
// A reader sees a document only after the whole parcel was read and its hash was
// right, so half a parcel is none.
package parcel

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

// MaxBytes bounds a parcel: the largest head, and a good many documents.
const MaxBytes = 104 << 20

// maxHead bounds the bytes of a head.
const maxHead = contract.MaxCarried

// ErrDamaged refuses bytes that are no whole parcel.
var ErrDamaged = fault.New(fault.Invalid, "parcel.damaged", "The documents did not arrive whole.")

// Type is the media type of a parcel.
const Type = "application/vnd.dyocense.parcel"

// Pack writes head and documents. It fails like contract.Encode, and with
// contract.ErrTooLarge above MaxBytes.
func Pack(head contract.Message, docs []docstore.Document) ([]byte, error) {
	first, err := contract.Encode(head)
	if err != nil {
		return nil, err
	}
	size := len(first) + 64
	for _, d := range docs {
		size += len(d.ID) + len(d.Body) + 24
	}
	if size > MaxBytes {
		return nil, contract.ErrTooLarge.Saying("The documents have %d bytes; at most %d go into one parcel.", size, MaxBytes)
	}
	b := make([]byte, 0, size)
	b = binary.AppendUvarint(b, uint64(len(first)))
	b = append(b, first...)
	for _, d := range docs {
		if d.ID == "" || d.Rev < 0 {
			return nil, fmt.Errorf("pack document %q at revision %d: %w", d.ID, d.Rev, docstore.ErrInvalid)
		}
		b = binary.AppendUvarint(b, uint64(len(d.ID)))
		b = append(b, d.ID...)
		b = binary.AppendUvarint(b, uint64(d.Rev))
		b = binary.AppendUvarint(b, uint64(len(d.Body)))
		b = append(b, d.Body...)
	}
	b = append(b, 0)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), nil
}

// Unpack reads what Pack wrote; the documents' bodies are parts of b. It fails
// with ErrDamaged, and like contract.Decode.
func Unpack[H contract.Message](b []byte) (H, []docstore.Document, error) {
	var none H
	damaged := func(why string) (H, []docstore.Document, error) {
		return none, nil, ErrDamaged.Because(errors.New(why))
	}
	if len(b) > MaxBytes+sha256.Size || len(b) < sha256.Size+2 {
		return damaged(fmt.Sprintf("%d bytes", len(b)))
	}
	content, end := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if sum := sha256.Sum256(content); !bytes.Equal(sum[:], end) {
		return damaged("the hash differs")
	}
	r := reader{rest: content}
	first := r.bytes(maxHead)
	if r.broken {
		return damaged("no head")
	}
	head, err := contract.Decode[H](first)
	if err != nil {
		return none, nil, err
	}
	var docs []docstore.Document
	for {
		id := r.bytes(docstore.MaxID)
		if r.broken {
			return damaged("cut off in an id")
		}
		if len(id) == 0 {
			break
		}
		rev := r.number()
		body := r.bytes(docstore.MaxBody)
		if r.broken || rev > 1<<62 {
			return damaged("cut off in a document")
		}
		docs = append(docs, docstore.Document{ID: string(id), Rev: int64(rev), Body: body})
	}
	if len(r.rest) > 0 {
		return damaged("something follows the end")
	}
	return head, docs, nil
}

// Read reads one parcel from r to its end.
func Read[H contract.Message](r io.Reader) (H, []docstore.Document, error) {
	var none H
	b, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return none, nil, fmt.Errorf("read parcel: %w", err)
	}
	return Unpack[H](b)
}

// reader takes numbers and bytes off the front of what is left.
type reader struct {
	rest   []byte
	broken bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.broken = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) bytes(limit uint64) []byte {
	n := r.number()
	if r.broken || n > limit || n > uint64(len(r.rest)) {
		r.broken = true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}
