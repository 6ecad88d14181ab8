package tables

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

// ErrTooManyLocations is the fault of a stock table beyond what the plan allows.
var ErrTooManyLocations = fault.New(fault.Exhausted, "tables.locations_used", "The file has more locations than your plan allows.")

func tooManyLocations(have, most int) error {
	allowed := strconv.Itoa(most) + " locations"
	if most == 1 {
		allowed = "one location"
	}
	return ErrTooManyLocations.Saying(
		"The file has %d locations and your plan allows %s, so nothing was stored. Upload a file with fewer, leave the column out, or choose a larger plan under Plans.", have, allowed).With(
		fault.Detail{Location: "used", Message: strconv.Itoa(have)},
		fault.Detail{Location: "limit", Message: strconv.Itoa(most)},
		fault.Detail{Location: "upgrade", Message: "/plans"},
	)
}

// locations are the different locations of the stock, in the order of the file; case
// makes no difference. Stock without a location is at one place that has no name.
func (d Dataset) locations() []string {
	var names []string
	known := map[string]bool{}
	for _, l := range d.Stock {
		if key := strings.ToLower(strings.TrimSpace(l.Location)); !known[key] {
			known[key] = true
			names = append(names, strings.TrimSpace(l.Location))
		}
	}
	return names
}

// documents is what Locations reads; a tenant's store is one.
type documents interface {
	Get(ctx context.Context, collection, id string, into any) error
}

// Locations are the locations of the stock table in force, [""] for stock that names
// none, empty without stock.
func Locations(ctx context.Context, from documents) ([]string, error) {
	var t storedTable
	err := from.Get(ctx, tables, string(Stock), &t)
	switch {
	case errors.Is(err, docstore.ErrNotFound):
		return []string{}, nil
	case err != nil:
		return nil, fmt.Errorf("read the stock table: %w", err)
	case len(t.Locations) == 0: // kept before locations were known
		return []string{""}, nil
	}
	return t.Locations, nil
}
