// Package bundle puts a tenant into one file, and makes a tenant of such a file
// again.
//
// It owns the form of the file (docs/guides/bundle.md tells it byte by byte), its
// signature, backup and export, restore and import, and the check of a bundle. It
// does not own the journal's rules (tenantstore), nor whose tenants an agent
// serves.
//
// Words: a bundle is the file. One of kind backup holds the journal, entry by
// entry as it is stored, and what its entries refer to; one of kind export holds
// the present documents, for people and other programs. The manifest says what is
// inside, with a hash of every part; the seal at the end of the file holds the
// hash of all bytes before it.
//
// Invariants:
//
//   - Nothing of a bundle is used before all of it was read and found right: seal,
//     manifest, signature, parts, chain.
//   - A tenant is restored or imported whole or not at all.
//   - A restored tenant never competes with a live owner by itself: where the
//     bundle names another environment as owner, somebody has to say that this one
//     takes over, and the journal says so then.
//   - Writing and reading take memory for the ids of documents and one part, never
//     for the tenant.
package bundle
