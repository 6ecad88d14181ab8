package billingsandbox

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
)

type invoiceView struct {
	cardForm
	Number, Due, Status, Date, Customer, Total, Credit, PDF, Confirm string
	Open                                                             bool
	Lines                                                            []invoiceViewLine
}

type invoiceViewLine struct{ Text, Amount string }

// hosted is the invoice of an address; the token makes the address secret.
func hosted(t *tx, r *http.Request) (*invoice, error) {
	i, err := get[invoice](t, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if i.Memo.PageToken == "" || subtle.ConstantTimeCompare([]byte(r.PathValue("token")), []byte(i.Memo.PageToken)) != 1 {
		return nil, missing(kindInvoice, i.ID)
	}
	return i, t.at(i.Customer)
}

func (b *Sandbox) invoicePage(v visit) (screen, error) {
	i, err := hosted(v.t, v.r)
	if err != nil {
		return gone(err, "There is no such invoice.")
	}
	if v.form == nil {
		return b.viewInvoice(v.t, i)
	}
	if v.foreign(b.pageToken) {
		return notice(http.StatusForbidden, foreignForm, ""), nil
	}
	if i.Status != open {
		return screen{to: string(i.HostedInvoiceURL)}, nil
	}
	method, wrong := v.typed()
	if wrong == nil {
		payer, err := get[customer](v.t, i.Customer)
		if err != nil {
			return screen{}, err
		}
		if _, err := v.t.attach(method.ID, payer); err != nil {
			return screen{}, err
		}
		f := v.t.charge(i, method, manner{visible: true})
		if f != nil {
			v.t.unpaidTold(i, f)
		}
		if err := v.t.commit(); err != nil {
			return screen{}, err
		}
		switch {
		case f == nil:
			return screen{to: string(i.HostedInvoiceURL)}, nil
		case f.Code == "authentication_required":
			return screen{to: b.site + authenticatePath + string(i.PaymentIntent)}, nil
		}
		wrong = &decline{"number", f.Message}
	} else {
		again := b.fresh(v)
		v = again
		if i, err = hosted(v.t, v.r); err != nil {
			return screen{}, err
		}
	}
	s, err := b.viewInvoice(v.t, i)
	if view, ok := s.body.(invoiceView); ok {
		view.Decline = wrong
		s.body, s.status = view, http.StatusPaymentRequired
	}
	return s, err
}

func (b *Sandbox) viewInvoice(t *tx, i *invoice) (screen, error) {
	view := invoiceView{
		cardForm: newCardForm(b.pageToken, t.time()), Number: string(i.Number), Due: money(i.AmountDue, i.Currency), Date: dayOf(i.Created),
		Customer: strings.Trim(string(i.CustomerName)+", "+string(i.CustomerEmail), ", "), Total: money(i.Total, i.Currency), PDF: string(i.InvoicePDF),
		Open: i.Status == open, Status: map[string]string{open: "due", paid: "paid", void: "void", uncollectible: "not to be collected"}[i.Status],
	}
	if used := i.Total - i.AmountDue; used != 0 {
		view.Credit = money(-used, i.Currency)
	}
	for _, l := range i.Lines.Data {
		view.Lines = append(view.Lines, invoiceViewLine{l.Description, money(l.Amount, i.Currency)})
	}
	if i.Status == open && i.PaymentIntent != "" {
		pi, err := get[paymentIntent](t, string(i.PaymentIntent))
		if err != nil {
			return screen{}, err
		}
		if pi.Status == "requires_action" {
			view.Confirm = b.site + authenticatePath + pi.ID
		}
	}
	return screen{template: "invoice", status: http.StatusOK, title: "Invoice " + view.Number, wide: true, body: view, allow: b.site}, nil
}

func (b *Sandbox) servePDF(w http.ResponseWriter, r *http.Request) {
	i, err := hosted(b.begin(r.Context(), call{}), r)
	if err != nil {
		http.Error(w, "There is no such invoice.", http.StatusNotFound)
		return
	}
	lines := []string{
		"SANDBOX - no real money", "", "Invoice " + string(i.Number), "Date: " + dayOf(i.Created), "For: " + string(i.CustomerName) + " " + string(i.CustomerEmail), "",
	}
	for _, l := range i.Lines.Data {
		lines = append(lines, fmt.Sprintf("%s   %s", l.Description, money(l.Amount, i.Currency)))
	}
	lines = append(lines, "", "Total: "+money(i.Total, i.Currency), "Due: "+money(i.AmountDue, i.Currency), "Status: "+i.Status)
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", `attachment; filename="`+string(i.Number)+`.pdf"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(pdf(lines)) // a browser that went away reads nothing
}

// pdfLines is how many lines fit on the one page.
const pdfLines = 50

// pdf is a document of one page with these lines.
func pdf(lines []string) []byte {
	var text strings.Builder
	text.WriteString("BT /F1 11 Tf 56 780 Td 14 TL\n")
	for _, l := range lines[:min(len(lines), pdfLines)] {
		plain := strings.NewReplacer("\\", `\\`, "(", `\(`, ")", `\)`, "×", "x", "−", "-").Replace(l)
		plain = strings.Map(func(r rune) rune {
			if r < 32 || r > 126 {
				return '?' // the built-in font knows no more
			}
			return r
		}, plain)
		text.WriteString("(" + plain + ") Tj T*\n")
	}
	text.WriteString("ET")
	parts := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", text.Len(), text.String()),
	}
	out := "%PDF-1.4\n"
	var places []int
	for n, p := range parts {
		places = append(places, len(out))
		out += fmt.Sprintf("%d 0 obj\n%s\nendobj\n", n+1, p)
	}
	table := len(out)
	out += fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(parts)+1)
	for _, at := range places {
		out += fmt.Sprintf("%010d 00000 n \n", at)
	}
	return []byte(out + fmt.Sprintf("trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(parts)+1, table))
}
