package billingsandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dyocense/dyocense/shared/docstore"
)

func catalogueEndpoints() []endpoint {
	return []endpoint{
		{"POST /v1/products", []string{"id", "name", "description", "active", "metadata[*]"}, createProduct},
		{"GET /v1/products", paged(append([]string{"active", "ids[]"}, created...)...), listProducts},
		{"GET /v1/products/{id}", nil, read[product]},
		{"POST /v1/products/{id}", []string{"name", "description", "active", "metadata[*]"}, updateProduct},
		{"POST /v1/prices", []string{
			"product", "currency", "unit_amount", "active", "nickname", "tax_behavior", "billing_scheme", "lookup_key", "transfer_lookup_key", "metadata[*]",
			"recurring[interval]", "recurring[interval_count]", "recurring[usage_type]", "recurring[meter]", "recurring[aggregate_usage]",
		}, createPrice},
		{"GET /v1/prices", paged(append([]string{"lookup_keys[]", "active", "product", "currency", "type", "recurring[interval]", "recurring[usage_type]"}, created...)...), listPrices},
		{"GET /v1/prices/{id}", nil, read[price]},
		{"POST /v1/prices/{id}", []string{"active", "nickname", "lookup_key", "transfer_lookup_key", "metadata[*]"}, updatePrice},
	}
}

func createProduct(t *tx, c call) (any, error) {
	label, err := c.form.need("name")
	if err != nil {
		return nil, err
	}
	v := &product{ID: name(kindProduct, ""), Object: kindProduct, Created: t.now, Updated: t.now, Type: "service", Name: label}
	if id := c.form.text("id"); id != "" {
		if _, err := t.b.objects.Get(t.ctx, id); err == nil {
			return nil, invalid("resource_already_exists", "id", "Product already exists.")
		}
		v.ID = id
	}
	c.form.take("description", &v.Description)
	if v.Active, err = c.form.truth("active", true); err != nil {
		return nil, err
	}
	if err := c.form.merge(&v.Metadata); err != nil {
		return nil, err
	}
	t.save(v)
	t.announce("product.created", v)
	return v, nil
}

func updateProduct(t *tx, c call) (any, error) {
	v, err := get[product](t, c.id)
	if err != nil {
		return nil, err
	}
	if label := c.form.text("name"); label != "" {
		v.Name = label
	}
	c.form.take("description", &v.Description)
	if v.Active, err = c.form.truth("active", v.Active); err != nil {
		return nil, err
	}
	if err := c.form.merge(&v.Metadata); err != nil {
		return nil, err
	}
	v.Updated = t.now
	t.save(v)
	t.announce("product.updated", v)
	return v, nil
}

func listProducts(t *tx, c call) (any, error) {
	active, ids := c.form.text("active"), c.form.list("ids")
	inside, err := c.form.created()
	if err != nil {
		return nil, err
	}
	return page(t, c, ofKind(kindProduct), func(p *product) bool {
		return (active == "" || active == fmt.Sprint(p.Active)) && (len(ids) == 0 || slices.Contains(ids, p.ID)) && inside(p.Created)
	})
}

// intervals are how often a price is due.
var intervals = []string{"day", "week", "month", "year"}

func createPrice(t *tx, c call) (any, error) {
	of, err := c.form.need("product")
	if err != nil {
		return nil, err
	}
	if _, err := get[product](t, of); err != nil {
		return nil, err
	}
	currency, err := c.form.need("currency")
	if err != nil {
		return nil, err
	}
	v := &price{
		ID: name(kindPrice, ""), Object: kindPrice, Created: t.now, Product: of, Currency: strings.ToLower(currency), BillingScheme: "per_unit", Type: "recurring",
	}
	if v.UnitAmount, err = c.form.number("unit_amount", -1); err != nil {
		return nil, err
	}
	if v.Active, err = c.form.truth("active", true); err != nil {
		return nil, err
	}
	if v.TaxBehavior, err = c.form.choice("tax_behavior", "unspecified", "inclusive", "exclusive"); err != nil {
		return nil, err
	}
	if v.Recurring, err = readRecurring(t, c.form.in("recurring")); err != nil {
		return nil, err
	}
	switch {
	case len(currency) != 3:
		return nil, invalid("", "currency", "Invalid currency: %s", currency)
	case v.UnitAmount < 0:
		return nil, invalid("parameter_invalid_integer", "unit_amount", "This value must be greater than or equal to 0.")
	case c.form.text("billing_scheme") != "" && c.form.text("billing_scheme") != "per_unit":
		return nil, invalid("", "billing_scheme", "The sandbox speaks billing_scheme per_unit only.")
	}
	c.form.take("nickname", &v.Nickname)
	t.save(v)
	if err := t.takeLookupKey(v, c.form); err != nil {
		return nil, err
	}
	t.announce("price.created", v)
	return v, c.form.merge(&v.Metadata)
}

func readRecurring(t *tx, f form) (r recurring, err error) {
	if !slices.Contains(intervals, f.text("interval")) {
		return r, invalid("", f.key("interval"), "Invalid recurring[interval]: must be one of day, week, month, or year")
	}
	r.Interval = f.text("interval")
	if r.IntervalCount, err = f.number("interval_count", 1); err != nil {
		return r, err
	}
	if r.IntervalCount < 1 || r.IntervalCount > 36 {
		return r, invalid("parameter_invalid_integer", f.key("interval_count"), "The interval count must be from 1 to 36.")
	}
	if r.UsageType, err = f.choice("usage_type", "licensed", "metered"); err != nil {
		return r, err
	}
	if r.UsageType == "metered" {
		id, err := f.need("meter")
		if err != nil {
			return r, err
		}
		if _, err := get[meter](t, id); err != nil {
			return r, err
		}
		r.Meter = ref(id)
	}
	return r, nil
}

// takeLookupKey gives a price its lookup key: one that no other has, unless it is
// to be taken from that.
func (t *tx) takeLookupKey(v *price, f form) error {
	if !f.given("lookup_key") {
		return nil
	}
	key := f.text("lookup_key")
	if len(key) > 200 {
		return invalid("", "lookup_key", "A lookup key has at most 200 characters.")
	}
	transfer, err := f.truth("transfer_lookup_key", false)
	if err != nil {
		return err
	}
	if key != "" {
		others, err := every[price](t, docstore.Query{Index: byLookup, Equal: []any{key}})
		if err != nil {
			return err
		}
		for _, other := range others {
			if other.ID == v.ID {
				continue
			}
			if !transfer {
				return invalid("", "lookup_key", "A price (`%s`) already uses that lookup key.", other.ID)
			}
			other.LookupKey = ""
			t.saveFirst(other)
			t.announce("price.updated", other)
		}
	}
	v.LookupKey = ref(key)
	t.save(v)
	return nil
}

func updatePrice(t *tx, c call) (any, error) {
	v, err := get[price](t, c.id)
	if err != nil {
		return nil, err
	}
	if v.Active, err = c.form.truth("active", v.Active); err != nil {
		return nil, err
	}
	c.form.take("nickname", &v.Nickname)
	if err := t.takeLookupKey(v, c.form); err != nil {
		return nil, err
	}
	if err := c.form.merge(&v.Metadata); err != nil {
		return nil, err
	}
	t.save(v)
	t.announce("price.updated", v)
	return v, nil
}

func listPrices(t *tx, c call) (any, error) {
	f := c.form
	keys := f.list("lookup_keys")
	inside, err := f.created()
	if err != nil {
		return nil, err
	}
	same := func(name, has string) bool { return f.text(name) == "" || f.text(name) == has }
	return page(t, c, ofKind(kindPrice), func(p *price) bool {
		return (len(keys) == 0 || p.LookupKey != "" && slices.Contains(keys, string(p.LookupKey))) && inside(p.Created) &&
			same("active", fmt.Sprint(p.Active)) && same("product", p.Product) && same("currency", p.Currency) && same("type", p.Type) &&
			same("recurring[interval]", p.Recurring.Interval) && same("recurring[usage_type]", p.Recurring.UsageType)
	})
}
