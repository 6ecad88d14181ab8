package billingsandbox

import (
	"crypto/rand"
	"net/url"
	"strings"
	"time"
)

// The other states of a checkout session.
const (
	complete = "complete"
	expired  = "expired"
)

// How long a checkout session may stay open.
const (
	checkoutMin = 30 * time.Minute
	checkoutMax = 24 * time.Hour
	urlMax      = 5000
)

func checkoutEndpoints() []endpoint {
	return []endpoint{
		{"POST /v1/checkout/sessions", []string{
			"mode", "customer", "client_reference_id", "success_url", "cancel_url", "expires_at", "currency", "locale", "payment_method_types[]",
			"line_items[][price]", "line_items[][quantity]", "metadata[*]", "payment_method_collection", "billing_address_collection",
			"automatic_tax[enabled]", "tax_id_collection[enabled]", "customer_update[address]", "customer_update[name]", "customer_update[shipping]",
			"subscription_data[metadata][*]", "subscription_data[description]", "subscription_data[trial_period_days]", "subscription_data[trial_end]",
			"subscription_data[trial_settings][end_behavior][missing_payment_method]", "setup_intent_data[metadata][*]", "allow_promotion_codes",
		}, createCheckout},
		{"GET /v1/checkout/sessions", paged("customer", "subscription", "status"), listed(map[string]func(*checkoutSession) string{
			"subscription": func(v *checkoutSession) string { return string(v.Subscription) },
			"status":       func(v *checkoutSession) string { return v.Status },
		}, nil)},
		{"GET /v1/checkout/sessions/{id}", nil, getCheckout},
		{"GET /v1/checkout/sessions/{id}/line_items", paged(), checkoutLines},
		{"POST /v1/checkout/sessions/{id}/expire", nil, expireCheckout},
	}
}

func createCheckout(t *tx, c call) (any, error) {
	f := c.form
	if _, err := f.need("mode"); err != nil {
		return nil, err
	}
	mode, err := f.choice("mode", "subscription", "setup")
	if err != nil {
		return nil, err
	}
	of, err := f.need("customer")
	if err != nil {
		return nil, err
	}
	if _, err := living(t, of); err != nil {
		return nil, err
	}
	if err := t.at(of); err != nil {
		return nil, err
	}
	v := &checkoutSession{
		ID: name(kindCheckout, ""), Object: kindCheckout, Created: t.now, Mode: mode, Status: open, PaymentStatus: "unpaid",
		PaymentMethodTypes: []string{"card"}, Customer: ref(of), ClientReferenceID: ref(f.text("client_reference_id")),
	}
	if v.SuccessURL, err = readURL(f, "success_url"); err != nil {
		return nil, err
	}
	if f.given("cancel_url") {
		leave, err := readURL(f, "cancel_url")
		if err != nil {
			return nil, err
		}
		v.CancelURL = ref(leave)
	}
	if v.ExpiresAt, err = f.number("expires_at", t.now+int64(checkoutMax/time.Second)); err != nil {
		return nil, err
	}
	if life := time.Duration(v.ExpiresAt-t.now) * time.Second; life < checkoutMin || life > checkoutMax {
		return nil, invalid("", "expires_at", "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.")
	}
	if err := t.takeCheckout(v, f); err != nil {
		return nil, err
	}
	v.URL = ref(t.b.site + checkoutPath + v.ID)
	v.Memo.PageToken = rand.Text()
	t.save(v)
	return v, nil
}

// takeCheckout reads what is bought, and how it is asked for.
func (t *tx) takeCheckout(v *checkoutSession, f form) error {
	var err error
	if err := f.merge(&v.Metadata); err != nil {
		return err
	}
	if v.PaymentMethodCollection, err = f.choice("payment_method_collection", "always", "if_required"); err != nil {
		return err
	}
	if v.AutomaticTax.Enabled, err = f.in("automatic_tax").truth("enabled", false); err != nil {
		return err
	}
	if v.TaxIDCollection.Enabled, err = f.in("tax_id_collection").truth("enabled", false); err != nil {
		return err
	}
	update := f.in("customer_update")
	naming, err := update.choice("name", "never", "auto")
	if err != nil {
		return err
	}
	addressing, err := update.choice("address", "never", "auto")
	if err != nil {
		return err
	}
	if v.TaxIDCollection.Enabled && naming != "auto" {
		return invalid("", "tax_id_collection[enabled]", "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an existing customer, please set `customer_update[name]` to `auto`.")
	}
	if v.Mode == "setup" {
		v.Memo.Bought = &order{Metadata: map[string]string{}}
		return nil
	}
	lines := f.elements("line_items")
	if len(lines) == 0 {
		return missingParameter("line_items")
	}
	items, err := t.readNewItems(lines)
	if err != nil {
		return err
	}
	o := &order{TakesName: naming == "auto", TakesAddress: addressing == "auto"}
	for _, item := range items {
		o.Lines = append(o.Lines, orderLine{item.Price.ID, item.Quantity})
		v.AmountSubtotal += item.Price.UnitAmount * item.Quantity
	}
	data := f.in("subscription_data")
	if err := data.merge(&o.Metadata); err != nil {
		return err
	}
	if o.TrialMissing, err = data.in("trial_settings").in("end_behavior").choice("missing_payment_method", "create_invoice", "cancel", "pause"); err != nil {
		return err
	}
	o.Description = data.text("description")
	until, err := readTrial(data, t.now)
	if err != nil {
		return err
	}
	if days := data.text("trial_period_days"); days != "" {
		o.TrialDays = (until - t.now) / day
	} else if until != 0 {
		if until < t.now+2*day {
			return invalid("", "subscription_data[trial_end]", "The `trial_end` date has to be at least 2 days in the future.")
		}
		o.TrialEnd = until
	}
	if until != 0 {
		v.AmountSubtotal = 0
	}
	v.Currency, v.AmountTotal, v.Memo.Bought = ref(items[0].Price.Currency), v.AmountSubtotal, o
	return nil
}

func readURL(f form, key string) (string, error) {
	raw, err := f.need(key)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(raw)
	if err != nil || len(raw) > urlMax || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", invalid("url_invalid", f.key(key), "Not a valid URL")
	}
	return raw, nil
}

// session reads a checkout session as it is now: one that nobody paid in time has
// expired, also when nobody has written that yet.
func (t *tx) session(id string) (*checkoutSession, error) {
	v, err := get[checkoutSession](t, id)
	if err != nil {
		return nil, err
	}
	if err := t.at(string(v.Customer)); err != nil {
		return nil, err
	}
	if v.Status == open && t.now >= v.ExpiresAt {
		v.Status, v.URL = expired, ""
	}
	return v, nil
}

func getCheckout(t *tx, c call) (any, error) { return t.session(c.id) }

func checkoutLines(t *tx, c call) (any, error) {
	v, err := t.session(c.id)
	if err != nil {
		return nil, err
	}
	type lineItem struct {
		ID             string `json:"id"`
		Object         string `json:"object"`
		AmountSubtotal int64  `json:"amount_subtotal"`
		AmountTotal    int64  `json:"amount_total"`
		Currency       string `json:"currency"`
		Description    string `json:"description"`
		Price          *price `json:"price"`
		Quantity       int64  `json:"quantity"`
	}
	out := listOf(c.path, []lineItem{}...)
	out.Data = []lineItem{}
	for _, line := range v.Memo.Bought.lines() {
		p, err := get[price](t, line.Price)
		if err != nil {
			return nil, err
		}
		title, err := t.titled(*p)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, lineItem{
			identifier("li_", v.ID+line.Price), "item", p.UnitAmount * line.Quantity, p.UnitAmount * line.Quantity, p.Currency, title, p, line.Quantity,
		})
	}
	return out, nil
}

// expire ends a session that nobody completed.
func (t *tx) expire(v *checkoutSession) {
	v.Status, v.URL = expired, ""
	t.save(v)
	t.announce("checkout.session.expired", v)
}

func expireCheckout(t *tx, c call) (any, error) {
	v, err := t.session(c.id)
	if err != nil {
		return nil, err
	}
	if v.Status != open {
		return nil, invalid("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of %s.", v.Status)
	}
	t.expire(v)
	return v, nil
}

// trialEnd is until when what is bought is tried out, 0 without a trial.
func (o *order) trialEnd(now int64) int64 {
	if o.TrialDays > 0 {
		return now + o.TrialDays*day
	}
	return o.TrialEnd
}

// buy completes a checkout session; method is nil where none is required. Nothing of
// it stays when the bank refuses, and none of it happens twice: the session is
// complete in the same write.
func (t *tx) buy(v *checkoutSession, method *paymentMethod, m manner) *failure {
	if err := t.bought(v, method, m); err != nil {
		if f, ok := err.(*failure); ok { //nolint:errorlint // ours come unwrapped; others are no answer to a buyer
			return f
		}
		t.b.log.ErrorContext(t.ctx, "sandbox checkout", "session", v.ID, "err", err)
		return ourFault()
	}
	return nil
}

func (t *tx) bought(v *checkoutSession, method *paymentMethod, m manner) error {
	payer, err := get[customer](t, string(v.Customer))
	if err != nil {
		return err
	}
	if method != nil {
		if m.confirmed {
			method.Memo.Authenticated = true
		}
		if method.Customer == "" {
			if _, err := t.attach(method.ID, payer); err != nil {
				return err
			}
		}
	}
	v.Status, v.URL = complete, ""
	t.save(v)
	if v.Mode == "setup" {
		return t.keepCard(v, method, m)
	}
	o := v.Memo.Bought
	p := spec{customer: payer, metadata: o.Metadata, description: ref(o.Description), trialEnd: o.trialEnd(t.now), missing: o.TrialMissing, tax: v.AutomaticTax.Enabled, save: "off"}
	if p.missing == "" {
		p.missing = "create_invoice"
	}
	for _, line := range o.lines() {
		of, err := get[price](t, line.Price)
		if err != nil {
			return err
		}
		p.items = append(p.items, subscriptionItem{
			ID: identifier("si_", ""), Object: "subscription_item", Created: t.now, Quantity: line.Quantity, Price: *of, Plan: planOf(*of), Metadata: map[string]string{},
		})
	}
	if method != nil {
		p.method = ref(method.ID)
	}
	s, i, err := t.start(p)
	if err != nil {
		return err
	}
	if err := t.finalize(i); err != nil {
		return err
	}
	v.PaymentStatus = "no_payment_required"
	if i.Status == open {
		if method == nil {
			return cardError("card_declined", "", "A card is required.")
		}
		m.visible = true
		if f := t.charge(i, method, m); f != nil {
			return f
		}
	}
	if i.AmountPaid > 0 || v.AmountTotal > 0 {
		v.PaymentStatus = paid
	}
	v.Subscription, v.Invoice = ref(s.ID), ref(i.ID)
	t.born(s)
	t.announce("checkout.session.completed", v)
	return nil
}

// keepCard completes a session that only asks for a card.
func (t *tx) keepCard(v *checkoutSession, method *paymentMethod, m manner) error {
	if method == nil {
		return cardError("card_declined", "", "A card is required.")
	}
	if method.asks(m) {
		return cardError("authentication_required", "authentication_required", "Your bank asks you to confirm.")
	}
	si := &setupIntent{
		ID: name(kindSetupIntent, ""), Object: kindSetupIntent, Created: t.now, Customer: v.Customer, PaymentMethod: ref(method.ID),
		PaymentMethodTypes: []string{"card"}, Status: "succeeded", Usage: "off_session", Metadata: map[string]string{},
	}
	si.ClientSecret = si.ID + "_secret_" + identifier("", "")
	v.SetupIntent, v.PaymentStatus = ref(si.ID), "no_payment_required"
	t.save(si)
	t.announce("setup_intent.succeeded", si)
	t.announce("checkout.session.completed", v)
	return nil
}

func returnTo(v *checkoutSession) string {
	return strings.ReplaceAll(v.SuccessURL, "{CHECKOUT_SESSION_ID}", v.ID)
}
