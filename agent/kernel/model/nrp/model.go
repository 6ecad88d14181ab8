package nrp

import (
	"fmt"

	"github.com/dyocense/dyocense/agent/kernel/model"
)

// builder makes the rows; x[person][day][shift] are the columns that assign.
type builder struct {
	model.Builder
	in *Instance
	x  [][][]int32
}

// Model is the assignment formulation: one binary a person, day and shift, slack
// for cover, and the rules of the contracts as rows. The objective is the price of
// requests not granted and of cover missed.
func (in *Instance) Model(name string) *model.Model {
	b := builder{in: in}
	b.assign()
	for i := range in.Staff {
		b.oneShiftADay(i)
		b.successions(i)
		b.totals(i)
		b.stretches(i)
		b.weekends(i)
	}
	b.cover()
	return b.Build(name)
}

// assign makes the binaries with the price of requests; a day off is a bound.
func (b *builder) assign() {
	in := b.in
	cost := map[[3]int]float64{}
	for _, r := range in.On { // the price is paid unless it is granted
		cost[[3]int{r.Person, r.Day, r.Shift}] -= float64(r.Weight)
		b.AddConstant(float64(r.Weight))
	}
	for _, r := range in.Off {
		cost[[3]int{r.Person, r.Day, r.Shift}] += float64(r.Weight)
	}
	for i, who := range in.Staff {
		off := map[int]bool{}
		for _, day := range who.DaysOff {
			off[day] = true
		}
		days := make([][]int32, in.Days)
		for d := range days {
			upper := 1.0
			if off[d] {
				upper = 0
			}
			for s, shift := range in.Shifts {
				days[d] = append(days[d], b.Col(fmt.Sprintf("x(%s,%d,%s)", who.ID, d, shift.ID), 0, upper, cost[[3]int{i, d, s}], true))
			}
		}
		b.x = append(b.x, days)
	}
}

// works are the terms of "person i works on day d", each with coefficient c.
func (b *builder) works(i, d int, c float64) []model.Term {
	terms := make([]model.Term, 0, len(b.x[i][d]))
	for _, x := range b.x[i][d] {
		terms = append(terms, model.Term{Col: x, Coef: c})
	}
	return terms
}

func (b *builder) oneShiftADay(i int) {
	for d := range b.in.Days {
		b.Row("one_shift_a_day", fmt.Sprintf("one(%s,%d)", b.in.Staff[i].ID, d), -model.Inf, 1, b.works(i, d, 1)...)
	}
}

func (b *builder) successions(i int) {
	for d := range b.in.Days - 1 {
		for s, shift := range b.in.Shifts {
			for _, next := range shift.NotBefore {
				b.Row("rest", fmt.Sprintf("rest(%s,%d,%s,%s)", b.in.Staff[i].ID, d, shift.ID, b.in.Shifts[next].ID), -model.Inf, 1,
					model.Term{Col: b.x[i][d][s], Coef: 1}, model.Term{Col: b.x[i][d+1][next], Coef: 1})
			}
		}
	}
}

func (b *builder) totals(i int) {
	who := b.in.Staff[i]
	var minutes []model.Term
	for s, shift := range b.in.Shifts {
		var count []model.Term
		for d := range b.in.Days {
			count = append(count, model.Term{Col: b.x[i][d][s], Coef: 1})
			minutes = append(minutes, model.Term{Col: b.x[i][d][s], Coef: float64(shift.Minutes)})
		}
		b.Row("max_shifts", fmt.Sprintf("shifts(%s,%s)", who.ID, shift.ID), -model.Inf, float64(who.MaxShifts[s]), count...)
	}
	b.Row("minutes", fmt.Sprintf("minutes(%s)", who.ID), float64(who.MinMinutes), float64(who.MaxMinutes), minutes...)
}

// stretches are the rules about consecutive days of work and of rest. A stretch
// that touches an end of the horizon may go on outside and is not too short.
func (b *builder) stretches(i int) {
	who, days := b.in.Staff[i], b.in.Days
	for d := 0; d+who.MaxConsecutive < days; d++ {
		var window []model.Term
		for k := d; k <= d+who.MaxConsecutive; k++ {
			window = append(window, b.works(i, k, 1)...)
		}
		b.Row("max_consecutive", fmt.Sprintf("long(%s,%d)", who.ID, d), -model.Inf, float64(who.MaxConsecutive), window...)
	}
	for length := 1; length < who.MinConsecutive; length++ {
		for d := 0; d+length+1 < days; d++ { // off, length days of work, off: never
			terms := append(b.works(i, d, 1), b.works(i, d+length+1, 1)...)
			for k := d + 1; k <= d+length; k++ {
				terms = append(terms, b.works(i, k, -1)...)
			}
			b.Row("min_consecutive", fmt.Sprintf("short(%s,%d,%d)", who.ID, d, length), 1-float64(length), model.Inf, terms...)
		}
	}
	for length := 1; length < who.MinConsecutiveOff; length++ {
		for d := 0; d+length+1 < days; d++ { // work, length days off, work: never
			terms := append(b.works(i, d, 1), b.works(i, d+length+1, 1)...)
			for k := d + 1; k <= d+length; k++ {
				terms = append(terms, b.works(i, k, -1)...)
			}
			b.Row("min_days_off", fmt.Sprintf("off(%s,%d,%d)", who.ID, d, length), -model.Inf, 1, terms...)
		}
	}
}

// weekends counts the weekends with work; Saturday is day 5 of a week.
func (b *builder) weekends(i int) {
	who := b.in.Staff[i]
	var all []model.Term
	for week := 0; 7*week+5 < b.in.Days; week++ {
		k := b.Col(fmt.Sprintf("weekend(%s,%d)", who.ID, week), 0, 1, 0, true)
		all = append(all, model.Term{Col: k, Coef: 1})
		for d := 7*week + 5; d < min(7*week+7, b.in.Days); d++ {
			b.Row("weekends", fmt.Sprintf("weekend(%s,%d)", who.ID, d), -model.Inf, 0,
				append(b.works(i, d, 1), model.Term{Col: k, Coef: -1})...)
		}
	}
	b.Row("weekends", fmt.Sprintf("weekends(%s)", who.ID), -model.Inf, float64(who.MaxWeekends), all...)
}

func (b *builder) cover() {
	for n, c := range b.in.Cover {
		label := fmt.Sprintf("%d,%s,%d", c.Day, b.in.Shifts[c.Shift].ID, n)
		var terms []model.Term
		for i := range b.in.Staff {
			terms = append(terms, model.Term{Col: b.x[i][c.Day][c.Shift], Coef: 1})
		}
		staff := float64(len(b.in.Staff))
		under := b.Col("under("+label+")", 0, float64(c.Need), float64(c.Under), false)
		over := b.Col("over("+label+")", 0, staff, float64(c.Over), false)
		terms = append(terms, model.Term{Col: under, Coef: 1}, model.Term{Col: over, Coef: -1})
		b.Row("cover", "cover("+label+")", float64(c.Need), float64(c.Need), terms...)
	}
}
