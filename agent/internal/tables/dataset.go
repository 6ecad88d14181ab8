package tables

import (
	"strconv"
	"time"
)

// Dataset is one checked table; the field of its kind is set.
type Dataset struct {
	Demand    *DemandSet     `json:"demand,omitempty"`
	Stock     []StockLine    `json:"stock,omitempty"`
	Suppliers []SupplierLine `json:"suppliers,omitempty"`
	// Currency of the unit costs, ISO 4217; "" when the file does not tell.
	Currency string `json:"currency,omitempty"`
}

// DemandSet is the demand of all products by weeks.
type DemandSet struct {
	First   string   `json:"first"`   // YYYY-MM-DD, first day of the first week
	Periods int      `json:"periods"` // weeks, without holes
	Series  []Series `json:"series"`
}

// Series is the demand of one product, from its first week to the last week of
// the whole set.
type Series struct {
	SKU    string    `json:"sku"`
	From   int       `json:"from"` // period of the first value
	Values []float64 `json:"values"`
}

// StockLine is one row of the stock table.
type StockLine struct {
	SKU         string  `json:"sku"`
	Name        string  `json:"name,omitempty"`
	Unit        string  `json:"unit,omitempty"`
	OnHand      float64 `json:"onHand"`
	UnitCost    float64 `json:"unitCost"`
	MaxStock    float64 `json:"maxStock,omitempty"`
	Volume      float64 `json:"volume,omitempty"`
	HoldingCost float64 `json:"holdingCost,omitempty"`
	OnOrder     float64 `json:"onOrder,omitempty"`
	OnOrderDate string  `json:"onOrderDate,omitempty"` // YYYY-MM-DD
	Location    string  `json:"location,omitempty"`
}

// SupplierLine is one row of the suppliers table.
type SupplierLine struct {
	SKU          string  `json:"sku"`
	Supplier     string  `json:"supplier,omitempty"`
	LeadTimeDays int     `json:"leadTimeDays"`
	OrderCost    float64 `json:"orderCost,omitempty"`
	MinOrder     float64 `json:"minOrder,omitempty"`
	PackSize     float64 `json:"packSize,omitempty"`
}

const isoDate = "2006-01-02"

// start is the first day of period p.
func (d *DemandSet) start(p int) time.Time {
	first, err := time.Parse(isoDate, d.First)
	if err != nil {
		return time.Time{} // written by us; a zero date shows in every test
	}
	return first.AddDate(0, 0, 7*p)
}

// columns are the names of the columns of rows.
func (d Dataset) columns(k Kind) []string {
	var names []string
	for _, f := range FormatOf(k).Columns {
		names = append(names, f.Name)
	}
	return names
}

// len is the number of rows.
func (d Dataset) len() int {
	n := len(d.Stock) + len(d.Suppliers)
	if d.Demand != nil {
		for _, s := range d.Demand.Series {
			n += len(s.Values)
		}
	}
	return n
}

// rows are the rows from..to (exclusive) as text, in the order of columns.
func (d Dataset) rows(from, to int) [][]string {
	out := make([][]string, 0, max(0, to-from))
	if d.Demand != nil {
		at := 0
		for _, s := range d.Demand.Series {
			for i := max(0, from-at); i < len(s.Values) && at+i < to; i++ {
				out = append(out, []string{s.SKU, d.Demand.start(s.From + i).Format(isoDate), plain(s.Values[i])})
			}
			at += len(s.Values)
		}
	}
	for i := from; i < min(to, len(d.Stock)); i++ {
		l := d.Stock[i]
		out = append(out, []string{
			l.SKU, l.Name, l.Unit, plain(l.OnHand), plain(l.UnitCost), optional(l.MaxStock), optional(l.Volume),
			optional(l.HoldingCost), optional(l.OnOrder), l.OnOrderDate, l.Location,
		})
	}
	for i := from; i < min(to, len(d.Suppliers)); i++ {
		l := d.Suppliers[i]
		out = append(out, []string{
			l.SKU, l.Supplier, strconv.Itoa(l.LeadTimeDays), optional(l.OrderCost), optional(l.MinOrder), optional(l.PackSize),
		})
	}
	return out
}

func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func optional(v float64) string {
	if v == 0 {
		return ""
	}
	return plain(v)
}
