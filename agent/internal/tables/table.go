package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

// ErrBadCursor is returned for an "after" that no page gave.
var ErrBadCursor = fault.New(fault.Invalid, "tables.bad_cursor", "The place to go on from is not one that an earlier page gave.")

// Table is a dataset in force, or the lack of one.
type Table struct {
	Kind      Kind       `json:"kind" enum:"demand,stock,suppliers"`
	Present   bool       `json:"present"`
	Rows      int        `json:"rows"`
	Items     int        `json:"items"`
	From      string     `json:"from,omitempty"` // YYYY-MM-DD
	To        string     `json:"to,omitempty"`   // YYYY-MM-DD
	Source    string     `json:"source"`         // file or sample it came from
	UpdatedAt *time.Time `json:"updatedAt,omitempty"`
	Columns   []string   `json:"columns"`
	Notes     []string   `json:"notes"` // what was filled in, dropped, supposed or warned of
}

// storedTable is the document of a table. The rows are in the blob, which is
// never changed: who holds the reference holds the table as it was.
type storedTable struct {
	Table
	Blob tenantstore.Blob `json:"blob"`
	// Locations are those of the stock table, where it names any.
	Locations []string `json:"locations,omitempty"`
}

// keep stores the rows of a dataset; the document is the caller's to put.
func (d Desk) keep(ctx context.Context, k Kind, set Dataset, check Check, source string) (storedTable, error) {
	body, err := json.Marshal(set)
	if err != nil {
		return storedTable{}, fmt.Errorf("encode table %s: %w", k, err)
	}
	blob, err := d.Store.PutBlob(ctx, body)
	if err != nil {
		return storedTable{}, fmt.Errorf("keep the rows of table %s: %w", k, err)
	}
	now := d.now()
	t := Table{
		Kind: k, Present: true, Rows: set.len(), Items: check.Summary.Items, From: check.Summary.From, To: check.Summary.To,
		Source: source, UpdatedAt: &now, Columns: set.columns(k), Notes: append([]string{}, check.Summary.Notes...),
	}
	for _, w := range check.Warnings {
		note := w.Message
		if w.Column != "" {
			note = w.Column + ": " + note
		}
		if len(t.Notes) < 50 { // of hundreds nobody reads the last
			t.Notes = append(t.Notes, note)
		}
	}
	return storedTable{Table: t, Blob: blob, Locations: set.locations()}, nil
}

// Tables are the three tables, in order.
func (d Desk) Tables(ctx context.Context) ([]Table, error) {
	list := make([]Table, 0, 3)
	for _, k := range Kinds() {
		t, err := d.table(ctx, k)
		if err != nil {
			return nil, err
		}
		list = append(list, t.Table)
	}
	return list, nil
}

func (d Desk) table(ctx context.Context, k Kind) (storedTable, error) {
	var t storedTable
	err := d.Store.Get(ctx, tables, string(k), &t)
	if errors.Is(err, docstore.ErrNotFound) {
		return storedTable{Table: absent(k)}, nil
	}
	if err != nil {
		return t, fmt.Errorf("read table %s: %w", k, err)
	}
	return t, nil
}

func absent(k Kind) Table {
	return Table{Kind: k, Columns: Dataset{}.columns(k), Notes: []string{}}
}

// Remove deletes a table; there need not be one.
func (d Desk) Remove(ctx context.Context, k Kind) error {
	_, err := d.Store.Do(ctx, tenantstore.Command{Kind: "tables.remove", Actor: d.Actor}, func(tx *tenantstore.Tx) error {
		var t storedTable
		err := tx.Get(tables, string(k), &t)
		if errors.Is(err, docstore.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.Delete(tables, string(k))
	})
	if err != nil {
		return fmt.Errorf("remove table %s: %w", k, err)
	}
	return nil
}

// Rows are rows of a table as text.
type Rows struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	Next    string     `json:"next"` // "" when there is no more
}

// Rows gives at most count rows after the place that an earlier call gave.
func (d Desk) Rows(ctx context.Context, k Kind, after string, count int) (Rows, error) {
	from := 0
	if after != "" {
		n, err := strconv.Atoi(after)
		if err != nil || n < 0 {
			return Rows{}, ErrBadCursor
		}
		from = n
	}
	t, err := d.table(ctx, k)
	if err != nil {
		return Rows{}, err
	}
	out := Rows{Columns: Dataset{}.columns(k), Rows: [][]string{}}
	if !t.Present {
		return out, nil
	}
	set, err := d.load(ctx, t.Blob)
	if err != nil {
		return Rows{}, err
	}
	if total := set.len(); from < total {
		to := min(from+count, total)
		out.Rows = set.rows(from, to)
		if to < total {
			out.Next = strconv.Itoa(to)
		}
	}
	return out, nil
}

// Reader reads documents and blobs of one tenant, such as a tenantstore.Store.
type Reader interface {
	Get(ctx context.Context, collection, id string, into any) error
	GetBlob(ctx context.Context, b tenantstore.Blob) ([]byte, error)
}

// Stored are all rows of a table as text, for whoever writes the tenant out. It
// fails with docstore.ErrNotFound when there is no such table, or its rows are
// missing.
func Stored(ctx context.Context, from Reader, k Kind) (Rows, error) {
	var t storedTable
	if err := from.Get(ctx, tables, string(k), &t); err != nil {
		return Rows{}, fmt.Errorf("read table %s: %w", k, err)
	}
	set, err := load(ctx, from, t.Blob)
	if err != nil {
		return Rows{}, err
	}
	return Rows{Columns: set.columns(k), Rows: set.rows(0, set.len())}, nil
}

func (d Desk) load(ctx context.Context, blob tenantstore.Blob) (Dataset, error) {
	return load(ctx, d.Store, blob)
}

func load(ctx context.Context, from Reader, blob tenantstore.Blob) (Dataset, error) {
	body, err := from.GetBlob(ctx, blob)
	if err != nil {
		return Dataset{}, fmt.Errorf("read the rows of a table: %w", err)
	}
	var set Dataset
	if err := json.Unmarshal(body, &set); err != nil {
		return Dataset{}, fmt.Errorf("decode the rows of a table: %w", err)
	}
	return set, nil
}

// ErrBadSample is our own mistake: a sample that its own check refuses.
var ErrBadSample = fault.New(fault.Internal, "tables.bad_sample", "The sample data could not be loaded. Tell support.")

// Replace reads files as if a customer had uploaded them and makes them the
// tables of their kinds, all in one command. Kinds without a file are removed.
// currency, if not "", is the ISO 4217 code of the prices.
func (d Desk) Replace(ctx context.Context, files map[Kind][]byte, source, currency string) ([]Table, error) {
	list := make([]Table, 0, 3)
	stored := map[Kind]storedTable{}
	for _, k := range Kinds() {
		raw, have := files[k]
		if !have {
			list = append(list, absent(k))
			continue
		}
		sheet, err := Read(raw)
		if err != nil {
			return nil, ErrBadSample.Because(err)
		}
		check, set, err := sheet.Check(How{Kind: k, Mapping: sheet.GuessFor(k), Now: d.now()})
		if err != nil {
			return nil, ErrBadSample.Because(err)
		}
		if !check.OK {
			return nil, ErrBadSample.Because(fmt.Errorf("sample %s, table %s: %v", source, k, check.Errors))
		}
		if k == Stock && currency != "" {
			set.Currency = currency
		}
		t, err := d.keep(ctx, k, set, check, source)
		if err != nil {
			return nil, err
		}
		stored[k] = t
		list = append(list, t.Table)
	}
	_, err := d.Store.Do(ctx, tenantstore.Command{Kind: "tables.replace", Actor: d.Actor}, func(tx *tenantstore.Tx) error {
		for _, k := range Kinds() {
			t, have := stored[k]
			if have {
				if err := tx.Put(tables, string(k), t); err != nil {
					return err
				}
				continue
			}
			var old storedTable
			err := tx.Get(tables, string(k), &old)
			if errors.Is(err, docstore.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if err := tx.Delete(tables, string(k)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("replace the tables by %s: %w", source, err)
	}
	return list, nil
}
