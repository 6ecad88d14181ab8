package billing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Meter is something whose use is counted.
type Meter string

// MeterDecisions counts the decisions of a plan's limit.
const MeterDecisions Meter = "decisions"

func (m Meter) valid() bool { return m == MeterDecisions }

// EventName is the meter's name at the provider.
func (m Meter) EventName() string { return lookupPrefix + string(m) }

// Usage is one use, named by the event that it comes from.
type Usage struct {
	Tenant   id.Tenant
	Meter    Meter
	Source   string // the event's id: the same use recorded twice counts once
	Quantity int64
	At       time.Time
}

// use is a line of the ledger.
type use struct {
	Tenant   id.Tenant `json:"tenant"`
	Meter    Meter     `json:"meter"`
	Source   string    `json:"source"`
	Quantity int64     `json:"quantity"`
	At       time.Time `json:"at"`
	Hour     int64     `json:"hour"` // Unix seconds of its beginning
	// Open is Hour until the provider was told, for the index.
	Open int64 `json:"open,omitempty"`
}

// hour is what the provider was told of one hour. A correction is the next revision.
type hour struct {
	Told     int64 `json:"told"`     // in all revisions
	Revision int   `json:"revision"` // the last one that arrived
	// Next is being told: noted first, so that a repetition says the same.
	Next *int64 `json:"next,omitempty"`
}

const (
	sourceMax   = 200
	quantityMax = 1_000_000_000
	// hourSettles is how long after its end an hour is told.
	hourSettles = 5 * time.Minute
	// tellable is how old a use the provider takes.
	tellable = 34 * day
	// usageAtOnce is how many open lines are looked at in one go.
	usageAtOnce = 1000
)

// Record writes a use into our own ledger, which limits go by. The same source event
// counts once: recorded is false when it is there already. The provider is told of
// whole hours, later.
func (b *Books) Record(ctx context.Context, u Usage) (recorded bool, err error) {
	if u.Tenant == "" || !u.Meter.valid() || u.Source == "" || len(u.Source) > sourceMax || u.Quantity < 1 || u.Quantity > quantityMax || u.At.IsZero() {
		return false, ErrUsage
	}
	at := u.At.UTC()
	line := use{Tenant: u.Tenant, Meter: u.Meter, Source: u.Source, Quantity: u.Quantity, At: at, Hour: at.Truncate(time.Hour).Unix()}
	line.Open = line.Hour
	err = b.store.usage.Insert(ctx, strings.Join([]string{string(u.Tenant), string(u.Meter), u.Source}, "/"), line)
	if errors.Is(err, docstore.ErrExists) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("record use of %s: %w", u.Tenant, err)
	}
	return true, nil
}

// Used is what the tenant used between two moments that are full hours, from our own
// ledger.
func (b *Books) Used(ctx context.Context, t id.Tenant, m Meter, from, to time.Time) (int64, error) {
	rows, err := b.store.usage.All(ctx, docstore.Query{
		Index: byHour, Equal: []any{string(t), string(m)}, From: from.UTC().Truncate(time.Hour).Unix(), To: to.UTC().Truncate(time.Hour).Unix(), Limit: usageAtOnce,
	})
	if err != nil {
		return 0, fmt.Errorf("read use of %s: %w", t, err)
	}
	var total int64
	for _, row := range rows {
		total += row.Value.Quantity
	}
	return total, nil
}

// TellUsage reports the hours that are over to the provider, and what came late as a
// correction of its hour.
func (b *Books) TellUsage(ctx context.Context) error {
	over := b.now().Add(-hourSettles).UTC().Truncate(time.Hour).Unix()
	rows, _, err := b.store.usage.Find(ctx, docstore.Query{Index: byOpen, To: over, Limit: usageAtOnce})
	if err != nil {
		return fmt.Errorf("find use to tell: %w", err)
	}
	type of struct {
		tenant id.Tenant
		meter  Meter
		hour   int64
	}
	seen := map[of]bool{}
	var failed []error
	for _, row := range rows {
		h := of{row.Value.Tenant, row.Value.Meter, row.Value.Hour}
		if seen[h] {
			continue
		}
		seen[h] = true
		if err := b.tellHour(ctx, h.tenant, h.meter, h.hour); err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(failed...)
}

// tellHour tells the difference between what the ledger holds of an hour and what the
// provider knows, and closes the lines that it counted.
func (b *Books) tellHour(ctx context.Context, t id.Tenant, m Meter, start int64) error {
	row, err := b.store.account(ctx, t)
	if err != nil {
		return err
	}
	lines, err := b.store.usage.All(ctx, docstore.Query{Index: byHour, Equal: []any{string(t), string(m), start}, Limit: usageAtOnce})
	if err != nil {
		return fmt.Errorf("read hour of %s: %w", t, err)
	}
	var total int64
	for _, l := range lines {
		total += l.Value.Quantity
	}
	at := time.Unix(start, 0).UTC()
	if row.Value.Customer != "" && b.now().Sub(at) < tellable {
		if err := b.tellTotal(ctx, row.Value, m, at, total); err != nil {
			return err
		}
	}
	for _, l := range lines {
		if l.Value.Open == 0 {
			continue
		}
		l.Value.Open = 0
		if _, err := b.store.usage.Replace(ctx, l); err != nil && !errors.Is(err, docstore.ErrStale) {
			return fmt.Errorf("close line of %s: %w", t, err)
		}
	}
	return nil
}

// tellTotal brings what the provider knows of an hour to total.
func (b *Books) tellTotal(ctx context.Context, a Account, m Meter, at time.Time, total int64) error {
	name := fmt.Sprintf("%s/%s/%d", a.Tenant, m, at.Unix())
	for {
		row, err := b.store.hours.Get(ctx, name)
		if errors.Is(err, docstore.ErrNotFound) {
			if err := b.store.hours.Insert(ctx, name, hour{}); err != nil && !errors.Is(err, docstore.ErrExists) {
				return fmt.Errorf("open hour %s: %w", name, err)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("read hour %s: %w", name, err)
		}
		h := &row.Value
		if h.Next == nil {
			if h.Told == total {
				return nil
			}
			next := total - h.Told
			h.Next = &next
			if row, err = b.store.hours.Replace(ctx, row); errors.Is(err, docstore.ErrStale) {
				continue
			} else if err != nil {
				return fmt.Errorf("note hour %s: %w", name, err)
			}
			h = &row.Value
		}
		err = b.provider.Meter(ctx, Reading{
			Customer: a.Customer, Meter: m, Value: *h.Next, At: at,
			Identifier: fmt.Sprintf("%s:%s:%d:%d", a.Tenant, m, at.Unix(), h.Revision+1),
		})
		if err != nil {
			return fmt.Errorf("tell hour %s: %w", name, err)
		}
		h.Told, h.Revision, h.Next = h.Told+*h.Next, h.Revision+1, nil
		if _, err := b.store.hours.Replace(ctx, row); err != nil && !errors.Is(err, docstore.ErrStale) {
			return fmt.Errorf("close hour %s: %w", name, err)
		}
	}
}
