package simulation

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dyocense/dyocense/agent/agenttest"
	"github.com/dyocense/dyocense/controlplane/migrationtest"
)

func TestAMoveGoesThrough(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, times())
		defer func() {
			w.end()
			if t.Failed() {
				t.Log(w.lines.String())
			}
		}()
		w.conduct()
		for i := range 20 {
			must(t, w.served(func(ctx context.Context, s *agenttest.Store) error {
				_, err := s.Do(ctx, agenttest.Command{ID: fmt.Sprint(i), Kind: "test"}, func(tx *agenttest.Tx) error {
					return tx.Put(agenttest.Notes, fmt.Sprint(i%5), map[string]any{"n": i})
				})
				return err
			}))
		}
		w.begin(migrationtest.Dedicated, migrationtest.WhenReady)
		w.reach("switched")
		w.offered("accept")
		w.act("accept")
		w.reach("cleaned")
	})
	t.Log(time.Since(began))
}
