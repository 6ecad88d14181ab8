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
	ErrPayment       = fault.New(fault.Exhausted, "billing.payment", "Your card was declined. Nothing was charged and nothing has changed. Ask your bank to allow the payment, or write to support to use another card, then try again.")
	ErrChanging      = fault.New(fault.Conflict, "billing.changing", "Another change of your plan is under way. Wait until it is done.")
	ErrChangeUndone  = fault.New(fault.Conflict, "billing.change_undone", "This change of plan was taken back. Begin a new one.")
	ErrChangedSince  = fault.New(fault.Conflict, "billing.changed_since", "The plan was changed again since. Tell support.")

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
