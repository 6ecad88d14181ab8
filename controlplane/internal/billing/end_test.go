package billing_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
)

func TestEndingLeavesNothingToPay(t *testing.T) {
	t.Parallel()
	t.Run("of a running subscription, however often it is asked for", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		s.pay(t, s.checkout(t, billing.Starter), good)
		s.settle(t)
		if got := s.access(t); got != billing.Active {
			t.Fatalf("access is %s", got)
		}
		for range 2 {
			if err := s.books.End(t.Context(), s.tenant); err != nil {
				t.Fatal(err)
			}
		}
		if a := s.account(t); a.Snapshot.Status != billing.StatusCanceled {
			t.Errorf("the subscription is %s", a.Snapshot.Status)
		}
	})
	t.Run("of an open checkout", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		page := s.checkout(t, billing.Starter)
		if err := s.books.End(t.Context(), s.tenant); err != nil {
			t.Fatal(err)
		}
		if _, text := s.visit(t, page); !strings.Contains(text, "This checkout has expired") {
			t.Errorf("the page can still be paid: %s", text)
		}
	})
	t.Run("of who never bought anything", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		if err := s.books.End(t.Context(), s.tenant); err != nil {
			t.Error(err)
		}
	})
	t.Run("not while the payment service does not answer", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		s.pay(t, s.checkout(t, billing.Starter), good)
		s.settle(t)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := s.books.End(ctx, s.tenant); err == nil || errors.Is(err, billing.ErrNotSubscribed) {
			t.Errorf("End = %v", err)
		}
	})
	t.Run("and the account can be forgotten", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		s.checkout(t, billing.Starter)
		for range 2 {
			if err := s.books.Forget(t.Context(), s.tenant); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.books.Holds(t.Context(), s.tenant); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}
