// Package closing ends a tenant: it closes it, opens it again, hands out what is kept of
// it, and deletes it with proof.
//
// It owns the order of the steps, the deletion with its facts, the proof and its
// signature. It does not own the status of a tenant (tenancy), nor what the other slices
// and the agents keep: each of them is a keeper that tells, counts and forgets.
//
// Words: grace is the time after closing in which an owner can open the company again. A
// keeper is whoever keeps something about tenants. A proof is a signed statement that
// nothing of a tenant is left, with what there was before.
//
// Invariants:
//   - nothing is deleted before the grace is over, and opening again and deleting exclude
//     each other by one write
//   - a company closes only after its subscription has ended and while no move of it is
//     under way
//   - what there is is counted and noted before it is deleted; every step may be taken
//     again, by any replica, and looks at what is left
//   - a proof is written only after every keeper says that it keeps nothing, and then
//     never changes; it names no person
package closing
