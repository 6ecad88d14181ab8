// Package tokens lets programs ask in a person's name: command lines with access
// and refresh tokens, scripts with API keys.
//
// It owns the keys that sign access tokens, the refresh tokens and how they follow
// each other, the device flow by which a command line is signed in (RFC 8628), and
// API keys. It does not own browsers' sessions (identity), what a role may do
// (tenancy), nor what a plan has (billing).
//
// Words: an access token is a signed JWT that lives ten minutes. A family is the
// row of refresh tokens of one signed-in program; only its youngest is worth
// anything. A device grant is a program's wish to be signed in, shown to a person
// as a code. An API key has scopes, which are permissions of the table in tenancy.
// A key book holds the API keys of one tenant. A generation is one signing key.
//
// Invariants:
//   - a token is worth nothing without its person's membership: role and
//     membership are read for every request, never believed from the token
//   - no refresh token and no API key is stored in a form that can be used; the
//     private halves of signing keys are sealed
//   - one refresh token has one successor, which follows from it: whoever asks
//     twice within ten seconds gets the same. Asking later ends the family
//   - a family ends seven days after it was last used and thirty days after it
//     began, whichever is first
//   - a signing key is published for a day at least before it signs, which is
//     longer than any cache of the key set and any token live
//   - exactly one replica makes a generation: the insert of its number decides
//   - a tenant has twenty live API keys at most and two of one name; an API key
//     ends with the membership of who made it and never comes back
package tokens
