// Package cutovermodel is the protocol by which one store of a tenant hands over
// to another, small enough to be tried in every order of events.
//
// It owns the model: the states, the steps that may follow each other, and what
// must never be seen. The tests walk through every state that can be reached;
// then they take one rule of the protocol away at a time and show the shortest
// way in which that goes wrong. It has no code that a program runs; tenantstore
// and the move are built by the rules that stand here, and tested on their own.
//
// Words: the pool is the store that owns the tenant first, the dedicated store
// the one it moves to. The owner is the store that takes writes; the other one
// is a standby, which follows the journal. Each COMMIT begins a generation, and
// the stores take turns at owning them: an upgrade begins generation 1, its
// rollback generation 2. A writer is an agent's process on its way from client
// to journal. The conductor drives the move. A row's version is the slot that
// wrote it.
//
// The protocol, as rules:
//
//   - Slots are dense and go on across generations. A writer offers its entry to
//     the slot behind the last one it has read; a taken slot is read, never
//     stepped over. So no writer passes a COMMIT without learning of it.
//   - A writer looks for its command in all it has read, of every generation,
//     before it offers it.
//   - The standby follows from what the owner had applied when the copy began,
//     not from where the journal ended.
//   - Copied rows and applied entries are put only over older versions, and a
//     delete leaves a tombstone with its version. So they may come in any order,
//     twice, and late.
//   - COMMIT is offered to exactly the slot behind what the standby has applied,
//     and only once the copy is complete. If anything stands there, the attempt
//     failed and nothing happened.
//   - Opening, claiming and ending a move are entries like any other. COMMIT
//     requires, in the entries before its slot, an open move and its conductor's
//     claim to be the last one. So an end that stands makes every older attempt
//     fail at its slot.
//   - The standby refuses copying and dropping by an older claim than it has
//     heard of.
//   - A command is acknowledged once the owner has applied it. Only the owner
//     answers reads: the old one refuses from COMMIT on, the new one begins with
//     it.
//
// What is left out: the contents of documents beyond who wrote them last, hashes
// and verification, unclear answers of a database (a writer that does not know
// reads the slot), and databases that lose what they confirmed.
package cutovermodel
