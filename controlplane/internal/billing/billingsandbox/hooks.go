package billingsandbox

import (
	"fmt"
	"slices"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/shared/docstore"
)

// hook is an address to which events are sent over the network.
type hook struct {
	hidden
	ID            string            `json:"id"`
	Object        kind              `json:"object"`
	Created       int64             `json:"created"`
	Livemode      bool              `json:"livemode"`
	APIVersion    ref               `json:"api_version"`
	Description   ref               `json:"description"`
	EnabledEvents []string          `json:"enabled_events"`
	Secret        string            `json:"secret,omitempty"` // told once
	Status        string            `json:"status"`
	URL           string            `json:"url"`
	Metadata      map[string]string `json:"metadata"`
}

func (v *hook) found() found { return found{id: v.ID, kind: kindEndpoint} }

// wants says whether events of this type are sent to it.
func (v *hook) wants(sort string) bool {
	return v.Status == "enabled" && (slices.Contains(v.EnabledEvents, "*") || slices.Contains(v.EnabledEvents, sort))
}

const hooksMax = 16

func hookEndpoints() []endpoint {
	params := []string{"url", "enabled_events[]", "description", "metadata[*]"}
	return []endpoint{
		{"POST /v1/webhook_endpoints", append([]string{"api_version"}, params...), createHook},
		{"GET /v1/webhook_endpoints", paged(), listed[hook](nil, nil)},
		{"GET /v1/webhook_endpoints/{id}", nil, read[hook]},
		{"POST /v1/webhook_endpoints/{id}", append([]string{"disabled"}, params...), updateHook},
		{"DELETE /v1/webhook_endpoints/{id}", nil, deleteHook},
	}
}

func createHook(t *tx, c call) (any, error) {
	v := &hook{ID: name(kindEndpoint, ""), Object: kindEndpoint, Created: t.now, Status: "enabled", APIVersion: ref(c.form.text("api_version"))}
	if v.APIVersion != "" && string(v.APIVersion) != stripe.APIVersion {
		return nil, invalid("", "api_version", "The sandbox speaks %s only.", stripe.APIVersion)
	}
	if _, err := c.form.need("url"); err != nil {
		return nil, err
	}
	if !c.form.given("enabled_events") {
		return nil, missingParameter("enabled_events")
	}
	all, err := every[hook](t, ofKind(kindEndpoint))
	if err != nil {
		return nil, err
	}
	if len(all) >= hooksMax {
		return nil, invalid("", "", "You have reached the maximum of %d test webhook endpoints.", hooksMax)
	}
	if err := v.take(c.form); err != nil {
		return nil, err
	}
	v.Memo.Secret = newSecret()
	t.save(v)
	told := *v
	told.Secret = v.Memo.Secret
	return &told, nil
}

func (v *hook) take(f form) error {
	if f.given("url") {
		to, err := readURL(f, "url")
		if err != nil {
			return err
		}
		v.URL = to
	}
	if f.given("enabled_events") {
		v.EnabledEvents = f.list("enabled_events")
	}
	f.take("description", &v.Description)
	return f.merge(&v.Metadata)
}

func updateHook(t *tx, c call) (any, error) {
	v, err := get[hook](t, c.id)
	if err != nil {
		return nil, err
	}
	off, err := c.form.truth("disabled", v.Status == "disabled")
	if err != nil {
		return nil, err
	}
	v.Status = "enabled"
	if off {
		v.Status = "disabled"
	}
	t.save(v)
	return v, v.take(c.form)
}

func deleteHook(t *tx, c call) (any, error) {
	v, err := get[hook](t, c.id)
	if err != nil {
		return nil, err
	}
	t.remove(v)
	return removed{v.ID, kindEndpoint, true}, nil
}

func eventEndpoints() []endpoint {
	return []endpoint{
		{"GET /v1/events", paged(append([]string{"type", "types[]", "delivery_success"}, created...)...), listEvents},
		{"GET /v1/events/{id}", nil, readEvent},
	}
}

// counted notes how many receivers have not taken an event yet.
func (t *tx) pending(v *event) (waits, lost int64, err error) {
	rows, err := t.b.deliveries.All(t.ctx, docstore.Query{Index: byEvent, Equal: []any{v.ID}})
	if err != nil {
		return 0, 0, fmt.Errorf("find deliveries: %w", err)
	}
	for _, row := range rows {
		switch row.Value.State {
		case waiting:
			waits++
		case failed:
			lost++
		}
	}
	return waits, lost, nil
}

func readEvent(t *tx, c call) (any, error) {
	v, err := get[event](t, c.id)
	if err != nil {
		return nil, err
	}
	v.PendingWebhooks, _, err = t.pending(v)
	return v, err
}

func listEvents(t *tx, c call) (any, error) {
	of, types := c.form.text("type"), c.form.list("types")
	if of != "" && len(types) > 0 {
		return nil, invalid("", "types", "You may pass either type or types, but not both.")
	}
	inside, err := c.form.created()
	if err != nil {
		return nil, err
	}
	wanted := c.form.given("delivery_success")
	success, err := c.form.truth("delivery_success", false)
	if err != nil {
		return nil, err
	}
	var broken error
	found, err := page(t, c, ofKind(kindEvent), func(v *event) bool {
		if of != "" && !matchesType(of, v.Type) || len(types) > 0 && !slices.Contains(types, v.Type) || !inside(v.Created) {
			return false
		}
		if !wanted {
			return true
		}
		waits, lost, err := t.pending(v)
		if err != nil {
			broken = err
		}
		return success == (waits+lost == 0)
	})
	if err == nil {
		err = broken
	}
	return found, err
}

// matchesType reads "customer.*" as Stripe does.
func matchesType(pattern, sort string) bool {
	if n := len(pattern) - 1; n >= 0 && pattern[n] == '*' {
		return len(sort) >= n && sort[:n] == pattern[:n]
	}
	return pattern == sort
}
