package billingstripe

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
)

// Portal implements billing.Provider.
func (c *Client) Portal(ctx context.Context, customer string, p billing.Purpose, back string) (string, error) {
	configuration, err := c.portal(ctx)
	if err != nil {
		return "", err
	}
	params := &stripe.BillingPortalSessionParams{Customer: stripe.String(customer), ReturnURL: stripe.String(back)}
	if configuration != "" {
		params.Configuration = stripe.String(configuration)
	}
	if p == billing.PaymentMethod {
		params.FlowData = &stripe.BillingPortalSessionFlowDataParams{
			Type: stripe.String("payment_method_update"),
			AfterCompletion: &stripe.BillingPortalSessionFlowDataAfterCompletionParams{
				Type:     stripe.String("redirect"),
				Redirect: &stripe.BillingPortalSessionFlowDataAfterCompletionRedirectParams{ReturnURL: stripe.String(back)},
			},
		}
	}
	params.Context = ctx
	session, err := c.api.BillingPortalSessions.New(params)
	if err != nil {
		return "", failure("open portal", err)
	}
	return session.URL, nil
}

// Invoices implements billing.Provider.
func (c *Client) Invoices(ctx context.Context, customer, after string, limit int) (billing.InvoicePage, error) {
	params := &stripe.InvoiceListParams{Customer: stripe.String(customer)}
	params.Context, params.Single, params.Limit = ctx, true, stripe.Int64(int64(limit))
	params.AddExpand("data.charge")
	if after != "" {
		params.StartingAfter = stripe.String(after)
	}
	page := billing.InvoicePage{Invoices: []billing.Invoice{}}
	list := c.api.Invoices.List(params)
	last := ""
	for list.Next() {
		i := list.Invoice()
		last = i.ID
		if i.Status == stripe.InvoiceStatusDraft {
			continue // it can still change and nobody can pay it
		}
		line := billing.Invoice{
			ID: i.ID, Number: i.Number, At: moment(i.Created), Status: string(i.Status), Currency: string(i.Currency),
			Total: billing.Cents(i.Total), Due: billing.Cents(i.AmountRemaining), Paid: billing.Cents(i.AmountPaid),
		}
		if i.Charge != nil {
			line.Refunded = billing.Cents(i.Charge.AmountRefunded)
		}
		page.Invoices = append(page.Invoices, line)
	}
	err := list.Err()
	switch {
	case err != nil && after != "" && (gone(err) || refused(err)):
		return page, billing.ErrNoInvoice.Because(err)
	case err != nil:
		return page, failure("list invoices", err)
	}
	if list.Meta().HasMore {
		page.Next = last
	}
	return page, nil
}

// InvoiceLinks implements billing.Provider.
func (c *Client) InvoiceLinks(ctx context.Context, customer, invoice string) (billing.InvoiceLinks, error) {
	if !strings.HasPrefix(invoice, "in_") {
		return billing.InvoiceLinks{}, billing.ErrNoInvoice
	}
	params := &stripe.InvoiceParams{}
	params.Context = ctx
	i, err := c.api.Invoices.Get(invoice, params)
	switch {
	case err != nil && gone(err):
		return billing.InvoiceLinks{}, billing.ErrNoInvoice.Because(err)
	case err != nil:
		return billing.InvoiceLinks{}, failure("read invoice", err)
	case i.Customer == nil || i.Customer.ID != customer:
		return billing.InvoiceLinks{}, billing.ErrNoInvoice
	}
	return billing.InvoiceLinks{Page: i.HostedInvoiceURL, PDF: i.InvoicePDF}, nil
}

// Details implements billing.Provider.
func (c *Client) Details(ctx context.Context, customer string) (billing.PayerDetails, error) {
	params := &stripe.CustomerParams{}
	params.Context = ctx
	known, err := c.api.Customers.Get(customer, params)
	if err != nil {
		return billing.PayerDetails{}, failure("read customer", err)
	}
	d := billing.PayerDetails{Name: known.Name, Email: known.Email, TaxIDs: []billing.TaxID{}}
	if a := known.Address; a != nil {
		d.Address = billing.PostalAddress{Line1: a.Line1, Line2: a.Line2, City: a.City, PostalCode: a.PostalCode, State: a.State, Country: a.Country}
	}
	list := &stripe.TaxIDListParams{Customer: stripe.String(customer)}
	list.Context = ctx
	found := c.api.TaxIDs.List(list)
	for found.Next() {
		t := found.TaxID()
		id := billing.TaxID{ID: t.ID, Type: string(t.Type), Value: t.Value}
		if t.Verification != nil {
			id.Verified = string(t.Verification.Status)
		}
		d.TaxIDs = append(d.TaxIDs, id)
	}
	if err := found.Err(); err != nil {
		return d, failure("list tax ids", err)
	}
	return d, nil
}

// SetDetails implements billing.Provider.
func (c *Client) SetDetails(ctx context.Context, customer string, d billing.PayerDetails) error {
	params := &stripe.CustomerParams{
		Name: stripe.String(d.Name), Email: stripe.String(d.Email),
		Address: &stripe.AddressParams{
			Line1: stripe.String(d.Address.Line1), Line2: stripe.String(d.Address.Line2), City: stripe.String(d.Address.City),
			PostalCode: stripe.String(d.Address.PostalCode), State: stripe.String(d.Address.State), Country: stripe.String(d.Address.Country),
		},
	}
	params.Context = ctx
	_, err := c.api.Customers.Update(customer, params)
	switch {
	case err != nil && refused(err):
		return billing.ErrDetails.Because(err)
	case err != nil:
		return failure("change customer", err)
	}
	return nil
}

// AddTaxID implements billing.Provider.
func (c *Client) AddTaxID(ctx context.Context, customer string, t billing.TaxID) error {
	params := &stripe.TaxIDParams{Customer: stripe.String(customer), Type: stripe.String(t.Type), Value: stripe.String(t.Value)}
	params.Context = ctx
	_, err := c.api.TaxIDs.New(params)
	switch {
	case err != nil && refused(err):
		return billing.ErrTaxID.Because(err)
	case err != nil:
		return failure("add tax id", err)
	}
	return nil
}

// RemoveTaxID implements billing.Provider.
func (c *Client) RemoveTaxID(ctx context.Context, customer, taxID string) error {
	if !strings.HasPrefix(taxID, "txi_") {
		return nil
	}
	params := &stripe.TaxIDParams{Customer: stripe.String(customer)}
	params.Context = ctx
	if _, err := c.api.TaxIDs.Del(taxID, params); err != nil && !gone(err) {
		return failure("remove tax id", err)
	}
	return nil
}

// Warning implements billing.Provider.
func (c *Client) Warning(ctx context.Context, object, name string) (billing.Warning, error) {
	switch object {
	case "dispute":
		params := &stripe.DisputeParams{}
		params.Context = ctx
		params.AddExpand("charge")
		d, err := c.api.Disputes.Get(name, params)
		if err != nil {
			return billing.Warning{}, failure("read dispute", err)
		}
		open := d.Status != stripe.DisputeStatusWon && d.Status != stripe.DisputeStatusLost && d.Status != stripe.DisputeStatusWarningClosed
		return warning(d.ID, object, string(d.Reason), d.Amount, d.Created, open, d.Charge), nil
	case "radar.early_fraud_warning":
		params := &stripe.RadarEarlyFraudWarningParams{}
		params.Context = ctx
		params.AddExpand("charge")
		w, err := c.api.RadarEarlyFraudWarnings.Get(name, params)
		if err != nil {
			return billing.Warning{}, failure("read early fraud warning", err)
		}
		amount := int64(0)
		if w.Charge != nil {
			amount = w.Charge.Amount
		}
		return warning(w.ID, object, string(w.FraudType), amount, w.Created, w.Actionable, w.Charge), nil
	}
	return billing.Warning{}, nil
}

func warning(id, object, reason string, amount, created int64, open bool, of *stripe.Charge) billing.Warning {
	w := billing.Warning{ID: id, Object: object, Reason: reason, Amount: billing.Cents(amount), At: moment(created), Open: open}
	if of != nil && of.Customer != nil {
		w.Customer = of.Customer.ID
	}
	return w
}

// Undelivered implements billing.Provider.
func (c *Client) Undelivered(ctx context.Context, since time.Time, visit func(billing.Notice) error) error {
	params := &stripe.EventListParams{
		DeliverySuccess: stripe.Bool(false),
		CreatedRange:    &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()},
	}
	params.Context, params.Limit = ctx, stripe.Int64(100)
	list := c.api.Events.List(params)
	for list.Next() {
		e := list.Event()
		body, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode event %s: %w", e.ID, err)
		}
		n := billing.Notice{ID: e.ID, Type: string(e.Type), Created: moment(e.Created), Body: body}
		if e.Data != nil {
			if err := subject(&n, e.Data.Raw); err != nil {
				return err
			}
		}
		if err := visit(n); err != nil {
			return err
		}
	}
	if err := list.Err(); err != nil {
		return failure("list events", err)
	}
	return nil
}

// Meter implements billing.Provider.
func (c *Client) Meter(ctx context.Context, r billing.Reading) error {
	if !c.live {
		if err := c.onceMetered(ctx); err != nil {
			return err
		}
	}
	params := &stripe.BillingMeterEventParams{
		EventName: stripe.String(r.Meter.EventName()), Identifier: stripe.String(r.Identifier), Timestamp: stripe.Int64(r.At.Unix()),
		Payload: map[string]string{"stripe_customer_id": r.Customer, "value": strconv.FormatInt(r.Value, 10)},
	}
	params.Context = ctx
	_, err := c.api.BillingMeterEvents.New(params)
	if err != nil && !(refused(err) && strings.Contains(err.Error(), "identifier")) {
		return failure("report use", err)
	}
	return nil // told before, under the same identifier
}
