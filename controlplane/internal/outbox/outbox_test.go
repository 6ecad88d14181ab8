package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/id"
)

type account struct {
	outbox.Box
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

const accounts = "accounts"

func open(t *testing.T) docstore.Store {
	t.Helper()
	s, err := sqlitestore.Open(filepath.Join(t.TempDir(), "control.db"), sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Ensure(t.Context(), docstore.Collection{Name: accounts, Indexes: []docstore.Index{outbox.Index()}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// core records what is published, and fails while down.
type core struct {
	mu    sync.Mutex
	down  bool
	kinds []string
	ids   map[id.Event]int
	got   chan string // receives each published kind
}

func newCore() *core { return &core{ids: map[id.Event]int{}, got: make(chan string, 100)} }

func (c *core) publish(_ context.Context, e contract.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return errors.New("core is down")
	}
	c.kinds = append(c.kinds, e.Type)
	c.ids[e.ID]++
	c.got <- e.Type
	return nil
}

func announce(t *testing.T, s docstore.Store, name string, kinds ...string) {
	t.Helper()
	a := account{Name: name, Tags: []string{"x"}}
	for _, k := range kinds {
		if err := a.Announce(k, id.NewTenant(), map[string]int{"n": 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := docstore.TableOf[account](s, accounts).Insert(t.Context(), name, a); err != nil {
		t.Fatal(err)
	}
}

func TestRelay(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)

	t.Run("publishes in order, then empties the box and nothing else", func(t *testing.T) {
		t.Parallel()
		s, c := open(t), newCore()
		announce(t, s, "acme", "account.opened", "account.named", "account.tagged")
		r := outbox.NewRelay(s, c.publish, quiet, accounts)
		for range 2 {
			if err := r.Sweep(t.Context(), accounts); err != nil {
				t.Fatal(err)
			}
		}
		if want := []string{"account.opened", "account.named", "account.tagged"}; !slices.Equal(c.kinds, want) {
			t.Errorf("published %v, want %v once", c.kinds, want)
		}
		row, err := docstore.TableOf[account](s, accounts).Get(t.Context(), "acme")
		if err != nil || row.Value.Name != "acme" || len(row.Value.Tags) != 1 || len(row.Value.Outbox) != 0 {
			t.Errorf("the document is now %+v, %v", row.Value, err)
		}
	})
	t.Run("keeps what cannot be published", func(t *testing.T) {
		t.Parallel()
		s, c := open(t), newCore()
		announce(t, s, "acme", "account.opened")
		c.down = true
		r := outbox.NewRelay(s, c.publish, quiet, accounts)
		if err := r.Sweep(t.Context(), accounts); err == nil {
			t.Error("Sweep hides that core is down")
		}
		c.down = false
		if err := r.Sweep(t.Context(), accounts); err != nil || len(c.kinds) != 1 {
			t.Errorf("published %v, %v; want the kept event", c.kinds, err)
		}
	})
	t.Run("loses nothing that is announced while it publishes", func(t *testing.T) {
		t.Parallel()
		s, c := open(t), newCore()
		announce(t, s, "acme", "account.opened")
		table := docstore.TableOf[account](s, accounts)
		meddle := sync.OnceFunc(func() {
			if _, err := table.Update(t.Context(), "acme", func(a *account) error {
				return a.Announce("account.renamed", id.NewTenant(), nil)
			}); err != nil {
				t.Error(err)
			}
		})
		r := outbox.NewRelay(s, func(ctx context.Context, e contract.Event) error {
			meddle()
			return c.publish(ctx, e)
		}, quiet, accounts)
		for range 2 {
			if err := r.Sweep(t.Context(), accounts); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Contains(c.kinds, "account.renamed") {
			t.Errorf("published %v, want account.renamed too", c.kinds)
		}
		for e, n := range c.ids {
			if n > 2 {
				t.Errorf("%s was published %d times", e, n)
			}
		}
	})
	t.Run("wakes for a write and finds what was there before it started", func(t *testing.T) {
		t.Parallel()
		s, c := open(t), newCore()
		announce(t, s, "early", "account.opened")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		r := outbox.NewRelay(s, c.publish, quiet, accounts)
		go func() { done <- r.Run(ctx) }()
		<-c.got
		announce(t, s, "late", "account.opened")
		<-c.got
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Run("sweeps more boxes than fit a page", func(t *testing.T) {
		t.Parallel()
		s, c := open(t), newCore()
		c.got = make(chan string, 1000)
		for n := range 450 {
			announce(t, s, fmt.Sprintf("a%03d", n), "account.opened")
		}
		if err := outbox.NewRelay(s, c.publish, quiet, accounts).Sweep(t.Context(), accounts); err != nil || len(c.kinds) != 450 {
			t.Errorf("published %d events, %v; want 450", len(c.kinds), err)
		}
	})
}
