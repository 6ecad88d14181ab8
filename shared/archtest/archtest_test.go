package archtest_test

import (
	"testing"

	"github.com/dyocense/dyocense/shared/archtest"
)

// The words (contract, fault, id) know nothing that carries or stores them. bus
// names embedded for bustest, its server in a test's own process.
func TestSharedPackagesKeepTheirPlace(t *testing.T) {
	t.Parallel()
	archtest.Check(t, "github.com/dyocense/dyocense/shared", archtest.Map{
		"buildinfo": {},
		"contract":  {"fault", "features", "id"},
		"docstore":  {"fault"},
		"fault":     {},
		"features":  {},
		"id":        {"fault"},
		"openapi":   {"fault"},
		"process":   {},
		"secret":    {},
		"state":     {"fault"},
		"telemetry": {},
		"bus":       {"contract", "fault", "embedded"},
		"embedded":  {"contract", "fault", "id"},
		"tunnel":    {"contract", "fault", "id"},
	})
}
