package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"

	"golang.org/x/crypto/argon2"

	"github.com/dyocense/dyocense/e2e/figures"
	"github.com/dyocense/dyocense/e2e/product"
)

const (
	signInTurns = 6 // the two take turns, so that a busy moment hits both
	// Each person signs in once a turn: the product lets one address try eight times.
	personsPerCaller = 12
)

// signIn compares whole sign-ins over HTTP, with the session on disk, with what
// nothing can be faster than: the computation of the password's hash, as many at a
// time as the product does.
func (b *bench) signIn() error {
	p, err := product.Start(b.ctx, product.Options{Program: b.program, Data: filepath.Join(b.dir, "sign-in")})
	if err != nil {
		return err
	}
	defer func() { _ = p.Stop() }()
	callers := max(2, runtime.GOMAXPROCS(0))
	persons := make([]*product.Customer, callers*personsPerCaller)
	for i := range persons {
		persons[i] = p.NewCustomer(fmt.Sprintf("ada%d@example.com", i))
		if err := persons[i].SignUp(b.ctx, "Herons Ltd"); err != nil {
			return err
		}
	}
	var ratios []float64
	var product, alone float64
	for range signInTurns {
		raw, err := rate(callers, personsPerCaller, func(int, int) error {
			argon2.IDKey([]byte("a long enough password"), []byte("sixteen bytes of"), 2, 19456, 1, 32)
			return nil
		})
		if err != nil {
			return err
		}
		whole, err := rate(callers, personsPerCaller, func(caller, i int) error {
			c := persons[caller*personsPerCaller+i]
			return c.Call(b.ctx, http.MethodPost, "/v1/session", map[string]string{"email": c.Email, "password": password}, nil)
		})
		if err != nil {
			return err
		}
		ratios = append(ratios, whole/raw)
		product, alone = max(product, whole), max(alone, raw)
	}
	b.report.Info("argon2id alone (19 MiB, 2 passes)", alone, "1/s", figures.Higher)
	b.report.Info("sign-ins over HTTP", product, "1/s", figures.Higher)
	b.report.Bar("sign-ins over argon2id alone, median of turns", median(ratios), "x", figures.Higher, 0.9)
	return nil
}

// password of every customer; the computation above takes one as long.
const password = product.Password
