// Package signup turns a visitor into a person with a tenant and a session.
//
// It owns the time between "I want an account" and "here you are": the pending
// sign-up, its link, and the steps that follow the click. It does not own people
// (identity), tenants (tenancy) nor mails (notify); it asks them, in that order.
//
// Words: a sign-up is one attempt; its link holds a token of 256 bits, works once
// and for 24 hours.
//
// Invariants:
//   - the answer, and the work done for it, are the same for known and unknown
//     addresses; only the mail differs
//   - the identifiers of the person and the tenant are in the sign-up before the
//     first step, so a step that is taken again changes nothing: however often the
//     process dies, one sign-up ends in one person and one tenant
//   - of several sign-ups for one address, the first that is confirmed wins
package signup
