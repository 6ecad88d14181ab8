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
