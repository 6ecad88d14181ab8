package tables

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

// ErrNotReady is returned when the tables do not make a decision possible; its
// details say what is missing.
var ErrNotReady = fault.New(fault.Invalid, "tables.not_ready", "The data is not ready for a decision.")

// Severity of a finding.
type Severity string

// The severities.
const (
	Blocking Severity = "error"
	Warning  Severity = "warning"
)

// Finding is something wrong, or worth knowing, between the tables.
type Finding struct {
	Severity Severity `json:"severity" enum:"error,warning"`
	Text     string   `json:"text"`
	Kind     Kind     `json:"kind" enum:"demand,stock,suppliers"`
	SKU      string   `json:"sku,omitempty"`
}

// Notes are what was found when the tables were joined.
type Notes []Finding

// Blocking says whether any of them forbids a decision.
func (n Notes) Blocking() bool {
	for _, f := range n {
		if f.Severity == Blocking {
			return true
		}
	}
	return false
}

// Err is ErrNotReady with the blocking findings as details, or nil.
func (n Notes) Err() error {
	var list []fault.Detail
	first := ""
	for _, f := range n {
		if f.Severity != Blocking || len(list) == maxShown {
			continue
		}
		if first == "" {
			first = f.Text
		}
		list = append(list, fault.Detail{Location: string(f.Kind), Message: f.Text})
	}
	if list == nil {
		return nil
	}
	return ErrNotReady.Saying("The data is not ready for a decision: %s", first).With(list...)
}

// Snapshot refers to the three tables as they were at one moment. Kinds that
// were absent have no entry.
type Snapshot map[Kind]tenantstore.Blob

// Snap takes a snapshot inside a command, so that no table changes in between.
func Snap(tx *tenantstore.Tx) (Snapshot, error) {
	s := Snapshot{}
	for _, k := range Kinds() {
		var t storedTable
		err := tx.Get(tables, string(k), &t)
		if errors.Is(err, docstore.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read table %s: %w", k, err)
		}
		s[k] = t.Blob
	}
	return s, nil
}

// Data joins the tables in force. Look at Notes.Err before using the data: what
// blocks a decision is a note, not an error.
func Data(ctx context.Context, store *tenantstore.Store) (replenish.Data, Notes, error) {
	d := Desk{Store: store}
	s := Snapshot{}
	for _, k := range Kinds() {
		t, err := d.table(ctx, k)
		if err != nil {
			return replenish.Data{}, nil, err
		}
		if t.Present {
			s[k] = t.Blob
		}
	}
	return s.Data(ctx, store)
}

// Data joins the tables of the snapshot.
func (s Snapshot) Data(ctx context.Context, store *tenantstore.Store) (replenish.Data, Notes, error) {
	d := Desk{Store: store}
	sets := map[Kind]Dataset{}
	for k, blob := range s {
		set, err := d.load(ctx, blob)
		if err != nil {
			return replenish.Data{}, nil, err
		}
		sets[k] = set
	}
	data, notes := join(sets)
	return data, notes, nil
}

// join brings the three tables together: a product is decided on when it has a
// stock line and a history.
func join(sets map[Kind]Dataset) (replenish.Data, Notes) {
	notes := Notes{}
	find := func(severity Severity, kind Kind, sku, format string, args ...any) {
		notes = append(notes, Finding{severity, fmt.Sprintf(format, args...), kind, sku})
	}
	history := sets[Demand].Demand
	if history == nil {
		find(Blocking, Demand, "", "There is no demand history yet. Upload one, or load a sample.")
	}
	stock, have := sets[Stock]
	if !have {
		find(Blocking, Stock, "", "There is no stock table yet. Upload one, or load a sample.")
	}
	suppliers, haveSuppliers := sets[Suppliers]
	if !haveSuppliers {
		find(Warning, Suppliers, "", "There is no suppliers table: every product is taken to arrive %d days after the order, without order cost, minimum or pack.", defaultLeadDays)
	}
	if history == nil || !have {
		return replenish.Data{}, notes
	}

	terms := map[string]SupplierLine{}
	for _, l := range suppliers.Suppliers {
		terms[l.SKU] = l
	}
	series := map[string]Series{}
	for _, s := range history.Series {
		series[s.SKU] = s
	}
	stocked := map[string]bool{}
	alike := map[string]string{}
	data := replenish.Data{PeriodDays: 7, Start: history.start(history.Periods), Currency: stock.Currency}
	for _, l := range stock.Stock {
		stocked[l.SKU] = true
		alike[fold(l.SKU)] = l.SKU
		past, sold := series[l.SKU]
		if !sold {
			find(Warning, Demand, l.SKU, "%s is in stock but has no demand history; it is left out of the plan.", l.SKU)
			continue
		}
		term, known := terms[l.SKU]
		if !known {
			term = SupplierLine{SKU: l.SKU, LeadTimeDays: defaultLeadDays}
			if haveSuppliers {
				find(Warning, Suppliers, l.SKU, "%s has no row in the suppliers table; it is taken to arrive %d days after the order, without order cost, minimum or pack.", l.SKU, defaultLeadDays)
			}
		}
		data.Items = append(data.Items, item(l, term))
		data.History = append(data.History, replenish.History{SKU: l.SKU, Values: past.Values})
	}
	for _, s := range history.Series {
		if stocked[s.SKU] {
			continue
		}
		hint := "add it to the stock table, with 0 if there is none"
		if other, close := alike[fold(s.SKU)]; close {
			hint = fmt.Sprintf("the stock table has “%s”: write it alike", other)
		}
		find(Blocking, Stock, s.SKU, "%s has demand but no row in the stock table; %s.", s.SKU, hint)
	}
	orphans := []string{}
	for _, l := range suppliers.Suppliers {
		if !stocked[l.SKU] {
			orphans = append(orphans, l.SKU)
		}
	}
	if len(orphans) > 0 {
		find(Warning, Suppliers, "", "%s of the suppliers table without a row in the stock table, not used: %s.", plural(len(orphans), "product"), some(orphans))
	}
	if len(data.Items) == 0 && !notes.Blocking() {
		find(Blocking, Stock, "", "No product is both in the stock table and in the demand history.")
	}
	return data, notes
}

// defaultLeadDays is the lead time of a product without a supplier.
const defaultLeadDays = 7

func item(l StockLine, t SupplierLine) replenish.Item {
	i := replenish.Item{
		SKU: l.SKU, Name: l.Name, Unit: l.Unit, OnHand: l.OnHand, UnitCost: l.UnitCost, Volume: l.Volume, MaxStock: l.MaxStock,
		HoldingCost: l.HoldingCost, Supplier: t.Supplier, LeadTimeDays: t.LeadTimeDays, OrderCost: t.OrderCost,
		MinOrder: t.MinOrder, PackSize: t.PackSize,
	}
	if i.Name == "" {
		i.Name = l.SKU
	}
	if i.Unit == "" {
		i.Unit = "pcs"
	}
	if i.Supplier == "" {
		i.Supplier = "Supplier"
	}
	if l.OnOrder > 0 {
		date, err := time.Parse(isoDate, l.OnOrderDate)
		if err == nil { // written by us
			i.OnOrder = []replenish.Arrival{{Date: date, Quantity: l.OnOrder}}
		}
	}
	return i
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

func some(list []string) string {
	if len(list) > 5 {
		return strings.Join(list[:5], ", ") + ", …"
	}
	return strings.Join(list, ", ")
}

// Articles are the SKUs and names of the stock table, in its order; none without
// one.
func (d Desk) Articles(ctx context.Context) ([]StockLine, error) {
	t, err := d.table(ctx, Stock)
	if err != nil || !t.Present {
		return nil, err
	}
	set, err := d.load(ctx, t.Blob)
	return set.Stock, err
}
