package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

// usage holds, by UTC day, when runs were made that count. It is in the journal with
// the runs, so it is exact, moves with the tenant, and knows no plan.
const usage = "usage"

// ErrDecisionsUsed is the fault of a run beyond what the plan allows.
var ErrDecisionsUsed = fault.New(fault.Exhausted, "runs.decisions_used", "All decisions of your plan are used.")

// dayUsage is the document of a day. A moment is in it once for each run made then.
type dayUsage struct {
	Made []int64 `json:"made"` // Unix milliseconds
}

func dayOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// maxDays bounds what is read of a period: a month has 31 days and touches 32.
const maxDays = 40

// days are the days that a period touches.
func days(from, to time.Time) []string {
	var list []string
	last := dayOf(to.Add(-1))
	for at := from; len(list) < maxDays; at = at.AddDate(0, 0, 1) {
		day := dayOf(at)
		if day > last {
			break
		}
		list = append(list, day)
	}
	return list
}

// read gives the document of a day: a command reads in its own, others outside.
type read func(day string) (dayUsage, error)

func within(tx *tenantstore.Tx) read {
	return func(day string) (d dayUsage, err error) {
		err = tx.Get(usage, day, &d)
		return d, err
	}
}

// madeIn are the moments at which runs were made in the period, that count.
func madeIn(get read, from, to time.Time) ([]time.Time, error) {
	var made []time.Time
	for _, day := range days(from, to) {
		d, err := get(day)
		if err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return nil, fmt.Errorf("read usage of %s: %w", day, err)
		}
		for _, ms := range d.Made {
			if at := time.UnixMilli(ms).UTC(); !at.Before(from) && at.Before(to) {
				made = append(made, at)
			}
		}
	}
	return made, nil
}

// spend counts a run that is made at that moment, in the command that makes it, or
// fails with ErrDecisionsUsed. Commands of a tenant come one after another, so no
// burst gets past the limit.
func spend(tx *tenantstore.Tx, l contract.Limits, at time.Time) (used int, err error) {
	from, to := period(l, at)
	made, err := madeIn(within(tx), from, to)
	if err != nil {
		return 0, err
	}
	if l.Decisions > 0 && len(made) >= l.Decisions {
		return 0, usedUp(l, len(made), to)
	}
	d, err := within(tx)(dayOf(at))
	if err != nil && !errors.Is(err, docstore.ErrNotFound) {
		return 0, err
	}
	d.Made = append(d.Made, at.UnixMilli())
	return len(made) + 1, tx.Put(usage, dayOf(at), d)
}

// giveBack undoes spend for a run that was made at that moment and failed by our
// fault. One that was made before runs were counted has nothing to give back.
func giveBack(tx *tenantstore.Tx, at time.Time) error {
	d, err := within(tx)(dayOf(at))
	if errors.Is(err, docstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	i := slices.Index(d.Made, at.UnixMilli())
	if i < 0 {
		return nil
	}
	d.Made = slices.Delete(d.Made, i, i+1)
	return tx.Put(usage, dayOf(at), d)
}

// ours says whether a run failed by our fault, not by its data or its goal.
func ours(p *fault.Problem) bool {
	if p == nil {
		return false
	}
	for _, f := range []*fault.Error{ErrEngineGone, ErrEngineDied, ErrInterrupted, ErrBroken} {
		if p.Code == f.Code {
			return true
		}
	}
	return false
}

// period is the one that l names if the moment is in it, else the month of the
// calendar: then there is no subscription whose months count, or the control plane's
// word is old.
func period(l contract.Limits, at time.Time) (from, to time.Time) {
	if !l.PeriodStart.IsZero() && !at.Before(l.PeriodStart) && at.Before(l.PeriodEnd) {
		return l.PeriodStart.UTC(), l.PeriodEnd.UTC()
	}
	from = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	return from, from.AddDate(0, 1, 0)
}

func usedUp(l contract.Limits, used int, renews time.Time) error {
	return ErrDecisionsUsed.Saying("All %d decisions of this month are used. New ones come on %s. A larger plan has more at once: see Plans.",
		l.Decisions, renews.Format("2 January 2006")).With(
		fault.Detail{Location: "used", Message: strconv.Itoa(used)},
		fault.Detail{Location: "limit", Message: strconv.Itoa(l.Decisions)},
		fault.Detail{Location: "renews", Message: renews.Format(time.RFC3339)},
		fault.Detail{Location: "upgrade", Message: "/plans"},
	)
}

// Usage is what a tenant has used of what its plan allows.
type Usage struct {
	Decisions DecisionUsage `json:"decisions"`
	Locations LocationUsage `json:"locations"`
}

// DecisionUsage is how many decisions were made in the period.
type DecisionUsage struct {
	Used        int       `json:"used"`
	Limit       int       `json:"limit" doc:"0 is unlimited"`
	PeriodStart time.Time `json:"periodStart"`
	PeriodEnd   time.Time `json:"periodEnd" doc:"new decisions come then"`
	Forecast    int       `json:"forecast" doc:"used at the end of the period if it goes on like this"`
	Days        []DayUsed `json:"days" doc:"every day of the period so far, in UTC"`
}

// DayUsed is how many decisions were made on a day.
type DayUsed struct {
	Day  string `json:"day" format:"date"`
	Used int    `json:"used"`
}

// LocationUsage is how many locations the stock table has.
type LocationUsage struct {
	Used  int      `json:"used"`
	Limit int      `json:"limit" doc:"0 is unlimited"`
	Names []string `json:"names"`
}

// Usage tells what the caller's tenant has used.
func (s *Service) Usage(ctx context.Context, who Caller) (Usage, error) {
	store, release, err := s.shelf.Open(ctx, who.Tenant)
	if err != nil {
		return Usage{}, err
	}
	defer release()
	now := s.now()
	from, to := period(who.Limits, now)
	made, err := madeIn(func(day string) (d dayUsage, err error) {
		err = store.Get(ctx, usage, day, &d)
		return d, err
	}, from, to)
	if err != nil {
		return Usage{}, err
	}
	names, err := tables.Locations(ctx, store)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{
		Decisions: DecisionUsage{Used: len(made), Limit: who.Limits.Decisions, PeriodStart: from, PeriodEnd: to, Days: []DayUsed{}},
		Locations: LocationUsage{Used: len(names), Limit: who.Limits.Locations, Names: names},
	}
	u.Decisions.Forecast = forecast(len(made), from, to, now)
	for _, day := range days(from, now.Add(1)) {
		n := 0
		for _, at := range made {
			if dayOf(at) == day {
				n++
			}
		}
		u.Decisions.Days = append(u.Decisions.Days, DayUsed{day, n})
	}
	return u, nil
}

// forecast is how many are used at the end if they go on as evenly as so far. In the
// first day of a period it says nothing yet but what is used.
func forecast(used int, from, to, now time.Time) int {
	past := now.Sub(from)
	if past < 24*time.Hour || !now.Before(to) {
		return used
	}
	return int(float64(used)*float64(to.Sub(from))/float64(past) + 0.5)
}
