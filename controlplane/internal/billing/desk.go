package billing

import (
	"context"
	"fmt"

	"github.com/dyocense/dyocense/shared/id"
)

// customerOf is the account of a tenant that has bought something, or ErrNoPapers.
func (b *Books) customerOf(ctx context.Context, t id.Tenant) (Account, error) {
	row, err := b.store.account(ctx, t)
	if err == nil && row.Value.Customer == "" {
		err = ErrNoPapers
	}
	return row.Value, err
}

// Portal opens the provider's own page for tenant t. Whoever has the address can use
// it: it goes to the one who asked and is kept nowhere.
func (b *Books) Portal(ctx context.Context, t id.Tenant, p Purpose) (url string, err error) {
	a, err := b.customerOf(ctx, t)
	if err != nil {
		return "", err
	}
	url, err = b.provider.Portal(ctx, a.Customer, p, b.site+"/settings/plan?from=portal")
	if err != nil {
		return "", fmt.Errorf("open portal of %s: %w", t, err)
	}
	return url, nil
}

// Invoices lists the invoices of tenant t from the provider.
func (b *Books) Invoices(ctx context.Context, t id.Tenant, after string, limit int) (InvoicePage, error) {
	row, err := b.store.account(ctx, t)
	if err != nil || row.Value.Customer == "" {
		return InvoicePage{Invoices: []Invoice{}}, err
	}
	page, err := b.provider.Invoices(ctx, row.Value.Customer, after, limit)
	if err != nil {
		return page, fmt.Errorf("list invoices of %s: %w", t, err)
	}
	return page, nil
}

// InvoiceLinks are the addresses of one invoice of tenant t.
func (b *Books) InvoiceLinks(ctx context.Context, t id.Tenant, invoice string) (InvoiceLinks, error) {
	row, err := b.store.account(ctx, t)
	if err != nil {
		return InvoiceLinks{}, err
	}
	if row.Value.Customer == "" {
		return InvoiceLinks{}, ErrNoInvoice
	}
	links, err := b.provider.InvoiceLinks(ctx, row.Value.Customer, invoice)
	if err != nil {
		return links, fmt.Errorf("read invoice of %s: %w", t, err)
	}
	return links, nil
}

// Details are who the invoices of tenant t are made out to.
func (b *Books) Details(ctx context.Context, t id.Tenant) (PayerDetails, error) {
	a, err := b.customerOf(ctx, t)
	if err != nil {
		return PayerDetails{}, err
	}
	d, err := b.provider.Details(ctx, a.Customer)
	if err != nil {
		return d, fmt.Errorf("read payer of %s: %w", t, err)
	}
	return d, nil
}

// SetDetails changes who the invoices of tenant t are made out to. Letters go to the
// same address as invoices.
func (b *Books) SetDetails(ctx context.Context, t id.Tenant, d PayerDetails) (PayerDetails, error) {
	a, err := b.customerOf(ctx, t)
	if err != nil {
		return PayerDetails{}, err
	}
	if err := b.provider.SetDetails(ctx, a.Customer, d); err != nil {
		return PayerDetails{}, fmt.Errorf("change payer of %s: %w", t, err)
	}
	_, err = b.store.change(ctx, t, func(a *Account) (bool, error) {
		if a.Payer == (Payer{Email: d.Email, Company: d.Name}) {
			return false, nil
		}
		a.Payer = Payer{Email: d.Email, Company: d.Name}
		return true, nil
	})
	if err != nil {
		return PayerDetails{}, err
	}
	return b.Details(ctx, t)
}

// taxIDsMax is how many tax numbers the provider keeps of a customer.
const taxIDsMax = 5

// AddTaxID adds a tax number to the invoices of tenant t.
func (b *Books) AddTaxID(ctx context.Context, t id.Tenant, x TaxID) (PayerDetails, error) {
	d, err := b.Details(ctx, t)
	if err != nil {
		return d, err
	}
	if len(d.TaxIDs) >= taxIDsMax {
		return d, ErrTaxID.Saying("There can be %d tax numbers. Remove one first.", taxIDsMax)
	}
	for _, known := range d.TaxIDs {
		if known.Type == x.Type && known.Value == x.Value {
			return d, nil
		}
	}
	a, err := b.customerOf(ctx, t)
	if err != nil {
		return d, err
	}
	if err := b.provider.AddTaxID(ctx, a.Customer, x); err != nil {
		return d, fmt.Errorf("add tax number of %s: %w", t, err)
	}
	return b.Details(ctx, t)
}

// RemoveTaxID takes a tax number away.
func (b *Books) RemoveTaxID(ctx context.Context, t id.Tenant, taxID string) (PayerDetails, error) {
	a, err := b.customerOf(ctx, t)
	if err != nil {
		return PayerDetails{}, err
	}
	if err := b.provider.RemoveTaxID(ctx, a.Customer, taxID); err != nil {
		return PayerDetails{}, fmt.Errorf("remove tax number of %s: %w", t, err)
	}
	return b.Details(ctx, t)
}
