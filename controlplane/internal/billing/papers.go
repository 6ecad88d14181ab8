package billing

import "time"

// Purpose is what a hosted page of the customer's own is opened for.
type Purpose string

// The purposes.
const (
	Overview      Purpose = "overview"
	PaymentMethod Purpose = "payment_method" // straight to another card
)

// InvoicePage is a part of a customer's invoices.
type InvoicePage struct {
	Invoices []Invoice `json:"invoices"`
	Next     string    `json:"next" doc:"give it as after to see more; empty at the end"`
}

// Invoice is one line of the list. Its addresses are asked for one by one.
type Invoice struct {
	ID       string    `json:"id"`
	Number   string    `json:"number"`
	At       time.Time `json:"at"`
	Status   string    `json:"status" doc:"draft, open, paid, void or uncollectible"`
	Currency string    `json:"currency"`
	Total    Cents     `json:"totalCents"`
	Due      Cents     `json:"dueCents" doc:"what is still to pay"`
	Paid     Cents     `json:"paidCents"`
	Refunded Cents     `json:"refundedCents"`
}

// InvoiceLinks are the addresses of one invoice. Whoever has them can read it.
type InvoiceLinks struct {
	Page string `json:"page" doc:"to look at and to pay"`
	PDF  string `json:"pdf"`
}

// PayerDetails are who the invoices are made out to.
type PayerDetails struct {
	Name    string        `json:"name"`
	Email   string        `json:"email"`
	Address PostalAddress `json:"address"`
	TaxIDs  []TaxID       `json:"taxIds"`
}

// PostalAddress is where the payer is.
type PostalAddress struct {
	Line1      string `json:"line1" maxLength:"200"`
	Line2      string `json:"line2" maxLength:"200"`
	City       string `json:"city" maxLength:"100"`
	PostalCode string `json:"postalCode" maxLength:"20"`
	State      string `json:"state" maxLength:"100"`
	Country    string `json:"country" maxLength:"2" doc:"two letters; empty when not given"`
}

// TaxID is a number under which the payer is taxed.
type TaxID struct {
	ID       string `json:"id"`
	Type     string `json:"type" doc:"eu_vat, gb_vat, us_ein and so on"`
	Value    string `json:"value"`
	Verified string `json:"verified" doc:"pending, verified, unverified or unavailable"`
}

// Warning is a dispute of a payment, or the bank's warning of one.
type Warning struct {
	ID       string    `json:"id"`
	Object   string    `json:"object"`
	Customer string    `json:"-"`
	Reason   string    `json:"reason"`
	Amount   Cents     `json:"amount"`
	At       time.Time `json:"at"`
	Open     bool      `json:"open"`
}

// The objects that a Warning is read from.
const (
	objectDispute = "dispute"
	objectFraud   = "radar.early_fraud_warning"
)

// Reading is what a tenant used of something in an hour.
type Reading struct {
	Customer   string
	Meter      Meter
	Identifier string // at most 100 characters
	Value      int64
	At         time.Time
}
