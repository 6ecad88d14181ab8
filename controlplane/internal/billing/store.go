package billing

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// The collections. An account is named after its tenant, a notice after the
// provider's event.
const (
	AccountsCollection = "billing_accounts" // carries an outbox
	noticesCollection  = "billing_notices"
	trialsCollection   = "billing_trials"
	marksCollection    = "billing_marks" // what is kept once: the key of offers, watermarks
	usageCollection    = "billing_usage"
	hoursCollection    = "billing_usage_hours"

	byCustomer = "customer"
	byAwaiting = "awaiting"
	byDue      = "due"
	byLetter   = "letter"
	byWaiting  = "waiting"
	byOpen     = "open"
	byHour     = "hour"
	byTenant   = "tenant"
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: AccountsCollection, Indexes: []docstore.Index{
			{Name: byCustomer, Fields: []string{"customer"}, Unique: true},
			{Name: byAwaiting, Fields: []string{"checkout.awaiting"}},
			{Name: byLetter, Fields: []string{"nextLetter"}},
			outbox.Index(),
		}},
		{Name: noticesCollection, Indexes: []docstore.Index{
			{Name: byDue, Fields: []string{"state", "next"}},
			{Name: byWaiting, Fields: []string{"customer", "state"}},
		}},
		{Name: trialsCollection, Indexes: []docstore.Index{{Name: byTenant, Fields: []string{"tenant"}}}},
		{Name: marksCollection},
		{Name: usageCollection, Indexes: []docstore.Index{
			{Name: byOpen, Fields: []string{"open"}},
			{Name: byHour, Fields: []string{"tenant", "meter", "hour"}},
		}},
		{Name: hoursCollection},
	}
}

type store struct {
	accounts docstore.Table[Account]
	notices  docstore.Table[inboxRow]
	trials   docstore.Table[trialClaim]
	marks    docstore.Table[mark]
	usage    docstore.Table[use]
	hours    docstore.Table[hour]
}

// account reads the account of t; a tenant that never came near a checkout has an
// empty one that is not stored (Rev 0).
func (s store) account(ctx context.Context, t id.Tenant) (docstore.Row[Account], error) {
	row, err := s.accounts.Get(ctx, string(t))
	if errors.Is(err, docstore.ErrNotFound) {
		return docstore.Row[Account]{ID: string(t), Value: Account{Tenant: t}}, nil
	}
	if err != nil {
		return row, fmt.Errorf("read account of %s: %w", t, err)
	}
	return row, nil
}

// change reads the account, lets edit change it, and writes it, again and again
// until nobody came between. Edit returns false to leave the account as it is.
func (s store) change(ctx context.Context, t id.Tenant, edit func(*Account) (bool, error)) (Account, error) {
	for {
		row, err := s.account(ctx, t)
		if err != nil {
			return Account{}, err
		}
		changed, err := edit(&row.Value)
		if err != nil || !changed {
			return row.Value, err
		}
		if row.Rev == 0 {
			err = s.accounts.Insert(ctx, row.ID, row.Value)
		} else {
			_, err = s.accounts.Replace(ctx, row)
		}
		switch {
		case err == nil:
			return row.Value, nil
		case errors.Is(err, docstore.ErrStale), row.Rev == 0 && errors.Is(err, docstore.ErrExists):
			if ctx.Err() != nil {
				return Account{}, ctx.Err()
			}
		default:
			return Account{}, fmt.Errorf("write account of %s: %w", t, err)
		}
	}
}

// tenantOf finds the tenant of a customer; ok is false when it is none of ours.
func (s store) tenantOf(ctx context.Context, customer string) (t id.Tenant, ok bool, err error) {
	rows, _, err := s.accounts.Find(ctx, docstore.Query{Index: byCustomer, Equal: []any{customer}, Limit: 1})
	if err != nil {
		return "", false, fmt.Errorf("find account: %w", err)
	}
	if len(rows) == 0 {
		return "", false, nil
	}
	return rows[0].Value.Tenant, true, nil
}
