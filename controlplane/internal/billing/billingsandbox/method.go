package billingsandbox

import (
	"fmt"
	"strings"
)

func cardEndpoints() []endpoint {
	return []endpoint{
		{"POST /v1/payment_methods", []string{
			"type", "card[number]", "card[exp_month]", "card[exp_year]", "card[cvc]", "card[token]", "billing_details[name]", "billing_details[email]", "metadata[*]",
		}, createPaymentMethod},
		{"GET /v1/payment_methods", paged("customer", "type"), listPaymentMethods},
		{"GET /v1/payment_methods/{id}", nil, read[paymentMethod]},
		{"POST /v1/payment_methods/{id}/attach", []string{"customer"}, attachPaymentMethod},
		{"POST /v1/payment_methods/{id}/detach", nil, detachPaymentMethod},
		{"GET /v1/customers/{id}/payment_methods", paged("type"), listPaymentMethodsOf},
		{"GET /v1/customers/{id}/payment_methods/{part}", nil, readPaymentMethodOf},
		{"POST /v1/setup_intents", []string{
			"customer", "payment_method", "payment_method_types[]", "confirm", "usage", "return_url", "description", "automatic_payment_methods[enabled]",
			"automatic_payment_methods[allow_redirects]", "metadata[*]",
		}, createSetupIntent},
		{"GET /v1/setup_intents", paged(append([]string{"customer", "payment_method"}, created...)...), listed(map[string]func(*setupIntent) string{
			"payment_method": func(v *setupIntent) string { return string(v.PaymentMethod) },
		}, func(v *setupIntent) int64 { return v.Created })},
		{"GET /v1/setup_intents/{id}", []string{"client_secret"}, read[setupIntent]},
		{"POST /v1/setup_intents/{id}/confirm", []string{"payment_method", "return_url"}, confirmSetupIntent},
		{"POST /v1/setup_intents/{id}/cancel", []string{"cancellation_reason"}, cancelSetupIntent},
	}
}

// newMethod keeps a card that belongs to nobody yet.
func (t *tx) newMethod(c card, behavior string) *paymentMethod {
	v := &paymentMethod{
		ID: name(kindPaymentMethod, ""), Object: kindPaymentMethod, Created: t.now, Type: "card", Card: c, Metadata: map[string]string{},
	}
	v.Memo.Behavior = behavior
	t.save(v)
	return v
}

// method is a payment method, or a new one of a card that has a name.
func (t *tx) method(id string) (*paymentMethod, error) {
	known, ok := cardNamed(id)
	if !ok {
		return get[paymentMethod](t, id)
	}
	return t.newMethod(cardOf(known, 12, t.time().Year()+3), known.number[len(known.number)-4:]), nil
}

// hasMethod fails unless the customer has the payment method.
func (t *tx) hasMethod(customerID, id, param string) error {
	v, err := get[paymentMethod](t, id)
	if err != nil {
		return err
	}
	if string(v.Customer) != customerID {
		return invalid("resource_missing", param, "The customer does not have a payment method with the ID %s. The payment method must be attached to the customer.", id)
	}
	return nil
}

func createPaymentMethod(t *tx, c call) (any, error) {
	if kind, err := c.form.need("type"); err != nil {
		return nil, err
	} else if kind != "card" {
		return nil, invalid("", "type", "The sandbox speaks type card only, not %s.", kind)
	}
	f := c.form.in("card")
	var v *paymentMethod
	if token := f.text("token"); token != "" {
		known, ok := cardNamed(token)
		if !ok {
			return nil, missing("token", token)
		}
		v = t.newMethod(cardOf(known, 12, t.time().Year()+3), known.number[len(known.number)-4:])
	} else {
		number, err := f.need("number")
		if err != nil {
			return nil, err
		}
		expiry := strings.Join([]string{f.text("exp_month"), f.text("exp_year")}, "/")
		month, year, wrong := readExpiry(expiry, t.time())
		if wrong != nil {
			return nil, cardError("invalid_expiry_year", "", wrong.Message)
		}
		kept, behavior, d := card{}, "", (*decline)(nil)
		for _, known := range testCards() {
			if known.number == strings.ReplaceAll(number, " ", "") {
				kept, behavior = cardOf(known, month, year), known.number[len(known.number)-4:]
			}
		}
		if behavior == "" {
			if _, _, d = readNumber(number, month, year); d != nil {
				return nil, cardError("incorrect_number", "", d.Message)
			}
		}
		v = t.newMethod(kept, behavior)
	}
	c.form.in("billing_details").take("name", &v.BillingDetails.Name)
	c.form.in("billing_details").take("email", &v.BillingDetails.Email)
	return v, c.form.merge(&v.Metadata)
}

// attach gives a payment method to a customer; the bank may refuse.
func (t *tx) attach(id string, of *customer) (*paymentMethod, error) {
	v, err := t.method(id)
	if err != nil {
		return nil, err
	}
	if v.Customer != "" && string(v.Customer) != of.ID {
		return nil, invalid("", "", "The payment method you provided has already been attached to a customer.")
	}
	if f := declines(v.Memo.Behavior); f != nil {
		return nil, f
	}
	v.Customer = ref(of.ID)
	t.save(v)
	t.announce("payment_method.attached", v)
	return v, nil
}

func attachPaymentMethod(t *tx, c call) (any, error) {
	of, err := c.form.need("customer")
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
	return t.attach(c.id, payer)
}

func detachPaymentMethod(t *tx, c call) (any, error) {
	v, err := get[paymentMethod](t, c.id)
	if err != nil {
		return nil, err
	}
	if v.Customer == "" {
		return nil, invalid("", "", "The payment method you provided is not attached to a customer so detachment is impossible.")
	}
	payer, err := get[customer](t, string(v.Customer))
	if err != nil {
		return nil, err
	}
	if payer.InvoiceSettings.DefaultPaymentMethod == ref(v.ID) {
		payer.InvoiceSettings.DefaultPaymentMethod = ""
		t.save(payer)
	}
	all, err := every[subscription](t, ofCustomer(kindSubscription, payer.ID))
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.DefaultPaymentMethod == ref(v.ID) {
			s.DefaultPaymentMethod = ""
			t.save(s)
		}
	}
	v.Customer = ""
	t.save(v)
	t.announce("payment_method.detached", v)
	return v, nil
}

func listPaymentMethods(t *tx, c call) (any, error) {
	q := ofKind(kindPaymentMethod)
	if of := c.form.text("customer"); of != "" {
		q = ofCustomer(kindPaymentMethod, of)
	}
	sort := c.form.text("type")
	return page(t, c, q, func(p *paymentMethod) bool { return sort == "" || sort == p.Type })
}

func listPaymentMethodsOf(t *tx, c call) (any, error) {
	if _, err := living(t, c.id); err != nil {
		return nil, err
	}
	sort := c.form.text("type")
	return page(t, c, ofCustomer(kindPaymentMethod, c.id), func(p *paymentMethod) bool { return sort == "" || sort == p.Type })
}

func readPaymentMethodOf(t *tx, c call) (any, error) {
	v, err := get[paymentMethod](t, c.part)
	if err == nil && string(v.Customer) != c.id {
		return nil, missing(kindPaymentMethod, c.part)
	}
	return v, err
}

func createSetupIntent(t *tx, c call) (any, error) {
	v := &setupIntent{
		ID: name(kindSetupIntent, ""), Object: kindSetupIntent, Created: t.now, Status: "requires_payment_method", Usage: "off_session",
		PaymentMethodTypes: []string{"card"},
	}
	v.ClientSecret = v.ID + "_secret_" + identifier("", "")
	if of := c.form.text("customer"); of != "" {
		if _, err := living(t, of); err != nil {
			return nil, err
		}
		v.Customer = ref(of)
	}
	c.form.take("description", &v.Description)
	if err := c.form.merge(&v.Metadata); err != nil {
		return nil, err
	}
	confirm, err := c.form.truth("confirm", false)
	if err != nil {
		return nil, err
	}
	t.save(v)
	t.announce("setup_intent.created", v)
	if method := c.form.text("payment_method"); method != "" {
		of, err := t.method(method)
		if err != nil {
			return nil, err
		}
		v.PaymentMethod, v.Status = ref(of.ID), "requires_confirmation"
	}
	if confirm {
		return v, t.confirmSetup(v, c.form.text("return_url"))
	}
	return v, nil
}

func confirmSetupIntent(t *tx, c call) (any, error) {
	v, err := get[setupIntent](t, c.id)
	if err != nil {
		return nil, err
	}
	if v.Status == "succeeded" || v.Status == canceled {
		return nil, invalid("setup_intent_unexpected_state", "", "You cannot confirm this SetupIntent because it has a status of %s.", v.Status)
	}
	if method := c.form.text("payment_method"); method != "" {
		of, err := t.method(method)
		if err != nil {
			return nil, err
		}
		v.PaymentMethod = ref(of.ID)
	}
	t.save(v)
	return v, t.confirmSetup(v, c.form.text("return_url"))
}

// confirmSetup asks the bank whether the card may be kept.
func (t *tx) confirmSetup(v *setupIntent, returnURL string) error {
	if v.PaymentMethod == "" {
		return invalid("parameter_missing", "payment_method", "You cannot confirm this SetupIntent because it's missing a payment method.")
	}
	of, err := get[paymentMethod](t, string(v.PaymentMethod))
	if err != nil {
		return err
	}
	if f := declines(of.Memo.Behavior); f != nil {
		v.Status, v.LastSetupError, v.PaymentMethod = "requires_payment_method", f, ""
		t.announce("setup_intent.setup_failed", v)
		told := *f
		told.keep = true
		return &told
	}
	if asks := of.Memo.Behavior == asksUnlessOn || of.Memo.Behavior == asksAlways; asks && !of.Memo.Authenticated {
		v.Status, v.NextAction = "requires_action", t.authentication(v.ID, returnURL)
		t.announce("setup_intent.requires_action", v)
		return nil
	}
	return t.setUp(v)
}

// setUp attaches the card of a setup intent that went well.
func (t *tx) setUp(v *setupIntent) error {
	of, err := get[paymentMethod](t, string(v.PaymentMethod))
	if err != nil {
		return err
	}
	of.Memo.Authenticated = true
	t.save(of)
	if v.Customer != "" && of.Customer == "" {
		payer, err := get[customer](t, string(v.Customer))
		if err != nil {
			return err
		}
		if _, err := t.attach(of.ID, payer); err != nil {
			return err
		}
	}
	v.Status, v.NextAction, v.LastSetupError = "succeeded", nil, nil
	t.save(v)
	t.announce("setup_intent.succeeded", v)
	return nil
}

func cancelSetupIntent(t *tx, c call) (any, error) {
	v, err := get[setupIntent](t, c.id)
	if err != nil {
		return nil, err
	}
	if v.Status == "succeeded" || v.Status == canceled {
		return nil, invalid("setup_intent_unexpected_state", "", "You cannot cancel this SetupIntent because it has a status of %s.", v.Status)
	}
	v.Status, v.NextAction = canceled, nil
	t.save(v)
	t.announce("setup_intent.canceled", v)
	return v, nil
}

// authentication is where the bank asks the holder of a card.
func (t *tx) authentication(id, returnURL string) *nextAction {
	return &nextAction{Type: "redirect_to_url", RedirectToURL: &redirectToURL{
		ReturnURL: ref(returnURL), URL: fmt.Sprintf("%s%s%s", t.b.site, authenticatePath, id),
	}}
}
