package billingsandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Where the hosted pages are, under the product's address.
const (
	checkoutPath     = "/sandbox/checkout/"
	authenticatePath = "/sandbox/authenticate/"
	invoicePath      = "/sandbox/invoice/"
	portalPath       = "/sandbox/portal/"
	clockPath        = "/sandbox/clock"
	chaosPath        = "/sandbox/chaos"
)

//go:embed pages/*.html
var pageSources embed.FS

// formMax is the largest form a page takes.
const formMax = 16 << 10

// screen is one answer of a page.
type screen struct {
	template string // "" with To set
	status   int
	title    string
	wide     bool
	body     any
	to       string // where the browser goes instead
	allow    string // another address to which the form may lead
}

// visit is one request for a page.
type visit struct {
	t    *tx
	r    *http.Request
	form url.Values // nil unless the form was sent
	id   string
}

// pages are the templates by name.
type pages map[string]*template.Template

// Pages serves everything under /sandbox: the hosted checkout, invoice, portal and
// authentication pages, the clock and the chaos page.
func (b *Sandbox) Pages() (http.Handler, error) {
	all := pages{}
	for _, name := range []string{"notice", "checkout", "authenticate", "invoice", "portal", "clock", "chaos"} {
		t, err := template.ParseFS(pageSources, "pages/layout.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		all[name] = t
	}
	mux := http.NewServeMux()
	for _, p := range []struct {
		path string
		do   func(*Sandbox, visit) (screen, error)
	}{
		{checkoutPath + "{id}", (*Sandbox).checkoutPage},
		{authenticatePath + "{id}", (*Sandbox).authenticatePage},
		{invoicePath + "{id}/{token}", (*Sandbox).invoicePage},
		{portalPath + "{id}/{token}", (*Sandbox).portalPage},
		{clockPath, (*Sandbox).clockPage},
		{chaosPath, (*Sandbox).chaosPage},
	} {
		mux.HandleFunc("GET "+p.path, func(w http.ResponseWriter, r *http.Request) { b.visit(w, r, all, p.do) })
		mux.HandleFunc("POST "+p.path, func(w http.ResponseWriter, r *http.Request) { b.visit(w, r, all, p.do) })
	}
	mux.HandleFunc("GET "+invoicePath+"{id}/{token}/pdf", b.servePDF)
	return mux, nil
}

// visit answers one request for a page. A form is read, and what it asks is done,
// while nothing else changes.
func (b *Sandbox) visit(w http.ResponseWriter, r *http.Request, all pages, do func(*Sandbox, visit) (screen, error)) {
	v := visit{r: r, id: r.PathValue("id")}
	var s screen
	var err error
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, formMax)
		if err := r.ParseForm(); err != nil {
			b.show(w, r, all, notice(http.StatusBadRequest, "The form could not be read.", ""), nil)
			return
		}
		v.form = r.PostForm
		s, err = b.change(v, do)
		b.outrun(r.Context())
	} else {
		v.t = b.begin(r.Context(), call{})
		s, err = do(b, v)
	}
	b.show(w, r, all, s, err)
}

// change does what a form asks. The pages of the clock and of chaos change settings,
// which take the lock themselves.
func (b *Sandbox) change(v visit, do func(*Sandbox, visit) (screen, error)) (screen, error) {
	ctx, cancel := steady(v.r.Context())
	defer cancel()
	if path := v.r.URL.Path; path == clockPath || path == chaosPath {
		v.t = b.begin(ctx, call{})
		return do(b, v)
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	if err := b.recover(ctx); err != nil {
		return screen{}, err
	}
	v.t = b.begin(ctx, call{})
	v.t.request = nil
	return do(b, v)
}

// notice is a page that only says something.
func notice(status int, words, link string) screen {
	return screen{template: "notice", status: status, title: words, body: struct{ Notice, Link string }{words, link}}
}

// foreign says that a form did not come from our page. The token is only in the
// page itself, so another site cannot submit the form.
func (v visit) foreign(token string) bool {
	site := v.r.Header.Get("Sec-Fetch-Site")
	return subtle.ConstantTimeCompare([]byte(v.form.Get("token")), []byte(token)) != 1 || site != "" && site != "same-origin" && site != "none"
}

const foreignForm = "This form did not come from our page. Open the page again."

// gone is the page of something that is not there.
func gone(err error, words string) (screen, error) {
	var f *failure
	if errors.As(err, &f) && f.Status == http.StatusNotFound {
		return notice(http.StatusNotFound, words, ""), nil
	}
	return screen{}, err
}

func (b *Sandbox) show(w http.ResponseWriter, r *http.Request, all pages, s screen, err error) {
	if err != nil {
		b.log.ErrorContext(r.Context(), "sandbox page", "err", err)
		s = notice(http.StatusInternalServerError, "Something went wrong. Nothing was charged; try again.", "")
	}
	if s.to != "" {
		http.Redirect(w, r, s.to, http.StatusSeeOther)
		return
	}
	nonce := rand.Text()
	var out bytes.Buffer
	if err := all[s.template].ExecuteTemplate(&out, "layout", struct {
		Nonce, Title string
		Wide         bool
		Body         any
	}{nonce, s.title, s.wide, s.body}); err != nil {
		b.log.ErrorContext(r.Context(), "sandbox page", "err", err)
		http.Error(w, "Something went wrong. Nothing was charged; try again.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	// Browsers apply form-action to where the answer redirects, too.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"+originOf(s.allow))
	w.WriteHeader(s.status)
	_, _ = w.Write(out.Bytes()) // a browser that went away reads nothing
}

func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	return " " + u.Scheme + "://" + u.Host
}

// money writes an amount of a currency with cents.
func money(cents int64, currency string) string {
	minus := ""
	if cents < 0 {
		minus, cents = "−", -cents
	}
	sign := strings.ToUpper(currency) + " "
	if currency == "usd" {
		sign = "$"
	}
	whole := fmt.Sprint(cents / 100)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return fmt.Sprintf("%s%s%s.%02d", minus, sign, whole, cents%100)
}

func dayOf(second int64) string { return time.Unix(second, 0).UTC().Format("2 January 2006") }

// cardHint is a test card as a page names it.
type cardHint struct{ Number, Says string }

// cardForm is the part of a page in which a card is typed.
type cardForm struct {
	Token   string
	Expiry  string
	Decline *decline
	Done    string
	Cards   []cardHint
}

// Wrong says whether the decline is about this field.
func (f cardForm) Wrong(field string) bool { return f.Decline != nil && f.Decline.Field == field }

func newCardForm(token string, now time.Time) cardForm {
	f := cardForm{Token: token, Expiry: fmt.Sprintf("12 / %02d", (now.Year()+3)%100)}
	for _, c := range testCards() {
		if c.says != "" {
			n := c.number
			f.Cards = append(f.Cards, cardHint{n[:4] + " " + n[4:8] + " " + n[8:12] + " " + n[12:], c.says})
		}
	}
	return f
}

// typed is the card of a form, kept but attached to nobody; or why not.
func (v visit) typed() (*paymentMethod, *decline) {
	kept, behavior, d := readCard(v.form.Get("number"), v.form.Get("expiry"), v.form.Get("cvc"), v.t.time())
	if d != nil {
		return nil, d
	}
	return v.t.newMethod(kept, behavior), nil
}

// fresh is the same visit with nothing done yet.
func (b *Sandbox) fresh(v visit) visit {
	ctx := v.t.ctx
	v.t = b.begin(ctx, call{})
	v.t.request = nil
	return v
}

// authenticatePage is where a bank asks the holder of a card.
func (b *Sandbox) authenticatePage(v visit) (screen, error) {
	if strings.HasPrefix(v.id, kindSetupIntent.prefix()) {
		return b.authenticateSetup(v)
	}
	pi, err := get[paymentIntent](v.t, v.id)
	if err != nil {
		return gone(err, "There is no such payment.")
	}
	if err := v.t.at(string(pi.Customer)); err != nil {
		return screen{}, err
	}
	i, err := get[invoice](v.t, string(pi.Invoice))
	if err != nil {
		return gone(err, "There is no such invoice.")
	}
	back := string(i.HostedInvoiceURL)
	if pi.Status != "requires_action" {
		return notice(http.StatusOK, "There is nothing to confirm any more.", back), nil
	}
	ask := screen{template: "authenticate", status: http.StatusOK, title: "Confirm the payment", allow: b.site, body: struct{ Token, What string }{
		b.pageToken, fmt.Sprintf("A payment of %s to Dyocense.", money(pi.Amount, pi.Currency)),
	}}
	if v.form == nil {
		return ask, nil
	}
	if v.foreign(b.pageToken) {
		return notice(http.StatusForbidden, foreignForm, back), nil
	}
	method, err := get[paymentMethod](v.t, string(pi.PaymentMethod))
	if err != nil {
		return screen{}, err
	}
	v.t.authenticated(pi, i, method, v.form.Get("answer") == "complete")
	return screen{to: back}, v.t.commit()
}

// authenticated is what the holder of a card answered about a payment.
func (t *tx) authenticated(pi *paymentIntent, i *invoice, method *paymentMethod, yes bool) {
	if yes {
		method.Memo.Authenticated = true
		t.save(method)
		if f := t.charge(i, method, manner{confirmed: true}); f != nil {
			t.unpaidTold(i, f)
		}
		return
	}
	f := &failure{
		Type: "invalid_request_error", Code: "payment_intent_authentication_failure",
		Message: "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
	}
	pi.Status, pi.NextAction, pi.PaymentMethod, pi.LastPaymentError = "requires_payment_method", nil, "", f
	t.save(pi)
	t.announce("payment_intent.payment_failed", pi)
	t.unpaidTold(i, f)
}

func (b *Sandbox) authenticateSetup(v visit) (screen, error) {
	si, err := get[setupIntent](v.t, v.id)
	if err != nil {
		return gone(err, "There is no such card.")
	}
	if err := v.t.at(string(si.Customer)); err != nil {
		return screen{}, err
	}
	if si.Status != "requires_action" {
		return notice(http.StatusOK, "There is nothing to confirm any more.", ""), nil
	}
	back := ""
	if si.NextAction != nil && si.NextAction.RedirectToURL != nil {
		back = string(si.NextAction.RedirectToURL.ReturnURL)
	}
	if v.form == nil {
		return screen{template: "authenticate", status: http.StatusOK, title: "Confirm the card", allow: back, body: struct{ Token, What string }{
			b.pageToken, "Your card is to be kept by Dyocense.",
		}}, nil
	}
	if v.foreign(b.pageToken) {
		return notice(http.StatusForbidden, foreignForm, back), nil
	}
	if v.form.Get("answer") == "complete" {
		if err := v.t.setUp(si); err != nil {
			return screen{}, err
		}
	} else {
		si.Status, si.NextAction, si.PaymentMethod = "requires_payment_method", nil, ""
		si.LastSetupError = &failure{Type: invalidRequest, Code: "setup_intent_authentication_failure", Message: "The provided PaymentMethod has failed authentication."}
		v.t.save(si)
		v.t.announce("setup_intent.setup_failed", si)
	}
	if err := v.t.commit(); err != nil {
		return screen{}, err
	}
	if back != "" {
		return screen{to: back}, nil
	}
	return notice(http.StatusOK, "Thank you. You may close this page.", ""), nil
}

// clockPage moves the sandbox's clock.
func (b *Sandbox) clockPage(v visit) (screen, error) {
	form := cardForm{Token: b.pageToken}
	status := http.StatusOK
	if v.form != nil {
		if v.foreign(b.pageToken) {
			return notice(http.StatusForbidden, foreignForm, clockPath), nil
		}
		done, wrong, err := b.setClock(v.t.ctx, v.form)
		if err != nil {
			return screen{}, err
		}
		if form.Done, form.Decline = done, wrong; wrong != nil {
			status = http.StatusBadRequest
		}
	}
	s := b.chosen()
	ahead := "It shows the real time."
	if s.Ahead > 0 {
		ahead = fmt.Sprintf("It is %d days and %d hours ahead of the real time.", int(s.Ahead.Hours())/24, int(s.Ahead.Hours())%24)
	}
	return screen{template: "clock", status: status, title: "Clock", wide: true, body: struct {
		cardForm
		Now, Ahead, After string
	}{form, b.Now().UTC().Format("Mon 2 Jan 2006, 15:04:05 MST"), ahead, string(s.After)}}, nil
}

func (b *Sandbox) setClock(ctx context.Context, form url.Values) (done string, wrong *decline, err error) {
	if after := AfterRetries(form.Get("after")); after == LeaveUnpaid || after == Cancel {
		return "Saved.", nil, b.choose(ctx, func(s *settings) { s.After = after })
	}
	hours, err := time.ParseDuration(form.Get("hours") + "h")
	if err == nil {
		err = b.Advance(ctx, hours)
	} else {
		err = ErrAdvance
	}
	if errors.Is(err, ErrAdvance) {
		return "", &decline{"hours", "The clock moves by 1 to 17568 hours."}, nil
	}
	return "The clock was moved, and what was due by now has happened.", nil, err
}

// chaosPage sets how webhooks travel.
func (b *Sandbox) chaosPage(v visit) (screen, error) {
	form := cardForm{Token: b.pageToken}
	status := http.StatusOK
	if v.form != nil {
		if v.foreign(b.pageToken) {
			return notice(http.StatusForbidden, foreignForm, chaosPath), nil
		}
		switch v.form.Get("do") {
		case "rotate":
			b.RotateSecret()
			form.Done = "Webhooks carry two signatures from now on."
		case "calm":
			if err := b.SetChaos(v.t.ctx, Chaos{}); err != nil {
				return screen{}, err
			}
			form.Done = "Webhooks travel in order, once and at once."
		default:
			err := b.SetChaos(v.t.ctx, readChaos(v.form))
			if err != nil && !errors.Is(err, ErrChaos) {
				return screen{}, err
			}
			if form.Done = "Saved."; err != nil {
				form.Done, form.Decline, status = "", &decline{"", "Nothing was saved: " + err.Error() + "."}, http.StatusBadRequest
			}
		}
	}
	c := b.chosen().Chaos
	return screen{template: "chaos", status: status, title: "Webhooks", wide: true, body: struct {
		cardForm
		Chaos Chaos
		Delay int
	}{form, c, int(c.Delay.Seconds())}}, nil
}

func readChaos(form url.Values) Chaos {
	number := func(name string) int {
		n := 0
		if _, err := fmt.Sscanf(form.Get(name), "%d", &n); err != nil && form.Get(name) != "" {
			return -1 // refused as out of bounds
		}
		return n
	}
	return Chaos{
		Duplicate: number("duplicate"), Drop: number("drop"), Delay: time.Duration(number("delay")) * time.Second, Burst: number("burst"),
		FailFirst: number("fail"), Version: form.Get("version"), Reorder: form.Get("reorder") != "", BeforeAnswer: form.Get("before") != "",
	}
}
