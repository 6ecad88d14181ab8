// Package migration moves a live tenant from one environment to another: an
// upgrade from the pool to dedicated infrastructure, a downgrade back, or from
// pool to pool.
//
// It owns the pre-flight, the migration log, the worker that drives a move through
// its states, comparing the copy with the owner's documents, and what a person
// sees of all that. It does not own what makes a hand-over safe (the agents'
// tenantstore), environments (dedicated, fleet), routes (provisioning), nor money
// (billing).
//
// Words. A move has a source and a target. The owner accepts the tenant's writes;
// the copy follows it. The switch is the moment in which the owner hands over; the
// pause is how long writes wait for it. Soaking is the time after the switch in
// which the customer can go back. A record is one line of a move's log; a claim is
// the number of the record with which a worker took the move.
//
// Invariants.
//
//   - The log is append-only and dense: record n+1 is an insert that one caller
//     wins. A worker whose insert collides reads the log; when another has claimed
//     the move, it stops. So two replicas never drive one move.
//   - A tenant has one move under way: its id is claimed by an insert.
//   - The only decision is the hand-over in the owner's journal. Whoever drives a
//     move asks the agents who owns the tenant, and goes on from there.
//   - Before the switch a move can be given up without a trace; after it, it goes
//     back by a second switch, until the customer accepts.
//   - Every step may be taken again. A copy is deleted only after the owner's
//     journal says that no hand-over to it can come any more.
//   - Progress and beats are hints. Losing them costs a second look.
package migration
