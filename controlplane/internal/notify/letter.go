package notify

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	texttemplate "text/template"
)

// Letter is something to say to somebody. Its kinds are in this file.
type Letter interface {
	// template names the files under letters/.
	template() string
	// Subject is the line people see first.
	Subject() string
}

// ConfirmAddress asks a visitor to confirm an address.
type ConfirmAddress struct {
	Company string
	Link    string // holds a token; valid for Hours
	Hours   int
}

func (ConfirmAddress) template() string { return "confirm" }

// Subject implements Letter.
func (ConfirmAddress) Subject() string { return "Confirm your address for Dyocense" }

// AlreadyRegistered tells a person that somebody signed up with an address that
// has an account.
type AlreadyRegistered struct {
	Link string // to the sign-in page
}

func (AlreadyRegistered) template() string { return "registered" }

// Subject implements Letter.
func (AlreadyRegistered) Subject() string { return "You already have a Dyocense account" }

// MoveNews tells of a milestone of a move between environments.
type MoveNews struct {
	Line      string // the subject
	Company   string
	Sentences []string
	Link      string // to the page that shows the move
}

func (MoveNews) template() string { return "move" }

// Subject implements Letter.
func (n MoveNews) Subject() string { return n.Line + " (" + n.Company + ")" }

// StolenToken tells a person that somebody has a copy of a program's token.
type StolenToken struct {
	Program string // as it calls itself
	Link    string // to the page that lists programs and keys
}

func (StolenToken) template() string { return "stolen" }

// Subject implements Letter.
func (StolenToken) Subject() string { return "A program was signed out of your Dyocense account" }

// Invitation asks somebody to join a company.
type Invitation struct {
	Company string
	Inviter string // address
	Role    string
	Link    string // holds a token; valid for Days
	Days    int
}

func (Invitation) template() string { return "invitation" }

// Subject implements Letter. It does not name the company, which is text of a stranger
// to whoever reads it.
func (n Invitation) Subject() string { return n.Inviter + " invites you to Dyocense" }

// CompanyNews tells the owners of a company of something that concerns all of it.
type CompanyNews struct {
	Line      string // the subject
	Company   string
	Sentences []string
	Link      string // to where something can be done about it; "" when nothing can
}

func (CompanyNews) template() string { return "company" }

// Subject implements Letter.
func (n CompanyNews) Subject() string { return n.Line + " (" + n.Company + ")" }

// DecisionsRunOut tells an owner that most decisions of the month are used.
type DecisionsRunOut struct {
	Company string
	Used    int
	Limit   int
	Renews  string // the day
	Link    string // to the page that shows what is used
}

func (DecisionsRunOut) template() string { return "usage" }

// Subject implements Letter.
func (d DecisionsRunOut) Subject() string {
	return fmt.Sprintf("%d of %d decisions used (%s)", d.Used, d.Limit, d.Company)
}

// BillingNews tells a payer about a trial, a payment or a dispute.
type BillingNews struct {
	Line      string // the subject
	Company   string
	Sentences []string
	Button    string
	Link      string // to the page where it is put right
}

func (BillingNews) template() string { return "billing" }

// Subject implements Letter.
func (n BillingNews) Subject() string { return n.Line + " (" + n.Company + ")" }

//go:embed letters
var letters embed.FS

// words are the parsed templates.
type words struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

func parseWords() (words, error) {
	text, err := texttemplate.New("").Option("missingkey=error").ParseFS(letters, "letters/*.txt")
	if err != nil {
		return words{}, fmt.Errorf("parse letters: %w", err)
	}
	html, err := htmltemplate.New("").Option("missingkey=error").ParseFS(letters, "letters/*.html")
	if err != nil {
		return words{}, fmt.Errorf("parse letters: %w", err)
	}
	return words{text: text, html: html}, nil
}

func (w words) write(l Letter) (text, html string, err error) {
	var t, h bytes.Buffer
	if err := w.text.ExecuteTemplate(&t, l.template()+".txt", l); err != nil {
		return "", "", fmt.Errorf("write letter %s: %w", l.template(), err)
	}
	page := struct {
		Subject string
		Letter  Letter
	}{l.Subject(), l}
	if err := w.html.ExecuteTemplate(&h, l.template()+".html", page); err != nil {
		return "", "", fmt.Errorf("write letter %s: %w", l.template(), err)
	}
	return t.String(), h.String(), nil
}
