// Package tenantstore keeps one tenant's documents, and the journal from which
// they follow.
//
// It owns every write of a tenant. A write exists if and only if its journal
// entry exists: dense slots, insert-only, hash-chained, holding the after-images,
// the ids of the commands (for deduplication) and their results. Documents carry
// the slot that last wrote them as their revision, so applying an entry is
// idempotent. Start-up is replay.
//
// It does not know what the documents mean, and it knows no other tenant: a
// Store is built for one, and no method takes a tenant.
//
// The shape that the rest of the agent relies on:
//
//	type Shelf                                   // all tenants of this agent; an LRU of open stores
//	func NewShelf(f Factory, limit int) *Shelf
//	func (*Shelf) Create(ctx, id.Tenant) error    // idempotent; only provisioning calls it
//	func (*Shelf) Open(ctx, id.Tenant) (*Store, func(), error)  // fault.NotFound for an unknown tenant; release with the func
//	func (*Shelf) Remove(ctx, id.Tenant) error    // idempotent
//	func (*Shelf) Tenants(ctx) ([]id.Tenant, error)
//	func (*Shelf) Close() error
//
//	type Command struct{ ID, Kind, Actor string } // ID "" means: never repeated
//	func (*Store) Do(ctx, Command, func(*Tx) error) (Receipt, error)
//	type Receipt struct{ Slot int64; Replayed bool; Result json.RawMessage }
//	func (*Tx) Get(coll, id string, into any) error   // sees earlier writes of the same batch
//	func (*Tx) Put(coll, id string, v any) error
//	func (*Tx) Delete(coll, id string) error
//	func (*Tx) Return(v any) error                    // the result a repeated command gets again
//	func (*Tx) Slot() int64
//
//	func (*Store) Get(ctx, coll, id string, into any) error
//	func (*Store) Find(ctx, coll string, q docstore.Query) (docstore.Page, error)
//	func (*Store) Watch(ctx, coll string) <-chan struct{}
//	func (*Store) PutBlob(ctx, []byte) (Blob, error)  // content-addressed, before the entry that refers to it
//	func (*Store) GetBlob(ctx, Blob) ([]byte, error)
//	func (*Store) Verify(ctx) (Report, error)         // chain and documents against the journal
//
// Collections and their indexes are declared once, by the packages that use
// them, and given to the Factory.
package tenantstore
