package moves

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/product"
)

// naming are the files under dir that hold one of the words, in their names or
// their bytes.
func naming(t *testing.T, dir string, words ...string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		if err != nil {
			return err
		}
		var content []byte
		if d.Type().IsRegular() {
			if content, err = os.ReadFile(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		for _, w := range words {
			if bytes.Contains(content, []byte(w)) || bytes.Contains([]byte(filepath.Base(path)), []byte(w)) {
				rel, _ := filepath.Rel(dir, path)
				found = append(found, rel+" ("+w+")")
			}
		}
		return nil
	})
	must(t, err)
	return found
}

func TestAfterAMoveNothingOfTheTenantIsLeftAndNothingOfOthersCame(t *testing.T) {
	t.Parallel()
	h := open(t, shipped)
	ctx := within(t, 3*time.Minute)
	mia, ned := h.customer(t, "mia", "business"), h.customer(t, "ned", "business")
	moved, err := mia.Tenant(ctx)
	must(t, err)
	stays, err := ned.Tenant(ctx)
	must(t, err)
	decided(t, mia, "cafe")
	// Words that only these two tenants have, in tables, goals and titles.
	const hers, his = "Quixotic marmalade", "Zephyr lamp oil"
	for _, one := range []struct {
		c    *product.Customer
		word string
	}{{mia, hers}, {ned, his}} {
		_, err := one.c.WriteGoal(ctx, one.word)
		must(t, err)
		must(t, replaceTable(ctx, one.c, "demand", "file", columns{"sku,week,quantity", one.word + ",2025-01-06,1", tableColumns["demand"].mapping}))
	}
	others, err := ned.Goals(ctx, func(product.Goal) bool { return true })
	must(t, err)
	if len(naming(t, h.PoolDir(), moved)) == 0 || len(naming(t, h.PoolDir(), hers)) == 0 {
		t.Fatal("the pool agent's directory does not name its tenant; this test looks in the wrong place")
	}
	if _, err := move(ctx, mia, "enterprise", "accept", nil); err != nil {
		t.Fatal(err)
	}

	t.Run("the pool holds nothing of the tenant that moved", func(t *testing.T) {
		if left := naming(t, h.PoolDir(), moved, hers); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	dirs := h.DedicatedDirs()
	if len(dirs) != 1 {
		t.Fatalf("there are %d dedicated environments: %v", len(dirs), dirs)
	}
	own := ""
	for _, dir := range dirs {
		own = dir
	}
	t.Run("the dedicated environment holds the tenant and nothing of others", func(t *testing.T) {
		if len(naming(t, own, hers)) == 0 {
			t.Error("it does not hold the tenant")
		}
		if found := naming(t, own, stays, his); len(found) > 0 {
			t.Errorf("it holds of another tenant: %q", found)
		}
	})
	t.Run("the others in the pool are as they were", func(t *testing.T) {
		now, err := ned.Goals(ctx, func(product.Goal) bool { return true })
		must(t, err)
		if !slices.Equal(now, others) {
			t.Errorf("the goals of another tenant were %v, are %v", others, now)
		}
		if len(naming(t, h.PoolDir(), his)) == 0 {
			t.Error("another tenant's words are gone from the pool")
		}
	})
	t.Run("each session reaches its own agent only", func(t *testing.T) {
		pool, err := h.AgentOf(h.PoolDir())
		must(t, err)
		dedicated, err := h.AgentOf(own)
		must(t, err)
		for _, one := range []struct {
			frozen         int
			works, doesNot *product.Customer
		}{{dedicated, ned, mia}, {pool, mia, ned}} {
			must(t, product.Signal(one.frozen, syscall.SIGSTOP))
			if _, err := one.works.WriteGoal(ctx, "while the other agent is frozen"); err != nil {
				t.Errorf("a tenant depends on an agent that is not its own: %v", err)
			}
			short, stop := context.WithTimeout(ctx, time.Second)
			err := one.doesNot.Call(short, http.MethodGet, "/v1/goals", nil, nil)
			stop()
			if err == nil {
				t.Error("a tenant is served by an agent that is not its own")
			}
			must(t, product.Continue(one.frozen))
			must(t, product.Until(ctx, 30*time.Second, func() (bool, string) {
				err := one.doesNot.Call(ctx, http.MethodGet, "/v1/goals", nil, nil)
				if err != nil {
					return false, err.Error()
				}
				return true, ""
			}))
		}
	})
	t.Run("another customer cannot see or steer the move", func(t *testing.T) {
		m, err := mia.Move(ctx)
		must(t, err)
		for what, err := range map[string]error{
			"seen":    ned.Call(ctx, http.MethodGet, "/v1/moves/current", nil, nil),
			"steered": ned.Act(ctx, m.ID, "clean"),
		} {
			var refused *product.Refused
			if !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
				t.Errorf("the move is %s by a stranger: %v, want 404", what, err)
			}
		}
	})
}
