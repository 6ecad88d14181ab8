package billingsandbox

import (
	"context"

	"github.com/dyocense/dyocense/shared/docstore"
)

// createCreditNote gives money of a paid invoice back to the card.
func (b *Sandbox) createCreditNote(ctx context.Context, c call) (any, error) {
	id, before, err := made[creditNote](ctx, b, kindCreditNote, c)
	if before != nil || err != nil {
		return before, err
	}
	of, err := c.form.need("invoice")
	if err != nil {
		return nil, err
	}
	var i invoice
	if _, err := b.load(ctx, kindInvoice, of, &i); err != nil {
		return nil, err
	}
	amount, err := c.form.number("amount", 0)
	if err != nil {
		return nil, err
	}
	back, err := c.form.number("refund_amount", 0)
	if err != nil {
		return nil, err
	}
	metadata, err := c.form.metadata("metadata")
	switch {
	case err != nil:
		return nil, err
	case i.Status != "paid" || i.Charge == nil:
		return nil, invalid("", "invoice", "The sandbox writes credit notes for invoices that a card has paid, not for %s.", i.ID)
	case amount < 1:
		return nil, invalid("parameter_missing", "amount", "You must pass an amount of at least 1.")
	case amount != back:
		return nil, invalid("", "refund_amount", "The sum of credit amount, refund amount and out of band amount (%d) must equal the credit note amount (%d).", back, amount)
	}
	var paid cardCharge
	row, err := b.load(ctx, kindCharge, *i.Charge, &paid)
	if err != nil {
		return nil, err
	}
	if paid.AmountRefunded+back > paid.Amount {
		return nil, invalid("charge_already_refunded", "refund_amount", "Refund amount (%d) is greater than unrefunded amount on charge (%d).", back, paid.Amount-paid.AmountRefunded)
	}
	paid.AmountRefunded += back
	paid.Refunded = paid.AmountRefunded == paid.Amount
	now := b.now().Unix()
	r := refund{
		ID: name(kindRefund, c.seed()), Object: kindRefund, Created: now, Amount: back, Charge: paid.ID, Currency: i.Currency, Status: "succeeded",
	}
	n := creditNote{
		ID: id, Object: kindCreditNote, Created: now, Number: i.Number + "-CN-" + numberOf(id)[len("SANDBOX-"):], Status: "issued", Type: "post_payment",
		Customer: i.Customer, Invoice: i.ID, Currency: i.Currency, Amount: amount, Subtotal: amount, Total: amount,
		Reason: optional(c.form.text("reason")), Memo: optional(c.form.text("memo")), Refund: r.ID, Metadata: metadata,
	}
	ch := b.change(c)
	ch.replace(row, paid)
	ch.add(r.ID, r, record{Kind: kindRefund, Customer: i.Customer})
	ch.add(n.ID, n, record{Kind: kindCreditNote, Customer: i.Customer})
	ch.announce("credit_note.created", n.ID, n)
	ch.announce("charge.refunded", paid.ID, paid)
	return n, ch.commit(ctx)
}

// move changes what a customer has in credit.
func (ch *change) move(row docstore.Row[record], payer customer, t balanceTransaction) balanceTransaction {
	payer.Balance += t.Amount
	t.Object, t.Created, t.Customer, t.EndingBalance = kindBalanceChange, ch.b.now().Unix(), payer.ID, payer.Balance
	ch.replace(row, payer)
	ch.add(t.ID, t, record{Kind: kindBalanceChange, Customer: payer.ID})
	ch.announce("customer.updated", payer.ID, payer)
	return t
}

func (b *Sandbox) createBalanceTransaction(ctx context.Context, c call) (any, error) {
	id, before, err := made[balanceTransaction](ctx, b, kindBalanceChange, c)
	if before != nil || err != nil {
		return before, err
	}
	var payer customer
	row, err := b.load(ctx, kindCustomer, c.id, &payer)
	if err != nil {
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
	metadata, err := c.form.metadata("metadata")
	if err != nil {
		return nil, err
	}
	ch := b.change(c)
	t := ch.move(row, payer, balanceTransaction{
		ID: id, Type: "adjustment", Amount: amount, Currency: currency, Description: optional(c.form.text("description")), Metadata: metadata,
	})
	return t, ch.commit(ctx)
}
