// Package audit keeps, for every tenant, the log of who did what and when, in a
// form in which no later change stays unseen.
//
// It owns the entries, their chain, the signed heads, and the check of a log, in
// the store and in an exported file. It does not own what happens: events come from
// the outboxes of all slices, and Record notes what no document tells of.
//
// Words. An entry is one thing that happened, in one slot. The chain: each entry
// holds the hash of the entry before it. A head is a slot with its hash, signed. An
// actor is who did it; "product" when nobody did. A proof says, signed, which log
// was deleted with its tenant.
//
// Invariants:
//   - an entry is inserted once and never changed; slots of a tenant are dense and
//     in the order of arrival, Entry.At says when it happened
//   - one event has one entry, however often and by however many processes it is noted
//   - an event leaves its outbox only after it has an entry, so the log lacks
//     nothing when core is lost
//   - the bytes of a stored entry are the bytes that are hashed and exported
//   - the log has no limit by plan, and goes with its tenant only
package audit
