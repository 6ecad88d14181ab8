package billingsandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed" // the page is part of the program
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// pagePath is where the hosted pages are, under the product's address.
const pagePath = "/sandbox/checkout/"

//go:embed page.html
var pageSource string

// formMax is the largest form the page takes.
const formMax = 16 << 10

// pageView is what the page shows.
type pageView struct {
	Nonce      string
	Session    checkoutSession
	Token      string
	Product    string
	Amount     string
	Each       string // month, year
	Customer   string
	ReturnURL  string
	Number     string
	Expiry     string
	Decline    *decline
	ExpiresAt  time.Time
	Notice     string // instead of the form
	NoticeLink string
}

// Wrong says whether the decline is about this field.
func (v pageView) Wrong(field string) bool { return v.Decline != nil && v.Decline.Field == field }

// Pages serves the hosted checkout page: GET and POST of /sandbox/checkout/{id}.
func (b *Sandbox) Pages() (http.Handler, error) {
	page, err := template.New("page").Parse(pageSource)
	if err != nil {
		return nil, fmt.Errorf("parse checkout page: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pagePath+"{id}", func(w http.ResponseWriter, r *http.Request) {
		view, status, err := b.view(r.Context(), r.PathValue("id"))
		b.show(w, r, page, view, status, err)
	})
	mux.HandleFunc("POST "+pagePath+"{id}", func(w http.ResponseWriter, r *http.Request) {
		view, status, err := b.submit(w, r)
		if err == nil && view.ReturnURL != "" {
			http.Redirect(w, r, view.ReturnURL, http.StatusSeeOther)
			return
		}
		b.show(w, r, page, view, status, err)
	})
	return mux, nil
}

// submit takes the form. A view with a ReturnURL means paid.
func (b *Sandbox) submit(w http.ResponseWriter, r *http.Request) (pageView, int, error) {
	r.Body = http.MaxBytesReader(w, r.Body, formMax)
	if err := r.ParseForm(); err != nil {
		return pageView{Notice: "The form could not be read."}, http.StatusBadRequest, nil
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	ctx, cancel := steady(r.Context())
	defer cancel()
	row, session, err := b.session(ctx, r.PathValue("id"))
	if err != nil {
		return b.gone(err)
	}
	// The token is only in the page itself, so another site cannot submit the form.
	site := r.Header.Get("Sec-Fetch-Site")
	token := subtle.ConstantTimeCompare([]byte(r.PostForm.Get("token")), []byte(row.Value.PageToken)) == 1
	if !token || site != "" && site != "same-origin" && site != "none" {
		return pageView{Notice: "This form did not come from our page. Open the page again.", NoticeLink: session.CancelURL}, http.StatusForbidden, nil
	}
	if session.Status == complete {
		return pageView{ReturnURL: returnTo(session)}, http.StatusSeeOther, nil // sent twice
	}
	if session.Status == open {
		paid, declined := charge(r.PostForm.Get("number"), r.PostForm.Get("expiry"), r.PostForm.Get("cvc"), b.now())
		if declined == nil {
			if err := b.pay(ctx, row, session, paid); err != nil {
				return pageView{}, 0, err
			}
			return pageView{ReturnURL: returnTo(session)}, http.StatusSeeOther, nil
		}
		view, _, err := b.view(ctx, session.ID)
		view.Decline, view.Number, view.Expiry = declined, "", r.PostForm.Get("expiry")
		return view, http.StatusPaymentRequired, err
	}
	return b.view(ctx, session.ID)
}

func returnTo(s checkoutSession) string {
	return strings.ReplaceAll(s.SuccessURL, "{CHECKOUT_SESSION_ID}", s.ID)
}

// view is the page of a session as it is now.
func (b *Sandbox) view(ctx context.Context, id string) (pageView, int, error) {
	row, session, err := b.session(ctx, id)
	if err != nil {
		return b.gone(err)
	}
	v := pageView{Session: session, Token: row.Value.PageToken, ExpiresAt: time.Unix(session.ExpiresAt, 0).UTC()}
	switch session.Status {
	case complete:
		v.Notice, v.NoticeLink = "This has been paid. Thank you.", returnTo(session)
		return v, http.StatusOK, nil
	case expired:
		v.Notice, v.NoticeLink = "This checkout has expired. Nothing was charged.", session.CancelURL
		return v, http.StatusGone, nil
	}
	var p price
	if row.Value.Bought == nil {
		return v, 0, fmt.Errorf("checkout session %s has no order", id)
	}
	if _, err := b.load(ctx, kindPrice, row.Value.Bought.Price, &p); err != nil {
		return v, 0, err
	}
	var of product
	if _, err := b.load(ctx, kindProduct, p.Product, &of); err != nil {
		return v, 0, err
	}
	var payer customer
	if _, err := b.load(ctx, kindCustomer, session.Customer, &payer); err != nil {
		return v, 0, err
	}
	v.Product, v.Each, v.Amount = of.Name, p.Recurring.Interval, money(session.AmountTotal, session.Currency)
	v.Expiry = fmt.Sprintf("12 / %02d", (b.now().Year()+3)%100)
	for _, s := range []*string{payer.Name, payer.Email} {
		if s != nil {
			v.Customer = strings.TrimPrefix(v.Customer+", "+*s, ", ")
		}
	}
	return v, http.StatusOK, nil
}

func (b *Sandbox) gone(err error) (pageView, int, error) {
	var f *failure
	if errors.As(err, &f) {
		return pageView{Notice: "There is no such checkout."}, http.StatusNotFound, nil
	}
	return pageView{}, 0, err
}

func (b *Sandbox) show(w http.ResponseWriter, r *http.Request, page *template.Template, v pageView, status int, err error) {
	if err != nil {
		b.log.ErrorContext(r.Context(), "sandbox page", "err", err)
		v, status = pageView{Notice: "Something went wrong. Nothing was charged; try again."}, http.StatusInternalServerError
	}
	v.Nonce = rand.Text()
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
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
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+v.Nonce+"'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"+originOf(v.Session.SuccessURL))
	w.WriteHeader(status)
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
	sign := strings.ToUpper(currency) + " "
	if currency == "usd" {
		sign = "$"
	}
	whole := fmt.Sprint(cents / 100)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return fmt.Sprintf("%s%s.%02d", sign, whole, cents%100)
}
