// Package runs keeps what a customer wants decided, and gets it decided.
//
// It owns goals, runs and their lifecycle, the queue with its fairness and
// limits, live progress, cancelling, starting again what a crash interrupted, and
// what becomes of a run in work whose tenant is handed over to another
// environment. It does not own the decision (kernel/replenish), the data
// (tables), how documents are kept and handed over (tenantstore), or who takes
// news from one environment to the other.
//
// Words. A SavedGoal is what a customer wants; a Run is one attempt to decide it on
// the tables as they were when it was asked for. A run that was interrupted is
// attempted again, at most three times in all. An attempt is carried while it goes
// on at the former owner of its tenant; at the new owner its run is expected.
//
// Invariants. A run's final state and the reference to its result are one
// command. Of each tenant at most one run is being worked on, and tenants take
// turns. Progress lives in memory; the store learns of a run's state and stage
// only. A run ends in an honest state: done with what the engine could prove,
// failed with the reason, or cancelled. A run that is carried is begun again only
// when nothing is heard of it for too long; an attempt that another took the place
// of changes nothing any more, whenever its end arrives.
package runs
