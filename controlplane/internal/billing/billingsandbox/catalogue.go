package billingsandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dyocense/dyocense/shared/docstore"
)

// made answers with the object that an earlier run of the same call made, if it
// did: a crash may have come between the object and the answer.
func made[T any](ctx context.Context, b *Sandbox, k kind, c call) (id string, before *T, err error) {
	id = name(k, c.seed())
	if c.key == "" {
		return id, nil, nil
	}
	var v T
	_, err = b.load(ctx, k, id, &v)
	var f *failure
	if errors.As(err, &f) && f.Code == "resource_missing" {
		return id, nil, nil
	}
	return id, &v, err
}

func (b *Sandbox) createCustomer(ctx context.Context, c call) (any, error) {
	id, before, err := made[customer](ctx, b, kindCustomer, c)
	if before != nil || err != nil {
		return before, err
	}
	metadata, err := c.form.metadata("metadata")
	if err != nil {
		return nil, err
	}
	v := customer{ID: id, Object: kindCustomer, Created: b.now().Unix(), Metadata: metadata}
	if err := v.take(c.form); err != nil {
		return nil, err
	}
	ch := b.change(c)
	ch.add(id, v, record{Kind: kindCustomer, Customer: id, Email: c.form.text("email")})
	ch.announce("customer.created", id, v)
	return v, ch.commit(ctx)
}

func (b *Sandbox) updateCustomer(ctx context.Context, c call) (any, error) {
	var v customer
	row, err := b.load(ctx, kindCustomer, c.id, &v)
	if err != nil {
		return nil, err
	}
	metadata, err := c.form.metadata("metadata")
	if err != nil {
		return nil, err
	}
	v.Metadata = merge(v.Metadata, metadata)
	if err := v.take(c.form); err != nil {
		return nil, err
	}
	if v.Email != nil {
		row.Value.Email = *v.Email
	}
	ch := b.change(c)
	ch.replace(row, v)
	ch.announce("customer.updated", c.id, v)
	return v, ch.commit(ctx)
}

// take reads the parameters that are there.
func (v *customer) take(f form) error {
	for key, field := range map[string]**string{"email": &v.Email, "name": &v.Name, "description": &v.Description} {
		if value := f.text(key); value != "" {
			*field = &value
		}
	}
	if v.Email != nil && (!strings.Contains(*v.Email, "@") || len(*v.Email) > 512) {
		return invalid("email_invalid", "email", "Invalid email address: %s", *v.Email)
	}
	return nil
}

func (b *Sandbox) createProduct(ctx context.Context, c call) (any, error) {
	id, before, err := made[product](ctx, b, kindProduct, c)
	if before != nil || err != nil {
		return before, err
	}
	label, err := c.form.need("name")
	if err != nil {
		return nil, err
	}
	metadata, err := c.form.metadata("metadata")
	if err != nil {
		return nil, err
	}
	v := product{
		ID: id, Object: kindProduct, Created: b.now().Unix(), Active: true,
		Name: label, Description: optional(c.form.text("description")), Metadata: metadata,
	}
	ch := b.change(c)
	ch.add(id, v, record{Kind: kindProduct})
	return v, ch.commit(ctx)
}

func (b *Sandbox) createPrice(ctx context.Context, c call) (any, error) {
	id, before, err := made[price](ctx, b, kindPrice, c)
	if before != nil || err != nil {
		return before, err
	}
	of, err := c.form.need("product")
	if err != nil {
		return nil, err
	}
	if _, err := b.load(ctx, kindProduct, of, &product{}); err != nil {
		return nil, err
	}
	currency, err := c.form.need("currency")
	if err != nil {
		return nil, err
	}
	amount, err := c.form.number("unit_amount", -1)
	if err != nil {
		return nil, err
	}
	interval := c.form.text("recurring[interval]")
	metadata, err := c.form.metadata("metadata")
	switch {
	case err != nil:
		return nil, err
	case len(currency) != 3:
		return nil, invalid("", "currency", "Invalid currency: %s", currency)
	case amount < 0:
		return nil, invalid("parameter_invalid_integer", "unit_amount", "This value must be greater than or equal to 0.")
	case interval != "day" && interval != "week" && interval != "month" && interval != "year":
		return nil, invalid("", "recurring[interval]", "Invalid recurring[interval]: must be one of day, week, month, or year")
	}
	key := c.form.text("lookup_key")
	if key != "" {
		taken, _, err := b.objects.Find(ctx, docstore.Query{Index: byLookup, Equal: []any{key}, Limit: 1})
		if err != nil {
			return nil, fmt.Errorf("look for lookup key: %w", err)
		}
		if len(taken) > 0 {
			return nil, invalid("", "lookup_key", "A price (`%s`) already uses that lookup key.", taken[0].ID)
		}
	}
	v := price{
		ID: id, Object: kindPrice, Created: b.now().Unix(), Active: true, Product: of,
		Currency: strings.ToLower(currency), UnitAmount: amount, Type: "recurring", LookupKey: optional(key),
		Recurring: recurring{Interval: interval, IntervalCount: 1, UsageType: "licensed"}, Metadata: metadata,
	}
	ch := b.change(c)
	ch.add(id, v, record{Kind: kindPrice, Lookup: key})
	return v, ch.commit(ctx)
}
