package process_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dyocense/dyocense/shared/process"
)

func TestRun(t *testing.T) {
	t.Parallel()
	wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

	t.Run("ends without error when its context ends", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		ready := func(ctx context.Context) error { cancel(); return wait(ctx) }
		if err := process.Run(ctx, process.Part{Name: "a", Run: ready}, process.Part{Name: "b", Run: wait}); err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	t.Run("stops all when one breaks and names it", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("no disk")
		err := process.Run(t.Context(),
			process.Part{Name: "quiet", Run: wait},
			process.Part{Name: "store", Run: func(context.Context) error { return broken }})
		if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "store: ") {
			t.Errorf("Run = %v, want store: no disk", err)
		}
	})
	t.Run("counts a part that just returns as broken", func(t *testing.T) {
		t.Parallel()
		err := process.Run(t.Context(), process.Part{Name: "short", Run: func(context.Context) error { return nil }})
		if err == nil || err.Error() != "short stopped by itself" {
			t.Errorf("Run = %v", err)
		}
	})
	t.Run("stops the last part first", func(t *testing.T) {
		t.Parallel()
		var (
			mu    sync.Mutex
			order []string
		)
		note := func(name string) process.Part {
			return process.Part{Name: name, Run: func(ctx context.Context) error {
				<-ctx.Done()
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
				return nil
			}}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := process.Run(ctx, note("store"), note("bus"), note("http")); err != nil {
			t.Fatal(err)
		}
		if want := []string{"http", "bus", "store"}; !slices.Equal(order, want) {
			t.Errorf("stopped in order %v, want %v", order, want)
		}
	})
}
