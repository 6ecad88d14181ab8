package billingsandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The states of a subscription.
const (
	active            = "active"
	trialing          = "trialing"
	pastDue           = "past_due"
	unpaid            = "unpaid"
	paused            = "paused"
	incomplete        = "incomplete"
	incompleteExpired = "incomplete_expired"
	canceled          = "canceled"
)

const (
	day = 24 * 3600
	// giveUp is how long a first payment, a resumption or a pending update may wait.
	giveUp = 23 * 3600
	// foretell is how long before the end of a trial and of a period it is told.
	foretell = 3 * day
	itemsMax = 20
)

func subscriptionEndpoints() []endpoint {
	changes := []string{
		"items[][id]", "items[][price]", "items[][quantity]", "items[][deleted]", "items[][metadata][*]", "proration_behavior", "payment_behavior",
		"default_payment_method", "metadata[*]", "description", "cancel_at_period_end", "cancel_at", "trial_end", "off_session", "collection_method",
		"billing_cycle_anchor", "automatic_tax[enabled]", "trial_settings[end_behavior][missing_payment_method]", "payment_settings[save_default_payment_method]",
	}
	return []endpoint{
		{"POST /v1/subscriptions", append([]string{"customer", "trial_period_days", "currency"}, changes...), createSubscription},
		{"GET /v1/subscriptions", paged(append([]string{"customer", "status", "price", "test_clock"}, created...)...), listSubscriptions},
		{"GET /v1/subscriptions/{id}", nil, read[subscription]},
		{"POST /v1/subscriptions/{id}", append([]string{
			"proration_date", "cancellation_details[comment]", "cancellation_details[feedback]",
		}, changes...), updateSubscription},
		{"POST /v1/subscriptions/{id}/resume", []string{"billing_cycle_anchor", "proration_behavior", "proration_date"}, resumeSubscription},
		{"DELETE /v1/subscriptions/{id}", []string{
			"prorate", "invoice_now", "cancellation_details[comment]", "cancellation_details[feedback]",
		}, cancelSubscription},
	}
}

// over says whether nothing will happen to it any more.
func (v *subscription) over() bool { return v.Status == canceled || v.Status == incompleteExpired }

// due is when time does something to it next.
func (v *subscription) due() int64 {
	if v.over() {
		return 0
	}
	next := int64(0)
	sooner := func(at int64) {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	sooner(v.Memo.GivesUp)
	if v.PendingUpdate != nil {
		sooner(v.PendingUpdate.ExpiresAt)
	}
	sooner(int64(v.CancelAt))
	if v.Status == incomplete || v.Status == paused {
		return next
	}
	if v.Status == trialing && !v.Memo.Reminded {
		sooner(int64(v.TrialEnd) - foretell)
	}
	if v.Memo.Foretold != v.CurrentPeriodEnd && (v.Status == active || v.Status == pastDue) && v.CurrentPeriodEnd-v.CurrentPeriodStart > foretell {
		sooner(v.CurrentPeriodEnd - foretell)
	}
	sooner(v.CurrentPeriodEnd)
	return next
}

// spec is what a new subscription is to be.
type spec struct {
	customer    *customer
	items       []subscriptionItem
	metadata    map[string]string
	description ref
	method      ref
	trialEnd    int64
	missing     string // what a trial without a card ends in
	tax         bool
	save        string
}

// start makes a subscription with its first invoice, finalized.
func (t *tx) start(p spec) (*subscription, *invoice, error) {
	s := &subscription{
		ID: name(kindSubscription, ""), Object: kindSubscription, Created: t.now, Status: incomplete, Customer: p.customer.ID,
		Currency: p.items[0].Price.Currency, Description: p.description, CollectionMethod: "charge_automatically",
		AutomaticTax: automaticTax{Enabled: p.tax}, BillingCycleAnchor: t.now, StartDate: t.now, CurrentPeriodStart: t.now,
		DefaultPaymentMethod: p.method, TestClock: p.customer.TestClock, Metadata: p.metadata,
		PaymentSettings: paymentSettings{SaveDefaultPaymentMethod: p.save},
	}
	s.TrialSettings.EndBehavior.MissingPaymentMethod = p.missing
	for n := range p.items {
		p.items[n].Subscription = s.ID
	}
	s.Items = listOf("/v1/subscription_items?subscription="+s.ID, p.items...)
	s.Memo.UsedUntil = t.now
	var lines []invoiceLine
	if p.trialEnd > t.now {
		s.TrialStart, s.TrialEnd, s.BillingCycleAnchor, s.CurrentPeriodEnd = stamp(t.now), stamp(p.trialEnd), p.trialEnd, p.trialEnd
		for _, item := range p.items {
			title, err := t.titled(item.Price)
			if err != nil {
				return nil, nil, err
			}
			lines = append(lines, t.line(s, item, "Trial period for "+title, 0, period{t.now, p.trialEnd}))
		}
	} else {
		s.CurrentPeriodEnd = nextEnd(t.now, t.now, p.items[0].Price.Recurring)
		var err error
		if lines, err = t.cycle(s, t.now); err != nil {
			return nil, nil, err
		}
	}
	t.save(s)
	i, err := t.bill(s, "subscription_create", lines, false)
	if err != nil {
		return nil, nil, err
	}
	s.Memo.GivesUp, s.Memo.Pending, s.Memo.Unborn = t.now+giveUp, i.ID, true
	return s, i, nil
}

// born tells of a new subscription, as its first payment left it; what becomes of it
// later is told as an update.
func (t *tx) born(s *subscription) {
	s.Memo.Unborn = false
	t.save(s)
	t.announce("customer.subscription.created", s)
}

// line is a line of an invoice for an item.
func (t *tx) line(s *subscription, item subscriptionItem, words string, amount int64, over period) invoiceLine {
	return invoiceLine{
		ID: identifier("il_", ""), Object: "line_item", Type: "subscription", Amount: amount, Currency: s.Currency, Description: words,
		Quantity: item.Quantity, Price: item.Price, Plan: planOf(item.Price), Period: over, Subscription: ref(s.ID), SubscriptionItem: ref(item.ID),
		Metadata: map[string]string{},
	}
}

// cycle makes the lines of the period that begins at a second, and of the metered
// use before it.
func (t *tx) cycle(s *subscription, from int64) ([]invoiceLine, error) {
	var lines []invoiceLine
	for _, item := range s.Items.Data {
		title, err := t.titled(item.Price)
		if err != nil {
			return nil, err
		}
		if item.Price.Recurring.UsageType == "metered" {
			if from <= s.Memo.UsedUntil {
				continue
			}
			used, err := t.used(s.Customer, string(item.Price.Recurring.Meter), s.Memo.UsedUntil, from)
			if err != nil {
				return nil, err
			}
			l := t.line(s, item, fmt.Sprintf("%d × %s", used, title), used*item.Price.UnitAmount, period{s.Memo.UsedUntil, from})
			l.Quantity = used
			lines = append(lines, l)
			continue
		}
		over := period{from, nextEnd(s.anchorAt(from), from, item.Price.Recurring)}
		lines = append(lines, t.line(s, item, fmt.Sprintf("%d × %s", item.Quantity, title), item.Price.UnitAmount*item.Quantity, over))
	}
	return lines, nil
}

func (v *subscription) anchorAt(from int64) int64 {
	if v.BillingCycleAnchor > from {
		return from
	}
	return v.BillingCycleAnchor
}

// nextEnd is the first multiple of the interval after the anchor that comes after
// from: a subscription of the 31st renews on the last of shorter months, and on the
// 31st again.
func nextEnd(anchor, from int64, r recurring) int64 {
	start := time.Unix(anchor, 0).UTC()
	count := max(1, int(r.IntervalCount))
	for n := count; ; n += count {
		var end time.Time
		switch r.Interval {
		case "day":
			end = start.AddDate(0, 0, n)
		case "week":
			end = start.AddDate(0, 0, 7*n)
		case "year":
			end = addMonths(start, 12*n)
		default:
			end = addMonths(start, n)
		}
		if end.Unix() > from {
			return end.Unix()
		}
	}
}

// addMonths stays in the month it aims at: a month after 31 January is the last
// day of February.
func addMonths(t time.Time, n int) time.Time {
	t = t.UTC()
	aim := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	last := aim.AddDate(0, 1, -1).Day()
	return aim.AddDate(0, 0, min(t.Day(), last)-1)
}

// turn does what time does to a subscription.
func (t *tx) turn(s *subscription) error {
	t.save(s)
	switch {
	case s.PendingUpdate != nil && s.PendingUpdate.ExpiresAt <= t.now:
		return t.dropPending(s)
	case s.Memo.GivesUp != 0 && s.Memo.GivesUp <= t.now:
		return t.giveUp(s)
	case s.CancelAt != 0 && int64(s.CancelAt) <= t.now:
		t.end(s, "")
		return nil
	case s.Status == trialing && !s.Memo.Reminded && t.now < int64(s.TrialEnd):
		s.Memo.Reminded = true
		t.announce("customer.subscription.trial_will_end", s)
		return nil
	case t.now < s.CurrentPeriodEnd:
		s.Memo.Foretold = s.CurrentPeriodEnd
		i, err := t.upcoming(call{form: form{values: map[string][]string{"subscription": {s.ID}}}})
		if err == nil {
			t.announce("invoice.upcoming", i)
		}
		return nil
	}
	if moved, err := t.scheduled(s); err != nil || moved {
		return err
	}
	if s.Status == trialing {
		return t.endTrial(s)
	}
	return t.renew(s)
}

// scheduled lets a phase that begins with the new period begin first, so that the
// period is billed at the phase's prices.
func (t *tx) scheduled(s *subscription) (moved bool, err error) {
	if s.Schedule == "" {
		return false, nil
	}
	v, err := get[schedule](t, string(s.Schedule))
	if err != nil || v.Status != active || v.CurrentPhase == nil || v.CurrentPhase.EndDate > t.now {
		return false, err
	}
	if err := t.nextPhase(v); err != nil {
		return false, err
	}
	return s.over() || s.Status == paused || s.CurrentPeriodEnd > t.now, nil
}

// giveUp ends the wait for a first payment or for that of a resumption.
func (t *tx) giveUp(s *subscription) error {
	waited := s.Memo.Pending
	s.Memo.GivesUp, s.Memo.Pending = 0, ""
	if s.Status == incomplete {
		s.Status, s.EndedAt = incompleteExpired, stamp(t.now)
		t.announce("customer.subscription.updated", s, map[string]any{"status": incomplete})
	}
	i, err := get[invoice](t, waited)
	if err != nil {
		return err
	}
	if i.Status == open {
		return t.void(i)
	}
	return nil
}

// endTrial begins the first paid period, if there is a card.
func (t *tx) endTrial(s *subscription) error {
	method, err := t.payer(s)
	if err != nil {
		return err
	}
	if method == nil {
		switch s.TrialSettings.EndBehavior.MissingPaymentMethod {
		case "cancel":
			t.end(s, "")
			return nil
		case "pause":
			s.Status = paused
			t.announce("customer.subscription.paused", s)
			t.announce("customer.subscription.updated", s, map[string]any{"status": trialing})
			return nil
		}
	}
	s.Status = active
	return t.renew(s)
}

// renew begins the next period with an invoice that is collected in an hour.
func (t *tx) renew(s *subscription) error {
	from := s.CurrentPeriodEnd
	before := map[string]any{"current_period_start": s.CurrentPeriodStart, "current_period_end": s.CurrentPeriodEnd}
	lines, err := t.cycle(s, from)
	if err != nil {
		return err
	}
	start := s.CurrentPeriodStart
	s.CurrentPeriodStart, s.CurrentPeriodEnd = from, nextEnd(s.anchorAt(from), from, s.Items.Data[0].Price.Recurring)
	s.Memo.UsedUntil = from
	i, err := t.bill(s, "subscription_cycle", lines, true)
	if err != nil {
		return err
	}
	i.PeriodStart, i.PeriodEnd = start, from
	if s.Status == unpaid {
		i.AutoAdvance = false // nobody is asked for more before the debt is settled
	}
	t.announce("customer.subscription.updated", s, before)
	return nil
}

// wasPaid is what a paid invoice does to its subscription.
func (t *tx) wasPaid(s *subscription, i *invoice) error {
	t.save(s)
	before := s.Status
	mine := s.Memo.Pending == i.ID
	if mine {
		s.Memo.GivesUp, s.Memo.Pending = 0, ""
	}
	switch {
	case s.PendingUpdate != nil && mine:
		return t.applyPending(s)
	case s.Status == incomplete && mine:
		s.Status = active
		if int64(s.TrialEnd) > t.now {
			s.Status = trialing
		}
		if s.DefaultPaymentMethod == "" && s.PaymentSettings.SaveDefaultPaymentMethod == "on_subscription" && i.PaymentIntent != "" {
			pi, err := get[paymentIntent](t, string(i.PaymentIntent))
			if err != nil {
				return err
			}
			s.DefaultPaymentMethod = pi.PaymentMethod
		}
	case s.Status == paused && mine:
		s.Status = active
		t.announce("customer.subscription.resumed", s)
	case (s.Status == pastDue || s.Status == unpaid) && string(s.LatestInvoice) == i.ID:
		s.Status = active
	}
	if s.Status != before && !s.Memo.Unborn {
		t.announce("customer.subscription.updated", s, map[string]any{"status": before})
	}
	return nil
}

// wasSetAside is what an invoice that nobody pays any more does to its subscription.
func (t *tx) wasSetAside(i *invoice) error {
	if i.Subscription == "" {
		return nil
	}
	s, err := get[subscription](t, string(i.Subscription))
	if err != nil {
		return err
	}
	if (s.Status == pastDue || s.Status == unpaid) && string(s.LatestInvoice) == i.ID {
		before := s.Status
		s.Status = active
		t.save(s)
		t.announce("customer.subscription.updated", s, map[string]any{"status": before})
	}
	return nil
}

// wasNotPaid plans the next attempt to collect a renewal, or what follows the last.
func (t *tx) wasNotPaid(s *subscription, i *invoice, f *failure) error {
	before := s.Status
	days := t.b.retryDays
	if n := int(i.AttemptCount) - 1; n < len(days) {
		i.NextPaymentAttempt = stamp(t.now + int64(days[n])*day)
		if s.Status == active || s.Status == trialing {
			s.Status = pastDue
		}
	} else if t.b.chosen().After == Cancel {
		t.unpaidTold(i, f)
		t.end(s, "payment_failed")
		return nil
	} else {
		s.Status = unpaid
	}
	t.save(s)
	t.unpaidTold(i, f)
	if s.Status != before {
		t.announce("customer.subscription.updated", s, map[string]any{"status": before})
	}
	return nil
}

// end cancels a subscription now. Because is who or what did it.
func (t *tx) end(s *subscription, because string) {
	s.Status, s.EndedAt = canceled, stamp(t.now)
	if s.CanceledAt == 0 {
		s.CanceledAt = stamp(t.now)
	}
	if because != "" {
		s.CancellationDetails.Reason = ref(because)
	}
	s.PendingUpdate = nil
	s.Memo.GivesUp, s.Memo.Pending = 0, ""
	t.save(s)
	t.announce("customer.subscription.deleted", s)
	if s.Schedule != "" {
		if v, err := get[schedule](t, string(s.Schedule)); err == nil && v.Status == active {
			v.Status, v.CanceledAt, v.CurrentPhase = canceled, stamp(t.now), nil
			t.save(v)
			t.announce("subscription_schedule.canceled", v)
		}
	}
}

func listSubscriptions(t *tx, c call) (any, error) {
	f := c.form
	status, price, clock := f.text("status"), f.text("price"), f.text("test_clock")
	q := ofKind(kindSubscription)
	if of := f.text("customer"); of != "" {
		q = ofCustomer(kindSubscription, of)
	}
	inside, err := f.created()
	if err != nil {
		return nil, err
	}
	return page(t, c, q, func(s *subscription) bool {
		if price != "" && !slices.ContainsFunc(s.Items.Data, func(i subscriptionItem) bool { return i.Price.ID == price }) ||
			clock != "" && clock != string(s.TestClock) || !inside(s.Created) {
			return false
		}
		switch status {
		case "all":
			return true
		case "":
			return s.Status != canceled
		case "ended":
			return s.over()
		}
		return s.Status == status
	})
}

func createSubscription(t *tx, c call) (any, error) {
	f := c.form
	of, err := f.need("customer")
	if err != nil {
		return nil, err
	}
	payer, err := living(t, of)
	if err != nil {
		return nil, err
	}
	if err := t.at(of); err != nil {
		return nil, err
	}
	p := spec{customer: payer}
	if p.items, err = t.readNewItems(f.elements("items")); err != nil {
		return nil, err
	}
	if p.trialEnd, err = readTrial(f, t.now); err != nil {
		return nil, err
	}
	if p.missing, err = f.in("trial_settings").in("end_behavior").choice("missing_payment_method", "create_invoice", "cancel", "pause"); err != nil {
		return nil, err
	}
	if p.tax, err = f.in("automatic_tax").truth("enabled", false); err != nil {
		return nil, err
	}
	if p.save, err = f.in("payment_settings").choice("save_default_payment_method", "off", "on_subscription"); err != nil {
		return nil, err
	}
	if err := f.merge(&p.metadata); err != nil {
		return nil, err
	}
	f.take("description", &p.description)
	if method := f.text("default_payment_method"); method != "" {
		if err := t.hasMethod(of, method, "default_payment_method"); err != nil {
			return nil, err
		}
		p.method = ref(method)
	}
	behavior, err := f.choice("payment_behavior", "allow_incomplete", "error_if_incomplete", "default_incomplete")
	if err != nil {
		return nil, err
	}
	s, i, err := t.start(p)
	if err != nil {
		return nil, err
	}
	if err := t.finalize(i); err != nil {
		return nil, err
	}
	if i.Status == open && behavior != "default_incomplete" {
		failed, err := t.collect(i, s)
		if err != nil {
			return nil, err
		}
		if failed != nil && behavior == "error_if_incomplete" {
			return nil, strictly(failed)
		}
		if failed != nil {
			t.unpaidTold(i, failed)
		}
	}
	t.born(s)
	return s, nil
}

// strictly is a failure as error_if_incomplete tells it.
func strictly(f *failure) *failure {
	told := *f
	told.PaymentIntent = nil
	told.Status = 402
	if f.Code == "authentication_required" {
		told.Code, told.DeclineCode = "subscription_payment_intent_requires_action", ""
		told.Message = "Payment for this subscription requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with subscription's latest invoice."
	}
	if f.Type != "card_error" {
		told.Type, told.Status = invalidRequest, 400
	}
	return &told
}

// readTrial reads until when a new subscription is tried out, 0 without a trial.
func readTrial(f form, now int64) (int64, error) {
	days, err := f.number("trial_period_days", 0)
	if err != nil {
		return 0, err
	}
	until := int64(0)
	if f.text("trial_end") != "now" {
		if until, err = f.number("trial_end", 0); err != nil {
			return 0, err
		}
	}
	switch {
	case days != 0 && until != 0:
		return 0, invalid("", f.key("trial_end"), "You may not specify both trial_end and trial_period_days.")
	case days < 0 || days > 730:
		return 0, invalid("parameter_invalid_integer", f.key("trial_period_days"), "A trial has from 1 to 730 days.")
	case days > 0:
		return now + days*day, nil
	case until != 0 && until <= now:
		return 0, invalid("", f.key("trial_end"), "Invalid timestamp: must be an integer Unix timestamp in the future.")
	}
	return until, nil
}

// readNewItems reads items that a new subscription is to have.
func (t *tx) readNewItems(all []form) ([]subscriptionItem, error) {
	var items []subscriptionItem
	for _, f := range all {
		item, err := t.newItem(f)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return nil, missingParameter("items")
	}
	return items, sound(items, items[0].Price.Currency)
}

func (t *tx) newItem(f form) (subscriptionItem, error) {
	item := subscriptionItem{ID: identifier("si_", ""), Object: "subscription_item", Created: t.now, Metadata: map[string]string{}}
	id, err := f.need("price")
	if err != nil {
		return item, err
	}
	p, err := get[price](t, id)
	if err != nil {
		return item, err
	}
	item.Price, item.Plan = *p, planOf(*p)
	if err := f.merge(&item.Metadata); err != nil {
		return item, err
	}
	return item, item.takeQuantity(f, 1)
}

func (item *subscriptionItem) takeQuantity(f form, fallback int64) error {
	if item.Price.Recurring.UsageType == "metered" {
		if f.given("quantity") {
			return invalid("", f.key("quantity"), "You cannot set a quantity for a metered price.")
		}
		item.Quantity = 0
		return nil
	}
	var err error
	if item.Quantity, err = f.number("quantity", fallback); err != nil {
		return err
	}
	if item.Quantity < 1 || item.Quantity > 999_999 {
		return invalid("parameter_invalid_integer", f.key("quantity"), "The quantity must be from 1 to 999999.")
	}
	return nil
}

// sound says whether items can be of one subscription.
func sound(items []subscriptionItem, currency string) error {
	if len(items) == 0 {
		return invalid("", "items", "A subscription must have at least one active plan.")
	}
	if len(items) > itemsMax {
		return invalid("", "items", "A subscription has at most %d items.", itemsMax)
	}
	first := items[0].Price.Recurring
	seen := map[string]bool{}
	for _, item := range items {
		p := item.Price
		switch {
		case !p.Active:
			return invalid("", "items", "The price specified is inactive. This field only accepts active prices.")
		case p.Currency != currency:
			return invalid("", "items", "The price must be in %s.", currency)
		case seen[p.ID]:
			return invalid("", "items", "Cannot add multiple subscription items with the same plan: %s.", p.ID)
		case p.Recurring.Interval != first.Interval || p.Recurring.IntervalCount != first.IntervalCount:
			return invalid("", "items", "The price specified must match the billing interval of the other prices of the subscription.")
		}
		seen[p.ID] = true
	}
	return nil
}

func cancelSubscription(t *tx, c call) (any, error) {
	s, err := get[subscription](t, c.id)
	if err != nil {
		return nil, err
	}
	if s.over() {
		return nil, missing(kindSubscription, c.id)
	}
	if err := t.at(s.Customer); err != nil {
		return nil, err
	}
	prorate, err := c.form.truth("prorate", false)
	if err != nil {
		return nil, err
	}
	now, err := c.form.truth("invoice_now", false)
	if err != nil {
		return nil, err
	}
	if err := s.takeDetails(c.form); err != nil {
		return nil, err
	}
	if prorate && s.Status != trialing {
		lines, err := t.unused(s, s.Items.Data, t.now)
		if err != nil {
			return nil, err
		}
		t.wait(s, lines)
		if now && len(lines) > 0 {
			// What was made above is not in the store yet, so it is billed from here.
			i, err := t.billWaiting(s, lines)
			if err != nil {
				return nil, err
			}
			if err := t.finalize(i); err != nil {
				return nil, err
			}
		}
	}
	i, err := get[invoice](t, string(s.LatestInvoice))
	if err == nil && (i.Status == draft || i.Status == open) {
		i.AutoAdvance, i.NextPaymentAttempt = false, 0 // collection stops
		t.save(i)
	}
	t.end(s, "cancellation_requested")
	return s, nil
}

// billWaiting bills prorations that wait since this very change.
func (t *tx) billWaiting(s *subscription, lines []invoiceLine) (*invoice, error) {
	i, err := t.bill(s, "subscription_update", lines, false)
	if err != nil {
		return nil, err
	}
	for _, h := range t.held {
		if item, ok := h.object.(*invoiceItem); ok && item.Invoice == "" && string(item.Subscription) == s.ID {
			item.Invoice = ref(i.ID)
		}
	}
	return i, nil
}

// takeDetails reads why somebody leaves.
func (v *subscription) takeDetails(f form) error {
	in := f.in("cancellation_details")
	in.take("comment", &v.CancellationDetails.Comment)
	if !in.given("feedback") {
		return nil
	}
	word, err := in.choice("feedback", "", "customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex", "too_expensive", "unused")
	v.CancellationDetails.Feedback = ref(word)
	return err
}

func resumeSubscription(t *tx, c call) (any, error) {
	s, err := get[subscription](t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(s.Customer); err != nil {
		return nil, err
	}
	if s.Status != paused || s.Memo.Pending != "" {
		return nil, invalid("", "", "You can only resume a subscription that is paused and has no resumption under way; this one is %s.", s.Status)
	}
	anchor, err := c.form.choice("billing_cycle_anchor", "now", "unchanged")
	if err != nil {
		return nil, err
	}
	if _, err := c.form.choice("proration_behavior", "create_prorations", "always_invoice", "none"); err != nil {
		return nil, err
	}
	t.save(s)
	if anchor == "unchanged" && t.now < s.CurrentPeriodEnd {
		s.Status = active
		t.announce("customer.subscription.resumed", s)
		return s, nil
	}
	s.BillingCycleAnchor, s.CurrentPeriodStart = t.now, t.now
	s.CurrentPeriodEnd = nextEnd(t.now, t.now, s.Items.Data[0].Price.Recurring)
	s.Memo.UsedUntil = t.now
	lines, err := t.cycle(s, t.now)
	if err != nil {
		return nil, err
	}
	i, err := t.bill(s, "subscription_update", lines, true)
	if err != nil {
		return nil, err
	}
	s.Memo.Pending, s.Memo.GivesUp = i.ID, t.now+giveUp
	if err := t.finalize(i); err != nil || i.Status == paid {
		return s, err
	}
	f, err := t.collect(i, s)
	if err != nil {
		return nil, err
	}
	if f != nil {
		t.unpaidTold(i, f)
	}
	return s, nil
}

// itemsInWords names what a subscription is for.
func (t *tx) itemsInWords(items []subscriptionItem) (string, error) {
	var words []string
	for _, item := range items {
		title, err := t.titled(item.Price)
		if err != nil {
			return "", err
		}
		if item.Quantity > 1 {
			title = fmt.Sprintf("%d × %s", item.Quantity, title)
		}
		words = append(words, title)
	}
	return strings.Join(words, ", "), nil
}
