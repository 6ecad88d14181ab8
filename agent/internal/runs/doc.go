// Package runs keeps what a customer wants decided, and gets it decided.
//
// It owns goals, runs and their lifecycle, the queue with its fairness and
// limits, live progress, cancelling, and starting again what a crash
// interrupted. It does not own the decision (kernel/replenish), the data
// (tables) or how documents are kept (tenantstore).
//
// Words. A SavedGoal is what a customer wants; a Run is one attempt to decide it on
// the tables as they were when it was asked for. A run that was interrupted is
// attempted again, at most three times in all.
//
// Invariants. A run's final state and the reference to its result are one
// command. Of each tenant at most one run is being worked on, and tenants take
// turns. Progress lives in memory; the store learns of a run's state and stage
// only. A run ends in an honest state: done with what the engine could prove,
// failed with the reason, or cancelled.
package runs
