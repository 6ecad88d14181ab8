package billingsandbox

import (
	"strconv"
	"strings"

	"github.com/dyocense/dyocense/shared/docstore"
)

type meter struct {
	hidden
	ID              string `json:"id"`
	Object          kind   `json:"object"`
	Created         int64  `json:"created"`
	Updated         int64  `json:"updated"`
	Livemode        bool   `json:"livemode"`
	CustomerMapping struct {
		EventPayloadKey string `json:"event_payload_key"`
		Type            string `json:"type"`
	} `json:"customer_mapping"`
	DefaultAggregation struct {
		Formula string `json:"formula"`
	} `json:"default_aggregation"`
	DisplayName       string `json:"display_name"`
	EventName         string `json:"event_name"`
	EventTimeWindow   ref    `json:"event_time_window"`
	Status            string `json:"status"`
	StatusTransitions struct {
		DeactivatedAt stamp `json:"deactivated_at"`
	} `json:"status_transitions"`
	ValueSettings struct {
		EventPayloadKey string `json:"event_payload_key"`
	} `json:"value_settings"`
}

func (v *meter) found() found {
	return found{id: v.ID, kind: kindMeter, lookup: "meter " + v.EventName}
}

type meterEvent struct {
	hidden
	Object     kind              `json:"object"`
	Created    int64             `json:"created"`
	EventName  string            `json:"event_name"`
	Identifier string            `json:"identifier"`
	Livemode   bool              `json:"livemode"`
	Payload    map[string]string `json:"payload"`
	Timestamp  int64             `json:"timestamp"`
}

// found names an event after its identifier, so that there is one of each. It is
// looked for by its event and customer.
func (v *meterEvent) found() found {
	return found{id: meterEventID(v.EventName, v.Identifier), kind: kindMeterEvent, customer: v.EventName}
}

func meterEventID(event, identifier string) string {
	return name(kindMeterEvent, event+" "+identifier)
}

func meterEndpoints() []endpoint {
	return []endpoint{
		{"POST /v1/billing/meters", []string{
			"display_name", "event_name", "event_time_window", "default_aggregation[formula]", "customer_mapping[event_payload_key]", "customer_mapping[type]",
			"value_settings[event_payload_key]",
		}, createMeter},
		{"GET /v1/billing/meters", paged("status"), listed(map[string]func(*meter) string{"status": func(v *meter) string { return v.Status }}, nil)},
		{"GET /v1/billing/meters/{id}", nil, read[meter]},
		{"POST /v1/billing/meters/{id}", []string{"display_name"}, updateMeter},
		{"POST /v1/billing/meters/{id}/deactivate", nil, func(t *tx, c call) (any, error) { return turnMeter(t, c, "inactive") }},
		{"POST /v1/billing/meters/{id}/reactivate", nil, func(t *tx, c call) (any, error) { return turnMeter(t, c, active) }},
		{"GET /v1/billing/meters/{id}/event_summaries", paged("customer", "start_time", "end_time", "value_grouping_window"), meterSummaries},
		{"POST /v1/billing/meter_events", []string{"event_name", "identifier", "timestamp", "payload[*]"}, createMeterEvent},
		{"POST /v1/billing/meter_event_adjustments", []string{"event_name", "type", "cancel[identifier]"}, createMeterAdjustment},
	}
}

func createMeter(t *tx, c call) (any, error) {
	v := &meter{ID: name(kindMeter, ""), Object: kindMeter, Created: t.now, Updated: t.now, Status: active}
	var err error
	if v.DisplayName, err = c.form.need("display_name"); err != nil {
		return nil, err
	}
	if v.EventName, err = c.form.need("event_name"); err != nil {
		return nil, err
	}
	if len(v.DisplayName) > 250 || len(v.EventName) > 100 {
		return nil, invalid("", "event_name", "Names have at most 100 characters, display names 250.")
	}
	if v.DefaultAggregation.Formula, err = c.form.in("default_aggregation").choice("formula", "sum", "count"); err != nil {
		return nil, err
	}
	if window, err := c.form.choice("event_time_window", "", "day", "hour"); err != nil {
		return nil, err
	} else if v.EventTimeWindow = ref(window); v.EventTimeWindow == "" {
		v.EventTimeWindow = "hour"
	}
	v.CustomerMapping.Type, v.CustomerMapping.EventPayloadKey, v.ValueSettings.EventPayloadKey = "by_id", "stripe_customer_id", "value"
	if key := c.form.in("customer_mapping").text("event_payload_key"); key != "" {
		v.CustomerMapping.EventPayloadKey = key
	}
	if key := c.form.in("value_settings").text("event_payload_key"); key != "" {
		v.ValueSettings.EventPayloadKey = key
	}
	if other, err := t.meterOf(v.EventName); err != nil || other != nil {
		if err == nil {
			err = invalid("resource_already_exists", "event_name", "There is an existing meter with event_name %s.", v.EventName)
		}
		return nil, err
	}
	t.save(v)
	return v, nil
}

// meterOf is the meter that counts an event, nil when there is none.
func (t *tx) meterOf(event string) (*meter, error) {
	all, err := every[meter](t, docstore.Query{Index: byLookup, Equal: []any{"meter " + event}})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

func updateMeter(t *tx, c call) (any, error) {
	v, err := get[meter](t, c.id)
	if err != nil {
		return nil, err
	}
	if label := c.form.text("display_name"); label != "" {
		v.DisplayName, v.Updated = label, t.now
	}
	t.save(v)
	return v, nil
}

func turnMeter(t *tx, c call, status string) (any, error) {
	v, err := get[meter](t, c.id)
	if err != nil {
		return nil, err
	}
	if v.Status == status {
		return nil, invalid("", "", "The meter is %s already.", status)
	}
	v.Status, v.Updated, v.StatusTransitions.DeactivatedAt = status, t.now, 0
	if status != active {
		v.StatusTransitions.DeactivatedAt = stamp(t.now)
	}
	t.save(v)
	return v, nil
}

// The window in which a meter event may lie.
const (
	meterPast   = 35 * day
	meterFuture = 5 * 60
)

func createMeterEvent(t *tx, c call) (any, error) {
	event, err := c.form.need("event_name")
	if err != nil {
		return nil, err
	}
	v := &meterEvent{Object: kindMeterEvent, EventName: event, Identifier: c.form.text("identifier"), Payload: map[string]string{}}
	for key, values := range c.form.values {
		if before, inner, ok := cutLast(key); ok && before == "payload" {
			v.Payload[inner] = values[0]
		}
	}
	m, err := t.meterOf(event)
	if err != nil {
		return nil, err
	}
	if m == nil || m.Status != active {
		return nil, invalid("no_meter", "event_name", "No active meter found for event_name %s.", event)
	}
	of := v.Payload[m.CustomerMapping.EventPayloadKey]
	if _, err := living(t, of); err != nil {
		return nil, invalid("meter_event_customer_not_found", "payload", "The customer %s in the payload was not found.", of)
	}
	if err := t.at(of); err != nil {
		return nil, err
	}
	if m.DefaultAggregation.Formula == "sum" {
		if n, err := strconv.ParseInt(v.Payload[m.ValueSettings.EventPayloadKey], 10, 64); err != nil || n < 0 {
			return nil, invalid("meter_event_invalid_value", "payload", "The value in the payload must be a whole number of at least 0.")
		}
	}
	if v.Timestamp, err = c.form.number("timestamp", t.now); err != nil {
		return nil, err
	}
	if v.Timestamp < t.now-meterPast || v.Timestamp > t.now+meterFuture {
		return nil, invalid("timestamp_invalid", "timestamp", "The timestamp must be within the past 35 calendar days or up to 5 minutes in the future.")
	}
	if v.Identifier == "" {
		v.Identifier = strings.ToLower(identifier("", ""))
	}
	if len(v.Identifier) > 100 {
		return nil, invalid("", "identifier", "An identifier has at most 100 characters.")
	}
	v.Created = t.now
	before, err := get[meterEvent](t, meterEventID(event, v.Identifier))
	if err == nil && before.Created > t.now-day {
		return nil, invalid("duplicate_meter_event", "identifier", "An event already exists with identifier %s.", v.Identifier)
	}
	if err == nil {
		// The first of two with one identifier keeps counting under a name of its own.
		kept := *before
		kept.Identifier += " " + strconv.FormatInt(before.Created, 10)
		t.save(&kept)
		*before = *v
		v = before
	}
	t.save(v)
	return v, nil
}

func createMeterAdjustment(t *tx, c call) (any, error) {
	event, err := c.form.need("event_name")
	if err != nil {
		return nil, err
	}
	sort, err := c.form.need("type")
	if err != nil {
		return nil, err
	}
	id, err := c.form.in("cancel").need("identifier")
	if err != nil {
		return nil, err
	}
	v, err := get[meterEvent](t, meterEventID(event, id))
	switch {
	case sort != "cancel":
		return nil, invalid("", "type", "Invalid type: must be cancel")
	case err != nil:
		return nil, invalid("resource_missing", "cancel[identifier]", "No meter event with the identifier %s.", id)
	case v.Created < t.now-day:
		return nil, invalid("", "cancel[identifier]", "A meter event can be canceled within 24 hours of being received.")
	}
	v.Memo.Canceled = true
	t.save(v)
	return map[string]any{
		"object": "billing.meter_event_adjustment", "cancel": map[string]string{"identifier": id}, "event_name": event, "livemode": false,
		"status": complete, "type": "cancel",
	}, nil
}

// counted adds up the events of a customer in [from, to).
func (t *tx) counted(m *meter, of string, from, to int64) (int64, error) {
	all, err := every[meterEvent](t, ofCustomer(kindMeterEvent, m.EventName))
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, v := range all {
		if v.Memo.Canceled || v.Payload[m.CustomerMapping.EventPayloadKey] != of || v.Timestamp < from || v.Timestamp >= to {
			continue
		}
		n := int64(1)
		if m.DefaultAggregation.Formula == "sum" {
			if n, err = strconv.ParseInt(v.Payload[m.ValueSettings.EventPayloadKey], 10, 64); err != nil {
				continue // counted at a time when the meter was another
			}
		}
		sum += n
	}
	return sum, nil
}

// used is what a customer used of a meter.
func (t *tx) used(of, meterID string, from, to int64) (int64, error) {
	m, err := get[meter](t, meterID)
	if err != nil {
		return 0, err
	}
	return t.counted(m, of, from, to)
}

func meterSummaries(t *tx, c call) (any, error) {
	m, err := get[meter](t, c.id)
	if err != nil {
		return nil, err
	}
	of, err := c.form.need("customer")
	if err != nil {
		return nil, err
	}
	for _, need := range []string{"start_time", "end_time"} {
		if _, err := c.form.need(need); err != nil {
			return nil, err
		}
	}
	from, err := c.form.number("start_time", 0)
	if err != nil {
		return nil, err
	}
	to, err := c.form.number("end_time", 0)
	if err != nil {
		return nil, err
	}
	window, err := c.form.choice("value_grouping_window", "", "hour", "day")
	if err != nil {
		return nil, err
	}
	width := map[string]int64{"": to - from, "hour": 3600, "day": day}[window]
	if to <= from || from%60 != 0 || to%60 != 0 || (to-from)/max(1, width) > 1000 {
		return nil, invalid("", "end_time", "The times must be whole minutes, the end after the start, and make at most 1000 groups.")
	}
	type summary struct {
		ID              string `json:"id"`
		Object          string `json:"object"`
		AggregatedValue int64  `json:"aggregated_value"`
		EndTime         int64  `json:"end_time"`
		Livemode        bool   `json:"livemode"`
		Meter           string `json:"meter"`
		StartTime       int64  `json:"start_time"`
	}
	out := listOf(c.path, []summary{}...)
	out.Data = []summary{}
	for at := from; at < to; at += width {
		n, err := t.counted(m, of, at, min(to, at+width))
		if err != nil {
			return nil, err
		}
		out.Data = append([]summary{{identifier("mtrusg_test_", m.ID+of+strconv.FormatInt(at, 10)), "billing.meter_event_summary", n, min(to, at+width), false, m.ID, at}}, out.Data...)
	}
	return out, nil
}
