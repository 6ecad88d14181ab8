package billingsandbox

import (
	"cmp"
	"slices"
)

const phasesMax = 10

func scheduleEndpoints() []endpoint {
	phases := []string{
		"phases[][items][][price]", "phases[][items][][quantity]", "phases[][items][][metadata][*]", "phases[][start_date]", "phases[][end_date]",
		"phases[][iterations]", "phases[][proration_behavior]", "phases[][trial_end]", "phases[][currency]", "phases[][metadata][*]",
		"end_behavior", "metadata[*]",
	}
	return []endpoint{
		{"POST /v1/subscription_schedules", []string{"from_subscription", "metadata[*]"}, createSchedule},
		{"GET /v1/subscription_schedules", paged(append([]string{"customer"}, created...)...), listed(nil, func(v *schedule) int64 { return v.Created })},
		{"GET /v1/subscription_schedules/{id}", nil, read[schedule]},
		{"POST /v1/subscription_schedules/{id}", append([]string{"proration_behavior"}, phases...), updateSchedule},
		{"POST /v1/subscription_schedules/{id}/release", []string{"preserve_cancel_date"}, releaseSchedule},
		{"POST /v1/subscription_schedules/{id}/cancel", []string{"invoice_now", "prorate"}, cancelSchedule},
	}
}

func createSchedule(t *tx, c call) (any, error) {
	of, err := c.form.need("from_subscription")
	if err != nil {
		return nil, err
	}
	s, err := get[subscription](t, of)
	if err != nil {
		return nil, err
	}
	if err := t.at(s.Customer); err != nil {
		return nil, err
	}
	switch {
	case s.over():
		return nil, invalid("", "from_subscription", "You cannot migrate a subscription that is already canceled.")
	case s.Schedule != "":
		return nil, invalid("", "from_subscription", "You cannot migrate a subscription that is already attached to a schedule: `%s`.", s.Schedule)
	case s.CancelAtPeriodEnd || s.CancelAt != 0:
		return nil, invalid("", "from_subscription", "You cannot migrate a subscription that is set to cancel.")
	}
	v := &schedule{
		ID: name(kindSchedule, ""), Object: kindSchedule, Created: t.now, Status: active, Customer: s.Customer, Subscription: ref(s.ID),
		EndBehavior: "release", CurrentPhase: &phaseSpan{s.CurrentPeriodStart, s.CurrentPeriodEnd}, TestClock: s.TestClock,
	}
	if err := c.form.merge(&v.Metadata); err != nil {
		return nil, err
	}
	now := phase{
		StartDate: s.CurrentPeriodStart, EndDate: s.CurrentPeriodEnd, Currency: s.Currency, ProrationBehavior: "create_prorations",
		TrialEnd: s.TrialEnd, Metadata: map[string]string{},
	}
	if s.Status != trialing {
		now.TrialEnd = 0
	}
	for _, item := range s.Items.Data {
		now.Items = append(now.Items, phaseItem{item.Price.ID, item.Quantity, map[string]string{}})
	}
	v.Phases = []phase{now}
	s.Schedule = ref(v.ID)
	t.save(v)
	t.save(s)
	t.announce("subscription_schedule.created", v)
	t.announce("customer.subscription.updated", s, map[string]any{"schedule": nil})
	return v, nil
}

// running is a schedule that can still be changed.
func (t *tx) running(id string) (*schedule, *subscription, error) {
	v, err := get[schedule](t, id)
	if err != nil {
		return nil, nil, err
	}
	if err := t.at(v.Customer); err != nil {
		return nil, nil, err
	}
	if v.Status != active {
		return nil, nil, invalid("", "", "You cannot change a subscription schedule that is currently in the `%s` status.", v.Status)
	}
	s, err := get[subscription](t, string(v.Subscription))
	t.save(v)
	return v, s, err
}

func updateSchedule(t *tx, c call) (any, error) {
	v, s, err := t.running(c.id)
	if err != nil {
		return nil, err
	}
	if v.EndBehavior, err = c.form.choice("end_behavior", v.EndBehavior, "release", "cancel"); err != nil {
		return nil, err
	}
	if err := c.form.merge(&v.Metadata); err != nil {
		return nil, err
	}
	behavior, err := c.form.choice("proration_behavior", "create_prorations", "always_invoice", "none")
	if err != nil {
		return nil, err
	}
	if all := c.form.elements("phases"); len(all) > 0 {
		if v.Phases, err = t.readPhases(all, s); err != nil {
			return nil, err
		}
		n := slices.IndexFunc(v.Phases, func(p phase) bool { return p.StartDate <= t.now && t.now < p.EndDate })
		if n < 0 {
			return nil, invalid("", "phases", "You must provide the current phase of the schedule.")
		}
		v.CurrentPhase = &phaseSpan{v.Phases[n].StartDate, v.Phases[n].EndDate}
		if err := t.enter(s, v.Phases[n], behavior); err != nil {
			return nil, err
		}
	}
	t.announce("subscription_schedule.updated", v)
	return v, nil
}

func (t *tx) readPhases(all []form, s *subscription) ([]phase, error) {
	if len(all) > phasesMax {
		return nil, invalid("", "phases", "A schedule has at most %d phases.", phasesMax)
	}
	var phases []phase
	for n, f := range all {
		p := phase{Currency: s.Currency}
		before := int64(0)
		if n > 0 {
			before = phases[n-1].EndDate
		}
		var err error
		if p.StartDate, err = f.number("start_date", cmp.Or(before, s.CurrentPeriodStart)); err != nil {
			return nil, err
		}
		if n > 0 && p.StartDate != before {
			return nil, invalid("", f.key("start_date"), "The phase must start when the one before it ends.")
		}
		if err := t.readPhase(f, &p); err != nil {
			return nil, err
		}
		phases = append(phases, p)
	}
	return phases, nil
}

func (t *tx) readPhase(f form, p *phase) error {
	items, err := t.readNewItems(f.elements("items"))
	if err != nil {
		return err
	}
	if items[0].Price.Currency != p.Currency {
		return invalid("", f.key("items"), "The price must be in %s.", p.Currency)
	}
	for _, item := range items {
		p.Items = append(p.Items, phaseItem{item.Price.ID, item.Quantity, item.Metadata})
	}
	if p.ProrationBehavior, err = f.choice("proration_behavior", "create_prorations", "always_invoice", "none"); err != nil {
		return err
	}
	trial, err := f.number("trial_end", 0)
	if err != nil {
		return err
	}
	p.TrialEnd = stamp(trial)
	times, err := f.number("iterations", 1)
	if err != nil {
		return err
	}
	if times < 1 || times > 100 {
		return invalid("parameter_invalid_integer", f.key("iterations"), "A phase has from 1 to 100 iterations.")
	}
	end := p.StartDate
	for range times {
		end = nextEnd(p.StartDate, end, items[0].Price.Recurring)
	}
	if p.EndDate, err = f.number("end_date", end); err != nil {
		return err
	}
	if p.EndDate <= p.StartDate {
		return invalid("", f.key("end_date"), "The phase must end after it starts.")
	}
	return f.merge(&p.Metadata)
}

// enter makes the subscription what a phase says.
func (t *tx) enter(s *subscription, p phase, behavior string) error {
	items, err := t.itemsOf(s, p)
	if err != nil {
		return err
	}
	u := update{items: items, at: t.now, behavior: behavior}
	u.changed = !sameItems(s.Items.Data, u.items)
	old, next := s.Items.Data[0].Price.Recurring, u.items[0].Price.Recurring
	u.anchor = old.Interval != next.Interval || old.IntervalCount != next.IntervalCount
	if !u.changed && !u.anchor {
		return nil
	}
	return t.change(s, u, "allow_incomplete", map[string]any{})
}

// itemsOf are the items that a phase wants, and its metadata is the subscription's
// from now on. An item whose price stays is the same item.
func (t *tx) itemsOf(s *subscription, p phase) ([]subscriptionItem, error) {
	var items []subscriptionItem
	for _, want := range p.Items {
		of, err := get[price](t, want.Price)
		if err != nil {
			return nil, err
		}
		item := subscriptionItem{
			ID: identifier("si_", ""), Object: "subscription_item", Created: t.now, Subscription: s.ID, Metadata: map[string]string{},
		}
		if n := slices.IndexFunc(s.Items.Data, func(i subscriptionItem) bool { return i.Price.ID == want.Price }); n >= 0 {
			item = s.Items.Data[n]
		} else if len(p.Items) == 1 && len(s.Items.Data) == 1 {
			item = s.Items.Data[0]
		}
		item.Price, item.Plan, item.Quantity = *of, planOf(*of), want.Quantity
		items = append(items, item)
	}
	for key, value := range p.Metadata {
		if s.Metadata == nil {
			s.Metadata = map[string]string{}
		}
		s.Metadata[key] = value
	}
	return items, nil
}

// nextPhase is what time does to a schedule: the next phase begins, or it is over.
// A phase that ends with the period begins before the renewal is billed, at the same
// second: the new prices are those of the new period, and nothing is prorated.
func (t *tx) nextPhase(v *schedule) error {
	t.save(v)
	s, err := get[subscription](t, string(v.Subscription))
	if err != nil {
		return err
	}
	n := slices.IndexFunc(v.Phases, func(p phase) bool { return p.StartDate == v.CurrentPhase.EndDate })
	if n < 0 {
		v.CurrentPhase = nil
		if v.EndBehavior == "cancel" {
			v.Status, v.CompletedAt = "completed", stamp(t.now)
			t.announce("subscription_schedule.completed", v)
			t.end(s, "")
			return nil
		}
		t.letGo(v, s)
		v.Status, v.CompletedAt = "completed", stamp(t.now)
		t.announce("subscription_schedule.completed", v)
		return nil
	}
	p := v.Phases[n]
	v.CurrentPhase = &phaseSpan{p.StartDate, p.EndDate}
	t.announce("subscription_schedule.updated", v)
	if t.now >= s.CurrentPeriodEnd && !s.over() {
		return t.turnInto(s, p)
	}
	return t.enter(s, p, p.ProrationBehavior)
}

// turnInto begins the period of a subscription with the items of a phase.
func (t *tx) turnInto(s *subscription, p phase) error {
	before := s.Items.Data[0].Price.Recurring
	items, err := t.itemsOf(s, p)
	if err != nil {
		return err
	}
	s.Items.Data = items
	if after := items[0].Price.Recurring; after.Interval != before.Interval || after.IntervalCount != before.IntervalCount {
		s.BillingCycleAnchor = s.CurrentPeriodEnd
	}
	t.save(s)
	if s.Status == trialing {
		return t.endTrial(s)
	}
	return t.renew(s)
}

// letGo takes the subscription out of the hands of its schedule.
func (t *tx) letGo(v *schedule, s *subscription) {
	v.ReleasedSubscription, v.Subscription, v.ReleasedAt, v.CurrentPhase = v.Subscription, "", stamp(t.now), nil
	v.Status = "released"
	s.Schedule = ""
	t.save(s)
	t.save(v)
	t.announce("subscription_schedule.released", v)
	t.announce("customer.subscription.updated", s, map[string]any{"schedule": v.ID})
}

func releaseSchedule(t *tx, c call) (any, error) {
	v, s, err := t.running(c.id)
	if err != nil {
		return nil, err
	}
	t.letGo(v, s)
	return v, nil
}

func cancelSchedule(t *tx, c call) (any, error) {
	v, s, err := t.running(c.id)
	if err != nil {
		return nil, err
	}
	if !s.over() {
		t.end(s, "cancellation_requested") // and the schedule with it
	}
	return v, nil
}
