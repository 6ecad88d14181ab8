package billingsandbox_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
)

func TestTaxNumbersAreCheckedAndVerified(t *testing.T) {
	t.Parallel()
	s := shop(t)
	add := func(sort, value string) (*stripe.TaxID, error) {
		return s.api().TaxIDs.New(&stripe.TaxIDParams{Customer: &s.customer, Type: &sort, Value: &value})
	}
	for _, wrong := range [][2]string{{"eu_vat", "DE1"}, {"eu_vat", "XX123456789"}, {"us_ein", "12-34"}, {"moon_vat", "1"}} {
		var refused *stripe.Error
		if _, err := add(wrong[0], wrong[1]); !errors.As(err, &refused) || refused.HTTPStatusCode != 400 {
			t.Errorf("%v: %v; want 400", wrong, err)
		}
	}
	good, err := add("eu_vat", "DE123456789")
	if err != nil || good.Verification.Status != "pending" || good.Country != "DE" {
		t.Fatalf("%+v, %v", good, err)
	}
	bad, err1 := add("eu_vat", "DE111111111")
	slow, err2 := add("eu_vat", "DE222222222")
	ein, err3 := add("us_ein", "12-3456789")
	if err := errors.Join(err1, err2, err3); err != nil || ein.Verification.Status != "unavailable" {
		t.Fatal(ein, err)
	}
	s.clock.Move(time.Minute)
	if err := s.sandbox.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]stripe.TaxIDVerificationStatus{good.ID: "verified", bad.ID: "unverified", slow.ID: "pending"} {
		if v, err := s.api().TaxIDs.Get(id, &stripe.TaxIDParams{Customer: &s.customer}); err != nil || v.Verification.Status != want {
			t.Errorf("%+v, %v; want %s", v, err, want)
		}
	}
	if n := times(s.told(t), "customer.tax_id.updated"); n != 2 {
		t.Errorf("%d verifications were told; want 2", n)
	}
	if gone, err := s.api().TaxIDs.Del(ein.ID, &stripe.TaxIDParams{Customer: &s.customer}); err != nil || !gone.Deleted {
		t.Errorf("%+v, %v", gone, err)
	}
	list := s.api().TaxIDs.List(&stripe.TaxIDListParams{Customer: &s.customer})
	n := 0
	for list.Next() {
		n++
	}
	if n != 3 || list.Err() != nil {
		t.Errorf("%d numbers, %v; want 3", n, list.Err())
	}
}

func TestACheckoutAsksForNameAddressAndTaxNumber(t *testing.T) {
	t.Parallel()
	s := shop(t)
	form := s.order()
	form.Set("tax_id_collection[enabled]", "true")
	if status, failure := ask(t, s.sandbox, "POST", "/v1/checkout/sessions", form.Encode(), ""); status != 400 {
		t.Errorf("without customer_update[name]: %d %v", status, failure)
	}
	form.Set("automatic_tax[enabled]", "true")
	form.Set("customer_update[name]", "auto")
	form.Set("customer_update[address]", "auto")
	session := s.must(t, "/v1/checkout/sessions", form, "")
	page := session["url"].(string)
	filled := typed("4242424242424242")
	for k, v := range map[string]string{"name": "Herons Ltd", "country": "de", "postal_code": "10115", "tax_type": "eu_vat", "tax_value": "nonsense"} {
		filled.Set(k, v)
	}
	if w := fill(t, s.sandbox, page, filled); w.Code != http.StatusPaymentRequired || !strings.Contains(w.Body.String(), "Invalid value for eu_vat") {
		t.Fatalf("a wrong number: %d", w.Code)
	}
	filled.Set("tax_value", "DE123456789")
	if w := fill(t, s.sandbox, page, filled); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	c, err := s.api().Customers.Get(s.customer, nil)
	if err != nil || c.Name != "Herons Ltd" || c.Address.Country != "DE" || c.Address.PostalCode != "10115" {
		t.Errorf("%+v, %v", c, err)
	}
	if !s.bought(t).AutomaticTax.Enabled || times(s.told(t), "customer.tax_id.created") != 1 {
		t.Errorf("subscription = %+v", s.bought(t))
	}
}

func TestMeters(t *testing.T) {
	t.Parallel()
	s := shop(t)
	m, err := s.api().BillingMeters.New(&stripe.BillingMeterParams{
		DisplayName: stripe.String("Decisions"), EventName: stripe.String("decisions"),
		DefaultAggregation: &stripe.BillingMeterDefaultAggregationParams{Formula: stripe.String("sum")},
	})
	if err != nil || m.Status != "active" || m.CustomerMapping.EventPayloadKey != "stripe_customer_id" || m.ValueSettings.EventPayloadKey != "value" {
		t.Fatalf("%+v, %v", m, err)
	}
	now := s.clock.Now().Truncate(time.Hour).Unix()
	report := func(id string, value int, at int64) error {
		_, err := s.api().BillingMeterEvents.New(&stripe.BillingMeterEventParams{
			EventName: stripe.String("decisions"), Identifier: &id, Timestamp: &at, Payload: map[string]string{"stripe_customer_id": s.customer, "value": fmt.Sprint(value)},
		})
		return err
	}
	for _, e := range []struct {
		id    string
		value int
		at    int64
		fits  bool
	}{
		{"a", 5, now, true},
		{"a", 5, now, false},
		{"b", 7, now - 3600, true},
		{"c", 100, now, true},
		{"old", 1, now - 36*86400, false},
		{"future", 1, now + 7200, false},
		{"minus", -1, now, false},
	} {
		if err := report(e.id, e.value, e.at); (err == nil) != e.fits {
			t.Errorf("%s: %v", e.id, err)
		}
	}
	if _, err := s.api().BillingMeterEventAdjustments.New(&stripe.BillingMeterEventAdjustmentParams{
		EventName: stripe.String("decisions"), Type: stripe.String("cancel"), Cancel: &stripe.BillingMeterEventAdjustmentCancelParams{Identifier: stripe.String("c")},
	}); err != nil {
		t.Fatal(err)
	}
	list := s.api().BillingMeterEventSummaries.List(&stripe.BillingMeterEventSummaryListParams{
		ID: &m.ID, Customer: &s.customer, StartTime: stripe.Int64(now - 3600), EndTime: stripe.Int64(now + 3600), ValueGroupingWindow: stripe.String("hour"),
	})
	var got []float64
	for list.Next() {
		got = append(got, list.BillingMeterEventSummary().AggregatedValue)
	}
	if !slices.Equal(got, []float64{5, 7}) || list.Err() != nil {
		t.Errorf("%v, %v; want 5 and 7", got, list.Err())
	}
	s.clock.Move(25 * time.Hour)
	if err := report("a", 1, now+3600); err != nil {
		t.Errorf("an identifier after a day: %v", err)
	}
	if _, err := s.api().BillingMeters.Deactivate(m.ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := report("z", 1, now); err == nil {
		t.Error("a meter that is off counts")
	}
}

func TestUseIsBilledWithTheNextPeriod(t *testing.T) {
	t.Parallel()
	s := byTestClock(t, "pm_card_visa")
	m := s.must(t, "/v1/billing/meters", url.Values{"display_name": {"Runs"}, "event_name": {"runs"}, "default_aggregation[formula]": {"count"}}, "")
	product := s.must(t, "/v1/products", url.Values{"name": {"Run"}}, "")
	price := s.must(t, "/v1/prices", url.Values{
		"product": {product["id"].(string)}, "currency": {"usd"}, "unit_amount": {"25"}, "recurring[interval]": {"month"},
		"recurring[usage_type]": {"metered"}, "recurring[meter]": {m["id"].(string)},
	}, "")["id"].(string)
	sub, err := s.api().Subscriptions.New(&stripe.SubscriptionParams{Customer: &s.customer, Items: []*stripe.SubscriptionItemsParams{{Price: &s.small}, {Price: &price}}})
	if err != nil || sub.Status != "active" {
		t.Fatalf("%+v, %v", sub, err)
	}
	s.id = sub.ID
	for n := range 4 {
		s.must(t, "/v1/billing/meter_events", url.Values{"event_name": {"runs"}, "identifier": {fmt.Sprint(n)}, "payload[stripe_customer_id]": {s.customer}}, "")
	}
	s.advance(t, 32*days)
	if i := s.invoices(t)[0]; i.AmountPaid != 1000+4*25 {
		t.Errorf("invoice = %+v", i)
	}
}

func TestALookupKeyIsTransferred(t *testing.T) {
	t.Parallel()
	s := shop(t)
	p, err := s.api().Prices.Get(s.small, nil)
	if err != nil {
		t.Fatal(err)
	}
	made := func(transfer bool) (*stripe.Price, error) {
		return s.api().Prices.New(&stripe.PriceParams{
			Product: &p.Product.ID, Currency: stripe.String("usd"), UnitAmount: stripe.Int64(1), LookupKey: stripe.String("starter"), TransferLookupKey: &transfer,
			Recurring: &stripe.PriceRecurringParams{Interval: stripe.String("month")},
		})
	}
	first, err1 := made(false)
	second, err2 := made(true)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	list := s.api().Prices.List(&stripe.PriceListParams{LookupKeys: stripe.StringSlice([]string{"starter"})})
	if !list.Next() || list.Price().ID != second.ID || list.Next() {
		t.Errorf("the key was not moved from %s to %s: %v", first.ID, second.ID, list.Err())
	}
	if _, err := s.api().Prices.Update(first.ID, &stripe.PriceParams{Active: stripe.Bool(false)}); err != nil {
		t.Error(err)
	}
}

func TestACustomerThatIsDeletedEndsItsSubscriptions(t *testing.T) {
	t.Parallel()
	s := subscribe(t, "4242424242424242")
	if gone, err := s.api().Customers.Del(s.customer, nil); err != nil || !gone.Deleted {
		t.Fatalf("%+v, %v", gone, err)
	}
	if c, err := s.api().Customers.Get(s.customer, nil); err != nil || !c.Deleted || s.subscription(t).Status != "canceled" {
		t.Errorf("%+v, %v, %s", c, err, s.subscription(t).Status)
	}
}
