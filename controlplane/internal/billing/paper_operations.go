package billing

import "context"

// PortalRequest is POST /v1/billing/portal.
type PortalRequest struct {
	Body struct {
		Purpose Purpose `json:"purpose" enum:"overview,payment_method"`
	}
}

// PortalResponse holds an address that lets whoever has it in, for a short time.
type PortalResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		URL string `json:"url" doc:"send the browser there; keep it nowhere"`
	}
}

// Portal opens the payment service's own page.
func (o *Operations) Portal(ctx context.Context, r *PortalRequest) (*PortalResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	url, err := o.books.Portal(ctx, who.Tenant, r.Body.Purpose)
	if err != nil {
		return nil, err
	}
	answer := &PortalResponse{CacheControl: noStore}
	answer.Body.URL = url
	return answer, nil
}

// InvoicesRequest is GET /v1/billing/invoices.
type InvoicesRequest struct {
	After string `query:"after" maxLength:"255" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}

// InvoicesResponse is a page of invoices.
type InvoicesResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         InvoicePage
}

// Invoices lists what was billed, newest first.
func (o *Operations) Invoices(ctx context.Context, r *InvoicesRequest) (*InvoicesResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	page, err := o.books.Invoices(ctx, who.Tenant, r.After, max(1, r.Limit))
	if err != nil {
		return nil, err
	}
	return &InvoicesResponse{CacheControl: noStore, Body: page}, nil
}

// InvoiceRequest is GET /v1/billing/invoices/{id}.
type InvoiceRequest struct {
	ID string `path:"id" maxLength:"255"`
}

// InvoiceResponse is where one invoice is.
type InvoiceResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         InvoiceLinks
}

// Invoice says where one invoice can be read and paid. It is asked for when somebody
// wants to see it, and kept nowhere.
func (o *Operations) Invoice(ctx context.Context, r *InvoiceRequest) (*InvoiceResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	links, err := o.books.InvoiceLinks(ctx, who.Tenant, r.ID)
	if err != nil {
		return nil, err
	}
	return &InvoiceResponse{CacheControl: noStore, Body: links}, nil
}

// DetailsResponse is who the invoices are made out to.
type DetailsResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         PayerDetails
}

func detailsOf(d PayerDetails, err error) (*DetailsResponse, error) {
	if err != nil {
		return nil, err
	}
	return &DetailsResponse{CacheControl: noStore, Body: d}, nil
}

// Details shows who the invoices are made out to.
func (o *Operations) Details(ctx context.Context, _ *NothingRequest) (*DetailsResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	return detailsOf(o.books.Details(ctx, who.Tenant))
}

// SetDetailsRequest is PUT /v1/billing/payer.
type SetDetailsRequest struct {
	Body struct {
		Name    string        `json:"name" minLength:"1" maxLength:"120"`
		Email   string        `json:"email" minLength:"3" maxLength:"254"`
		Address PostalAddress `json:"address"`
	}
}

// SetDetails changes who the invoices are made out to.
func (o *Operations) SetDetails(ctx context.Context, r *SetDetailsRequest) (*DetailsResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	return detailsOf(o.books.SetDetails(ctx, who.Tenant, PayerDetails{Name: r.Body.Name, Email: r.Body.Email, Address: r.Body.Address}))
}

// AddTaxIDRequest is POST /v1/billing/tax-ids.
type AddTaxIDRequest struct {
	Body struct {
		Type  string `json:"type" minLength:"3" maxLength:"20" pattern:"^[a-z]{2}_[a-z_]+$" doc:"eu_vat, gb_vat, us_ein and so on"`
		Value string `json:"value" minLength:"2" maxLength:"40"`
	}
}

// AddTaxID adds a tax number to the invoices.
func (o *Operations) AddTaxID(ctx context.Context, r *AddTaxIDRequest) (*DetailsResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	return detailsOf(o.books.AddTaxID(ctx, who.Tenant, TaxID{Type: r.Body.Type, Value: r.Body.Value}))
}

// RemoveTaxIDRequest is DELETE /v1/billing/tax-ids/{id}.
type RemoveTaxIDRequest struct {
	ID string `path:"id" maxLength:"255"`
}

// RemoveTaxID takes a tax number away.
func (o *Operations) RemoveTaxID(ctx context.Context, r *RemoveTaxIDRequest) (*DetailsResponse, error) {
	who, err := manager(ctx)
	if err != nil {
		return nil, err
	}
	return detailsOf(o.books.RemoveTaxID(ctx, who.Tenant, r.ID))
}
