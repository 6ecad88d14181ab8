package samples

import (
	"bytes"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// Tables are the three CSV files of the business, with header lines, as loaded at
// now. The history ends with the week before; seasons follow the calendar.
func (s Sample) Tables(now time.Time) map[string][]byte {
	first := FirstWeek(now)
	_, calendar := first.AddDate(0, 0, -7).ISOWeek()

	demand := newTable("sku", "week", "quantity")
	stock := newTable("sku", "product_name", "unit", "current_stock", "unit_cost", "max_stock", "volume", "on_order_quantity", "on_order_date")
	suppliers := newTable("sku", "supplier", "lead_time_days", "order_cost", "min_order", "pack_size")
	for k, a := range s.articles {
		random := rand.New(rand.NewPCG(s.seed, uint64(k)))
		values := a.history(s.Periods, calendar-1, random)
		for w, quantity := range values {
			week := first.AddDate(0, 0, -7*(len(values)-w))
			demand.add(a.sku, week.Format(time.DateOnly), number(quantity))
		}
		v := s.vendors[a.vendor]
		coming, date := "", ""
		if a.coming > 0 {
			coming = number(a.inPacks(a.weekly * a.coming))
			date = first.AddDate(0, 0, 1+random.IntN(max(1, v.leadDays))).Format(time.DateOnly)
		}
		stock.add(a.sku, a.name, a.unit, number(a.onHand(values)), money(a.cost), optional(a.most), optional(a.volume), coming, date)
		suppliers.add(a.sku, v.name, strconv.Itoa(v.leadDays), money(v.orderCost), optional(a.least), optional(a.pack))
	}
	return map[string][]byte{Demand: demand.bytes(), Stock: stock.bytes(), Suppliers: suppliers.bytes()}
}

// onHand is some weeks of recent demand, so that a season's start finds a stock
// that fits it.
func (a article) onHand(values []float64) float64 {
	recent, n := 0.0, min(8, len(values))
	for _, v := range values[len(values)-n:] {
		recent += v / float64(n)
	}
	have := a.cover * recent
	if a.most > 0 {
		have = math.Min(have, a.most)
	}
	if a.unit == "kg" || a.unit == "l" {
		return math.Round(have*10) / 10
	}
	return math.Round(have)
}

func (a article) inPacks(quantity float64) float64 {
	pack := math.Max(a.pack, 1)
	if a.pack > 0 {
		pack = a.pack
	}
	return math.Max(math.Ceil(a.least/pack), math.Ceil(quantity/pack)) * pack
}

// table writes CSV into memory, which cannot fail.
type table struct {
	buffer *bytes.Buffer
	writer *csv.Writer
}

func newTable(columns ...string) table {
	buffer := &bytes.Buffer{}
	t := table{buffer, csv.NewWriter(buffer)}
	t.add(columns...)
	return t
}

func (t table) add(cells ...string) { _ = t.writer.Write(cells) }

func (t table) bytes() []byte {
	t.writer.Flush()
	return t.buffer.Bytes()
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func money(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// optional is empty for "none".
func optional(v float64) string {
	if v == 0 {
		return ""
	}
	return number(v)
}
