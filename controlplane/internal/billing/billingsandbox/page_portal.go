package billingsandbox

import (
	"cmp"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
)

type portalView struct {
	cardForm
	Customer, Back, Home string
	Subscriptions        []portalSubscription
	TakesCard            bool
	Methods              []string
	Invoices             []portalInvoice
}

type portalSubscription struct {
	ID, Title, State, Cancel, Confirm, Due string
	Resume                                 bool
}

type portalInvoice struct{ Date, Number, State, Amount, Link string }

// portalVisit is who is there, and what may be done.
type portalVisit struct {
	visit
	session *portalSession
	config  *portalConfig
	payer   *customer
	flow    string // the one thing that is asked for, "" for all
}

func (b *Sandbox) enterPortal(v visit) (portalVisit, error) {
	p := portalVisit{visit: v}
	var err error
	if p.session, err = get[portalSession](v.t, v.id); err != nil {
		return p, err
	}
	created := p.session.Created
	if subtle.ConstantTimeCompare([]byte(v.r.PathValue("token")), []byte(p.session.Memo.PageToken)) != 1 || created+portalLife < v.t.now {
		return p, missing(kindPortal, v.id)
	}
	if err := v.t.at(p.session.Customer); err != nil {
		return p, err
	}
	if p.config, err = get[portalConfig](v.t, p.session.Configuration); err != nil {
		return p, err
	}
	if p.session.Flow != nil && v.r.URL.Query().Get("home") == "" {
		p.flow = p.session.Flow.Type
	}
	p.payer, err = living(v.t, p.session.Customer)
	return p, err
}

const portalOver = "This link to your billing has expired. Open it again from Dyocense."

func (b *Sandbox) portalPage(v visit) (screen, error) {
	p, err := b.enterPortal(v)
	if err != nil {
		return gone(err, portalOver)
	}
	if v.form == nil {
		return b.viewPortal(p, "", nil)
	}
	if v.foreign(p.session.Memo.PageToken) {
		return notice(http.StatusForbidden, foreignForm, string(p.session.ReturnURL)), nil
	}
	done, wrong, err := p.do()
	if err != nil {
		return screen{}, err
	}
	if wrong == nil {
		if err := v.t.commit(); err != nil {
			return screen{}, err
		}
		if f := p.session.Flow; f != nil && f.AfterCompletion.Redirect != nil && p.flow != "" {
			return screen{to: f.AfterCompletion.Redirect.ReturnURL}, nil
		}
		p.flow = ""
	}
	if p, err = b.enterPortal(b.fresh(v)); err != nil {
		return screen{}, err
	}
	if wrong == nil {
		p.flow = ""
	}
	return b.viewPortal(p, done, wrong)
}

// do does what was asked for.
func (p portalVisit) do() (done string, wrong *decline, err error) {
	f := p.config.Features
	if p.form.Get("do") == "card" {
		if !f.PaymentMethodUpdate.Enabled {
			return "", &decline{"", "This is not offered here."}, nil
		}
		return p.changeCard()
	}
	s, err := get[subscription](p.t, p.form.Get("subscription"))
	if err != nil || s.Customer != p.payer.ID || s.over() {
		return "", &decline{"", "There is no such subscription any more."}, nil //nolint:nilerr // that is what err says
	}
	switch p.form.Get("do") {
	case "cancel":
		if !f.SubscriptionCancel.Enabled || s.Schedule != "" {
			return "", &decline{"", "This is not offered here."}, nil
		}
		return p.cancel(s)
	case "resume":
		if !s.CancelAtPeriodEnd && s.CancelAt == 0 {
			return "Your subscription goes on.", nil, nil
		}
		before := map[string]any{"cancel_at_period_end": s.CancelAtPeriodEnd, "cancel_at": s.CancelAt}
		s.stay()
		p.t.save(s)
		p.t.announce("customer.subscription.updated", s, before)
		return "Your subscription goes on.", nil, nil
	case "confirm":
		return p.confirm(s)
	}
	return "", &decline{"", "The form could not be read."}, nil
}

// changeCard makes a card the one that pays, and pays what is open with it.
func (p portalVisit) changeCard() (done string, wrong *decline, err error) {
	method, wrong := p.typed()
	if wrong != nil {
		return "", wrong, nil
	}
	if _, err := p.t.attach(method.ID, p.payer); err != nil {
		return "", nil, err
	}
	method.Memo.Authenticated = true // the portal asks the bank while the holder is there
	p.payer.InvoiceSettings.DefaultPaymentMethod = ref(method.ID)
	p.t.save(p.payer)
	p.t.announce("customer.updated", p.payer)
	all, err := every[subscription](p.t, ofCustomer(kindSubscription, p.payer.ID))
	if err != nil {
		return "", nil, err
	}
	for _, s := range all {
		if !s.over() && s.DefaultPaymentMethod != "" {
			before := map[string]any{"default_payment_method": s.DefaultPaymentMethod}
			s.DefaultPaymentMethod = ref(method.ID)
			p.t.save(s)
			p.t.announce("customer.subscription.updated", s, before)
		}
	}
	return "From now on the card ending in " + method.Card.Last4 + " pays.", nil, nil
}

func (p portalVisit) cancel(s *subscription) (done string, wrong *decline, err error) {
	if err := s.takeDetails(form{values: map[string][]string{"cancellation_details[feedback]": {p.form.Get("feedback")}}}); err != nil {
		return "", &decline{"", "The form could not be read."}, nil //nolint:nilerr // it is told on the page
	}
	if p.config.Features.SubscriptionCancel.Mode == "immediately" {
		p.t.end(s, "cancellation_requested")
		return "Your subscription has ended.", nil, nil
	}
	before := map[string]any{"cancel_at_period_end": false, "cancel_at": nil}
	s.CancelAtPeriodEnd, s.CancelAt, s.CanceledAt = true, stamp(s.CurrentPeriodEnd), stamp(p.t.now)
	s.CancellationDetails.Reason = "cancellation_requested"
	p.t.save(s)
	p.t.announce("customer.subscription.updated", s, before)
	return "Your subscription ends on " + dayOf(s.CurrentPeriodEnd) + ". Until then nothing changes.", nil, nil
}

// confirm does the change that the link was made for.
func (p portalVisit) confirm(s *subscription) (done string, wrong *decline, err error) {
	u, err := p.proposed(s)
	if err != nil {
		return "", nil, err
	}
	if u == nil {
		return "", &decline{"", "This is not offered here."}, nil
	}
	if err := p.t.change(s, *u, "error_if_incomplete", map[string]any{}); err != nil {
		if f, refused := err.(*failure); refused { //nolint:errorlint // ours come unwrapped
			return "", &decline{"", f.Message + " Nothing was changed."}, nil
		}
		return "", nil, err
	}
	return "Your subscription was changed.", nil, nil
}

// proposed is the change that the link was made for, nil without one.
func (p portalVisit) proposed(s *subscription) (*update, error) {
	if p.flow != "subscription_update_confirm" || p.session.Flow.SubscriptionUpdateConfirm.Subscription != s.ID {
		return nil, nil
	}
	values := map[string][]string{
		"proration_behavior": {cmp.Or(string(p.config.Features.SubscriptionUpdate.ProrationBehavior), "create_prorations")},
	}
	for n, item := range p.session.Flow.SubscriptionUpdateConfirm.Items {
		at := fmt.Sprintf("items[%d]", n)
		values[at+"[id]"], values[at+"[price]"], values[at+"[quantity]"] = []string{item.ID}, []string{item.Price}, []string{fmt.Sprint(item.Quantity)}
	}
	u, err := p.t.readUpdate(form{values: values}, "", s)
	return &u, err
}

func (b *Sandbox) viewPortal(p portalVisit, done string, wrong *decline) (screen, error) {
	view := portalView{
		cardForm: newCardForm(p.session.Memo.PageToken, p.t.time()), Back: string(p.session.ReturnURL),
		Customer:  strings.Trim(string(p.payer.Name)+", "+string(p.payer.Email), ", "),
		TakesCard: p.config.Features.PaymentMethodUpdate.Enabled && (p.flow == "" || p.flow == "payment_method_update"),
	}
	view.Done, view.Decline = done, wrong
	if p.flow != "" {
		view.Home = p.r.URL.Path + "?home=1"
	}
	if err := p.viewSubscriptions(&view); err != nil {
		return screen{}, err
	}
	if err := p.viewMoney(&view); err != nil {
		return screen{}, err
	}
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusPaymentRequired
	}
	allow := string(p.session.ReturnURL)
	if f := p.session.Flow; f != nil && f.AfterCompletion.Redirect != nil {
		allow = f.AfterCompletion.Redirect.ReturnURL
	}
	return screen{template: "portal", status: status, title: "Billing", wide: true, body: view, allow: allow}, nil
}

func (p portalVisit) viewSubscriptions(view *portalView) error {
	all, err := every[subscription](p.t, ofCustomer(kindSubscription, p.payer.ID))
	if err != nil || p.flow == "payment_method_update" {
		return err
	}
	for _, s := range all {
		if s.over() || p.flow == "subscription_cancel" && p.session.Flow.SubscriptionCancel.Subscription != s.ID ||
			p.flow == "subscription_update_confirm" && p.session.Flow.SubscriptionUpdateConfirm.Subscription != s.ID {
			continue
		}
		row := portalSubscription{ID: s.ID, State: stateInWords(s)}
		if row.Title, err = p.t.itemsInWords(s.Items.Data); err != nil {
			return err
		}
		leaving := s.CancelAtPeriodEnd || s.CancelAt != 0
		row.Resume = leaving && s.Schedule == ""
		if p.config.Features.SubscriptionCancel.Enabled && !leaving && s.Schedule == "" && p.flow != "subscription_update_confirm" {
			row.Cancel = "Cancel at the end of the period"
			if p.config.Features.SubscriptionCancel.Mode == "immediately" {
				row.Cancel = "Cancel now"
			}
		}
		u, err := p.proposed(s)
		if err != nil {
			return err
		}
		if u != nil {
			if err := p.viewChange(&row, s, *u); err != nil {
				return err
			}
		}
		view.Subscriptions = append(view.Subscriptions, row)
	}
	return nil
}

func (p portalVisit) viewChange(row *portalSubscription, s *subscription, u update) error {
	lines, now, err := p.t.reckon(s, u)
	if err != nil {
		return err
	}
	due := p.payer.Balance
	for _, l := range lines {
		due += l.Amount
	}
	if !now {
		due = 0
	}
	row.Due = money(max(0, due), s.Currency)
	row.Confirm, err = p.t.itemsInWords(u.items)
	return err
}

func stateInWords(s *subscription) string {
	switch {
	case s.CancelAt != 0:
		return "Ends on " + dayOf(int64(s.CancelAt)) + "."
	case s.Status == trialing:
		return "Free until " + dayOf(int64(s.TrialEnd)) + "."
	case s.Status == active:
		return "Renews on " + dayOf(s.CurrentPeriodEnd) + "."
	case s.Status == pastDue:
		return "The last payment failed. It will be tried again."
	}
	return "State: " + strings.ReplaceAll(s.Status, "_", " ") + "."
}

func (p portalVisit) viewMoney(view *portalView) error {
	methods, err := every[paymentMethod](p.t, ofCustomer(kindPaymentMethod, p.payer.ID))
	if err != nil {
		return err
	}
	for _, m := range methods {
		words := fmt.Sprintf("%s ending in %s, valid until %02d/%d", strings.ToUpper(m.Card.Brand[:1])+m.Card.Brand[1:], m.Card.Last4, m.Card.ExpMonth, m.Card.ExpYear)
		if ref(m.ID) == p.payer.InvoiceSettings.DefaultPaymentMethod {
			words += " (pays)"
		}
		view.Methods = append(view.Methods, words)
	}
	if !p.config.Features.InvoiceHistory.Enabled || p.flow != "" {
		return nil
	}
	invoices, err := every[invoice](p.t, ofCustomer(kindInvoice, p.payer.ID))
	if err != nil {
		return err
	}
	for n := len(invoices) - 1; n >= 0; n-- {
		i := invoices[n]
		if i.Status == draft {
			continue
		}
		view.Invoices = append(view.Invoices, portalInvoice{dayOf(i.Created), string(i.Number), i.Status, money(i.Total, i.Currency), string(i.HostedInvoiceURL)})
	}
	return nil
}
