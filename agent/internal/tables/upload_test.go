package tables_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/id"
)

func openDesk(t *testing.T) tables.Desk {
	t.Helper()
	factory, err := tenantstore.NewSQLiteFactory(t.TempDir(), tables.Collections())
	if err != nil {
		t.Fatal(err)
	}
	shelf := tenantstore.NewShelf(factory, 4)
	t.Cleanup(func() { _ = shelf.Close() })
	tenant := id.NewTenant()
	if err := shelf.Create(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	store, release, err := shelf.Open(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return tables.Desk{Store: store, Actor: "test"}
}

func TestManyTriedFilesNeverShutTheDoor(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	var all []id.Upload
	for n := range 25 {
		u, err := d.Upload(t.Context(), "demand.csv", fmt.Appendf(nil, "sku,week,quantity\nA,2025-01-06,%d\n", n))
		if err != nil {
			t.Fatalf("upload %d: %v", n+1, err)
		}
		all = append(all, u.ID)
	}
	if _, err := d.Find(t.Context(), all[24]); err != nil {
		t.Errorf("the newest upload is gone: %v", err)
	}
	if _, err := d.Find(t.Context(), all[5]); err != nil {
		t.Errorf("one of the newest 20 is gone: %v", err)
	}
	if _, err := d.Find(t.Context(), all[0]); !errors.Is(err, tables.ErrNoUpload) {
		t.Errorf("the oldest upload: %v, want ErrNoUpload", err)
	}
}
