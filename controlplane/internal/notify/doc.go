// Package notify writes to people by e-mail.
//
// It owns mails: their words, the queue they wait in, their delivery over SMTP,
// and the built-in outbox that shows them when no mail server is configured. It
// does not own the reasons to write; the slices do.
//
// Words: a letter is what a slice wants said; a mail is a letter in words, on its
// way. A key names the reason for a letter.
//
// Invariants:
//   - one key, one mail: posting a letter again does nothing
//   - a mail that was posted is delivered, or dead with a reason that can be read;
//     it is never lost. A crash between the mail server's "accepted" and our note
//     of it delivers it again with the same Message-ID
//   - a delivered mail keeps no body, since it may hold a secret link; mails of
//     the built-in outbox keep theirs to be shown
//   - no mail holds a picture, a counter or a link to anywhere but the product
package notify
