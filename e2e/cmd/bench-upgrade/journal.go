package main

import (
	"os"
	"path/filepath"

	"github.com/dyocense/dyocense/agent/storebench"
	"github.com/dyocense/dyocense/e2e/figures"
)

const (
	journalWrites = 3000
	journalBar    = 1.8
)

// journal measures what a write costs because it is journaled.
func (b *bench) journal() error {
	dir := filepath.Join(b.dir, "journal")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	commands, bare, err := storebench.Journal(b.ctx, dir, journalWrites)
	if err != nil {
		return err
	}
	b.report.Info("write with journal and checkpoint, p50", figures.Quantile(commands, 0.5), "ms", figures.Lower)
	b.report.Info("write with journal and checkpoint, p99", figures.Quantile(commands, 0.99), "ms", figures.Lower)
	b.report.Info("bare write of the same document, p50", figures.Quantile(bare, 0.5), "ms", figures.Lower)
	b.report.Info("bare write of the same document, p99", figures.Quantile(bare, 0.99), "ms", figures.Lower)
	b.report.Bar("write with journal over bare write, p50", figures.Quantile(commands, 0.5)/figures.Quantile(bare, 0.5), "x", figures.Lower, journalBar)
	return nil
}
