package billingsandbox

func creditEndpoints() []endpoint {
	return []endpoint{
		{"POST /v1/customers/{id}/balance_transactions", []string{"amount", "currency", "description", "metadata[*]"}, createBalanceTransaction},
		{"GET /v1/customers/{id}/balance_transactions", paged(), func(t *tx, c call) (any, error) {
			return page[balanceTransaction](t, c, ofCustomer(kindBalanceChange, c.id), nil)
		}},
		{"POST /v1/credit_notes", []string{"invoice", "amount", "refund_amount", "reason", "memo", "metadata[*]"}, createCreditNote},
		{"GET /v1/credit_notes", paged("customer", "invoice"), listed(map[string]func(*creditNote) string{
			"invoice": func(v *creditNote) string { return v.Invoice },
		}, nil)},
		{"GET /v1/credit_notes/{id}", nil, read[creditNote]},
	}
}

// createCreditNote gives money of a paid invoice back to the card.
func createCreditNote(t *tx, c call) (any, error) {
	of, err := c.form.need("invoice")
	if err != nil {
		return nil, err
	}
	i, err := get[invoice](t, of)
	if err != nil {
		return nil, err
	}
	if err := t.at(i.Customer); err != nil {
		return nil, err
	}
	amount, err := c.form.number("amount", 0)
	if err != nil {
		return nil, err
	}
	back, err := c.form.number("refund_amount", 0)
	switch {
	case err != nil:
		return nil, err
	case i.Status != paid || i.Charge == "":
		return nil, invalid("", "invoice", "The sandbox writes credit notes for invoices that a card has paid, not for %s.", i.ID)
	case amount < 1:
		return nil, invalid("parameter_missing", "amount", "You must pass an amount of at least 1.")
	case amount != back:
		return nil, invalid("", "refund_amount", "The sum of credit amount, refund amount and out of band amount (%d) must equal the credit note amount (%d).", back, amount)
	}
	ch, err := get[cardCharge](t, string(i.Charge))
	if err != nil {
		return nil, err
	}
	id := name(kindCreditNote, "")
	n := &creditNote{
		ID: id, Object: kindCreditNote, Created: t.now, Number: string(i.Number) + "-CN-" + numberOf(id)[len("SANDBOX-"):], Status: "issued", Type: "post_payment",
		Customer: i.Customer, Invoice: i.ID, Currency: i.Currency, Amount: amount, Subtotal: amount, Total: amount,
		Reason: ref(c.form.text("reason")), Memo: ref(c.form.text("memo")),
	}
	if err := c.form.merge(&n.Metadata); err != nil {
		return nil, err
	}
	t.save(n)
	r, err := t.refund(ch, back, "")
	if err != nil {
		return nil, err
	}
	n.Refund = ref(r.ID)
	t.announce("credit_note.created", n)
	return n, nil
}

// move changes what a customer has in credit.
func (t *tx) move(payer *customer, v *balanceTransaction) {
	payer.Balance += v.Amount
	v.Object, v.Created, v.Customer, v.EndingBalance = kindBalanceChange, t.now, payer.ID, payer.Balance
	t.save(payer)
	t.save(v)
	t.announce("customer.updated", payer, map[string]any{"balance": payer.Balance - v.Amount})
}

func createBalanceTransaction(t *tx, c call) (any, error) {
	payer, err := living(t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(payer.ID); err != nil {
		return nil, err
	}
	if _, err := c.form.need("amount"); err != nil {
		return nil, err
	}
	amount, err := c.form.number("amount", 0)
	if err != nil {
		return nil, err
	}
	currency, err := c.form.need("currency")
	if err != nil {
		return nil, err
	}
	v := &balanceTransaction{
		ID: name(kindBalanceChange, ""), Type: "adjustment", Amount: amount, Currency: currency, Description: ref(c.form.text("description")),
	}
	if err := c.form.merge(&v.Metadata); err != nil {
		return nil, err
	}
	t.move(payer, v)
	return v, nil
}
