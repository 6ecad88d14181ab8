// Package dedicated makes, keeps and removes environments that serve one tenant.
//
// It owns the dedicated environments, their lifecycle, and what they run on: a
// provisioner makes it, keeps it running and takes it away. It does not own who
// is entitled to one (billing), which tenant lives in it (provisioning), its
// agents and their keys (fleet), or a child process's life (agentprocess).
//
// Words. A dedicated environment is one of fleet's, in platform mode, that was
// made for one tenant. A provisioner makes what it runs on; the first one,
// Processes, runs an agent of its own as a child of the control plane. A home is
// where a provisioner can do that: one data directory on one machine. A slot is
// the room that one environment takes in a home.
//
// Invariants:
//   - One environment for one tenant and key, however often it is asked for. A
//     tenant may have two while it moves from one to the other.
//   - An environment is started, stopped and erased in its home only, so that two
//     replicas never keep two data directories for it.
//   - A home has no more environments than slots: a slot is taken by inserting it.
//   - Each step reads the present state, does what may be done twice, and writes
//     the next state, so a crash at any line is repaired by taking it again.
//   - Erasing comes after the agent has ended and is revoked, and is written down
//     only when nothing is left.
//   - What the agent is set to follows from its being dedicated. It is written at
//     each start; nobody edits it.
package dedicated
