package billing

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrPlan         = fault.New(fault.Invalid, "billing.plan", "There is no such plan. Choose starter, growth or business.")
	ErrInterval     = fault.New(fault.Invalid, "billing.interval", "Pay by the month or by the year.")
	ErrContactSales = fault.New(fault.Invalid, "billing.contact_sales", "Enterprise is arranged with our sales team: write to "+SalesContact+".")
	ErrSubscribed   = fault.New(fault.Conflict, "billing.subscribed", "Your company has a subscription already.")
	ErrBusy         = fault.New(fault.Conflict, "billing.busy", "Somebody in your company is at the checkout right now. Try again in a moment.")
	ErrProvider     = fault.New(fault.Unavailable, "billing.provider", "The payment service does not answer. Try again in a minute.")
	ErrUnknownPrice = fault.New(fault.Unavailable, "billing.unknown_price", "Your subscription has a price we do not know. Tell support.")

	// The faults of a change of plan.
	ErrNotSubscribed = fault.New(fault.Conflict, "billing.not_subscribed", "Your company has no running subscription. Choose a plan first.")
	ErrSamePlan      = fault.New(fault.Conflict, "billing.same_plan", "Your company has this plan already.")
	ErrUnpaid        = fault.New(fault.Exhausted, "billing.unpaid", "An invoice of yours is unpaid. Pay it first, then change the plan.")
	ErrOtherInterval = fault.New(fault.Invalid, "billing.other_interval", "A change of plan keeps how often you pay.")
	ErrQuoteExpired  = fault.New(fault.Conflict, "billing.quote_expired", "This price was reckoned more than an hour ago. Look at the present price and confirm it.")
	ErrQuoteChanged  = fault.New(fault.Conflict, "billing.quote_changed", "The price has changed since it was shown. Look at the present price and confirm it.")
	ErrPayment       = fault.New(fault.Exhausted, "billing.payment", "Your card was declined. Nothing was charged and nothing has changed. Ask your bank to allow the payment, or give another card under Settings, Plan; then try again.")
	ErrChanging      = fault.New(fault.Conflict, "billing.changing", "Another change of your plan is under way. Wait until it is done.")
	ErrChangeUndone  = fault.New(fault.Conflict, "billing.change_undone", "This change of plan was taken back. Begin a new one.")
	ErrChangedSince  = fault.New(fault.Conflict, "billing.changed_since", "The plan was changed again since. Tell support.")

	// The faults of a change within the pool, of ending and of papers.
	ErrOffer        = fault.New(fault.Invalid, "billing.offer", "This price was not made for your company. Ask for the price again.")
	ErrPriceChanged = fault.New(fault.Conflict, "billing.price_changed", "The price has changed since it was shown. Look at the present price and confirm it.")
	ErrNeedsMove    = fault.New(fault.Conflict, "billing.needs_move", "Enterprise runs in an environment of its own. An owner changes to it, and from it, by a move: open Upgrade, or POST /v1/moves/preflight.")
	ErrDoesNotFit   = fault.New(fault.Conflict, "billing.does_not_fit", "Your company uses more than this plan has. Make room first.")
	ErrNothingOpen  = fault.New(fault.Conflict, "billing.nothing_open", "There is no change of your plan to take back.")
	ErrNotEnding    = fault.New(fault.Conflict, "billing.not_ending", "Your subscription is not about to end.")
	ErrOwnersOnly   = fault.New(fault.Forbidden, "billing.owners_only", "Only an owner can end the subscription at once. You can end it at the end of the period.")
	ErrNoInvoice    = fault.New(fault.NotFound, "billing.no_invoice", "There is no such invoice.")
	ErrDetails      = fault.New(fault.Invalid, "billing.details", "The payment service does not take this name or address. Check the country and the postal code.")
	ErrTaxID        = fault.New(fault.Invalid, "billing.tax_id", "This is no tax number of that kind. Check the kind and the number.")
	ErrNotTrying    = fault.New(fault.Conflict, "billing.not_trying", "Your company is in no trial.")
	ErrNoCard       = fault.New(fault.Exhausted, "billing.no_card", "No card is known to us. Add one first.")
	ErrNoPapers     = fault.New(fault.Conflict, "billing.no_papers", "Your company has bought nothing yet. Choose a plan first.")
	ErrFrozen       = fault.New(fault.Conflict, "billing.frozen", "A payment of your company is disputed. Until that is settled nothing is moved or deleted. Write to support.")
	ErrUsage        = fault.New(fault.Invalid, "billing.usage", "This use cannot be recorded: it needs a tenant, a known meter, a source event and a quantity.")

	// The faults of notices are for the provider, not for people.
	ErrNoticeForged   = fault.New(fault.Invalid, "billing.notice_forged", "The signature is missing or wrong.")
	ErrNoticeTime     = fault.New(fault.Invalid, "billing.notice_time", "The signature is too old or dated in the future.")
	ErrNoticeMode     = fault.New(fault.Invalid, "billing.notice_mode", "The event belongs to another mode (live or test).")
	ErrNoticeShape    = fault.New(fault.Invalid, "billing.notice_shape", "This is no event.")
	ErrNoticeTooLarge = fault.New(fault.TooLarge, "billing.notice_too_large", "An event has at most 256 KiB.")

	// ErrCheckoutOver is the provider's answer when a checkout cannot be expired
	// because it is complete or expired already.
	ErrCheckoutOver = fault.New(fault.Conflict, "billing.checkout_over", "This checkout is over.")
)
