// Package billing sells plans and knows what a tenant may use.
//
// It owns the price list, one account per tenant with the last snapshot of its
// subscription, checkout, and the inbox of the payment provider's notices. It
// does not own the provider (billingstripe speaks to it, billingsandbox plays
// it), what a plan's limits mean elsewhere, nor where a tenant runs.
//
// Words: a plan is what is bought, a plan at an interval has one price. An account
// is a tenant's side of the bill. A snapshot is what the provider said about the
// customer's subscription at one moment. Access is what follows from it. A notice
// is a signed message of the provider; it only says "look again".
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
//   - an unknown price changes nothing: access stays, and the log says so
//
// Announces EventActivated.
package billing
