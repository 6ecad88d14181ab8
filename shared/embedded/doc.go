// Package embedded runs the two NATS systems inside the process, or reaches
// them outside of it.
//
// It owns the servers' settings, the operator's keys and claims, and the
// accounts of environments: who may connect, with which permissions, for how
// long. It does not own subjects and permissions as such (contract), nor what is
// said over a connection (bus, tunnel), nor which environments and agents there
// are (fleet).
//
// Core is private: JetStream, every write on disk before it is acknowledged, no
// listener, connections only from inside the process. Edge is public: operator
// mode, no JetStream, one account for the control plane and one for each
// environment. They are never bridged by NATS itself, because agents are not
// trusted with a server that holds the control plane's streams.
//
// Invariants of the edge:
//   - An account's claims are kept on disk before the server hears of them, and
//     the server has accepted them before EnsureAccount returns. Credentials are
//     minted afterwards, so no agent ever meets a server that does not know its
//     account.
//   - Identity keys sign nothing but their own claims: accounts are signed by an
//     operator signing key, users by an account's signing key.
//   - The control plane's connections live in its own account, never in an
//     environment's: suspending an environment closes every connection in it.
//   - The control plane's claims never grow with the number of environments;
//     the imports are in the environments' claims.
package embedded
