// Package billing sells plans and knows what a tenant may use.
//
// It owns the price list, one account per tenant with the last snapshot of its
// subscription, checkout, changes of plan, and the inbox of the payment provider's notices. It
// does not own the provider (billingstripe speaks to it, billingsandbox plays
// it), what a plan's limits mean elsewhere, nor where a tenant runs.
//
// Words: a plan is what is bought, a plan at an interval has one price. An account
// is a tenant's side of the bill. A snapshot is what the provider said about the
// customer's subscription at one moment. Access is what follows from it. A quote is
// what a change of plan costs in one second; a change is one switch to another plan,
// named by its once, and a receipt is what it took. A notice is a signed message of
// the provider; it only says "look again".
//
// Invariants:
//   - nothing is believed but what was fetched: notices, the return from checkout
//     and the reconciler all run the same SyncCustomer
//   - a snapshot is never replaced by one whose fetch began earlier
//   - a notice is answered only after it is durable, and taken in once
//   - a tenant has one customer, at most one open checkout, and buys nothing while
//     it has a live subscription
//   - access is a pure function of the snapshot and the time; becoming active and
//     announcing it are one write
//   - a change is noted before the provider is asked, and under one once money moves
//     at most once each way: Switch takes exactly what the quote says or nothing,
//     Undo gives exactly that back
//   - one change of a tenant is under way at a time, and a change keeps the interval:
//     another one begins a new period, after which Undo could not put things back
//   - an unknown price changes nothing: access stays, and the log says so
//
// Announces EventActivated and EventPlanChanged.
package billing
