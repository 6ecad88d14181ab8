// Package billing sells plans and knows what a tenant may use.
//
// It owns the price list, one account per tenant with the last snapshot of its
// subscription, checkout and trial, changes of plan, letters about payment, the ledger
// of what was used, and the inbox of the payment provider's notices. It does not own
// the provider (billingstripe speaks to it, billingsandbox plays it; billingtest holds
// what both promise), what a plan's limits mean elsewhere, nor where a tenant runs.
//
// Words: a plan is what is bought, a plan at an interval has one price. An account
// is a tenant's side of the bill. A snapshot is what the provider said about the
// customer's subscription at one moment. Access is what follows from it. A quote is
// what a change of plan costs in one second; a change is one switch to another plan,
// named by its once, and a receipt is what it took. A notice is a signed message of
// the provider; it only says "look again". An offer is a change within the pool with
// its price and the token that confirms it; a wish is an offer that is being carried
// out. A change is pending while its payment is open, scheduled while it waits for the
// end of the period. A warning is a dispute, or the bank's word of one. A meter counts
// what is used. Drift is an account that had gone wrong without a notice.
//
// Invariants:
//
//   - nothing is believed but what was fetched: notices, the return from checkout
//     and the reconciler all run the same SyncCustomer
//
//   - a snapshot is never replaced by one whose fetch began earlier
//
//   - a notice is answered only after it is durable, and taken in once
//
//   - a tenant has one customer, at most one open checkout, and buys nothing while
//     it has a live subscription
//
//   - access is a pure function of the snapshot and the time; becoming active and
//     announcing it are one write
//
//   - a change is noted before the provider is asked, and under one once money moves
//     at most once each way: Switch takes exactly what the quote says or nothing,
//     Undo gives exactly that back
//
//   - one change of a tenant is under way at a time, and a change keeps the interval:
//     another one begins a new period, after which Undo could not put things back
//
//   - an unknown price changes nothing: access stays, and the log says so
//
//   - an offer is carried out for exactly what was shown, or not at all; the new plan
//     holds once the provider shows its price, down only when the paid period is over
//
//   - Enterprise, and from it, is reached by Switch only, since it needs a move
//
//   - a trial is had once for each tenant, address without aliases, and card; who has
//     it is decided by the insert of a claim
//
//   - an unpaid invoice leaves access as it was for the grace, then to read; nothing is
//     ever deleted for money, and while a payment is disputed nothing is deleted at all
//
//   - one occasion, one letter; an open invoice is tried once with each card
//
//   - limits go by our own ledger, in which a use is named by the event it comes from
//
//   - addresses of hosted pages and invoices go to who asked and are kept nowhere but
//     the checkout's, which is reused for 25 minutes
//
// Announces EventActivated, EventPlanChanged, EventEnded and, with who did it,
// EventAsked.
package billing
