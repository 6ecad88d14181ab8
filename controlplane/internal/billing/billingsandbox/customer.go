package billingsandbox

import (
	"strings"
)

var customerParams = []string{
	"email", "name", "phone", "description", "tax_exempt", "balance", "invoice_settings[default_payment_method]", "payment_method", "metadata[*]",
	"address[city]", "address[country]", "address[line1]", "address[line2]", "address[postal_code]", "address[state]",
}

func customerEndpoints() []endpoint {
	return []endpoint{
		{"POST /v1/customers", append([]string{"test_clock", "tax_id_data[][type]", "tax_id_data[][value]"}, customerParams...), createCustomer},
		{"GET /v1/customers", paged(append([]string{"email", "test_clock"}, created...)...), listCustomers},
		{"GET /v1/customers/{id}", nil, readCustomer},
		{"POST /v1/customers/{id}", customerParams, updateCustomer},
		{"DELETE /v1/customers/{id}", nil, deleteCustomer},
	}
}

func createCustomer(t *tx, c call) (any, error) {
	v := &customer{ID: name(kindCustomer, ""), Object: kindCustomer, Created: t.now, TaxExempt: "none"}
	if clock := c.form.text("test_clock"); clock != "" {
		of, err := get[testClock](t, clock)
		if err != nil {
			return nil, err
		}
		v.TestClock, v.Created, t.now = ref(clock), of.FrozenTime, of.FrozenTime
	}
	t.save(v)
	if err := t.takeCustomer(v, c.form); err != nil {
		return nil, err
	}
	if method := c.form.text("payment_method"); method != "" {
		of, err := t.attach(method, v)
		if err != nil {
			return nil, err
		}
		if v.InvoiceSettings.DefaultPaymentMethod == ref(method) {
			v.InvoiceSettings.DefaultPaymentMethod = ref(of.ID)
		}
	}
	t.announce("customer.created", v)
	for _, id := range c.form.elements("tax_id_data") {
		if _, err := t.addTaxID(v, id); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func readCustomer(t *tx, c call) (any, error) {
	v, err := get[customer](t, c.id)
	if err == nil && v.Deleted {
		return removed{v.ID, kindCustomer, true}, nil
	}
	return v, err
}

// living is a customer that was not deleted.
func living(t *tx, id string) (*customer, error) {
	v, err := get[customer](t, id)
	if err == nil && v.Deleted {
		return nil, missing(kindCustomer, id)
	}
	return v, err
}

func updateCustomer(t *tx, c call) (any, error) {
	v, err := living(t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(v.ID); err != nil {
		return nil, err
	}
	if err := t.takeCustomer(v, c.form); err != nil {
		return nil, err
	}
	t.announce("customer.updated", v)
	return v, nil
}

// takeCustomer reads the parameters that are there.
func (t *tx) takeCustomer(v *customer, f form) error {
	f.take("email", &v.Email)
	f.take("name", &v.Name)
	f.take("phone", &v.Phone)
	f.take("description", &v.Description)
	if v.Email != "" && (!strings.Contains(string(v.Email), "@") || len(v.Email) > 512) {
		return invalid("email_invalid", "email", "Invalid email address: %s", v.Email)
	}
	var err error
	if v.TaxExempt, err = f.choice("tax_exempt", v.TaxExempt, "none", "exempt", "reverse"); err != nil {
		return err
	}
	if v.Balance, err = f.number("balance", v.Balance); err != nil {
		return err
	}
	if f.given("address") {
		a, in := &address{}, f.in("address")
		for name, field := range map[string]*ref{
			"city": &a.City, "country": &a.Country, "line1": &a.Line1, "line2": &a.Line2, "postal_code": &a.PostalCode, "state": &a.State,
		} {
			in.take(name, field)
		}
		if a.Country != "" && len(a.Country) != 2 {
			return invalid("country_code_invalid", "address[country]", "Country '%s' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US' or 'EU'.", a.Country)
		}
		v.Address = a
	}
	if s := f.in("invoice_settings"); s.given("default_payment_method") {
		method := s.text("default_payment_method")
		if method != "" && !(f.text("payment_method") == method) {
			if err := t.hasMethod(v.ID, method, "invoice_settings[default_payment_method]"); err != nil {
				return err
			}
		}
		v.InvoiceSettings.DefaultPaymentMethod = ref(method)
	}
	t.save(v)
	return f.merge(&v.Metadata)
}

func listCustomers(t *tx, c call) (any, error) {
	q := ofKind(kindCustomer)
	if email := c.form.text("email"); email != "" {
		q.Index, q.Equal = byEmail, []any{string(kindCustomer), email}
	}
	inside, err := c.form.created()
	if err != nil {
		return nil, err
	}
	clock := c.form.text("test_clock")
	return page(t, c, q, func(v *customer) bool {
		return !v.Deleted && (clock == "" && v.TestClock == "" || clock == string(v.TestClock)) && inside(v.Created)
	})
}

func deleteCustomer(t *tx, c call) (any, error) {
	v, err := living(t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(v.ID); err != nil {
		return nil, err
	}
	all, err := every[subscription](t, ofCustomer(kindSubscription, v.ID))
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if !s.over() {
			t.end(s, "")
		}
	}
	t.announce("customer.deleted", v)
	v.Deleted, v.Email = true, ""
	t.save(v)
	return removed{v.ID, kindCustomer, true}, nil
}

// removeCustomer deletes what a customer of a test clock has, so that nothing of it
// is due any more.
func (t *tx) removeCustomer(v *customer) error {
	subscriptions, err := every[subscription](t, ofCustomer(kindSubscription, v.ID))
	if err != nil {
		return err
	}
	invoices, err := every[invoice](t, ofCustomer(kindInvoice, v.ID))
	if err != nil {
		return err
	}
	schedules, err := every[schedule](t, ofCustomer(kindSchedule, v.ID))
	if err != nil {
		return err
	}
	visits, err := every[checkoutSession](t, ofCustomer(kindCheckout, v.ID))
	if err != nil {
		return err
	}
	taxes, err := every[taxID](t, ofCustomer(kindTaxID, v.ID))
	if err != nil {
		return err
	}
	for _, o := range objectsOf(subscriptions, invoices, schedules, visits, taxes) {
		t.remove(o)
	}
	return nil
}

func objectsOf(a []*subscription, b []*invoice, c []*schedule, d []*checkoutSession, e []*taxID) []object {
	var all []object
	for _, v := range a {
		all = append(all, v)
	}
	for _, v := range b {
		all = append(all, v)
	}
	for _, v := range c {
		all = append(all, v)
	}
	for _, v := range d {
		all = append(all, v)
	}
	for _, v := range e {
		all = append(all, v)
	}
	return all
}
