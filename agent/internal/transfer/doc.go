// Package transfer lets the control plane move a tenant from this agent to
// another, or from another to this one.
//
// It owns the addresses under contract.TransferPrefix: reading and taking in
// documents and journal entries, comparing, the write pause, and the hand-over. It
// does not own what makes a hand-over safe (tenantstore), in which order things
// are done (the control plane's migration), or the decisions that are carried
// across (runs).
//
// Every request names its tenant by its principal, whose role must be the control
// plane's. What changes something names the move and the claim of the worker that
// asks, and may be asked any number of times.
package transfer
