package runs

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/id"
)

func TestTenantsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		for i := range 4 {
			q.push(job{"big", id.Run(fmt.Sprint("big", i))})
		}
		q.push(job{"small", "small0"})
		q.push(job{"mid", "mid0"})
		q.push(job{"mid", "mid1"})
		q.push(job{"mid", "mid1"}) // twice is once
		var order []id.Run
		ctx, stop := context.WithCancel(t.Context())
		var worker sync.WaitGroup
		worker.Go(func() {
			for {
				j, err := q.next(ctx)
				if err != nil {
					return
				}
				<-time.After(time.Second) // the work; time is the bubble's
				order = append(order, j.run)
				q.done(j.tenant)
			}
		})
		synctest.Wait()
		<-time.After(time.Minute)
		stop()
		worker.Wait()
		want := []id.Run{"big0", "small0", "mid0", "big1", "mid1", "big2", "big3"}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOneTenantNeverHoldsTwoWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var mu sync.Mutex
		working, most, finished := map[id.Tenant]int{}, 0, map[id.Tenant]time.Duration{}
		began := time.Now()
		ctx, stop := context.WithCancel(t.Context())
		var workers sync.WaitGroup
		for range 3 {
			workers.Go(func() {
				for {
					j, err := q.next(ctx)
					if err != nil {
						return
					}
					mu.Lock()
					working[j.tenant]++
					most = max(most, working[j.tenant])
					mu.Unlock()
					<-time.After(time.Second)
					mu.Lock()
					working[j.tenant]--
					finished[j.tenant] = time.Since(began)
					mu.Unlock()
					q.done(j.tenant)
				}
			})
		}
		for i := range 20 {
			q.push(job{"greedy", id.Run(fmt.Sprint(i))})
		}
		q.push(job{"late", "x"})
		<-time.After(time.Minute)
		stop()
		workers.Wait()
		if most != 1 {
			t.Errorf("a tenant held %d workers", most)
		}
		if finished["late"] != time.Second || finished["greedy"] != 20*time.Second {
			t.Errorf("late was done after %s, greedy after %s", finished["late"], finished["greedy"])
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		if _, err := q.next(ctx); err == nil {
			t.Error("there was a run")
		}
		q.push(job{"a", "1"})
		if j, err := q.next(t.Context()); err != nil || j.run != "1" {
			t.Errorf("the run was lost: %v, %v", j, err)
		}
		q.forget("a")
		if q.depth("a") != 0 {
			t.Error("forgotten runs wait")
		}
	})
}
