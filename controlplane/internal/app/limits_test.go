package app

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

func TestTheMonthFollowsTheSubscription(t *testing.T) {
	t.Parallel()
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 9, 30, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		interval             billing.Interval
		start, end, now      time.Time
		wantStart, wantUntil time.Time
	}{
		"monthly":               {billing.Month, day(2026, 2, 28), day(2026, 3, 31), day(2026, 3, 29), day(2026, 2, 28), day(2026, 3, 31)},
		"yearly, in the middle": {billing.Year, day(2026, 1, 31), day(2027, 1, 31), day(2026, 3, 1), day(2026, 2, 28), day(2026, 3, 31)},
		"yearly, last month":    {billing.Year, day(2026, 1, 31), day(2027, 1, 31), day(2027, 1, 30), day(2026, 12, 31), day(2027, 1, 31)},
		"renewal not heard of":  {billing.Month, day(2026, 1, 10), day(2026, 2, 10), day(2026, 2, 10), day(2026, 2, 10), day(2026, 3, 10)},
		"beginning not known":   {billing.Month, time.Time{}, day(2026, 3, 31), day(2026, 3, 1), day(2026, 2, 28), day(2026, 3, 31)},
		"no subscription":       {billing.Month, time.Time{}, time.Time{}, day(2026, 3, 1), time.Time{}, time.Time{}},
	} {
		from, to := monthOf(billing.Standing{Interval: c.interval, CurrentPeriodStart: c.start, CurrentPeriodEnd: c.end}, c.now)
		if !from.Equal(c.wantStart) || !to.Equal(c.wantUntil) {
			t.Errorf("%s: %s to %s, want %s to %s", name, from, to, c.wantStart, c.wantUntil)
		}
	}
}

// Every moment is in exactly one month of a year: none is counted twice or not at all.
func TestTheMonthsOfAYearMeetWithoutAGap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		start := time.Unix(rapid.Int64Range(1700000000, 1900000000).Draw(r, "start"), 0).UTC()
		s := billing.Standing{Interval: billing.Year, CurrentPeriodStart: start, CurrentPeriodEnd: addMonths(start, 12)}
		now, months := start, 0
		for now.Before(s.CurrentPeriodEnd) {
			from, to := monthOf(s, now)
			if !from.Equal(now) || !to.After(now) {
				r.Fatalf("the month at %s is %s to %s", now, from, to)
			}
			last := to.Add(-time.Second)
			if f, u := monthOf(s, last); !f.Equal(from) || !u.Equal(to) {
				r.Fatalf("its last second is in %s to %s", f, u)
			}
			now, months = to, months+1
		}
		if months != 12 {
			r.Fatalf("%d months", months)
		}
	})
}

func TestOwnersAreToldOnceAMonthAtEightyPerCent(t *testing.T) {
	t.Parallel()
	s := tenancytest.Open(t, tenancy.Collections(), notify.Collections())
	tenants := tenancy.New(s, time.Now)
	mailbox, err := notify.New(s, nil, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ten := id.NewTenant()
	if err := tenants.Create(t.Context(), ten, "Herons", id.NewPerson(), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	o := &owners{tenants, mailbox, "https://x.example", slog.New(slog.DiscardHandler)}
	mails := func() int {
		r, err := notify.NewOperations(mailbox).Outbox(t.Context(), &notify.OutboxRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return len(r.Body.Mails)
	}
	month := contract.Limits{Decisions: 10, PeriodStart: time.Unix(1700000000, 0), PeriodEnd: time.Unix(1702592000, 0)}
	tell := func(value string) { o.notice(t.Context(), ten, month, http.Header{contract.SpentHeader: {value}}) }
	for _, quiet := range []string{"", "7/10", "nonsense", "8/9"} {
		tell(quiet)
	}
	if n := mails(); n != 0 {
		t.Errorf("%d mails below 80 %%", n)
	}
	for _, loud := range []string{"8/10", "9/10", "10/10", "10/10"} {
		tell(loud)
	}
	if n := mails(); n != 1 {
		t.Errorf("%d mails in the month, want 1", n)
	}
	month.PeriodStart, month.PeriodEnd = month.PeriodEnd, month.PeriodEnd.AddDate(0, 1, 0)
	tell("8/10")
	if n := mails(); n != 2 {
		t.Errorf("%d mails in two months, want 2", n)
	}
}
