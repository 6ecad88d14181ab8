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
// Store is built for one, and no method takes a tenant. A Shelf holds the stores
// of all tenants of this agent; a Factory knows where their data lies.
//
// Words: a command is one caller's change, carried out by a function over a Tx;
// an entry is the commands that were committed together, at a slot; applying is
// bringing the documents to what an entry says; the checkpoint is the slot up to
// which that has been done.
//
// Invariants:
//
//   - Slot s+1 is tried only after slot s was read and applied, so an entry always
//     builds on all before it. Two agents that serve one tenant compete for slots;
//     the loser replays the winner's entry and runs its commands again.
//   - A command id takes effect once. A repetition, at any time and on any agent,
//     returns the first result.
//   - Deleting leaves a tombstone with the slot, so that a late write of an older
//     slot cannot bring the document back.
//   - Collections of a tenant have no unique index: an entry must always be
//     applicable. Claim a document id instead.
//   - A missing slot or a chain that does not hold stops the store.
package tenantstore
