package billingsandbox

import (
	"fmt"
	"slices"
	"time"
)

// update is what a request asks of the items of a subscription.
type update struct {
	items    []subscriptionItem // all of them, as they shall be
	at       int64              // the second for which is reckoned
	behavior string             // create_prorations, always_invoice, none
	changed  bool               // the items differ
	anchor   bool               // the period begins anew
	trialEnd int64              // 0 leaves it; the present ends the trial
}

// readUpdate reads what is changed. Prefix stands before the parameters: "" when a
// subscription is changed, "subscription_" when it is asked what that would cost.
func (t *tx) readUpdate(f form, prefix string, s *subscription) (update, error) {
	u := update{items: slices.Clone(s.Items.Data), at: t.now}
	var err error
	if u.behavior, err = f.choice(prefix+"proration_behavior", "create_prorations", "always_invoice", "none"); err != nil {
		return u, err
	}
	for _, e := range f.elements(prefix + "items") {
		if u.items, err = t.readItem(e, u.items, s); err != nil {
			return u, err
		}
	}
	if f.given(prefix + "items") {
		if err := sound(u.items, s.Currency); err != nil {
			return u, err
		}
	}
	u.changed = !sameItems(s.Items.Data, u.items)
	if f.given(prefix + "proration_date") {
		if u.behavior == "none" {
			return u, invalid("", prefix+"proration_date", "You cannot set `proration_date` when `proration_behavior` is none.")
		}
		if u.at, err = f.number(prefix+"proration_date", u.at); err != nil {
			return u, err
		}
	}
	if f.given(prefix+"proration_date") && (u.at < s.CurrentPeriodStart || u.at >= s.CurrentPeriodEnd) {
		return u, invalid("", prefix+"proration_date", "Cannot specify a proration date outside of the current billing period.")
	}
	anchor, err := f.choice(prefix+"billing_cycle_anchor", "unchanged", "now")
	if err != nil {
		return u, err
	}
	old, next := s.Items.Data[0].Price.Recurring, u.items[0].Price.Recurring
	u.anchor = anchor == "now" || old.Interval != next.Interval || old.IntervalCount != next.IntervalCount
	switch f.text(prefix + "trial_end") {
	case "":
	case "now":
		if s.Status == trialing {
			u.trialEnd, u.anchor = t.now, true
		}
	default:
		if u.trialEnd, err = f.number(prefix+"trial_end", 0); err != nil {
			return u, err
		}
		if u.trialEnd <= t.now || u.trialEnd > t.now+730*day {
			return u, invalid("", prefix+"trial_end", "The trial must end in the future, within two years.")
		}
		u.anchor = false
	}
	return u, nil
}

// readItem puts one item that a request names among the others.
func (t *tx) readItem(f form, items []subscriptionItem, s *subscription) ([]subscriptionItem, error) {
	deleted, err := f.truth("deleted", false)
	if err != nil {
		return nil, err
	}
	id := f.text("id")
	if id == "" {
		item, err := t.newItem(f)
		item.Subscription = s.ID
		return append(items, item), err
	}
	n := slices.IndexFunc(items, func(i subscriptionItem) bool { return i.ID == id })
	switch {
	case n < 0:
		return nil, invalid("resource_missing", f.key("id"), "No such subscription_item: '%s'", id)
	case deleted:
		return slices.Delete(items, n, n+1), nil
	}
	item := items[n]
	fallback := item.Quantity
	if to := f.text("price"); to != "" && to != item.Price.ID {
		p, err := get[price](t, to)
		if err != nil {
			return nil, err
		}
		// A price that is given sets the quantity to one unless that is given, too.
		item.Price, item.Plan, fallback = *p, planOf(*p), 1
	}
	if err := f.merge(&item.Metadata); err != nil {
		return nil, err
	}
	if err := item.takeQuantity(f, max(1, fallback)); err != nil {
		return nil, err
	}
	items[n] = item
	return items, nil
}

func sameItem(a, b subscriptionItem) bool {
	return a.ID == b.ID && a.Price.ID == b.Price.ID && a.Quantity == b.Quantity
}

func sameItems(a, b []subscriptionItem) bool { return slices.EqualFunc(a, b, sameItem) }

// reckon makes the lines of an update: what is left of the old price is given
// back, what is left of the new one charged, by the second, each to the cent. Now
// says whether they are billed at once.
func (t *tx) reckon(s *subscription, u update) (lines []invoiceLine, now bool, err error) {
	switch {
	case s.Status == trialing && u.trialEnd == 0 && !u.anchor, u.trialEnd > t.now, s.Status == paused || s.over():
		return nil, false, nil
	case u.anchor:
		if u.behavior != "none" && s.Status != trialing {
			if lines, err = t.unused(s, s.Items.Data, u.at); err != nil {
				return nil, false, err
			}
		}
		next := *s
		next.Items.Data, next.BillingCycleAnchor = u.items, u.at
		full, err := t.cycle(&next, u.at)
		return append(lines, full...), true, err
	case !u.changed || u.behavior == "none":
		return nil, false, nil
	}
	var gone, come []subscriptionItem
	for _, item := range s.Items.Data {
		if !slices.ContainsFunc(u.items, func(i subscriptionItem) bool { return sameItem(i, item) }) {
			gone = append(gone, item)
		}
	}
	for _, item := range u.items {
		if !slices.ContainsFunc(s.Items.Data, func(i subscriptionItem) bool { return sameItem(i, item) }) {
			come = append(come, item)
		}
	}
	if lines, err = t.unused(s, gone, u.at); err != nil {
		return nil, false, err
	}
	rest, err := t.prorate(s, come, u.at, "Remaining time on", 1)
	return append(lines, rest...), u.behavior == "always_invoice", err
}

// unused gives back what is left of items.
func (t *tx) unused(s *subscription, items []subscriptionItem, at int64) ([]invoiceLine, error) {
	return t.prorate(s, items, at, "Unused time on", -1)
}

func (t *tx) prorate(s *subscription, items []subscriptionItem, at int64, words string, sign int64) ([]invoiceLine, error) {
	on := time.Unix(at, 0).UTC().Format("2 Jan 2006")
	var lines []invoiceLine
	for _, item := range items {
		if item.Price.Recurring.UsageType == "metered" {
			continue
		}
		title, err := t.itemsInWords([]subscriptionItem{item})
		if err != nil {
			return nil, err
		}
		amount := sign * share(item.Price.UnitAmount*item.Quantity, s.CurrentPeriodEnd-at, s.CurrentPeriodEnd-s.CurrentPeriodStart)
		l := t.line(s, item, fmt.Sprintf("%s %s after %s", words, title, on), amount, period{at, s.CurrentPeriodEnd})
		l.Type, l.Proration = "invoiceitem", true
		lines = append(lines, l)
	}
	return lines, nil
}

// share is amount * left / whole, halves rounded up.
func share(amount, left, whole int64) int64 { return (2*amount*left + whole) / (2 * whole) }

// apply puts an update into the subscription.
func (t *tx) apply(s *subscription, u update) {
	s.Items.Data = u.items
	if u.trialEnd > t.now {
		s.Status, s.TrialEnd, s.BillingCycleAnchor, s.CurrentPeriodEnd = trialing, stamp(u.trialEnd), u.trialEnd, u.trialEnd
		s.Memo.Reminded = false
		if s.TrialStart == 0 {
			s.TrialStart = stamp(t.now)
		}
	} else if u.anchor {
		if s.Status == trialing {
			s.Status, s.TrialEnd = active, stamp(t.now)
		}
		s.BillingCycleAnchor, s.CurrentPeriodStart = u.at, u.at
		s.CurrentPeriodEnd = nextEnd(u.at, u.at, u.items[0].Price.Recurring)
		s.Memo.UsedUntil = u.at
	}
	if s.CancelAtPeriodEnd {
		s.CancelAt = stamp(s.CurrentPeriodEnd)
	}
	t.save(s)
}

// pendingParams are what may ride with payment_behavior=pending_if_incomplete.
var pendingParams = []string{
	"items", "payment_behavior", "proration_behavior", "proration_date", "billing_cycle_anchor", "trial_end", "expand", "off_session",
}

func checkPending(f form) error {
	for key := range f.values {
		name := key
		for i := range key {
			if key[i] == '[' {
				name = key[:i]
				break
			}
		}
		if !slices.Contains(pendingParams, name) {
			return invalid("", name, "When `payment_behavior` is set to `pending_if_incomplete`, you can only pass supported params. `%s` is not supported. See https://stripe.com/docs/billing/subscriptions/pending-updates-reference#supported-attributes for more details.", name)
		}
	}
	return nil
}

func updateSubscription(t *tx, c call) (any, error) {
	s, err := get[subscription](t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(s.Customer); err != nil {
		return nil, err
	}
	f := c.form
	behavior, err := f.choice("payment_behavior", "allow_incomplete", "error_if_incomplete", "pending_if_incomplete", "default_incomplete")
	if err != nil {
		return nil, err
	}
	if behavior == "pending_if_incomplete" {
		if err := checkPending(f); err != nil {
			return nil, err
		}
	}
	if s.over() {
		return nil, t.updateOver(s, f)
	}
	before := map[string]any{}
	if err := t.takeSettings(s, f, before); err != nil {
		return nil, err
	}
	u, err := t.readUpdate(f, "", s)
	if err != nil {
		return nil, err
	}
	if (u.changed || u.anchor) && s.Schedule != "" && s.PendingUpdate == nil && f.given("items") {
		return nil, invalid("", "items", "The subscription is managed by the subscription schedule `%s`, and updating any cancelation behavior or items directly is not allowed. Please update the schedule instead.", s.Schedule)
	}
	if err := t.change(s, u, behavior, before); err != nil {
		return nil, err
	}
	return s, nil
}

// change does an update with what it costs.
func (t *tx) change(s *subscription, u update, behavior string, before map[string]any) error {
	if s.PendingUpdate != nil && (u.changed || u.anchor) {
		if err := t.dropPending(s); err != nil {
			return err
		}
	}
	lines, now, err := t.reckon(s, u)
	if err != nil {
		return err
	}
	if u.changed {
		before["items"] = s.Items
	}
	old, status := *s, s.Status
	old.Items.Data = slices.Clone(s.Items.Data)
	if !now || len(lines) == 0 {
		t.wait(s, lines)
		t.apply(s, u)
		t.announce("customer.subscription.updated", s, before)
		return nil
	}
	t.apply(s, u)
	i, err := t.bill(s, "subscription_update", lines, true)
	if err != nil {
		return err
	}
	if err := t.finalize(i); err != nil {
		return err
	}
	if i.Status == open {
		if err := t.collectChange(s, &old, u, i, behavior); err != nil {
			return err
		}
	}
	if s.Status != status {
		before["status"] = status
	}
	t.announce("customer.subscription.updated", s, before)
	return nil
}

// collectChange collects what an update costs, and does what is asked for when the
// card does not pay.
func (t *tx) collectChange(s, old *subscription, u update, i *invoice, behavior string) error {
	var f *failure
	var err error
	if behavior != "default_incomplete" {
		if f, err = t.collect(i, s); err != nil || f == nil {
			return err
		}
	}
	switch behavior {
	case "error_if_incomplete":
		return strictly(f)
	case "pending_if_incomplete":
		latest := s.LatestInvoice
		memo := s.Memo
		*s = *old
		s.Memo = memo
		s.Memo.UsedUntil = old.Memo.UsedUntil
		s.LatestInvoice = latest
		s.PendingUpdate = &pendingUpdate{ExpiresAt: t.now + giveUp, SubscriptionItems: u.items}
		if u.anchor {
			s.PendingUpdate.BillingCycleAnchor = stamp(u.at)
		}
		s.Memo.Pending = i.ID
	default:
		s.Status = pastDue
		i.NextPaymentAttempt = stamp(t.now + int64(t.b.retryDays[0])*day)
	}
	t.save(s)
	if f != nil {
		t.unpaidTold(i, f)
	}
	return nil
}

// applyPending does the update that waited for its invoice.
func (t *tx) applyPending(s *subscription) error {
	p := s.PendingUpdate
	before := map[string]any{"items": s.Items, "pending_update": p}
	s.PendingUpdate = nil
	t.apply(s, update{items: p.SubscriptionItems, at: int64(p.BillingCycleAnchor), anchor: p.BillingCycleAnchor != 0})
	t.announce("customer.subscription.pending_update_applied", s)
	t.announce("customer.subscription.updated", s, before)
	return nil
}

// dropPending gives an update up that was not paid in time.
func (t *tx) dropPending(s *subscription) error {
	waited := s.Memo.Pending
	s.PendingUpdate, s.Memo.Pending = nil, ""
	t.save(s)
	t.announce("customer.subscription.pending_update_expired", s)
	i, err := get[invoice](t, waited)
	if err != nil {
		return err
	}
	if i.Status == open {
		return t.void(i)
	}
	return nil
}

// updateOver is the little that can be changed of a subscription that has ended.
func (t *tx) updateOver(s *subscription, f form) error {
	for key := range f.values {
		if before, _, ok := cutLast(key); !ok || before != "metadata" && before != "cancellation_details" && before != "expand" {
			return invalid("", key, "A canceled subscription can only update its cancellation_details and metadata.")
		}
	}
	t.save(s)
	if err := s.takeDetails(f); err != nil {
		return err
	}
	if err := f.merge(&s.Metadata); err != nil {
		return err
	}
	t.announce("customer.subscription.updated", s)
	return nil
}

// takeSettings reads what an update asks besides the items.
func (t *tx) takeSettings(s *subscription, f form, before map[string]any) error {
	t.save(s)
	if f.given("metadata") {
		old := map[string]string{}
		for k, v := range s.Metadata {
			old[k] = v
		}
		before["metadata"] = old
	}
	if err := f.merge(&s.Metadata); err != nil {
		return err
	}
	f.take("description", &s.Description)
	if method := f.text("default_payment_method"); method != "" {
		if err := t.hasMethod(s.Customer, method, "default_payment_method"); err != nil {
			return err
		}
		before["default_payment_method"] = s.DefaultPaymentMethod
		s.DefaultPaymentMethod = ref(method)
	}
	var err error
	if s.AutomaticTax.Enabled, err = f.in("automatic_tax").truth("enabled", s.AutomaticTax.Enabled); err != nil {
		return err
	}
	missing := &s.TrialSettings.EndBehavior.MissingPaymentMethod
	if *missing, err = f.in("trial_settings").in("end_behavior").choice("missing_payment_method", *missing, "create_invoice", "cancel", "pause"); err != nil {
		return err
	}
	if s.PaymentSettings.SaveDefaultPaymentMethod, err = f.in("payment_settings").choice("save_default_payment_method", s.PaymentSettings.SaveDefaultPaymentMethod, "off", "on_subscription"); err != nil {
		return err
	}
	if s.CollectionMethod, err = f.choice("collection_method", "charge_automatically"); err != nil {
		return err
	}
	if err := s.takeDetails(f); err != nil {
		return err
	}
	return t.takeEnd(s, f, before)
}

// takeEnd reads when a subscription shall end.
func (t *tx) takeEnd(s *subscription, f form, before map[string]any) error {
	if (f.given("cancel_at_period_end") || f.given("cancel_at")) && s.Schedule != "" {
		return invalid("", "cancel_at_period_end", "The subscription is managed by the subscription schedule `%s`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.", s.Schedule)
	}
	if f.given("cancel_at_period_end") && f.given("cancel_at") {
		return invalid("", "cancel_at", "You may not set both cancel_at and cancel_at_period_end.")
	}
	if f.given("cancel_at_period_end") {
		leave, err := f.truth("cancel_at_period_end", false)
		if err != nil {
			return err
		}
		before["cancel_at_period_end"], before["cancel_at"] = s.CancelAtPeriodEnd, s.CancelAt
		s.CancelAtPeriodEnd = leave
		if leave {
			s.CancelAt, s.CanceledAt, s.CancellationDetails.Reason = stamp(s.CurrentPeriodEnd), stamp(t.now), "cancellation_requested"
		} else {
			s.stay()
		}
	}
	if f.given("cancel_at") {
		at, err := f.number("cancel_at", 0)
		if err != nil {
			return err
		}
		before["cancel_at"] = s.CancelAt
		switch {
		case at == 0:
			s.stay()
		case at <= t.now:
			return invalid("", "cancel_at", "The cancel_at timestamp must be in the future.")
		default:
			s.CancelAt, s.CancelAtPeriodEnd, s.CanceledAt, s.CancellationDetails.Reason = stamp(at), at == s.CurrentPeriodEnd, stamp(t.now), "cancellation_requested"
		}
	}
	return nil
}

// stay takes a cancellation back.
func (v *subscription) stay() {
	v.CancelAt, v.CancelAtPeriodEnd, v.CanceledAt, v.CancellationDetails = 0, false, 0, cancellationDetails{}
}
