package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
)

type attachment struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func registerExports(d door) {
	binary := func(contentType, description string) map[string]*huma.Response {
		return map[string]*huma.Response{"200": {
			Description: description,
			Content:     map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
		}}
	}
	serve(d, reads, huma.Operation{
		OperationID: "export-orders", Method: http.MethodGet, Path: "/v1/runs/{id}/orders.csv", Tags: []string{"runs"},
		Summary: "The orders of a plan as CSV", Errors: []int{http.StatusConflict}, Responses: binary("text/csv", "UTF-8 with byte order mark"),
		Description: "Text cells that a spreadsheet would take for a formula begin with an apostrophe.",
	}, func(ctx context.Context, c call, in *runPath) (*attachment, error) {
		run, err := in.parse()
		if err != nil {
			return nil, err
		}
		_, result, err := c.runs.Result(ctx, c.caller(), run)
		if err != nil {
			return nil, err
		}
		file, err := ordersCSV(result)
		if err != nil {
			return nil, err
		}
		return &attachment{"text/csv; charset=utf-8", fmt.Sprintf(`attachment; filename="orders-%s.csv"`, run), file}, nil
	})

	serve(d, reads, huma.Operation{
		OperationID: "export-result", Method: http.MethodGet, Path: "/v1/runs/{id}/result.json", Tags: []string{"runs"},
		Summary: "The whole result as a file", Errors: []int{http.StatusConflict}, Responses: binary("application/json", "The result"),
	}, func(ctx context.Context, c call, in *runPath) (*attachment, error) {
		run, err := in.parse()
		if err != nil {
			return nil, err
		}
		_, result, err := c.runs.Result(ctx, c.caller(), run)
		if err != nil {
			return nil, err
		}
		file, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("encode the result of %s: %w", run, err)
		}
		return &attachment{"application/json", fmt.Sprintf(`attachment; filename="decision-%s.json"`, run), append(file, '\n')}, nil
	})
}

// ordersCSV is the orders table as a file that spreadsheets of every language
// open: UTF-8 with a byte order mark, lines ended by CR LF.
func ordersCSV(r replenish.Result) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	rows := [][]string{{
		"sku", "product_name", "supplier", "order_date", "arrives", "quantity", "unit", "packs", "unit_cost", "cost", "currency", "why",
	}}
	for _, o := range r.Orders {
		packs := ""
		if o.Packs != 0 {
			packs = decimal(o.Packs)
		}
		rows = append(rows, []string{
			tables.Harmless(o.SKU), tables.Harmless(o.Name), tables.Harmless(o.Supplier), o.OrderDate, o.Arrives, decimal(o.Quantity), tables.Harmless(o.Unit),
			packs, decimal(o.UnitCost), strconv.FormatFloat(o.Cost, 'f', 2, 64), tables.Harmless(r.Currency), tables.Harmless(o.Why),
		})
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write the orders: %w", err)
	}
	return b.Bytes(), nil
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
