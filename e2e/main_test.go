// Package e2e holds tests of the whole product: the built programs as processes,
// used over their public address. Make builds them first: make e2e.
package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/product"
)

var program = func() string {
	if p := os.Getenv("DYOCENSE_CONTROL_PLANE_PROGRAM"); p != "" {
		return p
	}
	return "../bin/dyocense-controlplane"
}()

// start runs a product of the test's own, on fresh data, and stops it at the end.
// When the test fails, the end of the programs' log is shown.
func start(t *testing.T, data string) *product.Product {
	t.Helper()
	path, err := filepath.Abs(program)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the product is not built; run make e2e: %v", err)
	}
	p, err := product.Start(context.Background(), product.Options{Program: path, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Kill()
		if t.Failed() {
			log, _ := os.ReadFile(data + ".log")
			t.Logf("the programs' log ends with:\n%s", log[max(0, len(log)-6000):])
		}
	})
	awaitReady(t, p)
	return p
}

func awaitReady(t *testing.T, p *product.Product) {
	t.Helper()
	err := product.Until(t.Context(), 30*time.Second, func() (bool, string) {
		h, err := p.Health(t.Context())
		if err != nil {
			return false, err.Error()
		}
		for _, c := range h.Components {
			if c.Name == "pool agent" && c.State != "ready" {
				return false, c.Reason
			}
		}
		return true, ""
	})
	if err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// customer is signed up, has paid and is ready.
func customer(t *testing.T, p *product.Product, name string) *product.Customer {
	t.Helper()
	c := p.NewCustomer(name + "@example.com")
	if _, err := c.Become(t.Context(), "The "+name+" company", "growth"); err != nil {
		t.Fatal(err)
	}
	return c
}

// sample finds a sample business by its name.
func sample(t *testing.T, c *product.Customer, id string) product.Sample {
	t.Helper()
	all, err := c.Samples(t.Context())
	must(t, err)
	for _, s := range all {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("there is no sample %q among %v", id, all)
	return product.Sample{}
}

// tables are what the tenant's three tables hold, by kind.
func tables(t *testing.T, c *product.Customer) map[string]int {
	t.Helper()
	var answer struct {
		Tables []struct {
			Kind string
			Rows int
		}
	}
	must(t, c.Call(t.Context(), http.MethodGet, "/v1/tables", nil, &answer))
	rows := map[string]int{}
	for _, one := range answer.Tables {
		rows[one.Kind] = one.Rows
	}
	return rows
}

func describe(v any) string { return fmt.Sprintf("%+v", v) }
