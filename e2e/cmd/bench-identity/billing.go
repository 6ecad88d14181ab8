package main

import (
	"fmt"
	"time"

	"github.com/dyocense/dyocense/controlplane/identitybench"
	"github.com/dyocense/dyocense/e2e/figures"
)

const (
	noticeTurns   = 5
	noticeCallers = 32
	noticesEach   = 100 // of each caller in a turn
	buyers        = 8   // at a time; one sandbox serves them all
)

// notices takes signed notices of payments in, as a provider sends them after an
// outage: each is on disk before it is answered for.
func (b *bench) notices() error {
	dir, err := b.scratch("notices")
	if err != nil {
		return err
	}
	shop, err := identitybench.OpenBilling(b.ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = shop.Close() }()
	best, next := 0.0, 0
	for range noticeTurns {
		first := next
		next += noticeCallers * noticesEach
		absorbed, err := rate(noticeCallers, noticesEach, func(caller, i int) error {
			payload, signature := shop.Notice(first + caller*noticesEach + i)
			return shop.Receive(b.ctx, payload, signature)
		})
		if err != nil {
			return err
		}
		best = max(best, absorbed)
	}
	b.report.Bar("payment notices absorbed, 32 at a time", best, "1/s", figures.Higher, 1000)
	return nil
}

// reconcile compares every tenant with the provider, as happens without any notice.
func (b *bench) reconcile() error {
	dir, err := b.scratch("reconcile")
	if err != nil {
		return err
	}
	shop, err := identitybench.OpenBilling(b.ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = shop.Close() }()
	// The first purchase makes the price list; eight at once would be in each other's way.
	if err := shop.Buy(b.ctx); err != nil {
		return fmt.Errorf("sell a plan: %w", err)
	}
	each := max(1, b.tenants/buyers)
	if _, err := rate(buyers, each, func(int, int) error { return shop.Buy(b.ctx) }); err != nil {
		return fmt.Errorf("sell plans: %w", err)
	}
	began := time.Now()
	if err := shop.Reconcile(b.ctx); err != nil {
		return err
	}
	took := time.Since(began)
	active, err := shop.Active(b.ctx)
	if err != nil {
		return err
	}
	if active != each*buyers+1 {
		return fmt.Errorf("%d of %d tenants have their plan after the reconcile", active, each*buyers+1)
	}
	b.report.Info(fmt.Sprintf("reconcile of %d tenants whose notices were all lost", active), took.Seconds(), "s", figures.Lower)
	b.report.Info("the same, tenants", float64(active)/took.Seconds(), "1/s", figures.Higher)
	return nil
}
