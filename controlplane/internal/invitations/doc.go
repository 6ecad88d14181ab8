// Package invitations asks people to join a tenant, and lets them in.
//
// It owns the invitation, its link, and the steps that follow the click. It does not
// own members and seats (tenancy), people (identity) nor mails (notify); it asks them.
//
// Words: an invitation is the wish of a member, the inviter, that whoever reads the
// mails of one address joins the inviter's tenant with one role. Its link holds a token
// of 256 bits, works once and for seven days.
//
// Invariants:
//   - a tenant has one invitation for an address: its document is named after both
//   - only who is signed in with the invited address accepts, or, where that address
//     has no account, who opens the link and chooses a password: the link came by mail,
//     so the address is confirmed
//   - inviting, and the answer to it, are the same for addresses with and without an
//     account
//   - an invitation is worth what its inviter may give away when it is used: it ends
//     with the right of who wrote it
//   - the seat is taken before the account is made, and everything that is made is named
//     in the invitation before the first step, so a step that is taken again changes
//     nothing
//
// Announces EventInvited, EventSentAgain and EventRevoked; joining is tenancy's to tell.
package invitations
