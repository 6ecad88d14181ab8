// Package session is an agent's life with the control plane: it enrols, connects,
// tells that it lives, learns what is wanted, and takes the requests of tenants.
//
// It owns the agent's identity (key, id, token), the connection to the edge, and
// how far the desired state is carried out. It does not own what carrying out
// means (Handler), what requests are answered (the API it is given), or frames
// (tunnel).
//
// Invariants:
//   - The key is made here and its seed never leaves the directory, where only the
//     owner can read it. A join token is in no argument, address, log or file of
//     ours.
//   - The agent is level-triggered: messages are nudges; what counts is the
//     revision that it has carried out, which it remembers durably only after the
//     control plane has acknowledged the report. So a line may be carried out
//     twice, and is never skipped.
//   - It dials out only, and comes back by itself from everything but a
//     revocation: lost connections, a restarted or moved edge, an expired token.
package session
