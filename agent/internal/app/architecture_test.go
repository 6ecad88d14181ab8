package app_test

import (
	"testing"

	"github.com/dyocense/dyocense/shared/archtest"
)

// The table of ARCHITECTURE.md. app is not in it: it may import all.
func TestImportsFollowTheMap(t *testing.T) {
	t.Parallel()
	archtest.Check(t, "github.com/dyocense/dyocense/agent/internal", archtest.Map{
		"api":         {"runs", "tables", "tenantstore"},
		"bundle":      {"runs", "tables", "tenantstore"},
		"command":     {"bundle", "tenantstore"},
		"runs":        {"tables", "tenantstore"},
		"session":     {},
		"tables":      {"tenantstore"},
		"tenantstore": {},
		"transfer":    {"tenantstore"},
	})
}

// The kernel is a library that knows no network and nothing around it.
func TestTheKernelKnowsNothingAroundIt(t *testing.T) {
	t.Parallel()
	archtest.Check(t, "github.com/dyocense/dyocense/agent", archtest.Map{
		"kernel": {},
	})
}
