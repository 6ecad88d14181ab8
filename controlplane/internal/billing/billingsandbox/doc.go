// Package billingsandbox plays Stripe inside the process, so that the product can
// be tried, and tested, without an account or a key anywhere. No money moves.
//
// It owns objects that behave like Stripe's, the hosted checkout page, and signed
// webhooks. It does not own anything of billing: the same stripe-go client speaks
// to it as to Stripe, over a transport instead of a network.
//
// Spoken, in API version 2023-10-16, form-encoded, under a test key:
//
//	POST /v1/customers                        email name description metadata
//	GET  /v1/customers                        email
//	GET  /v1/customers/{id}
//	POST /v1/customers/{id}                   email name description metadata
//	POST /v1/customers/{id}/balance_transactions    amount currency description metadata
//	GET  /v1/customers/{id}/balance_transactions
//	POST /v1/products                         name description metadata
//	GET  /v1/products, /v1/products/{id}
//	POST /v1/prices                           product currency unit_amount recurring[interval] lookup_key metadata
//	GET  /v1/prices                           lookup_keys active product
//	GET  /v1/prices/{id}
//	POST /v1/checkout/sessions                mode=subscription customer client_reference_id success_url
//	                                          cancel_url expires_at line_items (one) subscription_data[metadata]
//	                                          metadata
//	GET  /v1/checkout/sessions                customer
//	GET  /v1/checkout/sessions/{id}
//	POST /v1/checkout/sessions/{id}/expire
//	GET  /v1/subscriptions                    customer status
//	GET  /v1/subscriptions/{id}
//	POST /v1/subscriptions/{id}               items (the one there is: id price quantity) proration_behavior=always_invoice
//	                                          or none proration_date payment_behavior=allow_incomplete or
//	                                          error_if_incomplete default_payment_method metadata
//	DELETE /v1/subscriptions/{id}             at once, without proration
//	GET  /v1/invoices                         customer subscription
//	GET  /v1/invoices/upcoming                subscription customer subscription_items subscription_proration_behavior
//	                                          subscription_proration_date
//	GET  /v1/invoices/{id}
//	GET  /v1/charges                          customer
//	GET  /v1/charges/{id}
//	POST /v1/credit_notes                     invoice amount=refund_amount reason memo metadata
//	GET  /v1/credit_notes                     customer invoice
//	GET  /v1/credit_notes/{id}
//	GET  /v1/refunds                          charge
//	GET  /v1/refunds/{id}
//	GET  /v1/payment_methods                  customer type
//	GET  /v1/payment_methods/{id}
//	POST /v1/payment_methods/{id}/attach      customer; id is pm_card_visa or pm_card_chargeCustomerFail
//	GET  /v1/events                           type
//	GET  /v1/events/{id}
//
// Lists also take limit and starting_after. Everything else is refused as Stripe
// refuses what it does not know: an unknown address with 404, an unknown parameter
// with 400. Idempotency keys are honoured and never expire; a decline stands under
// its key, too. Prorations are reckoned by the second, and what a customer has in
// credit pays first. Time does not renew subscriptions.
//
// Cards on the page: 4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined,
// 4000 0000 0000 9995 lacks funds, 4000 0000 0000 0069 has expired, and any other
// is refused as no test card. 4000 0000 0000 0341 pays on the page and is declined
// from then on, so that a declined change of plan can be tried; Stripe declines it
// the first time already. Numbers are not kept.
//
// Invariants: what was answered is in the store; an event is delivered until the
// receiver takes it or sixteen attempts failed, across restarts; a live key is
// refused; so is running in production.
package billingsandbox
