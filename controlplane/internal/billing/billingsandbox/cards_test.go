package billingsandbox_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
)

// look opens a page.
func look(t *testing.T, b *billingsandbox.Sandbox, address string) *httptest.ResponseRecorder {
	t.Helper()
	pages, err := b.Pages()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil))
	return w
}

// fill opens a page and sends its form with these values.
func fill(t *testing.T, b *billingsandbox.Sandbox, address string, values url.Values) *httptest.ResponseRecorder {
	t.Helper()
	token := tokenField.FindStringSubmatch(look(t, b, address).Body.String())
	if token == nil {
		t.Fatalf("no form at %s: %s", address, look(t, b, address).Body)
	}
	values.Set("token", token[1])
	return send(t, b, address, values)
}

func send(t *testing.T, b *billingsandbox.Sandbox, address string, values url.Values) *httptest.ResponseRecorder {
	t.Helper()
	pages, err := b.Pages()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	return w
}

func typed(number string) url.Values {
	return url.Values{"number": {number}, "expiry": {"12 / 40"}, "cvc": {"123"}}
}

// answerBank is what the holder of a card says to the bank.
func answerBank(t *testing.T, b *billingsandbox.Sandbox, address, answer string) {
	t.Helper()
	if w := fill(t, b, address, url.Values{"step": {"authenticate"}, "answer": {answer}}); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

func TestEveryTestCardDoesWhatStripeSays(t *testing.T) {
	t.Parallel()
	s := shop(t)
	for token, want := range map[string][2]string{
		"pm_card_chargeDeclined":                  {"card_declined", "generic_decline"},
		"pm_card_chargeDeclinedInsufficientFunds": {"card_declined", "insufficient_funds"},
		"pm_card_chargeDeclinedExpiredCard":       {"expired_card", "expired_card"},
		"pm_card_chargeDeclinedIncorrectCvc":      {"incorrect_cvc", "incorrect_cvc"},
		"pm_card_chargeDeclinedProcessingError":   {"processing_error", "processing_error"},
	} {
		_, err := s.api().PaymentMethods.Attach(token, &stripe.PaymentMethodAttachParams{Customer: &s.customer})
		var refused *stripe.Error
		if !errors.As(err, &refused) || refused.HTTPStatusCode != 402 || string(refused.Code) != want[0] || string(refused.DeclineCode) != want[1] {
			t.Errorf("%s: %v; want %v", token, err, want)
		}
	}
	if s.pays(t, "pm_card_chargeCustomerFail"); len(s.told(t)) == 0 {
		t.Error("0341 does not attach")
	}
	var refused *stripe.Error
	begin := &stripe.SubscriptionParams{Customer: &s.customer, Items: []*stripe.SubscriptionItemsParams{{Price: &s.small}}, PaymentBehavior: stripe.String("error_if_incomplete")}
	if _, err := s.api().Subscriptions.New(begin); !errors.As(err, &refused) || refused.HTTPStatusCode != 402 {
		t.Errorf("0341 pays: %v", err)
	}
	if list := s.api().Subscriptions.List(&stripe.SubscriptionListParams{Customer: &s.customer, Status: stripe.String("all")}); list.Next() {
		t.Errorf("a refused subscription is there: %+v", list.Subscription())
	}
	s.pays(t, "pm_card_authenticationRequired")
	if _, err := s.api().Subscriptions.New(begin); !errors.As(err, &refused) || string(refused.Code) != "subscription_payment_intent_requires_action" {
		t.Errorf("3184 does not ask: %v", err)
	}
}

func TestTheSameNumberHasTheSameFingerprint(t *testing.T) {
	t.Parallel()
	s := shop(t)
	card := func(number string) *stripe.PaymentMethodCard {
		m, err := s.api().PaymentMethods.New(&stripe.PaymentMethodParams{Type: stripe.String("card"), Card: &stripe.PaymentMethodCardParams{
			Number: stripe.String(number), ExpMonth: stripe.Int64(12), ExpYear: stripe.Int64(2040), CVC: stripe.String("123"),
		}})
		if err != nil {
			t.Fatal(err)
		}
		return m.Card
	}
	a, b, c := card("4242424242424242"), card("4242424242424242"), card("5555555555554444")
	if a.Fingerprint != b.Fingerprint || a.Fingerprint == c.Fingerprint || len(a.Fingerprint) != 16 || c.Brand != "mastercard" {
		t.Errorf("%q, %q, %q", a.Fingerprint, b.Fingerprint, c.Fingerprint)
	}
}

func TestACardThatAsks(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"4000002500003155", "4000002760003184"} {
		t.Run("pays at the checkout once its holder confirms: "+number, func(t *testing.T) {
			t.Parallel()
			s := shop(t)
			page := s.must(t, "/v1/checkout/sessions", s.order(), "")["url"].(string)
			asked := fill(t, s.sandbox, page, typed(number))
			token := tokenField.FindStringSubmatch(asked.Body.String())
			if asked.Code != 200 || token == nil || !strings.Contains(asked.Body.String(), "Complete authentication") {
				t.Fatalf("%d %s", asked.Code, asked.Body)
			}
			if list := s.api().Charges.List(&stripe.ChargeListParams{Customer: &s.customer}); list.Next() {
				t.Fatal("charged before it was confirmed")
			}
			answer := url.Values{"token": {token[1]}, "step": {"authenticate"}, "answer": {"fail"}}
			if w := send(t, s.sandbox, page, answer); w.Code != http.StatusPaymentRequired {
				t.Fatalf("failed authentication: %d", w.Code)
			}
			answer.Set("answer", "complete")
			if w := send(t, s.sandbox, page, answer); w.Code != http.StatusSeeOther {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			s.bought(t)
			if err := s.sandbox.Advance(t.Context(), 40*days); err != nil {
				t.Fatal(err)
			}
			want := stripe.SubscriptionStatus("active") // a card that was set up renews by itself
			if strings.HasSuffix(number, "3184") {
				want = "past_due"
			}
			if sub := s.subscription(t); sub.Status != want || (want == "past_due") != slices.Contains(s.told(t), "invoice.payment_action_required") {
				t.Errorf("after the renewal: %s; want %s", sub.Status, want)
			}
		})
	}
	t.Run("is confirmed on the invoice's page, or not", func(t *testing.T) {
		t.Parallel()
		s := byTestClock(t, "pm_card_visa")
		s.begin(t, &stripe.SubscriptionParams{})
		s.pays(t, "pm_card_authenticationRequired")
		s.advance(t, 32*days)
		i := s.invoices(t)[0]
		if i.Status != "open" || !strings.Contains(look(t, s.sandbox, i.HostedInvoiceURL).Body.String(), "Confirm with your bank") {
			t.Fatalf("invoice = %+v", i)
		}
		pi, err := s.api().PaymentIntents.Get(i.PaymentIntent.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		bank := pi.NextAction.RedirectToURL.URL
		answerBank(t, s.sandbox, bank, "fail")
		if pi, err = s.api().PaymentIntents.Get(pi.ID, nil); err != nil || pi.Status != "requires_payment_method" || pi.LastPaymentError.Code != "payment_intent_authentication_failure" {
			t.Fatalf("%+v, %v", pi, err)
		}
		if _, err := s.api().Invoices.Pay(i.ID, nil); err == nil {
			t.Fatal("paid without asking")
		}
		answerBank(t, s.sandbox, bank, "complete")
		if i := s.invoices(t)[0]; i.Status != "paid" || s.subscription(t).Status != "active" {
			t.Errorf("invoice = %+v", i)
		}
	})
	t.Run("is set up for later with a setup intent", func(t *testing.T) {
		t.Parallel()
		s := shop(t)
		si, err := s.api().SetupIntents.New(&stripe.SetupIntentParams{Customer: &s.customer, PaymentMethod: stripe.String("pm_card_authenticationRequiredOnSetup"), Confirm: stripe.Bool(true), ReturnURL: stripe.String(site + "/back")})
		if err != nil || si.Status != "requires_action" {
			t.Fatalf("%+v, %v", si, err)
		}
		answerBank(t, s.sandbox, si.NextAction.RedirectToURL.URL, "complete")
		if si, err = s.api().SetupIntents.Get(si.ID, nil); err != nil || si.Status != "succeeded" {
			t.Fatalf("%+v, %v", si, err)
		}
		sub, err := s.api().Subscriptions.New(&stripe.SubscriptionParams{
			Customer: &s.customer, Items: []*stripe.SubscriptionItemsParams{{Price: &s.small}}, DefaultPaymentMethod: &si.PaymentMethod.ID,
		})
		if err != nil || sub.Status != "active" {
			t.Errorf("%+v, %v", sub, err)
		}
	})
}

func TestMoneyComesBackByRefundAndDispute(t *testing.T) {
	t.Parallel()
	t.Run("a refund", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4242424242424242")
		charge := s.invoices(t)[0].Charge.ID
		r, err := s.api().Refunds.New(&stripe.RefundParams{Charge: &charge, Amount: stripe.Int64(300), Reason: stripe.String("requested_by_customer")})
		if err != nil || r.Status != "succeeded" {
			t.Fatalf("%+v, %v", r, err)
		}
		if _, err := s.api().Refunds.New(&stripe.RefundParams{Charge: &charge, Amount: stripe.Int64(701)}); err == nil {
			t.Error("more was given back than was paid")
		}
		if _, err := s.api().Refunds.New(&stripe.RefundParams{Charge: &charge}); err != nil {
			t.Fatal(err)
		}
		if c, err := s.api().Charges.Get(charge, nil); err != nil || !c.Refunded || c.AmountRefunded != 1000 {
			t.Errorf("%+v, %v", c, err)
		}
	})
	t.Run("a dispute, which evidence wins and a close loses", func(t *testing.T) {
		t.Parallel()
		for _, want := range []stripe.DisputeStatus{"won", "lost"} {
			s := subscribe(t, "4000000000000259")
			list := s.api().Disputes.List(&stripe.DisputeListParams{})
			if !list.Next() || list.Dispute().Status != "needs_response" || list.Dispute().Amount != 1000 || !slices.Contains(s.told(t), "charge.dispute.created") {
				t.Fatal("no dispute", list.Err())
			}
			d := list.Dispute()
			if _, err := s.api().Refunds.New(&stripe.RefundParams{Charge: &d.Charge.ID}); err == nil {
				t.Error("a disputed charge was refunded")
			}
			var err error
			if want == "won" {
				d, err = s.api().Disputes.Update(d.ID, &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String("winning_evidence")}})
			} else {
				d, err = s.api().Disputes.Close(d.ID, nil)
			}
			if err != nil || d.Status != want || !slices.Contains(s.told(t), "charge.dispute.closed") {
				t.Errorf("%+v, %v; want %s", d, err, want)
			}
		}
	})
	t.Run("a warning of fraud", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, "4000000000005423")
		list := s.api().RadarEarlyFraudWarnings.List(&stripe.RadarEarlyFraudWarningListParams{})
		if !list.Next() || !list.RadarEarlyFraudWarning().Actionable || list.RadarEarlyFraudWarning().Charge.ID != s.invoices(t)[0].Charge.ID || !slices.Contains(s.told(t), "radar.early_fraud_warning.created") {
			t.Error("no warning", list.Err())
		}
	})
}

func TestInvoices(t *testing.T) {
	t.Parallel()
	past := func(t *testing.T) (*timed, *stripe.Invoice) {
		s := byTestClock(t, "pm_card_visa")
		s.begin(t, &stripe.SubscriptionParams{})
		s.pays(t, "pm_card_chargeCustomerFail")
		s.advance(t, 32*days)
		return s, s.invoices(t)[0]
	}
	t.Run("are finalized once", func(t *testing.T) {
		t.Parallel()
		s := byTestClock(t, "pm_card_visa")
		s.begin(t, &stripe.SubscriptionParams{})
		s.advance(t, 28*days)
		for s.invoices(t)[0].Status != "draft" {
			s.advance(t, 30*60*1e9)
		}
		id := s.invoices(t)[0].ID
		if i, err := s.api().Invoices.FinalizeInvoice(id, nil); err != nil || i.Status != "open" || i.PaymentIntent == nil {
			t.Fatalf("%+v, %v", i, err)
		}
		if _, err := s.api().Invoices.FinalizeInvoice(id, nil); err == nil {
			t.Error("finalized twice")
		}
		if s.advance(t, days); s.invoices(t)[0].Status != "paid" {
			t.Errorf("invoice = %+v", s.invoices(t)[0])
		}
	})
	t.Run("that are voided are tried no more, and end past due", func(t *testing.T) {
		t.Parallel()
		s, i := past(t)
		if i, err := s.api().Invoices.VoidInvoice(i.ID, nil); err != nil || i.Status != "void" {
			t.Fatalf("%+v, %v", i, err)
		}
		if sub := s.advance(t, 5*days); sub.Status != "active" || s.invoices(t)[0].AttemptCount != i.AttemptCount {
			t.Errorf("%s, %+v", sub.Status, s.invoices(t)[0])
		}
		if _, err := s.api().Invoices.Pay(i.ID, nil); err == nil {
			t.Error("a void invoice was paid")
		}
	})
	t.Run("that nobody will pay are marked so", func(t *testing.T) {
		t.Parallel()
		s, i := past(t)
		if i, err := s.api().Invoices.MarkUncollectible(i.ID, nil); err != nil || i.Status != "uncollectible" {
			t.Errorf("%+v, %v", i, err)
		}
	})
	t.Run("are shown, paid and printed at their secret address", func(t *testing.T) {
		t.Parallel()
		s, i := past(t)
		if w := look(t, s.sandbox, i.HostedInvoiceURL+"x"); w.Code != http.StatusNotFound {
			t.Errorf("another address: %d", w.Code)
		}
		if w := look(t, s.sandbox, i.InvoicePDF); w.Code != 200 || w.Header().Get("Content-Type") != "application/pdf" || !strings.HasPrefix(w.Body.String(), "%PDF-1.4") || !strings.Contains(w.Body.String(), i.Number) {
			t.Errorf("PDF: %d %v", w.Code, w.Header())
		}
		if w := fill(t, s.sandbox, i.HostedInvoiceURL, typed("4000000000000002")); w.Code != http.StatusPaymentRequired || !strings.Contains(w.Body.String(), "declined") {
			t.Errorf("a declined card: %d", w.Code)
		}
		if w := send(t, s.sandbox, i.HostedInvoiceURL, typed("4242424242424242")); w.Code != http.StatusForbidden {
			t.Errorf("a form from elsewhere: %d", w.Code)
		}
		if w := fill(t, s.sandbox, i.HostedInvoiceURL, typed("4242424242424242")); w.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if i := s.invoices(t)[0]; i.Status != "paid" || s.subscription(t).Status != "active" {
			t.Errorf("invoice = %+v", i)
		}
	})
}

func TestThePortal(t *testing.T) {
	t.Parallel()
	opened := func(t *testing.T, flow *stripe.BillingPortalSessionFlowDataParams) (*subscriber, *stripe.BillingPortalSession) {
		t.Helper()
		s := subscribe(t, "4242424242424242")
		if flow != nil && flow.SubscriptionCancel != nil {
			flow.SubscriptionCancel.Subscription = &s.id
		}
		if flow != nil && flow.SubscriptionUpdateConfirm != nil {
			flow.SubscriptionUpdateConfirm.Subscription = &s.id
			flow.SubscriptionUpdateConfirm.Items = []*stripe.BillingPortalSessionFlowDataSubscriptionUpdateConfirmItemParams{{ID: &s.item, Price: &s.large, Quantity: stripe.Int64(1)}}
		}
		on := &stripe.BillingPortalConfigurationFeaturesPaymentMethodUpdateParams{Enabled: stripe.Bool(true)}
		config, err := s.api().BillingPortalConfigurations.New(&stripe.BillingPortalConfigurationParams{
			BusinessProfile: &stripe.BillingPortalConfigurationBusinessProfileParams{Headline: stripe.String("Dyocense")},
			Features: &stripe.BillingPortalConfigurationFeaturesParams{
				PaymentMethodUpdate: on,
				InvoiceHistory:      &stripe.BillingPortalConfigurationFeaturesInvoiceHistoryParams{Enabled: stripe.Bool(true)},
				SubscriptionCancel:  &stripe.BillingPortalConfigurationFeaturesSubscriptionCancelParams{Enabled: stripe.Bool(true), Mode: stripe.String("at_period_end")},
				SubscriptionUpdate: &stripe.BillingPortalConfigurationFeaturesSubscriptionUpdateParams{
					Enabled: stripe.Bool(true), DefaultAllowedUpdates: stripe.StringSlice([]string{"price"}), ProrationBehavior: stripe.String("always_invoice"),
				},
			},
		})
		if err != nil || !config.IsDefault {
			t.Fatalf("%+v, %v", config, err)
		}
		session, err := s.api().BillingPortalSessions.New(&stripe.BillingPortalSessionParams{Customer: &s.customer, ReturnURL: stripe.String(site + "/settings"), FlowData: flow})
		if err != nil || session.Configuration.ID != config.ID {
			t.Fatalf("%+v, %v", session, err)
		}
		return s, session
	}
	t.Run("shows invoices, and cancels and keeps a subscription", func(t *testing.T) {
		t.Parallel()
		s, session := opened(t, nil)
		if shown := look(t, s.sandbox, session.URL).Body.String(); !strings.Contains(shown, s.invoices(t)[0].Number) || !strings.Contains(shown, "SANDBOX") || !strings.Contains(shown, "Visa ending in 4242") {
			t.Errorf("page = %s", shown)
		}
		if w := fill(t, s.sandbox, session.URL, url.Values{"do": {"cancel"}, "subscription": {s.id}, "feedback": {"unused"}}); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if sub := s.subscription(t); !sub.CancelAtPeriodEnd || sub.CancellationDetails.Feedback != "unused" {
			t.Errorf("subscription = %+v", sub)
		}
		fill(t, s.sandbox, session.URL, url.Values{"do": {"resume"}, "subscription": {s.id}})
		if sub := s.subscription(t); sub.CancelAtPeriodEnd {
			t.Errorf("subscription = %+v", sub)
		}
	})
	t.Run("changes the card, and goes back where it was told to", func(t *testing.T) {
		t.Parallel()
		s, session := opened(t, &stripe.BillingPortalSessionFlowDataParams{
			Type: stripe.String("payment_method_update"),
			AfterCompletion: &stripe.BillingPortalSessionFlowDataAfterCompletionParams{
				Type: stripe.String("redirect"), Redirect: &stripe.BillingPortalSessionFlowDataAfterCompletionRedirectParams{ReturnURL: stripe.String(site + "/done")},
			},
		})
		if w := fill(t, s.sandbox, session.URL, url.Values{"do": {"card"}, "number": {"4000000000000002"}, "expiry": {"12/40"}, "cvc": {"123"}}); w.Code != http.StatusPaymentRequired {
			t.Errorf("a declined card: %d", w.Code)
		}
		form := typed("5555555555554444")
		form.Set("do", "card")
		if w := fill(t, s.sandbox, session.URL, form); w.Code != http.StatusSeeOther || w.Header().Get("Location") != site+"/done" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		p := &stripe.SubscriptionParams{}
		p.AddExpand("default_payment_method")
		if sub, err := s.api().Subscriptions.Get(s.id, p); err != nil || sub.DefaultPaymentMethod.Card.Last4 != "4444" {
			t.Errorf("%+v, %v", sub, err)
		}
	})
	t.Run("confirms a change of plan", func(t *testing.T) {
		t.Parallel()
		s, session := opened(t, &stripe.BillingPortalSessionFlowDataParams{Type: stripe.String("subscription_update_confirm"), SubscriptionUpdateConfirm: &stripe.BillingPortalSessionFlowDataSubscriptionUpdateConfirmParams{}})
		if w := fill(t, s.sandbox, session.URL, url.Values{"do": {"confirm"}, "subscription": {s.id}}); w.Code != 200 || s.subscription(t).Items.Data[0].Price.ID != s.large || s.invoices(t)[0].AmountPaid == 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
	t.Run("is closed to others, after an hour, and to what it does not offer", func(t *testing.T) {
		t.Parallel()
		s, session := opened(t, &stripe.BillingPortalSessionFlowDataParams{Type: stripe.String("subscription_cancel"), SubscriptionCancel: &stripe.BillingPortalSessionFlowDataSubscriptionCancelParams{}})
		if w := look(t, s.sandbox, session.URL+"x"); w.Code != http.StatusNotFound {
			t.Errorf("a guess: %d", w.Code)
		}
		if w := send(t, s.sandbox, session.URL, url.Values{"do": {"cancel"}, "subscription": {s.id}}); w.Code != http.StatusForbidden {
			t.Errorf("a form from elsewhere: %d", w.Code)
		}
		if w := fill(t, s.sandbox, session.URL, url.Values{"do": {"cancel"}, "subscription": {"sub_none"}}); w.Code != http.StatusPaymentRequired {
			t.Errorf("another subscription: %d", w.Code)
		}
		s.clock.Move(61 * 60 * 1e9)
		if w := look(t, s.sandbox, session.URL); w.Code != http.StatusNotFound {
			t.Errorf("after an hour: %d", w.Code)
		}
	})
}
