// Package fleet knows the environments that tenants live in and the agents that
// serve them.
//
// It owns environments, agents and their keys, join tokens, the enrolment, the
// desired state of every environment, and who is alive. It does not own which
// tenant goes where (provisioning), what an agent does, the edge's accounts
// (embedded), or the words spoken (contract).
//
// Words: an environment is a place for tenants, with an account of its own on the
// edge. An agent is a process that has enrolled into one environment with a key
// that it made itself. The desired state of an environment is a list of wanted
// tenants; a later line about a tenant replaces an earlier one.
//
// Invariants:
//   - Who speaks is what the server stamped into the subject, checked against the
//     registry at every request; no payload names an agent or an environment.
//   - The desired state is append-only and dense: the revision of a line is its
//     slot, slots have no gaps, and a line never changes. An agent that has
//     carried out revision n has carried out every line up to n.
//   - A join token enrols one key, once, within its time, into one environment.
//     The store holds only its hash.
//   - An agent that proves its key keeps its id, with or without a token. A
//     revoked one never comes back.
//   - A report is acknowledged only after every hook has kept it.
package fleet
