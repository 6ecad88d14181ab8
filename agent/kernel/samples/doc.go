// Package samples makes whole businesses to try the product with: articles,
// suppliers, and weekly demand that behaves like that of a real shop.
//
// It owns the businesses and the way their demand is drawn. It does not import
// them: a sample is three CSV files that take the same way as a customer's own.
// Everything is drawn from a fixed seed, so a business has the same numbers each
// time; only its dates move, to end with the week before the one it is loaded in.
package samples

import (
	"slices"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/replenish"
)

// The kinds of table that a sample has.
const (
	Demand    = "demand"    // sku, week, quantity
	Stock     = "stock"     // sku, product_name, unit, current_stock, unit_cost, max_stock, volume, on_order_quantity, on_order_date
	Suppliers = "suppliers" // sku, supplier, lead_time_days, order_cost, min_order, pack_size
)

// Sample is one business. It is not changed and may be read by many goroutines.
type Sample struct {
	ID            string
	Name          string
	Description   string
	Items         int
	Periods       int // weeks of history
	Suppliers     int
	Currency      string         // ISO 4217
	SuggestedGoal replenish.Goal // has a plan

	seed     uint64
	articles []article
	vendors  []vendor
}

// All the samples, the smallest first.
func All() []Sample {
	return []Sample{cafe(), petShop(), bikeShop(), hardware()}
}

// Find is the sample with an id.
func Find(id string) (Sample, bool) {
	all := All()
	k := slices.IndexFunc(all, func(s Sample) bool { return s.ID == id })
	if k < 0 {
		return Sample{}, false
	}
	return all[k], true
}

// FirstWeek is the Monday that planning starts with when a sample is loaded at
// now: its history ends the day before.
func FirstWeek(now time.Time) time.Time {
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// vendor is a supplier with the terms of all its articles.
type vendor struct {
	name      string
	leadDays  int
	orderCost float64 // of one order line: handling, freight share
}

// article is one line of the shop, and how customers ask for it.
type article struct {
	sku, name, unit string
	cost            float64 // currency a unit
	weekly          float64 // units a week, on average over the year
	season          season
	strength        float64 // of the season: 0.3 is 30 % above the average at its peak
	trend           float64 // a year: 0.1 grows by 10 %
	noise           float64 // variance of a week over its mean
	often           float64 // share of weeks with any demand; 0 means every week
	weeks           int     // of history, for new articles; 0 means all
	vendor          int
	pack, least     float64 // order in multiples of, and no less than
	most            float64 // units of shelf; 0 is no limit
	volume          float64 // storage units each
	cover           float64 // weeks of demand in stock now
	coming          float64 // weeks of demand on order; 0 is none
}
