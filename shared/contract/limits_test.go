package contract_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
)

func TestLimitsCrossTheTunnelAsTheyAre(t *testing.T) {
	t.Parallel()
	l := contract.Limits{
		Decisions: 10, Locations: 1,
		PeriodStart: time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC), PeriodEnd: time.Date(2026, 2, 28, 9, 0, 0, 0, time.UTC),
	}
	value, err := l.Header()
	if want := `{"decisions":10,"locations":1,"periodStart":"2026-01-31T09:00:00Z","periodEnd":"2026-02-28T09:00:00Z"}`; err != nil || value != want {
		t.Errorf("Header = %s, %v; want %s: agents of every version read it", value, err, want)
	}
	if got, err := contract.ReadLimits(value); err != nil || got != l {
		t.Errorf("ReadLimits = %+v, %v", got, err)
	}
	if got, err := contract.ReadLimits(`{"decisions":3,"newer":true}`); err != nil || got.Decisions != 3 {
		t.Errorf("of a newer control plane: %+v, %v", got, err)
	}
	for _, bad := range []string{"", "x", `{"decisions":-1}`, `{"periodStart":"2026-02-01T00:00:00Z","periodEnd":"2026-01-01T00:00:00Z"}`} {
		if _, err := contract.ReadLimits(bad); !errors.Is(err, contract.ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if used, limit, ok := contract.ReadSpent(contract.Spent(8, 10)); used != 8 || limit != 10 || !ok {
		t.Errorf("ReadSpent = %d %d %t", used, limit, ok)
	}
	for _, bad := range []string{"", "8", "8/", "/10", "8/0", "-1/10", "a/b"} {
		if _, _, ok := contract.ReadSpent(bad); ok {
			t.Errorf("%q is believed", bad)
		}
	}
}
