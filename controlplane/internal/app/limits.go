package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// limitsOf is what the agent has to hold the tenant to now.
func limitsOf(s billing.Standing, now time.Time) contract.Limits {
	if s.Plan == nil {
		return contract.Limits{}
	}
	l := contract.Limits{Decisions: s.Plan.Decisions, Locations: s.Plan.Locations}
	l.PeriodStart, l.PeriodEnd = monthOf(s, now)
	return l
}

// monthOf is the month of the subscription that now is in: what is paid monthly runs
// from renewal to renewal, what is paid yearly by months from its beginning. After
// the end, until we hear of the renewal, months go on from there. A subscription that
// says nothing of its time has none.
func monthOf(s billing.Standing, now time.Time) (from, to time.Time) {
	start, end := s.CurrentPeriodStart, s.CurrentPeriodEnd
	if end.IsZero() {
		return time.Time{}, time.Time{}
	}
	if start.IsZero() || !start.Before(end) {
		start = addMonths(end, -1) // learned before the beginning was kept
	}
	if now.Before(end) && s.Interval != billing.Year {
		return start, end
	}
	anchor := start
	if !now.Before(end) {
		anchor = end
	}
	for n := 0; n < 240; n++ {
		from, to = addMonths(anchor, n), addMonths(anchor, n+1)
		if anchor.Equal(start) && to.After(end) {
			to = end
		}
		if now.Before(to) {
			break
		}
	}
	return from, to
}

// addMonths is the same day n months on, or the last day of a month that is too short.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// noticeAt is the share of the decisions, in per cent, of which the owners are told.
const noticeAt = 80

// owners are told when most decisions of a month are used.
type owners struct {
	tenants *tenancy.Tenants
	mailbox *notify.Mailbox
	site    string
	log     *slog.Logger
}

// noticeWithin bounds how long the answer to a run waits for the notice to be kept.
const noticeWithin = 2 * time.Second

// notice reads in the agent's answer to a new run how much is used, and writes to the
// owners, each once a month. A notice that cannot be kept does not fail the run; the
// next run tries again.
func (o *owners) notice(ctx context.Context, t id.Tenant, l contract.Limits, answer http.Header) {
	used, limit, ok := contract.ReadSpent(answer.Get(contract.SpentHeader))
	if !ok || limit != l.Decisions || used*100 < limit*noticeAt {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeWithin)
	defer cancel()
	if err := o.write(ctx, t, l, used); err != nil {
		o.log.WarnContext(ctx, "owners are not told that decisions run out", "tenant", t, "err", err)
	}
}

func (o *owners) write(ctx context.Context, t id.Tenant, l contract.Limits, used int) error {
	company, err := o.tenants.Name(ctx, t)
	if err != nil {
		return err
	}
	members, err := o.tenants.Members(ctx, t)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Role != contract.RoleOwner {
			continue
		}
		key := fmt.Sprintf("usage/%d/%s/%s/%d", noticeAt, t, m.Person, l.PeriodStart.Unix())
		err := o.mailbox.Post(ctx, key, m.Email, notify.DecisionsRunOut{
			Company: company, Used: used, Limit: l.Decisions, Renews: l.PeriodEnd.Format("2 January 2006"), Link: o.site + "/settings/usage",
		})
		if err != nil {
			return err
		}
	}
	return nil
}
