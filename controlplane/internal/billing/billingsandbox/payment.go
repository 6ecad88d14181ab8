package billingsandbox

import (
	"fmt"
	"net/http"
	"time"
)

func paymentEndpoints() []endpoint {
	return []endpoint{
		{"GET /v1/payment_intents", paged(append([]string{"customer"}, created...)...), listed(nil, func(v *paymentIntent) int64 { return v.Created })},
		{"GET /v1/payment_intents/{id}", []string{"client_secret"}, read[paymentIntent]},
		{"POST /v1/payment_intents/{id}/confirm", []string{"payment_method", "return_url", "off_session"}, confirmPaymentIntent},
		{"GET /v1/charges", paged(append([]string{"customer", "payment_intent"}, created...)...), listed(map[string]func(*cardCharge) string{
			"payment_intent": func(v *cardCharge) string { return string(v.PaymentIntent) },
		}, func(v *cardCharge) int64 { return v.Created })},
		{"GET /v1/charges/{id}", nil, read[cardCharge]},
		{"POST /v1/refunds", []string{"charge", "payment_intent", "amount", "reason", "metadata[*]"}, createRefund},
		{"GET /v1/refunds", paged(append([]string{"charge", "payment_intent"}, created...)...), listed(map[string]func(*refund) string{
			"charge":         func(v *refund) string { return v.Charge },
			"payment_intent": func(v *refund) string { return string(v.PaymentIntent) },
		}, func(v *refund) int64 { return v.Created })},
		{"GET /v1/refunds/{id}", nil, read[refund]},
		{"GET /v1/disputes", paged(append([]string{"charge", "payment_intent"}, created...)...), listed(map[string]func(*dispute) string{
			"charge":         func(v *dispute) string { return v.Charge },
			"payment_intent": func(v *dispute) string { return string(v.PaymentIntent) },
		}, func(v *dispute) int64 { return v.Created })},
		{"GET /v1/disputes/{id}", nil, read[dispute]},
		{"POST /v1/disputes/{id}", []string{"evidence[uncategorized_text]", "submit", "metadata[*]"}, updateDispute},
		{"POST /v1/disputes/{id}/close", nil, closeDispute},
		{"GET /v1/radar/early_fraud_warnings", paged(append([]string{"charge", "payment_intent"}, created...)...), listed(map[string]func(*fraudWarning) string{
			"charge":         func(v *fraudWarning) string { return v.Charge },
			"payment_intent": func(v *fraudWarning) string { return string(v.PaymentIntent) },
		}, func(v *fraudWarning) int64 { return v.Created })},
		{"GET /v1/radar/early_fraud_warnings/{id}", nil, read[fraudWarning]},
	}
}

// manner is how a payment is asked for.
type manner struct {
	confirmed bool // the holder has just confirmed it with the bank
	visible   bool // the holder is there: the card is typed in on the hosted page
}

// asks says whether the bank wants the holder to confirm a payment.
func (v *paymentMethod) asks(m manner) bool {
	switch {
	case m.confirmed:
		return false
	case v.Memo.Behavior == asksAlways:
		return true
	}
	return v.Memo.Behavior == asksUnlessOn && !v.Memo.Authenticated
}

// refuses is what the bank says to a charge, nil when it pays.
func (v *paymentMethod) refuses(m manner, now time.Time) *failure {
	if f := declines(v.Memo.Behavior); f != nil {
		return f
	}
	if v.Memo.Behavior == failsLater && !m.visible || v.Memo.Behavior == "" && v.Card.Last4 == failsLater && !m.visible {
		return declines("0002")
	}
	if expiredBy(int(v.Card.ExpMonth), int(v.Card.ExpYear), now) {
		return declines("0069")
	}
	return nil
}

// ask asks the bank for the money of a payment intent. Nil means paid.
func (t *tx) ask(pi *paymentIntent, method *paymentMethod, m manner) *failure {
	t.save(pi)
	pi.PaymentMethod, pi.NextAction, pi.LastPaymentError = ref(method.ID), nil, nil
	if method.asks(m) {
		pi.Status, pi.NextAction = "requires_action", t.authentication(pi.ID, "")
		t.announce("payment_intent.requires_action", pi)
		f := cardError("authentication_required", "authentication_required", "Your card was declined. This transaction requires authentication.")
		f.PaymentIntent = pi
		return f
	}
	ch := &cardCharge{
		ID: name(kindCharge, ""), Object: kindCharge, Created: t.now, Amount: pi.Amount, Currency: pi.Currency, Customer: string(pi.Customer),
		Invoice: pi.Invoice, PaymentIntent: ref(pi.ID), PaymentMethod: method.ID,
		PaymentMethodDetails: paymentMethodDetails{Card: method.Card, Type: "card"}, Metadata: map[string]string{},
	}
	pi.LatestCharge = ref(ch.ID)
	t.save(ch)
	if f := method.refuses(m, t.time()); f != nil {
		ch.Status, ch.FailureCode, ch.FailureMessage = "failed", ref(f.Code), ref(f.Message)
		ch.Outcome = &chargeOutcome{"declined_by_network", ref(f.DeclineCode), "normal", "The bank did not return any further details with this decline.", "issuer_declined"}
		t.announce("charge.failed", ch)
		told := *f
		told.Charge = ch.ID
		pi.Status, pi.PaymentMethod, pi.LastPaymentError = "requires_payment_method", "", &told
		t.announce("payment_intent.payment_failed", pi)
		return &told
	}
	ch.Status, ch.Paid, ch.Captured, ch.AmountCaptured = "succeeded", true, true, ch.Amount
	ch.Outcome = &chargeOutcome{"approved_by_network", "", "normal", "Payment complete.", "authorized"}
	pi.Status, pi.AmountReceived = "succeeded", pi.Amount
	t.announce("charge.succeeded", ch)
	t.announce("payment_intent.succeeded", pi)
	t.aftermath(ch, method)
	return nil
}

const disputeDays = 7

// aftermath is what some cards do once they have paid.
func (t *tx) aftermath(ch *cardCharge, method *paymentMethod) {
	reasons := map[string]string{"0259": "fraudulent", "2685": "product_not_received"}
	if reason, disputed := reasons[method.Memo.Behavior]; disputed {
		v := &dispute{
			ID: name(kindDispute, ""), Object: kindDispute, Created: t.now, Amount: ch.Amount, Charge: ch.ID, Currency: ch.Currency,
			EvidenceDetails: evidenceDetails{DueBy: t.now + disputeDays*24*3600}, PaymentIntent: ch.PaymentIntent, Reason: reason,
			Status: "needs_response", Metadata: map[string]string{},
		}
		ch.Disputed = true
		t.save(v)
		t.announce("charge.dispute.created", v)
		t.announce("charge.dispute.funds_withdrawn", v)
	}
	if method.Memo.Behavior == "5423" {
		v := &fraudWarning{
			ID: name(kindFraudWarning, ""), Object: kindFraudWarning, Created: t.now, Actionable: true, Charge: ch.ID,
			FraudType: "made_with_stolen_card", PaymentIntent: ch.PaymentIntent,
		}
		t.save(v)
		t.announce("radar.early_fraud_warning.created", v)
	}
}

func confirmPaymentIntent(t *tx, c call) (any, error) {
	v, err := get[paymentIntent](t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(string(v.Customer)); err != nil {
		return nil, err
	}
	if v.Status == "succeeded" || v.Status == canceled || v.Invoice == "" {
		return nil, invalid("payment_intent_unexpected_state", "", "You cannot confirm this PaymentIntent because it has a status of %s.", v.Status)
	}
	i, err := get[invoice](t, string(v.Invoice))
	if err != nil {
		return nil, err
	}
	method, err := t.chosenMethod(i, c.form)
	if err != nil {
		return nil, err
	}
	if f := t.charge(i, method, manner{}); f != nil && f.Code != "authentication_required" {
		f.keep, f.PaymentIntent = true, v
		return nil, f
	}
	return v, nil
}

func createRefund(t *tx, c call) (any, error) {
	id := c.form.text("charge")
	if of := c.form.text("payment_intent"); of != "" && id == "" {
		v, err := get[paymentIntent](t, of)
		if err != nil {
			return nil, err
		}
		id = string(v.LatestCharge)
	}
	if id == "" {
		return nil, invalid("parameter_missing", "charge", "One of the following params should be provided for this request: payment_intent or charge.")
	}
	ch, err := get[cardCharge](t, id)
	if err != nil {
		return nil, err
	}
	if err := t.at(ch.Customer); err != nil {
		return nil, err
	}
	amount, err := c.form.number("amount", ch.Amount-ch.AmountRefunded)
	if err != nil {
		return nil, err
	}
	reason, err := c.form.choice("reason", "", "duplicate", "fraudulent", "requested_by_customer")
	if err != nil {
		return nil, err
	}
	v, err := t.refund(ch, amount, reason)
	if err != nil {
		return nil, err
	}
	return v, c.form.merge(&v.Metadata)
}

// refund gives money back to the card.
func (t *tx) refund(ch *cardCharge, amount int64, reason string) (*refund, error) {
	left := ch.Amount - ch.AmountRefunded
	switch {
	case !ch.Paid:
		return nil, invalid("", "charge", "Charge %s has not been paid and cannot be refunded.", ch.ID)
	case ch.Disputed:
		return nil, invalid("charge_disputed", "", "Charge %s has been charged back; cannot issue a refund.", ch.ID)
	case left == 0:
		return nil, invalid("charge_already_refunded", "", "Charge %s has already been refunded.", ch.ID)
	case amount < 1 || amount > left:
		return nil, invalid("charge_already_refunded", "amount", "Refund amount (%d) is greater than unrefunded amount on charge (%d).", amount, left)
	}
	ch.AmountRefunded += amount
	ch.Refunded = ch.AmountRefunded == ch.Amount
	v := &refund{
		ID: name(kindRefund, ""), Object: kindRefund, Created: t.now, Amount: amount, Charge: ch.ID, PaymentIntent: ch.PaymentIntent,
		Currency: ch.Currency, Reason: ref(reason), Status: "succeeded", Metadata: map[string]string{},
	}
	t.save(ch)
	t.save(v)
	t.announce("charge.refunded", ch)
	return v, nil
}

func updateDispute(t *tx, c call) (any, error) {
	v, err := get[dispute](t, c.id)
	if err != nil {
		return nil, err
	}
	if v.Status == "won" || v.Status == "lost" {
		return nil, invalid("", "", "This dispute is already closed.")
	}
	submit, err := c.form.truth("submit", true)
	if err != nil {
		return nil, err
	}
	c.form.in("evidence").take("uncategorized_text", &v.Evidence.UncategorizedText)
	if err := c.form.merge(&v.Metadata); err != nil {
		return nil, err
	}
	v.EvidenceDetails.HasEvidence = v.Evidence.UncategorizedText != ""
	t.save(v)
	if !submit || !v.EvidenceDetails.HasEvidence {
		t.announce("charge.dispute.updated", v)
		return v, nil
	}
	v.EvidenceDetails.SubmissionCount++
	switch v.Evidence.UncategorizedText {
	case "winning_evidence":
		v.Status = "won"
	case "losing_evidence":
		v.Status = "lost"
	default:
		v.Status = "under_review"
		t.announce("charge.dispute.updated", v)
		return v, nil
	}
	return v, t.closed(v)
}

func closeDispute(t *tx, c call) (any, error) {
	v, err := get[dispute](t, c.id)
	if err != nil {
		return nil, err
	}
	if v.Status == "won" || v.Status == "lost" {
		f := invalid("", "", "This dispute is already closed.")
		f.Status = http.StatusBadRequest
		return nil, f
	}
	v.Status = "lost"
	t.save(v)
	return v, t.closed(v)
}

// closed tells how a dispute ended; one that was won gives the money back to us.
func (t *tx) closed(v *dispute) error {
	ch, err := get[cardCharge](t, v.Charge)
	if err != nil {
		return fmt.Errorf("charge of dispute: %w", err)
	}
	if v.Status == "won" {
		t.announce("charge.dispute.funds_reinstated", v)
		v.IsChargeRefundable, ch.Disputed = true, false
		t.save(ch)
	}
	t.announce("charge.dispute.closed", v)
	return nil
}
