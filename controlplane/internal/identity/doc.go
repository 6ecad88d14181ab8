// Package identity knows who people are and whether a browser is signed in.
//
// It owns people (a confirmed address and a password), sessions, the cookie that
// carries a session, the password rules, and the limits on guessing. It does not
// own how somebody becomes a person (signup), what a person may do in a tenant
// (tenancy), nor mail (notify).
//
// Words: an address is a normalised e-mail address. A person has one address. A
// token is 256 random bits that only the browser keeps; the store has its hash.
// An origin is where a request came from. Who is the answer to "who asks?" that
// travels in a request's context.
//
// Invariants:
//   - one address, one person: a person's document is named after the address
//   - no token and no password is stored in a form that can be used
//   - a password is hashed for known and for unknown addresses alike, so neither
//     the answer nor its time tells which addresses are known
//   - a session ends seven days after it was last seen and thirty days after it
//     began, whichever is first; signing in always makes a new one
package identity
