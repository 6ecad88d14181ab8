package billingsandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dyocense/dyocense/shared/docstore"
)

// The sizes of a page.
const (
	pageDefault = 10
	pageMax     = 100
)

// page answers a list, newest first, of the objects that keep lets through.
func (b *Sandbox) page(ctx context.Context, c call, url string, q docstore.Query, keep func(json.RawMessage) (bool, error)) (any, error) {
	limit, err := c.form.number("limit", pageDefault)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > pageMax {
		return nil, invalid("parameter_invalid_integer", "limit", "limit must be between 1 and %d", pageMax)
	}
	after := c.form.text("starting_after")
	answer := listOf[json.RawMessage](url)
	answer.Data = []json.RawMessage{}
	q.Desc, q.Limit = true, pageMax
	started := after == ""
	for {
		rows, next, err := b.objects.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", url, err)
		}
		for _, row := range rows {
			if !started {
				started = row.ID == after
				continue
			}
			if ok, err := keep(row.Value.Object); err != nil {
				return nil, err
			} else if !ok {
				continue
			}
			if int64(len(answer.Data)) == limit {
				answer.HasMore = true
				return answer, nil
			}
			answer.Data = append(answer.Data, row.Value.Object)
		}
		if next == "" {
			if !started {
				return nil, invalid("resource_missing", "starting_after", "No such object: '%s'", after)
			}
			return answer, nil
		}
		q.After = next
	}
}

func all(json.RawMessage) (bool, error) { return true, nil }

// where keeps the objects of which test holds.
func where[T any](test func(T) bool) func(json.RawMessage) (bool, error) {
	return func(raw json.RawMessage) (bool, error) {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return false, fmt.Errorf("decode object: %w", err)
		}
		return test(v), nil
	}
}

func ofKind(k kind) docstore.Query {
	return docstore.Query{Index: byKind, Equal: []any{string(k)}}
}

// ofCustomer narrows to the customer that the call names, if it names one.
func ofCustomer(k kind, c call) docstore.Query {
	if customer := c.form.text("customer"); customer != "" {
		return docstore.Query{Index: byCustomer, Equal: []any{string(k), customer}}
	}
	return ofKind(k)
}

func (b *Sandbox) listAll(k kind, url string) operation {
	return func(ctx context.Context, c call) (any, error) { return b.page(ctx, c, url, ofKind(k), all) }
}

func (b *Sandbox) listOfCustomer(k kind, url string) operation {
	return func(ctx context.Context, c call) (any, error) { return b.page(ctx, c, url, ofCustomer(k, c), all) }
}

func (b *Sandbox) listCustomers(ctx context.Context, c call) (any, error) {
	q := ofKind(kindCustomer)
	if email := c.form.text("email"); email != "" {
		q = docstore.Query{Index: byEmail, Equal: []any{string(kindCustomer), email}}
	}
	return b.page(ctx, c, "/v1/customers", q, all)
}

func (b *Sandbox) listPrices(ctx context.Context, c call) (any, error) {
	keys, active, product := c.form.list("lookup_keys"), c.form.text("active"), c.form.text("product")
	return b.page(ctx, c, "/v1/prices", ofKind(kindPrice), where(func(p price) bool {
		return (len(keys) == 0 || p.LookupKey != nil && slices.Contains(keys, *p.LookupKey)) &&
			(active == "" || active == fmt.Sprint(p.Active)) && (product == "" || product == p.Product)
	}))
}

func (b *Sandbox) listSubscriptions(ctx context.Context, c call) (any, error) {
	status := c.form.text("status")
	return b.page(ctx, c, "/v1/subscriptions", ofCustomer(kindSubscription, c), where(func(s subscription) bool {
		switch status {
		case "all":
			return true
		case "":
			return s.Status != "canceled"
		}
		return s.Status == status
	}))
}

func (b *Sandbox) listInvoices(ctx context.Context, c call) (any, error) {
	of := c.form.text("subscription")
	return b.page(ctx, c, "/v1/invoices", ofCustomer(kindInvoice, c), where(func(i invoice) bool {
		return of == "" || of == i.Subscription
	}))
}

func (b *Sandbox) listCreditNotes(ctx context.Context, c call) (any, error) {
	of := c.form.text("invoice")
	return b.page(ctx, c, "/v1/credit_notes", ofCustomer(kindCreditNote, c), where(func(n creditNote) bool {
		return of == "" || of == n.Invoice
	}))
}

func (b *Sandbox) listRefunds(ctx context.Context, c call) (any, error) {
	of := c.form.text("charge")
	return b.page(ctx, c, "/v1/refunds", ofKind(kindRefund), where(func(r refund) bool { return of == "" || of == r.Charge }))
}

func (b *Sandbox) listBalanceTransactions(ctx context.Context, c call) (any, error) {
	q := docstore.Query{Index: byCustomer, Equal: []any{string(kindBalanceChange), c.id}}
	return b.page(ctx, c, "/v1/customers/"+c.id+"/balance_transactions", q, all)
}

func (b *Sandbox) listPaymentMethods(ctx context.Context, c call) (any, error) {
	kindOfCard := c.form.text("type")
	return b.page(ctx, c, "/v1/payment_methods", ofCustomer(kindPaymentMethod, c), where(func(p paymentMethod) bool {
		return kindOfCard == "" || kindOfCard == p.Type
	}))
}

func (b *Sandbox) listEvents(ctx context.Context, c call) (any, error) {
	of := c.form.text("type")
	return b.page(ctx, c, "/v1/events", ofKind(kindEvent), where(func(e event) bool { return of == "" || of == e.Type }))
}
