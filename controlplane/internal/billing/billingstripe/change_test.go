package billingstripe_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/dyocense/dyocense/shared/fault"
)

// What Stripe says and the sandbox does not: answers as they come over the wire.

const start, end = 1_700_000_000, 1_702_592_000

var terms = billing.Terms{
	Customer: "cus_1", Subscription: "sub_1", From: billing.Business, To: billing.Enterprise, Interval: billing.Month,
	ProratedAt: time.Unix(start+1000, 0).UTC(), Mark: "move 1", Once: "once",
}

func priceJSON(plan billing.PlanID, amount int) string {
	return fmt.Sprintf(`{"id":"price_%s","object":"price","lookup_key":"dyocense_%s_month","unit_amount":%d,"currency":"usd"}`, plan, plan, amount)
}

// told answers like Stripe: a subscription to Business, and what the test says to
// previews and updates.
func told(t *testing.T, preview string, update http.HandlerFunc) *billingstripe.Client {
	t.Helper()
	mux := http.NewServeMux()
	say := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	mux.HandleFunc("GET /v1/prices", say(`{"object":"list","data":[`+priceJSON(billing.Enterprise, 199900)+`]}`))
	mux.HandleFunc("GET /v1/subscriptions/sub_1", say(fmt.Sprintf(
		`{"id":"sub_1","object":"subscription","status":"active","current_period_start":%d,"current_period_end":%d,"metadata":{},"items":{"object":"list","data":[{"id":"si_1","price":%s}]}}`,
		start, end, priceJSON(billing.Business, 49900))))
	mux.HandleFunc("GET /v1/invoices/upcoming", say(preview))
	if update != nil {
		mux.HandleFunc("POST /v1/subscriptions/sub_1", update)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c, err := billingstripe.New(billingstripe.Config{Key: "sk_test_x", URL: server.URL, HTTP: &http.Client{Timeout: 5 * time.Second}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func line(kind string, proration bool, amount int, plan billing.PlanID, unit int) string {
	return fmt.Sprintf(`{"type":%q,"proration":%v,"amount":%d,"description":"%s %d","quantity":1,"price":%s,"period":{"start":%d,"end":%d}}`,
		kind, proration, amount, kind, amount, priceJSON(plan, unit), start+1000, end)
}

func TestPreview(t *testing.T) {
	t.Parallel()
	t.Run("leaves a renewal out that the preview shows as well, and counts credit", func(t *testing.T) {
		t.Parallel()
		c := told(t, `{"object":"invoice","currency":"usd","total":349900,"starting_balance":-5000,"amount_due":344900,"lines":{"object":"list","has_more":false,"data":[`+strings.Join([]string{
			line("invoiceitem", true, -49000, billing.Business, 49900),
			line("invoiceitem", true, 199000, billing.Enterprise, 199900),
			line("subscription", false, 199900, billing.Enterprise, 199900),
		}, ",")+`]}}`, nil)
		q, err := c.Preview(t.Context(), terms)
		want := billing.Quote{
			Currency: "usd", DueToday: 145000, AtRenewal: 199900, RenewsAt: time.Unix(end, 0).UTC(), ProratedAt: terms.ProratedAt,
			Lines: []billing.QuoteLine{{Text: "invoiceitem -49000", Cents: -49000}, {Text: "invoiceitem 199000", Cents: 199000}},
		}
		if diff := cmp.Diff(want, q); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
	t.Run("does not quote from a preview that shows not everything", func(t *testing.T) {
		t.Parallel()
		for _, lines := range []string{
			`{"object":"list","has_more":true,"data":[` + line("invoiceitem", true, 1, billing.Enterprise, 199900) + `]}`,
			`{"object":"list","data":[]}`,
		} {
			if _, err := told(t, `{"object":"invoice","currency":"usd","lines":`+lines+`}`, nil).Preview(t.Context(), terms); !errors.Is(err, billing.ErrProvider) {
				t.Errorf("%s: %v; want ErrProvider", lines, err)
			}
		}
	})
}

func TestSwitchFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		status     int
		want       error
		says       string
	}{
		{"a decline", `{"type":"card_error","code":"card_declined","decline_code":"generic_decline","message":"secret words"}`, 402, billing.ErrPayment, "was declined"},
		{"a lack of funds", `{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","message":"secret words"}`, 402, billing.ErrPayment, "insufficient funds"},
		{"an old card", `{"type":"card_error","code":"expired_card","decline_code":"expired_card","message":"secret words"}`, 402, billing.ErrPayment, "has expired"},
		{"a bank that asks", `{"type":"card_error","code":"subscription_payment_intent_requires_action","message":"secret words"}`, 402, billing.ErrPayment, "confirm the payment"},
		{"a wrong request", `{"type":"invalid_request_error","message":"secret words"}`, 400, billing.ErrProvider, "does not answer"},
		{"a failure of Stripe's", `{"type":"api_error","message":"secret words"}`, 500, billing.ErrProvider, "does not answer"},
	} {
		t.Run("tells "+c.name+" in our words", func(t *testing.T) {
			t.Parallel()
			client := told(t, "", func(w http.ResponseWriter, r *http.Request) {
				if r.FormValue("payment_behavior") != "error_if_incomplete" || r.FormValue("metadata[dyocense_change]") != "move 1" || r.Header.Get("Idempotency-Key") != "once" {
					t.Errorf("form %v, key %q", r.Form, r.Header.Get("Idempotency-Key"))
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(`{"error":` + c.body + `}`))
			})
			_, err := client.Switch(t.Context(), terms)
			if said := fault.ProblemOf(err).Detail; !errors.Is(err, c.want) || !strings.Contains(said, c.says) || strings.Contains(said, "secret") {
				t.Errorf("err = %v, says %q", err, said)
			}
		})
	}
	t.Run("does not change a plan that is not the quoted one", func(t *testing.T) {
		t.Parallel()
		other := terms
		other.From = billing.Growth
		if _, err := told(t, "", nil).Switch(t.Context(), other); !errors.Is(err, billing.ErrQuoteChanged) {
			t.Errorf("err = %v; want ErrQuoteChanged", err)
		}
		if err := told(t, "", nil).Revert(t.Context(), billing.Terms{Subscription: "sub_1", From: billing.Growth, To: billing.Enterprise, Interval: billing.Month}, billing.Receipt{}); !errors.Is(err, billing.ErrChangedSince) {
			t.Errorf("Revert = %v; want ErrChangedSince", err)
		}
	})
}
