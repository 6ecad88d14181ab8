package billingsandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// checkoutView is what the checkout page shows.
type checkoutView struct {
	cardForm
	Product, Amount, Each, Customer string
	Trial, Then, Back, Button       string
	Setup, NeedsCard                bool
	TakesName, TakesAddress         bool
	TakesTaxID                      bool
	TaxTypes                        []string
	Name, Country, PostalCode       string
	TaxType, TaxValue               string
}

func (b *Sandbox) checkoutPage(v visit) (screen, error) {
	session, err := v.t.session(v.id)
	if err != nil {
		return gone(err, "There is no such checkout.")
	}
	if v.form == nil {
		return b.viewCheckout(v, session)
	}
	if v.foreign(session.Memo.PageToken) {
		return notice(http.StatusForbidden, foreignForm, string(session.CancelURL)), nil
	}
	switch session.Status {
	case complete:
		return screen{to: returnTo(session)}, nil // sent twice
	case open:
		return b.submitCheckout(v, session)
	}
	return b.viewCheckout(v, session)
}

// submitCheckout takes the form. A card that its bank asks about is kept with the
// session, and a second form says what the bank was told.
func (b *Sandbox) submitCheckout(v visit, session *checkoutSession) (screen, error) {
	var method *paymentMethod
	m := manner{visible: true}
	if v.form.Get("step") == "authenticate" {
		if v.form.Get("answer") != "complete" {
			return b.declinedCheckout(v, &decline{"number", "Your bank could not confirm that it is you."})
		}
		var err error
		if method, err = get[paymentMethod](v.t, session.Memo.Pending); err != nil {
			return gone(err, "There is no card to be confirmed.")
		}
		m.confirmed = true
	} else {
		if wrong, err := v.t.takeBuyer(session, v); wrong != nil || err != nil {
			if err != nil {
				return screen{}, err
			}
			return b.declinedCheckout(v, wrong)
		}
		if session.needsCard() {
			var wrong *decline
			if method, wrong = v.typed(); wrong != nil {
				return b.declinedCheckout(v, wrong)
			}
			if method.asks(m) {
				session.Memo.Pending = method.ID
				v.t.save(session)
				s := screen{template: "authenticate", status: http.StatusOK, title: "Confirm the payment", allow: session.SuccessURL, body: struct{ Token, What string }{
					session.Memo.PageToken, "A payment of " + money(session.AmountTotal, string(session.Currency)) + " to Dyocense.",
				}}
				return s, v.t.commit()
			}
		}
	}
	if f := v.t.buy(session, method, m); f != nil {
		if f.Status >= http.StatusInternalServerError {
			return screen{}, f
		}
		return b.declinedCheckout(v, &decline{"number", f.Message})
	}
	if err := v.t.commit(); err != nil {
		return screen{}, err
	}
	return screen{to: returnTo(session)}, nil
}

// needsCard says whether a card has to be typed.
func (v *checkoutSession) needsCard() bool {
	return v.Mode == "setup" || v.AmountTotal > 0 || v.PaymentMethodCollection != "if_required"
}

// takeBuyer keeps the name, address and tax number that a session asks for.
func (t *tx) takeBuyer(session *checkoutSession, v visit) (*decline, error) {
	payer, err := get[customer](t, string(session.Customer))
	if err != nil {
		return nil, err
	}
	o := session.Memo.Bought
	changed := false
	if name := strings.TrimSpace(v.form.Get("name")); o != nil && o.TakesName && name != "" && len(name) <= 200 {
		payer.Name, changed = ref(name), true
	}
	if country := strings.ToUpper(strings.TrimSpace(v.form.Get("country"))); o != nil && o.TakesAddress && country != "" {
		if len(country) != 2 {
			return &decline{"country", "A country has two letters."}, nil
		}
		payer.Address, changed = &address{Country: ref(country), PostalCode: ref(v.form.Get("postal_code"))}, true
	}
	if changed {
		t.save(payer)
		t.announce("customer.updated", payer)
	}
	sort := v.form.Get("tax_type")
	if !session.TaxIDCollection.Enabled || sort == "" {
		return nil, nil
	}
	_, err = t.addTaxID(payer, form{values: map[string][]string{"type": {sort}, "value": {v.form.Get("tax_value")}}})
	if f, refused := err.(*failure); refused { //nolint:errorlint // ours come unwrapped
		return &decline{"tax_value", f.Message}, nil
	}
	return nil, err
}

// declinedCheckout shows the page again with what was wrong, and nothing of what was
// begun stays.
func (b *Sandbox) declinedCheckout(v visit, wrong *decline) (screen, error) {
	again := b.fresh(v)
	session, err := again.t.session(v.id)
	if err != nil {
		return screen{}, err
	}
	s, err := b.viewCheckout(again, session)
	if view, ok := s.body.(checkoutView); ok {
		view.Decline = wrong
		view.Expiry = cmp.Or(v.form.Get("expiry"), view.Expiry)
		view.Name, view.Country, view.PostalCode = cmp.Or(v.form.Get("name"), view.Name), v.form.Get("country"), v.form.Get("postal_code")
		view.TaxType, view.TaxValue = v.form.Get("tax_type"), v.form.Get("tax_value")
		s.body, s.status = view, http.StatusPaymentRequired
	}
	return s, err
}

// viewCheckout is the page of a session as it is now.
func (b *Sandbox) viewCheckout(v visit, session *checkoutSession) (screen, error) {
	switch session.Status {
	case complete:
		return notice(http.StatusOK, "This has been paid. Thank you.", returnTo(session)), nil
	case expired:
		return notice(http.StatusGone, "This checkout has expired. Nothing was charged.", string(session.CancelURL)), nil
	}
	t := v.t
	payer, err := get[customer](t, string(session.Customer))
	if err != nil {
		return screen{}, err
	}
	view := checkoutView{
		cardForm: newCardForm(session.Memo.PageToken, t.time()), Back: string(session.CancelURL), Amount: money(session.AmountTotal, string(session.Currency)),
		Setup: session.Mode == "setup", NeedsCard: session.needsCard(), TakesTaxID: session.TaxIDCollection.Enabled, Name: string(payer.Name), Product: "Save a card",
	}
	for _, s := range []ref{payer.Name, payer.Email} {
		view.Customer = strings.Trim(view.Customer+", "+string(s), ", ")
	}
	for sort := range taxFormats() {
		view.TaxTypes = append(view.TaxTypes, sort)
	}
	slices.Sort(view.TaxTypes)
	view.Button = "Pay " + view.Amount
	if view.Setup {
		view.Button = "Save the card"
	} else if err := t.viewOrder(&view, session); err != nil {
		return screen{}, err
	}
	return screen{template: "checkout", status: http.StatusOK, title: "Checkout", body: view, allow: session.SuccessURL}, nil
}

func (t *tx) viewOrder(view *checkoutView, session *checkoutSession) error {
	o := session.Memo.Bought
	view.TakesName, view.TakesAddress = o.TakesName, o.TakesAddress
	var items []subscriptionItem
	whole := int64(0)
	for _, line := range o.lines() {
		p, err := get[price](t, line.Price)
		if err != nil {
			return err
		}
		items = append(items, subscriptionItem{Price: *p, Quantity: line.Quantity})
		whole += p.UnitAmount * line.Quantity
		view.Each = p.Recurring.Interval
	}
	if until := o.trialEnd(t.now); until != 0 {
		view.Trial, view.Then, view.Button = dayOf(until), money(whole, string(session.Currency)), "Start the trial"
	}
	var err error
	view.Product, err = t.itemsInWords(items)
	return err
}
