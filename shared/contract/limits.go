package contract

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits are what a tenant's plan allows, as the control plane knows them when it
// sends a request. The agent enforces them, because the data to count is there. 0 is
// unlimited.
type Limits struct {
	Decisions int `json:"decisions,omitempty"` // in the period
	Locations int `json:"locations,omitempty"`
	// The period is the month of the subscription in which the request is made.
	PeriodStart time.Time `json:"periodStart,omitzero"`
	PeriodEnd   time.Time `json:"periodEnd,omitzero"` // first moment of the next
}

// LimitsHeader carries Limits in the head of a tunnelled request. The gateway alone
// sets it; an agent that does not know it lets everything through, as before.
const LimitsHeader = "Dyocense-Limits"

// IsZero says that nothing is limited and no period is known.
func (l Limits) IsZero() bool { return l == Limits{} }

// Header is l as the value of LimitsHeader.
func (l Limits) Header() (string, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("encode limits: %w", err)
	}
	return string(b), nil
}

// ReadLimits reads the value of LimitsHeader. It fails with ErrMalformed. Fields that
// it does not know are of a newer control plane and limit nothing here.
func ReadLimits(value string) (Limits, error) {
	var l Limits
	if err := json.Unmarshal([]byte(value), &l); err != nil {
		return Limits{}, ErrMalformed.Because(err)
	}
	if l.Decisions < 0 || l.Locations < 0 || l.PeriodEnd.Before(l.PeriodStart) {
		return Limits{}, ErrMalformed
	}
	return l, nil
}

// SpentHeader is in the answer to a new run: how many decisions of how many are used,
// "8/10". It is absent where nothing is limited.
const SpentHeader = "Dyocense-Decisions"

// Spent is the value of SpentHeader.
func Spent(used, limit int) string { return strconv.Itoa(used) + "/" + strconv.Itoa(limit) }

// ReadSpent reads the value of SpentHeader. ok is false for anything else.
func ReadSpent(value string) (used, limit int, ok bool) {
	u, l, _ := strings.Cut(value, "/")
	used, uerr := strconv.Atoi(u)
	limit, lerr := strconv.Atoi(l)
	return used, limit, uerr == nil && lerr == nil && used >= 0 && limit > 0
}
