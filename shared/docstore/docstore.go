// Package docstore is the port to a document store: JSON documents with a
// revision, reached by id or over a declared index.
//
// It owns the promises that every store keeps (storetest checks them) and
// nothing else: no query language, no aggregation, no schema of a slice. What is
// here is what SQLite and MongoDB both do atomically and equally well.
//
// Words: a document has an ID, unique in its collection; a Rev, a number that
// changes with each write; and a Body, one JSON object. A collection declares
// its indexes; a query names one.
//
// The two primitives on which every decision in this product rests are Insert
// (exactly one caller wins an id) and Replace (exactly one caller wins a
// revision). Both are durable before they return: synchronous FULL on SQLite,
// w:majority with j:true on MongoDB.
//
// All methods may be called from many goroutines.
package docstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dyocense/dyocense/shared/fault"
)

// The faults of every store.
var (
	ErrExists   = fault.New(fault.Conflict, "docstore.exists", "This already exists.")
	ErrNotFound = fault.New(fault.NotFound, "docstore.not_found", "There is no such thing.")
	ErrStale    = fault.New(fault.Conflict, "docstore.stale", "Someone changed this in the meantime; read it again.")
	ErrClosed   = fault.New(fault.Unavailable, "docstore.closed", "The store is closed.")
	// ErrUnavailable wraps the driver's reason, the caller's ended context
	// included: errors.Is finds context.Canceled in it.
	ErrUnavailable = fault.New(fault.Unavailable, "docstore.unavailable", "The store does not answer; try again shortly.")
	// ErrInvalid refuses a document, an id or a query that no store keeps.
	ErrInvalid = fault.New(fault.Invalid, "docstore.invalid", "This cannot be stored.")
	// ErrUndeclared names a collection or an index that Ensure was not told of.
	ErrUndeclared = fault.New(fault.Internal, "docstore.undeclared", "This collection or index was not declared.")
	// ErrDeclaration refuses a collection that contradicts what the store holds.
	ErrDeclaration = fault.New(fault.Internal, "docstore.declaration", "This declaration is malformed or differs from the stored one.")
)

// The limits of every store.
const (
	MaxID    = 512      // bytes of an ID
	MaxBody  = 8 << 20  // bytes of a Body
	MaxDepth = 90       // levels of nesting in a Body
	MaxBatch = 10_000   // steps of a Batch
	MaxBytes = 64 << 20 // bytes of all bodies of a Batch
	MaxLimit = 10_000   // documents of a Page
	MaxPage  = 32 << 20 // bytes of bodies after which a Page ends early, with Next
	// DefaultLimit is what Query.Limit 0 means.
	DefaultLimit = 100
)

// Document is one stored JSON object.
type Document struct {
	ID   string          // 1 to 512 bytes of UTF-8, no NUL
	Rev  int64           // 1 after Insert, one more after each Replace; free to choose with OpPut
	Body json.RawMessage // one JSON object, at most 8 MiB; see CheckBody
}

// Index declares an order in which documents of a collection can be found: by
// the fields, then by id. Integers come before strings, strings before booleans;
// strings compare by their bytes. A field that is null, or is not a string, an
// integer or a boolean, counts as lacking.
type Index struct {
	Name   string   // unique in the collection, [a-z_]+
	Fields []string // dotted paths into the body; values are strings, integers or booleans
	Unique bool     // no two documents share the values; documents lacking a field are exempt
}

// Collection declares a collection. Declarations only ever grow.
type Collection struct {
	Name    string // [a-z][a-z_]*
	Indexes []Index
}

// Query asks for documents in the order of one index. The zero Query walks the
// whole collection by id.
//
// Documents that lack a field of the index are not found over it.
type Query struct {
	Index string // "" orders by ID
	Equal []any  // values of the first fields: string, int, int64 or bool
	From  any    // inclusive lower bound of the next field (of the ID with Index ""); nil is none
	To    any    // exclusive upper bound of the same field, of the same type; nil is none
	Desc  bool
	Limit int    // at most this many; 0 means 100; at most 10,000; a page also ends at MaxPage bytes
	After string // Page.Next of an earlier call with the same query
}

// Page is a part of an answer.
type Page struct {
	Docs []Document
	Next string // "" when there is no more
}

// Size is how much a collection holds.
type Size struct {
	Documents int64
	Bytes     int64 // of all bodies, as the store keeps them
}

// OpKind is what an Op does.
type OpKind int

// The kinds of Op.
const (
	// OpInsert adds a document (Rev is stored as given, at least 1) and fails
	// with ErrExists.
	OpInsert OpKind = iota + 1
	// OpPut stores the document unless the stored one has the same or a higher
	// Rev; then it does nothing, without failing. This makes applying a journal
	// idempotent, and puts indifferent to their order.
	OpPut
	// OpRemove deletes the document unless the stored one has a higher Rev; then
	// it does nothing, without failing. A missing document is no failure. It
	// leaves no trace, so an older OpPut that arrives after it brings the document
	// back: whoever cannot apply in order puts a tombstone instead.
	OpRemove
)

// Op is one step of a Batch.
type Op struct {
	Kind       OpKind
	Collection string
	Doc        Document // Body is not used by OpRemove
}

// BatchError says which step of a Batch failed first. Every step before it is
// durable, that step and all after it had no effect.
type BatchError struct {
	Step int // index into the ops
	Err  error
}

// Error implements error.
func (e *BatchError) Error() string { return fmt.Sprintf("step %d of batch: %v", e.Step, e.Err) }

// Unwrap gives the reason.
func (e *BatchError) Unwrap() error { return e.Err }

// Store is a document store.
//
// Every method fails with fault.Unavailable when the store cannot be reached; an
// operation that failed so may or may not have happened, and the caller finds
// out by reading.
type Store interface {
	// Ensure makes the collections and their indexes exist. It is idempotent and
	// runs before any other method touches them.
	Ensure(ctx context.Context, collections ...Collection) error
	// Insert adds a document with Rev 1. It fails with ErrExists when the id, or
	// the values of a unique index, are taken.
	Insert(ctx context.Context, collection string, d Document) error
	// Get reads one document or fails with ErrNotFound.
	Get(ctx context.Context, collection, id string) (Document, error)
	// Replace stores d.Body if the stored revision is d.Rev, and returns the new
	// revision. It fails with ErrStale when the revision differs, ErrNotFound
	// when there is no document, ErrExists on a unique index.
	Replace(ctx context.Context, collection string, d Document) (int64, error)
	// Delete removes the document if its revision is rev. It fails like Replace.
	Delete(ctx context.Context, collection, id string, rev int64) error
	// Find answers q. On SQLite a page is read at one moment; on MongoDB a page
	// with After may take one query per indexed field. Two pages are read at two
	// moments: a document written between them may be missed or met twice.
	Find(ctx context.Context, collection string, q Query) (Page, error)
	// Size is how much the collection holds at one moment. It takes time in
	// proportion to the documents: it is for showing progress, not for deciding.
	Size(ctx context.Context, collection string) (Size, error)
	// Batch takes the steps in order and stops at the first that fails, with a
	// *BatchError; what came before stays. On SQLite the whole batch is one
	// transaction and one fsync, on MongoDB an ordered bulk write per run of
	// steps in one collection. When the store could not be reached the error is
	// ErrUnavailable and no *BatchError: any prefix may have happened.
	Batch(ctx context.Context, ops ...Op) error
	// Watch returns a channel that receives after writes to the collection made
	// through this store value, at most one value waiting. It is a hint: it may
	// miss writes of other processes and may wake for nothing. It ends with ctx.
	Watch(ctx context.Context, collection string) <-chan struct{}
	// Ping fails when the store cannot serve.
	Ping(ctx context.Context) error
	// Close waits for running calls and releases everything.
	Close() error
}
