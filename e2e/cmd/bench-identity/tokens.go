package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/dyocense/dyocense/controlplane/identitybench"
	"github.com/dyocense/dyocense/e2e/figures"
)

const (
	tokenTurns = 9
	tokenTrips = 4000 // of each caller in a turn
)

// tokens compares the verification of an access token with the library alone, and
// tells what a whole request costs before its operation begins.
func (b *bench) tokens() error {
	dir, err := b.scratch("tokens")
	if err != nil {
		return err
	}
	t, err := identitybench.OpenTokens(b.ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = t.Close() }()
	token, err := t.SignIn(b.ctx)
	if err != nil {
		return err
	}
	key, err := t.Key(b.ctx)
	if err != nil {
		return err
	}
	callers := runtime.GOMAXPROCS(0)
	var ratios []float64
	best := map[string]float64{}
	for range tokenTurns {
		turn := map[string]float64{}
		for name, do := range map[string]func(caller, i int) error{
			"alone":  func(int, int) error { return t.VerifyAlone(token) },
			"verify": func(int, int) error { return t.Verify(token) },
			"token":  func(int, int) error { return t.Authenticate(b.ctx, token) },
			"key":    func(int, int) error { return t.Authenticate(b.ctx, key) },
		} {
			if turn[name], err = rate(callers, tokenTrips, do); err != nil {
				return err
			}
			best[name] = max(best[name], turn[name])
		}
		ratios = append(ratios, turn["verify"]/turn["alone"])
	}
	b.report.Info("golang-jwt alone", best["alone"], "1/s", figures.Higher)
	b.report.Info("access tokens verified", best["verify"], "1/s", figures.Higher)
	b.report.Bar("access tokens verified over golang-jwt alone, median of turns", median(ratios), "x", figures.Higher, 0.8)
	b.report.Info("requests let in by an access token, with family and membership", best["token"], "1/s", figures.Higher)
	b.report.Info("requests let in by an API key, with membership", best["key"], "1/s", figures.Higher)
	return nil
}

// scratch is a directory of its own for one part.
func (b *bench) scratch(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
