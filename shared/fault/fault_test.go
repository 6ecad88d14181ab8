package fault_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/shared/fault"
)

var errSeats = fault.New(fault.Exhausted, "tenancy.seats", "All seats of your plan are taken.")

func TestFault(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("invite: %w", errSeats.Because(io.ErrUnexpectedEOF))

	t.Run("is known by its code, however it is wrapped", func(t *testing.T) {
		t.Parallel()
		if !errors.Is(wrapped, errSeats) || errors.Is(wrapped, fault.New(fault.Exhausted, "tenancy.other", "")) {
			t.Error("errors.Is must go by the code")
		}
		if fault.KindOf(wrapped) != fault.Exhausted || fault.KindOf(io.EOF) != fault.Internal || fault.KindOf(nil) != "" {
			t.Error("KindOf is wrong")
		}
	})
	t.Run("keeps its cause for the log and from the customer", func(t *testing.T) {
		t.Parallel()
		if !errors.Is(wrapped, io.ErrUnexpectedEOF) || !strings.Contains(wrapped.Error(), "unexpected EOF") {
			t.Error("the cause is lost to the log")
		}
		p := fault.ProblemOf(wrapped)
		if p.Status != http.StatusPaymentRequired || p.Code != "tenancy.seats" || strings.Contains(p.Detail, "EOF") || p.Retryable {
			t.Errorf("problem = %+v", p)
		}
	})
	t.Run("tells nothing of an error without a meaning", func(t *testing.T) {
		t.Parallel()
		p := fault.ProblemOf(errors.New("pq: password of admin is hunter2"))
		if p.Kind != fault.Internal || strings.Contains(p.Detail, "hunter2") || !p.Retryable {
			t.Errorf("problem = %+v", p)
		}
	})
	t.Run("says when to try again only if it was told", func(t *testing.T) {
		t.Parallel()
		later := fmt.Errorf("forward: %w", errSeats.After(2*time.Second))
		if got := fault.RetryAfter(later); got != 2*time.Second || !errors.Is(later, errSeats) {
			t.Errorf("RetryAfter = %s", got)
		}
		if fault.RetryAfter(wrapped) != 0 || fault.RetryAfter(io.EOF) != 0 || fault.RetryAfter(nil) != 0 {
			t.Error("a wait out of nowhere")
		}
	})
	t.Run("is not changed by With, Saying or Because", func(t *testing.T) {
		t.Parallel()
		other := errSeats.With(fault.Detail{Location: "body.email", Message: "is wrong"}).Saying("%d seats are taken.", 3)
		if len(errSeats.Details) != 0 || errSeats.Message == other.Message || len(other.Details) != 1 || !errors.Is(other, errSeats) {
			t.Errorf("the declared fault is now %+v", errSeats)
		}
	})
}
