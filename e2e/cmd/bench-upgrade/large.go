package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/dyocense/dyocense/agent/storebench"
	"github.com/dyocense/dyocense/e2e/figures"
	"github.com/dyocense/dyocense/e2e/product"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	neighbours = 5
	steady     = 20.0 // writes a second of each customer beside the copying
	baseline   = 8 * time.Second
	batch      = 1000 // documents of a plain loop
	manyReady  = 60.0 // seconds
)

// large moves a tenant with many documents up to the switch: alone, between two
// runs of a plain loop over the same documents; and again while it and others
// write.
func (b *bench) large() error {
	options := product.Options{Program: b.program, Data: filepath.Join(b.dir, "large")}
	p, err := product.Start(b.ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = p.Stop() }()
	s := &switches{b: b, p: p}
	c, err := s.customer("large")
	if err != nil {
		return err
	}
	var others []*product.Customer
	for n := range neighbours {
		other, err := s.customer(fmt.Sprintf("neighbour%d", n))
		if err != nil {
			return err
		}
		others = append(others, other)
	}
	file, err := b.fill(p, c)
	if err != nil {
		return fmt.Errorf("fill the tenant: %w", err)
	}
	if p, err = product.Start(b.ctx, options); err != nil {
		return err
	}
	defer func() { _ = p.Stop() }()
	c = c.Moved(p)
	for i := range others {
		others[i] = others[i].Moved(p)
	}

	before, count, err := b.naive(file)
	if err != nil {
		return fmt.Errorf("plain loop: %w", err)
	}
	raw, err := b.raw(file)
	if err != nil {
		return fmt.Errorf("bare inserts: %w", err)
	}
	alone, ready, err := b.copied(c)
	if err != nil {
		return fmt.Errorf("move alone: %w", err)
	}
	after, _, err := b.naive(file)
	if err != nil {
		return fmt.Errorf("plain loop: %w", err)
	}
	if alone.Progress.DocumentsTotal < int64(count) {
		return fmt.Errorf("the move had %d documents, the file %d", alone.Progress.DocumentsTotal, count)
	}
	b.compared(alone, ready, (before+after)/2, raw, count)
	return b.beside(p, c, others)
}

// fill stops the product and fills the customer's file: in memory, where a write
// need not wait for the disk. A second copy is left for the plain loop.
func (b *bench) fill(p *product.Product, c *product.Customer) (file string, err error) {
	var session struct{ Tenant struct{ ID id.Tenant } }
	if err := c.Call(b.ctx, http.MethodGet, "/v1/session", nil, &session); err != nil {
		return "", err
	}
	if err := p.Stop(); err != nil {
		return "", err
	}
	tenant, agent := session.Tenant.ID, filepath.Join(p.Data, "pool-agent")
	scratch, err := os.MkdirTemp(memory(), "bench-upgrade-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	filling := storebench.File(scratch, tenant)
	if err := copyFile(storebench.File(agent, tenant), filling); err != nil {
		return "", err
	}
	// One caller: each goal is an entry of the journal, as when people write them.
	if err := storebench.Fill(b.ctx, scratch, tenant, b.documents, 1); err != nil {
		return "", err
	}
	if err := copyFile(filling, storebench.File(agent, tenant)); err != nil {
		return "", err
	}
	file = filepath.Join(b.dir, "source", "t.db")
	return file, copyFile(filling, file)
}

// memory is a folder in memory, or "" for the usual one.
func memory() string {
	const shared = "/dev/shm"
	if _, err := os.Stat(shared); err != nil {
		return ""
	}
	return shared
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// stores opens a file that is filled and an empty one, as the agent would.
func (b *bench) stores(file string) (from, to *sqlitestore.Store, done func(), err error) {
	dir, err := os.MkdirTemp(b.dir, "plain-")
	if err != nil {
		return nil, nil, nil, err
	}
	options := sqlitestore.Options{Readers: 4, CacheKiB: 512}
	if from, err = sqlitestore.Open(file, options); err != nil {
		return nil, nil, nil, err
	}
	if to, err = sqlitestore.Open(filepath.Join(dir, "copy.db"), options); err != nil {
		return nil, nil, nil, errors.Join(err, from.Close())
	}
	done = func() { _, _, _ = from.Close(), to.Close(), os.RemoveAll(dir) }
	for _, s := range []*sqlitestore.Store{from, to} {
		if err := s.Ensure(b.ctx, storebench.Collections()...); err != nil {
			done()
			return nil, nil, nil, err
		}
	}
	return from, to, done, nil
}

// pages calls f with all documents of a collection, a page after the other.
func pages(ctx context.Context, s docstore.Store, collection string, f func([]docstore.Op) error) error {
	q := docstore.Query{Limit: batch}
	for {
		page, err := s.Find(ctx, collection, q)
		if err != nil {
			return err
		}
		ops := make([]docstore.Op, len(page.Docs))
		for i, d := range page.Docs {
			ops[i] = docstore.Op{Kind: docstore.OpInsert, Collection: collection, Doc: d}
		}
		if len(ops) > 0 {
			if err := f(ops); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}

// naive copies everything with a plain loop: a page is read, then it is written.
func (b *bench) naive(file string) (took time.Duration, count int, err error) {
	from, to, done, err := b.stores(file)
	if err != nil {
		return 0, 0, err
	}
	defer done()
	began := time.Now()
	for _, c := range storebench.Collections() {
		err := pages(b.ctx, from, c.Name, func(ops []docstore.Op) error {
			count += len(ops)
			return to.Batch(b.ctx, ops...)
		})
		if err != nil {
			return 0, 0, err
		}
	}
	return time.Since(began), count, nil
}

// raw is how long the writing alone takes: the documents are in memory.
func (b *bench) raw(file string) (time.Duration, error) {
	from, to, done, err := b.stores(file)
	if err != nil {
		return 0, err
	}
	defer done()
	var all [][]docstore.Op
	for _, c := range storebench.Collections() {
		err := pages(b.ctx, from, c.Name, func(ops []docstore.Op) error {
			all = append(all, ops)
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	began := time.Now()
	for _, ops := range all {
		if err := to.Batch(b.ctx, ops...); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// copied moves the customer up to the switch and gives the move up; ready is from
// the click until the page says that it can be switched.
func (b *bench) copied(c *product.Customer) (m move, ready time.Duration, err error) {
	began := time.Now()
	if err := begin(b.ctx, c, "enterprise"); err != nil {
		return m, 0, err
	}
	if m, err = until(b.ctx, c, readyToSwitch); err != nil {
		return m, 0, err
	}
	ready = time.Since(began)
	if err := press(b.ctx, c, m, "abort"); err != nil {
		return m, 0, err
	}
	_, err = until(b.ctx, c, over)
	return m, ready, err
}

// compared prints the move beside the plain loop.
func (b *bench) compared(m move, ready, naive, raw time.Duration, count int) {
	rate := func(d time.Duration) float64 { return float64(count) / d.Seconds() }
	copying, verifying := m.spent("copying"), m.spent("verifying")
	r := b.report
	r.Info("large tenant: documents, journal included", float64(count), "", figures.Higher)
	r.Info("large tenant: content", float64(m.Progress.BytesCopied)/1e6, "MB", figures.Higher)
	r.Info("bare inserts, 1000 at a time", rate(raw), "1/s", figures.Higher)
	r.Info("plain loop of find and insert", rate(naive), "1/s", figures.Higher)
	r.Info("copy, each read back", rate(copying), "1/s", figures.Higher)
	r.Info("comparison of all rows on both sides", rate(verifying), "1/s", figures.Higher)
	r.Bar("click to ready", ready.Seconds(), "s", figures.Lower, manyReady)
	r.Bar("copy, each read back, over plain loop", naive.Seconds()/copying.Seconds(), "x", figures.Higher, 0.7)
	r.Bar("copy, each read back, over bare inserts", raw.Seconds()/copying.Seconds(), "x", figures.Higher, 0.4)
	r.Bar("comparison over plain loop", naive.Seconds()/verifying.Seconds(), "x", figures.Higher, 1)
	r.Bar("click to ready over plain loop", ready.Seconds()/naive.Seconds(), "x", figures.Lower, 2.5)
}

// beside moves the customer again while it and its neighbours write.
func (b *bench) beside(p *product.Product, c *product.Customer, others []*product.Customer) error {
	prober, err := startProber(b.ctx, p.URL)
	if err != nil {
		return err
	}
	defer func() { _ = prober.stop() }()
	senders := []sender{senderOf(c, steady)}
	for _, other := range others {
		senders = append(senders, senderOf(other, steady))
	}
	if err := prober.run(senders...); err != nil {
		return err
	}
	if err := pass(b.ctx, time.Second); err != nil { // connections and stores open
		return err
	}
	start := time.Now()
	if err := pass(b.ctx, baseline); err != nil {
		return err
	}
	clicked := time.Now()
	if err := begin(b.ctx, c, "enterprise"); err != nil {
		return err
	}
	m, err := until(b.ctx, c, readyToSwitch)
	if err != nil {
		return err
	}
	ready := time.Now()
	all, err := prober.take()
	if err != nil {
		return err
	}
	self := func(name string) bool { return name == c.Email }
	rest := func(name string) bool { return name != c.Email }
	r := b.report
	r.Info("beside writes: click to ready", ready.Sub(clicked).Seconds(), "s", figures.Lower)
	r.Info("beside writes: copy", m.spent("copying").Seconds(), "s", figures.Lower)
	for _, who := range []struct {
		name string
		is   func(string) bool
		bar  float64
	}{{fmt.Sprintf("%d neighbours", len(others)), rest, 1.1}, {"the tenant itself", self, 1.2}} {
		calm, _ := times(all, who.is, start, clicked)
		busy, _ := times(all, who.is, clicked, ready)
		r.Info(who.name+": write before, p50", figures.Quantile(calm, 0.5), "ms", figures.Lower)
		r.Info(who.name+": write before, p99", figures.Quantile(calm, 0.99), "ms", figures.Lower)
		r.Info(who.name+": write while it is copied, p50", figures.Quantile(busy, 0.5), "ms", figures.Lower)
		r.Info(who.name+": write while it is copied, p99", figures.Quantile(busy, 0.99), "ms", figures.Lower)
		r.Bar(who.name+": p99 while it is copied over before", figures.Quantile(busy, 0.99)/figures.Quantile(calm, 0.99), "x", figures.Lower, who.bar)
	}
	_, failed := times(all, self, start, ready)
	for i, why := range failed {
		if i == 10 {
			break
		}
		fmt.Fprintln(os.Stderr, "beside the copy: failed:", why)
	}
	r.Bar(fmt.Sprintf("writes of customers that failed beside the copy, of %d", len(all)), float64(len(failed)), "", figures.Lower, 0)
	return nil
}
